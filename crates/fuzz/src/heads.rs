//! HTTP request heads: whole or in pieces they are judged alike, and memory is bounded.

use coulisse_gateway::http::{Head, HeadReader, HeadStep, HttpFault, ReadStep, parse_head};
use coulisse_gateway::limits::HEAD_BYTES_MAX;

use crate::bend::cuts;

/// What became of a head, as text, so that readings can be compared.
fn verdict(step: Result<Option<Head<'_>>, HttpFault>) -> String {
    format!("{step:?}")
}

fn in_pieces<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut reader = HeadReader::new();
    let mut longest = 0;
    for read in reads {
        longest = longest.max(read.len());
        match reader.feed(read) {
            ReadStep::NeedMore => {}
            ReadStep::Arrived(arrived) => {
                assert!(arrived.bytes.len() >= arrived.head.head_bytes, "the head is there");
                return verdict(Ok(Some(arrived.head)));
            }
            ReadStep::Fault(fault) => {
                let response = fault.response();
                assert!(response.starts_with(b"HTTP/1.1 4") || response.starts_with(b"HTTP/1.1 5"));
                return verdict(Err(fault));
            }
        }
        assert!(reader.kept_bytes() <= HEAD_BYTES_MAX + longest, "bounded");
    }
    verdict(Ok(None))
}

pub(crate) fn run(bytes: &[u8]) {
    let whole = match parse_head(bytes) {
        HeadStep::NeedMore => verdict(Ok(None)),
        HeadStep::Head(head) => {
            assert!(head.head_bytes <= bytes.len() && head.head_bytes <= HEAD_BYTES_MAX);
            verdict(Ok(Some(head)))
        }
        HeadStep::Fault(fault) => verdict(Err(fault)),
    };
    assert_eq!(in_pieces([bytes]), whole, "at once");
    for at in cuts(bytes) {
        let (left, right) = bytes.split_at(at);
        assert_eq!(in_pieces([left, right]), whole, "cut at {at}");
    }
    assert_eq!(in_pieces(bytes.chunks(1)), whole, "byte by byte");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let heads: [&[u8]; 6] = [
        b"GET /v1/ws HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\n\
          Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Version: 13\r\nOrigin: https://desk.example\r\n\r\n",
        b"POST /v1/orders?account=alice HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nCoulisse-Key: k\r\n\
          Coulisse-Timestamp: 1\r\nCoulisse-Nonce: 2\r\nCoulisse-Window: 3\r\nCoulisse-Signature: 00ff\r\n\r\n{}",
        b"DELETE /v1/orders/7 HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n\r\n",
        b"GET /v1/ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: x; y=\"1\", permessage-deflate; \
          client_max_window_bits; server_max_window_bits=10\r\nSec-WebSocket-Extensions: \
          permessage-deflate;server_no_context_takeover\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n\r\n",
    ];
    heads.map(<[u8]>::to_vec).to_vec()
}
