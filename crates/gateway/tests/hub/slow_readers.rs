//! A peer that does not read costs what the limits say, and costs the others nothing.

use crate::world::{ALICE, World, a_balance_of, a_world, number, subscribe};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::limits::{
    HELD_BYTES_MAX, LINGER_PUBLICATIONS_MAX, PATROL_PUBLICATIONS, PING_PUBLICATIONS,
    PONG_PUBLICATIONS, SWEEP_SENDS_MAX,
};

const RAW_BOOK: &str =
    r#"{"op":"subscribe","params":{"channel":"book","symbols":["BTC-USD"],"interval":"raw"}}"#;

fn listening(world: &mut World, channel: &str) -> ConnId {
    listening_to(world, &subscribe(channel))
}

fn listening_to(world: &mut World, asked: &str) -> ConnId {
    let socket = world.a_socket();
    world.text(socket, asked);
    world.all_durable();
    socket
}

#[test]
fn a_paused_connection_is_sent_nothing_until_it_reads_again_and_then_everything() {
    let mut world = a_world();
    let socket = listening(&mut world, "trades");
    let before = world.wire.socket(socket).0.len();
    world.hub.set_paused(socket, true);
    let trades: Vec<u64> = (0..5).map(|_| world.a_trade()).collect();
    world.publish();
    assert_eq!(world.wire.socket(socket).0.len(), before);
    world.hub.set_paused(socket, false);
    world.all_durable();
    let texts = world.wire.socket(socket).0;
    let seqs: Vec<u64> = texts[before..].iter().map(|text| number(text, "seq")).collect();
    assert_eq!(seqs, trades);
}

#[test]
fn a_session_that_never_reads_is_closed_at_the_limit_and_ended_if_it_does_not_go() {
    let mut world = a_world();
    let (slow, quick) = (listening(&mut world, "trades"), listening(&mut world, "trades"));
    world.hub.set_paused(slow, true);
    let trades = world.trade_until_one_is_closed();
    assert_eq!((world.wire.closed.as_slice(), world.hub.counters().slow_closed), (&[slow][..], 1));
    assert_eq!(world.wire.socket(slow).1, Some(1013));
    assert_eq!(world.wire.socket(quick).0.len(), 3 + trades, "the other one missed nothing");
    for _ in 0..LINGER_PUBLICATIONS_MAX {
        assert!(world.wire.aborted.is_empty());
        world.publish();
    }
    assert_eq!(world.wire.aborted, [slow]);
}

#[test]
fn a_closed_connection_that_went_is_not_ended_again() {
    let mut world = a_world();
    let socket = world.a_socket();
    world.frames(socket, &[(coulisse_gateway::frame::Opcode::Close, &[])]);
    world.all_durable();
    world.hub.close(socket);
    let next = world.a_socket();
    assert_eq!(next.slot, socket.slot);
    for _ in 0..=LINGER_PUBLICATIONS_MAX {
        world.publish();
    }
    assert!(world.wire.aborted.is_empty());
}

#[test]
fn a_log_that_stands_still_closes_a_session_at_the_limit_behind_what_it_was_told() {
    let mut world = a_world();
    let alice = world.a_socket();
    world.all_durable();
    let stuck = world.table.seq;
    world.happens(&[]);
    for _ in 0..HELD_BYTES_MAX / 20 {
        world.text(alice, r#"{"id":1,"op":"ping"}"#);
        world.durable(stuck);
    }
    assert_eq!(world.hub.counters().slow_closed, 1);
    assert_eq!(world.wire.socket(alice).0.len(), 1, "no more than the greeting was let out");
    world.all_durable();
    let (texts, code) = world.wire.socket(alice);
    assert!(texts.len() > HELD_BYTES_MAX / 130, "{}", texts.len());
    assert_eq!((code, world.wire.closed.as_slice()), (Some(1013), &[alice][..]));
}

#[test]
fn a_session_inside_the_process_gets_every_reply_however_many_wait() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.happens(&[]);
    let count = HELD_BYTES_MAX / 20;
    for _ in 0..count {
        world.ask(alice, r#"{"id":1,"op":"ping"}"#);
    }
    world.all_durable();
    assert_eq!(world.wire.local(alice).len(), count);
}

#[test]
fn a_paused_reader_of_a_book_gets_an_image_when_it_reads_again() {
    let mut world = a_world();
    let (slow, quick) = (listening(&mut world, "book"), listening(&mut world, "book"));
    world.hub.set_paused(slow, true);
    for lots in 1..=50 {
        world.a_bid_of(lots);
        world.publish();
    }
    assert_eq!(world.wire.socket(slow).0.len(), 3, "greeting, reply, image");
    world.hub.set_paused(slow, false);
    world.publish();
    let (mine, theirs) = (world.wire.socket(slow).0, world.wire.socket(quick).0);
    assert_eq!(mine.len(), 4);
    assert!(mine[3].contains(r#""type":"image""#), "{}", mine[3]);
    assert_eq!(number(&mine[3], "crc"), number(&theirs[52], "crc"));
    assert_eq!(theirs.len(), 3 + 50);
    world.a_bid_of(99);
    world.publish();
    let (mine, theirs) = (world.wire.socket(slow).0, world.wire.socket(quick).0);
    assert_eq!(mine[4], theirs[53], "from there on both get the same deltas");
}

#[test]
fn a_paused_reader_of_a_ticker_gets_the_newest_when_it_reads_again() {
    let mut world = a_world();
    let (slow, quick) = (listening(&mut world, "ticker"), listening(&mut world, "ticker"));
    world.hub.set_paused(slow, true);
    for lots in 1..=50 {
        world.a_bid_of(lots);
        world.publish();
    }
    assert_eq!(world.wire.socket(slow).0.len(), 3, "greeting, reply, image");
    world.hub.set_paused(slow, false);
    world.publish();
    let (mine, theirs) = (world.wire.socket(slow).0, world.wire.socket(quick).0);
    assert_eq!((mine.len(), theirs.len()), (4, 53));
    assert!(mine[3].contains(r#""type":"image""#), "{}", mine[3]);
    assert_eq!(number(&mine[3], "seq"), number(&theirs[52], "seq"));
    world.a_bid_of(99);
    world.publish();
    assert_eq!(world.wire.socket(slow).0[4], world.wire.socket(quick).0[53]);
}

#[test]
fn a_reader_that_takes_what_it_is_sent_late_is_not_ended_for_a_ping_it_has_not_come_to() {
    let mut world = a_world();
    let (slow, gone) = (listening(&mut world, "book"), listening(&mut world, "book"));
    world.hub.set_paused(gone, true);
    let limit = PING_PUBLICATIONS + PONG_PUBLICATIONS;
    for published in 0..3 * limit {
        // Each second its transport has room once, for as much as comes between two publications.
        world.hub.set_paused(slow, published % 10 != 0);
        world.a_bid_of(i64::from(published) + 1);
        world.publish();
    }
    assert_eq!((world.wire.closed.as_slice(), world.wire.socket(slow).1), (&[gone][..], None));
    assert_eq!(world.hub.counters().silent_closed, 1);
    world.hub.set_paused(slow, false);
    world.publish();
    let texts = world.wire.socket(slow).0;
    let newest = format!("\"seq\":{}", world.table.seq);
    assert!(texts.last().is_some_and(|text| text.contains(&newest)), "{:?}", texts.last());
    // Now it takes nothing more: so far its last word counts, and no further.
    world.hub.set_paused(slow, true);
    for _ in 0..limit - 2 {
        world.publish();
    }
    assert_eq!(world.wire.closed, [gone]);
    for _ in 0..=2 * PATROL_PUBLICATIONS {
        world.publish();
    }
    assert_eq!(world.hub.counters().silent_closed, 2);
}

#[test]
fn a_reader_that_reads_again_has_the_newest_a_publication_later_whoever_else_listens() {
    for asked in [&subscribe("book"), RAW_BOOK, &subscribe("ticker")] {
        let mut world = a_world();
        let slow = listening_to(&mut world, asked);
        for _ in 0..3 * SWEEP_SENDS_MAX {
            listening_to(&mut world, asked);
        }
        world.hub.set_paused(slow, true);
        for lots in 1..=5 {
            world.a_bid_of(lots);
            next_publication(&mut world);
            finish(&mut world);
        }
        // It reads again while the others are told, and nothing happens afterwards.
        world.a_bid_of(77);
        next_publication(&mut world);
        assert!(world.hub.sweeps_on(), "{asked}");
        world.hub.set_paused(slow, false);
        finish(&mut world);
        assert_eq!(world.wire.socket(slow).0.len(), 3, "{asked}: greeting, reply, image");
        next_publication(&mut world);
        finish(&mut world);
        let texts = world.wire.socket(slow).0;
        assert_eq!(texts.len(), 4, "{asked}");
        assert!(texts[3].contains(r#""type":"image""#), "{}", texts[3]);
        assert_eq!(number(&texts[3], "seq"), world.table.seq, "{asked}");
    }
}

/// A tenth of a second later.
fn next_publication(world: &mut World) {
    world.now_us += 100_000;
    world.publish();
}

/// Turns of the loop until nobody waits for one.
fn finish(world: &mut World) {
    while world.hub.sweeps_on() {
        world.all_durable();
    }
}

#[test]
fn a_private_message_is_never_left_out_for_a_paused_reader() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("balances"));
    world.hub.set_paused(alice, true);
    let seqs: Vec<u64> =
        (1..=20).map(|minor| world.happens(&[a_balance_of(ALICE, minor)])).collect();
    world.all_durable();
    assert!(world.wire.local(alice).is_empty());
    world.hub.set_paused(alice, false);
    world.all_durable();
    let got: Vec<u64> =
        world.wire.local(alice)[2..].iter().map(|text| number(text, "seq")).collect();
    assert_eq!(got, seqs);
}

#[test]
fn pings_of_a_peer_that_does_not_read_are_bounded_too() {
    let mut world = a_world();
    let socket = world.a_socket();
    world.all_durable();
    world.hub.set_paused(socket, true);
    for _ in 0..HELD_BYTES_MAX / 100 {
        world.frames(socket, &[(coulisse_gateway::frame::Opcode::Ping, &[b'x'; 125])]);
    }
    world.all_durable();
    assert_eq!(
        (world.hub.counters().slow_closed, world.wire.closed.as_slice()),
        (1, &[socket][..])
    );
    assert_eq!(world.wire.socket(socket).1, Some(1013));
}
