//! Lists of what operators set: accounts, groups, limits, fee tiers.

use alloc::vec::Vec;

use coulisse_types::event::FeeTierChanged;
use coulisse_types::{AccountName, GroupId, LimitKind, Scope};

use super::answers::{Answer, Page, write_page, write_versioned_page};
use super::feed::{Item, write_limit};
use super::reply::separate;
use crate::instruments::InstrumentTable;

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its place among all, from 1.
    pub number: u32,
    /// Its name.
    pub name: AccountName,
    /// The group whose limits bind it; 0 for none.
    pub group: GroupId,
    /// Accounts with the same number, not 0, are one for self-trade prevention.
    pub trade_group: u32,
}

/// A limit that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRow {
    /// Whom it binds.
    pub scope: Scope,
    /// The id of that group or account; 0 for the firm.
    pub scope_id: u32,
    /// The name of that account; empty for a group and for the firm.
    pub account: AccountName,
    /// What it bounds.
    pub kind: LimitKind,
    /// The instrument or the asset that it is about; 0 where the kind has none.
    pub subject: u32,
    /// The bound, in the kind's unit.
    pub value: i128,
    /// For rates: how many at once.
    pub burst: u32,
}

impl LimitRow {
    /// Its place among all: ascending in the order of the list, and below 2^53.
    pub fn place(&self) -> u64 {
        let (scope, kind) = (u64::from(self.scope.number()), u64::from(self.kind.number()));
        let subject = u64::from(self.subject) & 0xFFFF;
        (scope << 48) | (u64::from(self.scope_id) << 24) | (kind << 16) | subject
    }

    /// The scope at a place or the next one: where a list goes on.
    pub fn scope_at(place: u64) -> (Scope, u32) {
        let number = u8::try_from(place >> 48).unwrap_or(u8::MAX);
        let scope = Scope::from_number(number).unwrap_or(Scope::Instrument);
        (scope, u32::try_from((place >> 24) & 0xFF_FFFF).unwrap_or(u32::MAX))
    }
}

/// Appends the reply to `accounts.get`.
pub fn write_accounts(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<AccountRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "accounts", page, |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.text("account", row.name.as_bytes());
            if let Some(group) = table.group(row.group) {
                item.text("group", group.as_bytes());
            }
            if row.trade_group != 0 {
                item.number("trade_group", row.trade_group.into());
            }
            item.close();
        }
    });
}

/// Appends the reply to `groups.get`.
pub fn write_groups(out: &mut Vec<u8>, answer: &Answer<'_>, page: &Page<(GroupId, AccountName)>) {
    write_page(out, answer, "groups", page, |out| {
        let mut first = true;
        for (_, name) in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.text("group", name.as_bytes());
            item.close();
        }
    });
}

/// Appends the reply to `limits.get`; `version` says how often a limit was set.
pub fn write_limits(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    (page, version): (&Page<LimitRow>, u32),
    table: &InstrumentTable,
) {
    write_versioned_page(out, answer, "limits", (page, Some(version)), |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.text("scope", row.scope.name().as_bytes());
            match (row.scope, table.group(GroupId(row.scope_id))) {
                (Scope::Account, _) => item.text("scope_id", row.account.as_bytes()),
                (Scope::Group, Some(name)) => item.text("scope_id", name.as_bytes()),
                _ => {}
            }
            write_limit(&mut item, (row.kind, row.subject), &[("limit", row.value)], table);
            if row.burst != 0 {
                item.number("burst", row.burst.into());
            }
            item.close();
        }
    });
}

/// Appends the reply to `fee_tiers.get`.
pub fn write_fee_tiers(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<FeeTierChanged>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "fee_tiers", page, |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.amount(row.asset, "threshold", row.threshold, table);
            item.number("tier", row.tier.into());
            item.rate("maker_fee", row.maker_fee.ppm().into());
            item.rate("taker_fee", row.taker_fee.ppm().into());
            item.close();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_limits_ascend_as_the_list_does_and_say_whose_they_are() {
        let row = |scope, scope_id, kind, subject| LimitRow {
            scope,
            scope_id,
            account: AccountName::default(),
            kind,
            subject,
            value: 1,
            burst: 0,
        };
        let (first, last) = (LimitKind::ALL[0], LimitKind::ALL[LimitKind::ALL.len() - 1]);
        let rows = [
            row(Scope::Firm, 0, first, 1),
            row(Scope::Firm, 0, last, 1_024),
            row(Scope::Group, 65_536, first, 0),
            row(Scope::Account, 1, first, 1_024),
            row(Scope::Account, 1_000_000, first, 0),
            row(Scope::Account, 1_000_000, last, 0),
        ];
        assert!(rows.windows(2).all(|two| two[0].place() < two[1].place()));
        for row in rows {
            assert!(row.place() < 1 << 53);
            assert_eq!(LimitRow::scope_at(row.place()), (row.scope, row.scope_id));
        }
    }
}
