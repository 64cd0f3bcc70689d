//! Auctions: how they are called, what they collect, at what price and fee they trade.

use super::states::{a_band, state, states, trade_at_100};
use super::*;
use coulisse_types::command::{AuctionSchedule, InstrumentConfigure, OrderCancelAll};
use coulisse_types::event::{AuctionIndicated, CloseReason, OrderState};
use coulisse_types::limits::AHEAD_NS_MAX;
use coulisse_types::{Field, SideFilter, StateReason, TradingState};

fn an_auction() -> World {
    let mut world = World::usual();
    world.run(0, state(TradingState::Auction));
    world
}

fn tick_at(world: &mut World, time_ns: i64) -> Vec<Event> {
    world.header.time_ns = time_ns;
    world.run(0, Tick {})
}

fn schedule(start_ns: i64, end_ns: i64) -> AuctionSchedule {
    AuctionSchedule { instrument: BTC_USD, start_ns, end_ns }
}

/// Price and lots of each uncross.
fn uncrossed(events: &[Event]) -> Vec<(i64, i64)> {
    let one = |event: &Event| match event {
        Event::AuctionUncrossed(body) => Some((body.price.ticks(), body.qty.lots())),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

fn indicated(events: &[Event]) -> Vec<(i64, i64, i64)> {
    let one = |event: &Event| match event {
        Event::AuctionIndicated(AuctionIndicated { price, qty, surplus, .. }) => {
            Some((price.ticks(), qty.lots(), surplus.lots()))
        }
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

/// Price, lots, maker, taker and the taker's side of each trade.
fn trades(events: &[Event]) -> Vec<(i64, i64, u64, u64, Side)> {
    let trade = |event: &Event| match event {
        Event::Traded(traded) => Some((
            traded.price.ticks(),
            traded.qty.lots(),
            traded.maker_order_id.0 & 0xFFFF,
            traded.taker_order_id.0 & 0xFFFF,
            traded.taker_side,
        )),
        _ => None,
    };
    events.iter().filter_map(trade).collect()
}

/// Side, price and lots of each level that is said.
fn said_levels(events: &[Event]) -> Vec<(Side, i64, i64)> {
    let level = |event: &Event| match event {
        Event::LevelChanged(level) => Some((level.side, level.price.ticks(), level.qty.lots())),
        _ => None,
    };
    events.iter().filter_map(level).collect()
}

#[test]
fn a_call_collects_orders_that_cross_and_trades_them_at_one_price() {
    let mut world = an_auction();
    world.sell(ANN, 3, 95);
    world.buy(BOB, 2, 105);
    assert_eq!(names(&world.buy(BOB, 2, 100))[..2], ["OrderAccepted", "OrderRested"]);
    assert_eq!(indicated(&tick_at(&mut world, 1)), [(95, 3, 1)]);
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(uncrossed(&events), [(95, 3)]);
    assert_eq!(trades(&events), [(95, 2, 1, 2, Side::Buy), (95, 1, 1, 3, Side::Buy)]);
    let changed = [(Side::Buy, 105, 0), (Side::Buy, 100, 1), (Side::Sell, 95, 0)];
    assert_eq!(said_levels(&events), changed);
    let [opened] = states(&events)[..] else { panic!("one change") };
    assert_eq!((opened.state, opened.reason), (TradingState::Open, StateReason::Command));
    assert_eq!(world.engine.last_price(BTC_USD), Some(Price::from_ticks(95)));
}

#[test]
fn what_an_auction_does_not_collect_is_refused_by_its_state() {
    let mut world = an_auction();
    world.mark(100);
    let plain = limit(Side::Buy, 1, 100);
    for order in [
        OrderPlace { post_only: true, ..plain },
        OrderPlace { time_in_force: TimeInForce::Ioc, ..plain },
        market(Side::Buy, 1, TimeInForce::Fok),
        spend(Side::Buy, 100),
    ] {
        let Rejected { code, field, value, .. } = refusal(&world.run(ANN, order));
        let expected = (RejectCode::TradingStateForbids, Field::State, 4);
        assert_eq!((code, field, value), expected, "{order:?}");
    }
    for order in [
        OrderPlaceTerms { peg: Peg::Bid, ..plain.with_terms() },
        OrderPlaceTerms {
            trigger: Trigger::Stop,
            trigger_price: Price::from_ticks(120),
            ..limit(Side::Buy, 1, 130).with_terms()
        },
        OrderPlaceTerms {
            min_qty: Qty::from_lots(1),
            ..market(Side::Buy, 1, TimeInForce::Ioc).with_terms()
        },
    ] {
        assert_eq!(code(&world.run(ANN, order)), RejectCode::TradingStateForbids, "{order:?}");
    }
}

#[test]
fn a_market_order_is_collected_at_a_collar_price_and_ends_with_the_auction() {
    let mut world = an_auction();
    let order = market(Side::Buy, 2, TimeInForce::Ioc);
    let refused = refusal(&world.run(ANN, order));
    assert_eq!((refused.code, refused.field), (RejectCode::NoReference, Field::OrderType));
    world.mark(100);
    let events = world.run(ANN, order);
    let Event::OrderRested(rested) = events[1] else { panic!("it rests: {events:?}") };
    assert_eq!(rested.price.ticks(), 105);
    // 210 and 3,000 ppm of it, rounded up.
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 211, 211));
    let refused = refusal(&world.run(ANN, amend(1, 0, 99)));
    assert_eq!((refused.code, refused.field), (RejectCode::InvalidCombination, Field::Price));
    assert_eq!(names(&world.run(ANN, amend(1, 3, 0)))[0], "OrderAmended");
    world.sell(BOB, 1, 100);
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(trades(&events).len(), 1);
    let last = closed(&events);
    assert_eq!((last.state, last.reason), (OrderState::Expired, CloseReason::AuctionEnd));
    assert_eq!(last.remaining.lots(), 2);
    assert_eq!(world.engine.live_orders(), 0);
    assert_eq!(world.has(ANN, USD).1, 0);
}

#[test]
fn a_market_order_that_is_cancelled_is_forgotten_by_the_auction() {
    let mut world = an_auction();
    world.mark(100);
    world.run(ANN, market(Side::Sell, 2, TimeInForce::Ioc));
    world.run(
        ANN,
        OrderPlaceTerms {
            self_trade: SelfTrade::ExpireTaker,
            ..market(Side::Sell, 2, TimeInForce::Ioc).with_terms()
        },
    );
    world.run(ANN, OrderCancelAll { instrument: BTC_USD, side: SideFilter::Both, session: 0 });
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(names(&events), ["AuctionUncrossed", "TradingStateChanged"]);
}

#[test]
fn an_amend_in_an_auction_moves_the_order_and_matches_nothing() {
    let mut world = an_auction();
    world.sell(ANN, 1, 100);
    world.buy(BOB, 1, 90);
    let events = world.run(BOB, amend(2, 0, 110));
    assert_eq!(
        names(&events)[..4],
        ["OrderAmended", "LevelChanged", "OrderRested", "LevelChanged"]
    );
    assert_eq!(trades(&world.run(0, state(TradingState::Open))), [(100, 1, 1, 2, Side::Buy)]);
}

#[test]
fn an_indication_is_said_when_the_book_has_changed() {
    let mut world = an_auction();
    assert_eq!(indicated(&tick_at(&mut world, 1)), [(0, 0, 0)]);
    world.sell(ANN, 3, 95);
    world.buy(BOB, 5, 95);
    assert_eq!(indicated(&tick_at(&mut world, 2)), [(95, 3, 2)]);
    assert_eq!(indicated(&tick_at(&mut world, 3)), []);
    world.run(ANN, cancel(1));
    assert_eq!(indicated(&tick_at(&mut world, 4)), [(0, 0, 0)]);
}

#[test]
fn a_hidden_part_counts_for_the_price_and_trades_behind_its_level() {
    let mut world = an_auction();
    let iceberg = OrderPlaceTerms {
        display_qty: Qty::from_lots(2),
        ..limit(Side::Sell, 6, 100).with_terms()
    };
    world.run(ANN, iceberg);
    world.sell(ANN, 1, 100);
    world.buy(BOB, 5, 100);
    assert_eq!(indicated(&tick_at(&mut world, 1)), [(100, 5, -2)]);
    let events = world.run(0, state(TradingState::Open));
    let makers: Vec<_> = trades(&events).iter().map(|trade| (trade.2, trade.1)).collect();
    assert_eq!(makers, [(1, 2), (2, 1), (1, 2)]);
    assert_eq!(names(&events).iter().filter(|name| **name == "OrderRefreshed").count(), 2);
}

#[test]
fn the_younger_order_is_the_taker_whatever_its_side() {
    let mut world = an_auction();
    world.buy(ANN, 1, 100);
    world.sell(BOB, 1, 100);
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(trades(&events), [(100, 1, 1, 2, Side::Sell)]);
}

#[test]
fn both_pay_the_auction_fee_and_never_more_than_their_own() {
    for (auction_ppm, fee_minor) in [(2_000, 20), (3_000, 30)] {
        let mut world = World::usual();
        let auction_fee = FeeRate::from_ppm(auction_ppm);
        world.run(0, InstrumentConfigure { auction_fee, ..a_band(0, 0) });
        world.run(0, state(TradingState::Auction));
        world.sell(ANN, 100, 100);
        world.buy(BOB, 100, 110);
        let fees: Vec<i128> = fills(&world.run(0, state(TradingState::Open)))
            .iter()
            .map(|fill| fill.fee.minor())
            .collect();
        assert_eq!(fees, [fee_minor, fee_minor]);
        assert_eq!(world.has(BOB, USD), (FUNDS_MINOR - 10_000 - fee_minor, 0));
        assert_eq!(world.has(ANN, USD), (FUNDS_MINOR + 10_000 - fee_minor, 0));
    }
}

#[test]
fn a_scheduled_call_begins_and_ends_in_ticks_and_happens_once() {
    let mut world = World::usual();
    assert_eq!(names(&world.run(0, schedule(10, 20))), ["AuctionScheduled"]);
    assert_eq!(world.engine.next_timer_ns(), Some(10));
    assert_eq!(names(&tick_at(&mut world, 9)), ["Ticked"]);
    let [called] = states(&tick_at(&mut world, 10))[..] else { panic!("called") };
    assert_eq!((called.reason, called.until_ns), (StateReason::Schedule, 20));
    assert_eq!(world.engine.next_timer_ns(), Some(20));
    let [opened] = states(&tick_at(&mut world, 25))[..] else { panic!("opened") };
    assert_eq!((opened.state, opened.reason), (TradingState::Open, StateReason::Uncrossed));
    assert_eq!(world.engine.next_timer_ns(), None);
    assert_eq!(names(&tick_at(&mut world, 30)), ["Ticked"]);
}

#[test]
fn a_schedule_is_within_bounds_and_can_be_cleared() {
    let mut world = World::usual();
    world.header.time_ns = 100;
    for (times, field) in [
        (schedule(100, 200), Field::StartTime),
        (schedule(0, 200), Field::StartTime),
        (schedule(101 + AHEAD_NS_MAX, i64::MAX), Field::StartTime),
        (schedule(101, 101), Field::EndTime),
        (schedule(101, 102 + AHEAD_NS_MAX), Field::EndTime),
    ] {
        let Rejected { code, field: refused, .. } = refusal(&world.run(0, times));
        assert_eq!((code, refused), (RejectCode::TimeOutOfRange, field), "{times:?}");
    }
    world.run(0, schedule(101, 102));
    world.run(0, schedule(0, 0));
    assert_eq!(world.engine.next_timer_ns(), None);
}

#[test]
fn a_halt_drops_a_schedule() {
    let mut world = World::usual();
    world.run(0, schedule(10, 20));
    world.run(0, state(TradingState::Halted));
    assert_eq!(names(&tick_at(&mut world, 10)), ["AuctionScheduled", "Ticked"]);
    assert_eq!(world.engine.next_timer_ns(), None);
}

#[test]
fn a_long_uncross_goes_on_in_the_next_ticks_and_takes_nothing_meanwhile() {
    let mut world = World::new(Genesis { fills_per_command_max: 2, ..default_genesis(7, 1) });
    world.run(0, state(TradingState::Auction));
    for _ in 0..3 {
        world.sell(ANN, 1, 100);
        world.buy(BOB, 1, 100);
    }
    let events = world.run(0, state(TradingState::CancelOnly));
    assert_eq!((trades(&events).len(), states(&events).len()), (2, 0));
    assert_eq!(said_levels(&events), [(Side::Buy, 100, 1), (Side::Sell, 100, 1)]);
    assert_eq!(world.engine.next_timer_ns(), Some(0));
    let forbidden = RejectCode::TradingStateForbids;
    assert_eq!(code(&world.run(ANN, cancel(5))), forbidden);
    assert_eq!(code(&world.sell(ANN, 1, 100)), forbidden);
    assert_eq!(code(&world.run(0, state(TradingState::Open))), forbidden);
    let events = tick_at(&mut world, 1);
    assert_eq!(trades(&events).len(), 1);
    assert_eq!(states(&events)[0].state, TradingState::CancelOnly);
}

#[test]
fn market_orders_that_end_use_up_the_bound_too() {
    let mut world = World::new(Genesis { fills_per_command_max: 2, ..default_genesis(7, 1) });
    world.run(0, state(TradingState::Auction));
    world.mark(100);
    for _ in 0..3 {
        world.run(ANN, market(Side::Buy, 1, TimeInForce::Ioc));
    }
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(names(&events).iter().filter(|name| **name == "OrderClosed").count(), 2);
    assert_eq!(states(&events).len(), 0);
    let events = tick_at(&mut world, 1);
    assert_eq!(closed(&events).reason, CloseReason::AuctionEnd);
    assert_eq!(states(&events)[0].state, TradingState::Open);
}

#[test]
fn a_book_that_is_still_crossed_because_an_order_expired_is_uncrossed_again() {
    let mut world = World::new(Genesis { fills_per_command_max: 1, ..default_genesis(7, 1) });
    world.run(0, state(TradingState::Auction));
    world.sell(ANN, 1, 90);
    let soon = OrderPlaceTerms {
        time_in_force: TimeInForce::Gtd,
        expire_ns: 5,
        ..limit(Side::Sell, 1, 95).with_terms()
    };
    for _ in 0..3 {
        world.run(ANN, soon);
    }
    world.sell(ANN, 1, 101);
    world.buy(BOB, 4, 102);
    let first = world.run(0, state(TradingState::Open));
    assert_eq!((uncrossed(&first), trades(&first).len()), (alloc::vec![(95, 4)], 1));
    // In this tick one more trades, then what is left of the asks at 95 expires.
    let second = tick_at(&mut world, 5);
    assert_eq!((trades(&second).len(), states(&second).len()), (1, 0));
    let third = tick_at(&mut world, 6);
    assert_eq!(uncrossed(&third), [(101, 1)]);
    assert_eq!(trades(&third), [(101, 1, 5, 6, Side::Buy)]);
    assert_eq!(states(&third)[0].state, TradingState::Open);
}

#[test]
fn the_price_of_an_auction_is_a_stops_price_too() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    let stop = OrderPlaceTerms {
        trigger: Trigger::Stop,
        trigger_price: Price::from_ticks(110),
        ..limit(Side::Buy, 1, 120).with_terms()
    };
    world.run(BOB, stop);
    world.run(0, state(TradingState::Auction));
    world.sell(ANN, 1, 110);
    world.buy(BOB, 1, 110);
    let events = world.run(0, state(TradingState::Open));
    assert!(names(&events).contains(&"OrderTriggered"));
}

#[test]
fn more_fills_at_a_new_price_follow_where_an_order_may_trade_no_more() {
    let mut world = an_auction();
    world.sell(ANN, 1, 100);
    world.buy(BOB, 1, 100);
    let place = world.engine.orders.find(order_id(1)).expect("it rests");
    let bound = coulisse_types::limits::ASSET_TOTAL_MINOR_MAX;
    world.engine.orders.at_mut(place).traded_minor = bound;
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(closed(&events).reason, CloseReason::FillLimit);
    assert_eq!((trades(&events).len(), states(&events).len()), (0, 1));
}
