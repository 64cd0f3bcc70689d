//! RFC 6455 frames: how a stream is cut changes no message, memory is bounded, and what was read is read
//! again from what the writer makes of it.
//!
//! Input: one byte (bit 0: we are the client), then the stream.

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

fn read<'a>(role: Role, reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Said> {
    let mut reader = FrameReader::new(role);
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
    let Some((flags, stream)) = bytes.split_first() else { return };
    let role = if flags & 1 == 0 { Role::Server } else { Role::Client };
    let whole = read(role, [stream]);
    for at in cuts(stream) {
        let (left, right) = stream.split_at(at);
        assert_eq!(read(role, [left, right]), whole, "cut at {at}");
    }
    assert_eq!(read(role, stream.chunks(1)), whole, "byte by byte");
    let faults = whole.iter().filter(|one| matches!(one, Said::Fault(_))).count();
    assert!(faults <= 1, "nothing is read behind a fault");
    if let Some(at) = whole.iter().position(|one| matches!(one, Said::Close(..))) {
        assert_eq!(at + 1, whole.len(), "nothing is read behind a close");
    }
    let sound = whole.get(..whole.len() - faults).unwrap_or_default();
    assert_eq!(read(role, [written(role, sound).as_slice()]), sound, "written again");
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
