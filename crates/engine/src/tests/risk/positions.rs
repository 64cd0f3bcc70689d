//! Positions and orders that may only reduce.

use super::*;

#[test]
fn a_trade_opens_a_long_and_a_short_at_what_it_cost() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    let events = world.buy(BOB, 10, 60);
    assert_eq!(positions(&events), [(ANN, -10, -500, 0), (BOB, 10, 500, 0)]);
    let bob = world.engine.position(AccountId(BOB), BTC_USD).expect("there is one");
    assert_eq!((bob.qty.lots(), bob.fees.minor()), (10, 2));
}

#[test]
fn closing_a_part_realises_its_share_of_the_cost() {
    let mut world = World::usual();
    world.sell(ANN, 3, 100);
    world.buy(BOB, 3, 100);
    world.buy(ANN, 1, 130);
    assert_eq!(positions(&world.sell(BOB, 1, 130)), [(ANN, -2, -200, -30), (BOB, 2, 200, 30)]);
}

#[test]
fn a_share_that_is_not_whole_stays_with_the_position() {
    let mut world = World::usual();
    for (lots, ticks) in [(2, 50), (1, 51)] {
        world.sell(ANN, lots, ticks);
        world.buy(BOB, lots, ticks);
    }
    // 151 for 3: one of them takes 50 with it, and not 51.
    world.buy(ANN, 1, 60);
    assert_eq!(positions(&world.sell(BOB, 1, 60)), [(ANN, -2, -101, -10), (BOB, 2, 101, 10)]);
}

#[test]
fn a_fill_through_zero_closes_and_opens_the_other_way() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    world.buy(ANN, 15, 60);
    assert_eq!(positions(&world.sell(BOB, 15, 60)), [(ANN, 5, 300, -100), (BOB, -5, -300, 100)]);
}

#[test]
fn a_trade_with_oneself_counts_on_both_sides() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    let events = world.buy(ANN, 10, 50);
    assert_eq!(positions(&events), [(ANN, 0, 0, 0)]);
    let ann = world.engine.position(AccountId(ANN), BTC_USD).expect("there is one");
    assert_eq!(ann.fees.minor(), 1 + 2);
}

#[test]
fn one_position_is_told_once_a_command_and_before_the_balances() {
    let mut world = World::usual();
    for _ in 0..3 {
        world.sell(ANN, 1, 50);
    }
    let events = world.buy(BOB, 3, 50);
    assert_eq!(positions(&events), [(ANN, -3, -150, 0), (BOB, 3, 150, 0)]);
    let kinds = names(&events);
    let last = kinds.iter().rposition(|name| *name == "PositionChanged").expect("told");
    let first = kinds.iter().position(|name| *name == "BalanceChanged").expect("told");
    assert_eq!(last + 1, first);
}

#[test]
fn open_lots_follow_orders_that_rest_shrink_fill_and_go() {
    let mut world = World::usual();
    let open = |world: &World| {
        let ann = world.engine.position(AccountId(ANN), BTC_USD).expect("there is one");
        (ann.open_buy_lots, ann.open_sell_lots)
    };
    world.buy(ANN, 10, 50);
    world.sell(ANN, 7, 60);
    assert_eq!(open(&world), (10, 7));
    world.run(ANN, amend(1, 8, 0));
    world.sell(BOB, 3, 50);
    assert_eq!(open(&world), (5, 7));
    world.run(ANN, amend(1, 20, 51));
    assert_eq!(open(&world), (17, 7));
    world.run(ANN, cancel(1));
    assert_eq!(open(&world), (0, 7));
}

#[test]
fn a_reduce_only_order_is_refused_beyond_the_position() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    let expected = (RejectCode::ReduceOnlyWouldIncrease, Field::Qty, Unit::Lots, 11, 10);
    assert_eq!(detail(&world.run(BOB, reducing(limit(Side::Sell, 11, 60)))), expected);
    let expected = (RejectCode::ReduceOnlyWouldIncrease, Field::Qty, Unit::Lots, 1, 0);
    assert_eq!(detail(&world.run(BOB, reducing(limit(Side::Buy, 1, 60)))), expected);
    let events = world.run(BOB, reducing(limit(Side::Sell, 10, 60)));
    assert!(names(&events).contains(&"OrderRested"));
}

#[test]
fn a_reduce_only_taker_stops_where_the_position_is_closed() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    world.run(BOB, reducing(limit(Side::Sell, 10, 60)));
    world.run(BOB, market(Side::Sell, 1, TimeInForce::Ioc));
    world.buy(ANN, 6, 55);
    world.sell(BOB, 6, 55);
    world.buy(ANN, 20, 40);
    // 4 are left to close, of 10.
    let end = closed(&world.run(BOB, amend(3, 10, 40)));
    assert_eq!((end.state, end.reason), (OrderState::Expired, CloseReason::ReduceOnly));
    assert_eq!((end.filled.lots(), end.remaining.lots()), (4, 6));
    assert_eq!(world.has(BOB, BTC).1, 0);
}

#[test]
fn a_reduce_only_maker_trades_what_closes_and_then_ends() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    world.run(BOB, reducing(limit(Side::Sell, 10, 60)));
    world.buy(ANN, 8, 55);
    world.sell(BOB, 8, 55);
    // Bob has 2 left: his maker of 10 trades 2 and is then closed.
    let events = world.buy(ANN, 5, 60);
    assert_eq!(fills(&events)[0].qty.lots(), 2);
    let end = closed(&events);
    assert_eq!((end.reason, end.remaining.lots()), (CloseReason::ReduceOnly, 8));
    assert_eq!(world.engine.position(AccountId(BOB), BTC_USD).map(|p| p.qty.lots()), Some(0));
    assert_eq!(world.queue(Side::Sell), []);
    let level = names(&events).iter().filter(|name| **name == "LevelChanged").count();
    // Its own level once, and the one on which Ann's order rests.
    assert_eq!(level, 2);
}

#[test]
fn what_could_be_filled_does_not_count_a_maker_that_may_only_reduce() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    world.run(BOB, reducing(limit(Side::Sell, 10, 60)));
    let fok = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 5, 60) };
    assert_eq!(closed(&world.run(ANN, fok)).reason, CloseReason::FillOrKill);
    world.sell(BOB, 5, 60);
    assert_eq!(closed(&world.run(ANN, fok)).reason, CloseReason::Filled);
}
