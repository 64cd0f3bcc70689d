//! Look-up of closed client order ids: a table far larger than the processor's caches.
//!
//! What is to go into the table waits in a short list, so that its cache misses come together and
//! overlap, instead of one with each order that closes.
//!
//! Invariant: each id is in the list or in the table.

use crate::hash_index::{HashIndex, KeyHash};
use alloc::vec::Vec;

/// Ids that wait before they go into the table together.
const WAITING_MAX: usize = 32;

/// The index.
#[derive(Clone, Debug)]
pub(crate) struct ClosedIndex {
    waiting: Vec<(KeyHash, u32)>,
    table: HashIndex,
}

impl ClosedIndex {
    pub(crate) fn new(ids_max: u32, seed: u64) -> Self {
        let waiting = Vec::with_capacity(WAITING_MAX);
        Self { waiting, table: HashIndex::full_size(ids_max, seed) }
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        self.table.hash(key)
    }

    /// The place of the key, which `is_key` recognises.
    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, is_key: impl Fn(u32) -> bool) -> Option<u32> {
        let mut waiting = self.waiting.iter();
        let waits = waiting.find(|(other, place)| *other == hash && is_key(*place));
        waits.map(|(_, place)| *place).or_else(|| self.table.find(hash, is_key))
    }

    /// Reads where a search for the key begins; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, hash: KeyHash) -> u64 {
        self.table.peek(hash)
    }

    /// Puts in a key that is not there.
    #[inline]
    pub(crate) fn add(&mut self, hash: KeyHash, place: u32) {
        self.waiting.push((hash, place));
        if self.waiting.len() == WAITING_MAX {
            self.flush();
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        // A first pass that only reads has all its cache misses under way at once.
        let read = self.waiting.iter().fold(0, |read, (hash, _)| read ^ self.peek(*hash));
        core::hint::black_box(read);
        for (hash, place) in self.waiting.drain(..) {
            self.table.add(hash, place);
        }
    }

    /// Takes out a key that is there.
    pub(crate) fn remove(&mut self, hash: KeyHash, place: u32) {
        match self.waiting.iter().position(|(_, other)| *other == place) {
            Some(waits) => {
                self.waiting.swap_remove(waits);
            }
            None => self.table.remove(hash, place),
        }
    }
}
