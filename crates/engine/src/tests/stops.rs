//! Conditional orders: stops, take-profits, trailing stops, and what they set off.

use super::*;
use coulisse_types::TradingState;
use coulisse_types::command::{InstrumentConfigure, TradingStateSet};
use coulisse_types::event::{OrderState, TradingStateChanged};
use coulisse_types::limits::TRIGGERS_PER_COMMAND_MAX;
use coulisse_types::{MatchingMode, ReferenceKind, StateReason};

fn when(trigger: Trigger, ticks: i64, order: OrderPlace) -> OrderPlaceTerms {
    OrderPlaceTerms { trigger, trigger_price: Price::from_ticks(ticks), ..order.with_terms() }
}

fn by_mark(order: OrderPlaceTerms) -> OrderPlaceTerms {
    OrderPlaceTerms { trigger_on: TriggerOn::Mark, ..order }
}

fn trail(trail: i64, order: OrderPlace) -> OrderPlaceTerms {
    by_mark(OrderPlaceTerms { trigger: Trigger::TrailTicks, trail, ..order.with_terms() })
}

/// Whom a command triggered, in order.
fn triggered(events: &[Event]) -> Vec<u64> {
    let hit = |event: &Event| match event {
        Event::OrderTriggered(hit) => Some(hit.order_id.0 & 0xFFFF),
        _ => None,
    };
    events.iter().filter_map(hit).collect()
}

#[test]
fn a_stop_waits_off_the_book_holds_its_need_and_acts_as_a_limit_order() {
    let mut world = World::usual();
    let events = world.run(ANN, when(Trigger::Stop, 55, limit(Side::Buy, 10, 57)));
    assert_eq!(names(&events), ["OrderAccepted", "OrderTermsSet", "BalanceChanged"]);
    assert_eq!(world.has(ANN, USD).1, 572);
    let shown = world.engine.order(order_id(1)).expect("it lives");
    assert_eq!((shown.state, shown.book_price.ticks()), (OrderState::Waiting, 0));
    world.sell(BOB, 4, 54);
    world.sell(BOB, 4, 55);
    assert_eq!(triggered(&world.buy(BOB, 4, 54)), []);
    let events = world.buy(BOB, 3, 55);
    assert_eq!(
        told(&events)[3..],
        ["triggered 1 57", "filled 3 1", "filled 1 1", "filled 3 0", "rested 1 57"]
    );
    assert_eq!(world.engine.order(order_id(1)).map(|order| order.state), Some(OrderState::Open));
}

#[test]
fn a_market_stop_goes_no_further_than_its_collar() {
    let mut world = World::usual();
    world.mark(1_000);
    world.run(ANN, by_mark(when(Trigger::Stop, 900, market(Side::Sell, 9, TimeInForce::Ioc))));
    world.buy(BOB, 2, 860);
    world.buy(BOB, 2, 855);
    world.buy(BOB, 2, 854);
    let events = world.mark(900);
    let expected = [
        "triggered 1 855",
        "filled 2 2",
        "filled 1 2",
        "filled 2 0",
        "filled 3 2",
        "filled 1 2",
        "filled 3 0",
        "immediate_or_cancel 1 5",
    ];
    assert_eq!(told(&events), expected);
    assert_eq!(world.has(ANN, BTC).1, 0);
}

#[test]
fn a_trigger_that_is_passed_already_is_refused() {
    let mut world = World::usual();
    world.mark(100);
    for (trigger, side, ticks) in [
        (Trigger::Stop, Side::Buy, 100),
        (Trigger::Stop, Side::Sell, 100),
        (Trigger::TakeProfit, Side::Buy, 101),
        (Trigger::TakeProfit, Side::Sell, 99),
    ] {
        let events = world.run(ANN, by_mark(when(trigger, ticks, limit(side, 1, 100))));
        assert_eq!(code(&events), RejectCode::TriggerWouldFire);
    }
    let last = world.run(ANN, when(Trigger::Stop, 100, limit(Side::Buy, 1, 100)));
    assert_eq!(names(&last)[0], "OrderAccepted");
}

#[test]
fn what_is_due_acts_in_the_order_of_trigger_prices_and_ids() {
    let mut world = World::usual();
    world.mark(100);
    for (trigger, side, ticks) in [
        (Trigger::Stop, Side::Buy, 104),
        (Trigger::TakeProfit, Side::Sell, 103),
        (Trigger::Stop, Side::Sell, 98),
        (Trigger::Stop, Side::Buy, 103),
        (Trigger::TakeProfit, Side::Buy, 99),
    ] {
        let price = if side == Side::Buy { 1 } else { 200 };
        world.run(ANN, by_mark(when(trigger, ticks, limit(side, 1, price))));
    }
    assert_eq!(triggered(&world.mark(110)), [2, 4, 1]);
    assert_eq!(triggered(&world.mark(98)), [5, 3]);
}

#[test]
fn a_stop_that_acts_makes_the_price_that_sets_off_the_next() {
    let mut world = World::usual();
    for ticks in [100, 99, 98, 97] {
        world.buy(BOB, 1, ticks);
    }
    for ticks in [99, 98] {
        let order = OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Sell, 1, 90) };
        world.run(ANN, when(Trigger::Stop, ticks, order));
    }
    assert_eq!(triggered(&world.sell(BOB, 1, 100)), []);
    let events = world.sell(BOB, 1, 99);
    assert_eq!(triggered(&events), [5, 6]);
    assert_eq!(world.engine.last_price(BTC_USD).map(Price::ticks), Some(97));
}

#[test]
fn a_trailing_stop_follows_and_acts_when_the_price_comes_back() {
    let mut world = World::usual();
    let order = market(Side::Sell, 1, TimeInForce::Ioc);
    assert_eq!(code(&world.run(ANN, trail(5, order))), RejectCode::NoReference);
    world.mark(100);
    world.run(ANN, trail(5, order));
    let at =
        |world: &World| world.engine.order(order_id(1)).map(|order| order.trigger_price.ticks());
    assert_eq!(at(&world), Some(95));
    world.mark(110);
    assert_eq!(at(&world), Some(105));
    world.mark(106);
    assert_eq!(at(&world), Some(105));
    let events = world.mark(105);
    assert_eq!(told(&events), ["triggered 1 91", "immediate_or_cancel 1 1"]);
}

#[test]
fn a_waiting_order_can_be_cancelled_amended_and_runs_out() {
    let mut world = World::usual();
    world.run(ANN, when(Trigger::Stop, 55, limit(Side::Buy, 10, 57)));
    let events = world.run(ANN, amend(1, 20, 50));
    assert_eq!(names(&events), ["OrderAmended", "BalanceChanged"]);
    assert_eq!(world.has(ANN, USD).1, 1_003);
    assert_eq!(names(&world.run(ANN, cancel(1))), ["OrderClosed", "BalanceChanged"]);
    world.run(ANN, when(Trigger::Stop, 55, market(Side::Buy, 10, TimeInForce::Ioc)));
    assert_eq!(code(&world.run(ANN, amend(2, 0, 50))), RejectCode::InvalidCombination);
    assert_eq!(names(&world.run(ANN, amend(2, 5, 0))), ["OrderAmended", "BalanceChanged"]);
    let soon = OrderPlace { time_in_force: TimeInForce::Gtd, ..limit(Side::Buy, 1, 57) };
    world.run(ANN, OrderPlaceTerms { expire_ns: 7, ..when(Trigger::Stop, 55, soon) });
    assert_eq!(told(&world.tick(7)), ["expiry 3 1"]);
}

#[test]
fn more_stops_than_one_command_may_trigger_stop_trading_and_stay_due() {
    for (auction_ns, state) in [(0, TradingState::Halted), (50, TradingState::Auction)] {
        let mut world = World::usual();
        world.run(
            0,
            InstrumentConfigure {
                instrument: BTC_USD,
                matching: MatchingMode::PriceTime,
                reference: ReferenceKind::Last,
                collar_ppm: 0,
                slippage_ppm: 0,
                band_ppm: 0,
                auction_ns,
                auction_fee: FeeRate::from_ppm(0),
            },
        );
        world.mark(100);
        for _ in 0..=TRIGGERS_PER_COMMAND_MAX {
            world.run(ANN, by_mark(when(Trigger::Stop, 105, limit(Side::Buy, 1, 1))));
        }
        let events = world.mark(105);
        assert_eq!(u32::try_from(triggered(&events).len()), Ok(TRIGGERS_PER_COMMAND_MAX));
        let expected = TradingStateChanged {
            instrument: BTC_USD,
            state,
            reason: StateReason::Stops,
            until_ns: auction_ns,
        };
        assert!(events.contains(&Event::TradingStateChanged(expected)));
        let waits = world.engine.order(order_id(257)).map(|order| order.state);
        assert_eq!(waits, Some(OrderState::Waiting));
        // Once it is open again, what is due acts.
        let open = TradingStateSet { instrument: BTC_USD, state: TradingState::Open };
        assert_eq!(triggered(&world.run(0, open)), [257]);
    }
}

#[test]
fn too_many_followers_of_one_instrument_are_refused() {
    let mut world = World::usual();
    world.mark(100);
    for _ in 0..coulisse_types::limits::FOLLOWERS_PER_INSTRUMENT_MAX {
        world.run(ANN, trail(5, market(Side::Sell, 1, TimeInForce::Ioc)));
    }
    let events = world.run(ANN, trail(5, market(Side::Sell, 1, TimeInForce::Ioc)));
    assert_eq!(code(&events), RejectCode::TooManyFollowers);
}
