//! Look-up by a keyed hash: from bytes that clients choose to a place in the caller's array.
//!
//! Invariant: never iterated, so no order depends on a hash. The seed is drawn at genesis and
//! logged: nobody outside can aim for collisions, and every replica has the same table.

use coulisse_book::IdTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The table. Which keys it holds is known to the caller's array alone.
#[derive(Clone, Debug)]
pub(crate) struct HashIndex {
    table: IdTable,
    seed: u64,
}

/// A key's hash, computed once and used for look-up and insertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    /// The hash of a key.
    #[inline]
    pub(crate) fn of(key: &[u8], seed: u64) -> Self {
        Self(xxh3_64_with_seed(key, seed))
    }

    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl HashIndex {
    /// A table for at most `keys_max` keys, which starts small.
    pub(crate) fn new(keys_max: u32, seed: u64) -> Self {
        Self { table: IdTable::new(keys_max), seed }
    }

    /// Makes room for `keys` keys at once.
    pub(crate) fn reserve(&mut self, keys: u32) {
        self.table.reserve(keys);
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash::of(key, self.seed)
    }

    /// The place of the key, which `is_key` recognises.
    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, is_key: impl Fn(u32) -> bool) -> Option<u32> {
        // The table compares ids; two keys with one hash must not look alike.
        self.table.get(hash.0, |place| if is_key(place) { hash.0 } else { !hash.0 })
    }

    /// Reads where a search for the key begins; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, hash: KeyHash) -> u64 {
        self.table.peek(hash.0)
    }

    /// Puts in a key that is not there.
    #[inline]
    pub(crate) fn add(&mut self, hash: KeyHash, place: u32) {
        if let Ok(vacancy) = self.table.vacancy(hash.0, |_| !hash.0) {
            self.table.fill(vacancy, place);
        }
    }

    /// Takes out a key that is there.
    #[inline]
    pub(crate) fn remove(&mut self, hash: KeyHash, place: u32) {
        self.table.remove(hash.0, place);
    }
}
