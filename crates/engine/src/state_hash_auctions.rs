//! The state hash of auctions: item 16a of section 7 of the rules.

use crate::engine::Engine;
use crate::state_hash::Hasher;
use coulisse_types::{StateReason, TradingState};

impl Engine {
    /// Item 16a. Cost: one step for each instrument and each market order in an auction.
    pub(crate) fn hash_auctions(&self, out: &mut Hasher) {
        for listing in self.instruments.iter() {
            let auction = &listing.auction;
            let uncross = auction.uncross;
            let is_called = listing.state == TradingState::Auction && uncross.is_none();
            out.put(&auction.until_ns);
            out.put(&auction.start_ns);
            out.put(&auction.end_ns);
            out.put(&auction.is_begun);
            out.put(&(is_called && auction.is_changed));
            out.put(&uncross.is_some());
            out.put(&uncross.map_or(0, |uncross| uncross.price_ticks));
            out.put(&uncross.map_or(0, |uncross| uncross.left_lots));
            let (state, reason) =
                uncross.map_or((TradingState::Open, StateReason::Command), |uncross| uncross.then);
            out.put(&state);
            out.put(&reason);
            out.put(&auction.market_orders.count());
            for ((_, id), _) in self.forest.iter(auction.market_orders) {
                out.put(&id);
            }
        }
    }
}
