//! Accounts written down: their names, by id.

use super::{Account, Accounts, Membership};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::AccountId;

// Ids follow the order.
row!(Account { name } derived { id: AccountId(0) });
row!(Membership { group, trade_group });

impl Accounts {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, memberships, names: _, max: _ } = self;
        out.put(&rows.len());
        for (account, membership) in rows.iter().zip(memberships.iter()) {
            account.encode_row(out);
            membership.encode_row(out);
        }
    }

    /// Reads the accounts into an empty table; of the groups there are `group_count`.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        group_count: u32,
    ) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.max)? {
            let Account { name, id: _ } = Account::decode_row(from)?;
            from.agree(self.by_name(name.as_bytes()).is_none(), "two accounts of one name")?;
            let id = self.add(name);
            let membership = Membership::decode_row(from)?;
            from.agree(membership.group.0 <= group_count, "an account of no group")?;
            self.set_membership(id, membership);
        }
        Ok(())
    }
}
