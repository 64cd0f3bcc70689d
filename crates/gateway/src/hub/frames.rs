//! What comes on a WebSocket: its frames, and what each message is for.

use super::{Hub, Received};
use crate::batch::ConnId;
use crate::conn::Stage;
use crate::frame::{
    CloseCode, Fed, FrameReader, Message, Opcode, Role, begin_frame, write_close_answer,
    write_pong_frame,
};
use crate::limits::HELD_BYTES_MAX;
use crate::view::CoreView;
use coulisse_types::Seq;

/// What a socket's messages are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Talk {
    Native,
    Plain,
    Echo,
}

impl Hub {
    /// Takes the frames of a read.
    pub(super) fn receive_frames(
        &mut self,
        id: ConnId,
        read: &mut [u8],
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        self.read_frames(id, Some(read), now_us, view, received);
    }

    /// Takes more of what was kept of an earlier read.
    pub(crate) fn resume_frames(&mut self, id: ConnId, now_us: i64, view: &impl CoreView) {
        // Of plain texts nothing is kept.
        let mut received = Received::default();
        self.read_frames(id, None, now_us, view, &mut received);
    }

    fn read_frames(
        &mut self,
        id: ConnId,
        read: Option<&mut [u8]>,
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        let Some(conn) = self.conn(id) else { return };
        let talk = match conn.stage {
            Stage::Plain => Talk::Plain,
            Stage::Echo => Talk::Echo,
            _ => Talk::Native,
        };
        // The reader steps out while its messages are handled, so that they may use the hub.
        let mut reader = std::mem::replace(&mut conn.reader, FrameReader::new(Role::Server));
        if reader.inflates() {
            self.lend_inflater(&mut reader);
        }
        let mut take = |message: Message<'_>| {
            self.message(id, message, talk, now_us, view, received);
            // Once it is ended, nothing more of what it sent is taken.
            self.count_message(id)
        };
        let fed = match read {
            Some(read) => reader.feed(read, &mut take),
            None => reader.resume(&mut take),
        };
        if reader.inflates() {
            self.take_inflater(id, &mut reader);
        }
        let seq = view.seq();
        match fed {
            Ok(Fed::Drained | Fed::Stopped) => {}
            Ok(Fed::Closed) => {
                if let Some(conn) = self.conn(id) {
                    conn.closing = true;
                }
                self.enqueue(id);
            }
            Err(fault) => self.fail(id, seq, fault.close_code(), fault.reason()),
        }
        if let Some(conn) = self.conn(id) {
            conn.reader = reader;
        }
    }

    fn message(
        &mut self,
        id: ConnId,
        message: Message<'_>,
        talk: Talk,
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        match message {
            Message::Text(text) if talk == Talk::Echo => {
                self.echo(id, view.seq(), Opcode::Text, text.as_bytes());
            }
            Message::Binary(bytes) if talk == Talk::Echo => {
                self.echo(id, view.seq(), Opcode::Binary, bytes);
            }
            Message::Text(text) if talk == Talk::Plain => {
                received.plain_texts.push(text.as_bytes().to_vec());
            }
            Message::Text(text) => self.request(id, text.as_bytes(), now_us, view),
            Message::Binary(_) => {
                self.fail(id, view.seq(), CloseCode::Unsupported, "this protocol is text");
            }
            Message::Ping(payload) => self.pong(id, view.seq(), payload),
            Message::Pong(_) => {}
            Message::Close(close) => {
                if let Some(conn) = self.conn(id) {
                    write_close_answer(conn.held.buffer(), &close);
                    conn.held.mark(0);
                    conn.closing = true;
                }
                self.enqueue(id);
            }
        }
    }

    /// Answers a ping, which counts against the limit as any message does.
    fn pong(&mut self, id: ConnId, seq: Seq, payload: &[u8]) {
        let Some(conn) = self.conn(id) else { return };
        if conn.held.len() >= HELD_BYTES_MAX {
            self.cut_off(id, seq);
            return;
        }
        write_pong_frame(conn.held.buffer(), payload);
        conn.held.mark(0);
        self.enqueue(id);
    }

    /// Sends a message back, within the limit of what may wait.
    fn echo(&mut self, id: ConnId, seq: Seq, opcode: Opcode, message: &[u8]) {
        let Some(conn) = self.conn(id) else { return };
        if conn.held.len() >= HELD_BYTES_MAX {
            self.cut_off(id, seq);
            return;
        }
        let is_packed = conn.packs.is_some() && self.echo_packed(id, opcode, message);
        let Some(conn) = self.conn(id) else { return };
        if !is_packed {
            let out = conn.held.buffer();
            let frame = begin_frame(out, opcode);
            out.extend_from_slice(message);
            frame.finish(out);
        }
        conn.held.mark(0);
        self.enqueue(id);
    }
}
