//! Any bytes at all: no panic, and the same words whatever the cuts.

use crate::seeded::Seeded;
use crate::seen::{Seen, read_at_once, read_in_pieces};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};
use coulisse_gateway::http::{HeadReader, HeadStep, ReadStep, parse_head};
use coulisse_gateway::limits::{HEAD_BYTES_MAX, MESSAGE_BYTES_MAX};

const FRAME_INPUTS: usize = 200_000;
const HEAD_INPUTS: usize = 50_000;

/// Frames of every kind, mostly sound, with some bits flipped, bytes dropped or noise added.
pub(crate) fn a_bad_stream(seeded: &mut Seeded) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..seeded.below(5) {
        let opcode = seeded.pick(&[
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ]);
        let size = seeded.pick(&[0, 1, 2, 3, 60, 125, 126, 200]);
        let payload = if opcode == Opcode::Text && seeded.below(4) > 0 {
            seeded.text(size).into_bytes()
        } else {
            seeded.bytes(size)
        };
        let mask = (seeded.below(16) > 0).then(|| seeded.key());
        let fin = seeded.below(4) > 0;
        write_frame(&mut stream, FrameHead { fin, opcode, mask }, &payload);
    }
    for _ in 0..seeded.below(3) {
        let at = seeded.below(stream.len().max(1));
        match seeded.below(3) {
            0 => stream.truncate(at),
            1 => stream.insert(at.min(stream.len()), seeded.byte()),
            _ => {
                if let Some(byte) = stream.get_mut(at) {
                    *byte ^= 1 << seeded.below(8);
                }
            }
        }
    }
    stream
}

#[test]
fn two_hundred_thousand_bad_streams_panic_nowhere_and_obey_the_split_law() {
    let mut seeded = Seeded::new(0x00C0_0715);
    let (mut messages, mut faults) = (0, 0);
    for _ in 0..FRAME_INPUTS {
        let stream = a_bad_stream(&mut seeded);
        let role = if seeded.below(8) > 0 { Role::Server } else { Role::Client };
        let whole = read_at_once(role, &stream);
        let (left, right) = stream.split_at(seeded.below(stream.len() + 1));
        assert_eq!(read_in_pieces(role, [left, right]), whole, "stream {stream:02x?}");
        for seen in &whole {
            match seen {
                Seen::Fault(_) => faults += 1,
                Seen::Text(_)
                | Seen::Binary(_)
                | Seen::Ping(_)
                | Seen::Pong(_)
                | Seen::Close(..) => messages += 1,
            }
        }
        assert!(whole.iter().filter(|seen| matches!(seen, Seen::Fault(_))).count() <= 1);
    }
    assert!(messages > FRAME_INPUTS / 4, "the generator must reach messages: {messages}");
    assert!(faults > FRAME_INPUTS / 4, "the generator must reach faults: {faults}");
}

#[test]
fn noise_panics_nowhere_and_stays_within_the_limits() {
    let mut seeded = Seeded::new(4);
    for _ in 0..20_000 {
        let size = seeded.below(200);
        let noise = seeded.bytes(size);
        for seen in read_at_once(Role::Server, &noise) {
            if let Seen::Text(text) = seen {
                assert!(text.len() <= MESSAGE_BYTES_MAX);
            }
        }
        assert!(!matches!(parse_head(&noise), HeadStep::Head(_)), "noise is no head: {noise:02x?}");
    }
}

/// A head out of pieces that are each right, wrong or doubtful; a wrong one in twelve.
fn a_doubtful_head(seeded: &mut Seeded) -> Vec<u8> {
    let mut head = Vec::new();
    let mut add = |sound: &[&[u8]], wrong: &[&[u8]]| {
        let choices = if seeded.below(12) > 0 { sound } else { wrong };
        head.extend(seeded.pick(choices));
    };
    add(&[b"GET", b"POST", b"DELETE"], &[b"G\0T", b"", b"get"]);
    add(&[b" "], &[b"\t", b"  "]);
    add(&[b"/v1/ws?a=b", b"*", b"/", b"/v1/orders/7"], &[b"/\xc3\xa9", b""]);
    add(&[b" HTTP/1.1\r\nHost: a", b" HTTP/1.0"], &[b" HTTP/2.0", b" HTTP/1.1", b""]);
    for _ in 0..4 {
        add(&[b"\r\n"], &[b"\n", b"\r"]);
        add(
            &[
                b"Upgrade: websocket",
                b"Connection: keep-alive, Upgrade",
                b"Content-Length: 5",
                b"Origin: https://a",
                b"Cookie: \xc3\xa9",
            ],
            &[b"Transfer-Encoding: chunked", b"Host: b", b" folded", b"Bad Name: x", b"X: \0"],
        );
    }
    add(&[b"\r\n\r\n", b"\r\n\r\nrest"], &[b"\r\n", b"\n\n"]);
    if seeded.below(3) == 0 {
        let at = seeded.below(head.len());
        head[at] = seeded.byte();
    }
    head
}

#[test]
fn doubtful_heads_panic_nowhere_and_obey_the_split_law() {
    let mut seeded = Seeded::new(5);
    let (mut heads, mut faults) = (0, 0);
    for _ in 0..HEAD_INPUTS {
        let bytes = a_doubtful_head(&mut seeded);
        let whole = parse_head(&bytes);
        let (left, right) = bytes.split_at(seeded.below(bytes.len() + 1));
        let mut reader = HeadReader::new();
        let mut last = match reader.feed(left) {
            ReadStep::NeedMore => None,
            step @ (ReadStep::Arrived(_) | ReadStep::Fault(_)) => Some(format!("{step:?}")),
        };
        if last.is_none() {
            last = Some(format!("{:?}", reader.feed(right)));
        }
        let last = last.expect("set above");
        match whole {
            HeadStep::NeedMore => assert_eq!(last, "NeedMore", "{bytes:02x?}"),
            HeadStep::Fault(fault) => {
                faults += 1;
                assert_eq!(last, format!("Fault({fault:?})"), "{bytes:02x?}");
            }
            HeadStep::Head(head) => {
                heads += 1;
                assert!(head.head_bytes <= bytes.len().min(HEAD_BYTES_MAX));
                assert!(last.contains(&format!("head: {head:?}")), "{bytes:02x?}: {last}");
            }
        }
    }
    assert!(heads > HEAD_INPUTS / 10, "the generator must reach heads: {heads}");
    assert!(faults > HEAD_INPUTS / 4, "the generator must reach faults: {faults}");
}
