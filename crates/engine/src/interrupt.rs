//! Trading that stops by itself: an instrument goes to an auction, or to a halt.

use crate::engine::Engine;
use alloc::vec::Vec;
use coulisse_types::{Event, InstrumentId, StateReason, TradingState};

impl Engine {
    /// Interrupts trading: an auction as long as the instrument's are, or a halt where it has none.
    pub(crate) fn interrupt(
        &mut self,
        instrument: InstrumentId,
        reason: StateReason,
        events: &mut Vec<Event>,
    ) {
        let (state, until_ns) = match self.instruments.at(instrument).config.auction_ns {
            0 => (TradingState::Halted, 0),
            auction_ns => {
                let until_ns = self.time_ns.checked_add(auction_ns).unwrap_or(i64::MAX);
                (TradingState::Auction, until_ns)
            }
        };
        self.change_state(instrument, state, reason, until_ns, events);
    }
}
