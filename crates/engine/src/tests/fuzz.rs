//! Twenty thousand random commands a seed: invariants after each, replay equal to what was.

use super::*;
use coulisse_types::command::{
    AccountConfigure, FeeTierSet, GroupCreate, InstrumentConfigure, KeyCreate, KillReset,
    KillSwitch, LimitSet, MarkSet, NodeStarted, OrderCancelAll, RiskStateSet, Tick, Withdraw,
    WithdrawalCapSet, WithdrawalReject,
};
use coulisse_types::limits::DAY_NS;
use coulisse_types::record::Origin;
use coulisse_types::{
    EventKind, GroupId, LimitKind, MatchingMode, ReferenceKind, RiskState, Scope, SideFilter,
};

/// `SplitMix64` (Steele, Lea and Flood, 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    pub(super) fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).expect("low is not above high");
        low + i64::try_from(self.below(span)).expect("below the span")
    }

    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(u64::try_from(all.len()).expect("short"));
        all[usize::try_from(place).expect("short")]
    }
}

pub(super) fn a_small_genesis() -> Genesis {
    Genesis {
        live_orders_max: 60,
        open_orders_per_account_max: 25,
        fills_per_command_max: 6,
        client_order_ids_max: 90,
        closed_ids_per_account_max: 25,
        request_ids_max: 5,
        accounts_max: 5,
        keys_max: 5,
        ..default_genesis(99, 3)
    }
}

pub(super) fn a_client_id(random: &mut Random) -> ClientOrderId {
    if random.one_in(4) {
        return ClientOrderId::default();
    }
    text(&alloc::format!("id-{}", random.below(60)))
}

pub(super) fn a_placement(random: &mut Random) -> OrderPlace {
    let side = random.pick(Side::ALL);
    let by_notional = random.one_in(12);
    let order_type =
        if by_notional || random.one_in(8) { OrderType::Market } else { OrderType::Limit };
    let time_in_force = match order_type {
        OrderType::Market => random.pick(&[TimeInForce::Ioc, TimeInForce::Ioc, TimeInForce::Fok]),
        OrderType::Limit if random.one_in(5) => random.pick(TimeInForce::ALL),
        OrderType::Limit => TimeInForce::Gtc,
    };
    let skew = if side == Side::Buy { -4 } else { 4 };
    let price = match order_type {
        OrderType::Market => 0,
        OrderType::Limit => 100 + skew + random.within(-8, 8),
    };
    let lots = if random.one_in(30) { random.within(-1, 200_000) } else { random.within(1, 40) };
    OrderPlace {
        instrument: InstrumentId(u32::from(random.one_in(4)) + 1),
        side,
        order_type,
        time_in_force,
        post_only: time_in_force == TimeInForce::Gtc && random.one_in(6),
        qty: Qty::from_lots(if by_notional { 0 } else { lots }),
        price: Price::from_ticks(if random.one_in(60) { random.within(-1, 1) } else { price }),
        notional: Amount::from_minor(if by_notional { random.within(-5, 4_000).into() } else { 0 }),
        client_order_id: a_client_id(random),
    }
}

/// An order that lives, or one that may have.
pub(super) fn an_order_id(random: &mut Random, world: &World, account: AccountId) -> OrderId {
    let count = u64::from(world.engine.open_order_count(account));
    if count > 0 && !random.one_in(6) {
        let skip = usize::try_from(random.below(count)).expect("short");
        let order = world.engine.open_orders(account).nth(skip);
        return order.map_or(OrderId(0), |order| order.order_id);
    }
    OrderId(3 << 44 | random.below(world.engine.order_count() + 2))
}

fn a_command(random: &mut Random, world: &World, account: AccountId) -> Command {
    match random.below(100) {
        0..=7 => reducing(a_placement(random)).into(),
        8..=57 => a_placement(random).into(),
        58 => Tick {}.into(),
        59..=61 => a_restraint(random, world),
        62..=75 => {
            let by_client = random.one_in(2);
            let order_id = if by_client { OrderId(0) } else { an_order_id(random, world, account) };
            let id = if by_client { a_client_id(random) } else { ClientOrderId::default() };
            OrderCancel { order_id, client_order_id: id }.into()
        }
        76..=91 => {
            let order_id = an_order_id(random, world, account);
            let qty = Qty::from_lots(if random.one_in(3) { 0 } else { random.within(-1, 50) });
            let ticks = if random.one_in(2) { 0 } else { random.within(88, 112) };
            let price = Price::from_ticks(ticks);
            OrderAmend { order_id, client_order_id: ClientOrderId::default(), qty, price }.into()
        }
        92 => OrderCancelAll {
            instrument: InstrumentId(u32::from(random.one_in(2))),
            side: random.pick(SideFilter::ALL),
            session: 0,
        }
        .into(),
        93..=94 => {
            let amount = Amount::from_minor(random.within(-10, 3_000).into());
            Deposit { asset: random.pick(&[BTC, USD, AssetId(9)]), amount }.into()
        }
        95 => {
            let amount = Amount::from_minor(random.within(-10, 3_000).into());
            let asset = random.pick(&[BTC, USD]);
            match random.below(5) {
                0 => {
                    let cap = Amount::from_minor(random.within(0, 4_000).into());
                    WithdrawalCapSet { asset, cap }.into()
                }
                1 => WithdrawalReject { withdrawal_id: Seq(random.below(400)) }.into(),
                _ => Withdraw { asset, amount }.into(),
            }
        }
        96..=97 => a_configuration(random),
        98 => {
            let name = alloc::format!("n{}", random.below(9));
            random.pick(&[
                Command::from(AccountCreate { name: text(&name) }),
                Command::from(KeyCreate {
                    key_id: text(&name),
                    public_key: [1; 32],
                    permissions: 2,
                }),
                Command::from(AssetCreate { name: text("BTC"), scale: 1 }),
                Command::from(an_instrument()),
            ])
        }
        _ => NodeStarted { incarnation: u32::try_from(random.below(9)).expect("small") }.into(),
    }
}

pub(super) fn a_configuration(random: &mut Random) -> Command {
    let small = |random: &mut Random| u32::try_from(random.below(4)).expect("small");
    let instrument = InstrumentId(small(random).max(1));
    let price = Price::from_ticks(random.within(0, 130));
    let name = text(&alloc::format!("g{}", random.below(200)));
    let (group, trade_group) = (GroupId(small(random)), small(random));
    let config = InstrumentConfigure {
        instrument,
        matching: MatchingMode::PriceTime,
        reference: random.pick(ReferenceKind::ALL),
        collar_ppm: random.pick(&[0, 0, 150_000]),
        slippage_ppm: random.pick(&[0, 0, 50_000]),
        band_ppm: 0,
        auction_ns: random.within(-1, 3),
        auction_fee: FeeRate::from_ppm(0),
    };
    random.pick(&[
        Command::from(GroupCreate { name }),
        Command::from(AccountConfigure { group, trade_group }),
        Command::from(config),
        Command::from(MarkSet { instrument, price }),
    ])
}

/// A limit, a tier, a state, a kill switch: what binds.
fn a_restraint(random: &mut Random, world: &World) -> Command {
    let small = |random: &mut Random, most| u32::try_from(random.below(most)).expect("small");
    let scope = random.pick(Scope::ALL);
    let scope_id = if scope == Scope::Firm { 0 } else { small(random, 4) };
    match random.below(20) {
        0..=7 => a_limit(random, scope, scope_id).into(),
        8 => FeeTierSet {
            asset: USD,
            tier: 1 + u8::try_from(random.below(3)).expect("small"),
            threshold: Amount::from_minor(random.within(-20_000, 40_000).into()),
            maker_fee: FeeRate::from_ppm(-i32::try_from(random.below(90_000)).expect("small")),
            taker_fee: FeeRate::from_ppm(i32::try_from(random.below(60_000)).expect("small")),
        }
        .into(),
        9 => RiskStateSet { scope, scope_id, state: random.pick(RiskState::ALL) }.into(),
        10 => KillSwitch { scope, scope_id }.into(),
        11 => KillReset { scope, scope_id, step: small(random, 4).to_le_bytes()[0] }.into(),
        _ => a_relief(random, world),
    }
}

/// Takes away something that binds, if anything does.
fn a_relief(random: &mut Random, world: &World) -> Command {
    let groups = (0..4).map(|id| (Scope::Group, id));
    let scopes =
        groups.chain((0..4).flat_map(|id| {
            [Scope::Firm, Scope::Account, Scope::Instrument].map(|scope| (scope, id))
        }));
    let controls =
        scopes.filter_map(|(scope, id)| Some((scope, id, world.engine.risk_control(scope, id)?)));
    for (scope, scope_id, control) in controls {
        if control.is_killed {
            let step = if control.is_reset_asked { 2 } else { 1 };
            return KillReset { scope, scope_id, step }.into();
        }
        if control.state != RiskState::Active {
            return RiskStateSet { scope, scope_id, state: RiskState::Active }.into();
        }
    }
    let limits: Vec<_> = world.engine.limits_in_force().collect();
    if limits.is_empty() {
        return Tick {}.into();
    }
    let crate::LimitInForce { scope, scope_id, kind, subject, .. } = random.pick(&limits);
    LimitSet { scope, scope_id, kind, subject, value: -1, burst: 0 }.into()
}

fn a_limit(random: &mut Random, scope: Scope, scope_id: u32) -> LimitSet {
    let kind = random.pick(LimitKind::ALL);
    let is_rate = matches!(kind, LimitKind::OrderRate | LimitKind::MessageRate);
    let (value, has_subject) = match kind {
        LimitKind::OrderQty | LimitKind::Position => (random.within(20, 120), true),
        LimitKind::OpenOrders | LimitKind::ConditionalOrders => (random.within(0, 20), false),
        LimitKind::OrderRate | LimitKind::MessageRate => (random.within(0, 300), false),
        LimitKind::DuplicateWindow => (random.within(0, 40_000_000), false),
        LimitKind::DailyLoss | LimitKind::Drawdown => (random.within(100, 9_000), true),
        LimitKind::OrderNotional => (random.within(1_000, 9_000), true),
        LimitKind::GrossNotional | LimitKind::NetNotional => (random.within(2_000, 30_000), true),
    };
    LimitSet {
        scope,
        scope_id,
        kind,
        subject: if has_subject { u32::try_from(random.within(1, 3)).expect("small") } else { 0 },
        value: value.into(),
        burst: if is_rate { u32::try_from(random.within(0, 12)).expect("small") } else { 0 },
    }
}

fn a_header(random: &mut Random) -> RecordHeader {
    let account = AccountId(u32::try_from(random.within(1, 3)).expect("small"));
    let key = if random.one_in(50) { KeyIndex(1) } else { KeyIndex(0) };
    let request_id = RequestId(if random.one_in(4) { random.below(9).into() } else { 0 });
    let origin = Origin { node: 1, incarnation: 8, ..Origin::default() };
    RecordHeader { account, key, request_id, origin, ..RecordHeader::default() }
}

/// A second instrument, with other units and a high fee, and a third account.
pub(super) fn prepare(world: &mut World) {
    world.run(0, AssetCreate { name: text("ETH"), scale: 1 });
    world.run(
        0,
        InstrumentCreate {
            symbol: text("ETH-USD"),
            base: AssetId(3),
            tick_minor: 10,
            lot_minor: 3,
            min_notional: Amount::from_minor(200),
            maker_fee: FeeRate::from_ppm(0),
            taker_fee: FeeRate::from_ppm(70_001),
            ..an_instrument()
        },
    );
    world.run(0, AccountCreate { name: text("eve") });
    for asset in [BTC, USD, AssetId(3)] {
        world.run(3, Deposit { asset, amount: Amount::from_minor(50_000) });
        world.run(ANN, Deposit { asset, amount: Amount::from_minor(5_000) });
    }
}

/// How often each kind of event came.
#[derive(Debug)]
pub(super) struct Counts(Vec<usize>);

impl Counts {
    pub(super) fn new() -> Self {
        Self(alloc::vec![0; EventKind::ALL.len()])
    }

    fn place(kind: EventKind) -> usize {
        EventKind::ALL.iter().position(|other| *other == kind).expect("in the list")
    }

    pub(super) fn add(&mut self, kind: EventKind) {
        self.0[Self::place(kind)] += 1;
    }

    /// Each of these kinds came more than so often.
    pub(super) fn require(&self, kinds: &[EventKind], most: usize, seed: u64) {
        for kind in kinds {
            let count = self.0[Self::place(*kind)];
            assert!(count > most, "{count} {} of seed {seed}", kind.name());
        }
    }
}

/// Runs a seed; the records, and how often each kind of event came.
pub(super) fn run(seed: u64) -> (World, Vec<(RecordHeader, Command)>, Counts) {
    let mut random = Random(seed);
    let mut world = World::new(a_small_genesis());
    prepare(&mut world);
    let mut records: Vec<(RecordHeader, Command)> = Vec::new();
    let mut counts = Counts::new();
    for _ in 0..20_000 {
        let (mut header, command) = if !records.is_empty() && random.one_in(16) {
            // Someone asks again for what was asked for a little earlier.
            let back = usize::try_from(random.below(12)).expect("small");
            records[(records.len() - 1).saturating_sub(back)]
        } else {
            let header = a_header(&mut random);
            (header, a_command(&mut random, &world, header.account))
        };
        // Days go by, so that losses and traded notional have some.
        let step_ns = if random.one_in(500) { DAY_NS } else { 10_000_000 };
        header.time_ns = world.engine.time_ns() + random.within(0, step_ns);
        header.seq = Seq(world.header.seq.0 + 1);
        for event in world.run_as(header, command) {
            counts.add(event.kind());
        }
        records.push((header, command));
    }
    (world, records, counts)
}

#[test]
fn random_commands_break_no_invariant_and_replay_says_the_same() {
    for seed in 1..=4 {
        let (world, records, counts) = run(seed);
        let kinds = [
            EventKind::Rejected,
            EventKind::OrderDuplicate,
            EventKind::RequestDuplicate,
            EventKind::BalanceChanged,
            EventKind::Traded,
            EventKind::OrderRested,
            EventKind::OrderAmended,
            EventKind::OrderClosed,
            EventKind::OrdersCancelled,
            EventKind::PositionChanged,
            EventKind::LimitChanged,
            EventKind::LimitUsed,
            EventKind::RiskStateChanged,
            EventKind::KillSwitchSet,
            EventKind::KillResetAsked,
            EventKind::KillSwitchReset,
            EventKind::FeeTierChanged,
            EventKind::Ticked,
            EventKind::GroupCreated,
            EventKind::AccountConfigured,
            EventKind::InstrumentConfigured,
            EventKind::MarkChanged,
        ];
        counts.require(&kinds, 2, seed);
        let (again, same_records, _) = run(seed);
        assert_eq!(records, same_records);
        assert_eq!(again.engine.event_hash(), world.engine.event_hash());
        assert_eq!(again.engine.state_hash(), world.engine.state_hash());
    }
}

#[cfg(feature = "planted")]
#[test]
fn every_planted_fault_shows_in_the_hashes_or_ends_the_process() {
    extern crate std;
    let (world, records, _) = run(1);
    for (name, fault) in crate::Fault::ALL {
        let found = std::panic::catch_unwind(|| {
            let (mut bent, mut events) = (World::new(a_small_genesis()), Vec::new());
            prepare(&mut bent);
            bent.engine.plant(Some(*fault));
            for (header, command) in &records {
                bent.engine.apply(header, command, &mut events);
                events.clear();
            }
            // Some show only later, in what follows from the state.
            bent.engine.event_hash() != world.engine.event_hash()
                || bent.engine.state_hash() != world.engine.state_hash()
        });
        let is_found = found.unwrap_or(true) || super::fuzz_terms::shows(*fault);
        assert!(is_found, "{name} was not noticed");
    }
}
