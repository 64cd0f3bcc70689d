//! More is sent than can be done: who waits, who is refused, who is ended, and that nobody is forgotten.

use crate::world::{World, a_world, number, place, subscribe};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::frame::{FrameHead, Opcode, write_frame};
use coulisse_gateway::hub::LogRoom;
use coulisse_gateway::limits::{
    BATCH_CANCELS_RESERVED, BATCH_COMMANDS_MAX, BATCH_FULL, HELD_STOP_BYTES, IDLE_PUBLICATIONS_MAX,
    PATROL_PUBLICATIONS, PING_PUBLICATIONS, PONG_PUBLICATIONS, READ_BYTES_MAX, SLOW_PUBLICATIONS,
    TURN_SHARE_MAX, TURNS_FULL,
};

const CANCEL: &str = r#"{"id":1,"op":"order.cancel_all"}"#;

fn frames(text: impl Fn(usize) -> String, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in 0..count {
        let head = FrameHead::masked(Opcode::Text, [1, 2, 3, 4]);
        write_frame(&mut bytes, head, text(at).as_bytes());
    }
    bytes
}

/// What was let out for a connection so far.
fn sent_bytes(world: &World, conn: ConnId) -> usize {
    world.wire.sent.iter().filter(|(to, _)| *to == conn).map(|(_, bytes)| bytes.len()).sum()
}

/// The ids of the answers among some messages: a logon has none.
fn ids(texts: &[String]) -> Vec<u64> {
    let of = |text: &&String| text.starts_with("{\"id\":") && !text.starts_with("{\"id\":null");
    texts.iter().filter(of).map(|text| number(text, "id")).collect()
}

fn overloaded(texts: &[String]) -> usize {
    texts.iter().filter(|text| text.contains(r#""code":"OVERLOADED""#)).count()
}

/// Who sends so much that it never ends, and what has not been read of it.
struct Flooder {
    conn: ConnId,
    unread: Vec<u8>,
}

impl Flooder {
    fn of(world: &mut World, count: usize) -> Self {
        let conn = world.a_session();
        // Every tenth is a cancel: those are never refused.
        let text = |at: usize| match at % 10 {
            9 => format!(r#"{{"id":{at},"op":"order.cancel_all"}}"#),
            _ => place(u32::try_from(at).expect("few")),
        };
        Self { conn, unread: frames(text, count) }
    }
}

#[test]
fn who_is_told_late_is_read_again_when_it_has_been_told_and_loses_nothing() {
    let mut world = a_world();
    let socket = world.a_session();
    world.all_durable();
    let stuck = world.happens(&[]) - 1;
    // Each is answered at once, at a seq that is not durable.
    let count = 8_000;
    let mut unread =
        frames(|at| format!(r#"{{"id":{at},"op":"session.resume","params":{{}}}}"#), count);
    while !world.hub.waits(socket) || world.hub.some_go_on() {
        world.reads(socket, &mut unread);
        world.turn();
        world.durable(stuck);
    }
    assert!(!unread.is_empty(), "it waits long before the end");
    world.wire.read.clear();
    for _ in 0..50 {
        assert_eq!(world.reads(socket, &mut unread), 0);
        world.turn();
        world.durable(stuck);
    }
    assert!(world.wire.read.is_empty() && !world.hub.some_go_on(), "nothing turns meanwhile");
    while !unread.is_empty() || world.hub.waits(socket) {
        world.all_durable();
        world.turn();
        world.reads(socket, &mut unread);
    }
    world.all_durable();
    let (texts, code) = world.wire.socket(socket);
    assert_eq!(ids(&texts), (0..count as u64).collect::<Vec<_>>());
    assert_eq!((code, world.hub.counters().slow_closed), (None, 0));
    assert!(world.wire.read.contains(&socket));
}

#[test]
fn what_a_peer_that_does_not_read_makes_the_node_keep_is_bounded_and_it_is_ended_in_time() {
    let mut world = a_world();
    let (slow, quick) = (world.a_session(), world.a_session());
    world.all_durable();
    world.hub.set_paused(slow, true);
    let mut unread = frames(|_| r#"{"id":1,"op":"orders.open"}"#.to_owned(), 50_000);
    let whole = unread.len();
    while !world.hub.waits(slow) || world.hub.some_go_on() {
        world.reads(slow, &mut unread);
        world.turn();
        world.all_durable();
    }
    assert!(whole - unread.len() < HELD_STOP_BYTES, "no more is read");
    assert!(world.wire.closed.is_empty());
    for _ in 0..SLOW_PUBLICATIONS - 1 {
        world.text(quick, r#"{"id":1,"op":"ping"}"#);
        world.publish();
    }
    assert!(world.wire.closed.is_empty(), "it has time left");
    for _ in 0..PATROL_PUBLICATIONS {
        world.publish();
    }
    assert_eq!((world.wire.closed.as_slice(), world.hub.counters().slow_closed), (&[slow][..], 1));
    assert_eq!(world.wire.socket(slow).1, Some(1013));
    assert_eq!(world.hub.counters().silent_closed, 0);
}

#[test]
fn who_waits_for_the_log_is_not_ended_for_the_pongs_that_are_not_read() {
    let mut world = a_world();
    let socket = world.a_session();
    world.all_durable();
    let stuck = world.happens(&[]) - 1;
    let mut unread = frames(|_| r#"{"id":1,"op":"orders.open"}"#.to_owned(), 20_000);
    while !world.hub.waits(socket) || world.hub.some_go_on() {
        world.reads(socket, &mut unread);
        world.turn();
    }
    for _ in 0..2 * (PING_PUBLICATIONS + PONG_PUBLICATIONS) {
        world.hub.publish(&world.table);
        world.durable(stuck);
    }
    assert!(world.wire.closed.is_empty());
    // The log goes on: it is read again, and has as long as anybody to say something.
    world.wire.read.clear();
    for _ in 0..10 {
        world.all_durable();
        world.turn();
    }
    world.all_durable();
    assert_eq!(world.wire.read, [socket]);
    for _ in 0..PING_PUBLICATIONS - 1 {
        world.publish();
    }
    assert!(world.wire.closed.is_empty());
    for _ in 0..PONG_PUBLICATIONS + 2 * u32::try_from(PATROL_PUBLICATIONS).expect("small") {
        world.publish();
    }
    assert_eq!(world.wire.closed, [socket], "now its silence is one");
}

#[test]
fn one_connection_gets_no_more_of_a_turn_than_its_share() {
    let mut world = a_world();
    let mut greedy = Flooder::of(&mut world, 5_000);
    let modest = world.a_session();
    world.turn();
    let before = greedy.unread.len();
    while !world.hub.waits(greedy.conn) {
        world.reads(greedy.conn, &mut greedy.unread);
    }
    assert!(before - greedy.unread.len() <= 2 * READ_BYTES_MAX);
    assert_eq!(world.hub.batch().len(), TURN_SHARE_MAX as usize);
    world.text(modest, &place(1));
    assert_eq!(world.hub.batch().len(), TURN_SHARE_MAX as usize + 1, "others are not refused");
    while !greedy.unread.is_empty() || world.hub.waits(greedy.conn) {
        world.turn();
        world.all_durable();
        world.reads(greedy.conn, &mut greedy.unread);
    }
    world.turn();
    world.all_durable();
    let texts = world.wire.socket(greedy.conn).0;
    assert_eq!(ids(&texts), (0..5_000).collect::<Vec<_>>(), "in order, each once");
    assert_eq!(world.hub.counters().overloaded, 0);
}

#[test]
fn a_full_batch_is_taken_at_once_and_nothing_of_it_is_refused() {
    let mut world = a_world();
    let conns: Vec<Flooder> = (0..40).map(|_| Flooder::of(&mut world, 400)).collect();
    world.turn();
    let mut most = 0;
    for mut one in conns {
        world.reads(one.conn, &mut one.unread);
        most = most.max(world.hub.batch().len());
    }
    assert!(most < BATCH_FULL, "it was taken when it was full");
    for _ in 0..3 {
        world.turn();
    }
    assert_eq!(world.hub.counters().overloaded, 0);
}

#[test]
fn in_turns_that_stay_full_orders_beyond_the_share_are_refused_and_cancels_are_not() {
    let mut world = a_world();
    let mut all: Vec<Flooder> = (0..60).map(|_| Flooder::of(&mut world, 6_000)).collect();
    world.turn();
    for turn in 0..24 {
        for one in &mut all {
            while !world.hub.waits(one.conn) && !one.unread.is_empty() {
                world.reads(one.conn, &mut one.unread);
            }
        }
        if turn < TURNS_FULL {
            assert_eq!(world.hub.counters().overloaded, 0, "a burst is no overload");
        }
        world.turn();
        world.all_durable();
    }
    let refused = world.hub.counters().overloaded;
    let mut answered = 0;
    for one in &all {
        let (texts, code) = world.wire.socket(one.conn);
        let all_ids = ids(&texts);
        let mine = overloaded(&texts);
        // What waits for its turn is not answered before; what is, is answered in order. A refusal may
        // overtake what waits in the batch.
        let mut sorted = all_ids.clone();
        sorted.sort_unstable();
        let missing = sorted.iter().zip(0..).find(|(id, at)| **id != *at);
        assert!(missing.is_none(), "{missing:?}");
        assert!(mine > 0, "all are treated alike");
        let refused: Vec<String> =
            texts.iter().filter(|text| text.contains("OVERLOADED")).cloned().collect();
        let cancels = ids(&refused).iter().filter(|id| **id % 10 == 9).count();
        assert_eq!(cancels, 0, "of {mine} refusals");
        assert_eq!(code, None);
        answered += all_ids.len() as u64;
    }
    assert!(refused > 0 && refused * 10 < answered, "{refused} of {answered}");
    // They fall silent: the next order is taken.
    for _ in 0..30 {
        world.turn();
        world.all_durable();
    }
    let late = world.a_session();
    world.text(late, &place(1));
    assert_eq!(world.hub.counters().overloaded, refused);
}

#[test]
fn a_full_log_refuses_every_order_at_a_glance_and_takes_cancels_as_far_as_there_is_room() {
    let mut world = a_world();
    let alice = world.a_session();
    world.all_durable();
    world.happens(&[]);
    let durable = world.table.seq - 1;
    world.hub.set_log_room(LogRoom::WaysOut);
    // It tells nothing of the core, so it does not wait for the log.
    world.text(alice, r#"{"id":7,"op":"order.place","params":"nothing of this is read"}"#);
    world.durable(durable);
    let texts = world.wire.socket(alice).0;
    assert!(
        texts[2].starts_with(r#"{"id":7,"ok":false,"error":{"code":"OVERLOADED""#),
        "{texts:?}"
    );
    assert!(texts[2].contains(r#""state":"not_sent""#), "{}", texts[2]);
    world.text(alice, r#"{"id":8,"op":"order.place_batch","params":"nor of this: all in one"}"#);
    world.durable(durable);
    assert_eq!(world.wire.socket(alice).0[3], texts[2].replacen('7', "8", 1));
    world.text(alice, CANCEL);
    assert_eq!(world.hub.batch().len(), 1);
    world.hub.set_log_room(LogRoom::None);
    world.text(alice, CANCEL);
    assert_eq!(world.hub.batch().len(), 1);
    assert_eq!(world.hub.counters().overloaded, 3);
    world.hub.set_log_room(LogRoom::Free);
    world.text(alice, &place(8));
    assert_eq!(world.hub.batch().len(), 2);
}

#[test]
fn a_connection_that_is_gone_while_it_waits_is_forgotten_and_its_place_is_the_next_ones() {
    let mut world = a_world();
    let mut one = Flooder::of(&mut world, 2_000);
    world.turn();
    while !world.hub.waits(one.conn) {
        world.reads(one.conn, &mut one.unread);
    }
    world.hub.close(one.conn);
    let next = world.a_socket();
    assert_eq!(next.slot, one.conn.slot);
    world.wire.read.clear();
    world.turn();
    world.all_durable();
    assert!(!world.hub.some_go_on() && world.wire.read.is_empty() && !world.hub.waits(next));
}

#[test]
fn a_session_that_is_ended_while_it_waits_is_closed_and_never_read_again() {
    let mut world = a_world();
    let mut one = Flooder::of(&mut world, 2_000);
    world.turn();
    while !world.hub.waits(one.conn) {
        world.reads(one.conn, &mut one.unread);
    }
    let revoked = coulisse_types::event::KeyRevoked {
        key: coulisse_types::KeyIndex(1),
        key_id: coulisse_types::KeyId::new(b"alice").expect("short"),
    };
    world.happens(&[revoked.into()]);
    let asked = world.hub.counters().requests;
    for _ in 0..3 {
        world.turn();
        world.all_durable();
    }
    assert_eq!(world.wire.closed, [one.conn]);
    assert_eq!(world.wire.socket(one.conn).1, Some(1008));
    assert_eq!(world.hub.counters().requests, asked, "nothing of what was kept is taken");
    assert!(!world.hub.some_go_on() && world.wire.read.is_empty());
}

#[test]
fn a_node_that_stops_answers_what_it_kept_of_those_that_wait() {
    let mut world = a_world();
    let mut one = Flooder::of(&mut world, 700);
    world.turn();
    while !world.hub.waits(one.conn) {
        world.reads(one.conn, &mut one.unread);
    }
    world.hub.go_away(coulisse_types::Seq(world.table.seq), "a restart");
    while !one.unread.is_empty() || world.hub.waits(one.conn) {
        world.turn();
        world.all_durable();
        world.reads(one.conn, &mut one.unread);
    }
    world.all_durable();
    let texts = world.wire.socket(one.conn).0;
    assert_eq!(ids(&texts).len(), 700, "every one is answered");
    assert!(texts.last().is_some_and(|text| text.contains("SHUTTING_DOWN")));
}

#[test]
fn a_listener_that_is_read_no_more_is_still_told_and_cut_off_at_the_limit() {
    let mut world = a_world();
    let slow = world.a_session();
    world.text(slow, &subscribe("trades"));
    world.all_durable();
    world.hub.set_paused(slow, true);
    let mut unread = frames(|_| r#"{"id":1,"op":"orders.open"}"#.to_owned(), 20_000);
    while !world.hub.waits(slow) || world.hub.some_go_on() {
        world.reads(slow, &mut unread);
        world.turn();
        world.all_durable();
    }
    world.trade_until_one_is_closed();
    assert_eq!((world.wire.closed.as_slice(), world.hub.counters().slow_closed), (&[slow][..], 1));
}

#[test]
fn an_answer_over_http_that_the_log_keeps_back_does_not_make_its_connection_idle() {
    let mut world = a_world();
    let id = world.hub.open([7; 16]);
    let mut head = b"GET /v1/balances HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let stuck = world.happens(&[]) - 1;
    world.hub.receive(id, &mut head, crate::world::NOW_US, &world.table);
    for _ in 0..2 * IDLE_PUBLICATIONS_MAX {
        world.hub.publish(&world.table);
        world.durable(stuck);
    }
    assert!(world.wire.closed.is_empty() && sent_bytes(&world, id) == 0);
    world.all_durable();
    assert!(sent_bytes(&world, id) > 0);
    for _ in 0..=IDLE_PUBLICATIONS_MAX {
        world.publish();
    }
    assert_eq!(world.wire.closed, [id], "now it is");
}

#[test]
fn the_places_of_a_batch_that_are_for_ways_out_are_beyond_where_it_is_full() {
    const { assert!(BATCH_FULL + BATCH_CANCELS_RESERVED < BATCH_COMMANDS_MAX) };
}
