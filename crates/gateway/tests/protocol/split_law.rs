//! The split law: how a stream is cut into reads changes no message.

use crate::seeded::Seeded;
use crate::seen::{Seen, read_at_once, read_in_pieces};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};

/// Every kind of frame, every form of length that fits, fragments with control frames between.
fn a_stream_of_everything(role: Role) -> Vec<u8> {
    let mut seeded = Seeded::new(1);
    let mut stream = Vec::new();
    let mut add = |fin, opcode, payload: &[u8]| {
        let mask = (role == Role::Server).then(|| seeded.key());
        write_frame(&mut stream, FrameHead { fin, opcode, mask }, payload);
    };
    add(true, Opcode::Text, "order 1: 60000,00 €".as_bytes());
    add(true, Opcode::Text, b"");
    add(false, Opcode::Text, b"a fragment that ends within \xe2");
    add(true, Opcode::Ping, b"are you there");
    add(false, Opcode::Continuation, b"\x82");
    add(true, Opcode::Pong, b"");
    add(true, Opcode::Continuation, b"\xac.");
    add(true, Opcode::Binary, &[0xFF; 125]);
    add(true, Opcode::Binary, &[0xFE; 126]);
    add(true, Opcode::Text, &[b'x'; 300]);
    add(true, Opcode::Close, b"\x03\xe9going");
    stream
}

/// What the stream above says.
fn everything() -> Vec<Seen> {
    vec![
        Seen::Text("order 1: 60000,00 €".to_owned()),
        Seen::Text(String::new()),
        Seen::Ping(b"are you there".to_vec()),
        Seen::Pong(Vec::new()),
        Seen::Text("a fragment that ends within €.".to_owned()),
        Seen::Binary(vec![0xFF; 125]),
        Seen::Binary(vec![0xFE; 126]),
        Seen::Text("x".repeat(300)),
        Seen::Close(Some(1001), "going".to_owned()),
    ]
}

#[test]
fn every_split_in_two_gives_the_same_messages() {
    for role in [Role::Server, Role::Client] {
        let stream = a_stream_of_everything(role);
        for at in 0..=stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(read_in_pieces(role, [left, right]), everything(), "{role:?} at {at}");
        }
    }
}

#[test]
fn every_split_in_three_near_the_frame_headers_gives_the_same_messages() {
    let stream = a_stream_of_everything(Role::Server);
    let window = 140.min(stream.len());
    for first in 0..window {
        for second in first..window {
            let reads = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(read_in_pieces(Role::Server, reads), everything(), "{first}, {second}");
        }
    }
}

#[test]
fn reads_of_every_fixed_size_give_the_same_messages() {
    for role in [Role::Server, Role::Client] {
        let stream = a_stream_of_everything(role);
        for size in 1..=stream.len() {
            assert_eq!(read_in_pieces(role, stream.chunks(size)), everything(), "{size} a read");
        }
    }
}

#[test]
fn a_message_of_64_kib_in_small_reads_is_the_same_message() {
    let payload = Seeded::new(2).bytes(65_536);
    let mut stream = Vec::new();
    write_frame(&mut stream, FrameHead::masked(Opcode::Binary, [1, 2, 3, 4]), &payload);
    write_frame(&mut stream, FrameHead::masked(Opcode::Ping, [5, 6, 7, 8]), b"p");
    let expected = [Seen::Binary(payload), Seen::Ping(b"p".to_vec())];
    for size in [1, 13, 1_000, 16_384, 65_535, 65_550, 65_551] {
        assert_eq!(read_in_pieces(Role::Server, stream.chunks(size)), expected, "{size} a read");
    }
}

#[test]
fn a_fault_is_the_same_wherever_the_stream_is_cut() {
    let mut sound = Vec::new();
    write_frame(&mut sound, FrameHead::masked(Opcode::Text, [1, 2, 3, 4]), b"sound");
    for broken in [
        &[0x91_u8, 0x80, 0, 0, 0, 0][..],
        &[0x81, 0xFE, 0, 5, 0, 0, 0, 0],
        &[0x81, 0xFF, 0, 0, 0, 0, 0, 2, 0, 0],
        &[0x81, 0x81, 0, 0, 0, 0, 0xFF],
        &[0x80, 0x80, 0, 0, 0, 0],
        &[0x88, 0x82, 0, 0, 0, 0, 0, 0],
    ] {
        let stream = [&sound, broken].concat();
        let expected = read_at_once(Role::Server, &stream);
        assert!(matches!(expected.as_slice(), [Seen::Text(_), Seen::Fault(_)]));
        for at in 0..=stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(read_in_pieces(Role::Server, [left, right]), expected, "at {at}");
        }
    }
}
