//! Who gets in, and how long it may take.

use crate::world::{NOW_US, World, a_world, number};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::limits::{HEAD_PUBLICATIONS_MAX, IDLE_PUBLICATIONS_MAX};

fn knock(world: &mut World, path: &str, lines: &str) -> String {
    let id = world.hub.open([7; 16]);
    let head = format!(
        "GET {path} HTTP/1.1\r\n{lines}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    sends(world, id, head.as_bytes());
    world.all_durable();
    said(world, id)
}

fn sends(world: &mut World, id: ConnId, bytes: &[u8]) {
    world.hub.receive(id, &mut bytes.to_vec(), NOW_US, &world.table);
}

fn said(world: &World, id: ConnId) -> String {
    let sent = world.wire.sent.iter().filter(|(to, _)| *to == id);
    sent.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[test]
fn a_page_of_another_site_and_a_foreign_name_open_no_socket() {
    let mut world = a_world();
    for path in ["/ws", "/v1/ws"] {
        for lines in [
            "Host: localhost",
            "Host: localhost:8080",
            "Host: localhost:8080\r\nOrigin: http://localhost:8080",
        ] {
            let answer = knock(&mut world, path, lines);
            assert!(answer.starts_with("HTTP/1.1 101 "), "{path} {lines}: {answer}");
        }
        for (lines, code) in [
            ("Host: evil.example", "UPGRADE_HOST_UNKNOWN"),
            ("Host: evil.example\r\nOrigin: http://evil.example", "UPGRADE_HOST_UNKNOWN"),
            ("Host: localhost\r\nOrigin: http://evil.example", "UPGRADE_ORIGIN_NOT_ALLOWED"),
            ("Host: localhost:80\r\nOrigin: http://localhost:81", "UPGRADE_ORIGIN_NOT_ALLOWED"),
            ("Host: localhost\r\nOrigin: null", "UPGRADE_ORIGIN_NOT_ALLOWED"),
            (
                "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://localhost",
                "UPGRADE_ORIGIN_NOT_ALLOWED",
            ),
        ] {
            let answer = knock(&mut world, path, lines);
            assert!(answer.starts_with("HTTP/1.1 403 "), "{path} {lines}: {answer}");
            assert!(answer.contains(code) && answer.contains(r#""state":"not_sent""#), "{answer}");
        }
    }
    world.hub.allow_origins(vec!["https://desk.example".to_owned()]);
    let answer = knock(&mut world, "/ws", "Host: localhost\r\nOrigin: https://desk.example");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

#[test]
fn a_head_that_does_not_end_is_ended_and_one_that_ends_in_time_is_not() {
    let mut world = a_world();
    let (slow, good) = (world.hub.open([7; 16]), world.a_socket());
    world.publish();
    sends(&mut world, slow, b"GET / HTTP/1.1\r\nHost: local");
    for _ in 0..HEAD_PUBLICATIONS_MAX {
        world.publish();
        sends(&mut world, slow, b"x");
        assert!(world.wire.closed.is_empty());
    }
    world.publish();
    assert_eq!(world.wire.closed, [slow]);
    assert!(said(&world, slow).starts_with("HTTP/1.1 408 "));
    for _ in 0..2 * IDLE_PUBLICATIONS_MAX {
        world.publish();
        // An open socket answers pings; only heads are waited for here.
        sends(&mut world, good, &[0x8A, 0x80, 0, 0, 0, 0]);
    }
    assert_eq!(world.wire.closed, [slow]);
    world.text(good, r#"{"id":1,"op":"ping"}"#);
    world.all_durable();
    assert_eq!(world.wire.socket(good).0.len(), 2);
}

#[test]
fn a_connection_that_asks_for_nothing_is_closed_without_a_word() {
    let mut world = a_world();
    let silent = world.hub.open([7; 16]);
    for _ in 1..IDLE_PUBLICATIONS_MAX {
        world.publish();
    }
    assert!(world.wire.closed.is_empty());
    world.publish();
    assert_eq!((world.wire.closed.as_slice(), said(&world, silent).as_str()), (&[silent][..], ""));
}

#[test]
fn a_seq_that_the_log_has_not_reached_is_no_place_to_go_on_from() {
    let mut world = a_world();
    let socket = world.a_socket();
    world.all_durable();
    let seq = world.table.seq;
    for (from_seq, refused) in [(seq, false), (seq + 1, true)] {
        world.text(
            socket,
            &format!(
                r#"{{"id":1,"op":"subscribe","params":{{"channel":"trades","symbols":["BTC-USD"],"from_seq":{from_seq}}}}}"#
            ),
        );
        world.all_durable();
        let texts = world.wire.socket(socket).0;
        let last = texts.last().expect("an answer");
        assert_eq!(last.contains("NUMBER_OUT_OF_RANGE"), refused, "{last}");
    }
    let texts = world.wire.socket(socket).0;
    assert!(texts[2].contains(&format!(r#""value":"{}","limit":"{seq}""#, seq + 1)), "{texts:?}");
    assert_eq!(number(&texts[1], "seq"), seq);
}

#[test]
fn who_logs_on_and_who_cannot_is_noted_once() {
    let mut world = a_world();
    let stranger = world.a_socket();
    let signature = "00".repeat(64);
    let params = format!(r#"{{"key_id":"k","signature":"{signature}"}}"#);
    world.text(stranger, &format!(r#"{{"op":"session.logon","params":{params}}}"#));
    let (noted, lost) = world.hub.take_audit();
    let said: Vec<_> =
        noted.iter().map(|one| (one.what, one.key_id.as_str(), one.outcome)).collect();
    // Nobody has that name, so it is not written down: it may be a password.
    assert_eq!((said, lost), (vec![("logon", "", "LOGON_FAILED")], 0));
    assert!(world.hub.take_audit().0.is_empty(), "each is told once");
}
