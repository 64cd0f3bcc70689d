//! Request heads, good and bad, and whose request each is.

use coulisse_gateway::call::Signed;
use coulisse_gateway::deflate::Offer;
use coulisse_gateway::http::{
    Body, Head, HeadReader, HeadStep, HttpFault, Method, ReadStep, Route, Version, error_response,
    parse_head,
};
use coulisse_gateway::limits::{HEAD_BYTES_MAX, HEADERS_COUNT_MAX};
use coulisse_wire::native::Op;
use coulisse_wire::native::spec::Found;

const UPGRADE: &str = "GET /v1/ws?x=1&y=2 HTTP/1.1\r\nHost: venue.example:8080\r\n\
    Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nOrigin: https://venue.example\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

fn head_of(bytes: &str) -> Head<'_> {
    match parse_head(bytes.as_bytes()) {
        HeadStep::Head(head) => head,
        HeadStep::NeedMore => panic!("not whole: {bytes:?}"),
        HeadStep::Fault(fault) => panic!("{fault}: {bytes:?}"),
    }
}

#[test]
fn an_upgrade_says_all_that_the_handshake_asks_about() {
    let expected = Head {
        method: Method::Get,
        path: "/v1/ws",
        query: "x=1&y=2",
        version: Version::Http11,
        host: Some("venue.example:8080"),
        origin: Some("https://venue.example"),
        forwarded_for: None,
        body: Body::None,
        upgrade_websocket: true,
        connection_upgrade: true,
        connection_close: false,
        websocket_key: Some("dGhlIHNhbXBsZSBub25jZQ=="),
        websocket_version: Some("13"),
        websocket_protocol: Some("a, b"),
        deflate: Offer::None.and(b"permessage-deflate"),
        signed: Signed::default(),
        authorization: None,
        head_bytes: UPGRADE.len(),
    };
    assert_eq!(head_of(UPGRADE), expected);
    assert_eq!(head_of(UPGRADE).route(), Route::WebSocket);
}

#[test]
fn every_split_of_a_head_gives_the_same_head_and_the_same_bytes() {
    let bytes = [UPGRADE.as_bytes(), b"\x81\x80first frame"].concat();
    for at in 0..UPGRADE.len() {
        let (left, right) = bytes.split_at(at);
        let mut reader = HeadReader::new();
        assert_eq!(reader.feed(left), ReadStep::NeedMore, "split at {at}");
        let ReadStep::Arrived(arrived) = reader.feed(right) else { panic!("split at {at}") };
        assert_eq!(arrived.head, head_of(UPGRADE));
        assert_eq!(arrived.bytes, bytes, "handed on untouched");
        assert_eq!(arrived.rest(), b"\x81\x80first frame");
    }
}

#[test]
fn a_head_byte_by_byte_is_the_same_head_and_reset_frees_the_reader() {
    let mut reader = HeadReader::new();
    let (first, last) = UPGRADE.as_bytes().split_at(UPGRADE.len() - 1);
    for byte in first {
        assert_eq!(reader.feed(&[*byte]), ReadStep::NeedMore);
    }
    assert_eq!(reader.kept_bytes(), UPGRADE.len() - 1);
    let ReadStep::Arrived(arrived) = reader.feed(last) else { panic!("whole now") };
    assert_eq!(arrived.head, head_of(UPGRADE));
    reader.reset();
    assert_eq!(reader.kept_bytes(), 0);
    assert!(matches!(reader.feed(UPGRADE.as_bytes()), ReadStep::Arrived(_)));
}

fn private(op: Op, named: Option<(&'static str, &'static str)>) -> Route<'static> {
    Route::Private(Found { op, named })
}

#[test]
fn the_headers_of_a_signed_request_are_taken_whatever_their_case_and_none_that_stands_twice() {
    let head = head_of(
        "GET /v1/balances HTTP/1.1\r\nHost: a\r\ncoulisse-KEY: alice\r\nCoulisse-Nonce: 1\r\n\
         Coulisse-Nonce: 2\r\nCoulisse-Timestamp: 3\r\nCoulisse-Other: 4\r\n\r\n",
    );
    let expected =
        Signed { key: Some("alice"), timestamp: Some("3"), nonce: Some(""), ..Signed::default() };
    assert_eq!(head.signed, expected);
}

#[test]
fn whose_request_it_is() {
    let id = Some(("order_id", "88123"));
    for (request_line, more, route) in [
        ("GET /healthz", "", Route::Other),
        ("GET /v1/orders", "", private(Op::OrdersOpen, None)),
        ("POST /v1/orders", "Content-Length: 2\r\n", private(Op::Place, None)),
        ("POST /v1/orders?test=1", "", private(Op::Place, None)),
        ("POST /v1/orders/", "", Route::Other),
        ("POST /v1/orders", "Transfer-Encoding: chunked\r\n", private(Op::Place, None)),
        ("PATCH /v1/orders/88123", "", private(Op::Amend, id)),
        ("DELETE /v1/orders/88123", "", private(Op::Cancel, id)),
        ("DELETE /v1/orders", "", private(Op::CancelAll, None)),
        ("DELETE /v1/orders/1/2", "", Route::Other),
        ("DELETE /v1/orders_old", "", Route::Other),
        ("PUT /v1/orders/88123", "", Route::Other),
        ("OPTIONS *", "", Route::Other),
        ("GET http://venue.example/v1/ws", "", Route::Other),
        ("GET /v1/ws", "Upgrade: h2c\r\nConnection: Upgrade\r\n", Route::Other),
        ("GET /anything", "Upgrade: h2c, websocket\r\n", Route::WebSocket),
        ("POST /v1/orders", "Upgrade: websocket\r\n", Route::WebSocket),
    ] {
        let bytes = format!("{request_line} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
        assert_eq!(head_of(&bytes).route(), route, "{bytes:?}");
    }
}

#[test]
fn bodies_and_the_end_of_connections_are_told() {
    for (version, more, body, connection_close) in [
        ("1.1", "", Body::None, false),
        ("1.1", "Content-Length: 0\r\n", Body::Length(0), false),
        ("1.1", "content-length:  512 \r\n", Body::Length(512), false),
        ("1.1", "Transfer-Encoding: Chunked\r\n", Body::Chunked, false),
        ("1.1", "Connection: Close\r\n", Body::None, true),
        ("1.0", "", Body::None, true),
        ("1.0", "Connection: keep-alive\r\n", Body::None, false),
        ("1.0", "Connection: keep-alive\r\nConnection: close\r\n", Body::None, true),
    ] {
        let bytes = format!("GET / HTTP/{version}\r\nHost: a\r\n{more}\r\n");
        let head = head_of(&bytes);
        assert_eq!((head.body, head.connection_close), (body, connection_close), "{bytes:?}");
    }
}

#[test]
fn only_http_1_0_may_come_without_a_host() {
    assert_eq!(head_of("GET / HTTP/1.0\r\n\r\n").host, None);
    assert_eq!(parse_head(b"GET / HTTP/1.1\r\n\r\n"), HeadStep::Fault(HttpFault::HostMissing));
}

#[test]
fn two_origins_are_no_origin_that_a_list_could_allow() {
    let bytes = "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nOrigin: https://b\r\n\r\n";
    assert_eq!(head_of(bytes).origin, Some(""));
}

#[test]
fn bad_heads_are_refused_each_with_its_reason() {
    use HttpFault as F;
    let with = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
    for (bytes, fault) in [
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), F::NotHttp),
        ("\u{16}\u{3}\u{1}".to_owned(), F::NotHttp),
        ("GETGETGETGETGETGETGETGET".to_owned(), F::NotHttp),
        ("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), F::NotHttp),
        ("GET / HTTP/1.1\nHost: a\n\n".to_owned(), F::LineEnding),
        (with("A: b\nC: d"), F::LineEnding),
        (with("A: b\rC: d"), F::LineEnding),
        (with("A: b\0"), F::LineEnding),
        (" / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), F::RequestLine),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), F::RequestLine),
        ("GET /\r\nHost: a\r\n\r\n".to_owned(), F::RequestLine),
        ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), F::RequestLine),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), F::VersionUnsupported),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), F::VersionUnsupported),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(), F::LineEnding),
        (with("A: b\r\n folded"), F::HeaderLine),
        (with("A : b"), F::HeaderLine),
        (with("no colon"), F::HeaderLine),
        (with(": no name"), F::HeaderLine),
        (with("A: \u{7f}"), F::HeaderLine),
        (with("Host: b"), F::HostRepeated),
        (with("HOST: a"), F::HostRepeated),
        ("GET / HTTP/1.1\r\nHost: \r\n\r\n".to_owned(), F::HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned(), F::HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n".to_owned(), F::HostInvalid),
        (with("Content-Length: 5\r\nContent-Length: 5"), F::ContentLengthRepeated),
        (with("Content-Length: 5, 5"), F::ContentLengthInvalid),
        (with("Content-Length: +5"), F::ContentLengthInvalid),
        (with("Content-Length: -5"), F::ContentLengthInvalid),
        (with("Content-Length: 0x5"), F::ContentLengthInvalid),
        (with("Content-Length: 5 5"), F::ContentLengthInvalid),
        (with("Content-Length: "), F::ContentLengthInvalid),
        (with("Content-Length: 18446744073709551616"), F::ContentLengthInvalid),
        (with("Content-Length: 5\r\nTransfer-Encoding: chunked"), F::LengthAmbiguous),
        (with("Transfer-Encoding: chunked\r\nContent-Length: 5"), F::LengthAmbiguous),
        (with("Transfer-Encoding: gzip, chunked"), F::TransferEncodingUnsupported),
        (with("Transfer-Encoding: xchunked"), F::TransferEncodingUnsupported),
        (with("Transfer-Encoding: identity"), F::TransferEncodingUnsupported),
        (
            with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            F::TransferEncodingUnsupported,
        ),
        (
            "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            F::TransferEncodingUnsupported,
        ),
        (with("Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a"), F::HandshakeHeaderRepeated),
        (with("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8"), F::HandshakeHeaderRepeated),
    ] {
        assert_eq!(parse_head(bytes.as_bytes()), HeadStep::Fault(fault), "{bytes:?}");
        let response = String::from_utf8(fault.response()).expect("responses are text");
        assert!(response.starts_with(&format!("HTTP/1.1 {} ", fault.status())));
    }
}

#[test]
fn heads_at_the_limits_pass_and_one_past_them_do_not() {
    let of_bytes = |bytes: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(bytes - frame))
    };
    assert_eq!(head_of(&of_bytes(HEAD_BYTES_MAX)).head_bytes, HEAD_BYTES_MAX);
    assert_eq!(
        parse_head(of_bytes(HEAD_BYTES_MAX + 1).as_bytes()),
        HeadStep::Fault(HttpFault::HeadTooLarge)
    );

    let of_headers =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(head_of(&of_headers(HEADERS_COUNT_MAX)).host, Some("a"));
    assert_eq!(
        parse_head(of_headers(HEADERS_COUNT_MAX + 1).as_bytes()),
        HeadStep::Fault(HttpFault::TooManyHeaders)
    );
}

#[test]
fn a_head_without_end_is_refused_at_the_limit() {
    let mut reader = HeadReader::new();
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(2 * HEAD_BYTES_MAX));
    let mut fed_bytes = 0;
    for piece in endless.as_bytes().chunks(1_000) {
        fed_bytes += piece.len();
        match reader.feed(piece) {
            ReadStep::NeedMore => assert!(fed_bytes < HEAD_BYTES_MAX),
            ReadStep::Arrived(_) => panic!("there is no end"),
            ReadStep::Fault(fault) => {
                assert_eq!(fault, HttpFault::HeadTooLarge);
                assert_eq!(fault.status(), 431);
                return;
            }
        }
    }
    panic!("never refused");
}

#[test]
fn an_error_response_is_whole_and_escaped() {
    let response = error_response(503, "OVERLOADED", "say \"when\"\n\\", "Retry-After: 1\r\n");
    let expected_body = concat!(
        r#"{"ok":false,"error":{"code":"OVERLOADED","#,
        r#""message":"say \"when\"\u000a\\","state":"not_sent"}}"#
    );
    assert_eq!(
        String::from_utf8(response).expect("text"),
        format!(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{expected_body}",
            expected_body.len()
        )
    );
}
