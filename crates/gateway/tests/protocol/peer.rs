//! Against an independent implementation (tungstenite), in memory: it must read what we write, we
//! must read what it writes, and both must judge broken streams alike.

use crate::fuzz::a_bad_stream;
use crate::seeded::Seeded;
use crate::seen::{Seen, read_at_once, read_in_pieces};
use coulisse_gateway::deflate::Offer;
use coulisse_gateway::frame::{FrameFault, FrameHead, Opcode, Role, begin_frame, write_frame};
use coulisse_gateway::http::{HeadReader, ReadStep};
use coulisse_gateway::upgrade::accept;
use std::io::{self, Read, Write};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role as PeerRole, WebSocket, WebSocketConfig};

/// A socket without a socket: what the peer will read, and what it wrote.
#[derive(Debug, Default)]
struct Pipe {
    incoming: io::Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Pipe {
    fn with(incoming: Vec<u8>) -> Self {
        Self { incoming: io::Cursor::new(incoming), outgoing: Vec::new() }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            bytes => Ok(bytes),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the peer makes of a stream: messages up to a close, and whether it then found a fault.
fn peer_reads(role: PeerRole, stream: &[u8]) -> (Vec<Seen>, bool) {
    let limits =
        WebSocketConfig::default().max_message_size(Some(65_536)).max_frame_size(Some(65_536));
    let mut socket = WebSocket::from_raw_socket(Pipe::with(stream.to_vec()), role, Some(limits));
    let mut seen = Vec::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => seen.push(Seen::Text(text.to_string())),
            Ok(tungstenite::Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.to_vec())),
            Ok(tungstenite::Message::Ping(bytes)) => seen.push(Seen::Ping(bytes.to_vec())),
            Ok(tungstenite::Message::Pong(bytes)) => seen.push(Seen::Pong(bytes.to_vec())),
            Ok(tungstenite::Message::Close(close)) => {
                let code = close.as_ref().map(|frame| u16::from(frame.code));
                let reason = close.map(|frame| frame.reason.to_string()).unwrap_or_default();
                seen.push(Seen::Close(code, reason));
                return (seen, false);
            }
            Ok(tungstenite::Message::Frame(_)) => unreachable!("never returned by read"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (seen, false);
            }
            Err(_) => return (seen, true),
        }
    }
}

/// One message and the frames it may be sent as.
fn a_message(seeded: &mut Seeded) -> Seen {
    let size = seeded.pick(&[0, 1, 20, 125, 126, 127, 150, 300, 3_000, 65_535, 65_536]);
    let control_size = seeded.below(126);
    match seeded.below(8) {
        0 => Seen::Ping(seeded.bytes(control_size)),
        1 => Seen::Pong(seeded.bytes(control_size)),
        2 => Seen::Binary(seeded.bytes(size)),
        _ => {
            let mut text = seeded.text(size);
            while text.len() > 65_536 {
                text.pop();
            }
            Seen::Text(text)
        }
    }
}

fn opcode_and_payload(message: &Seen) -> (Opcode, Vec<u8>) {
    match message {
        Seen::Text(text) => (Opcode::Text, text.clone().into_bytes()),
        Seen::Binary(bytes) => (Opcode::Binary, bytes.clone()),
        Seen::Ping(bytes) => (Opcode::Ping, bytes.clone()),
        Seen::Pong(bytes) => (Opcode::Pong, bytes.clone()),
        Seen::Close(..) | Seen::Fault(_) => unreachable!("not made here"),
    }
}

/// The frames of one message: one, or two to three fragments.
fn fragments(seeded: &mut Seeded, message: &Seen) -> Vec<(bool, Opcode, Vec<u8>)> {
    let (opcode, payload) = opcode_and_payload(message);
    if opcode.is_control() || seeded.below(3) > 0 {
        return vec![(true, opcode, payload)];
    }
    let mut cuts = [seeded.below(payload.len() + 1), seeded.below(payload.len() + 1)];
    cuts.sort_unstable();
    vec![
        (false, opcode, payload[..cuts[0]].to_vec()),
        (false, Opcode::Continuation, payload[cuts[0]..cuts[1]].to_vec()),
        (true, Opcode::Continuation, payload[cuts[1]..].to_vec()),
    ]
}

#[test]
fn the_peer_reads_what_we_write() {
    for (role, masked) in [(PeerRole::Server, true), (PeerRole::Client, false)] {
        let mut seeded = Seeded::new(10);
        for _ in 0..300 {
            let messages: Vec<Seen> = (0..6).map(|_| a_message(&mut seeded)).collect();
            let mut stream = Vec::new();
            for message in &messages {
                for (fin, opcode, payload) in fragments(&mut seeded, message) {
                    let mask = masked.then(|| seeded.key());
                    write_frame(&mut stream, FrameHead { fin, opcode, mask }, &payload);
                }
            }
            assert_eq!(peer_reads(role, &stream), (messages, false));
        }
    }
}

#[test]
fn the_peer_reads_frames_that_were_begun_and_finished() {
    let mut seeded = Seeded::new(11);
    let messages: Vec<Seen> = (0..100).map(|_| a_message(&mut seeded)).collect();
    let mut stream = Vec::new();
    for message in &messages {
        let (opcode, payload) = opcode_and_payload(message);
        let frame = begin_frame(&mut stream, opcode);
        stream.extend_from_slice(&payload);
        frame.finish(&mut stream);
    }
    assert_eq!(peer_reads(PeerRole::Client, &stream), (messages, false));
}

#[test]
fn we_read_what_the_peer_writes() {
    for (peer_role, role) in [(PeerRole::Client, Role::Server), (PeerRole::Server, Role::Client)] {
        let mut seeded = Seeded::new(12);
        for _ in 0..200 {
            let messages: Vec<Seen> = (0..6).map(|_| a_message(&mut seeded)).collect();
            let mut socket = WebSocket::from_raw_socket(Pipe::default(), peer_role, None);
            for message in &messages {
                for (fin, opcode, payload) in fragments(&mut seeded, message) {
                    socket.write(peer_frame(fin, opcode, payload)).expect("in memory");
                }
            }
            socket.flush().expect("in memory");
            let stream = &socket.get_ref().outgoing;
            let size = 1 + seeded.below(stream.len());
            assert_eq!(read_in_pieces(role, stream.chunks(size)), messages);
        }
    }
}

fn peer_frame(fin: bool, opcode: Opcode, payload: Vec<u8>) -> tungstenite::Message {
    let data = match opcode {
        Opcode::Continuation => Data::Continue,
        Opcode::Text => Data::Text,
        Opcode::Binary => Data::Binary,
        Opcode::Ping => return tungstenite::Message::Ping(payload.into()),
        Opcode::Pong => return tungstenite::Message::Pong(payload.into()),
        Opcode::Close => return tungstenite::Message::Close(None),
    };
    tungstenite::Message::Frame(Frame::message(payload, OpCode::Data(data), fin))
}

/// Where the two differ by design: the peer takes lengths in any form, so also that of a short
/// ping in a long form, and reports a close with a bad code as a close with another one.
fn differs_by_design(fault: FrameFault) -> bool {
    matches!(
        fault,
        FrameFault::LengthForm { .. }
            | FrameFault::ControlTooLong
            | FrameFault::CloseCodeInvalid { .. }
    )
}

#[test]
fn both_judge_broken_streams_alike() {
    let mut seeded = Seeded::new(13);
    let (mut compared, mut faults) = (0, 0);
    for _ in 0..100_000 {
        let stream = a_bad_stream(&mut seeded);
        let mut ours = read_at_once(Role::Server, &stream);
        let fault = match ours.last() {
            Some(Seen::Fault(fault)) => Some(*fault),
            _ => None,
        };
        if fault.is_some_and(differs_by_design) {
            continue;
        }
        if fault.is_some() {
            ours.pop();
            faults += 1;
        }
        compared += 1;
        let mut theirs = peer_reads(PeerRole::Server, &stream);
        if fault.is_some() && !theirs.1 {
            // We judge a header when it comes, the peer some of it when its payload has come.
            let mut filled = stream.clone();
            filled.resize(stream.len() + 66_000, 0xFF);
            theirs = peer_reads(PeerRole::Server, &filled);
        }
        assert_eq!(theirs, (ours, fault.is_some()), "{fault:?}: {stream:02x?}");
    }
    assert!(compared > 80_000, "{compared} compared");
    assert!(faults > 30_000, "{faults} faults among them");
}

#[test]
fn the_peer_completes_a_handshake_with_us() {
    let interrupted = tungstenite::client::client("ws://venue.example/v1/ws", Pipe::default());
    let Err(tungstenite::HandshakeError::Interrupted(mut waiting)) = interrupted else {
        panic!("the peer must wait for an answer")
    };
    let request = waiting.get_ref().get_ref().outgoing.clone();
    let mut reader = HeadReader::new();
    let ReadStep::Arrived(arrived) = reader.feed(&request) else { panic!("a whole request") };
    let mut answer = accept(&arrived.head, None, Offer::None).expect("a sound upgrade");
    write_frame(&mut answer, FrameHead::whole(Opcode::Text), b"hello");
    waiting.get_mut().get_mut().incoming = io::Cursor::new(answer);
    let Ok((mut socket, response)) = waiting.handshake() else { panic!("refused by the peer") };
    assert_eq!(response.status(), 101);
    assert_eq!(socket.read().expect("a message"), tungstenite::Message::text("hello"));
}
