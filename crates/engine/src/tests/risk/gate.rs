//! The gate: one story per check and code.

use super::*;

fn expect(events: &[Event], code: RejectCode, field: Field, unit: Unit, numbers: (i128, i128)) {
    assert_eq!(detail(events), (code, field, unit, numbers.0, numbers.1));
}

#[test]
fn an_order_is_refused_above_the_qty_limit_of_firm_group_or_account() {
    let mut world = grouped();
    let too_many = RejectCode::RiskOrderQty;
    for (limit, lots) in [
        (of_firm(LimitKind::OrderQty, 1, 30), 30),
        (of_group(LimitKind::OrderQty, 1, 20), 20),
        (of_ann(LimitKind::OrderQty, 1, 10), 10),
    ] {
        world.run(0, limit);
        let events = world.buy(ANN, lots + 1, 10);
        expect(&events, too_many, Field::Qty, Unit::Lots, (i128::from(lots) + 1, lots.into()));
        assert!(names(&world.buy(ANN, lots, 10)).contains(&"OrderRested"));
    }
    assert!(names(&world.buy(BOB, 20, 10)).contains(&"OrderRested"));
    let market = market(Side::Sell, 11, TimeInForce::Ioc);
    expect(&world.run(ANN, market), too_many, Field::Qty, Unit::Lots, (11, 10));
}

#[test]
fn an_order_is_refused_above_the_notional_limit_at_its_limit_or_the_reference() {
    let mut world = World::usual();
    world.run(0, of_ann(LimitKind::OrderNotional, USD.0, 1_000));
    let code = RejectCode::RiskOrderNotional;
    expect(&world.buy(ANN, 10, 101), code, Field::Notional, Unit::QuoteMinor, (1_010, 1_000));
    let market = market(Side::Sell, 10, TimeInForce::Ioc);
    assert!(names(&world.run(ANN, market)).contains(&"OrderClosed"));
    world.run(0, a_mark(200));
    expect(&world.run(ANN, market), code, Field::Notional, Unit::QuoteMinor, (2_000, 1_000));
    let spent = world.run(ANN, spend(Side::Sell, 1_001));
    expect(&spent, code, Field::Notional, Unit::QuoteMinor, (1_001, 1_000));
}

#[test]
fn a_limit_is_held_to_the_collar_around_the_reference() {
    let mut world = World::usual();
    world.run(0, configured(100_000, 0));
    let code = RejectCode::NoReference;
    expect(&world.buy(ANN, 1, 100), code, Field::Price, Unit::Ticks, (100, 0));
    world.run(0, a_mark(105));
    let code = RejectCode::RiskPriceCollar;
    expect(&world.buy(ANN, 1, 94), code, Field::Price, Unit::Ticks, (94, 95));
    expect(&world.sell(ANN, 1, 116), code, Field::Price, Unit::Ticks, (116, 115));
    world.buy(ANN, 1, 95);
    world.sell(ANN, 1, 115);
    assert_eq!(world.engine.open_order_count(AccountId(ANN)), 2);
    // An amend of the qty alone is held to it as well.
    world.run(0, a_mark(200));
    expect(&world.run(ANN, amend(1, 2, 0)), code, Field::Price, Unit::Ticks, (95, 180));
    world.run(0, a_mark(1));
    world.buy(BOB, 1, 1);
}

#[test]
fn a_market_order_stops_before_a_price_beyond_the_slippage_bound() {
    let mut world = World::usual();
    world.run(0, configured(0, 100_000));
    let buy = market(Side::Buy, 6, TimeInForce::Ioc);
    let code = RejectCode::NoReference;
    expect(&world.run(BOB, buy), code, Field::OrderType, Unit::Number, (1, 0));
    world.run(0, a_mark(100));
    for ticks in [100, 110, 111] {
        world.sell(ANN, 2, ticks);
    }
    let fok = market(Side::Buy, 5, TimeInForce::Fok);
    assert_eq!(closed(&world.run(BOB, fok)).reason, CloseReason::FillOrKill);
    let end = closed(&world.run(BOB, buy));
    assert_eq!((end.reason, end.filled.lots()), (CloseReason::Slippage, 4));
    world.buy(ANN, 2, 89);
    let end = closed(&world.run(BOB, market(Side::Sell, 1, TimeInForce::Ioc)));
    assert_eq!((end.reason, end.filled.lots()), (CloseReason::Slippage, 0));
}

#[test]
fn open_orders_are_counted_for_firm_group_and_account() {
    let mut world = grouped();
    let code = RejectCode::TooManyOpenOrders;
    world.run(0, of_firm(LimitKind::OpenOrders, 0, 4));
    world.run(0, of_group(LimitKind::OpenOrders, 0, 3));
    world.run(0, of_ann(LimitKind::OpenOrders, 0, 2));
    for _ in 0..2 {
        world.buy(ANN, 1, 10);
    }
    expect(&world.buy(ANN, 1, 10), code, Field::Count, Unit::Number, (2, 2));
    let ioc = OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Buy, 1, 10) };
    assert!(names(&world.run(ANN, ioc)).contains(&"OrderClosed"));
    assert!(names(&world.run(ANN, amend(1, 3, 0))).contains(&"OrderRested"));
    world.buy(BOB, 1, 10);
    expect(&world.buy(BOB, 1, 10), code, Field::Count, Unit::Number, (3, 3));
    world.run(BOB, AccountConfigure { group: GroupId(0), trade_group: 0 });
    world.buy(BOB, 1, 10);
    expect(&world.buy(BOB, 1, 10), code, Field::Count, Unit::Number, (4, 4));
    world.run(ANN, cancel(1));
    assert!(names(&world.buy(BOB, 1, 10)).contains(&"OrderRested"));
}

#[test]
fn a_position_counts_with_the_open_orders_of_its_side() {
    let mut world = World::usual();
    world.sell(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    world.run(0, of_ann(LimitKind::Position, 1, 10));
    let code = RejectCode::RiskPosition;
    expect(&world.sell(ANN, 6, 60), code, Field::Qty, Unit::Lots, (11, 10));
    world.sell(ANN, 5, 60);
    expect(&world.sell(ANN, 1, 60), code, Field::Qty, Unit::Lots, (11, 10));
    expect(&world.run(ANN, amend(3, 6, 0)), code, Field::Qty, Unit::Lots, (11, 10));
    assert!(names(&world.run(ANN, amend(3, 4, 0))).contains(&"OrderAmended"));
    expect(&world.buy(ANN, 16, 10), code, Field::Qty, Unit::Lots, (11, 10));
    assert!(names(&world.buy(ANN, 15, 10)).contains(&"OrderRested"));
    // What may only reduce is not looked at.
    world.run(0, of_ann(LimitKind::Position, 1, 0));
    assert!(names(&world.run(ANN, reducing(limit(Side::Buy, 5, 10)))).contains(&"OrderRested"));
}

#[test]
fn an_order_by_notional_counts_what_it_would_buy_at_the_reference() {
    let mut world = World::usual();
    world.run(0, of_ann(LimitKind::Position, 1, 10));
    assert!(names(&world.run(ANN, spend(Side::Buy, 5_000))).contains(&"OrderClosed"));
    world.run(0, a_mark(100));
    let events = world.run(ANN, spend(Side::Buy, 1_199));
    expect(&events, RejectCode::RiskPosition, Field::Qty, Unit::Lots, (11, 10));
    assert!(names(&world.run(ANN, spend(Side::Buy, 1_099))).contains(&"OrderClosed"));
}

#[test]
fn positions_of_a_group_are_added_up() {
    let mut world = grouped();
    world.run(0, of_group(LimitKind::Position, 1, 10));
    world.buy(ANN, 6, 10);
    let code = RejectCode::RiskPosition;
    expect(&world.buy(BOB, 5, 10), code, Field::Qty, Unit::Lots, (11, 10));
    // A trade inside the group nets to nothing.
    world.sell(BOB, 6, 10);
    assert!(names(&world.buy(BOB, 10, 9)).contains(&"OrderRested"));
    world.run(ANN, AccountConfigure { group: GroupId(0), trade_group: 0 });
    // Without Ann the group is short 6, with 10 open to buy.
    expect(&world.buy(BOB, 7, 9), code, Field::Qty, Unit::Lots, (11, 10));
    assert!(names(&world.buy(BOB, 6, 9)).contains(&"OrderRested"));
}

#[test]
fn gross_notional_adds_positions_and_both_sides_at_the_reference() {
    let mut world = World::usual();
    world.sell(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    world.run(0, a_mark(100));
    world.run(0, configured(0, 0));
    world.run(0, of_ann(LimitKind::GrossNotional, USD.0, 2_000));
    world.buy(ANN, 5, 10);
    world.sell(ANN, 5, 110);
    let code = RejectCode::RiskGrossNotional;
    expect(&world.buy(ANN, 6, 10), code, Field::Notional, Unit::QuoteMinor, (2_100, 2_000));
    assert!(names(&world.buy(ANN, 5, 10)).contains(&"OrderRested"));
    expect(&world.sell(ANN, 1, 110), code, Field::Notional, Unit::QuoteMinor, (2_100, 2_000));
}

#[test]
fn net_notional_looks_at_the_worse_side() {
    let mut world = World::usual();
    world.run(0, of_firm(LimitKind::NetNotional, USD.0, 1_000));
    // Without a reference the order counts at its own price, and nothing else counts.
    let code = RejectCode::RiskNetNotional;
    expect(&world.buy(ANN, 101, 10), code, Field::Notional, Unit::QuoteMinor, (1_010, 1_000));
    world.buy(ANN, 5, 50);
    world.run(0, a_mark(100));
    world.sell(BOB, 10, 120);
    expect(&world.buy(ANN, 6, 50), code, Field::Notional, Unit::QuoteMinor, (1_100, 1_000));
    assert!(names(&world.buy(ANN, 5, 50)).contains(&"OrderRested"));
    expect(&world.sell(BOB, 1, 120), code, Field::Notional, Unit::QuoteMinor, (1_100, 1_000));
}

#[test]
fn messages_are_counted_even_if_they_are_refused_and_orders_only_if_accepted() {
    let mut world = World::usual();
    world.run(0, rate(of_ann(LimitKind::MessageRate, 0, 1), 3));
    world.run(0, rate(of_ann(LimitKind::OrderRate, 0, 1), 1));
    world.run(0, of_ann(LimitKind::OrderQty, 1, 10));
    assert_eq!(code(&world.buy(ANN, 11, 10)), RejectCode::RiskOrderQty);
    world.buy(ANN, 10, 10);
    let number = Unit::Number;
    expect(&world.buy(ANN, 10, 10), RejectCode::RiskOrderRate, Field::Limit, number, (1, 1));
    // Three messages are spent; half a second is half a token.
    let order = limit(Side::Buy, 10, 10);
    let events = at(&mut world, 500_000_000, ANN, order);
    expect(&events, RejectCode::RiskMessageRate, Field::Limit, number, (1, 3));
    assert!(names(&at(&mut world, 1_000_000_000, ANN, order)).contains(&"OrderRested"));
    // An amend needs a message token and no order token.
    assert_eq!(code(&world.run(ANN, amend(1, 5, 0))), RejectCode::RiskMessageRate);
    assert!(names(&at(&mut world, 2_000_000_000, ANN, amend(1, 5, 0))).contains(&"OrderAmended"));
    // A bucket holds no more than its burst.
    at(&mut world, 99_000_000_000, ANN, order);
    assert_eq!(code(&world.run(ANN, order)), RejectCode::RiskOrderRate);
}

#[test]
fn who_is_over_the_own_rate_does_not_use_up_the_firms() {
    let mut world = World::usual();
    world.run(0, rate(of_firm(LimitKind::MessageRate, 0, 1), 2));
    world.run(0, rate(of_ann(LimitKind::MessageRate, 0, 1), 1));
    world.buy(ANN, 1, 10);
    for _ in 0..3 {
        assert_eq!(code(&world.buy(ANN, 1, 10)), RejectCode::RiskMessageRate);
    }
    assert!(names(&world.buy(BOB, 1, 10)).contains(&"OrderRested"));
    let events = world.buy(BOB, 1, 10);
    expect(&events, RejectCode::RiskMessageRate, Field::Limit, Unit::Number, (1, 2));
}

#[test]
fn the_same_placement_may_not_come_again_within_the_window() {
    let mut world = World::usual();
    world.run(0, of_ann(LimitKind::DuplicateWindow, 0, 1_000));
    world.run(0, of_firm(LimitKind::DuplicateWindow, 0, 2_000));
    let order = limit(Side::Buy, 1, 10);
    world.run(ANN, order);
    let events = at(&mut world, 999, ANN, order);
    expect(&events, RejectCode::RiskDuplicateOrder, Field::Qty, Unit::Ns, (999, 1_000));
    assert!(names(&at(&mut world, 1_000, ANN, order)).contains(&"OrderRested"));
    let other = limit(Side::Buy, 2, 10);
    assert!(names(&world.run(ANN, other)).contains(&"OrderRested"));
    assert!(names(&world.run(ANN, order)).contains(&"OrderRested"));
    // An amend is no placement, and without a window the last one is forgotten.
    world.run(ANN, amend(1, 3, 0));
    for limit in [of_ann, of_firm] {
        world.run(0, limit(LimitKind::DuplicateWindow, 0, -1));
    }
    world.run(ANN, order);
    world.run(0, of_ann(LimitKind::DuplicateWindow, 0, 1_000));
    assert!(names(&world.run(ANN, order)).contains(&"OrderRested"));
}

#[test]
fn a_days_loss_is_measured_from_where_the_last_day_ended() {
    let mut world = World::usual();
    world.run(0, configured(0, 0));
    world.run(0, a_mark(100));
    world.sell(BOB, 10, 100);
    world.buy(ANN, 10, 100);
    // 1,000 at 3,000 ppm.
    let profit = |world: &World| world.engine.profit(AccountId(ANN), USD).expect("traded");
    assert_eq!(profit(&world).marked.minor(), -3);
    world.run(0, a_mark(90));
    assert_eq!((profit(&world).daily_loss.minor(), profit(&world).drawdown.minor()), (103, 103));
    world.run(0, of_ann(LimitKind::DailyLoss, USD.0, 103));
    let code = RejectCode::RiskDailyLoss;
    expect(&world.buy(ANN, 1, 50), code, Field::Limit, Unit::QuoteMinor, (103, 103));
    assert!(names(&world.run(ANN, reducing(limit(Side::Sell, 1, 150)))).contains(&"OrderRested"));
    // The next day begins at −3, what it was after the last fill.
    at(&mut world, DAY_NS, 0, Tick {});
    assert_eq!(profit(&world).daily_loss.minor(), 100);
    assert!(names(&world.buy(ANN, 1, 50)).contains(&"OrderRested"));
    world.run(0, of_firm(LimitKind::DailyLoss, USD.0, 50));
    assert!(names(&world.buy(ANN, 1, 50)).contains(&"OrderRested"), "its own limit binds");
    world.run(0, of_ann(LimitKind::DailyLoss, USD.0, -1));
    expect(&world.buy(ANN, 1, 50), code, Field::Limit, Unit::QuoteMinor, (100, 50));
}

#[test]
fn a_drawdown_is_measured_from_the_best_there_was() {
    let mut world = World::usual();
    world.run(0, configured(0, 0));
    world.run(0, a_mark(100));
    world.sell(BOB, 10, 100);
    world.buy(ANN, 10, 100);
    world.run(0, a_mark(120));
    world.sell(BOB, 1, 120);
    world.buy(ANN, 1, 120);
    // 200 up, less fees of 3 and 1.
    world.run(0, a_mark(110));
    world.run(0, of_ann(LimitKind::Drawdown, USD.0, 110));
    let code = RejectCode::RiskDrawdown;
    expect(&world.buy(ANN, 1, 50), code, Field::Limit, Unit::QuoteMinor, (110, 110));
    assert!(names(&world.run(ANN, reducing(limit(Side::Sell, 1, 150)))).contains(&"OrderRested"));
}

#[test]
fn states_say_what_is_left_to_firm_group_account_and_instrument() {
    let mut world = grouped();
    world.sell(ANN, 5, 50);
    world.buy(BOB, 5, 50);
    for (scope, scope_id) in
        [(Scope::Firm, 0), (Scope::Group, 1), (Scope::Account, ANN), (Scope::Instrument, BTC_USD.0)]
    {
        let number = (scope.number().into(), 0);
        let set = |state| RiskStateSet { scope, scope_id, state };
        world.run(0, set(RiskState::Reducing));
        let code = RejectCode::RiskReducing;
        expect(&world.buy(ANN, 1, 10), code, Field::Scope, Unit::Number, number);
        let reducing = reducing(limit(Side::Buy, 1, 10));
        assert!(names(&world.run(ANN, reducing)).contains(&"OrderRested"));
        world.run(0, set(RiskState::Halted));
        let code = RejectCode::RiskHalted;
        expect(&world.run(ANN, reducing), code, Field::Scope, Unit::Number, number);
        world.run(0, set(RiskState::Active));
    }
    assert!(names(&world.buy(ANN, 1, 10)).contains(&"OrderRested"));
}

#[test]
fn the_gate_stands_before_the_post_only_check_and_after_the_amounts() {
    let mut world = World::usual();
    world.sell(BOB, 1, 10);
    world.run(0, of_ann(LimitKind::OrderQty, 1, 1));
    let crossing = OrderPlace { post_only: true, ..limit(Side::Buy, 2, 10) };
    assert_eq!(code(&world.run(ANN, crossing)), RejectCode::RiskOrderQty);
    let huge = limit(Side::Buy, 100_001, 10);
    assert_eq!(code(&world.run(ANN, huge)), RejectCode::QtyAboveMax);
}
