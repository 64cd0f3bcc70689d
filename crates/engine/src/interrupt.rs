//! Trading that stops by itself: an instrument goes to an auction, or to a halt.

use crate::engine::Engine;
use alloc::vec::Vec;
use coulisse_types::event::TradingStateChanged;
use coulisse_types::{Event, InstrumentId, StateReason, TradingState};

impl Engine {
    /// Interrupts trading: an auction as long as the instrument's are, or a halt where it has none.
    pub(crate) fn interrupt(
        &mut self,
        instrument: InstrumentId,
        reason: StateReason,
        events: &mut Vec<Event>,
    ) {
        let now_ns = self.time_ns;
        let listing = self.instruments.at_mut(instrument);
        let (state, until_ns) = match listing.config.auction_ns {
            0 => (TradingState::Halted, 0),
            auction_ns => {
                (TradingState::Auction, now_ns.checked_add(auction_ns).unwrap_or(i64::MAX))
            }
        };
        listing.state = state;
        let changed = TradingStateChanged { instrument, state, reason, until_ns };
        events.push(Event::TradingStateChanged(changed));
    }
}
