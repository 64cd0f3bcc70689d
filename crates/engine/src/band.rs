//! The band around the reference in which an instrument trades: a fill outside it calls an auction
//! instead. Section 18 of the rules.
//!
//! Invariant: a band is measured against the reference as it was when the command began. Whoever is
//! about to change a price, a book or a state notes it before; the first note of a command stays.

use crate::engine::Engine;
use crate::instruments::Listing;
use crate::planted::Fault;
use alloc::vec::Vec;
use coulisse_types::{Event, InstrumentId, Price, StateReason, TradingState};

impl Engine {
    /// Notes an instrument's reference price, unless this command has done so already.
    pub(crate) fn note_reference(&mut self, instrument: InstrumentId) {
        let seq = self.last_seq;
        let listing = self.instruments.at_mut(instrument);
        if listing.config.band_ppm != 0 && listing.auction.noted.0 != seq {
            listing.auction.noted = (seq, listing.reference());
        }
    }

    /// Whether a fill at a price would call an auction.
    #[cold]
    pub(crate) fn is_out_of_band(&self, listing: &Listing, price: Price) -> bool {
        let band_ppm = listing.config.band_ppm;
        let is_lost = self.planted.is(Fault::BandUnseen);
        if band_ppm == 0 || listing.state != TradingState::Open || is_lost {
            return false;
        }
        let (seq, noted_ticks) = listing.auction.noted;
        let ticks = if seq == self.last_seq { noted_ticks } else { listing.reference() };
        is_beyond(price.ticks(), ticks, band_ppm)
    }

    /// An order stopped for the band: the auction is called at the end of the command, before
    /// anything else is done there.
    #[cold]
    pub(crate) fn leave_band(&mut self, instrument: InstrumentId) {
        self.attention.out_of_band = instrument.0;
    }

    /// Calls the auction of the instrument whose band was left.
    pub(crate) fn call_auction(&mut self, events: &mut Vec<Event>) {
        let instrument = InstrumentId(core::mem::take(&mut self.attention.out_of_band));
        if instrument != InstrumentId(0)
            && self.instruments.at(instrument).state == TradingState::Open
        {
            self.interrupt(instrument, StateReason::Band, events);
        }
    }
}

/// Whether a price is further from a reference than so many millionths of it; nothing is from none.
#[expect(clippy::arithmetic_side_effects, reason = "prices up to 2^53 and rates up to 10^6")]
fn is_beyond(ticks: i64, reference_ticks: i64, ppm: u32) -> bool {
    let away = i128::from((ticks - reference_ticks).abs()) * 1_000_000;
    reference_ticks != 0 && away > i128::from(ppm) * i128::from(reference_ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_at_the_edge_of_the_band_is_within_it() {
        assert!(!is_beyond(105, 100, 50_000));
        assert!(is_beyond(106, 100, 50_000));
        assert!(!is_beyond(95, 100, 50_000));
        assert!(is_beyond(94, 100, 50_000));
        assert!(!is_beyond(1, 0, 1));
        assert!(is_beyond(1 << 53, 1, 1_000_000));
    }
}
