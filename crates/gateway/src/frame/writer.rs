//! Frames out: appended to a buffer that the caller writes to the transport.
//!
//! A message of 150 to 300 bytes has a header of four bytes, so [`begin_frame`] leaves a gap of
//! four and the payload is encoded straight behind it. Only a payload under 126 bytes (two bytes
//! to the left) or over 65,535 (six to the right) is moved, because the RFC demands the shortest
//! form of the length.

use super::close::{Close, CloseCode};
use super::header::{FIN_BIT, LENGTH_IN_2, LENGTH_IN_8, MASK_BIT, Opcode, RSV1_BIT};
use super::mask::apply_mask;
use crate::limits::{CONTROL_BYTES_MAX, FRAME_HEADER_BYTES_MAX};

/// Bytes that [`begin_frame`] leaves for the header: the one of 126 to 65,535 bytes, unmasked.
const GAP_BYTES: usize = 4;

/// A frame of a server that was begun in an out buffer and is not yet finished.
///
/// Finish or abandon it on the same buffer before anything else is appended there.
#[must_use = "an unfinished frame leaves a hole in the out buffer"]
#[derive(Debug)]
pub struct FrameStart {
    /// Where in the out buffer the gap begins.
    at: usize,
    opcode: Opcode,
}

/// Leaves room in `out` for the header of an unmasked, unfragmented frame. Append the payload to
/// `out`, then call [`FrameStart::finish`].
#[inline]
pub fn begin_frame(out: &mut Vec<u8>, opcode: Opcode) -> FrameStart {
    let at = out.len();
    out.extend_from_slice(&[0; GAP_BYTES]);
    FrameStart { at, opcode }
}

impl FrameStart {
    /// Writes the header before what was appended since [`begin_frame`].
    ///
    /// Does nothing where `out` was cut below the gap: then there is no frame left to finish.
    #[inline]
    pub fn finish(self, out: &mut Vec<u8>) {
        let first = FIN_BIT | self.opcode.bits();
        let Some(frame) = out.get_mut(self.at..) else { return };
        let Some((gap, payload)) = frame.split_first_chunk_mut::<GAP_BYTES>() else { return };
        if let Ok(bytes) = u16::try_from(payload.len()) {
            let [high, low] = bytes.to_be_bytes();
            if bytes >= u16::from(LENGTH_IN_2) {
                *gap = [first, LENGTH_IN_2, high, low];
            } else {
                let [b0, b1, ..] = gap;
                (*b0, *b1) = (first, low);
                self.close_gap(out);
            }
        } else {
            let payload_bytes = payload.len();
            self.widen_gap(out, first, payload_bytes);
        }
    }

    /// Takes the begun frame and whatever was appended since out of `out` again.
    pub fn abandon(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }

    /// Moves a payload under 126 bytes next to its header of two.
    #[expect(clippy::arithmetic_side_effects, reason = "the gap lies within a Vec's length")]
    fn close_gap(&self, out: &mut Vec<u8>) {
        out.copy_within(self.at + GAP_BYTES.., self.at + 2);
        out.truncate(out.len() - 2);
    }

    /// Moves a payload over 65,535 bytes to make room for its header of ten.
    #[cold]
    #[expect(clippy::arithmetic_side_effects, reason = "the gap lies within a Vec's length")]
    fn widen_gap(&self, out: &mut Vec<u8>, first: u8, payload_bytes: usize) {
        let mut header = Vec::with_capacity(FRAME_HEADER_BYTES_MAX);
        push_header(&mut header, first, payload_bytes, 0);
        out.splice(self.at..self.at + GAP_BYTES, header);
    }
}

/// Appends an unmasked, unfragmented text frame that holds `payload`, which must be UTF-8.
#[inline]
pub fn write_text_frame(out: &mut Vec<u8>, payload: &[u8]) {
    push_header(out, FIN_BIT | Opcode::Text.bits(), payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends an unmasked, unfragmented frame whose payload is a compressed message.
pub fn write_packed_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    push_header(out, FIN_BIT | RSV1_BIT | opcode.bits(), payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends the pong of a server to a ping with `payload`.
pub fn write_pong_frame(out: &mut Vec<u8>, payload: &[u8]) {
    write_frame(out, FrameHead::whole(Opcode::Pong), payload);
}

/// Appends the close frame of a server. `reason` is cut to what a control frame holds.
pub fn write_close_frame(out: &mut Vec<u8>, code: CloseCode, reason: &str) {
    write_close_number(out, code.number(), reason);
}

/// Appends the answer of a server to a peer's close frame: the same code, without a reason.
pub fn write_close_answer(out: &mut Vec<u8>, close: &Close<'_>) {
    match close.code() {
        Some(code) => write_close_number(out, code, ""),
        None => write_frame(out, FrameHead::whole(Opcode::Close), &[]),
    }
}

fn write_close_number(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut body = [0_u8; CONTROL_BYTES_MAX];
    let Some((number, text)) = body.split_first_chunk_mut::<2>() else { return };
    *number = code.to_be_bytes();
    let mut cut_bytes = reason.len().min(text.len());
    while !reason.is_char_boundary(cut_bytes) {
        cut_bytes = cut_bytes.saturating_sub(1);
    }
    let (Some(room), Some(kept)) = (text.get_mut(..cut_bytes), reason.get(..cut_bytes)) else {
        return;
    };
    room.copy_from_slice(kept.as_bytes());
    let Some(body) = body.get(..cut_bytes.saturating_add(2)) else { return };
    write_frame(out, FrameHead::whole(Opcode::Close), body);
}

/// The header fields that a writer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The mask key, for a client; it must be unpredictable to a page that chooses the payload.
    pub mask: Option<[u8; 4]>,
}

impl FrameHead {
    /// A server's unfragmented frame.
    pub const fn whole(opcode: Opcode) -> Self {
        Self { fin: true, opcode, mask: None }
    }

    /// A client's unfragmented frame, masked with `key`.
    pub const fn masked(opcode: Opcode, key: [u8; 4]) -> Self {
        Self { fin: true, opcode, mask: Some(key) }
    }
}

/// Appends one frame of any kind. Writes what it is told: rules on fragments and control frames
/// are the caller's.
pub fn write_frame(out: &mut Vec<u8>, head: FrameHead, payload: &[u8]) {
    let fin = if head.fin { FIN_BIT } else { 0 };
    let mask_bit = if head.mask.is_some() { MASK_BIT } else { 0 };
    push_header(out, fin | head.opcode.bits(), payload.len(), mask_bit);
    if let Some(key) = head.mask {
        out.extend_from_slice(&key);
    }
    let at = out.len();
    out.extend_from_slice(payload);
    if let (Some(key), Some(written)) = (head.mask, out.get_mut(at..)) {
        apply_mask(written, key);
    }
}

/// Appends the first byte and the length in its shortest form.
#[inline]
fn push_header(out: &mut Vec<u8>, first: u8, payload_bytes: usize, mask_bit: u8) {
    match u16::try_from(payload_bytes).map(|bytes| (bytes, bytes.to_be_bytes())) {
        Ok((bytes, [_, low])) if bytes < u16::from(LENGTH_IN_2) => {
            out.extend_from_slice(&[first, mask_bit | low]);
        }
        Ok((_, [high, low])) => {
            out.extend_from_slice(&[first, mask_bit | LENGTH_IN_2, high, low]);
        }
        Err(_) => {
            let bytes = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
            out.extend_from_slice(&[first, mask_bit | LENGTH_IN_8]);
            out.extend_from_slice(&bytes.to_be_bytes());
        }
    }
}
