//! Placing, matching, amending and cancelling.

use super::*;
use coulisse_types::SideFilter;
use coulisse_types::command::OrderCancelAll;
use coulisse_types::event::{CloseReason, LevelChanged, OrderState, Role};

#[test]
fn a_trade_is_told_maker_first_then_taker_then_the_level_then_balances() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    let events = world.buy(BOB, 15, 60);
    let expected = [
        "OrderAccepted",
        "Traded",
        "OrderFilled",
        "OrderFilled",
        "OrderClosed",
        "LevelChanged",
        "OrderRested",
        "LevelChanged",
        "BalanceChanged",
        "BalanceChanged",
        "BalanceChanged",
        "BalanceChanged",
    ];
    assert_eq!(names(&events), expected);
    let roles: Vec<_> = fills(&events).iter().map(|fill| (fill.role, fill.account.0)).collect();
    assert_eq!(roles, [(Role::Maker, ANN), (Role::Taker, BOB)]);
}

#[test]
fn a_fill_is_at_the_makers_price() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    let fill = fills(&world.buy(BOB, 10, 60))[1];
    assert_eq!((fill.price.ticks(), fill.notional.minor()), (50, 500));
    world.buy(ANN, 10, 40);
    let fill = fills(&world.sell(BOB, 10, 30))[1];
    assert_eq!(fill.price.ticks(), 40);
}

#[test]
fn the_best_price_comes_first_and_then_who_came_first() {
    let mut world = World::usual();
    for (lots, ticks) in [(1, 51), (2, 50), (3, 50), (4, 49)] {
        world.sell(ANN, lots, ticks);
    }
    let events = world.buy(BOB, 10, 51);
    let lots: Vec<_> =
        fills(&events).iter().filter(|f| f.role == Role::Taker).map(|f| f.qty.lots()).collect();
    assert_eq!(lots, [4, 2, 3, 1]);
    let levels: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::LevelChanged(LevelChanged { price, qty, .. }) => {
                Some((price.ticks(), qty.lots()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(levels, [(49, 0), (50, 0), (51, 0)]);
}

#[test]
fn a_limit_order_never_trades_past_its_limit() {
    let mut world = World::usual();
    world.sell(ANN, 1, 50);
    world.sell(ANN, 1, 52);
    let events = world.buy(BOB, 5, 51);
    assert_eq!(fills(&events).len(), 2);
    assert_eq!(world.engine.best(BTC_USD, Side::Buy).map(|l| l.qty.lots()), Some(4));
}

#[test]
fn an_ioc_filled_in_part_expires_and_lets_everything_go() {
    let mut world = World::usual();
    world.sell(ANN, 3, 50);
    let ioc = OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Buy, 10, 50) };
    let end = closed(&world.run(BOB, ioc));
    assert_eq!((end.state, end.reason), (OrderState::Expired, CloseReason::ImmediateOrCancel));
    assert_eq!((end.filled.lots(), end.remaining.lots()), (3, 7));
    assert_eq!(world.has(BOB, USD), (FUNDS_MINOR - 151, 0));
}

#[test]
fn a_fok_fills_in_full_or_changes_no_balance() {
    let mut world = World::usual();
    world.sell(ANN, 3, 50);
    world.sell(ANN, 3, 51);
    let fok = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 6, 50) };
    let events = world.run(BOB, fok);
    assert_eq!(names(&events), ["OrderAccepted", "OrderClosed"]);
    assert_eq!(closed(&events).reason, CloseReason::FillOrKill);
    let events = world.run(BOB, OrderPlace { price: Price::from_ticks(51), ..fok });
    assert_eq!(closed(&events).reason, CloseReason::Filled);
}

#[test]
fn a_market_fok_that_cannot_be_paid_for_expires_for_that_reason() {
    let mut world = World::usual();
    world.sell(ANN, 10, 90_000);
    world.sell(ANN, 10, 90_000);
    let events = world.run(BOB, market(Side::Buy, 12, TimeInForce::Fok));
    assert_eq!(closed(&events).reason, CloseReason::InsufficientBalance);
    let events = world.run(BOB, market(Side::Buy, 21, TimeInForce::Fok));
    assert_eq!(closed(&events).reason, CloseReason::FillOrKill);
    let events = world.run(BOB, market(Side::Buy, 11, TimeInForce::Fok));
    assert_eq!(closed(&events).reason, CloseReason::Filled);
}

#[test]
fn a_market_fok_must_be_able_to_pay_before_its_own_makers_earn_anything() {
    let mut world = World::usual();
    world.sell(BOB, 10, 60_000);
    world.sell(ANN, 10, 60_001);
    let events = world.run(BOB, market(Side::Buy, 20, TimeInForce::Fok));
    assert_eq!(closed(&events).reason, CloseReason::InsufficientBalance);
    let events = world.run(BOB, market(Side::Buy, 16, TimeInForce::Fok));
    assert_eq!(closed(&events).reason, CloseReason::Filled);
}

#[test]
fn a_market_order_that_meets_nothing_expires() {
    let mut world = World::usual();
    let events = world.run(BOB, market(Side::Sell, 5, TimeInForce::Ioc));
    assert_eq!(names(&events), ["OrderAccepted", "OrderClosed"]);
    assert_eq!(closed(&events).reason, CloseReason::NoLiquidity);
}

#[test]
fn a_market_buy_stops_at_the_last_lot_it_can_pay_with_its_fee() {
    let mut world = World::usual();
    world.sell(ANN, 100, 30_000);
    let events = world.run(BOB, market(Side::Buy, 100, TimeInForce::Ioc));
    // 33 lots cost 990,000 and a fee of 2,970; the 34th would cost more than is left.
    assert_eq!(closed(&events).reason, CloseReason::InsufficientBalance);
    assert_eq!(closed(&events).filled.lots(), 33);
    assert_eq!(world.has(BOB, USD), (FUNDS_MINOR - 992_970, 0));
}

#[test]
fn an_order_by_notional_spends_what_whole_lots_allow() {
    let mut world = World::usual();
    world.sell(ANN, 2, 50);
    world.sell(ANN, 10, 60);
    let end = closed(&world.run(BOB, spend(Side::Buy, 250)));
    assert_eq!((end.state, end.reason), (OrderState::Filled, CloseReason::NotionalSpent));
    assert_eq!((end.filled.lots(), end.remaining.lots()), (4, 0));
    let end = closed(&world.run(BOB, spend(Side::Buy, 59)));
    assert_eq!((end.state, end.reason), (OrderState::Expired, CloseReason::NotionalSpent));
}

#[test]
fn an_order_by_notional_that_is_spent_exactly_with_the_last_maker_is_filled() {
    let mut world = World::usual();
    world.buy(ANN, 2, 50);
    let end = closed(&world.run(BOB, spend(Side::Sell, 100)));
    assert_eq!((end.state, end.reason), (OrderState::Filled, CloseReason::NotionalSpent));
    world.buy(ANN, 2, 50);
    let end = closed(&world.run(BOB, spend(Side::Sell, 150)));
    assert_eq!((end.state, end.reason), (OrderState::Expired, CloseReason::NoLiquidity));
}

#[test]
fn one_command_makes_only_so_many_fills_and_the_rest_expires() {
    let genesis = Genesis { fills_per_command_max: 2, ..default_genesis(7, 1) };
    let mut world = World::new(genesis);
    for _ in 0..3 {
        world.sell(ANN, 1, 50);
    }
    let fok = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 3, 50) };
    assert_eq!(closed(&world.run(BOB, fok)).reason, CloseReason::FillOrKill);
    let end = closed(&world.buy(BOB, 3, 50));
    assert_eq!((end.reason, end.remaining.lots()), (CloseReason::FillLimit, 1));
    assert_eq!(closed(&world.buy(BOB, 1, 50)).reason, CloseReason::Filled);
}

#[test]
fn an_amend_to_less_qty_keeps_its_place() {
    let mut world = World::usual();
    world.buy(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    let events = world.run(ANN, amend(1, 4, 0));
    assert_eq!(names(&events), ["OrderAmended", "LevelChanged", "BalanceChanged"]);
    assert_eq!(world.queue(Side::Buy), [1, 2]);
}

#[test]
fn an_amend_to_more_qty_or_another_price_loses_its_place() {
    let mut world = World::usual();
    world.buy(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    world.run(ANN, amend(1, 6, 0));
    assert_eq!(world.queue(Side::Buy), [2, 1]);
    world.run(BOB, amend(2, 0, 49));
    world.run(BOB, amend(2, 0, 50));
    assert_eq!(world.queue(Side::Buy), [1, 2]);
}

#[test]
fn an_amend_that_changes_nothing_only_says_so() {
    let mut world = World::usual();
    world.buy(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    assert_eq!(names(&world.run(ANN, amend(1, 5, 50))), ["OrderAmended"]);
    assert_eq!(world.queue(Side::Buy), [1, 2]);
}

#[test]
fn an_amend_to_what_is_filled_or_less_closes() {
    let mut world = World::usual();
    world.buy(ANN, 5, 50);
    world.sell(BOB, 3, 50);
    let end = closed(&world.run(ANN, amend(1, 3, 0)));
    assert_eq!((end.state, end.reason), (OrderState::Cancelled, CloseReason::AmendedToFilled));
    assert_eq!((end.filled.lots(), end.remaining.lots()), (3, 2));
    assert_eq!(world.has(ANN, USD).1, 0);
}

#[test]
fn an_amended_order_trades_as_a_taker_and_rests_with_what_is_left() {
    let mut world = World::usual();
    world.buy(ANN, 5, 50);
    world.sell(BOB, 2, 50);
    world.sell(BOB, 2, 55);
    let events = world.run(ANN, amend(1, 6, 55));
    let fill = fills(&events)[1];
    assert_eq!((fill.role, fill.filled.lots(), fill.remaining.lots()), (Role::Taker, 4, 2));
    assert_eq!(world.engine.order(order_id(1)).map(|order| order.remaining.lots()), Some(2));
    // And one that leaves nothing is filled.
    world.sell(BOB, 2, 60);
    assert_eq!(closed(&world.run(ANN, amend(1, 0, 60))).reason, CloseReason::Filled);
}

#[test]
fn a_cancel_lets_the_whole_hold_go_and_keeps_the_others_in_line() {
    let mut world = World::usual();
    for account in [ANN, BOB, ANN] {
        world.buy(account, 5, 50);
    }
    let events = world.run(BOB, cancel(2));
    assert_eq!(names(&events), ["OrderClosed", "LevelChanged", "BalanceChanged"]);
    assert_eq!(world.queue(Side::Buy), [1, 3]);
    assert_eq!(world.has(BOB, USD), (FUNDS_MINOR, 0));
    assert_eq!(code(&world.run(BOB, cancel(2))), RejectCode::OrderNotFound);
    assert_eq!(code(&world.run(BOB, cancel(1))), RejectCode::OrderNotFound);
}

#[test]
fn cancel_all_takes_an_accounts_orders_by_id_in_one_instrument_or_in_all() {
    let mut world = World::usual();
    world.run(0, AssetCreate { name: text("ETH"), scale: 0 });
    world.run(0, InstrumentCreate { symbol: text("ETH-USD"), base: AssetId(3), ..an_instrument() });
    world.buy(ANN, 1, 50);
    world.run(ANN, OrderPlace { instrument: InstrumentId(2), ..limit(Side::Buy, 1, 9) });
    world.buy(ANN, 1, 51);
    world.buy(BOB, 1, 49);
    // Amending does not change where an order stands among its account's.
    world.run(ANN, amend(1, 0, 48));
    let count = |events: &[Event]| match events {
        [.., Event::OrdersCancelled(cancelled), Event::BalanceChanged(_)]
        | [Event::OrdersCancelled(cancelled)] => cancelled.count,
        other => panic!("{other:?}"),
    };
    let events =
        world.run(ANN, OrderCancelAll { instrument: BTC_USD, side: SideFilter::Both, session: 0 });
    let gone = |event: &Event| match event {
        Event::OrderClosed(closed) => Some(closed.order_id),
        _ => None,
    };
    let ids: Vec<_> = events.iter().filter_map(gone).collect();
    assert_eq!(ids, [order_id(1), order_id(3)]);
    assert_eq!(count(&events), 2);
    assert_eq!(
        count(&world.run(
            ANN,
            OrderCancelAll { instrument: InstrumentId(0), side: SideFilter::Both, session: 0 }
        )),
        1
    );
    assert_eq!(
        count(&world.run(
            ANN,
            OrderCancelAll { instrument: InstrumentId(0), side: SideFilter::Both, session: 0 }
        )),
        0
    );
    assert_eq!(world.engine.live_orders(), 1);
}

#[test]
fn a_self_trade_is_allowed_and_costs_both_fees() {
    let mut world = World::usual();
    world.sell(ANN, 10, 1_000);
    world.buy(ANN, 10, 1_000);
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 10 - 30, 0));
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR, 0));
}
