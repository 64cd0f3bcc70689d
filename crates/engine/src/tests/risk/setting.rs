//! Setting limits: bounds, versions, and who may not raise what binds the own account.

use super::*;

#[test]
fn limits_are_refused_where_they_mean_nothing() {
    let mut world = grouped();
    let out = RejectCode::AmountOutOfRange;
    let (combination, number) = (RejectCode::InvalidCombination, Unit::Number);
    let qty = of_ann(LimitKind::OrderQty, 1, 5);
    let messages = of_ann(LimitKind::MessageRate, 0, 5);
    for (limit, expected) in [
        (LimitSet { scope: Scope::Instrument, ..qty }, (combination, Field::Scope, number, 3, 0)),
        (LimitSet { scope: Scope::Firm, ..qty }, (combination, Field::ScopeId, number, 1, 0)),
        (LimitSet { scope: Scope::Group, scope_id: 2, ..qty }, {
            (RejectCode::UnknownGroup, Field::ScopeId, number, 2, 0)
        }),
        (LimitSet { scope_id: 3, ..qty }, {
            (RejectCode::UnknownAccount, Field::ScopeId, number, 3, 0)
        }),
        (LimitSet { subject: 2, ..qty }, {
            (RejectCode::UnknownInstrument, Field::Subject, number, 2, 0)
        }),
        (of_ann(LimitKind::NetNotional, 0, 5), {
            (RejectCode::UnknownAsset, Field::Subject, number, 0, 0)
        }),
        (of_ann(LimitKind::OpenOrders, 1, 5), (combination, Field::Subject, number, 1, 0)),
        (of_ann(LimitKind::OrderQty, 1, ASSET_TOTAL_MINOR_MAX + 1), {
            (out, Field::Limit, number, ASSET_TOTAL_MINOR_MAX + 1, ASSET_TOTAL_MINOR_MAX)
        }),
        (rate(LimitSet { value: 0, ..messages }, 1), {
            (out, Field::Limit, number, 0, RISK_RATE_MAX)
        }),
        (messages, (out, Field::Burst, number, 0, 1)),
        (of_ann(LimitKind::DuplicateWindow, 0, i128::from(DAY_NS) + 1), {
            (out, Field::Limit, Unit::Ns, i128::from(DAY_NS) + 1, DAY_NS.into())
        }),
        (rate(qty, 2), (combination, Field::Burst, number, 2, 0)),
    ] {
        assert_eq!(detail(&world.run(0, limit)), expected);
    }
    assert_eq!(world.engine.limits_in_force().count(), 0);
}

#[test]
fn limits_are_versioned_and_taken_away() {
    let mut world = World::usual();
    for (value, version) in [(5, 1), (7, 2), (-3, 3), (-1, 4)] {
        let events = world.run(0, of_ann(LimitKind::OrderQty, 1, value));
        let [Event::LimitChanged(changed)] = events[..] else { panic!("{events:?}") };
        assert_eq!((changed.value, changed.version), (value, version));
        assert_eq!(world.engine.limits_in_force().count(), usize::from(value >= 0));
    }
    assert_eq!(world.engine.limit_version(), 4);
    assert!(names(&world.buy(ANN, 100, 10)).contains(&"OrderRested"));
}

#[test]
fn nobody_raises_a_limit_that_binds_the_own_account() {
    let mut world = grouped();
    world.run(ANN, KeyCreate { key_id: text("boss"), public_key: [1; 32], permissions: 8 });
    world.run(0, of_ann(LimitKind::OrderQty, 1, 5));
    world.run(0, of_group(LimitKind::OrderQty, 1, 6));
    world.run(0, of_firm(LimitKind::OrderQty, 1, 7));
    world.run(0, of_ann(LimitKind::DuplicateWindow, 0, 100));
    world.run(0, rate(of_ann(LimitKind::OrderRate, 0, 10), 3));
    let binds = RejectCode::LimitBindsAsker;
    for (limit, present) in [
        (of_ann(LimitKind::OrderQty, 1, 6), 5),
        (of_ann(LimitKind::OrderQty, 1, -1), 5),
        (of_group(LimitKind::OrderQty, 1, 7), 6),
        (of_ann(LimitKind::DuplicateWindow, 0, 99), 100),
        (rate(of_ann(LimitKind::OrderRate, 0, 10), 4), 10),
    ] {
        let expected = (binds, Field::Limit, Unit::Number, limit.value, present);
        assert_eq!(detail(&world.run_by_key(1, ANN, limit)), expected);
    }
    for limit in [
        of_ann(LimitKind::OrderQty, 1, 4),
        of_ann(LimitKind::Position, 1, 1_000),
        of_group(LimitKind::OrderQty, 1, 6),
        of_firm(LimitKind::OrderQty, 1, 700),
        LimitSet { scope_id: BOB, ..of_ann(LimitKind::OrderQty, 1, 600) },
        of_ann(LimitKind::DuplicateWindow, 0, 101),
    ] {
        assert_eq!(names(&world.run_by_key(1, ANN, limit)), ["LimitChanged"]);
    }
}
