//! Groups of accounts, and which account is in which: section 8 of the rules.

use crate::accounts::Membership;
use crate::engine::Engine;
use crate::hash_index::HashIndex;
use crate::paged::Paged;
use crate::reject::{Reject, ensure};
use coulisse_types::command::{AccountConfigure, GroupCreate};
use coulisse_types::event::{AccountConfigured, GroupCreated};
use coulisse_types::text::is_plain_name;
use coulisse_types::{AccountName, Event, Field, GroupId, RecordHeader, RejectCode};

/// A group of accounts, which limits, risk states and kill switches bind together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: AccountName,
}

/// All groups.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    rows: Paged<Group, 256>,
    names: HashIndex,
    max: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "ids follow the number of groups, below max")]
impl Groups {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self { rows: Paged::new(max), names: HashIndex::new(max, seed), max }
    }

    pub(crate) const fn count(&self) -> u32 {
        self.rows.len()
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    #[inline]
    pub(crate) const fn exists(&self, id: GroupId) -> bool {
        id.0 != 0 && id.0 <= self.rows.len()
    }

    pub(crate) fn get(&self, id: GroupId) -> Option<&Group> {
        self.rows.get(id.0.checked_sub(1)?)
    }

    pub(crate) fn by_name(&self, name: &[u8]) -> Option<GroupId> {
        let is_name = |place| self.rows.at(place).name.as_bytes() == name;
        self.names.find(self.names.hash(name), is_name).map(|place| GroupId(place + 1))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.rows.iter()
    }

    fn add(&mut self, name: AccountName) -> GroupId {
        let id = GroupId(self.rows.len() + 1);
        let place = self.rows.push(Group { id, name });
        self.names.add(self.names.hash(name.as_bytes()), place);
        id
    }
}

impl Engine {
    pub(crate) fn create_group(&mut self, body: &GroupCreate) -> Result<Event, Reject> {
        let GroupCreate { name } = *body;
        ensure(is_plain_name(name.as_bytes()), || {
            Reject::new(RejectCode::InvalidName, Field::Name)
        })?;
        if let Some(other) = self.groups.by_name(name.as_bytes()) {
            return Err(Reject::new(RejectCode::AlreadyExists, Field::Name).number(other.0));
        }
        ensure(self.groups.count() < self.groups.max(), || {
            Reject::table_full(Field::Count, self.groups.max())
        })?;
        let group = self.groups.add(name);
        Ok(Event::GroupCreated(GroupCreated { group, name }))
    }

    pub(crate) fn configure_account(
        &mut self,
        header: &RecordHeader,
        body: AccountConfigure,
    ) -> Result<Event, Reject> {
        let AccountConfigure { group, trade_group } = body;
        let account = header.account;
        ensure(group == GroupId(0) || self.groups.exists(group), || {
            Reject::new(RejectCode::UnknownGroup, Field::Group).number(group.0)
        })?;
        self.accounts.set_membership(account, Membership { group, trade_group });
        Ok(Event::AccountConfigured(AccountConfigured { account, group, trade_group }))
    }
}
