//! Keys written down, by index, each with its nonces.

use super::{Key, Keys};
use crate::nonces::Nonces;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::KeyIndex;

// Indexes follow the order.
row!(Key {
    key_id,
    account,
    scheme,
    material,
    permissions,
    label,
    expire_ns,
    state,
    accounts,
    instruments,
    networks,
} derived { index: KeyIndex(0) });

impl Keys {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, rights: _, nonces, names: _, max: _ } = self;
        out.put(&rows.len());
        for (key, nonces) in rows.iter().zip(nonces.iter()) {
            key.encode_row(out);
            let Nonces { highest, used } = nonces;
            out.put(highest);
            if *highest != 0 {
                for word in used {
                    out.put(word);
                }
            }
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
            let index = self.add(&key);
            let mut nonces = Nonces { highest: from.get()?, ..Nonces::default() };
            if nonces.highest != 0 {
                for word in &mut nonces.used {
                    *word = from.get()?;
                }
            }
            *self.nonces_mut(index) = nonces;
        }
        Ok(())
    }
}
