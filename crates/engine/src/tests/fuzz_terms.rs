//! Random orders with terms: invariants after each command, replay equal to what was.

use super::fuzz::{
    Counts, Random, a_client_id, a_configuration, a_placement, a_small_genesis, an_order_id,
    prepare,
};
use super::*;
use coulisse_types::command::{CancelAfter, OrderCancelAll, OrderListPlace, OrderReplace};
use coulisse_types::record::Origin;
use coulisse_types::{EventKind, ListKind, SideFilter};

pub(super) const SECOND_NS: i64 = 1_000_000_000;

/// A price beyond the usual ones, on the side where a stop waits.
fn a_trigger_price(random: &mut Random) -> Price {
    Price::from_ticks(random.within(92, 108))
}

fn a_conditional(random: &mut Random, order: OrderPlaceTerms) -> OrderPlaceTerms {
    let trigger = random.pick(&Trigger::ALL[1..]);
    let trails = matches!(trigger, Trigger::TrailTicks | Trigger::TrailBp);
    let is_market = trails || random.one_in(2);
    let time_in_force = if is_market {
        random.pick(&[TimeInForce::Ioc, TimeInForce::Fok])
    } else {
        random.pick(TimeInForce::ALL)
    };
    OrderPlaceTerms {
        order_type: if is_market { OrderType::Market } else { OrderType::Limit },
        time_in_force,
        price: if is_market { Price::from_ticks(0) } else { a_trigger_price(random) },
        qty: Qty::from_lots(random.within(1, 40)),
        notional: Amount::ZERO,
        post_only: false,
        trigger,
        trigger_on: random.pick(TriggerOn::ALL),
        trigger_price: if trails { Price::from_ticks(0) } else { a_trigger_price(random) },
        trail: match trigger {
            Trigger::TrailTicks => random.within(1, 6),
            Trigger::TrailBp => random.within(1, 700),
            _ => 0,
        },
        ..order
    }
}

fn a_termed(random: &mut Random, now_ns: i64) -> OrderPlaceTerms {
    let mut order = a_placement(random).with_terms();
    if random.one_in(3) {
        order.self_trade = random.pick(SelfTrade::ALL);
    }
    let rests = order.order_type == OrderType::Limit;
    match random.below(10) {
        0..=2 => order = a_conditional(random, order),
        3..=4 if rests => {
            order.time_in_force = TimeInForce::Gtc;
            order.display_qty = Qty::from_lots(random.within(1, 9));
        }
        5..=6 if rests => {
            order.time_in_force = TimeInForce::Gtc;
            order.post_only = false;
            order.peg = random.pick(Peg::ALL);
            order.peg_offset = if order.peg == Peg::None { 0 } else { random.within(-4, 4) };
            order.price = Price::from_ticks(random.within(94, 106));
        }
        7 => {
            order.time_in_force = TimeInForce::Ioc;
            order.post_only = false;
            order.min_qty = Qty::from_lots(random.within(1, 12));
        }
        _ => {}
    }
    if random.one_in(3) && order.time_in_force.may_rest() {
        order.time_in_force = random.pick(&[TimeInForce::Gtd, TimeInForce::Day]);
    }
    if order.time_in_force == TimeInForce::Gtd || random.one_in(60) {
        order.expire_ns = now_ns + random.within(-1, 400) * SECOND_NS;
    }
    if random.one_in(40) {
        order.trail = 1;
    }
    order
}

fn a_list(random: &mut Random) -> OrderListPlace {
    let kind = random.pick(ListKind::ALL);
    let side = random.pick(Side::ALL);
    let (zero, one) = if kind == ListKind::Oco { (side, side) } else { (side, side.opposite()) };
    let price = |random: &mut Random, side: Side| {
        let skew = if side == Side::Buy { -3 } else { 3 };
        Price::from_ticks(100 + skew + random.within(-6, 6))
    };
    let qty = Qty::from_lots(random.within(1, 30));
    let stops = |random: &mut Random| random.pick(&[Trigger::Stop, Trigger::TakeProfit]);
    let is_market = random.one_in(2);
    let (stop_type, stop_tif, stop_price) = if is_market {
        (OrderType::Market, TimeInForce::Ioc, Price::from_ticks(0))
    } else {
        (OrderType::Limit, random.pick(&[TimeInForce::Gtc, TimeInForce::Fok]), price(random, one))
    };
    let one_stops = kind == ListKind::Oco || (kind == ListKind::Oto && random.one_in(2));
    let blank = Price::from_ticks(0);
    OrderListPlace {
        kind,
        instrument: InstrumentId(u32::from(random.one_in(4)) + 1),
        client_order_id: a_client_id(random),
        side_0: zero,
        order_type_0: OrderType::Limit,
        time_in_force_0: random.pick(&[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Day]),
        qty_0: qty,
        price_0: price(random, zero),
        trigger_0: Trigger::None,
        trigger_on_0: TriggerOn::Last,
        trigger_price_0: blank,
        side_1: one,
        order_type_1: if one_stops { stop_type } else { OrderType::Limit },
        time_in_force_1: if one_stops { stop_tif } else { TimeInForce::Gtc },
        qty_1: qty,
        price_1: if one_stops { stop_price } else { price(random, one) },
        trigger_1: if one_stops { stops(random) } else { Trigger::None },
        trigger_on_1: if one_stops { random.pick(TriggerOn::ALL) } else { TriggerOn::Last },
        trigger_price_1: if one_stops { a_trigger_price(random) } else { blank },
        side_2: if kind == ListKind::Otoco { one } else { Side::Buy },
        order_type_2: if kind == ListKind::Otoco { stop_type } else { OrderType::Limit },
        time_in_force_2: if kind == ListKind::Otoco { stop_tif } else { TimeInForce::Gtc },
        qty_2: if kind == ListKind::Otoco { qty } else { Qty::ZERO },
        price_2: if kind == ListKind::Otoco { stop_price } else { blank },
        trigger_2: if kind == ListKind::Otoco { stops(random) } else { Trigger::None },
        trigger_on_2: TriggerOn::Last,
        trigger_price_2: if kind == ListKind::Otoco { a_trigger_price(random) } else { blank },
    }
}

fn a_replacement(random: &mut Random, world: &World, account: AccountId) -> OrderReplace {
    let new = a_termed(random, world.header.time_ns);
    let cancelled = an_order_id(random, world, account);
    new.replacing(cancelled, ClientOrderId::default(), random.one_in(2))
}

pub(super) fn a_command(random: &mut Random, world: &World, account: AccountId) -> Command {
    match random.below(100) {
        0..=24 => a_placement(random).into(),
        25..=54 => a_termed(random, world.header.time_ns).into(),
        55..=64 => a_list(random).into(),
        65..=69 => a_replacement(random, world, account).into(),
        70..=75 => {
            let order_id = an_order_id(random, world, account);
            OrderCancel { order_id, client_order_id: ClientOrderId::default() }.into()
        }
        76..=85 => {
            let order_id = an_order_id(random, world, account);
            let qty = Qty::from_lots(if random.one_in(3) { 0 } else { random.within(-1, 50) });
            let ticks = if random.one_in(2) { 0 } else { random.within(88, 112) };
            let price = Price::from_ticks(ticks);
            OrderAmend { order_id, client_order_id: ClientOrderId::default(), qty, price }.into()
        }
        86..=91 => {
            let instrument = InstrumentId(u32::from(random.one_in(3)) + 1);
            MarkSet { instrument, price: Price::from_ticks(random.within(95, 105)) }.into()
        }
        92..=94 => Tick {}.into(),
        95 => CancelAfter { timeout_ns: random.within(-1, 200) * SECOND_NS }.into(),
        96 => OrderCancelAll {
            instrument: InstrumentId(u32::from(random.one_in(2))),
            side: random.pick(SideFilter::ALL),
            session: random.below(3),
        }
        .into(),
        97 => Deposit {
            asset: random.pick(&[BTC, USD, AssetId(3)]),
            amount: Amount::from_minor(random.within(1, 20_000).into()),
        }
        .into(),
        98 => {
            let group = coulisse_types::GroupId(0);
            let trade_group = u32::from(random.one_in(2));
            coulisse_types::command::AccountConfigure { group, trade_group }.into()
        }
        _ => a_configuration(random),
    }
}

fn genesis_of(seed: u64) -> Genesis {
    let fills_per_command_max = if seed.is_multiple_of(2) { 6 } else { 40 };
    Genesis { fills_per_command_max, ..a_small_genesis() }
}

/// Runs a seed; the records, and how often each kind of event came.
fn run(seed: u64) -> (World, Vec<(RecordHeader, Command)>, Counts) {
    let mut random = Random(seed);
    let mut world = World::new(genesis_of(seed));
    prepare(&mut world);
    let mut records: Vec<(RecordHeader, Command)> = Vec::new();
    let mut counts = Counts::new();
    for _ in 0..10_000 {
        world.header.time_ns += random.within(0, 20) * SECOND_NS;
        let (mut header, command) = if !records.is_empty() && random.one_in(20) {
            let back = usize::try_from(random.below(12)).expect("small");
            records[(records.len() - 1).saturating_sub(back)]
        } else {
            let account = AccountId(u32::try_from(random.within(1, 3)).expect("small"));
            let node = if random.one_in(3) { 2 } else { 1 };
            let origin = Origin { node, incarnation: 8, ..Origin::default() };
            let session = random.below(3);
            let header = RecordHeader { account, origin, session, ..RecordHeader::default() };
            (header, a_command(&mut random, &world, account))
        };
        // A node ticks in time.
        let due_ns = world.engine.next_timer_ns().filter(|_| random.one_in(12));
        let soon_ns = due_ns.filter(|due_ns| due_ns - world.header.time_ns < 100 * SECOND_NS);
        let command = soon_ns.map_or(command, |_| Tick {}.into());
        world.header.time_ns = world.header.time_ns.max(soon_ns.unwrap_or(0));
        header.seq = Seq(world.header.seq.0 + 1);
        header.time_ns = world.header.time_ns;
        for event in world.run_as(header, command) {
            counts.add(event.kind());
        }
        records.push((header, command));
    }
    (world, records, counts)
}

#[test]
fn random_orders_with_terms_break_no_invariant_and_replay_says_the_same() {
    for seed in 1..=3 {
        let (world, records, counts) = run(seed);
        let kinds = [
            EventKind::OrderTermsSet,
            EventKind::OrderTriggered,
            EventKind::OrderRefreshed,
            EventKind::OrderRepriced,
            EventKind::OrderDecremented,
            EventKind::OrderListPlaced,
            EventKind::CancelAfterSet,
            EventKind::Ticked,
        ];
        counts.require(&kinds, 5, seed);
        let (again, same_records, _) = run(seed);
        assert_eq!(records, same_records);
        assert_eq!(again.engine.event_hash(), world.engine.event_hash());
        assert_eq!(again.engine.state_hash(), world.engine.state_hash());
    }
}

/// Whether a planted fault shows in the hashes, or ends the process, where orders have terms.
#[cfg(feature = "planted")]
pub(super) fn shows(fault: crate::Fault) -> bool {
    extern crate std;
    let (world, records, _) = run(1);
    let found = std::panic::catch_unwind(|| {
        let (mut bent, mut events) = (World::new(genesis_of(1)), Vec::new());
        prepare(&mut bent);
        bent.engine.plant(Some(fault));
        for (header, command) in &records {
            bent.engine.apply(header, command, &mut events);
            events.clear();
        }
        bent.engine.event_hash() != world.engine.event_hash()
    });
    found.unwrap_or(true)
}
