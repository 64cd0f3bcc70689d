//! Cancel-replace, and mass cancel by session.

use super::*;
use coulisse_types::SideFilter;
use coulisse_types::command::{OrderCancelAll, OrderReplace};
use coulisse_types::event::OrdersCancelled;
use coulisse_types::record::Origin;

fn replace(counter: u64, allow_failure: bool, order: OrderPlace) -> OrderReplace {
    order.with_terms().replacing(order_id(counter), ClientOrderId::default(), allow_failure)
}

#[test]
fn the_new_order_is_placed_with_the_money_of_the_old() {
    let mut world = World::usual();
    world.buy(ANN, 9, 100_000);
    let events = world.run(ANN, replace(1, false, limit(Side::Buy, 9, 99_999)));
    assert_eq!(told(&events), ["replaced 1 9", "rested 2 99999"]);
}

#[test]
fn a_refused_placement_is_said_and_the_cancel_stays() {
    let mut world = World::usual();
    world.buy(ANN, 9, 100);
    let events = world.run(ANN, replace(1, false, limit(Side::Buy, 9, 200_000)));
    assert_eq!(names(&events), ["OrderClosed", "LevelChanged", "Rejected", "BalanceChanged"]);
    assert_eq!(world.engine.live_orders(), 0);
}

#[test]
fn what_cannot_be_cancelled_refuses_all_unless_failure_is_allowed() {
    let mut world = World::usual();
    let events = world.run(ANN, replace(7, false, limit(Side::Buy, 9, 100)));
    assert_eq!(code(&events), RejectCode::OrderNotFound);
    let events = world.run(ANN, replace(7, true, limit(Side::Buy, 9, 100)));
    assert_eq!(names(&events)[..3], ["Rejected", "OrderAccepted", "OrderRested"]);
    let events = world.run(ANN, replace(7, true, limit(Side::Buy, 0, 100)));
    assert_eq!(names(&events), ["Rejected", "Rejected"]);
}

#[test]
fn a_repeated_replacement_cancels_nothing() {
    let mut world = World::usual();
    world.buy(ANN, 9, 100);
    let order = named("new", limit(Side::Buy, 9, 101));
    world.run(ANN, replace(1, false, order));
    assert_eq!(names(&world.run(ANN, replace(2, false, order))), ["OrderDuplicate"]);
    let other = named("new", limit(Side::Buy, 9, 102));
    let events = world.run(ANN, replace(2, false, other));
    assert_eq!(names(&events), ["OrderClosed", "LevelChanged", "Rejected", "BalanceChanged"]);
}

#[test]
fn a_mass_cancel_of_a_session_takes_what_it_placed_through_that_node() {
    let mut world = World::usual();
    let header = |node: u16, session: u64| RecordHeader {
        account: AccountId(ANN),
        session,
        origin: Origin { node, ..Origin::default() },
        ..RecordHeader::default()
    };
    for (node, session) in [(1, 5), (1, 6), (2, 5), (1, 5)] {
        world.run_as(header(node, session), limit(Side::Buy, 1, 10));
    }
    let of_session =
        OrderCancelAll { instrument: InstrumentId(0), side: SideFilter::Both, session: 5 };
    let events = world.run_as(header(1, 0), of_session);
    assert_eq!(told(&events), ["cancel_all 1 1", "cancel_all 4 1"]);
    let count = |event: &Event| match event {
        Event::OrdersCancelled(OrdersCancelled { count, .. }) => Some(*count),
        _ => None,
    };
    assert_eq!(events.iter().find_map(count), Some(2));
}
