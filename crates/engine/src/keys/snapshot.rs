//! Keys written down, by index.

use super::{Key, Keys};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::KeyIndex;

// Indexes follow the order.
row!(Key { key_id, account, public_key, permissions } derived { index: KeyIndex(0) });

impl Keys {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, rights: _, names: _, max: _ } = self;
        out.put(&rows.len());
        for key in rows.iter() {
            key.encode_row(out);
        }
    }

    /// Reads the keys into an empty table.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        account_count: u32,
    ) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.max)? {
            let key = Key::decode_row(from)?;
            from.agree((1..=account_count).contains(&key.account.0), "a key of no account")?;
            from.agree(self.by_key_id(key.key_id.as_bytes()).is_none(), "two keys of one name")?;
            self.add(key);
        }
        Ok(())
    }
}
