//! Sessions whose orders go with them: the wish is in the log, and so is its end.

use crate::world::{ALICE, BOB, World, a_world};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::SESSIONS_ARMED_MAX;
use coulisse_types::event::{CancelOnDisconnectSet, Rejected};
use coulisse_types::{AccountId, ClientOrderId, Command, Event, Field, RejectCode, Seq, Unit};

fn ask(world: &mut World, conn: ConnId, enabled: bool) {
    let params = format!(r#"{{"enabled":{enabled}}}"#);
    let text = format!(r#"{{"id":1,"op":"session.cancel_on_disconnect","params":{params}}}"#);
    world.ask(conn, &text);
}

/// What is in the batch: cancelling for a session, or its wish.
fn asked(hub: &Hub) -> Vec<(u64, u32, Option<bool>)> {
    let entries = hub.batch().entries().iter();
    let said = entries.map(|entry| match &entry.command {
        Command::OrderCancelAll(all) => (all.session, entry.account.0, None),
        Command::CancelOnDisconnect(wish) => (wish.session, entry.account.0, Some(wish.enabled)),
        other => panic!("{other:?}"),
    });
    said.collect()
}

/// The log delivers what is in the batch, as a core would.
fn log(world: &mut World) -> usize {
    let batch = world.hub.take_batch(coulisse_gateway::batch::Batch::default());
    let events: Vec<Vec<Event>> = batch
        .entries()
        .iter()
        .map(|entry| match &entry.command {
            Command::CancelOnDisconnect(wish) => {
                vec![set(entry.account, wish.session, wish.enabled)]
            }
            _ => vec![],
        })
        .collect();
    world.apply(&batch, |index| events[index].clone());
    batch.len()
}

fn set(account: AccountId, session: u64, enabled: bool) -> Event {
    CancelOnDisconnectSet { account, session, enabled }.into()
}

fn refused() -> Vec<Event> {
    let (code, field, unit) = (RejectCode::KeyRevoked, Field::Key, Unit::Number);
    let client_order_id = ClientOrderId::default();
    vec![Rejected { code, field, unit, value: 1, limit: 0, client_order_id }.into()]
}

fn learn(world: &mut World, event: Event) {
    let header = world.header();
    world.hub.deliver(&header, &[event], &world.table);
}

#[test]
fn orders_of_a_session_that_asked_for_it_are_cancelled_when_its_connection_ends() {
    let mut world = a_world();
    let sessions: Vec<ConnId> = (0..3).map(|_| world.hub.open_local(ALICE)).collect();
    ask(&mut world, sessions[0], true);
    ask(&mut world, sessions[1], true);
    ask(&mut world, sessions[1], false);
    assert_eq!(log(&mut world), 3);
    for session in &sessions {
        world.hub.close(*session);
    }
    let first = sessions[0].session;
    assert_eq!(asked(&world.hub), [(first, ALICE.0, None), (first, ALICE.0, Some(false))]);
    log(&mut world);
    let last = world.hub.open_local(BOB);
    ask(&mut world, last, true);
    log(&mut world);
    world.hub.go_away(Seq(world.table.seq), "maintenance");
    assert_eq!(asked(&world.hub).len(), 2, "also when the node stops");
    world.hub.close(last);
    assert_eq!(asked(&world.hub).len(), 2, "once");
}

#[test]
fn a_connection_that_ends_before_the_log_has_the_wish_counts_too() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    ask(&mut world, alice, true);
    world.hub.close(alice);
    let wish = |enabled| (alice.session, ALICE.0, Some(enabled));
    assert_eq!(asked(&world.hub), [wish(true), (alice.session, ALICE.0, None), wish(false)]);
}

#[test]
fn a_wish_that_was_refused_changes_nothing() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    ask(&mut world, alice, true);
    log(&mut world);
    ask(&mut world, alice, false);
    world.tick(|_| refused());
    world.hub.close(alice);
    assert_eq!(asked(&world.hub).len(), 2, "it still holds");
}

#[test]
fn whoever_logs_off_leaves_the_orders() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    ask(&mut world, alice, true);
    log(&mut world);
    world.ask(alice, r#"{"id":2,"op":"session.logoff","params":{}}"#);
    assert_eq!(asked(&world.hub), [(alice.session, ALICE.0, Some(false))]);
}

#[test]
fn the_core_cancels_for_the_sessions_of_a_worker_that_is_gone_and_no_others() {
    let mut world = a_world();
    for session in [9, 10, 19, 20] {
        learn(&mut world, set(ALICE, session, true));
    }
    learn(&mut world, set(ALICE, 19, false));
    world.hub.cancel_of_gone(10..20);
    assert_eq!(asked(&world.hub), [(10, ALICE.0, None), (10, ALICE.0, Some(false))]);
    log(&mut world);
    // What it sent before it ended may reach the log after.
    learn(&mut world, set(BOB, 12, true));
    assert_eq!(asked(&world.hub), [(12, BOB.0, None), (12, BOB.0, Some(false))]);
}

#[test]
fn a_start_cancels_for_all_that_there_were_also_from_a_snapshot() {
    let mut world = a_world();
    for (account, session) in [(ALICE, 4), (BOB, 1 << 33)] {
        learn(&mut world, set(account, session, true));
    }
    let mut feeds = Vec::new();
    world.hub.write_feeds(&mut feeds);
    let mut again = Hub::new(Vec::new(), String::new(), String::new(), 1);
    again.read_feeds(&feeds).expect("its own feeds");
    again.cancel_of_earlier();
    world.hub.cancel_of_earlier();
    let wanted = [
        (4, ALICE.0, None),
        (4, ALICE.0, Some(false)),
        (1 << 33, BOB.0, None),
        (1 << 33, BOB.0, Some(false)),
    ];
    assert_eq!(asked(&world.hub), wanted);
    assert_eq!(asked(&again), wanted);
}

#[test]
fn as_many_sessions_as_there_is_room_for_are_armed_and_none_is_forgotten_for_another() {
    let mut world = a_world();
    for session in 0..SESSIONS_ARMED_MAX as u64 {
        learn(&mut world, set(BOB, (1 << 40) + session, true));
    }
    let alice = world.hub.open_local(ALICE);
    ask(&mut world, alice, true);
    world.all_durable();
    assert!(world.hub.batch().is_empty());
    assert!(world.wire.local(alice)[0].contains(r#""code":"OVERLOADED""#));
    ask(&mut world, alice, false);
    assert_eq!(log(&mut world), 1, "what takes it back needs no room");
    learn(&mut world, set(BOB, 1 << 40, false));
    ask(&mut world, alice, true);
    assert_eq!(asked(&world.hub), [(alice.session, ALICE.0, Some(true))]);
}
