//! Who owns money: names to ids, and the groups that accounts are in.

use crate::hash_index::HashIndex;
use crate::paged::Paged;
use coulisse_types::{AccountId, AccountName, GroupId};

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
}

/// The groups that an account is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The group whose limits bind it; 0 for none.
    pub group: GroupId,
    /// Accounts with the same number, not 0, are one for self-trade prevention.
    pub trade_group: u32,
}

/// All accounts.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    rows: Paged<Account, 1_024>,
    /// Apart from the names: looked at with every order.
    memberships: Paged<Membership, 1_024>,
    names: HashIndex,
    max: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "ids are from 1 and follow the number of accounts, below max"
)]
impl Accounts {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self {
            rows: Paged::new(max),
            memberships: Paged::new(max),
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

    /// The groups of an account that exists.
    #[inline]
    pub(crate) fn membership(&self, id: AccountId) -> Membership {
        *self.memberships.at(id.0 - 1)
    }

    /// Puts an account that exists into groups.
    pub(crate) fn set_membership(&mut self, id: AccountId, membership: Membership) {
        *self.memberships.at_mut(id.0 - 1) = membership;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.rows.iter()
    }

    pub(crate) fn add(&mut self, name: AccountName) -> AccountId {
        let id = AccountId(self.rows.len() + 1);
        let place = self.rows.push(Account { id, name });
        self.memberships.push(Membership::default());
        self.names.add(self.names.hash(name.as_bytes()), place);
        id
    }
}
