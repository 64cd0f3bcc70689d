//! The opening handshake.

use coulisse_gateway::deflate::Offer;
use coulisse_gateway::http::{HeadStep, parse_head};
use coulisse_gateway::upgrade::{UpgradeFault, accept};

fn answer(request: &str) -> Result<String, UpgradeFault> {
    let HeadStep::Head(head) = parse_head(request.as_bytes()) else { panic!("{request:?}") };
    accept(&head, None, Offer::None).map(|bytes| String::from_utf8(bytes).expect("ASCII"))
}

/// The sample request with one line (or none) replaced.
fn request(replaced: &str, by: &str) -> String {
    let sound = "GET /v1/ws HTTP/1.1\r\nHost: venue.example\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    assert!(sound.contains(replaced));
    sound.replacen(replaced, by, 1)
}

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn a_sound_upgrade_gets_the_101_of_the_rfc() {
    assert_eq!(answer(&request("", "")), Ok(ACCEPTED.to_owned()));
}

#[test]
fn extensions_are_declined_by_silence() {
    let extended = request(
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
    );
    assert_eq!(answer(&extended), Ok(ACCEPTED.to_owned()));
}

#[test]
fn a_picked_subprotocol_is_named() {
    let sound = request("", "");
    let HeadStep::Head(head) = parse_head(sound.as_bytes()) else { panic!("sound") };
    let response = accept(&head, Some("coulisse"), Offer::None).expect("sound");
    let response = String::from_utf8(response).expect("ASCII");
    assert!(response.ends_with("\r\nSec-WebSocket-Protocol: coulisse\r\n\r\n"));
}

#[test]
fn each_broken_rule_has_its_answer() {
    use UpgradeFault as F;
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let key_line = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version_line = "Sec-WebSocket-Version: 13\r\n";
    for (replaced, by, fault, status) in [
        ("GET", "POST", F::MethodNotGet, 405),
        ("HTTP/1.1", "HTTP/1.0", F::VersionTooOld, 400),
        ("Upgrade: websocket\r\n", "", F::NotAnUpgrade, 426),
        ("Connection: Upgrade\r\n", "", F::NotAnUpgrade, 426),
        ("Connection: Upgrade\r\n", "Connection: keep-alive\r\n", F::NotAnUpgrade, 426),
        ("Host:", "Content-Length: 1\r\nHost:", F::BodyPresent, 400),
        ("Host:", "Transfer-Encoding: chunked\r\nHost:", F::BodyPresent, 400),
        (version_line, "", F::WebSocketVersionUnsupported, 426),
        ("Version: 13", "Version: 8", F::WebSocketVersionUnsupported, 426),
        ("Version: 13", "Version: 013", F::WebSocketVersionUnsupported, 426),
        (key_line, "", F::KeyInvalid, 400),
        (key, "", F::KeyInvalid, 400),
        (key, "dGhlIHNhbXBsZSBub25jZQ=", F::KeyInvalid, 400),
        (key, "dGhlIHNhbXBsZSBub25jZQAA", F::KeyInvalid, 400),
        (key, "dGhlIHNhbXBsZSBub25j!Q==", F::KeyInvalid, 400),
        (key, "dGhlIHNhbXBsZSBub25jZSBvbg==", F::KeyInvalid, 400),
    ] {
        assert_eq!(answer(&request(replaced, by)), Err(fault), "{replaced:?} by {by:?}");
        let response = String::from_utf8(fault.response()).expect("text");
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
        assert_eq!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"), status == 426);
        assert_eq!(response.contains("\r\nAllow: GET\r\n"), status == 405);
        assert!(response.contains(&format!("\"code\":\"{}\"", fault.code())), "{response}");
    }
}
