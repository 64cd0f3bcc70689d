//! permessage-deflate as connections see it: who gets it, what goes compressed, and that nobody can tell by
//! what is told.

use crate::lists_and_batches::{accepted, together};
use crate::world::{NOW_US, PACKED, World, a_world, number, place, subscribe};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::frame::{FrameHead, Opcode, write_frame};
use coulisse_gateway::hub::PackingCounters;
use coulisse_gateway::limits::{FAN_BYTES_MAX, TURN_SHARE_MAX};
use coulisse_gateway::rules::Rules;
use coulisse_types::event::LevelChanged;
use coulisse_types::{Price, Qty, Side};
use flate2::{Compress, Compression, FlushCompress};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const SMALL: &str = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";

fn a_packing_world() -> World {
    let mut world = a_world();
    world.hub.set_rules(Rules { deflate: true, echo: true, ..Rules::default() });
    world
}

/// What the upgrade was answered.
fn answer(world: &mut World, conn: ConnId) -> String {
    world.all_durable();
    let bytes: Vec<u8> = world
        .wire
        .sent
        .iter()
        .filter(|(to, _)| *to == conn)
        .flat_map(|one| one.1.clone())
        .collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split("\r\n\r\n").next().unwrap_or_default().to_owned()
}

/// What a connection was sent since, as it was sent.
fn bytes_since(world: &World, at: usize, conn: ConnId) -> Vec<u8> {
    let sent = world.wire.sent[at..].iter().filter(|(to, _)| *to == conn);
    sent.flat_map(|(_, bytes)| bytes.clone()).collect()
}

fn counters(world: &World) -> PackingCounters {
    world.hub.packing_counters()
}

const BOOK: &str =
    r#"{"op":"subscribe","params":{"channel":"book","symbols":["BTC-USD"],"depth":50}}"#;

fn listening(world: &mut World, offer: &str, asked: &str) -> ConnId {
    let conn = world.a_socket_at("/v1/ws", offer);
    world.text(conn, asked);
    world.all_durable();
    conn
}

/// The book has so many levels, all of them changed.
fn a_book_of(world: &mut World, levels: i64, lots: i64) {
    let level = |at| (Price::from_ticks(6_000_000 - at), Qty::from_lots(lots + at));
    world.table.bids = (0..levels).map(level).collect();
    let (price, qty) = world.table.bids[0];
    let instrument = crate::world::BTC_USD;
    let changed = LevelChanged { instrument, side: Side::Buy, price, qty, order_count: 1 };
    world.happens(&[changed.into()]);
}

#[test]
fn it_is_agreed_only_where_the_settings_allow_it_and_a_client_asks() {
    let mut plain = a_world();
    let off = plain.a_socket_at("/v1/ws", OFFER);
    assert!(!answer(&mut plain, off).contains("Extensions"));
    let mut world = a_packing_world();
    for (path, offer, agreed) in [
        ("/v1/ws", "", false),
        ("/v1/ws", OFFER, true),
        ("/v1/echo", OFFER, true),
        ("/ws", OFFER, false),
        ("/v1/ws", "Sec-WebSocket-Extensions: permessage-deflate; mystery\r\n", false),
        (
            "/v1/ws",
            "Sec-WebSocket-Extensions: x; y=1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
            true,
        ),
    ] {
        let conn = world.a_socket_at(path, offer);
        let said = answer(&mut world, conn);
        assert_eq!(said.contains(PACKED), agreed, "{path} {offer}: {said}");
    }
    assert_eq!(counters(&world).agreed, 3);
    let small = world.a_socket_at("/v1/ws", SMALL);
    let said = answer(&mut world, small);
    assert!(said.ends_with(
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
         client_no_context_takeover; server_max_window_bits=9"
    ));
    let broken = world.a_socket_at("/v1/ws", "Sec-WebSocket-Extensions: permessage-deflate;\r\n");
    assert!(answer(&mut world, broken).starts_with("HTTP/1.1 400 "));
    let ignored = plain.a_socket_at("/v1/ws", "Sec-WebSocket-Extensions: permessage-deflate;\r\n");
    assert!(answer(&mut plain, ignored).starts_with("HTTP/1.1 101 "));
}

#[test]
fn listeners_with_and_without_it_are_told_the_same_and_it_is_compressed_once_for_all() {
    let mut world = a_packing_world();
    let offers = [OFFER, "", SMALL, OFFER, OFFER];
    let conns = offers.map(|offer| listening(&mut world, offer, BOOK));
    let at = world.wire.sent.len();
    let before = counters(&world);
    for lots in 1..=20 {
        a_book_of(&mut world, 40, 100 * lots);
        world.publish();
    }
    let [first, plain, small, ..] = conns;
    let told = world.wire.socket(plain);
    assert!(told.0.len() > 20 && told.1.is_none());
    for conn in conns {
        assert_eq!(world.wire.socket(conn).0.split_off(3), told.0[3..]);
    }
    let packed = bytes_since(&world, at, first);
    assert!(2 * packed.len() < bytes_since(&world, at, plain).len());
    assert_eq!(bytes_since(&world, at, conns[3]), packed);
    assert_ne!(bytes_since(&world, at, small), packed, "it has another window");
    assert_eq!(counters(&world).packed - before.packed, 2 * 20, "once for each window");
    let saved = counters(&world);
    assert!(saved.packed_bytes < saved.packed_from_bytes / 2, "{saved:?}");
}

#[test]
fn what_is_small_and_what_answers_an_order_goes_as_it_is() {
    let mut world = a_packing_world();
    let conn = world.a_socket_at("/v1/ws", OFFER);
    world.text(conn, &subscribe("trades"));
    world.text(conn, &subscribe("status"));
    world.text(conn, &place(1));
    world.text(conn, r#"{"id":2,"op":"ping"}"#);
    world.tick(|_| vec![]);
    for _ in 0..3 {
        world.a_trade();
        world.publish();
    }
    assert_eq!(counters(&world).packed, 0);
    assert!(world.wire.socket(conn).0.len() >= 8);
}

#[test]
fn a_long_reply_is_compressed_and_says_when_it_really_left() {
    let mut world = a_packing_world();
    let conns = ["", OFFER].map(|offer| {
        let conn = world.a_socket_at("/v1/ws", offer);
        let symbols: Vec<String> = vec!["\"BTC-USD\"".to_owned()];
        let params =
            format!(r#"{{"channel":"book","symbols":[{}],"depth":10}}"#, symbols.join(","));
        world.text(conn, &format!(r#"{{"id":1,"op":"subscribe","params":{params}}}"#));
        conn
    });
    a_book_of(&mut world, 50, 7);
    // The image of the deeper book is long, the reply to its subscription is not.
    for conn in conns {
        world.text(conn, BOOK);
    }
    world.all_durable();
    let (plain, packing) = (world.wire.socket(conns[0]).0, world.wire.socket(conns[1]).0);
    assert_eq!(plain[1..], packing[1..]);
    assert!(plain.iter().any(|text| text.len() > 1_024));
    assert_eq!(counters(&world).packed, 1);
}

#[test]
fn the_time_of_leaving_is_written_into_a_compressed_reply() {
    let mut world = a_packing_world();
    let conns = ["", OFFER].map(|offer| world.a_session_at(offer));
    for conn in conns {
        world.text(conn, &together(20));
    }
    world.tick(accepted);
    world.now_us = NOW_US + 1_000;
    let before = counters(&world).packed;
    let at = world.wire.sent.len();
    world.all_durable();
    assert_eq!(counters(&world).packed, before, "it was compressed when it was made");
    assert!(before > 0);
    let (plain, packing) = conns.map(|conn| world.wire.socket(conn).0).into();
    let (plain, packing) = (plain.last().expect("a reply"), packing.last().expect("a reply"));
    assert!(plain.len() > 1_024, "{plain}");
    assert_eq!(number(packing, "t_out"), u64::try_from(NOW_US + 1_007).expect("positive"));
    assert_eq!(number(plain, "t_out"), number(packing, "t_out"));
    let orders = |text: &str| text.matches("\"order_id\"").count();
    assert_eq!((orders(plain), orders(packing)), (20, 20));
    let [with, without] = [conns[1], conns[0]].map(|conn| bytes_since(&world, at, conn).len());
    assert!(with < without / 2, "{with} of {without}");
}

#[test]
fn whoever_comes_within_a_sweep_gets_what_was_told_since() {
    let mut world = a_packing_world();
    let raw = r#"{"op":"subscribe","params":{"channel":"book","symbols":["BTC-USD"],"depth":50,"interval":"raw"}}"#;
    let first = listening(&mut world, OFFER, raw);
    let durable = world.table.seq;
    a_book_of(&mut world, 40, 1);
    a_book_of(&mut world, 40, 50);
    let late = world.a_socket_at("/v1/ws", OFFER);
    let late_plain = world.a_socket();
    for conn in [late, late_plain] {
        world.text(conn, raw);
    }
    a_book_of(&mut world, 40, 200);
    world.durable(durable);
    world.all_durable();
    let told = world.wire.socket(late_plain).0;
    assert_eq!(world.wire.socket(late).0[1..], told[1..]);
    let seqs = |texts: &[String]| -> Vec<u64> {
        texts.iter().filter(|text| text.contains("\"delta\"")).map(|t| number(t, "seq")).collect()
    };
    let all = world.wire.socket(first).0;
    assert_eq!((seqs(&all).len(), seqs(&told).len()), (3, 1));
    assert_eq!(all.last(), told.last());
}

#[test]
fn a_long_stream_is_compressed_over_several_turns_and_everybody_gets_all_of_it() {
    let mut world = a_packing_world();
    let raw = r#"{"op":"subscribe","params":{"channel":"book","symbols":["BTC-USD"],"depth":50,"interval":"raw"}}"#;
    let conns = [OFFER, "", OFFER, SMALL].map(|offer| listening(&mut world, offer, raw));
    let held = world.table.seq;
    for lots in 0..150 {
        a_book_of(&mut world, 40, 100 * (1 + lots));
        world.durable(held);
    }
    let told = world.hub.streams_used().1;
    assert!(told > FAN_BYTES_MAX / 2, "{told}");
    let mut turns = 0;
    loop {
        world.all_durable();
        turns += 1;
        if !world.hub.sweeps_on() {
            break;
        }
    }
    assert!((3..100).contains(&turns), "{turns}");
    let plain = world.wire.socket(conns[1]).0;
    assert!(plain.len() > 100);
    for conn in conns {
        assert_eq!(world.wire.socket(conn).0[2..], plain[2..]);
    }
    assert_eq!(world.hub.streams_used().1, 0, "what was compressed is given back");
}

#[test]
fn a_slow_reader_gets_its_image_compressed() {
    let mut world = a_packing_world();
    let conns = [OFFER, "", OFFER].map(|offer| listening(&mut world, offer, BOOK));
    for conn in conns {
        world.hub.set_paused(conn, true);
    }
    for lots in 1..=5 {
        a_book_of(&mut world, 45, 100 * lots);
        world.publish();
    }
    let (at, before) = (world.wire.sent.len(), counters(&world).packed);
    for conn in conns {
        world.hub.set_paused(conn, false);
    }
    world.publish();
    assert_eq!(counters(&world).packed - before, 1, "once for both");
    let texts = conns.map(|conn| world.wire.socket(conn).0);
    assert!(texts[0].last().expect("an image").contains("\"image\""));
    assert_eq!((texts[0].last(), texts[2].last()), (texts[1].last(), texts[1].last()));
    assert!(bytes_since(&world, at, conns[0]).len() * 2 < bytes_since(&world, at, conns[1]).len());
}

fn packed_frame(text: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(text.len() + 100);
    Compress::new(Compression::best(), false)
        .compress_vec(text, &mut payload, FlushCompress::Sync)
        .expect("it compresses");
    payload.truncate(payload.len() - 4);
    let mut frame = Vec::new();
    write_frame(&mut frame, FrameHead::masked(Opcode::Text, [1, 2, 3, 4]), &payload);
    frame[0] |= 0x40;
    frame
}

#[test]
fn a_compressed_request_is_answered_and_what_it_took_counts_as_messages_of_the_turn() {
    let mut world = a_packing_world();
    let conn = world.a_socket_at("/v1/ws", OFFER);
    let mut one = packed_frame(br#"{"id":5,"op":"ping"}"#);
    world.hub.receive(conn, &mut one, NOW_US, &world.table);
    world.all_durable();
    assert!(world.wire.socket(conn).0[1].starts_with(r#"{"id":5,"ok":true"#));
    assert!(!world.hub.waits(conn));
    // 60 KiB of blanks come in 100 bytes: a read of 64 KiB could hold 600 of them.
    let request = [br#"{"id":6,"op":"ping""#, " ".repeat(60_000).as_bytes(), b"}"].concat();
    let mut many = packed_frame(&request).repeat(600);
    assert!(many.len() < 128 * 1_024, "{}", many.len());
    many.truncate(64 * 1_024);
    world.reads(conn, &mut many);
    assert!(world.hub.waits(conn), "it goes on with the next turn");
    world.all_durable();
    let answered = world.wire.socket(conn).0.len() - 2;
    assert!((1..=2).contains(&answered), "{answered} in one turn");
    let mut turns = 0;
    while world.hub.waits(conn) {
        world.turn();
        world.all_durable();
        turns += 1;
        assert!(turns < 1_000);
    }
    let answered = world.wire.socket(conn).0.len() - 2;
    assert!(answered > 100 && 2 + 2 * turns >= answered, "{answered} in {turns} turns");
    assert_eq!(usize::try_from(counters(&world).inflated), Ok(answered + 1));
    const { assert!(TURN_SHARE_MAX > 100) };
}

#[test]
fn a_bomb_and_garbage_end_their_connection_alone() {
    let mut world = a_packing_world();
    let [bomber, liar, unasked, other] =
        [OFFER, OFFER, "", OFFER].map(|offer| listening(&mut world, offer, BOOK));
    let mut bomb = packed_frame(&vec![0; 1 << 20]);
    assert!(bomb.len() < 1_100, "{}", bomb.len());
    world.hub.receive(bomber, &mut bomb, NOW_US, &world.table);
    let mut lie = Vec::new();
    write_frame(&mut lie, FrameHead::masked(Opcode::Text, [1, 2, 3, 4]), b"{\"op\":\"ping\"}");
    lie[0] |= 0x40;
    world.hub.receive(liar, &mut lie, NOW_US, &world.table);
    world.hub.receive(unasked, &mut packed_frame(b"{}"), NOW_US, &world.table);
    a_book_of(&mut world, 40, 7);
    world.publish();
    let codes = [bomber, liar, unasked, other].map(|conn| world.wire.socket(conn).1);
    assert_eq!(codes, [Some(1009), Some(1007), Some(1002), None]);
    assert!(world.wire.socket(other).0.last().expect("a delta").contains("\"delta\""));
}
