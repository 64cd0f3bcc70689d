//! Ten thousand random commands a seed: invariants after each, replay equal to what was.

use super::*;
use coulisse_types::command::{
    AccountConfigure, GroupCreate, InstrumentConfigure, KeyCreate, MarkSet, NodeStarted,
    OrderCancelAll, Withdraw,
};
use coulisse_types::record::Origin;
use coulisse_types::{EventKind, GroupId, MatchingMode, ReferenceKind, SideFilter};

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).expect("low is not above high");
        low + i64::try_from(self.below(span)).expect("below the span")
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(u64::try_from(all.len()).expect("short"));
        all[usize::try_from(place).expect("short")]
    }
}

fn a_small_genesis() -> Genesis {
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

fn a_client_id(random: &mut Random) -> ClientOrderId {
    if random.one_in(4) {
        return ClientOrderId::default();
    }
    text(&alloc::format!("id-{}", random.below(60)))
}

fn a_placement(random: &mut Random) -> OrderPlace {
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
fn an_order_id(random: &mut Random, world: &World, account: AccountId) -> OrderId {
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
        0..=61 => a_placement(random).into(),
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
        93..=95 => {
            let amount = Amount::from_minor(random.within(-10, 3_000).into());
            Deposit { asset: random.pick(&[BTC, USD, AssetId(9)]), amount }.into()
        }
        96 => {
            let amount = Amount::from_minor(random.within(-10, 3_000).into());
            Withdraw { asset: random.pick(&[BTC, USD]), amount }.into()
        }
        97 => a_configuration(random),
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

fn a_configuration(random: &mut Random) -> Command {
    let small = |random: &mut Random| u32::try_from(random.below(4)).expect("small");
    let instrument = InstrumentId(small(random));
    let price = Price::from_ticks(random.within(0, 130));
    let name = text(&alloc::format!("g{}", random.below(200)));
    let (group, trade_group) = (GroupId(small(random)), small(random));
    let config = InstrumentConfigure {
        instrument,
        matching: MatchingMode::PriceTime,
        reference: random.pick(ReferenceKind::ALL),
        collar_ppm: 0,
        slippage_ppm: 0,
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

fn a_header(random: &mut Random) -> RecordHeader {
    let account = AccountId(u32::try_from(random.within(1, 3)).expect("small"));
    let key = if random.one_in(50) { KeyIndex(1) } else { KeyIndex(0) };
    let request_id = RequestId(random.below(9).into());
    let origin = Origin { node: 1, incarnation: 8, ..Origin::default() };
    RecordHeader { account, key, request_id, origin, ..RecordHeader::default() }
}

/// A second instrument, with other units and a high fee, and a third account.
fn prepare(world: &mut World) {
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

/// Runs a seed; the records, and how often each kind of event came.
fn run(seed: u64) -> (World, Vec<(RecordHeader, Command)>, Vec<usize>) {
    let mut random = Random(seed);
    let mut world = World::new(a_small_genesis());
    prepare(&mut world);
    let mut records: Vec<(RecordHeader, Command)> = Vec::new();
    let mut counts = alloc::vec![0; EventKind::ALL.len()];
    for _ in 0..10_000 {
        let (mut header, command) = if !records.is_empty() && random.one_in(16) {
            // Someone asks again for what was asked for a little earlier.
            let back = usize::try_from(random.below(12)).expect("small");
            records[(records.len() - 1).saturating_sub(back)]
        } else {
            let header = a_header(&mut random);
            (header, a_command(&mut random, &world, header.account))
        };
        header.seq = Seq(world.header.seq.0 + 1);
        for event in world.run_as(header, command) {
            let place = EventKind::ALL.iter().position(|kind| *kind == event.kind());
            counts[place.expect("in the list")] += 1;
        }
        records.push((header, command));
    }
    (world, records, counts)
}

#[test]
fn random_commands_break_no_invariant_and_replay_says_the_same() {
    for seed in 1..=4 {
        let (world, records, counts) = run(seed);
        for kind in [
            EventKind::Rejected,
            EventKind::OrderDuplicate,
            EventKind::RequestDuplicate,
            EventKind::BalanceChanged,
            EventKind::Traded,
            EventKind::OrderRested,
            EventKind::OrderAmended,
            EventKind::OrderClosed,
            EventKind::OrdersCancelled,
            EventKind::GroupCreated,
            EventKind::AccountConfigured,
            EventKind::InstrumentConfigured,
            EventKind::MarkChanged,
        ] {
            let place = EventKind::ALL.iter().position(|other| *other == kind);
            assert!(
                counts[place.expect("in the list")] > 5,
                "too few {} of seed {seed}",
                kind.name()
            );
        }
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
        assert!(found.unwrap_or(true), "{name} was not noticed");
    }
}
