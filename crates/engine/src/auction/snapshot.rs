//! What an instrument knows of its auctions, written down.

use super::{Auction, Uncross};
use crate::engine::Engine;
use crate::forest::Forest;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};
use crate::terms::Wait;
use coulisse_types::OrderType;

impl Auction {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            until_ns,
            start_ns,
            end_ns,
            is_begun,
            is_changed,
            uncross,
            // Follows from the orders.
            market_orders: _,
            // Of one command.
            noted: _,
        } = self;
        out.put(until_ns);
        out.put(start_ns);
        out.put(end_ns);
        out.put(is_begun);
        out.put(is_changed);
        out.put(&uncross.is_some());
        if let Some(Uncross { price_ticks, left_lots, then: (state, reason) }) = uncross {
            out.put(price_ticks);
            out.put(left_lots);
            out.put(state);
            out.put(reason);
        }
    }

    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        self.until_ns = from.get()?;
        self.start_ns = from.get()?;
        self.end_ns = from.get()?;
        self.is_begun = from.get()?;
        self.is_changed = from.get()?;
        if from.get()? {
            self.uncross = Some(Uncross {
                price_ticks: from.get()?,
                left_lots: from.get()?,
                then: (from.get()?, from.get()?),
            });
        }
        Ok(())
    }
}

impl Engine {
    /// Lets auctions know their market orders again, and ticks when they are due.
    pub(crate) fn call_again(&mut self) {
        for place in self.orders.just_read() {
            let order = *self.orders.at(place);
            let waits = self.orders.terms_at(place).is_some_and(|terms| terms.wait != Wait::No);
            if order.order_type == OrderType::Market && !waits {
                let Self { instruments, forest, .. } = self;
                let auction = &mut instruments.at_mut(order.instrument).auction;
                Forest::insert(forest, &mut auction.market_orders, (0, order.id.0), place);
            }
        }
        (self.attention.calls, self.next_auction_ns) = self.count_auctions();
    }
}
