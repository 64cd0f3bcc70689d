//! Who owns money: names to ids.

use crate::hash_index::HashIndex;
use crate::paged::Paged;
use coulisse_types::{AccountId, AccountName};

mod snapshot;

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
}

/// All accounts.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    rows: Paged<Account, 1_024>,
    names: HashIndex,
    max: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "ids follow the number of accounts, below max")]
impl Accounts {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self { rows: Paged::new(max), names: HashIndex::new(max, seed), max }
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

    #[inline]
    pub(crate) const fn exists(&self, id: AccountId) -> bool {
        id.0 != 0 && id.0 <= self.rows.len()
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<&Account> {
        self.rows.get(id.0.checked_sub(1)?)
    }

    pub(crate) fn by_name(&self, name: &[u8]) -> Option<AccountId> {
        let is_name = |place| self.rows.at(place).name.as_bytes() == name;
        self.names.find(self.names.hash(name), is_name).map(|place| AccountId(place + 1))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.rows.iter()
    }

    pub(crate) fn add(&mut self, name: AccountName) -> AccountId {
        let id = AccountId(self.rows.len() + 1);
        let place = self.rows.push(Account { id, name });
        self.names.add(self.names.hash(name.as_bytes()), place);
        id
    }
}
