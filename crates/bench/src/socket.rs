//! A WebSocket on a TCP stream that never blocks: frames in, bytes out, interest in epoll.

use crate::{Failure, failure};
use coulisse_gateway::frame::{
    Fed, Flow, FrameHead, FrameReader, Message, Opcode, Role, write_frame,
};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// Bytes taken from a socket at a time.
pub(crate) const READ_BYTES: usize = 64 * 1_024;
/// Events taken from epoll at a time.
pub(crate) const EVENTS_MAX: usize = 256;

/// One peer, past its handshake.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    role: Role,
    reader: FrameReader,
    /// What waits to leave; the part before `written` has left.
    pub(crate) out: Vec<u8>,
    written: usize,
    /// Whether epoll was asked to say when there is room.
    waits_for_room: bool,
    token: u64,
}

impl Socket {
    /// Registers a stream under `token`; from here on it does not block.
    pub(crate) fn register(
        epoll: &OwnedFd,
        stream: TcpStream,
        role: Role,
        token: u64,
    ) -> Result<Self, Failure> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        epoll::add(epoll, stream.as_fd(), EventData::new_u64(token), EventFlags::IN)?;
        let (reader, out) = (FrameReader::new(role), Vec::new());
        Ok(Self { stream, role, reader, out, written: 0, waits_for_room: false, token })
    }

    /// Gives bytes that came behind the handshake, or from a read, to the frame reader.
    pub(crate) fn feed(
        &mut self,
        bytes: &mut [u8],
        mut on_text: impl FnMut(&str),
    ) -> Result<bool, Failure> {
        let mut pong = None;
        let fed = self.reader.feed(bytes, &mut |message| {
            match message {
                Message::Text(text) => on_text(text),
                Message::Ping(payload) => pong = Some(payload.to_vec()),
                Message::Binary(_) | Message::Pong(_) | Message::Close(_) => {}
            }
            Flow::Continue
        });
        match fed {
            Ok(Fed::Closed) => Ok(false),
            Ok(Fed::Drained | Fed::Stopped) => {
                if let Some(payload) = pong {
                    // The caller's next flush takes it along.
                    let head = self.pong_head();
                    write_frame(&mut self.out, head, &payload);
                }
                Ok(true)
            }
            Err(fault) => failure(format!("bad frame: {fault}")),
        }
    }

    /// The head of a pong of this end.
    fn pong_head(&self) -> FrameHead {
        match self.role {
            Role::Client => FrameHead::masked(Opcode::Pong, [1, 2, 3, 4]),
            Role::Server => FrameHead::whole(Opcode::Pong),
        }
    }

    /// Reads once and hands each text message on; `false` when the peer has closed.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        on_text: impl FnMut(&str),
    ) -> Result<bool, Failure> {
        match self.stream.read(buffer) {
            Ok(0) => Ok(false),
            Ok(count) => self.feed(&mut buffer[..count], on_text),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what the kernel takes and has epoll tell when it takes the rest.
    pub(crate) fn flush(&mut self, epoll: &OwnedFd) -> Result<(), Failure> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.wait_for_room(epoll, true);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.written = 0;
        self.wait_for_room(epoll, false)
    }

    /// Bounds what the kernel keeps of what is sent.
    pub(crate) fn bound_send_buffer(&self, bytes: usize) -> Result<(), Failure> {
        Ok(rustix::net::sockopt::set_socket_send_buffer_size(&self.stream, bytes)?)
    }

    fn wait_for_room(&mut self, epoll: &OwnedFd, wanted: bool) -> Result<(), Failure> {
        if self.waits_for_room != wanted {
            let room = if wanted { EventFlags::OUT } else { EventFlags::empty() };
            let data = EventData::new_u64(self.token);
            epoll::modify(epoll, self.stream.as_fd(), data, EventFlags::IN | room)?;
            self.waits_for_room = wanted;
        }
        Ok(())
    }
}
