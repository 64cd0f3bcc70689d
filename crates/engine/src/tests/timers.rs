//! Expiry and dead men's switches.

use super::*;
use coulisse_types::command::CancelAfter;
use coulisse_types::event::{CloseReason, OrderState, Ticked};
use coulisse_types::limits::{AHEAD_NS_MAX, DAY_NS, TIMERS_PER_TICK_MAX};

fn until(expire_ns: i64, order: OrderPlace) -> OrderPlaceTerms {
    let order = OrderPlace { time_in_force: TimeInForce::Gtd, ..order };
    OrderPlaceTerms { expire_ns, ..order.with_terms() }
}

fn ticked(events: &[Event]) -> (u32, bool) {
    let tick = |event: &Event| match event {
        Event::Ticked(Ticked { closed, more }) => Some((*closed, *more)),
        _ => None,
    };
    events.iter().find_map(tick).expect("a tick says so")
}

#[test]
fn an_order_expires_in_the_tick_of_its_time_and_lets_everything_go() {
    let mut world = World::usual();
    world.run(ANN, until(100, limit(Side::Buy, 10, 50)));
    assert_eq!(world.engine.next_timer_ns(), Some(100));
    assert_eq!(ticked(&world.tick(99)), (0, false));
    let events = world.tick(1);
    let expected = ["OrderClosed", "LevelChanged", "Ticked", "BalanceChanged"];
    assert_eq!(names(&events), expected);
    let end = closed(&events);
    assert_eq!((end.state, end.reason), (OrderState::Expired, CloseReason::Expiry));
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR, 0));
    assert_eq!(world.engine.next_timer_ns(), None);
}

#[test]
fn a_day_order_expires_at_the_end_of_its_day() {
    let mut world = World::usual();
    world.header.time_ns = 3 * DAY_NS;
    let day = OrderPlace { time_in_force: TimeInForce::Day, ..limit(Side::Buy, 1, 50) };
    assert_eq!(names(&world.run(ANN, day))[..2], ["OrderAccepted", "OrderRested"]);
    assert_eq!(world.engine.next_timer_ns(), Some(4 * DAY_NS));
    let shown = world.engine.order(order_id(1)).expect("it lives");
    assert_eq!((shown.time_in_force, shown.expire_ns), (TimeInForce::Day, 4 * DAY_NS));
    assert_eq!(ticked(&world.tick(DAY_NS)), (1, false));
}

#[test]
fn a_time_that_is_past_or_too_far_ahead_is_refused() {
    let mut world = World::usual();
    for expire_ns in [0, -5, AHEAD_NS_MAX + 1] {
        let events = world.run(ANN, until(expire_ns, limit(Side::Buy, 1, 50)));
        assert_eq!(code(&events), RejectCode::TimeOutOfRange);
    }
    let gtc = OrderPlaceTerms { expire_ns: 5, ..limit(Side::Buy, 1, 50).with_terms() };
    assert_eq!(code(&world.run(ANN, gtc)), RejectCode::InvalidCombination);
    for timeout_ns in [-1, AHEAD_NS_MAX + 1] {
        let events = world.run(ANN, CancelAfter { timeout_ns });
        assert_eq!(code(&events), RejectCode::TimeOutOfRange);
    }
}

#[test]
fn orders_expire_by_time_and_then_by_id() {
    let mut world = World::usual();
    for (expire_ns, ticks) in [(9, 41), (7, 42), (9, 43), (8, 44)] {
        world.run(ANN, until(expire_ns, limit(Side::Buy, 1, ticks)));
    }
    let expected = ["expiry 2 1", "expiry 4 1", "expiry 1 1", "expiry 3 1"];
    assert_eq!(told(&world.tick(9)), expected);
}

#[test]
fn a_filled_or_cancelled_order_expires_no_more() {
    let mut world = World::usual();
    world.run(ANN, until(9, limit(Side::Sell, 1, 50)));
    world.run(ANN, until(9, limit(Side::Sell, 1, 51)));
    world.buy(BOB, 1, 50);
    world.run(ANN, cancel(2));
    assert_eq!(world.engine.next_timer_ns(), None);
    assert_eq!(ticked(&world.tick(9)), (0, false));
}

#[test]
fn a_dead_mans_switch_cancels_what_its_account_has_unless_it_is_set_again() {
    let mut world = World::usual();
    world.buy(ANN, 1, 50);
    world.buy(BOB, 1, 51);
    world.buy(ANN, 1, 52);
    world.run(ANN, CancelAfter { timeout_ns: 10 });
    assert_eq!(ticked(&world.tick(9)), (0, false));
    world.run(ANN, CancelAfter { timeout_ns: 10 });
    assert_eq!(world.engine.cancel_after_ns(AccountId(ANN)), Some(19));
    let events = world.tick(10);
    assert_eq!(told(&events), ["dead_man 1 1", "dead_man 3 1"]);
    assert!(names(&events).contains(&"CancelAfterSet"));
    assert_eq!(ticked(&events), (2, false));
    assert_eq!(world.engine.cancel_after_ns(AccountId(ANN)), None);
    world.run(BOB, CancelAfter { timeout_ns: 10 });
    world.run(BOB, CancelAfter { timeout_ns: 0 });
    assert_eq!(world.engine.next_timer_ns(), None);
}

#[test]
fn one_tick_ends_only_so_many_orders_and_says_that_more_is_due() {
    let mut world = World::usual();
    let most = TIMERS_PER_TICK_MAX;
    for _ in 0..most {
        world.buy(ANN, 1, 1);
    }
    world.buy(ANN, 1, 1);
    world.run(BOB, until(5, limit(Side::Buy, 1, 1)));
    world.run(ANN, CancelAfter { timeout_ns: 5 });
    assert_eq!(ticked(&world.tick(5)), (most, true));
    assert_eq!(world.engine.cancel_after_ns(AccountId(ANN)), Some(5));
    assert_eq!(ticked(&world.tick(0)), (2, false));
    assert_eq!(world.engine.live_orders(), 0);
}

#[test]
fn a_key_may_not_tick() {
    let mut world = World::usual();
    world.run(
        ANN,
        coulisse_types::command::KeyCreate {
            key_id: text("ann"),
            public_key: [0; 32],
            permissions: 15,
        },
    );
    assert_eq!(code(&world.run_by_key(1, 0, Tick {})), RejectCode::NotPermitted);
}
