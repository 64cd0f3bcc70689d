//! What follows at the end of a command: stops act, lists go on, pegged orders follow.
//!
//! Invariant: where nothing is watched a command pays one comparison for this; where pegged orders are,
//! and nothing else, one look at each of its events.
//!
//! An instrument is touched by a command if certain of its events name it: whatever changes a book
//! or a price says so, and needs not to remember it as well.

use crate::conditional::Done;
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::watch::Range;
use alloc::vec::Vec;
use coulisse_types::{Event, InstrumentId, TradingState, TriggerOn};

/// What there is to follow up, over all instruments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attention {
    /// Instruments whose prices, or lists, are still to be looked at.
    pub(crate) unsettled: u32,
    /// Live pegged orders.
    pub(crate) pegs: u32,
    /// Instruments in auction.
    pub(crate) calls: u32,
    /// Not 0 where what is known of auctions over all instruments is no more so.
    pub(crate) is_stale: u32,
    /// The id of the instrument where an order has just stopped for the band; 0 for none.
    pub(crate) out_of_band: u32,
}

impl Attention {
    #[inline]
    pub(crate) const fn is_needed(self) -> bool {
        (self.pegs | self.unsettled | self.calls | self.is_stale | self.out_of_band) != 0
    }

    /// Whether there is nothing but pegged orders.
    #[inline]
    const fn is_of_pegs(self) -> bool {
        (self.unsettled | self.calls | self.is_stale | self.out_of_band) == 0
    }
}

/// The instrument that an event says is touched.
pub(crate) const fn instrument_of(event: &Event) -> Option<InstrumentId> {
    Some(match event {
        Event::InstrumentConfigured(body) => body.instrument,
        Event::OrderAccepted(body) => body.instrument,
        Event::OrderFilled(body) => body.instrument,
        Event::OrderRested(body) => body.instrument,
        Event::OrderAmended(body) => body.instrument,
        Event::OrderClosed(body) => body.instrument,
        Event::OrderTriggered(body) => body.instrument,
        Event::OrderDecremented(body) => body.instrument,
        Event::LevelChanged(body) => body.instrument,
        Event::MarkChanged(body) => body.instrument,
        Event::TradingStateChanged(body) => body.instrument,
        _ => return None,
    })
}

impl Listing {
    /// The last price, or the mark, is now this. `attention` counts what is unsettled.
    #[inline]
    pub(crate) fn set_price(&mut self, on: TriggerOn, ticks: i64, attention: &mut Attention) {
        let price_ticks = match on {
            TriggerOn::Last => &mut self.last_price_ticks,
            TriggerOn::Mark => &mut self.mark_ticks,
        };
        let before_ticks = core::mem::replace(price_ticks, ticks);
        // Where there is a band this very command may end with a call, which keeps what was touched.
        let is_watched = self.watch.watchers != 0 || !self.is_plain;
        if is_watched && ticks != before_ticks {
            self.touch(on, ticks, attention);
        }
    }

    /// A price has been there, and somebody watches.
    #[inline(never)]
    pub(crate) fn touch(&mut self, on: TriggerOn, ticks: i64, attention: &mut Attention) {
        let watched = self.watch.of_mut(on);
        watched.touched.take(ticks);
        watched.trailed.take(ticks);
        self.unsettle(attention);
    }

    /// There is something to look at.
    #[expect(clippy::arithmetic_side_effects, reason = "a count of instruments")]
    pub(crate) fn unsettle(&mut self, attention: &mut Attention) {
        if !self.watch.unsettled {
            self.watch.unsettled = true;
            attention.unsettled += 1;
        }
    }
}

impl Engine {
    /// What a command that was not refused still has to do. Its events begin at `first`.
    #[inline]
    pub(crate) fn follow_up(&mut self, first: usize, events: &mut Vec<Event>) {
        if self.attention.is_needed() {
            let said = events.get(first..).unwrap_or_default();
            if !self.attention.is_of_pegs() || !self.pegs_stay(said) {
                self.follow_up_touched(first, events);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_up_touched(&mut self, first: usize, events: &mut Vec<Event>) {
        self.call_auction(events);
        let mut touched = core::mem::take(&mut self.touched);
        let said = events.get(first..).unwrap_or_default();
        for instrument in said.iter().filter_map(instrument_of) {
            // All events of most commands are of one instrument.
            if touched.last() != Some(&instrument) && self.instruments.get(instrument).is_some() {
                touched.push(instrument);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let mut done = Done::default();
        while let Some(instrument) = self.oldest_due_list(&touched) {
            self.release_next_list(instrument, &mut done, events);
        }
        for instrument in &touched {
            self.run_triggers(*instrument, &mut done, events);
        }
        for instrument in &touched {
            self.reprice(*instrument, first, events);
        }
        touched.clear();
        self.touched = touched;
        self.settle_auctions(events.get(first..).unwrap_or_default());
    }

    /// The open instrument among these that has the oldest list to release.
    fn oldest_due_list(&self, instruments: &[InstrumentId]) -> Option<InstrumentId> {
        let open = instruments.iter().filter_map(|id| {
            let listing = self.instruments.at(*id);
            let (key, _) = self.forest.first(listing.watch.due_lists)?;
            (listing.state == TradingState::Open).then_some((key, *id))
        });
        open.min().map(|(_, id)| id)
    }

    /// Nothing is left to look at in an instrument.
    #[expect(clippy::arithmetic_side_effects, reason = "a count of instruments")]
    pub(crate) fn settle_watch(&mut self, instrument: InstrumentId) {
        let watch = &mut self.instruments.at_mut(instrument).watch;
        watch.last.touched = Range::EMPTY;
        watch.mark.touched = Range::EMPTY;
        if watch.unsettled {
            watch.unsettled = false;
            self.attention.unsettled -= 1;
        }
    }
}
