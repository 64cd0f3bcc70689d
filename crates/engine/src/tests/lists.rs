//! Lists: one cancels the other, one triggers others.

use super::*;
use coulisse_types::command::{OrderCancelAll, OrderListPlace};
use coulisse_types::event::OrderState;
use coulisse_types::{ListKind, SideFilter};

/// Two or three legs, each an order with a trigger price or 0.
fn list(kind: ListKind, legs: &[(OrderPlace, i64); 3]) -> OrderListPlace {
    let [(zero, at_0), (one, at_1), (two, at_2)] = *legs;
    let trigger = |at: i64| if at == 0 { Trigger::None } else { Trigger::Stop };
    OrderListPlace {
        kind,
        instrument: BTC_USD,
        client_order_id: zero.client_order_id,
        side_0: zero.side,
        order_type_0: zero.order_type,
        time_in_force_0: zero.time_in_force,
        qty_0: zero.qty,
        price_0: zero.price,
        trigger_0: trigger(at_0),
        trigger_on_0: TriggerOn::Last,
        trigger_price_0: Price::from_ticks(at_0),
        side_1: one.side,
        order_type_1: one.order_type,
        time_in_force_1: one.time_in_force,
        qty_1: one.qty,
        price_1: one.price,
        trigger_1: trigger(at_1),
        trigger_on_1: TriggerOn::Last,
        trigger_price_1: Price::from_ticks(at_1),
        side_2: two.side,
        order_type_2: two.order_type,
        time_in_force_2: two.time_in_force,
        qty_2: two.qty,
        price_2: two.price,
        trigger_2: trigger(at_2),
        trigger_on_2: TriggerOn::Last,
        trigger_price_2: Price::from_ticks(at_2),
    }
}

fn none() -> (OrderPlace, i64) {
    (limit(Side::Buy, 0, 0), 0)
}

/// Sell 10 at 60, or at 38 once 40 is reached.
fn an_oco() -> OrderListPlace {
    let stop = limit(Side::Sell, 10, 38);
    list(ListKind::Oco, &[(limit(Side::Sell, 10, 60), 0), (stop, 40), none()])
}

/// Buy 10 at 50; then sell at 60, or at 38 once 40 is reached.
fn an_otoco() -> OrderListPlace {
    let legs = [
        (limit(Side::Buy, 10, 50), 0),
        (limit(Side::Sell, 10, 60), 0),
        (limit(Side::Sell, 10, 38), 40),
    ];
    list(ListKind::Otoco, &legs)
}

#[test]
fn one_of_a_pair_that_is_filled_in_part_cancels_the_other() {
    let mut world = World::usual();
    let events = world.run(ANN, an_oco());
    let expected = [
        "OrderAccepted",
        "OrderAccepted",
        "OrderTermsSet",
        "OrderListPlaced",
        "OrderRested",
        "LevelChanged",
        "BalanceChanged",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(world.has(ANN, BTC).1, 10);
    let events = world.buy(BOB, 4, 60);
    assert_eq!(told(&events)[..3], ["filled 1 4", "filled 3 4", "list 2 10"]);
    assert_eq!(world.has(ANN, BTC).1, 6);
    // What is left is an order like any other.
    assert_eq!(told(&world.run(ANN, amend(1, 8, 0))), ["amended 1 8"]);
}

#[test]
fn one_of_a_pair_that_triggers_cancels_the_other_before_it_is_matched() {
    let mut world = World::usual();
    world.run(ANN, an_oco());
    world.buy(BOB, 3, 40);
    world.buy(BOB, 3, 39);
    let events = world.sell(BOB, 1, 40);
    let expected = ["triggered 2 38", "list 1 10", "filled 3 2", "filled 2 2"];
    assert_eq!(told(&events)[3..7], expected);
    assert_eq!(world.has(ANN, BTC).1, 5);
}

#[test]
fn a_pair_of_bids_holds_the_larger_need_and_falls_to_the_survivors() {
    let mut world = World::usual();
    let stop = limit(Side::Buy, 10, 80);
    world.run(ANN, list(ListKind::Oco, &[(limit(Side::Buy, 10, 50), 0), (stop, 70), none()]));
    assert_eq!(world.has(ANN, USD).1, 803);
    world.sell(BOB, 1, 50);
    assert_eq!(world.has(ANN, USD).1, 451);
    world.run(ANN, cancel(1));
    assert_eq!(world.has(ANN, USD).1, 0);
}

#[test]
fn cancelling_one_of_a_pair_cancels_both_and_cancel_all_counts_one() {
    let mut world = World::usual();
    world.run(ANN, an_oco());
    assert_eq!(told(&world.run(ANN, cancel(2))), ["cancel_requested 2 10", "list 1 10"]);
    world.run(ANN, an_oco());
    world.sell(ANN, 1, 70);
    let all = OrderCancelAll { instrument: InstrumentId(0), side: SideFilter::Both, session: 0 };
    let expected = ["cancel_all 3 10", "list 4 10", "cancel_all 5 1"];
    assert_eq!(told(&world.run(ANN, all)), expected);
    assert_eq!(world.engine.live_orders(), 0);
}

#[test]
fn the_legs_of_a_filled_order_are_released_at_the_end_of_the_command() {
    let mut world = World::usual();
    let events = world.run(ANN, an_otoco());
    assert_eq!(told(&events), ["rested 1 50"]);
    assert_eq!(world.has(ANN, BTC).1, 0);
    let state = |world: &World| world.engine.order(order_id(2)).map(|order| order.state);
    assert_eq!(state(&world), Some(OrderState::Waiting));
    assert_eq!(told(&world.sell(BOB, 4, 50))[..2], ["filled 1 4", "filled 4 4"]);
    assert_eq!(state(&world), Some(OrderState::Waiting));
    let events = world.sell(BOB, 6, 50);
    assert_eq!(told(&events)[2..], ["filled 1 0", "filled 5 0", "rested 2 60"]);
    assert_eq!(world.has(ANN, BTC).1, 10);
    assert_eq!(told(&world.run(ANN, cancel(3))), ["cancel_requested 3 10", "list 2 10"]);
}

#[test]
fn legs_that_cannot_be_held_for_expire() {
    let mut world = World::usual();
    let legs = [(limit(Side::Buy, 10, 50), 0), (limit(Side::Buy, 10, 1_000_000), 0), none()];
    world.run(ANN, list(ListKind::Oto, &legs));
    let events = world.sell(BOB, 10, 50);
    assert_eq!(told(&events)[4..], ["insufficient_balance 2 10"]);
}

#[test]
fn a_released_stop_whose_price_is_passed_already_acts() {
    let mut world = World::usual();
    world.sell(BOB, 1, 30);
    world.buy(ANN, 1, 30);
    let stop = limit(Side::Sell, 10, 20);
    world.run(ANN, list(ListKind::Oto, &[(limit(Side::Buy, 10, 30), 0), (stop, 35), none()]));
    // The fill is at the price of the last trade: nothing is new but the stop.
    let events = world.sell(BOB, 10, 30);
    assert_eq!(told(&events)[4..], ["triggered 4 20", "rested 4 20"]);
}

#[test]
fn pending_legs_go_with_leg_0_and_with_each_other() {
    let mut world = World::usual();
    world.run(ANN, an_otoco());
    let expected = ["cancel_requested 1 10", "list 2 10", "list 3 10"];
    assert_eq!(told(&world.run(ANN, cancel(1))), expected);
    world.run(ANN, an_otoco());
    assert_eq!(told(&world.run(ANN, cancel(6))), ["cancel_requested 6 10", "list 5 10"]);
    assert_eq!(told(&world.run(ANN, amend(4, 5, 0))), ["amended 4 5"]);
}

#[test]
fn a_leg_cannot_be_amended() {
    let mut world = World::usual();
    world.run(ANN, an_otoco());
    for (counter, leg) in [(1, 0), (2, 1), (3, 2)] {
        let refused = refusal(&world.run(ANN, amend(counter, 5, 0)));
        assert_eq!((refused.code, refused.value), (RejectCode::InvalidCombination, leg));
    }
}

#[test]
fn legs_that_do_not_fit_together_are_refused_by_their_number() {
    let mut world = World::usual();
    let (sell, stop) = (limit(Side::Sell, 10, 60), limit(Side::Sell, 10, 38));
    let market = market(Side::Sell, 10, TimeInForce::Ioc);
    let other_qty = limit(Side::Sell, 9, 38);
    for (kind, legs, leg) in [
        (ListKind::Oco, [(sell, 0), (other_qty, 40), none()], 1),
        (ListKind::Oco, [(sell, 70), (stop, 40), none()], 0),
        (ListKind::Oco, [(sell, 0), (stop, 0), none()], 1),
        (ListKind::Oco, [(sell, 0), (stop, 40), (sell, 0)], 2),
        (ListKind::Oto, [(market, 0), (sell, 0), none()], 0),
        (ListKind::Otoco, [(sell, 0), (sell, 0), (other_qty, 40)], 2),
        (ListKind::Otoco, [(sell, 0), (market, 0), (stop, 40)], 1),
        (ListKind::Otoco, [(sell, 0), (sell, 0), (stop, 0)], 2),
    ] {
        let refused = refusal(&world.run(ANN, list(kind, &legs)));
        assert_eq!((refused.code, refused.value), (RejectCode::InvalidCombination, leg));
    }
}

#[test]
fn a_repeated_list_is_a_duplicate_of_its_leg_0() {
    let mut world = World::usual();
    let named = OrderListPlace { client_order_id: text("a"), ..an_oco() };
    world.run(ANN, named);
    assert_eq!(names(&world.run(ANN, named)), ["OrderDuplicate"]);
    let other = OrderListPlace { client_order_id: text("a"), ..an_otoco() };
    assert_eq!(code(&world.run(ANN, other)), RejectCode::ClientOrderIdConflict);
}
