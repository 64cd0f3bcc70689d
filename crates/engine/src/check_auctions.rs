//! The invariants of trading states and auctions.

use crate::check::Broken;
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::paged::NONE;
use crate::terms::Wait;
use coulisse_types::{InstrumentId, OrderType, TradingState};

impl Engine {
    /// Verifies what each instrument knows of its auctions, and what is known of all.
    pub(crate) fn check_auctions(&self) -> Result<(), Broken> {
        for listing in self.instruments.iter() {
            let instrument = listing.rules.id;
            let agrees = listing.is_plain == listing.is_plain_now()
                && is_called_rightly(listing)
                && self.market_orders_agree(listing);
            if !agrees {
                return Err(Broken::Auction { instrument });
            }
        }
        let attention = &self.attention;
        let (calls, next_ns) = self.count_auctions();
        // An auction that is being carried out is due at the time at which it was last looked at, and
        // another may have become so since: what counts is whether one is due.
        let is_due = next_ns == self.next_auction_ns
            || (next_ns <= self.time_ns && self.next_auction_ns <= self.time_ns);
        let is_settled = attention.is_stale == 0 && attention.out_of_band == 0;
        if calls != attention.calls || !is_due || !is_settled || !self.shares.is_empty() {
            return Err(Broken::Auction { instrument: InstrumentId(0) });
        }
        Ok(())
    }

    /// Whether the market orders that rest are those that end with the auction.
    fn market_orders_agree(&self, listing: &Listing) -> bool {
        let tree = listing.auction.market_orders;
        let is_one = |place: u32| {
            let order = self.orders.at(place);
            let rests = order.terms == NONE || self.orders.terms(order).wait == Wait::No;
            order.instrument == listing.rules.id && order.order_type == OrderType::Market && rests
        };
        let live = self.orders.by_id().into_iter().filter(|place| is_one(*place));
        let found = live.map(|place| (self.orders.at(place).id.0, place));
        let kept = self.forest.iter(tree).map(|((_, id), place)| (id, place));
        // A void record may halt it in the midst of an auction.
        let is_called = matches!(listing.state, TradingState::Auction | TradingState::Halted);
        self.forest.check(tree) && kept.eq(found) && (is_called || tree.is_empty())
    }
}

/// Whether what is said of a call is said in one, and times follow each other.
fn is_called_rightly(listing: &Listing) -> bool {
    let auction = &listing.auction;
    let is_called = listing.state == TradingState::Auction;
    let is_quiet = auction.until_ns == 0 && auction.uncross.is_none() && !auction.is_begun;
    let is_ordered = match (auction.start_ns, auction.end_ns) {
        (0, 0) => !auction.is_begun,
        (start_ns, end_ns) => 0 < start_ns && start_ns < end_ns,
    };
    let leaves_some = auction.uncross.is_none_or(|uncross| uncross.left_lots >= 0);
    (is_called || is_quiet) && is_ordered && leaves_some
}
