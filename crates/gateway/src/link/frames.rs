//! Frames as bytes: what has come, cut into frames, and what waits to be written.

use crate::hub::LogRoom;
use coulisse_types::codec::{Field, Reader};

/// Bytes of a frame before its body.
const HEAD_BYTES: usize = 5;
/// What an emptied buffer keeps.
const KEPT_BYTES: usize = 256 * 1_024;

/// Why a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// A frame that means nothing.
    Frame(&'static str),
    /// The other end reads too slowly.
    Slow,
    /// There are no more numbers for sessions.
    Sessions,
}

impl std::fmt::Display for LinkFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(reason) => write!(f, "a frame that means nothing: {reason}"),
            Self::Slow => f.write_str("the worker reads too slowly"),
            Self::Sessions => f.write_str("no numbers are left for sessions; restart the node"),
        }
    }
}

impl std::error::Error for LinkFault {}

/// The next field of a frame's body.
pub(super) fn get<T: Field>(reader: &mut Reader<'_>) -> Result<T, LinkFault> {
    T::decode(reader).ok_or(LinkFault::Frame("a field that ends early or means nothing"))
}

impl LogRoom {
    /// As a frame has it.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::WaysOut => 1,
            Self::None => 2,
        }
    }

    pub(super) const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Free),
            1 => Some(Self::WaysOut),
            2 => Some(Self::None),
            _ => None,
        }
    }
}

/// Bytes that wait to be written to the other end.
#[derive(Debug, Default)]
pub struct Out {
    bytes: Vec<u8>,
    at: usize,
}

impl Out {
    /// What is to be written next.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// So much of it was written.
    pub fn wrote(&mut self, count: usize) {
        self.at += count;
        if self.at >= self.bytes.len() {
            self.at = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        } else if self.at >= KEPT_BYTES {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pending().is_empty()
    }

    /// Appends a frame.
    pub(super) fn frame(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0, 0, 0, kind]);
        body(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start - HEAD_BYTES).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// What has come, frame by frame.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    at: usize,
}

impl Frames {
    /// More bytes have come.
    pub(super) fn push(&mut self, read: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        } else {
            self.bytes.drain(..self.at);
        }
        self.at = 0;
        self.bytes.extend_from_slice(read);
    }

    /// The kind of the next frame and where its body stands, once it is whole. `bytes_max` is the longest
    /// that the other end may send.
    pub(super) fn next(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<(u8, std::ops::Range<usize>)>, LinkFault> {
        let Some(head) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<HEAD_BYTES>)
        else {
            return Ok(None);
        };
        let [a, b, c, d, kind] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > bytes_max {
            return Err(LinkFault::Frame("longer than a frame may be"));
        }
        let body = self.at + HEAD_BYTES..self.at + HEAD_BYTES + length;
        if body.end > self.bytes.len() {
            return Ok(None);
        }
        self.at = body.end;
        Ok(Some((kind, body)))
    }

    /// The bytes of a body, until more are pushed.
    pub(super) fn body(&self, at: std::ops::Range<usize>) -> &[u8] {
        self.bytes.get(at).unwrap_or_default()
    }
}
