//! A record's header: who asked for a command, where it came in, and where it stands in the log.
//!
//! Layout, little-endian, 80 bytes, then the body of the command:
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | length of the whole record |
//! | 4 | 4 | CRC-32C of bytes 8.. |
//! | 8 | 2 | schema version |
//! | 10 | 2 | kind: the command's number |
//! | 12 | 2 | origin node |
//! | 14 | 2 | origin index: place in its batch |
//! | 16 | 8 | seq |
//! | 24 | 8 | time, ns since the epoch |
//! | 32 | 8 | origin batch |
//! | 40 | 4 | origin incarnation |
//! | 44 | 4 | account |
//! | 48 | 4 | key |
//! | 52 | 4 | reserved, 0 |
//! | 56 | 8 | session; or, with bit 63 set, the nonce of a signed request |
//! | 64 | 16 | request id |

use crate::ids::{AccountId, KeyIndex, RequestId, Seq};

/// Bytes of a record before its body.
pub const HEADER_BYTES: usize = 80;
/// The schema version of records; 0 until the formats are frozen.
pub const SCHEMA_VERSION: u16 = 0;

/// Set in a header's session where that is a nonce.
pub const NONCE_BIT: u64 = 1 << 63;

/// Where a record came in: a reply finds its session by this, never by call order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The node that took it.
    pub node: u16,
    /// Which start of that node.
    pub incarnation: u32,
    /// The batch of that incarnation, from 1.
    pub batch: u64,
    /// The place in the batch, from 0.
    pub index: u16,
}

/// What stands before the body of a command in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordHeader {
    /// Position in the log.
    pub seq: Seq,
    /// When the log took it, in ns since the epoch. The only time the core knows.
    pub time_ns: i64,
    /// Where it came in.
    pub origin: Origin,
    /// For whom; 0 for none.
    pub account: AccountId,
    /// By which key; 0 is the node itself.
    pub key: KeyIndex,
    /// The gateway's session; 0 for none. With [`NONCE_BIT`] it is the nonce of a request that was
    /// signed on its own, and there is no session.
    pub session: u64,
    /// The client's idempotency id for what is not an order; 0 for none.
    pub request_id: RequestId,
}

impl RecordHeader {
    /// The nonce of a request that was signed on its own.
    #[inline]
    pub const fn nonce(&self) -> Option<u64> {
        if self.session & NONCE_BIT == 0 { None } else { Some(self.session & !NONCE_BIT) }
    }
}
