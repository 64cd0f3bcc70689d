//! Compressed messages out: each by itself.

use super::{FLUSH_TAIL, Window};
use crate::frame::{Opcode, write_packed_frame};
use crate::limits::PACK_BYTES_MAX;
use flate2::{Compress, Compression, FlushCompress};

/// How hard it tries: 10 µs for a message of 300 bytes, which then has 210. Level 1 takes 5 µs, for 260
/// bytes; level 6 takes 12, for 210.
const LEVEL: u32 = 2;

/// What one message costs whatever its length, in bytes that cost as much.
const START_BYTES: usize = 1_024;

/// What compresses messages, for every connection of a process.
#[derive(Debug, Default)]
pub struct Deflater {
    usual: Option<Compress>,
    small: Option<Compress>,
    /// The message under way.
    out: Vec<u8>,
    work: Packed,
}

/// What was compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Messages.
    pub messages: u64,
    /// Bytes as they were.
    pub bytes: u64,
    /// Bytes as they were sent.
    pub packed_bytes: u64,
}

impl Deflater {
    /// What was compressed so far.
    pub(crate) const fn work(&self) -> Packed {
        self.work
    }

    /// What compressing a message of so many bytes costs, in bytes.
    pub(crate) const fn cost(bytes: usize) -> usize {
        bytes.saturating_add(START_BYTES)
    }

    /// Appends the frame of a message to `frames`, compressed; appends nothing and gives `false` where that
    /// makes it no shorter, or it is too long to be compressed in one go.
    ///
    /// Its last `tail_bytes` are appended as they are, and behind them one byte more, so that they may be
    /// written over.
    pub(crate) fn pack(
        &mut self,
        window: Window,
        opcode: Opcode,
        message: &[u8],
        tail_bytes: usize,
        frames: &mut Vec<u8>,
    ) -> bool {
        if !self.fill(window, message, tail_bytes) || self.out.len() >= message.len() {
            return false;
        }
        self.append(opcode, message, frames);
        true
    }

    /// The same for a message that is to be compressed even where that makes it longer: what a suite of
    /// conformance sends.
    pub(crate) fn pack_anyway(
        &mut self,
        window: Window,
        opcode: Opcode,
        message: &[u8],
        frames: &mut Vec<u8>,
    ) -> bool {
        let is_filled = self.fill(window, message, 0);
        if is_filled {
            self.append(opcode, message, frames);
        }
        is_filled
    }

    /// Fills `out` with a message.
    fn fill(&mut self, window: Window, message: &[u8], tail_bytes: usize) -> bool {
        let Some(head_bytes) = message.len().checked_sub(tail_bytes) else { return false };
        let Some((head, tail)) = message.split_at_checked(head_bytes) else { return false };
        if message.len() > PACK_BYTES_MAX || !self.deflate(window, head) {
            return false;
        }
        if tail.is_empty() {
            self.out.truncate(self.out.len().saturating_sub(FLUSH_TAIL.len()));
            return true;
        }
        self.store(tail)
    }

    fn append(&mut self, opcode: Opcode, message: &[u8], frames: &mut Vec<u8>) {
        write_packed_frame(frames, opcode, &self.out);
        let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        self.work.messages = self.work.messages.saturating_add(1);
        self.work.bytes = self.work.bytes.saturating_add(count(message.len()));
        self.work.packed_bytes = self.work.packed_bytes.saturating_add(count(self.out.len()));
    }

    /// Fills `out` with whole blocks, the flush's empty one included.
    fn deflate(&mut self, window: Window, bytes: &[u8]) -> bool {
        let state = match window {
            Window::Usual => &mut self.usual,
            Window::Small => &mut self.small,
        };
        let new = || Compress::new_with_window_bits(Compression::new(LEVEL), false, window.bits());
        let state = state.get_or_insert_with(new);
        state.reset();
        self.out.clear();
        // What does not compress is stored, with five bytes for each block of 16 KiB or more.
        self.out.reserve(bytes.len().saturating_add(bytes.len() / 1_024).saturating_add(64));
        let done = state.compress_vec(bytes, &mut self.out, FlushCompress::Sync);
        let is_whole = u64::try_from(bytes.len()) == Ok(state.total_in());
        // Where it ran out of room, the flush is not whole.
        done.is_ok()
            && is_whole
            && self.out.len() < self.out.capacity()
            && self.out.ends_with(&FLUSH_TAIL)
    }

    /// Appends bytes as they are: a stored block, and the first byte of the empty one whose rest is not sent.
    fn store(&mut self, bytes: &[u8]) -> bool {
        let Ok(len) = u16::try_from(bytes.len()) else { return false };
        self.out.push(0);
        self.out.extend_from_slice(&len.to_le_bytes());
        self.out.extend_from_slice(&(!len).to_le_bytes());
        self.out.extend_from_slice(bytes);
        self.out.push(0);
        true
    }
}
