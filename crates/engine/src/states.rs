//! What an instrument takes by its trading state, and how that changes: sections 16 and 17 of the
//! rules.
//!
//! Invariant: an instrument is *plain* exactly while it is open, has no band and matches by price
//! and time. What everything plain pays for trading states, bands and pro-rata is that one question.

use crate::conditional::{Aim, collar_price};
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::matching::Taker;
use crate::orders::Order;
use crate::paged::NONE;
use crate::place::{check_post_only, check_price};
use crate::reject::{Reject, ensure};
use crate::terms::{Ask, OrderTerms};
use alloc::vec::Vec;
use coulisse_types::command::{OrderAmend, OrderPlace, TradingStateSet};
use coulisse_types::event::TradingStateChanged;
use coulisse_types::{
    Event, Field, InstrumentId, MatchingMode, OrderType, Price, Qty, RecordHeader, RejectCode,
    StateReason, TimeInForce, TradingState, Unit,
};

impl Listing {
    /// Sets what follows from state and configuration, after either was set.
    pub(crate) fn settle_mode(&mut self) {
        self.is_plain = self.is_plain_now();
    }

    /// What [`Self::is_plain`] must be.
    pub(crate) fn is_plain_now(&self) -> bool {
        self.state == TradingState::Open
            && self.config.band_ppm == 0
            && self.config.matching == MatchingMode::PriceTime
    }

    /// Whether orders are collected here and not matched.
    #[inline]
    pub(crate) fn collects(&self) -> bool {
        !self.is_plain && self.state == TradingState::Auction
    }

    /// Whether its auction is being carried out, bit by bit.
    pub(crate) const fn is_uncrossing(&self) -> bool {
        self.auction.uncross.is_some()
    }

    fn require(&self, holds: bool) -> Result<(), Reject> {
        ensure(holds, || {
            Reject::new(RejectCode::TradingStateForbids, Field::State).number(self.state.number())
        })
    }

    /// Whether its state takes such an order.
    #[cold]
    pub(crate) fn check_takes(&self, ask: &Ask<'_>) -> Result<(), Reject> {
        let terms = ask.terms.unwrap_or(&OrderTerms::DEFAULT);
        self.require(match self.state {
            TradingState::Open => true,
            TradingState::PostOnly => {
                let is_limit = ask.place.order_type == OrderType::Limit;
                (is_limit && ask.place.post_only) || terms.is_pegged()
            }
            TradingState::Auction => !self.is_uncrossing() && is_collected(ask, terms),
            TradingState::CancelOnly | TradingState::Halted => false,
        })
    }

    /// Whether a void record halted it in the midst of an auction that left something to do.
    fn is_unfinished(&self) -> bool {
        self.book.is_crossed() || !self.auction.market_orders.is_empty()
    }

    /// Whether its state takes a list.
    #[cold]
    pub(crate) fn check_takes_lists(&self) -> Result<(), Reject> {
        self.require(self.state == TradingState::Open)
    }

    /// Whether its orders can be cancelled.
    #[inline]
    pub(crate) fn lets_go(&self) -> bool {
        self.is_plain || (self.state != TradingState::Halted && !self.is_uncrossing())
    }

    /// Refuses where [`Self::lets_go`] is false.
    #[inline]
    pub(crate) fn check_lets_go(&self) -> Result<(), Reject> {
        self.require(self.lets_go())
    }

    /// Whether an order here may be amended like this.
    #[cold]
    pub(crate) fn check_takes_amend(&self, order: &Order, body: &OrderAmend) -> Result<(), Reject> {
        self.require(match self.state {
            TradingState::Open | TradingState::PostOnly => true,
            TradingState::Auction => !self.is_uncrossing(),
            TradingState::CancelOnly | TradingState::Halted => false,
        })?;
        // Orders with terms are asked the same, together with what else may not be amended of them.
        let ticks = body.price.ticks();
        let has_price = order.terms != NONE || order.order_type == OrderType::Limit;
        ensure(has_price || ticks == 0, || {
            Reject::new(RejectCode::InvalidCombination, Field::Price).value(Unit::Ticks, ticks)
        })
    }

    /// The post-only check of an amend that loses its place.
    #[inline]
    pub(crate) fn check_amend_rests(&self, order: &Order, price: Price) -> Result<(), Reject> {
        let is_held_to_it = if self.is_plain {
            order.post_only
        } else {
            let collects = self.state == TradingState::Auction;
            (order.post_only && !collects) || self.state == TradingState::PostOnly
        };
        if is_held_to_it { check_post_only(self, order.side, price) } else { Ok(()) }
    }

    /// Where an order is collected: a market order gets a collar price around the reference.
    #[cold]
    pub(crate) fn aim_in_auction(&self, body: &OrderPlace) -> Result<Aim, Reject> {
        if body.order_type == OrderType::Limit {
            return Ok(Aim::at(body.price));
        }
        let reference_ticks = self.reference();
        ensure(reference_ticks != 0, || {
            Reject::new(RejectCode::NoReference, Field::OrderType).number(1)
        })?;
        let price = collar_price(self, body.side, reference_ticks);
        check_price(&self.rules, price, body.qty)?;
        Ok(Aim::at(price))
    }
}

/// Whether an auction takes such an order.
fn is_collected(ask: &Ask<'_>, terms: &OrderTerms) -> bool {
    let place = ask.place;
    let is_market = place.order_type == OrderType::Market;
    let by_qty = is_market && place.notional.minor() == 0;
    let ends_with_it = by_qty && place.time_in_force == TimeInForce::Ioc;
    let is_simple = !terms.is_conditional() && !terms.is_pegged() && terms.min_qty.is_zero();
    is_simple && !place.post_only && (ask.may_rest() || ends_with_it)
}

impl Engine {
    /// Step 4.7 in an auction: every order comes to a level.
    #[cold]
    pub(crate) fn check_room_to_collect(
        &self,
        header: &RecordHeader,
        ask: &Ask<'_>,
        price: Price,
    ) -> Result<(), Reject> {
        self.check_tables(header, ask.place, true)?;
        let OrderPlace { instrument, side, qty, .. } = *ask.place;
        let shown = match ask.terms.map(|terms| terms.display_qty) {
            None | Some(Qty::ZERO) => qty,
            Some(display_qty) => display_qty,
        };
        self.check_level(self.instruments.at(instrument), side, price, (shown, Qty::ZERO))
    }

    /// An accepted order is collected: it rests, whatever it crosses.
    #[cold]
    pub(crate) fn collect(
        &mut self,
        mut taker: Taker,
        terms: Option<&OrderTerms>,
        aim: &Aim,
        events: &mut Vec<Event>,
    ) {
        let place = match terms {
            Some(terms) => self.insert_with_terms(&mut taker.order, terms, aim),
            None => self.come_to_live(&taker.order),
        };
        let order = &taker.order;
        if order.order_type == OrderType::Market {
            let Self { instruments, forest, .. } = self;
            let auction = &mut instruments.at_mut(order.instrument).auction;
            forest.insert(&mut auction.market_orders, (0, order.id.0), place);
        }
        self.hold(&taker);
        self.rest(&taker, Some(place), events);
    }

    /// A market order that lived closes: it was perhaps one of an auction.
    #[cold]
    pub(crate) fn forget_market_order(&mut self, order: &Order) {
        let Self { instruments, forest, .. } = self;
        let auction = &mut instruments.at_mut(order.instrument).auction;
        forest.remove(&mut auction.market_orders, (0, order.id.0));
    }

    pub(crate) fn set_trading_state(
        &mut self,
        body: TradingStateSet,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let TradingStateSet { instrument, state } = body;
        let listing = self.listing(instrument)?;
        listing.require(!listing.is_uncrossing())?;
        if state == listing.state {
            push_state(events, instrument, state, StateReason::Command, 0);
        } else if listing.state == TradingState::Auction || listing.is_unfinished() {
            // A void record may have halted it in the midst of an auction.
            if listing.state != TradingState::Auction {
                let (call, reason) = (TradingState::Auction, StateReason::Command);
                self.change_state(instrument, call, reason, 0, events);
            }
            let mut fills_left = self.limits.fills_per_command_max;
            let then = (state, StateReason::Command);
            self.begin_uncross(instrument, then, &mut fills_left, events);
        } else {
            self.change_state(instrument, state, StateReason::Command, 0, events);
        }
        Ok(())
    }

    /// An instrument's state is now this. Where it leaves an auction, the book is uncrossed already.
    pub(crate) fn change_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        reason: StateReason,
        until_ns: i64,
        events: &mut Vec<Event>,
    ) {
        self.note_reference(instrument);
        let listing = self.instruments.at_mut(instrument);
        listing.state = state;
        listing.auction.until_ns = until_ns;
        listing.auction.is_changed = true;
        listing.settle_mode();
        self.attention.is_stale = 1;
        push_state(events, instrument, state, reason, until_ns);
    }
}

fn push_state(
    events: &mut Vec<Event>,
    instrument: InstrumentId,
    state: TradingState,
    reason: StateReason,
    until_ns: i64,
) {
    let changed = TradingStateChanged { instrument, state, reason, until_ns };
    events.push(Event::TradingStateChanged(changed));
}
