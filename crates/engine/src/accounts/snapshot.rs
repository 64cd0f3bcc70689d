//! Accounts written down: their names, by id.

use super::{Account, Accounts};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::AccountId;

// Ids follow the order.
row!(Account { name } derived { id: AccountId(0) });

impl Accounts {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, names: _, max: _ } = self;
        out.put(&rows.len());
        for account in rows.iter() {
            account.encode_row(out);
        }
    }

    /// Reads the accounts into an empty table.
    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.max)? {
            let Account { name, id: _ } = Account::decode_row(from)?;
            from.agree(self.by_name(name.as_bytes()).is_none(), "two accounts of one name")?;
            self.add(name);
        }
        Ok(())
    }
}
