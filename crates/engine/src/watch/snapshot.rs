//! What is watched of an instrument, written down: where its prices have been. Who watches follows
//! from the orders and the lists.

use super::{Range, Watch, Watched};
use crate::engine::Engine;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use crate::terms::Wait;

row!(Range { low_ticks, high_ticks });

impl Watch {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            last,
            mark,
            // Follow from the orders and the lists.
            trailing: _,
            pegs: _,
            // Seen again at the next look, which finds nothing to do either.
            followed: _,
            due_lists: _,
            watchers: _,
            unsettled,
        } = self;
        for Watched { stops: _, touched, trailed } in [last, mark] {
            touched.encode_row(out);
            trailed.encode_row(out);
        }
        out.put(unsettled);
    }

    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        for watched in [&mut self.last, &mut self.mark] {
            watched.touched = Range::decode_row(from)?;
            watched.trailed = Range::decode_row(from)?;
        }
        self.unsettled = from.get()?;
        Ok(())
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "a count of instruments")]
impl Engine {
    /// Lets live orders be watched again, whose terms say by whom.
    pub(crate) fn watch_again(&mut self) {
        for place in self.orders.just_read() {
            let Some(terms) = self.orders.terms_at(place).copied() else { continue };
            if terms.expire_ns != 0 {
                self.set_expiry(terms.expire_ns, self.orders.at(place).id, place);
            }
            if terms.asked.is_pegged() {
                self.add_peg(place);
            }
            if terms.wait == Wait::Trigger {
                self.post_up(place);
            }
        }
        let unsettled = self.instruments.iter().filter(|listing| listing.watch.unsettled).count();
        self.attention.unsettled += u32::try_from(unsettled).unwrap_or(u32::MAX);
    }
}
