//! Who may act for an account: Ed25519 public keys with their permissions.

use crate::hash_index::HashIndex;
use crate::paged::Paged;
use coulisse_types::{AccountId, KeyId, KeyIndex};

mod snapshot;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its index, as records name it.
    pub index: KeyIndex,
    /// Its public name.
    pub key_id: KeyId,
    /// The account it acts for.
    pub account: AccountId,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
    /// Bits: 1 read, 2 trade, 4 withdraw, 8 admin.
    pub permissions: u8,
}

/// For whom a key may do what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(crate) account: AccountId,
    pub(crate) permissions: u8,
}

/// All keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    rows: Paged<Key, 1_024>,
    /// What a command asks of a key, apart from the rest of it.
    rights: Paged<Rights, 1_024>,
    names: HashIndex,
    max: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "indexes follow the number of keys, below max")]
impl Keys {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self {
            rows: Paged::new(max),
            rights: Paged::new(max),
            names: HashIndex::new(max, seed),
            max,
        }
    }

    pub(crate) const fn count(&self) -> u32 {
        self.rows.len()
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.rows.len() >= self.max
    }

    pub(crate) fn get(&self, index: KeyIndex) -> Option<&Key> {
        self.rows.get(index.0.checked_sub(1)?)
    }

    /// What a key may do.
    #[inline]
    pub(crate) fn rights(&self, index: KeyIndex) -> Option<Rights> {
        self.rights.get(index.0.checked_sub(1)?).copied()
    }

    pub(crate) fn by_key_id(&self, key_id: &[u8]) -> Option<&Key> {
        let is_key_id = |place| self.rows.at(place).key_id.as_bytes() == key_id;
        self.names.find(self.names.hash(key_id), is_key_id).map(|place| self.rows.at(place))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.rows.iter()
    }

    /// Adds a key under the next index, whatever its own says.
    pub(crate) fn add(&mut self, key: Key) -> KeyIndex {
        let index = KeyIndex(self.rows.len() + 1);
        let place = self.rows.push(Key { index, ..key });
        self.rights.push(Rights { account: key.account, permissions: key.permissions });
        self.names.add(self.names.hash(key.key_id.as_bytes()), place);
        index
    }
}
