//! Close codes and the body of a close frame (RFC 6455 sections 5.5.1 and 7.4).

use super::fault::FrameFault;

/// The codes this gateway sends. A peer's code may be any valid `u16`; see [`Close::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// 1000: the purpose is fulfilled.
    Normal = 1000,
    /// 1001: the node is stopping, or the page was left.
    GoingAway = 1001,
    /// 1002: the peer broke the framing.
    ProtocolError = 1002,
    /// 1003: a kind of message that is not accepted here (binary, for instance).
    Unsupported = 1003,
    /// 1007: text that is not UTF-8.
    InvalidPayload = 1007,
    /// 1008: a rule of ours, with no code of its own.
    PolicyViolation = 1008,
    /// 1009: a message past [`crate::limits::MESSAGE_BYTES_MAX`].
    MessageTooBig = 1009,
    /// 1011: a fault on our side.
    InternalError = 1011,
    /// 1012: the node restarts; connect again.
    ServiceRestart = 1012,
    /// 1013: overloaded; connect again later.
    TryAgainLater = 1013,
}

impl CloseCode {
    /// The number on the wire.
    #[expect(
        clippy::as_conversions,
        reason = "repr(u16): the cast reads the number that is written above"
    )]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// What a peer said in its close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    code: Option<u16>,
    reason: &'a str,
}

impl<'a> Close<'a> {
    /// The peer's code: 1000 to 4999 without the reserved ones; `None` where it sent none.
    pub const fn code(&self) -> Option<u16> {
        self.code
    }

    /// The peer's reason, at most 123 bytes; often empty. Written by a stranger: escape it in logs.
    pub const fn reason(&self) -> &'a str {
        self.reason
    }

    /// Reads the unmasked payload of a close frame.
    ///
    /// # Errors
    /// A body of one byte, a code that may not be sent, or a reason that is not UTF-8.
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, FrameFault> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return if payload.is_empty() {
                Ok(Self { code: None, reason: "" })
            } else {
                Err(FrameFault::CloseBodyCut)
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_be_sent(code) {
            return Err(FrameFault::CloseCodeInvalid { code });
        }
        let reason = core::str::from_utf8(reason).map_err(|_| FrameFault::CloseReasonNotUtf8)?;
        Ok(Self { code: Some(code), reason })
    }
}

/// Whether `code` may stand in a close frame: registered by IANA and not reserved for local use
/// (1004, 1005, 1006, 1015), or from the ranges of libraries (3000s) and applications (4000s).
const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
