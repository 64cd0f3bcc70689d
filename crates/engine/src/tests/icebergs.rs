//! Orders that show a part, and orders that want a least quantity at once.

use super::*;
use coulisse_types::event::CloseReason;

fn iceberg(side: Side, lots: i64, ticks: i64, display: i64) -> OrderPlaceTerms {
    OrderPlaceTerms {
        display_qty: Qty::from_lots(display),
        ..limit(side, lots, ticks).with_terms()
    }
}

fn at_least(lots: i64, order: OrderPlace) -> OrderPlaceTerms {
    let order = OrderPlace { time_in_force: TimeInForce::Ioc, ..order };
    OrderPlaceTerms { min_qty: Qty::from_lots(lots), ..order.with_terms() }
}

#[test]
fn an_iceberg_shows_a_part_and_holds_for_all() {
    let mut world = World::usual();
    let events = world.run(ANN, iceberg(Side::Sell, 10, 50, 3));
    assert_eq!(names(&events)[..3], ["OrderAccepted", "OrderTermsSet", "OrderRested"]);
    assert_eq!(levels(&events), [(50, 3)]);
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR - 10, 10));
    let shown = world.engine.order(order_id(1)).expect("it lives");
    assert_eq!((shown.displayed.lots(), shown.remaining.lots()), (3, 10));
}

#[test]
fn the_next_part_comes_behind_all_orders_of_its_level() {
    let mut world = World::usual();
    world.run(ANN, iceberg(Side::Sell, 7, 50, 3));
    world.sell(ANN, 2, 50);
    let events = world.buy(BOB, 4, 50);
    let expected = ["filled 1 3", "filled 3 3", "shows 1 3", "filled 2 1", "filled 3 1"];
    assert_eq!(told(&events)[..5], expected);
    assert_eq!(levels(&events), [(50, 4)]);
    assert_eq!(world.queue(Side::Sell), [2, 1]);
    let events = world.buy(BOB, 5, 50);
    let expected = [
        "filled 2 1",
        "filled 4 1",
        "filled 2 0",
        "filled 1 3",
        "filled 4 3",
        "shows 1 1",
        "filled 1 1",
        "filled 4 1",
        "filled 1 0",
        "filled 4 0",
    ];
    assert_eq!(told(&events), expected);
    assert_eq!(levels(&events), [(50, 0)]);
}

#[test]
fn amended_down_an_iceberg_keeps_its_place_and_shows_no_more_than_is_left() {
    let mut world = World::usual();
    world.run(ANN, iceberg(Side::Sell, 10, 50, 4));
    world.sell(ANN, 1, 50);
    let events = world.run(ANN, amend(1, 6, 0));
    assert_eq!(levels(&events), [(50, 5)]);
    let events = world.run(ANN, amend(1, 2, 0));
    assert_eq!(levels(&events), [(50, 3)]);
    assert_eq!(world.queue(Side::Sell), [1, 2]);
    let events = world.run(ANN, amend(1, 9, 0));
    assert_eq!(levels(&events), [(50, 1), (50, 5)]);
    assert_eq!(world.queue(Side::Sell), [2, 1]);
}

#[test]
fn a_part_larger_than_the_order_or_of_an_order_that_may_not_rest_is_refused() {
    let mut world = World::usual();
    let too_large = iceberg(Side::Sell, 3, 50, 4);
    assert_eq!(code(&world.run(ANN, too_large)), RejectCode::AmountOutOfRange);
    let ioc = OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Sell, 3, 50) };
    let ioc = OrderPlaceTerms { display_qty: Qty::from_lots(1), ..ioc.with_terms() };
    assert_eq!(code(&world.run(ANN, ioc)), RejectCode::InvalidCombination);
}

#[test]
fn a_least_quantity_is_filled_at_once_or_nothing_is() {
    let mut world = World::usual();
    world.sell(ANN, 3, 50);
    world.sell(ANN, 3, 52);
    let events = world.run(BOB, at_least(4, limit(Side::Buy, 9, 51)));
    assert_eq!((closed(&events).reason, fills(&events).len()), (CloseReason::MinQty, 0));
    let end = closed(&world.run(BOB, at_least(3, limit(Side::Buy, 9, 51))));
    assert_eq!((end.reason, end.filled.lots()), (CloseReason::ImmediateOrCancel, 3));
}

#[test]
fn what_icebergs_hide_counts_for_all_or_nothing_and_so_do_its_steps() {
    let mut world = World::new(Genesis { fills_per_command_max: 4, ..default_genesis(7, 1) });
    world.run(ANN, iceberg(Side::Sell, 6, 50, 2));
    world.sell(ANN, 2, 50);
    let fok = |lots| OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, lots, 50) };
    let end = closed(&world.run(BOB, fok(9)));
    assert_eq!(end.reason, CloseReason::FillOrKill);
    world.run(ANN, amend(1, 8, 0));
    // One and two that are shown, and three more of what is hidden: five.
    let end = closed(&world.run(BOB, fok(5)));
    assert_eq!(end.reason, CloseReason::FillOrKill);
    let end = closed(&world.run(BOB, fok(4)));
    assert_eq!(end.reason, CloseReason::Filled);
}

#[test]
fn terms_are_part_of_what_a_repeated_client_order_id_is_compared_with() {
    let mut world = World::usual();
    let plain = named("a", limit(Side::Sell, 5, 50));
    let shown = OrderPlaceTerms { display_qty: Qty::from_lots(2), ..plain.with_terms() };
    world.run(ANN, shown);
    assert_eq!(names(&world.run(ANN, shown)), ["OrderDuplicate"]);
    assert_eq!(code(&world.run(ANN, plain)), RejectCode::ClientOrderIdConflict);
    let other = named("b", limit(Side::Sell, 5, 50));
    world.run(ANN, other);
    assert_eq!(names(&world.run(ANN, other.with_terms())), ["OrderDuplicate"]);
    world.run(ANN, cancel_named("a"));
    assert_eq!(names(&world.run(ANN, shown)), ["OrderDuplicate"]);
}
