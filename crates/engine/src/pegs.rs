//! Pegged orders: their price follows the book. Section 13 of the rules.
//!
//! Invariants
//! - A pegged order is held for at its limit, and rests at its peg price, never worse than that.
//! - It never takes: its price is kept on its own side of the book.
//!
//! Cost: at most one step for each pegged order of an instrument, at the end of a command that
//! touched it, and as many to see past those that stand in front of the best other order. None where
//! only levels behind the ones that are followed have changed since nothing was to be done.

use crate::closing::Room;
use crate::engine::Engine;
use crate::follow_up::instrument_of;
use crate::instruments::Listing;
use crate::matching::push_level;
use crate::orders::Order;
use crate::planted::Fault;
use crate::terms::Wait;
use alloc::vec::Vec;
use coulisse_types::event::{CloseReason, OrderRepriced, OrderState};
use coulisse_types::limits::{NOTIONAL_MINOR_MAX, PRICE_TICKS_MAX};
use coulisse_types::{Event, InstrumentId, OrderId, Peg, Price, Side, TradingState};

/// The best prices of orders that are not pegged; `None` for none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    bid: Option<Price>,
    ask: Option<Price>,
}

impl Followed {
    /// Whether what an event tells of `instrument` leaves both prices, the best of each side and
    /// every pegged order as they were.
    #[inline]
    fn survives(&self, instrument: InstrumentId, event: &Event) -> bool {
        match event {
            Event::LevelChanged(level) if level.instrument == instrument => match level.side {
                Side::Buy => self.bid.is_some_and(|bid| level.price < bid),
                Side::Sell => self.ask.is_some_and(|ask| level.price > ask),
            },
            Event::OrderAmended(order) => order.instrument != instrument,
            Event::OrderDecremented(order) => order.instrument != instrument,
            Event::TradingStateChanged(state) => state.instrument != instrument,
            _ => true,
        }
    }
}

impl Engine {
    /// A pegged order is watched from when it is accepted until it closes.
    #[expect(clippy::arithmetic_side_effects, reason = "a count of orders")]
    pub(crate) fn add_peg(&mut self, place: u32) {
        let order = *self.orders.at(place);
        let watch = &mut self.instruments.at_mut(order.instrument).watch;
        watch.pegs.insert(order.id, place);
        watch.followed = None;
        self.attention.pegs += 1;
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a count of orders")]
    pub(crate) fn remove_peg(&mut self, order: &Order) {
        self.instruments.at_mut(order.instrument).watch.pegs.remove(order.id);
        self.attention.pegs -= 1;
    }

    /// Whether the order at a place is pegged.
    fn is_pegged(&self, place: u32) -> bool {
        self.orders.terms_at(place).is_some_and(|terms| terms.asked.is_pegged())
    }

    /// Whether events, all of one command, leave every pegged order where it is. No where that is not
    /// sure.
    pub(crate) fn pegs_stay(&self, said: &[Event]) -> bool {
        said.iter().all(|event| {
            let Some(instrument) = instrument_of(event) else { return true };
            let watch = self.instruments.get(instrument).map(|listing| &listing.watch);
            watch.is_none_or(|watch| {
                let stays = |followed: &Followed| followed.survives(instrument, event);
                watch.pegs.is_empty() || watch.followed.as_ref().is_some_and(stays)
            })
        })
    }

    fn followed(&self, listing: &Listing) -> Followed {
        let best = |side| {
            let mut all = listing.book.side_orders(side);
            all.find(|resting| !self.is_pegged(resting.owner)).map(|resting| resting.price)
        };
        Followed { bid: best(Side::Buy), ask: best(Side::Sell) }
    }

    /// Where a pegged order should rest now; `None` where it has nothing to follow.
    #[expect(clippy::arithmetic_side_effects, reason = "prices and offsets up to 2^53")]
    fn peg_price(&self, order: &Order, followed: Followed) -> Option<Price> {
        let listing = self.instruments.at(order.instrument);
        let terms = &self.orders.terms(order).asked;
        let [bid, ask] = [followed.bid, followed.ask].map(|best| best.map(Price::ticks));
        let base = match (terms.peg, order.side) {
            (Peg::None, _) => return None,
            (Peg::Bid, _) => bid?,
            (Peg::Ask, _) => ask?,
            (Peg::Mid, Side::Buy) => (bid? + ask?).div_euclid(2),
            (Peg::Mid, Side::Sell) => (bid? + ask? + 1).div_euclid(2),
        };
        let wanted = base + terms.peg_offset;
        let limit = order.price_ticks;
        let ticks = match order.side {
            Side::Buy => {
                let below = listing.book.best(Side::Sell).map_or(limit, |ask| ask.ticks() - 1);
                wanted.min(limit).min(below)
            }
            Side::Sell => {
                let above = listing.book.best(Side::Buy).map_or(limit, |bid| bid.ticks() + 1);
                wanted.max(limit).max(above)
            }
        };
        let price = Price::from_ticks(ticks);
        // A seller's limit does not bound what the order is worth at the price it follows.
        let fits = |minor: &i128| *minor <= NOTIONAL_MINOR_MAX;
        listing.rules.notional(price, order.remaining()).filter(fits)?;
        (1..=PRICE_TICKS_MAX).contains(&ticks).then_some(price)
    }

    /// A pegged order that stands nowhere comes to where it follows, or begins to wait.
    pub(crate) fn settle_peg(&mut self, place: u32, events: &mut Vec<Event>) {
        let order = *self.orders.at(place);
        let followed = self.followed(self.instruments.at(order.instrument));
        match self.peg_price(&order, followed) {
            Some(price) => match self.put_on_book(place, price) {
                Ok(level) => {
                    self.risk.touch(order.row);
                    Self::push_rested(events, &order, price, level);
                }
                Err(Room) => self.close_live(place, NO_ROOM, events),
            },
            None => self.wait_for_peg(place, events),
        }
    }

    fn wait_for_peg(&mut self, place: u32, events: &mut Vec<Event>) {
        let order = *self.orders.at(place);
        self.orders.terms_mut(&order).wait = Wait::Peg;
        push_repriced(events, &order, Price::from_ticks(0));
    }

    /// At the end of a command, whose events begin at `first`: the pegged orders of an instrument
    /// follow, by ascending order id.
    pub(crate) fn reprice(
        &mut self,
        instrument: InstrumentId,
        first: usize,
        events: &mut Vec<Event>,
    ) {
        let watch = &mut self.instruments.at_mut(instrument).watch;
        if watch.pegs.is_empty() || self.planted.is(Fault::PegStays) {
            return;
        }
        let before = watch.followed.take();
        let listing = self.instruments.at(instrument);
        if !matches!(listing.state, TradingState::Open | TradingState::PostOnly) {
            return;
        }
        let said = events.get(first..).unwrap_or_default();
        let survives = |followed: &Followed| said.iter().all(|e| followed.survives(instrument, e));
        if let Some(before) = before.filter(survives) {
            self.instruments.at_mut(instrument).watch.followed = Some(before);
            return;
        }
        let (followed, said) = (self.followed(listing), events.len());
        let mut last = OrderId(0);
        while let Some((id, place)) = self.instruments.at(instrument).watch.pegs.after(last) {
            last = id;
            self.follow(place, followed, events);
        }
        if events.len() == said {
            self.instruments.at_mut(instrument).watch.followed = Some(followed);
        }
    }

    fn follow(&mut self, place: u32, followed: Followed, events: &mut Vec<Event>) {
        let order = *self.orders.at(place);
        if self.is_dead(&order) {
            return;
        }
        let listing = self.instruments.at(order.instrument);
        let waits = self.orders.terms(&order).wait != Wait::No;
        let now = (!waits).then(|| listing.book.order(order.handle).price);
        let then = self.peg_price(&order, followed);
        if now == then {
            return;
        }
        if !waits {
            self.leave_book(place, events);
        }
        let Some(price) = then else {
            return self.wait_for_peg(place, events);
        };
        match self.put_on_book(place, price) {
            Ok(level) => {
                push_repriced(events, &order, price);
                push_level(events, order.instrument, order.side, price, Some(level));
            }
            Err(Room) => self.close_live(place, NO_ROOM, events),
        }
    }
}

/// How an order ends whose level would have no room for it.
pub(crate) const NO_ROOM: (OrderState, CloseReason) = (OrderState::Expired, CloseReason::FillLimit);

fn push_repriced(events: &mut Vec<Event>, order: &Order, price: Price) {
    events.push(Event::OrderRepriced(OrderRepriced {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        side: order.side,
        price,
        remaining: order.remaining(),
    }));
}
