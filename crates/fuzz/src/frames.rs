//! RFC 6455 frames: how a stream is cut changes no message, memory is bounded, and what was read is read
//! again from what the writer makes of it.
//!
//! Input: one byte (bit 0: we are the client), then the stream. A target of its own reads it where compressed
//! messages were agreed.

use coulisse_gateway::frame::{
    CloseCode, Fed, Flow, FrameFault, FrameHead, FrameReader, Message, Opcode, Role, write_frame,
};
use coulisse_gateway::limits::{FRAME_HEADER_BYTES_MAX, MESSAGE_BYTES_MAX};

use crate::bend::cuts;

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Fault(FrameFault),
}

impl From<Message<'_>> for Said {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Message::Close(close) => Self::Close(close.code(), close.reason().to_owned()),
        }
    }
}

/// Which end reads, and whether compressed messages were agreed.
#[derive(Clone, Copy)]
struct Reads {
    role: Role,
    inflates: bool,
}

fn read<'a>(how: Reads, reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Said> {
    let mut reader = FrameReader::new(how.role);
    if how.inflates {
        reader.inflate();
    }
    let mut said = Vec::new();
    for read in reads {
        let mut bytes = read.to_vec();
        let fed = reader.feed(&mut bytes, &mut |message| {
            said.push(message.into());
            Flow::Continue
        });
        assert_ne!(fed, Ok(Fed::Stopped), "nobody stopped it");
        let most = 2 * (MESSAGE_BYTES_MAX + FRAME_HEADER_BYTES_MAX);
        assert!(reader.kept_bytes() <= most, "{} bytes are kept", reader.kept_bytes());
        if let Err(fault) = fed {
            said.push(Said::Fault(fault));
        }
    }
    said
}

fn written(role: Role, said: &[Said]) -> Vec<u8> {
    let mask = (role == Role::Server).then_some([7, 0, 255, 1]);
    let mut out = Vec::new();
    let mut add = |opcode, payload: &[u8]| {
        write_frame(&mut out, FrameHead { fin: true, opcode, mask }, payload);
    };
    for one in said {
        let bytes = match one {
            Said::Text(text) => text.len(),
            Said::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        assert!(bytes <= MESSAGE_BYTES_MAX, "a message of {bytes} bytes");
        match one {
            Said::Text(text) => add(Opcode::Text, text.as_bytes()),
            Said::Binary(bytes) => add(Opcode::Binary, bytes),
            Said::Ping(bytes) => add(Opcode::Ping, bytes),
            Said::Pong(bytes) => add(Opcode::Pong, bytes),
            Said::Close(code, reason) => {
                let mut payload = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
                payload.extend_from_slice(reason.as_bytes());
                add(Opcode::Close, &payload);
            }
            Said::Fault(_) => {}
        }
    }
    out
}

pub(crate) fn run(bytes: &[u8]) {
    check(bytes, false);
}

pub(crate) fn run_packed(bytes: &[u8]) {
    check(bytes, true);
}

fn check(bytes: &[u8], inflates: bool) {
    let Some((flags, stream)) = bytes.split_first() else { return };
    let role = if flags & 1 == 0 { Role::Server } else { Role::Client };
    let how = Reads { role, inflates };
    let whole = read(how, [stream]);
    for at in cuts(stream) {
        let (left, right) = stream.split_at(at);
        assert_eq!(read(how, [left, right]), whole, "cut at {at}");
    }
    assert_eq!(read(how, stream.chunks(1)), whole, "byte by byte");
    let faults = whole.iter().filter(|one| matches!(one, Said::Fault(_))).count();
    assert!(faults <= 1, "nothing is read behind a fault");
    if let Some(at) = whole.iter().position(|one| matches!(one, Said::Close(..))) {
        assert_eq!(at + 1, whole.len(), "nothing is read behind a close");
    }
    let sound = whole.get(..whole.len() - faults).unwrap_or_default();
    assert_eq!(read(how, [written(role, sound).as_slice()]), sound, "written again");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (flags, mask) in [(0, Some([1, 2, 3, 4])), (1, None)] {
        let mut stream = vec![flags];
        let mut add = |fin, opcode, payload: &[u8]| {
            write_frame(&mut stream, FrameHead { fin, opcode, mask }, payload);
        };
        add(true, Opcode::Text, "60000,00 €".as_bytes());
        add(false, Opcode::Text, b"in \xe2");
        add(true, Opcode::Ping, b"there?");
        add(false, Opcode::Continuation, b"\x82");
        add(true, Opcode::Pong, b"");
        add(true, Opcode::Continuation, b"\xac.");
        add(true, Opcode::Binary, &[0xff; 126]);
        let mut close = CloseCode::Normal.number().to_be_bytes().to_vec();
        close.extend_from_slice(b"bye");
        add(true, Opcode::Close, &close);
        all.push(stream);
    }
    all
}

/// A frame as it stands in a stream, with its first byte.
fn raw(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = masked.then_some([1, 2, 3, 4]);
    let mut out = Vec::new();
    write_frame(&mut out, FrameHead { fin: true, opcode: Opcode::Text, mask }, payload);
    if let Some(place) = out.first_mut() {
        *place = first;
    }
    out
}

/// Compressed messages: those of RFC 7692 section 7.2.3, one that grows, one with codes of its own.
pub(crate) fn packed_seeds() -> Vec<Vec<u8>> {
    const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    /// 5,000 of them, with codes of their own.
    const ZEROS: [u8; 22] = [
        0xec, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 0x0a, 0x3f, 0xa0,
        0x00, 0x00, 0x00, 0x00, 0x80, 0xb7, 0x01,
    ];
    /// `["60000.00","0.5"],["59999.50","1.25"],["59998.00","0.75"],["59997.50","12.5"],["60001.00","7"]`.
    const LEVELS: [u8; 54] = [
        0x8a, 0x56, 0x32, 0x33, 0x00, 0x02, 0x3d, 0x03, 0x03, 0x25, 0x1d, 0x25, 0x03, 0x3d, 0x53,
        0xa5, 0x58, 0x9d, 0x68, 0x25, 0x53, 0x4b, 0x20, 0xd0, 0x33, 0x05, 0x09, 0x19, 0xea, 0x19,
        0x21, 0xc4, 0x2c, 0x60, 0xca, 0xcc, 0x11, 0x62, 0xe6, 0x50, 0x75, 0x46, 0x50, 0xbd, 0x20,
        0xe3, 0x0c, 0x21, 0xea, 0xcc, 0x95, 0x62, 0x01, 0x00,
    ];
    let mut all = Vec::new();
    for (flags, masked) in [(0, true), (1, false)] {
        let frames = [
            raw(0xC1, masked, &HELLO),
            raw(0x41, masked, &HELLO[..3]),
            raw(0x89, masked, b"there?"),
            raw(0x80, masked, &HELLO[3..]),
            raw(0xC2, masked, &[0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0]),
            raw(0xC1, masked, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
            raw(0xC1, masked, &[0x00]),
            raw(0x81, masked, b"plain"),
        ];
        all.push([vec![flags], frames.concat()].concat());
        all.push([vec![flags], raw(0xC2, masked, &ZEROS), raw(0xC1, masked, &LEVELS)].concat());
        let back = [0xf2, 0x00, 0x11, 0x00, 0x00];
        all.push([vec![flags], raw(0xC1, masked, &HELLO), raw(0xC1, masked, &back)].concat());
    }
    all
}
