//! When auctions begin and end, and what they say meanwhile: section 18 of the rules.
//!
//! Invariants
//! - Nothing begins or ends by itself: scheduled calls begin, calls end and are indicated in a
//!   `Tick`, in this order.
//! - A book's change is said by a `LevelChanged`, so a call knows from the events of a command
//!   whether there is something new to indicate.
//!
//! Cost: one comparison a tick where no auction is called or due; else a look at each instrument.

use crate::engine::Engine;
use crate::forest::Tree;
use crate::instruments::Listing;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::AuctionSchedule;
use coulisse_types::event::{AuctionIndicated, AuctionScheduled};
use coulisse_types::limits::AHEAD_NS_MAX;
use coulisse_types::{
    Event, Field, InstrumentId, RejectCode, Seq, StateReason, TradingState, Unit,
};

mod snapshot;

/// What an instrument knows of its auctions. Times in ns since the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Auction {
    /// When its call ends; 0 for not by itself.
    pub(crate) until_ns: i64,
    /// When its next scheduled call begins; 0 for none.
    pub(crate) start_ns: i64,
    /// When that one ends.
    pub(crate) end_ns: i64,
    /// Whether that one has begun.
    pub(crate) is_begun: bool,
    /// Whether its book has changed since the last indication of its call.
    pub(crate) is_changed: bool,
    /// What is left to do of its end.
    pub(crate) uncross: Option<Uncross>,
    /// Its market orders, by id: they end with it.
    pub(crate) market_orders: Tree,
    /// Its reference price, in ticks, when the command with this seq began: what a band is
    /// measured against.
    pub(crate) noted: (Seq, i64),
}

/// An auction that is being carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uncross {
    /// The price of all its trades, in ticks.
    pub(crate) price_ticks: i64,
    /// What is left to trade at it.
    pub(crate) left_lots: i64,
    /// What follows, and why.
    pub(crate) then: (TradingState, StateReason),
}

impl Auction {
    /// Never called.
    pub(crate) const NONE: Self = Self {
        until_ns: 0,
        start_ns: 0,
        end_ns: 0,
        is_begun: false,
        is_changed: false,
        uncross: None,
        market_orders: Tree::EMPTY,
        noted: (Seq(0), 0),
    };

    /// It is over, or given up: nothing of it is left to do, and the schedule that began it is
    /// dropped. What there was left to do.
    pub(crate) fn leave(&mut self) -> Option<Uncross> {
        if core::mem::take(&mut self.is_begun) {
            (self.start_ns, self.end_ns) = (0, 0);
        }
        self.uncross.take()
    }

    /// When a tick has something to do here; `None` for never.
    pub(crate) fn due_ns(&self, state: TradingState, now_ns: i64) -> Option<i64> {
        if self.uncross.is_some() {
            return Some(now_ns);
        }
        let ends = (state == TradingState::Auction).then_some(self.until_ns);
        let begins = (!self.is_begun).then_some(self.start_ns);
        ends.into_iter().chain(begins).filter(|ns| *ns != 0).min()
    }
}

impl Listing {
    /// Whether it is in the call of an auction.
    fn is_collecting(&self) -> bool {
        self.state == TradingState::Auction && !self.is_uncrossing()
    }
}

impl Engine {
    pub(crate) fn schedule_auction(
        &mut self,
        body: AuctionSchedule,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let AuctionSchedule { instrument, start_ns, end_ns } = body;
        self.listing(instrument)?;
        if (start_ns, end_ns) != (0, 0) {
            check_ahead(Field::StartTime, start_ns, self.time_ns)?;
            check_ahead(Field::EndTime, end_ns, start_ns)?;
        }
        self.set_schedule(instrument, start_ns, end_ns, events);
        Ok(())
    }

    fn set_schedule(
        &mut self,
        instrument: InstrumentId,
        start_ns: i64,
        end_ns: i64,
        events: &mut Vec<Event>,
    ) {
        let auction = &mut self.instruments.at_mut(instrument).auction;
        (auction.start_ns, auction.end_ns, auction.is_begun) = (start_ns, end_ns, false);
        self.attention.is_stale = 1;
        events.push(Event::AuctionScheduled(AuctionScheduled { instrument, start_ns, end_ns }));
    }

    /// What a tick does about auctions.
    pub(crate) fn tick_auctions(&mut self, events: &mut Vec<Event>) {
        if self.attention.calls == 0 && self.next_auction_ns > self.time_ns {
            return;
        }
        let mut fills_left = self.limits.fills_per_command_max;
        for instrument in self.instruments.ids() {
            self.begin_scheduled(instrument, events);
        }
        for instrument in self.instruments.ids() {
            self.end_if_due(instrument, &mut fills_left, events);
        }
        for instrument in self.instruments.ids() {
            self.indicate(instrument, events);
        }
    }

    fn begin_scheduled(&mut self, instrument: InstrumentId, events: &mut Vec<Event>) {
        let listing = self.instruments.at_mut(instrument);
        let auction = &mut listing.auction;
        let is_due = auction.start_ns != 0 && auction.start_ns <= self.time_ns;
        if !is_due || auction.is_begun || auction.uncross.is_some() {
            return;
        }
        if listing.state == TradingState::Halted {
            return self.set_schedule(instrument, 0, 0, events);
        }
        auction.is_begun = true;
        let (reason, until_ns) = (StateReason::Schedule, auction.end_ns);
        self.change_state(instrument, TradingState::Auction, reason, until_ns, events);
    }

    fn end_if_due(
        &mut self,
        instrument: InstrumentId,
        fills_left: &mut u32,
        events: &mut Vec<Event>,
    ) {
        let listing = self.instruments.at(instrument);
        let until_ns = listing.auction.until_ns;
        let is_over = until_ns != 0 && until_ns <= self.time_ns;
        if listing.is_uncrossing() {
            self.go_on_uncrossing(instrument, fills_left, events);
        } else if listing.state == TradingState::Auction && is_over {
            let then = (TradingState::Open, StateReason::Uncrossed);
            self.begin_uncross(instrument, then, fills_left, events);
        }
    }

    fn indicate(&mut self, instrument: InstrumentId, events: &mut Vec<Event>) {
        let listing = self.instruments.at_mut(instrument);
        if listing.is_collecting() && core::mem::take(&mut listing.auction.is_changed) {
            let indicated = self.clearing(instrument).indicated(instrument);
            events.push(Event::AuctionIndicated(indicated));
        }
    }

    /// What an instrument's auction would do if its call ended now, as the next tick would say it;
    /// `None` outside of a call, and for no such instrument. Cost: that of the auction's price.
    pub fn indication(&self, instrument: InstrumentId) -> Option<AuctionIndicated> {
        let is_collecting = self.instruments.get(instrument)?.is_collecting();
        is_collecting.then(|| self.clearing(instrument).indicated(instrument))
    }

    /// Whether a tick would say something new of a call. Cost: a look at each instrument while there
    /// is one.
    pub fn has_new_indication(&self) -> bool {
        let is_news = |listing: &Listing| listing.is_collecting() && listing.auction.is_changed;
        self.attention.calls > 0 && self.instruments.iter().any(is_news)
    }

    /// At the end of a command: which instruments are called, and when the next tick is due, if
    /// that has changed; and which books have.
    pub(crate) fn settle_auctions(&mut self, said: &[Event]) {
        if self.attention.is_stale != 0 {
            self.attention.is_stale = 0;
            (self.attention.calls, self.next_auction_ns) = self.count_auctions();
        }
        if self.attention.calls == 0 {
            return;
        }
        for event in said {
            // What changed before it was indicated is told.
            let (instrument, is_changed) = match event {
                Event::LevelChanged(changed) => (changed.instrument, true),
                Event::AuctionIndicated(indicated) => (indicated.instrument, false),
                _ => continue,
            };
            self.instruments.at_mut(instrument).auction.is_changed = is_changed;
        }
    }

    /// How many instruments are called, and when a tick is due for one.
    #[expect(clippy::arithmetic_side_effects, reason = "a count of instruments")]
    pub(crate) fn count_auctions(&self) -> (u32, i64) {
        let (mut calls, mut next_ns) = (0, i64::MAX);
        for listing in self.instruments.iter() {
            calls += u32::from(listing.state == TradingState::Auction);
            let due_ns = listing.auction.due_ns(listing.state, self.time_ns);
            next_ns = next_ns.min(due_ns.unwrap_or(i64::MAX));
        }
        (calls, next_ns)
    }
}

/// Whether a time lies ahead of another, and not too far.
fn check_ahead(field: Field, ns: i64, from_ns: i64) -> Result<(), Reject> {
    let last_ns = from_ns.checked_add(AHEAD_NS_MAX).unwrap_or(i64::MAX);
    ensure(from_ns < ns && ns <= last_ns, || {
        Reject::new(RejectCode::TimeOutOfRange, field).value(Unit::Ns, ns).limit(from_ns)
    })
}
