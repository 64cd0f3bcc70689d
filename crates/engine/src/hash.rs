//! The event hash: a running XXH3-128 over everything that was ever said.
//!
//! Cost: one pass over the events' bytes, in a buffer that is used again. They are hashed when the next
//! record's come, or somebody asks: read at once they would wait for the stores that wrote them.

use alloc::vec;
use alloc::vec::Vec;
use coulisse_types::codec::{Field, Writer};
use coulisse_types::{Event, Seq};
use xxhash_rust::xxh3::xxh3_128;

mod snapshot;

/// Room for the events of an ordinary command; it grows for those that are not.
const BUFFER_BYTES: usize = 8_192;
/// Old hash and seq.
const HEAD_BYTES: usize = <u128 as Field>::BYTES_MAX + Seq::BYTES_MAX;
/// The most that one event adds.
const EVENT_BYTES_MAX: usize = <u16 as Field>::BYTES_MAX + Event::BYTES_MAX;

/// The hash so far.
#[derive(Clone, Debug)]
pub(crate) struct EventHash {
    /// Without the last record's events, where they are not hashed yet.
    hash: u128,
    /// The old hash, and what is to be hashed behind it.
    buffer: Vec<u8>,
    /// How many bytes of the buffer are not hashed yet.
    unhashed: usize,
}

impl EventHash {
    /// The hash before the first record.
    pub(crate) fn new() -> Self {
        Self { hash: 0, buffer: vec![0; BUFFER_BYTES], unhashed: 0 }
    }

    /// Takes in the events of one record.
    #[inline]
    pub(crate) fn advance(&mut self, seq: Seq, events: &[Event]) {
        self.hash = self.now();
        let most = events.len().saturating_mul(EVENT_BYTES_MAX).saturating_add(HEAD_BYTES);
        if self.buffer.len() < most {
            self.buffer.resize(most, 0);
        }
        let mut writer = Writer::new(&mut self.buffer);
        self.hash.put(&mut writer);
        seq.put(&mut writer);
        for event in events {
            event.put_numbered(&mut writer);
        }
        let left = writer.left();
        self.unhashed = self.buffer.len().saturating_sub(left);
    }

    /// The hash over all records so far.
    #[inline]
    fn now(&self) -> u128 {
        match self.buffer.get(..self.unhashed) {
            None | Some([]) => self.hash,
            Some(unhashed) => xxh3_128(unhashed),
        }
    }

    /// The same, its bytes, little-endian.
    pub(crate) fn bytes(&self) -> [u8; 16] {
        self.now().to_le_bytes()
    }
}
