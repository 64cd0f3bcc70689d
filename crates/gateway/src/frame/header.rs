//! Frame headers (RFC 6455 section 5.2).

use super::fault::FrameFault;
use crate::limits::CONTROL_BYTES_MAX;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames, writes bare ones.
    Server,
    /// Reads bare frames, writes masked ones.
    Client,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// Close.
    Close = 0x8,
    /// Ping.
    Ping = 0x9,
    /// Pong.
    Pong = 0xA,
}

impl Opcode {
    /// The four bits on the wire.
    #[expect(
        clippy::as_conversions,
        reason = "repr(u8): the cast reads the number that is written above"
    )]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether frames of this kind may stand between the fragments of a message.
    pub const fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }

    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }
}

/// The first bit of a frame: the last fragment of its message.
pub(super) const FIN_BIT: u8 = 0x80;
/// The first bit of the second byte: a mask key follows the length.
pub(super) const MASK_BIT: u8 = 0x80;
/// In place of a length: two bytes of length follow.
pub(super) const LENGTH_IN_2: u8 = 126;
/// In place of a length: eight bytes of length follow.
pub(super) const LENGTH_IN_8: u8 = 127;

/// The first reserved bit: where that was agreed, the message is compressed (RFC 7692 section 6).
pub(super) const RSV1_BIT: u8 = 0x40;

const RESERVED_BITS: u8 = 0x70;

/// A header that obeys every rule which needs no knowledge of earlier frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// It begins a compressed message.
    pub(super) packed: bool,
    pub(super) mask: Option<[u8; 4]>,
    /// Bytes of the header itself, 2 to 14.
    pub(super) head_bytes: usize,
    /// Bytes of the payload, at most what the connection's messages may have.
    pub(super) payload_bytes: usize,
}

impl Header {
    /// Bytes of the whole frame.
    #[inline]
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "14 bytes and a message that fits in memory"
    )]
    pub(super) const fn frame_bytes(&self) -> usize {
        self.head_bytes + self.payload_bytes
    }

    /// Reads the header at the front of `bytes`; `None` while it is not whole.
    ///
    /// # Errors
    /// Whatever is wrong with it, as early as it can be seen.
    #[inline]
    pub(super) fn parse(
        bytes: &[u8],
        role: Role,
        message_bytes_max: usize,
        deflates: bool,
    ) -> Result<Option<Self>, FrameFault> {
        let Some((&[first, second], after)) = bytes.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let (fin, opcode, packed) = first_byte(first, deflates)?;
        let masked = mask_rule(second, role)?;
        let short_bytes = second & !MASK_BIT;
        if opcode.is_control() {
            control_rules(fin, short_bytes)?;
        }
        let Some((payload_bytes, length_bytes)) = length(short_bytes, after, message_bytes_max)?
        else {
            return Ok(None);
        };
        let (mask, mask_bytes) = if masked {
            let Some(key) = after.get(length_bytes..).and_then(<[u8]>::first_chunk) else {
                return Ok(None);
            };
            (Some(*key), 4)
        } else {
            (None, 0)
        };
        #[expect(clippy::arithmetic_side_effects, reason = "2 + 8 + 4 at most")]
        let head_bytes = 2 + length_bytes + mask_bytes;
        Ok(Some(Self { fin, opcode, packed, mask, head_bytes, payload_bytes }))
    }
}

#[inline]
fn first_byte(first: u8, deflates: bool) -> Result<(bool, Opcode, bool), FrameFault> {
    let reserved = first & RESERVED_BITS;
    if reserved != 0 {
        reserved_rule(first, reserved, deflates)?;
    }
    let bits = first & 0x0F;
    let opcode = Opcode::from_bits(bits).ok_or(FrameFault::UnknownOpcode { opcode: bits })?;
    Ok((first & FIN_BIT != 0, opcode, reserved != 0))
}

/// RSV1 may stand on the first frame of a data message, if that was agreed; no other bit may.
#[cold]
fn reserved_rule(first: u8, reserved: u8, deflates: bool) -> Result<(), FrameFault> {
    let begins = matches!(Opcode::from_bits(first & 0x0F), Some(Opcode::Text | Opcode::Binary));
    if deflates && begins && reserved == RSV1_BIT {
        Ok(())
    } else {
        Err(FrameFault::ReservedBits { bits: reserved })
    }
}

#[inline]
fn mask_rule(second: u8, role: Role) -> Result<bool, FrameFault> {
    match (role, second & MASK_BIT != 0) {
        (Role::Server, true) => Ok(true),
        (Role::Client, false) => Ok(false),
        (Role::Server, false) => Err(FrameFault::MaskMissing),
        (Role::Client, true) => Err(FrameFault::MaskForbidden),
    }
}

#[inline]
fn control_rules(fin: bool, short_bytes: u8) -> Result<(), FrameFault> {
    if !fin {
        return Err(FrameFault::ControlFragmented);
    }
    if usize::from(short_bytes) > CONTROL_BYTES_MAX {
        return Err(FrameFault::ControlTooLong);
    }
    Ok(())
}

/// The payload's length and how many bytes after the second one it took; `None` while it is not
/// whole.
#[inline]
fn length(
    short_bytes: u8,
    after: &[u8],
    message_bytes_max: usize,
) -> Result<Option<(usize, usize)>, FrameFault> {
    match short_bytes {
        LENGTH_IN_2 => {
            let Some(field) = after.first_chunk::<2>() else { return Ok(None) };
            let bytes = u16::from_be_bytes(*field);
            if bytes < u16::from(LENGTH_IN_2) {
                return Err(FrameFault::LengthForm { bytes: u64::from(bytes) });
            }
            Ok(Some((usize::from(bytes), 2)))
        }
        LENGTH_IN_8 => {
            let Some(field) = after.first_chunk::<8>() else { return Ok(None) };
            let bytes = u64::from_be_bytes(*field);
            if u16::try_from(bytes).is_ok() || bytes > i64::MAX.unsigned_abs() {
                return Err(FrameFault::LengthForm { bytes });
            }
            match usize::try_from(bytes) {
                Ok(payload_bytes) if payload_bytes <= message_bytes_max => {
                    Ok(Some((payload_bytes, 8)))
                }
                _ => Err(FrameFault::MessageTooBig { bytes, limit: message_bytes_max }),
            }
        }
        _ => Ok(Some((usize::from(short_bytes), 0))),
    }
}
