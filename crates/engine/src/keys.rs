//! Who may act for an account: keys, what they may do, what they are bound to, which nonces they used.
//! Sections 1 and 26 of the rules.

use crate::hash_index::HashIndex;
use crate::nonces::Nonces;
use crate::paged::Paged;
use coulisse_types::keys::{IdList, KeyLabel, KeyMaterial, NetworkList};
use coulisse_types::{AccountId, InstrumentId, KeyId, KeyIndex, KeyScheme, KeyState};

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
    /// How it is proved.
    pub scheme: KeyScheme,
    /// The Ed25519 public key, or the sealed HMAC secret.
    pub material: KeyMaterial,
    /// Bits: 1 read, 2 trade, 4 withdraw, 8 admin.
    pub permissions: u8,
    /// What it is for.
    pub label: KeyLabel,
    /// From when on it is refused, in ns since the epoch; 0 for never.
    pub expire_ns: i64,
    /// Whether it works at all.
    pub state: KeyState,
    /// The accounts that it may act for beside its own.
    pub accounts: IdList,
    /// The only instruments that it may trade; empty for all.
    pub instruments: IdList,
    /// The only networks that it may come from; empty for all.
    pub networks: NetworkList,
}

impl Key {
    /// An Ed25519 public key; zeros for a key of another scheme.
    pub fn public_key(&self) -> [u8; 32] {
        self.material.as_slice().try_into().unwrap_or_default()
    }

    /// Whether it may act for `account`, if it has no `admin`.
    pub fn is_of(&self, account: AccountId) -> bool {
        self.account == account || self.accounts.ids().any(|id| id == account.0)
    }

    /// Whether it may trade `instrument`.
    pub fn trades(&self, instrument: InstrumentId) -> bool {
        self.instruments.is_empty() || self.instruments.ids().any(|id| id == instrument.0)
    }
}

/// For whom a key may do what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(crate) account: AccountId,
    pub(crate) permissions: u8,
    /// It is not active, expires, or is bound to accounts or instruments: the rest must be looked at.
    pub(crate) is_special: bool,
}

/// All keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    rows: Paged<Key, 256>,
    /// What a command asks of most keys, apart from the rest of it.
    rights: Paged<Rights, 1_024>,
    nonces: Paged<Nonces, 256>,
    names: HashIndex,
    max: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "indexes follow the number of keys, below max")]
impl Keys {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self {
            rows: Paged::new(max),
            rights: Paged::new(max),
            nonces: Paged::new(max),
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

    /// The nonces of a key that exists.
    pub(crate) fn nonces(&self, index: KeyIndex) -> &Nonces {
        self.nonces.at(index.0 - 1)
    }

    /// The same, to be changed.
    pub(crate) fn nonces_mut(&mut self, index: KeyIndex) -> &mut Nonces {
        self.nonces.at_mut(index.0 - 1)
    }

    /// Adds a key under the next index, whatever its own says.
    pub(crate) fn add(&mut self, key: &Key) -> KeyIndex {
        let index = KeyIndex(self.rows.len() + 1);
        let place = self.rows.push(Key { index, ..*key });
        self.rights.push(rights_of(key));
        self.nonces.push(Nonces::default());
        self.names.add(self.names.hash(key.key_id.as_bytes()), place);
        index
    }

    /// Puts a changed key in the place of the one with its index.
    pub(crate) fn change(&mut self, key: &Key) {
        *self.rows.at_mut(key.index.0 - 1) = *key;
        *self.rights.at_mut(key.index.0 - 1) = rights_of(key);
    }
}

fn rights_of(key: &Key) -> Rights {
    let is_bound = !key.accounts.is_empty() || !key.instruments.is_empty();
    let is_special = is_bound || key.expire_ns != 0 || key.state != KeyState::Active;
    Rights { account: key.account, permissions: key.permissions, is_special }
}
