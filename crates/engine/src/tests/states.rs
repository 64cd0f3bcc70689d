//! What each trading state takes, and the band that calls an auction.

use super::*;
use coulisse_types::command::{InstrumentConfigure, OrderCancelAll, TradingStateSet};
use coulisse_types::event::{CloseReason, TradingStateChanged};
use coulisse_types::{Field, MatchingMode, ReferenceKind, SideFilter, StateReason, TradingState};

pub(super) fn state(state: TradingState) -> TradingStateSet {
    TradingStateSet { instrument: BTC_USD, state }
}

pub(super) fn a_band(band_ppm: u32, auction_ns: i64) -> InstrumentConfigure {
    InstrumentConfigure {
        instrument: BTC_USD,
        matching: MatchingMode::PriceTime,
        reference: ReferenceKind::Last,
        collar_ppm: 0,
        slippage_ppm: 0,
        band_ppm,
        auction_ns,
        auction_fee: FeeRate::from_ppm(0),
    }
}

pub(super) fn states(events: &[Event]) -> Vec<TradingStateChanged> {
    let changed = |event: &Event| match event {
        Event::TradingStateChanged(changed) => Some(*changed),
        _ => None,
    };
    events.iter().filter_map(changed).collect()
}

/// The state that refused, by number.
fn refused(events: &[Event]) -> i128 {
    let Rejected { code, field, value, .. } = refusal(events);
    assert_eq!((code, field), (RejectCode::TradingStateForbids, Field::State));
    value
}

/// Trades once at 100, between Ann and Bob.
pub(super) fn trade_at_100(world: &mut World) {
    world.sell(ANN, 1, 100);
    world.buy(BOB, 1, 100);
}

#[test]
fn a_halted_instrument_takes_nothing_and_lets_nothing_go() {
    let mut world = World::usual();
    world.buy(ANN, 1, 100);
    world.run(0, state(TradingState::Halted));
    assert_eq!(refused(&world.buy(ANN, 1, 100)), 3);
    assert_eq!(refused(&world.run(ANN, cancel(1))), 3);
    assert_eq!(refused(&world.run(ANN, amend(1, 2, 0))), 3);
    let all = OrderCancelAll { instrument: BTC_USD, side: SideFilter::Both, session: 0 };
    assert_eq!(names(&world.run(ANN, all)), ["OrdersCancelled"]);
}

#[test]
fn cancel_only_lets_orders_go_and_takes_none() {
    let mut world = World::usual();
    world.buy(ANN, 1, 100);
    world.run(0, state(TradingState::CancelOnly));
    assert_eq!(refused(&world.buy(ANN, 1, 100)), 1);
    assert_eq!(refused(&world.run(ANN, amend(1, 2, 0))), 1);
    assert_eq!(closed(&world.run(ANN, cancel(1))).reason, CloseReason::CancelRequested);
}

#[test]
fn a_duplicate_is_said_in_any_state_and_what_is_unknown_is_refused_first() {
    let mut world = World::usual();
    let order = named("a", limit(Side::Buy, 1, 100));
    world.run(ANN, order);
    world.run(0, state(TradingState::Halted));
    assert_eq!(names(&world.run(ANN, order)), ["OrderDuplicate"]);
    assert_eq!(code(&world.run(BOB, cancel(1))), RejectCode::OrderNotFound);
}

#[test]
fn post_only_takes_what_rests_and_amends_that_do_not_cross() {
    let mut world = World::usual();
    world.sell(ANN, 1, 105);
    world.buy(BOB, 1, 100);
    world.run(0, state(TradingState::PostOnly));
    assert_eq!(refused(&world.buy(BOB, 1, 99)), 2);
    let quiet = OrderPlace { post_only: true, ..limit(Side::Buy, 1, 99) };
    assert_eq!(names(&world.run(BOB, quiet))[..2], ["OrderAccepted", "OrderRested"]);
    assert_eq!(code(&world.run(BOB, amend(2, 0, 105))), RejectCode::PostOnlyWouldTrade);
    assert_eq!(names(&world.run(BOB, amend(2, 0, 104)))[0], "OrderAmended");
    let pegged = OrderPlaceTerms { peg: Peg::Bid, ..limit(Side::Buy, 1, 103).with_terms() };
    assert_eq!(names(&world.run(BOB, pegged))[0], "OrderAccepted");
}

#[test]
fn setting_the_state_that_is_says_so_and_changes_nothing() {
    let mut world = World::usual();
    let events = world.run(0, state(TradingState::Open));
    assert_eq!(names(&events), ["TradingStateChanged"]);
    let unknown = TradingStateSet { instrument: InstrumentId(9), state: TradingState::Open };
    assert_eq!(code(&world.run(0, unknown)), RejectCode::UnknownInstrument);
}

#[test]
fn a_fill_outside_the_band_calls_an_auction_and_the_order_rests_across() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    world.run(0, a_band(50_000, 10));
    world.sell(ANN, 1, 105);
    world.sell(ANN, 1, 106);
    let events = world.buy(BOB, 3, 110);
    assert_eq!(fills(&events).len(), 2, "one trade at 105");
    let last = ["OrderRested", "LevelChanged", "TradingStateChanged", "PositionChanged"];
    assert_eq!(names(&events)[6..10], last);
    let [called] = states(&events)[..] else { panic!("one change") };
    assert_eq!((called.state, called.reason), (TradingState::Auction, StateReason::Band));
    assert_eq!(called.until_ns, 10);
    assert_eq!(world.engine.next_timer_ns(), Some(10));
}

#[test]
fn market_and_immediate_orders_that_meet_the_band_expire() {
    for (order, reason) in [
        (market(Side::Buy, 1, TimeInForce::Ioc), CloseReason::NoLiquidity),
        (spend(Side::Buy, 500), CloseReason::NoLiquidity),
        (
            OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Buy, 1, 110) },
            CloseReason::ImmediateOrCancel,
        ),
    ] {
        let mut world = World::usual();
        trade_at_100(&mut world);
        world.run(0, a_band(50_000, 10));
        world.sell(ANN, 1, 106);
        let events = world.run(BOB, order);
        assert_eq!(closed(&events).reason, reason);
        assert_eq!(states(&events).len(), 1);
    }
}

#[test]
fn fill_or_kill_does_not_look_past_the_band_and_calls_nothing() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    world.run(0, a_band(50_000, 10));
    world.sell(ANN, 1, 106);
    let order = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 1, 110) };
    let events = world.run(BOB, order);
    assert_eq!(names(&events), ["OrderAccepted", "OrderClosed"]);
}

#[test]
fn a_band_is_measured_from_the_reference_before_the_command() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    world.run(0, a_band(50_000, 10));
    // Each is within 5 % of the one before, the last is not of where it began.
    for ticks in [104, 105, 109] {
        world.sell(ANN, 1, ticks);
    }
    let events = world.buy(BOB, 3, 109);
    assert_eq!(fills(&events).len(), 4);
    assert_eq!(states(&events).len(), 1);
    // A mark moves nothing away under a stop that it triggers.
    let mut world = World::usual();
    world.run(0, InstrumentConfigure { reference: ReferenceKind::Mark, ..a_band(50_000, 10) });
    world.mark(100);
    world.sell(ANN, 1, 110);
    let stop = OrderPlaceTerms {
        trigger: Trigger::Stop,
        trigger_on: TriggerOn::Mark,
        trigger_price: Price::from_ticks(108),
        ..limit(Side::Buy, 1, 120).with_terms()
    };
    world.run(BOB, stop);
    let events = world.mark(110);
    assert!(names(&events).contains(&"OrderTriggered"));
    assert_eq!(states(&events)[0].reason, StateReason::Band);
}

#[test]
fn an_amended_order_is_stopped_by_the_band_too() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    world.run(0, a_band(50_000, 10));
    world.sell(ANN, 1, 106);
    world.buy(BOB, 1, 99);
    let events = world.run(BOB, amend(4, 0, 106));
    assert_eq!(states(&events)[0].reason, StateReason::Band);
    assert_eq!(world.queue(Side::Buy), [4]);
}

#[test]
fn a_configuration_without_a_band_is_plain_again() {
    let mut world = World::usual();
    trade_at_100(&mut world);
    world.run(0, a_band(50_000, 10));
    world.run(0, a_band(0, 0));
    world.sell(ANN, 1, 200);
    assert_eq!(fills(&world.buy(BOB, 1, 200)).len(), 2);
}
