//! Compressed messages in: each by itself, within its limit.

use super::FLUSH_TAIL;
use crate::limits::{INFLATE_STEP_BYTES, MESSAGE_BYTES_MAX};
use flate2::{Decompress, FlushDecompress, Status};

/// What is read behind a message: the tail that its sender took off, and a last block of nothing. Only a
/// message that ends where a block ends, on a whole byte, makes sense of it.
const END: [u8; 6] = [FLUSH_TAIL[0], FLUSH_TAIL[1], FLUSH_TAIL[2], FLUSH_TAIL[3], 0x03, 0x00];

/// What a sender may have put behind a block that said it was the last: the head of the empty block whose
/// rest it took off (RFC 7692 section 7.2.3.4).
const BEHIND_LAST: [u8; 1] = [0x00];

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateFault {
    /// It is not what a sender of messages makes.
    Invalid,
    /// It is longer than its limit, so long at least.
    TooBig(usize),
}

/// What reads compressed messages, for every connection of a process.
#[derive(Debug)]
pub struct Inflater {
    state: Decompress,
    /// Where messages are written; its length is how much it was grown to.
    out: Vec<u8>,
    /// Bytes that may still be worked on before a reader stops; without a measure, as many as come.
    left: usize,
    /// Messages, bytes as they came and bytes as they were since [`Inflater::take_work`].
    work: Work,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Messages.
    pub messages: u64,
    /// Bytes as they came.
    pub packed_bytes: u64,
    /// Bytes as they were.
    pub bytes: u64,
}

impl Default for Inflater {
    fn default() -> Self {
        let (out, work) = (Vec::new(), Work::default());
        Self { state: Decompress::new(false), out, left: usize::MAX, work }
    }
}

impl Inflater {
    /// Lets a reader work on so many bytes before it stops ([`Self::is_tired`]).
    pub fn measure(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Whether what it was to work on is done.
    pub(crate) const fn is_tired(&self) -> bool {
        self.left == 0
    }

    /// What was read since this was last asked. Gives memory back that one large message took.
    pub fn take_work(&mut self) -> Work {
        if self.out.len() > MESSAGE_BYTES_MAX.saturating_add(1) {
            self.out = Vec::new();
        }
        core::mem::take(&mut self.work)
    }

    /// Reads the whole payload of a message that may have `limit` bytes.
    pub(crate) fn inflate(&mut self, packed: &[u8], limit: usize) -> Result<&[u8], InflateFault> {
        let inflated = self.run(packed, limit);
        let bytes = match inflated {
            Ok(bytes) | Err(InflateFault::TooBig(bytes)) => bytes,
            Err(InflateFault::Invalid) => 0,
        };
        self.left = self.left.saturating_sub(bytes).saturating_sub(packed.len());
        let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        self.work.messages = self.work.messages.saturating_add(1);
        self.work.packed_bytes = self.work.packed_bytes.saturating_add(count(packed.len()));
        self.work.bytes = self.work.bytes.saturating_add(count(bytes));
        Ok(self.out.get(..inflated?).unwrap_or_default())
    }

    fn run(&mut self, packed: &[u8], limit: usize) -> Result<usize, InflateFault> {
        self.state.reset(false);
        let mut out_bytes = 0;
        let (behind, is_over) = self.step(packed, &mut out_bytes, limit)?;
        if is_over {
            let is_good = behind == BEHIND_LAST;
            return if is_good { Ok(out_bytes) } else { Err(InflateFault::Invalid) };
        }
        let (behind, is_over) = self.step(&END, &mut out_bytes, limit)?;
        if is_over && behind.is_empty() { Ok(out_bytes) } else { Err(InflateFault::Invalid) }
    }

    /// Takes a part: what is left of it, and whether the stream is over.
    fn step<'p>(
        &mut self,
        part: &'p [u8],
        out_bytes: &mut usize,
        limit: usize,
    ) -> Result<(&'p [u8], bool), InflateFault> {
        let mut rest = part;
        loop {
            if *out_bytes == self.out.len() {
                self.grow(limit)?;
            }
            let room = self.out.get_mut(*out_bytes..).unwrap_or_default();
            let room_bytes = room.len().min(limit.saturating_add(1).saturating_sub(*out_bytes));
            let room = room.get_mut(..room_bytes).unwrap_or_default();
            let before = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(rest, room, FlushDecompress::None)
                .map_err(|_| InflateFault::Invalid)?;
            let moved = |now: u64, then: u64| usize::try_from(now.saturating_sub(then));
            let taken = moved(self.state.total_in(), before.0).unwrap_or(usize::MAX);
            let made = moved(self.state.total_out(), before.1).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            *out_bytes = out_bytes.saturating_add(made);
            if *out_bytes > limit {
                return Err(InflateFault::TooBig(*out_bytes));
            }
            if matches!(status, Status::StreamEnd) {
                return Ok((rest, true));
            }
            let is_full = *out_bytes == self.out.len();
            if rest.is_empty() && !is_full {
                return Ok((rest, false));
            }
            if taken == 0 && made == 0 && !is_full {
                // It neither took nor gave anything: it never will.
                return Err(InflateFault::Invalid);
            }
        }
    }

    /// Makes room for more of a message; never for more than one byte past its limit.
    fn grow(&mut self, limit: usize) -> Result<(), InflateFault> {
        let most = limit.saturating_add(1);
        let bytes = self.out.len().saturating_mul(2).max(INFLATE_STEP_BYTES).min(most);
        if bytes <= self.out.len() {
            return Err(InflateFault::TooBig(self.out.len()));
        }
        self.out.resize(bytes, 0);
        Ok(())
    }
}
