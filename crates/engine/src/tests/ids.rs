//! Client order ids, request ids, hashes and replay.

use super::*;
use crate::admit::is_remembered;
use coulisse_types::CommandKind;
use coulisse_types::event::OrderState;

fn a_small_memory(ids: u32, closed_per_account: u32) -> World {
    World::new(Genesis {
        client_order_ids_max: ids,
        closed_ids_per_account_max: closed_per_account,
        request_ids_max: 2,
        ..default_genesis(7, 1)
    })
}

fn duplicate(events: &[Event]) -> (OrderId, OrderState, i64) {
    match events {
        [Event::OrderDuplicate(known)] => (known.order_id, known.state, known.filled.lots()),
        other => panic!("not one duplicate: {other:?}"),
    }
}

#[test]
fn the_same_order_again_is_answered_with_where_it_stands() {
    let mut world = World::usual();
    let order = named("a", limit(Side::Buy, 5, 50));
    world.run(ANN, order);
    world.sell(BOB, 2, 50);
    assert_eq!(duplicate(&world.run(ANN, order)), (order_id(1), OrderState::Open, 2));
    world.run(ANN, cancel_named("a"));
    assert_eq!(duplicate(&world.run(ANN, order)), (order_id(1), OrderState::Cancelled, 2));
    assert_eq!(code(&world.run(ANN, cancel_named("a"))), RejectCode::OrderNotFound);
}

#[test]
fn an_amended_order_is_still_known_by_what_was_first_asked_for() {
    let mut world = World::usual();
    let order = named("a", limit(Side::Buy, 5, 50));
    world.run(ANN, order);
    world.run(ANN, amend(1, 9, 51));
    assert_eq!(duplicate(&world.run(ANN, order)).0, order_id(1));
    let amended = named("a", limit(Side::Buy, 9, 51));
    assert_eq!(code(&world.run(ANN, amended)), RejectCode::ClientOrderIdConflict);
}

#[test]
fn another_order_under_the_same_id_is_a_conflict_before_its_fields_are_looked_at() {
    let mut world = World::usual();
    world.run(ANN, named("a", limit(Side::Buy, 5, 50)));
    let nonsense = OrderPlace { notional: Amount::from_minor(-1), ..limit(Side::Buy, -5, 50) };
    for other in [limit(Side::Sell, 5, 50), limit(Side::Buy, 5, 51), spend(Side::Buy, 5), nonsense]
    {
        let rejected = refusal(&world.run(ANN, named("a", other)));
        assert_eq!(rejected.code, RejectCode::ClientOrderIdConflict);
        assert_eq!(rejected.value, i128::from(order_id(1).0));
    }
    // Another account's id is another id.
    assert_eq!(
        world.run(BOB, named("a", limit(Side::Buy, 5, 51)))[0].kind().name(),
        "OrderAccepted"
    );
}

#[test]
fn a_rejected_order_does_not_use_its_id_up() {
    let mut world = World::usual();
    let order = named("a", limit(Side::Buy, 5, 10_000_000));
    assert_eq!(code(&world.run(ANN, order)), RejectCode::InsufficientBalance);
    world.run(ANN, named("a", limit(Side::Buy, 5, 50)));
    assert_eq!(world.engine.live_orders(), 1);
}

#[test]
fn an_account_is_remembered_only_its_last_closed_ids() {
    let mut world = a_small_memory(100, 2);
    for id in ["a", "b", "c"] {
        world.run(ANN, named(id, limit(Side::Buy, 5, 50)));
        world.run(ANN, cancel_named(id));
    }
    assert_eq!(duplicate(&world.run(ANN, named("b", limit(Side::Buy, 5, 50)))).0, order_id(2));
    let events = world.run(ANN, named("a", limit(Side::Buy, 5, 50)));
    assert_eq!(events[0].kind().name(), "OrderAccepted");
}

#[test]
fn what_closed_longest_ago_makes_room_and_live_ids_never_do() {
    let mut world = a_small_memory(2, 9);
    world.run(ANN, named("a", limit(Side::Buy, 5, 50)));
    world.run(BOB, named("b", limit(Side::Buy, 5, 50)));
    let third = named("c", limit(Side::Buy, 5, 50));
    let rejected = refusal(&world.run(ANN, third));
    assert_eq!((rejected.code, rejected.value), (RejectCode::TableFull, 2));
    world.run(BOB, cancel_named("b"));
    world.run(ANN, third);
    assert_eq!(code(&world.run(BOB, named("b", third))), RejectCode::TableFull);
    assert_eq!(duplicate(&world.run(ANN, named("a", third))).0, order_id(1));
}

#[test]
fn a_request_is_done_once_and_its_id_names_nothing_else() {
    let mut world = a_small_memory(9, 9);
    let deposit = Deposit { asset: BTC, amount: Amount::from_minor(5) };
    let done = |world: &World, id| world.engine.request_done(AccountId(ANN), RequestId(id));
    assert_eq!(done(&world, 77), Some(false));
    assert_eq!(names(&world.run_once(77, ANN, deposit)), ["Deposited", "BalanceChanged"]);
    assert_eq!(names(&world.run_once(77, ANN, deposit)), ["RequestDuplicate"]);
    assert_eq!((done(&world, 77), done(&world, 78)), (Some(true), Some(false)));
    let other = Deposit { asset: USD, ..deposit };
    let rejected = refusal(&world.run_once(77, ANN, other));
    assert_eq!(rejected.code, RejectCode::RequestIdConflict);
    assert_eq!(names(&world.run_once(77, BOB, other)), ["Deposited", "BalanceChanged"]);
    assert_eq!(world.has(ANN, BTC).0, FUNDS_MINOR + 5);
    // Two are remembered; a third pushes the oldest out.
    world.run_once(78, ANN, deposit);
    assert_eq!((done(&world, 78), done(&world, 77)), (Some(true), None));
    assert_eq!(names(&world.run_once(77, ANN, deposit)), ["Deposited", "BalanceChanged"]);
    assert_eq!(names(&world.run_once(78, ANN, deposit)), ["RequestDuplicate"]);
}

#[test]
fn a_request_that_was_refused_may_be_tried_again() {
    let mut world = World::usual();
    let deposit = Deposit { asset: AssetId(9), amount: Amount::from_minor(5) };
    assert_eq!(code(&world.run_once(77, ANN, deposit)), RejectCode::UnknownAsset);
    let deposit = Deposit { asset: BTC, ..deposit };
    assert_eq!(names(&world.run_once(77, ANN, deposit)), ["Deposited", "BalanceChanged"]);
}

#[test]
fn the_event_hash_starts_at_zero_and_a_refusal_changes_it_but_not_the_state() {
    let mut world = World::empty();
    assert_eq!(world.engine.event_hash(), [0; 16]);
    let mut world = {
        world.run(0, default_genesis(7, 1));
        world
    };
    let (hash, state) = (world.engine.event_hash(), world.engine.state_hash());
    world.buy(ANN, 1, 1);
    assert_ne!(world.engine.event_hash(), hash);
    assert_ne!(world.engine.state_hash(), state, "the last seq is part of it");
}

#[test]
fn equal_states_have_equal_hashes_whatever_slots_they_stand_in() {
    let (mut one, mut two) = (World::usual(), World::usual());
    // The same three orders rest, but the second engine has used other slots for them.
    for world in [&mut one, &mut two] {
        for _ in 0..4 {
            world.buy(ANN, 5, 50);
        }
    }
    let orders = [(1, 2), (2, 1)];
    for (world, (first, second)) in [&mut one, &mut two].into_iter().zip(orders) {
        world.run(ANN, cancel(first));
        world.run(ANN, cancel(second));
        world.buy(BOB, 1, 40);
        world.buy(BOB, 1, 41);
    }
    assert_eq!(one.engine.state_hash(), two.engine.state_hash());
    assert_ne!(one.engine.event_hash(), two.engine.event_hash());
}

#[test]
#[should_panic(expected = "out of turn")]
fn a_record_out_of_turn_ends_the_process() {
    let mut world = World::usual();
    world.header.seq = Seq(99);
    world.buy(ANN, 1, 1);
}

#[test]
fn a_request_id_names_what_operators_and_withdrawers_ask_for() {
    let mut remembered: Vec<&str> = CommandKind::ALL
        .iter()
        .filter(|kind| is_remembered(**kind))
        .map(|kind| kind.name())
        .collect();
    remembered.sort_unstable();
    assert_eq!(
        remembered,
        [
            "AccountConfigure",
            "AccountCreate",
            "AssetCreate",
            "AuctionSchedule",
            "Deposit",
            "FeeTierSet",
            "GroupCreate",
            "InstrumentConfigure",
            "InstrumentCreate",
            "KeyBind",
            "KeyCreate",
            "KeyIssue",
            "KeyRevoke",
            "KillReset",
            "KillSwitch",
            "LimitSet",
            "MarkSet",
            "RiskStateSet",
            "TradingStateSet",
            "Withdraw",
            "WithdrawalApprove",
            "WithdrawalCancel",
            "WithdrawalCapSet",
            "WithdrawalReject",
        ]
    );
}
