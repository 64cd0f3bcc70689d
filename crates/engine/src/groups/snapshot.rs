//! Groups written down: their names, by id.

use super::{Group, Groups};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::GroupId;

// Ids follow the order.
row!(Group { name } derived { id: GroupId(0) });

impl Groups {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, names: _, max: _ } = self;
        out.put(&rows.len());
        for group in rows.iter() {
            group.encode_row(out);
        }
    }

    /// Reads the groups into an empty table.
    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.max)? {
            let Group { name, id: _ } = Group::decode_row(from)?;
            from.agree(self.by_name(name.as_bytes()).is_none(), "two groups of one name")?;
            self.add(name);
        }
        Ok(())
    }
}
