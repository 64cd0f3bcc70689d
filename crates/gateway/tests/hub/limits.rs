//! Who is ended for silence, and what one address may ask for: at the limit, and one past it.

use crate::world::{NOW_US, World, a_world};
use coulisse_gateway::address::Network;
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::limits::{
    BODY_BYTES_MAX, LOGONS_BURST, PATROL_PUBLICATIONS, PING_PUBLICATIONS, PONG_PUBLICATIONS,
    PUBLICATIONS_PER_S,
};
use coulisse_gateway::quota::{Rate, Rates};
use coulisse_gateway::rules::Rules;
use std::net::IpAddr;

const PING_FRAME: &[u8] = &[0x89, 0];
/// A pong of a client without payload.
const PONG: &[u8] = &[0x8A, 0x80, 0, 0, 0, 0];

fn pings(world: &World, id: ConnId) -> usize {
    world.wire.sent.iter().filter(|(to, bytes)| *to == id && bytes == PING_FRAME).count()
}

fn publish(world: &mut World, times: u32) {
    for _ in 0..times {
        world.publish();
    }
}

fn sends(world: &mut World, id: ConnId, bytes: &[u8], now_us: i64) {
    world.hub.receive(id, &mut bytes.to_vec(), now_us, &world.table);
}

fn said(world: &World, id: ConnId) -> String {
    let sent = world.wire.sent.iter().filter(|(to, _)| *to == id);
    sent.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
}

#[test]
fn a_peer_that_answers_pings_stays_and_one_that_does_not_is_ended() {
    let mut world = a_world();
    let (alive, gone) = (world.a_socket(), world.a_socket());
    publish(&mut world, PING_PUBLICATIONS - 1);
    assert_eq!((pings(&world, alive), pings(&world, gone)), (0, 0));
    let patrol = u32::try_from(PATROL_PUBLICATIONS).expect("small");
    publish(&mut world, patrol);
    assert_eq!((pings(&world, alive), pings(&world, gone)), (1, 1));
    sends(&mut world, alive, PONG, NOW_US);
    publish(&mut world, PONG_PUBLICATIONS - patrol);
    assert!(world.wire.closed.is_empty(), "there is time left");
    publish(&mut world, patrol);
    assert_eq!(world.wire.closed, [gone]);
    assert_eq!(world.wire.socket(gone).1, Some(1008));
    assert_eq!(world.hub.counters().silent_closed, 1);
    publish(&mut world, PING_PUBLICATIONS);
    assert_eq!(pings(&world, alive), 2, "it is asked again");
}

#[test]
fn a_stranger_who_asks_for_nothing_is_ended_and_one_who_listens_is_not() {
    let mut world = a_world();
    world.hub.set_rules(Rules { logon_s: 3, ..Rules::default() });
    let (stranger, listener) = (world.a_socket(), world.a_socket());
    world.text(
        listener,
        r#"{"id":1,"op":"subscribe","params":{"channel":"trades","symbols":["BTC-USD"]}}"#,
    );
    publish(&mut world, 3 * PUBLICATIONS_PER_S - 1);
    world.text(stranger, r#"{"id":1,"op":"ping"}"#);
    assert!(world.wire.closed.is_empty(), "a ping names nobody, but there is time left");
    publish(&mut world, PUBLICATIONS_PER_S);
    assert_eq!(world.wire.closed, [stranger]);
    assert_eq!(world.wire.socket(stranger).1, Some(1008));
    assert_eq!(world.hub.counters().strangers_closed, 1);
    world.hub.set_rules(Rules::default());
    let second = world.a_socket();
    publish(&mut world, PING_PUBLICATIONS - 1);
    assert_eq!(world.wire.closed, [stranger], "without a limit nobody is a stranger");
    assert!(world.wire.socket(second).1.is_none());
}

fn limited(world: &mut World, per_s: u32, burst: u32, proxies: &[&str]) {
    let rates = Rates { address: Rate { per_s, burst }, ..Rates::default() };
    let proxies = proxies.iter().map(|text| Network::parse(text).expect("a network")).collect();
    world.hub.set_rules(Rules { rates, proxies, ..Rules::default() });
}

fn asks(world: &mut World, from: &str, lines: &str, now_us: i64) -> (String, bool) {
    let id = world.hub.open([7; 16]);
    world.hub.set_address(id, from.parse::<IpAddr>().expect("an address"));
    let head = format!("GET /v1/instruments HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
    let received = world.hub.receive(id, &mut head.into_bytes(), now_us, &world.table);
    world.all_durable();
    (said(world, id), received.hand_over.is_some())
}

#[test]
fn an_address_that_asks_too_much_over_http_is_answered_429_with_when_to_come_again() {
    let mut world = a_world();
    limited(&mut world, 1, 2, &[]);
    for _ in 0..2 {
        assert_eq!(asks(&mut world, "8.8.8.8", "", NOW_US), (String::new(), true));
    }
    let (answer, handed) = asks(&mut world, "8.8.8.8", "", NOW_US);
    assert!(!handed && answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 2\r\n"), "{answer}");
    assert!(answer.contains(r#""code":"RATE_LIMITED""#), "{answer}");
    assert!(asks(&mut world, "8.8.4.4", "", NOW_US).1, "another address");
    assert!(asks(&mut world, "8.8.8.8", "", NOW_US + 2_000_000).1, "later");
    assert_eq!(world.hub.counters().limited, 1);
}

#[test]
fn what_a_trusted_proxy_forwards_counts_for_whom_it_names_and_nobody_else_is_believed() {
    let mut world = a_world();
    limited(&mut world, 1, 1, &["10.0.0.0/8"]);
    assert!(asks(&mut world, "10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\n", NOW_US).1);
    assert!(asks(&mut world, "10.0.0.1", "X-Forwarded-For: 2.2.2.2\r\n", NOW_US).1);
    assert!(!asks(&mut world, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\n", NOW_US).1);
    assert!(asks(&mut world, "8.8.8.8", "X-Forwarded-For: 3.3.3.3\r\n", NOW_US).1);
    assert!(!asks(&mut world, "8.8.8.8", "X-Forwarded-For: 4.4.4.4\r\n", NOW_US).1);
}

#[test]
fn a_session_beyond_its_rate_is_refused_with_the_limit_and_the_time() {
    let mut world = a_world();
    let socket = world.a_socket();
    world.hub.set_address(socket, "8.8.8.8".parse().expect("an address"));
    limited(&mut world, 10, 2, &[]);
    for id in 0..3 {
        world.text(socket, &format!(r#"{{"id":{id},"op":"ping"}}"#));
    }
    world.text(socket, "no JSON");
    world.all_durable();
    let texts = world.wire.socket(socket).0;
    assert!(texts[1].contains(r#""id":0,"ok":true"#) && texts[2].contains(r#""id":1,"ok":true"#));
    let (refused, times) = texts[3].split_once(r#","t_in":"#).expect("its times");
    assert_eq!(
        refused,
        r#"{"id":2,"ok":false,"error":{"code":"RATE_LIMITED","message":"RATE_LIMITED: address: limit 10 a second; try again in 101 ms","field":"address","limit":"10","retry_after_ms":101,"state":"not_sent""#
    );
    let (t_in, t_out) = times.split_once(r#","t_out":"#).expect("it was not in the log");
    assert_eq!(t_in, NOW_US.to_string());
    assert!(t_out.trim_end_matches('}').parse::<i64>().is_ok_and(|us| us > 0), "{t_out}");
    assert!(texts[4].contains("RATE_LIMITED"), "what means nothing counts too: {}", texts[4]);
}

#[test]
fn a_storm_of_logons_is_refused_before_any_of_it_is_checked() {
    let mut world = a_world();
    let socket = world.a_socket();
    let logon = format!(
        r#"{{"id":1,"op":"session.logon","params":{{"key_id":"k","signature":"{}"}}}}"#,
        "00".repeat(64)
    );
    for _ in 0..=LOGONS_BURST {
        world.text(socket, &logon);
        world.all_durable();
    }
    let texts = world.wire.socket(socket).0;
    let failed = texts.iter().filter(|text| text.contains("LOGON_FAILED")).count();
    assert_eq!(failed, usize::try_from(LOGONS_BURST).expect("small"));
    let last = texts.last().expect("an answer");
    assert!(last.contains("RATE_LIMITED") && last.contains(r#""field":"logons""#), "{last}");
}

#[test]
fn a_body_at_the_limit_is_handed_on_and_one_byte_more_is_413() {
    for (bytes, handed) in [(BODY_BYTES_MAX, true), (BODY_BYTES_MAX + 1, false)] {
        let mut world = a_world();
        let id = world.hub.open([7; 16]);
        let head = format!(
            "POST /v1/anything HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n"
        );
        let received = world.hub.receive(id, &mut head.into_bytes(), NOW_US, &world.table);
        world.all_durable();
        assert_eq!(received.hand_over.is_some(), handed, "{bytes}");
        assert_eq!(said(&world, id).starts_with("HTTP/1.1 413 "), !handed, "{bytes}");
    }
}

#[test]
fn each_request_on_a_proxys_connection_counts_for_whom_it_names() {
    let mut world = a_world();
    limited(&mut world, 1, 1, &["10.0.0.0/8"]);
    let proxy = world.hub.open([7; 16]);
    world.hub.set_address(proxy, "10.0.0.1".parse().expect("an address"));
    for (client, status) in [("1.1.1.1", " 401 "), ("2.2.2.2", " 401 "), ("1.1.1.1", " 429 ")] {
        let head = format!(
            "GET /v1/balances HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n"
        );
        let before = said(&world, proxy).len();
        sends(&mut world, proxy, head.as_bytes(), NOW_US);
        world.all_durable();
        let answer = said(&world, proxy).split_off(before);
        assert!(answer.contains(status), "{client}: {answer}");
    }
}
