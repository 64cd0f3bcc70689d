//! Client order ids of closed orders written down, by account, of each the first closed first.

use super::{ClientIds, Closed};
use crate::closed_window::Window;
use crate::hash_index::KeyHash;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::AccountId;
use coulisse_types::codec::{Field, Reader, Writer};
use coulisse_types::event::OrderState;

row!(Closed { hash, order, first_seq, filled_lots, asked });

impl Field for KeyHash {
    const TYPE: &'static str = "hash";

    const BYTES_MAX: usize = u64::BYTES_MAX;

    fn put(&self, out: &mut Writer<'_>) {
        self.bits().put(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Field::decode(reader).map(Self::from_bits)
    }
}

impl ClientIds {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            closed: _,
            by_account,
            count,
            // Limits, and what the genesis says.
            max: _,
            closed_per_account_max: _,
            seed: _,
        } = self;
        out.put(count);
        for window in by_account.iter() {
            out.put(&window.count());
        }
        for (_, closed) in self.iter() {
            closed.encode_row(out);
        }
    }

    /// Reads the ids into an empty table. Live orders leave `room` for them.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        account_count: u32,
        room: u32,
    ) -> Result<(), SnapshotError> {
        for _ in 0..account_count {
            self.by_account.push(Window::default());
        }
        let count = from.count(room)?;
        let mut counts = alloc::vec::Vec::new();
        let mut sum = 0_u32;
        for _ in 0..account_count {
            let one = from.count(self.closed_per_account_max)?;
            sum = sum.saturating_add(one);
            counts.push(one);
        }
        from.agree(sum == count, "ids of closed orders that do not add up")?;
        for (account, count) in (1..).map(AccountId).zip(counts) {
            for _ in 0..count {
                let closed = Closed::decode_row(from)?;
                from.agree(closed.state() != OrderState::Open, "a closed order that is open")?;
                let is_new = self.find(account, closed.hash).is_none();
                from.agree(is_new, "an id that is remembered twice")?;
                self.remember(account, closed);
            }
        }
        Ok(())
    }
}
