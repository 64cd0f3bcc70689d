//! What is counted for whoever watches: connections as the patrol sees them, refusals, times of commands.

use crate::world::{NOW_US, World, a_world, place};
use coulisse_gateway::frame::{FrameHead, Opcode, write_frame};
use coulisse_gateway::limits::PATROL_PUBLICATIONS;
use coulisse_gateway::times::Times;
use coulisse_types::event::Rejected;
use coulisse_types::{ClientOrderId, Event, Field, RejectCode, Unit};

fn rejected(code: RejectCode) -> Vec<Event> {
    let client_order_id = ClientOrderId::default();
    let (field, unit) = (Field::Qty, Unit::Lots);
    vec![Rejected { code, field, unit, value: 1, limit: 0, client_order_id }.into()]
}

fn publish(world: &mut World, times: usize) {
    for _ in 0..times {
        world.publish();
    }
}

fn counted(times: &Times) -> (u64, u64) {
    (times.counts().iter().sum(), times.sum_us())
}

fn rejects(world: &World) -> Vec<(RejectCode, u64)> {
    world.hub.rejects().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn the_patrol_sees_who_is_logged_on_who_is_slow_and_what_waits() {
    let mut world = a_world();
    let (_, slow, _) = (world.a_session(), world.a_session(), world.a_socket());
    let patrol = 2 * PATROL_PUBLICATIONS;
    publish(&mut world, patrol);
    let seen = world.hub.seen();
    assert_eq!((seen.sessions, seen.paused, seen.held_bytes), (2, 0, 0));
    world.hub.set_paused(slow, true);
    world.text(slow, r#"{"id":1,"op":"ping"}"#);
    publish(&mut world, patrol);
    let seen = world.hub.seen();
    assert_eq!((seen.sessions, seen.paused), (2, 1));
    assert!(seen.held_bytes > 0 && seen.held_most_bytes == seen.held_bytes, "{seen:?}");
    world.hub.set_paused(slow, false);
    world.hub.close(slow);
    publish(&mut world, patrol);
    let seen = world.hub.seen();
    assert_eq!((seen.sessions, seen.paused, seen.held_bytes), (1, 0, 0));
}

#[test]
fn a_command_counts_from_its_read_to_its_stamp_and_to_the_leaving_of_its_reply() {
    let mut world = a_world();
    world.now_us = NOW_US - 30;
    let session = world.a_session();
    world.all_durable();
    assert_eq!(counted(world.hub.replied()), (0, 0), "a logon is no command");
    let mut sent = Vec::new();
    write_frame(&mut sent, FrameHead::masked(Opcode::Text, [1, 2, 3, 4]), place(1).as_bytes());
    world.reads(session, &mut sent);
    let seq = world.tick(|_| rejected(RejectCode::QtyBelowMin));
    assert_eq!(counted(world.hub.queued()), (1, 30));
    world.durable(seq - 1);
    assert_eq!(counted(world.hub.replied()), (0, 0), "it waits for the log");
    world.hub.set_paused(session, true);
    world.durable(seq);
    assert_eq!(counted(world.hub.replied()), (0, 0), "it waits for its peer");
    world.hub.set_paused(session, false);
    world.now_us = NOW_US + 100;
    world.durable(seq);
    assert_eq!(counted(world.hub.replied()), (1, 137), "the release is 7 µs later");
}

#[test]
fn orders_that_are_placed_together_are_as_many_commands_and_one_reply() {
    let mut world = a_world();
    let session = world.a_session();
    let order = r#"{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00"}"#;
    let off = r#"{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.001"}"#;
    let orders = format!("[{order},{off},{order}]");
    world.text(
        session,
        &format!(r#"{{"id":1,"op":"order.place_batch","params":{{"orders":{orders}}}}}"#),
    );
    world.tick(|_| rejected(RejectCode::InsufficientBalance));
    world.all_durable();
    assert_eq!(counted(world.hub.queued()).0, 2);
    assert_eq!(counted(world.hub.replied()).0, 1);
    let wanted = [(RejectCode::OffTick, 1), (RejectCode::InsufficientBalance, 2)];
    assert_eq!(rejects(&world), wanted);
}

#[test]
fn each_half_of_a_replacement_that_is_refused_counts() {
    let mut world = a_world();
    let session = world.a_session();
    let order = r#""symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00""#;
    let replace =
        format!(r#"{{"id":1,"op":"order.replace","params":{{"cancel_order_id":"7",{order}}}}}"#);
    world.text(session, &replace);
    assert_eq!(world.hub.batch().len(), 1, "it is a command: {:?}", world.wire.socket(session));
    world.tick(|_| {
        let halves = [RejectCode::OrderNotFound, RejectCode::InsufficientBalance];
        halves.into_iter().flat_map(rejected).collect()
    });
    let wanted = [(RejectCode::InsufficientBalance, 1), (RejectCode::OrderNotFound, 1)];
    assert_eq!(rejects(&world), wanted);
}
