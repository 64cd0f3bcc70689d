//! Compressed messages, where a connection agreed to them: what is written for it alone, what is written for
//! many, and what it sends.
//!
//! Without the setting no connection agrees, and nothing here runs.

use super::Hub;
use crate::batch::ConnId;
use crate::deflate::{Deflater, Inflater, Window};
use crate::fan::Fan;
use crate::frame::{FrameReader, Opcode, write_text_frame};
use crate::held::{Departure, TIME_DIGITS};
use crate::limits::{
    FRAME_HEADER_BYTES_MAX, INFLATE_BYTES_PER_MESSAGE, INFLATE_BYTES_PER_READ,
    INFLATE_PACKED_BYTES_PER_MESSAGE, PACK_REPLY_BYTES_MIN, PACK_STREAM_BYTES_MIN,
};
use coulisse_types::Seq;

/// What all connections share, and what was counted.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    inflater: Option<Box<Inflater>>,
    deflater: Option<Box<Deflater>>,
    counters: PackingCounters,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct PackingCounters {
    /// Connections that agreed.
    pub agreed: u64,
    /// Compressed messages that came, their bytes as they came, and as they were.
    pub inflated: u64,
    /// See [`Self::inflated`].
    pub inflated_packed_bytes: u64,
    /// See [`Self::inflated`].
    pub inflated_bytes: u64,
    /// Messages that were compressed, once for all who got them; their bytes as they were, and compressed.
    pub packed: u64,
    /// See [`Self::packed`].
    pub packed_from_bytes: u64,
    /// See [`Self::packed`].
    pub packed_bytes: u64,
}

/// An image that some listeners get, as they take it.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// Its text; empty until somebody needs it.
    pub(crate) text: Vec<u8>,
    frame: Vec<u8>,
    packed: [Vec<u8>; Window::ALL.len()],
}

impl Packing {
    /// A connection agreed.
    pub(super) fn note_agreed(&mut self) {
        self.counters.agreed += 1;
    }
}

impl Hub {
    /// What was compressed and inflated since the start.
    pub fn packing_counters(&self) -> PackingCounters {
        let work = self.packing.deflater.as_ref().map(|deflater| deflater.work());
        let work = work.unwrap_or_default();
        PackingCounters {
            packed: work.messages,
            packed_from_bytes: work.bytes,
            packed_bytes: work.packed_bytes,
            ..self.packing.counters
        }
    }

    /// Lends the inflater to a reader for one read.
    pub(super) fn lend_inflater(&mut self, reader: &mut FrameReader) {
        let mut inflater = self.packing.inflater.take().unwrap_or_default();
        inflater.measure(INFLATE_BYTES_PER_READ);
        reader.lend_inflater(inflater);
    }

    /// Takes it back, and counts what it did as messages of the turn.
    pub(super) fn take_inflater(&mut self, id: ConnId, reader: &mut FrameReader) {
        let Some(mut inflater) = reader.take_inflater() else { return };
        let work = inflater.take_work();
        self.packing.inflater = Some(inflater);
        let counters = &mut self.packing.counters;
        counters.inflated += work.messages;
        counters.inflated_packed_bytes += work.packed_bytes;
        counters.inflated_bytes += work.bytes;
        let messages = work.packed_bytes / INFLATE_PACKED_BYTES_PER_MESSAGE
            + work.bytes / INFLATE_BYTES_PER_MESSAGE;
        self.count_work(id, u32::try_from(messages).unwrap_or(u32::MAX));
    }

    /// Writes one message for a connection that agreed, with a `t_out` or without.
    #[cold]
    pub(super) fn write_packed(
        &mut self,
        id: ConnId,
        seq: Seq,
        departure: Option<Departure>,
        text: &[u8],
    ) {
        let tail_bytes = departure.map_or(0, |departure| departure.tail + TIME_DIGITS);
        let mut deflater = self.packing.deflater.take().unwrap_or_default();
        if let Some(conn) = self.conn(id) {
            let out = conn.held.buffer();
            let is_packed = text.len() >= PACK_REPLY_BYTES_MIN
                && conn.packs.is_some_and(|window| {
                    deflater.pack(window, Opcode::Text, text, tail_bytes, out)
                });
            if !is_packed {
                write_text_frame(out, text);
            }
            conn.held.mark(seq.0);
            if let Some(Departure { tail, in_us }) = departure {
                // Behind what is written over stands one byte more.
                conn.held.departs(Departure { tail: tail + usize::from(is_packed), in_us });
            }
        }
        self.packing.deflater = Some(deflater);
        self.enqueue(id);
    }

    /// Appends a message that is sent back, if its connection agreed: however short, as suites want it.
    pub(super) fn echo_packed(&mut self, id: ConnId, opcode: Opcode, message: &[u8]) -> bool {
        let mut deflater = self.packing.deflater.take().unwrap_or_default();
        let is_packed = self.conn(id).is_some_and(|conn| {
            let out = conn.held.buffer();
            conn.packs.is_some_and(|window| deflater.pack_anyway(window, opcode, message, out))
        });
        self.packing.deflater = Some(deflater);
        is_packed
    }

    /// Compresses what a sweep gives, once for all; gives `false` where more of it is to be done.
    pub(crate) fn pack(&mut self, fan: &mut Fan, window: Window) -> bool {
        if fan.is_packed(window) {
            return true;
        }
        let mut deflater = self.packing.deflater.take().unwrap_or_default();
        let is_whole = fan.pack(window, &mut deflater);
        self.packing.deflater = Some(deflater);
        is_whole
    }

    /// The frame of an image as a connection takes it, made once for all of them.
    pub(crate) fn frame_of<'i>(&mut self, image: &'i mut Image, packs: Option<Window>) -> &'i [u8] {
        if image.frame.is_empty() {
            image.frame.reserve(image.text.len() + FRAME_HEADER_BYTES_MAX);
            write_text_frame(&mut image.frame, &image.text);
        }
        let Some(window) = packs else { return &image.frame };
        let place = Window::ALL.iter().position(|one| *one == window).unwrap_or(0);
        let packed = &mut image.packed[place];
        if packed.is_empty() {
            let mut deflater = self.packing.deflater.take().unwrap_or_default();
            let is_packed = image.text.len() >= PACK_STREAM_BYTES_MIN
                && deflater.pack(window, Opcode::Text, &image.text, 0, packed);
            self.packing.deflater = Some(deflater);
            if !is_packed {
                packed.extend_from_slice(&image.frame);
            }
        }
        packed
    }
}
