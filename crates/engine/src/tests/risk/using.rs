//! What is said about limits in use.

use super::*;

#[test]
fn use_is_told_when_it_passes_eighty_and_a_hundred_per_cent_and_comes_back() {
    let mut world = World::usual();
    world.run(0, of_ann(LimitKind::Position, 1, 10));
    let kind = LimitKind::Position;
    assert_eq!(used(&world.buy(ANN, 7, 10)), []);
    assert_eq!(used(&world.buy(ANN, 1, 10)), [(Scope::Account, kind, 8, 80)]);
    assert_eq!(used(&world.buy(ANN, 1, 10)), []);
    assert_eq!(used(&world.buy(ANN, 1, 10)), [(Scope::Account, kind, 10, 100)]);
    assert_eq!(used(&world.run(ANN, cancel(2))), [(Scope::Account, kind, 9, 80)]);
    assert_eq!(used(&world.run(ANN, cancel(1))), [(Scope::Account, kind, 2, 0)]);
}

#[test]
fn use_is_told_in_order_after_positions_and_before_balances() {
    let mut world = grouped();
    world.run(0, of_firm(LimitKind::OpenOrders, 0, 1));
    world.run(0, of_group(LimitKind::GrossNotional, USD.0, 500));
    world.run(0, of_ann(LimitKind::Position, 1, 5));
    world.run(0, of_ann(LimitKind::OpenOrders, 0, 1));
    world.run(0, a_mark(50));
    let events = world.sell(ANN, 5, 50);
    // 250 of gross are half of it.
    let open = LimitKind::OpenOrders;
    let expected = [
        (Scope::Firm, open, 1, 100),
        (Scope::Account, open, 1, 100),
        (Scope::Account, LimitKind::Position, 5, 100),
    ];
    assert_eq!(used(&events), expected);
    let events = world.run(BOB, market(Side::Buy, 5, TimeInForce::Ioc));
    let expected = [
        (Scope::Firm, open, 0, 0),
        (Scope::Group, LimitKind::GrossNotional, 500, 100),
        (Scope::Account, open, 0, 0),
    ];
    assert_eq!(used(&events), expected);
    let kinds = names(&events);
    let first = kinds.iter().position(|name| *name == "LimitUsed").expect("told");
    assert_eq!(kinds[first - 1], "PositionChanged");
    assert_eq!(kinds[first + 3], "BalanceChanged");
}

#[test]
fn setting_a_limit_again_forgets_what_was_said() {
    let mut world = World::usual();
    world.run(0, of_ann(LimitKind::OpenOrders, 0, 1));
    assert_eq!(used(&world.buy(ANN, 1, 10)).len(), 1);
    assert_eq!(used(&world.run(0, of_ann(LimitKind::OpenOrders, 0, 2))), []);
    let sell = market(Side::Sell, 1, TimeInForce::Ioc);
    assert_eq!(used(&world.run(ANN, sell)).len(), 0, "it met the own bid and nothing is open");
    assert_eq!(used(&world.buy(ANN, 1, 10)), []);
    let events = world.buy(ANN, 1, 10);
    assert_eq!(used(&events), [(Scope::Account, LimitKind::OpenOrders, 2, 100)]);
}

#[test]
fn what_is_used_already_of_a_new_limit_is_told_by_the_next_order_whatever_that_adds_to() {
    let mut world = World::usual();
    world.mark(10);
    world.run(0, of_ann(LimitKind::GrossNotional, USD.0, 1_000_000));
    world.buy(ANN, 8, 10);
    world.run(0, of_ann(LimitKind::Position, 1, 10));
    let told = (Scope::Account, LimitKind::Position, 8, 80);
    assert_eq!(used(&world.sell(ANN, 1, 50)), [told], "it would make the position shorter");
    world.run(0, of_ann(LimitKind::OpenOrders, 0, 2));
    let stop = OrderPlaceTerms {
        trigger: Trigger::Stop,
        trigger_price: Price::from_ticks(90),
        ..limit(Side::Buy, 1, 90).with_terms()
    };
    let told = (Scope::Account, LimitKind::OpenOrders, 2, 100);
    assert_eq!(used(&world.run(ANN, stop)), [told], "it waits, and is not open");
}

#[test]
fn losses_are_told_by_limits_of_the_account_alone() {
    let mut world = World::usual();
    world.run(0, of_firm(LimitKind::DailyLoss, USD.0, 1));
    world.run(0, LimitSet { scope_id: BOB, ..of_ann(LimitKind::DailyLoss, USD.0, 3) });
    world.sell(ANN, 10, 100);
    let events = world.buy(BOB, 10, 100);
    assert_eq!(used(&events), [(Scope::Account, LimitKind::DailyLoss, 3, 100)]);
}

#[test]
fn a_limit_of_zero_is_used_up_by_anything() {
    let mut world = World::usual();
    world.buy(ANN, 5, 10);
    world.run(0, of_ann(LimitKind::Position, 1, 0));
    let events = world.run(ANN, amend(1, 0, 9));
    assert_eq!(code(&events), RejectCode::RiskPosition);
    let events = world.run(BOB, market(Side::Sell, 1, TimeInForce::Ioc));
    assert_eq!(used(&events), [(Scope::Account, LimitKind::Position, 5, 100)]);
    assert_eq!(used(&world.run(ANN, cancel(1))), []);
}
