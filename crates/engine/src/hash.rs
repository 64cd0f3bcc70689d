//! The event hash: a running XXH3-128 over everything that was ever said.
//!
//! Cost: one pass over the events' bytes, in a buffer that is used again.

use alloc::vec;
use alloc::vec::Vec;
use coulisse_types::codec::{Field, Writer};
use coulisse_types::{Event, Seq};
use xxhash_rust::xxh3::xxh3_128;

/// Room for the events of an ordinary command; it grows for those that are not.
const BUFFER_BYTES: usize = 8_192;
/// Old hash and seq.
const HEAD_BYTES: usize = <u128 as Field>::BYTES_MAX + Seq::BYTES_MAX;
/// The most that one event adds.
const EVENT_BYTES_MAX: usize = <u16 as Field>::BYTES_MAX + Event::BYTES_MAX;

/// The hash so far.
#[derive(Clone, Debug)]
pub(crate) struct EventHash {
    hash: u128,
    buffer: Vec<u8>,
}

impl EventHash {
    /// The hash before the first record.
    pub(crate) fn new() -> Self {
        Self { hash: 0, buffer: vec![0; BUFFER_BYTES] }
    }

    /// Takes in the events of one record.
    #[inline]
    pub(crate) fn advance(&mut self, seq: Seq, events: &[Event]) {
        let most = events.len().saturating_mul(EVENT_BYTES_MAX).saturating_add(HEAD_BYTES);
        if self.buffer.len() < most {
            self.buffer.resize(most, 0);
        }
        let mut writer = Writer::new(&mut self.buffer);
        self.hash.put(&mut writer);
        seq.put(&mut writer);
        for event in events {
            event.kind().number().put(&mut writer);
            event.put_body(&mut writer);
        }
        let left = writer.left();
        let written = self.buffer.len().saturating_sub(left);
        self.hash = xxh3_128(self.buffer.get(..written).unwrap_or_default());
    }

    /// The hash's bytes, little-endian.
    pub(crate) const fn bytes(&self) -> [u8; 16] {
        self.hash.to_le_bytes()
    }
}
