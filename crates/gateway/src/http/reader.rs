//! A request head that comes in pieces.

use super::fault::HttpFault;
use super::head::{Head, judge};

/// Gathers the bytes of one request until its head is whole.
///
/// A head that lies in one read is judged there, without a copy. Each line is searched once,
/// however small the pieces are.
#[derive(Debug, Default)]
pub struct HeadReader {
    kept: Vec<u8>,
    /// Where the last, unfinished line of `kept` begins.
    line_start: usize,
}

/// A whole head, and the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// What the head said.
    pub head: Head<'a>,
    /// Every byte since the request began, untouched: the head and what followed it so far.
    pub bytes: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// The bytes behind the head: the body's first, or frames of a client that did not wait.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.head.head_bytes..).unwrap_or_default()
    }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a head is borrowed text, made once a request")]
pub enum ReadStep<'a> {
    /// The head has not ended; what came is kept.
    NeedMore,
    /// The head is whole.
    Arrived(Arrived<'a>),
    /// The request is refused: write [`HttpFault::response`] and close.
    Fault(HttpFault),
}

impl HeadReader {
    /// A reader for a request whose first byte has not come. Allocates nothing.
    pub const fn new() -> Self {
        Self { kept: Vec::new(), line_start: 0 }
    }

    /// Takes what one read brought. After anything but [`ReadStep::NeedMore`] call
    /// [`Self::reset`] before the next request.
    pub fn feed<'a>(&'a mut self, read: &'a [u8]) -> ReadStep<'a> {
        if self.kept.is_empty() {
            return match judge(read, &mut self.line_start) {
                Ok(Some(head)) => ReadStep::Arrived(Arrived { head, bytes: read }),
                Ok(None) => {
                    self.kept.extend_from_slice(read);
                    ReadStep::NeedMore
                }
                Err(fault) => ReadStep::Fault(fault),
            };
        }
        self.kept.extend_from_slice(read);
        match judge(&self.kept, &mut self.line_start) {
            Ok(Some(head)) => ReadStep::Arrived(Arrived { head, bytes: &self.kept }),
            Ok(None) => ReadStep::NeedMore,
            Err(fault) => ReadStep::Fault(fault),
        }
    }

    /// Forgets the request and gives its memory back.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Bytes that are kept of an unfinished head, at most
    /// [`crate::limits::HEAD_BYTES_MAX`] and one read.
    pub fn kept_bytes(&self) -> usize {
        self.kept.len()
    }
}
