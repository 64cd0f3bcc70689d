//! Orders that meet one of the same owner.

use super::*;
use coulisse_types::GroupId;
use coulisse_types::command::AccountConfigure;
use coulisse_types::event::CloseReason;

fn guarded(mode: SelfTrade, order: OrderPlace) -> OrderPlaceTerms {
    OrderPlaceTerms { self_trade: mode, ..order.with_terms() }
}

/// Bob's order between two of Ann's.
fn between() -> World {
    let mut world = World::usual();
    world.sell(ANN, 3, 50);
    world.sell(BOB, 4, 51);
    world.sell(ANN, 5, 52);
    world
}

#[test]
fn expire_taker_ends_the_arriving_order_in_front_of_its_own() {
    let mut world = between();
    let events = world.run(BOB, guarded(SelfTrade::ExpireTaker, limit(Side::Buy, 9, 60)));
    assert_eq!(told(&events), ["filled 1 3", "filled 4 3", "filled 1 0", "self_trade 4 6"]);
    assert_eq!(world.has(BOB, USD).1, 0);
}

#[test]
fn expire_maker_ends_the_resting_order_and_goes_on() {
    let mut world = between();
    let events = world.run(BOB, guarded(SelfTrade::ExpireMaker, limit(Side::Buy, 9, 60)));
    let expected = [
        "filled 1 3",
        "filled 4 3",
        "filled 1 0",
        "self_trade 2 4",
        "filled 3 5",
        "filled 4 5",
        "filled 3 0",
        "rested 4 60",
    ];
    assert_eq!(told(&events), expected);
    assert_eq!(levels(&events), [(50, 0), (51, 0), (52, 0), (60, 1)]);
    assert_eq!(world.has(BOB, BTC).1, 0);
}

#[test]
fn expire_both_ends_both() {
    let mut world = between();
    let events = world.run(BOB, guarded(SelfTrade::ExpireBoth, limit(Side::Buy, 9, 60)));
    assert_eq!(told(&events)[3..], ["self_trade 2 4", "self_trade 4 6"]);
    assert_eq!(levels(&events), [(50, 0), (51, 0)]);
}

#[test]
fn decrement_takes_the_smaller_qty_off_both_without_a_trade() {
    let mut world = between();
    let events = world.run(BOB, guarded(SelfTrade::Decrement, limit(Side::Buy, 9, 60)));
    let expected = ["lost 2 4", "lost 4 4", "self_trade 2 0", "filled 3 2", "filled 4 2"];
    assert_eq!(told(&events)[3..8], expected);
    let mut world = between();
    let events = world.run(BOB, guarded(SelfTrade::Decrement, limit(Side::Buy, 5, 60)));
    assert_eq!(told(&events)[3..], ["lost 2 2", "lost 4 2", "self_trade 4 0"]);
    assert_eq!(levels(&events), [(50, 0), (51, 2)]);
    assert_eq!(world.has(BOB, BTC).1, 2);
}

#[test]
fn an_iceberg_that_loses_what_it_shows_shows_its_next_part() {
    let mut world = World::usual();
    let shows =
        OrderPlaceTerms { display_qty: Qty::from_lots(2), ..limit(Side::Sell, 5, 50).with_terms() };
    world.run(BOB, shows);
    let events = world.run(BOB, guarded(SelfTrade::Decrement, limit(Side::Buy, 3, 50)));
    let expected = ["lost 1 2", "lost 2 2", "shows 1 2", "lost 1 1", "lost 2 1", "self_trade 2 0"];
    assert_eq!(told(&events), expected);
    assert_eq!(levels(&events), [(50, 1)]);
}

#[test]
fn accounts_of_one_trade_group_are_one_owner() {
    let mut world = World::usual();
    world.sell(ANN, 3, 50);
    let order = guarded(SelfTrade::ExpireTaker, limit(Side::Buy, 1, 50));
    for account in [ANN, BOB] {
        world.run(account, AccountConfigure { group: GroupId(0), trade_group: 7 });
    }
    assert_eq!(closed(&world.run(BOB, order)).reason, CloseReason::SelfTrade);
    world.run(BOB, AccountConfigure { group: GroupId(0), trade_group: 0 });
    assert_eq!(fills(&world.run(BOB, order)).len(), 2);
}

#[test]
fn only_the_arriving_orders_mode_counts() {
    let mut world = World::usual();
    world.run(BOB, guarded(SelfTrade::ExpireBoth, limit(Side::Sell, 3, 50)));
    assert_eq!(fills(&world.buy(BOB, 3, 50)).len(), 2);
}

#[test]
fn an_own_order_behind_the_shown_part_of_an_iceberg_ends_what_could_be_filled() {
    let mut world = World::usual();
    let shows =
        OrderPlaceTerms { display_qty: Qty::from_lots(2), ..limit(Side::Sell, 9, 50).with_terms() };
    world.run(ANN, shows);
    world.sell(BOB, 1, 50);
    let fok = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 3, 50) };
    let end = closed(&world.run(BOB, guarded(SelfTrade::ExpireTaker, fok)));
    assert_eq!((end.reason, end.filled.lots()), (CloseReason::FillOrKill, 0));
}
