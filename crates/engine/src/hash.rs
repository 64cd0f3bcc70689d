//! The event hash: a running XXH3-128 over everything that was ever said.
//!
//! Cost: one pass over the events' bytes, in a buffer that is used again.

use alloc::vec::Vec;
use coulisse_types::codec::Field;
use coulisse_types::{Event, Seq};
use xxhash_rust::xxh3::xxh3_128;

mod snapshot;

/// Room for the events of an ordinary command.
const BUFFER_BYTES: usize = 8_192;

/// The hash so far.
#[derive(Clone, Debug)]
pub(crate) struct EventHash {
    hash: u128,
    buffer: Vec<u8>,
}

impl EventHash {
    /// The hash before the first record.
    pub(crate) fn new() -> Self {
        Self { hash: 0, buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    /// Takes in the events of one record.
    #[inline]
    pub(crate) fn advance(&mut self, seq: Seq, events: &[Event]) {
        self.buffer.clear();
        self.hash.encode(&mut self.buffer);
        seq.encode(&mut self.buffer);
        for event in events {
            event.kind().number().encode(&mut self.buffer);
            event.encode_body(&mut self.buffer);
        }
        self.hash = xxh3_128(&self.buffer);
    }

    /// The hash's bytes, little-endian.
    pub(crate) const fn bytes(&self) -> [u8; 16] {
        self.hash.to_le_bytes()
    }
}
