//! Every way in which a peer can break the framing, with the code to close with.

use super::close::CloseCode;
use crate::limits::{BACKLOG_BYTES_MAX, CONTROL_BYTES_MAX, MESSAGE_BYTES_MAX};
use core::fmt;

/// Why a reader gave up. The connection is to be closed with [`FrameFault::close_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameFault {
    /// RSV1, RSV2 or RSV3 is set, and nothing that was agreed says what that means here. `bits` as in the
    /// first byte.
    ReservedBits {
        /// The offending bits, `0x10` to `0x70`.
        bits: u8,
    },
    /// An opcode of the reserved ranges 3 to 7 or 11 to 15.
    UnknownOpcode {
        /// The offending opcode.
        opcode: u8,
    },
    /// A client's frame came without a mask.
    MaskMissing,
    /// A server's frame came with a mask.
    MaskForbidden,
    /// A length that fits a shorter form, or has its highest bit set.
    LengthForm {
        /// The length as declared, in bytes.
        bytes: u64,
    },
    /// A control frame that is a fragment.
    ControlFragmented,
    /// A control frame past [`CONTROL_BYTES_MAX`].
    ControlTooLong,
    /// A continuation frame while no message is under way.
    ContinuationWithoutStart,
    /// A new message while a fragmented one is under way.
    StartWithinMessage,
    /// A message past its limit ([`MESSAGE_BYTES_MAX`] but for an echo), judged by its declared length,
    /// or by what a compressed one has grown to.
    MessageTooBig {
        /// Bytes of the message so far, the declared frame included.
        bytes: u64,
        /// Most that a message of this connection may have.
        limit: usize,
    },
    /// A compressed message that is not one: no DEFLATE, cut off, or something behind its end.
    PackedInvalid,
    /// A text message that is not UTF-8.
    TextNotUtf8,
    /// A close frame with a body of one byte.
    CloseBodyCut,
    /// A close frame with a code that may not be sent.
    CloseCodeInvalid {
        /// The offending code.
        code: u16,
    },
    /// A close frame whose reason is not UTF-8.
    CloseReasonNotUtf8,
    /// Bytes went on arriving while the reader was paused.
    BacklogFull {
        /// Bytes that would have to be kept.
        bytes: usize,
    },
}

impl FrameFault {
    /// The close code to answer with.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits { .. }
            | Self::UnknownOpcode { .. }
            | Self::MaskMissing
            | Self::MaskForbidden
            | Self::LengthForm { .. }
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::ContinuationWithoutStart
            | Self::StartWithinMessage
            | Self::CloseBodyCut
            | Self::CloseCodeInvalid { .. } => CloseCode::ProtocolError,
            Self::PackedInvalid | Self::TextNotUtf8 | Self::CloseReasonNotUtf8 => {
                CloseCode::InvalidPayload
            }
            Self::MessageTooBig { .. } => CloseCode::MessageTooBig,
            Self::BacklogFull { .. } => CloseCode::PolicyViolation,
        }
    }

    /// A fixed sentence for the close frame, at most 123 bytes.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ReservedBits { .. } => "reserved bits are set that were not agreed",
            Self::UnknownOpcode { .. } => "reserved opcode",
            Self::MaskMissing => "frames of a client must be masked",
            Self::MaskForbidden => "frames of a server must not be masked",
            Self::LengthForm { .. } => "the length is not in its shortest form",
            Self::ControlFragmented => "control frames must not be fragmented",
            Self::ControlTooLong => "control frames hold at most 125 bytes",
            Self::ContinuationWithoutStart => "continuation of no message",
            Self::StartWithinMessage => "a new message before the last one ended",
            Self::MessageTooBig { limit: MESSAGE_BYTES_MAX, .. } => {
                "messages hold at most 65536 bytes"
            }
            Self::MessageTooBig { .. } => "the message is longer than this socket takes",
            Self::PackedInvalid => "the compressed message is not one whole DEFLATE stream",
            Self::TextNotUtf8 => "text must be UTF-8",
            Self::CloseBodyCut => "a close body holds at least two bytes",
            Self::CloseCodeInvalid { .. } => "this close code must not be sent",
            Self::CloseReasonNotUtf8 => "a close reason must be UTF-8",
            Self::BacklogFull { .. } => "too much was sent before the last answers",
        }
    }
}

impl fmt::Display for FrameFault {
    /// The reason, with the offending value and the limit, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason();
        match *self {
            Self::ReservedBits { bits } => write!(f, "{reason}: {bits:#04x}"),
            Self::UnknownOpcode { opcode } => write!(f, "{reason}: {opcode:#03x}"),
            Self::LengthForm { bytes } => write!(f, "{reason}: {bytes}"),
            Self::MessageTooBig { bytes, limit } => {
                write!(f, "message of {bytes} bytes; limit {limit}")
            }
            Self::ControlTooLong => {
                write!(f, "control frame past its limit of {CONTROL_BYTES_MAX} bytes")
            }
            Self::CloseCodeInvalid { code } => write!(f, "{reason}: {code}"),
            Self::BacklogFull { bytes } => {
                write!(f, "{bytes} bytes waiting; limit {BACKLOG_BYTES_MAX}")
            }
            Self::MaskMissing
            | Self::MaskForbidden
            | Self::ControlFragmented
            | Self::ContinuationWithoutStart
            | Self::StartWithinMessage
            | Self::PackedInvalid
            | Self::TextNotUtf8
            | Self::CloseBodyCut
            | Self::CloseReasonNotUtf8 => f.write_str(reason),
        }
    }
}

impl core::error::Error for FrameFault {}
