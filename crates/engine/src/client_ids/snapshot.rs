//! Client order ids of closed orders written down, oldest close first.

use super::{ClientIds, Closed, EMPTY};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::event::OrderState;

row!(Closed {
    order_id,
    first_seq,
    filled_lots,
    body,
    account,
    instrument,
    client_order_id,
    state,
});

impl ClientIds {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            // Read in the order of their closing, which makes the lists again.
            closed: _,
            links: _,
            by_time: _,
            by_account: _,
            // Made of them; what is leaving has been forgotten.
            index: _,
            leaving: _,
            // Limits.
            max: _,
            closed_per_account_max: _,
        } = self;
        out.put(&self.count());
        for closed in self.iter() {
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
            self.by_account.push(EMPTY);
        }
        for _ in 0..from.count(room)? {
            let closed = Closed::decode_row(from)?;
            let account = closed.account;
            from.agree((1..=account_count).contains(&account.0), "an id of no account")?;
            from.agree(closed.state != OrderState::Open, "a closed order that is open")?;
            from.agree(!closed.client_order_id.is_empty(), "an id without a letter")?;
            let hash = self.hash(account, &closed.client_order_id);
            let is_new = self.find(hash, account, &closed.client_order_id).is_none();
            from.agree(is_new, "an id that is remembered twice")?;
            let (_, count) = self.remember(&closed, hash);
            let fits = count <= self.closed_per_account_max;
            from.agree(fits, "more ids of an account than are remembered")?;
        }
        Ok(())
    }
}
