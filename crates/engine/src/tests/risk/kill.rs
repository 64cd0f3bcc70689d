//! Kill switches: dead orders, their sweep, and the reset by two keys.

use super::*;

fn kill(scope: Scope, scope_id: u32) -> KillSwitch {
    KillSwitch { scope, scope_id }
}

fn reset(step: u8) -> KillReset {
    KillReset { scope: Scope::Account, scope_id: ANN, step }
}

fn ticked(events: &[Event]) -> (u32, bool) {
    match events.last() {
        Some(Event::Ticked(Ticked { closed, more })) => (*closed, *more),
        other => panic!("not a tick: {other:?}"),
    }
}

#[test]
fn a_killed_account_has_no_orders_and_gets_none() {
    let mut world = World::usual();
    world.run(ANN, named("a", limit(Side::Buy, 5, 10)));
    world.buy(ANN, 5, 11);
    world.buy(BOB, 5, 12);
    let events = world.run(0, kill(Scope::Account, ANN));
    let [Event::KillSwitchSet(KillSwitchSet { last_order_id, .. })] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(last_order_id, order_id(3));
    let ann = AccountId(ANN);
    assert_eq!(world.engine.open_order_count(ann), 0);
    assert_eq!(world.engine.open_orders(ann).count(), 0);
    assert_eq!(world.engine.order(order_id(1)), None);
    assert_eq!(world.engine.order_by_client_id(ann, &text("a")), None);
    assert_eq!(code(&world.run(ANN, cancel(2))), RejectCode::OrderNotFound);
    assert_eq!(code(&world.run(ANN, cancel_named("a"))), RejectCode::OrderNotFound);
    assert_eq!(code(&world.run(ANN, amend(2, 1, 0))), RejectCode::OrderNotFound);
    let all = OrderCancelAll { instrument: InstrumentId(0), side: SideFilter::Both, session: 0 };
    assert_eq!(names(&world.run(ANN, all)), ["OrdersCancelled"]);
    let expected = (RejectCode::KillSwitchOn, Field::Scope, Unit::Number, 2, 0);
    assert_eq!(detail(&world.buy(ANN, 1, 10)), expected);
    // What was asked for under its id is remembered, as ended.
    let events = world.run(ANN, named("a", limit(Side::Buy, 5, 10)));
    let [Event::OrderDuplicate(OrderDuplicate { state, .. })] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(state, OrderState::Cancelled);
    assert_eq!(world.engine.open_order_count(AccountId(BOB)), 1);
}

#[test]
fn a_tick_closes_dead_orders_by_account_and_id_and_frees_what_they_hold() {
    let mut world = World::usual();
    world.buy(BOB, 5, 10);
    world.sell(ANN, 5, 20);
    world.buy(ANN, 5, 9);
    world.run(0, kill(Scope::Firm, 0));
    assert_eq!(world.has(ANN, BTC).1, 5);
    assert_eq!(code(&world.buy(BOB, 1, 10)), RejectCode::KillSwitchOn);
    let events = world.run(0, Tick {});
    let ids: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::OrderClosed(closed) => Some((closed.order_id.0 & 0xFFFF, closed.reason)),
            _ => None,
        })
        .collect();
    let reason = CloseReason::KillSwitch;
    assert_eq!(ids, [(2, reason), (3, reason), (1, reason)]);
    let at = names(&events).iter().position(|name| *name == "Ticked").expect("ticked");
    assert_eq!(events[at], Event::Ticked(Ticked { closed: 3, more: false }));
    assert_eq!((world.has(ANN, BTC).1, world.has(ANN, USD).1, world.has(BOB, USD).1), (0, 0, 0));
    assert_eq!(ticked(&world.run(0, Tick {})), (0, false));
}

#[test]
fn a_sweep_closes_only_so_many_a_tick() {
    let mut world = World::usual();
    for _ in 0..300 {
        world.buy(BOB, 1, 10);
    }
    world.run(0, kill(Scope::Account, BOB));
    let told = |events: &[Event]| {
        let ticks = events.iter().filter_map(|event| match event {
            Event::Ticked(Ticked { closed, more }) => Some((*closed, *more)),
            _ => None,
        });
        ticks.collect::<Vec<_>>()
    };
    assert_eq!(told(&world.run(0, Tick {})), [(256, true)]);
    assert_eq!(world.engine.dead_orders(), 44);
    assert_eq!(told(&world.run(0, Tick {})), [(44, false)]);
}

#[test]
fn a_dead_maker_ends_when_it_is_met_and_trades_nothing() {
    let mut world = World::usual();
    world.sell(ANN, 5, 10);
    world.sell(BOB, 5, 10);
    world.run(0, kill(Scope::Account, ANN));
    let fok = OrderPlace { time_in_force: TimeInForce::Fok, ..limit(Side::Buy, 6, 10) };
    assert_eq!(closed(&world.run(BOB, fok)).reason, CloseReason::FillOrKill);
    let events = world.buy(BOB, 5, 10);
    assert_eq!(fills(&events).len(), 2);
    let expected = [
        "OrderAccepted",
        "OrderClosed",
        "Traded",
        "OrderFilled",
        "OrderFilled",
        "OrderClosed",
        "LevelChanged",
        "OrderClosed",
        "PositionChanged",
    ];
    assert_eq!(names(&events)[..9], expected);
    assert_eq!(world.engine.dead_orders(), 0);
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR, 0));
}

#[test]
fn dead_orders_stay_dead_after_a_reset_and_in_another_group() {
    let mut world = grouped();
    world.buy(ANN, 5, 10);
    world.run(0, kill(Scope::Group, 1));
    world.run(ANN, AccountConfigure { group: GroupId(0), trade_group: 0 });
    for step in [1, 2] {
        world.run(0, KillReset { scope: Scope::Group, scope_id: 1, step });
    }
    assert_eq!(world.engine.dead_orders(), 1);
    world.buy(ANN, 5, 11);
    assert_eq!(world.engine.open_order_count(AccountId(ANN)), 1);
    assert!(names(&world.run(0, Tick {})).contains(&"OrderClosed"));
    assert_eq!(world.engine.open_order_count(AccountId(ANN)), 1);
}

#[test]
fn dead_orders_leave_what_is_open_at_once() {
    let mut world = World::usual();
    world.run(0, LimitSet { scope_id: BOB, ..of_ann(LimitKind::Position, 1, 10) });
    world.run(0, of_firm(LimitKind::OpenOrders, 0, 2));
    for (scope, scope_id) in [(Scope::Account, BOB), (Scope::Firm, 0)] {
        world.buy(BOB, 5, 10);
        world.buy(BOB, 5, 10);
        world.run(0, kill(scope, scope_id));
        for step in [1, 2] {
            world.run(0, KillReset { scope, scope_id, step });
        }
    }
    assert_eq!(world.engine.dead_orders(), 4);
    let bob = world.engine.position(AccountId(BOB), BTC_USD).expect("there is one");
    assert_eq!(bob.open_buy_lots, 0);
    assert!(names(&world.buy(BOB, 10, 10)).contains(&"OrderRested"));
}

#[test]
fn a_kill_switch_is_reset_in_two_steps_by_two_keys() {
    let mut world = World::usual();
    for (account, name) in [(BOB, "one"), (BOB, "two"), (ANN, "bound")] {
        world.run(account, KeyCreate { key_id: text(name), public_key: [1; 32], permissions: 8 });
    }
    let state = RejectCode::KillSwitchState;
    let wrong = |step: i128| (state, Field::Step, Unit::Number, step, 0);
    assert_eq!(detail(&world.run_by_key(1, 0, reset(1))), wrong(1));
    world.run(0, kill(Scope::Account, ANN));
    assert_eq!(detail(&world.run_by_key(1, 0, reset(2))), wrong(2));
    assert_eq!(detail(&world.run_by_key(1, 0, reset(3))), wrong(3));
    let binds = (RejectCode::LimitBindsAsker, Field::Scope, Unit::Number, 2, 0);
    assert_eq!(detail(&world.run_by_key(3, 0, reset(1))), binds);
    assert_eq!(names(&world.run_by_key(1, 0, reset(1))), ["KillResetAsked"]);
    let same = (RejectCode::LimitBindsAsker, Field::Step, Unit::Number, 2, 0);
    assert_eq!(detail(&world.run_by_key(1, 0, reset(2))), same);
    // Killed again: what was asked for is void.
    world.run(0, kill(Scope::Account, ANN));
    assert_eq!(detail(&world.run_by_key(2, 0, reset(2))), wrong(2));
    world.run_by_key(1, 0, reset(1));
    assert_eq!(names(&world.run_by_key(2, 0, reset(2))), ["KillSwitchReset"]);
    assert!(names(&world.buy(ANN, 1, 10)).contains(&"OrderRested"));
}

#[test]
fn nobody_lifts_a_state_that_binds_the_own_account() {
    let mut world = grouped();
    world.run(ANN, KeyCreate { key_id: text("boss"), public_key: [1; 32], permissions: 8 });
    let set = |scope, scope_id, state| RiskStateSet { scope, scope_id, state };
    for (scope, scope_id) in [(Scope::Account, ANN), (Scope::Group, 1)] {
        world.run_by_key(1, 0, set(scope, scope_id, RiskState::Halted));
        let expected = (RejectCode::LimitBindsAsker, Field::State, Unit::Number, 1, 2);
        let events = world.run_by_key(1, 0, set(scope, scope_id, RiskState::Reducing));
        assert_eq!(detail(&events), expected);
    }
    for (scope, scope_id) in [(Scope::Firm, 0), (Scope::Instrument, 1), (Scope::Account, BOB)] {
        for state in [RiskState::Halted, RiskState::Active] {
            let events = world.run_by_key(1, 0, set(scope, scope_id, state));
            assert_eq!(names(&events), ["RiskStateChanged"]);
        }
    }
}

#[test]
fn switches_and_states_are_refused_for_what_does_not_exist() {
    let mut world = World::usual();
    let combination = (RejectCode::InvalidCombination, Field::Scope, Unit::Number, 3, 0);
    assert_eq!(detail(&world.run(0, kill(Scope::Instrument, 1))), combination);
    let firm = (RejectCode::InvalidCombination, Field::ScopeId, Unit::Number, 1, 0);
    assert_eq!(detail(&world.run(0, kill(Scope::Firm, 1))), firm);
    let group = (RejectCode::UnknownGroup, Field::ScopeId, Unit::Number, 1, 0);
    assert_eq!(detail(&world.run(0, kill(Scope::Group, 1))), group);
    let reset = KillReset { scope: Scope::Instrument, scope_id: 1, step: 1 };
    assert_eq!(detail(&world.run(0, reset)), combination);
    let state = RiskStateSet { scope: Scope::Instrument, scope_id: 9, state: RiskState::Active };
    let instrument = (RejectCode::UnknownInstrument, Field::ScopeId, Unit::Number, 9, 0);
    assert_eq!(detail(&world.run(0, state)), instrument);
    let events = world.run(0, kill(Scope::Firm, 0));
    let [Event::KillSwitchSet(set)] = events[..] else { panic!("{events:?}") };
    assert_eq!(set.last_order_id, OrderId(0));
}
