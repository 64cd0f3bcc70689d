//! How a live order ends: off its book, out of all that watches it, and with it what its list says.
//!
//! Invariant: whoever ends a live order goes through here, or through a fill. Of a plain order only
//! the book and the table know; of one with terms also timers, triggers, pegs and its list.

use crate::engine::Engine;
use crate::ledger::Pocket;
use crate::matching::push_level;
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use crate::terms::{Terms, Wait};
use alloc::vec::Vec;
use coulisse_book::{Handle, Level};
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{Event, OrderType, Price, Qty};

/// A level has no room for an order: its sum would pass the range of an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room;

/// Where an order stands that does not rest.
pub(crate) const NOWHERE: Handle = Handle::from_index(NONE);

#[expect(clippy::arithmetic_side_effects, reason = "sums of what exists of an asset")]
impl Engine {
    /// Ends a live order, on the book or waiting, and lets go what it holds.
    #[inline]
    pub(crate) fn close_live(
        &mut self,
        place: u32,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        let order = *self.orders.at(place);
        if order.terms != NONE {
            return self.close_with_terms(place, &order, ended, events);
        }
        if order.order_type == OrderType::Market {
            self.forget_market_order(&order);
        }
        self.orders.remove(place);
        self.close(&order, ended, events);
        self.take_off_book(&order, events);
        if !self.planted.is(Fault::CancelKeepsHold) {
            let need_minor = order.need(&self.instruments.at(order.instrument).rules);
            self.adjust_hold(&order, -need_minor);
        }
    }

    #[inline(never)]
    fn close_with_terms(
        &mut self,
        place: u32,
        order: &Order,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        let terms = self.detach(place);
        self.close(order, ended, events);
        if order.handle != NOWHERE {
            self.take_off_book(order, events);
        }
        if terms.holds && !self.planted.is(Fault::CancelKeepsHold) {
            let need_minor = order.need(&self.instruments.at(order.instrument).rules);
            self.adjust_hold(order, -need_minor);
        }
        self.leg_gone(&terms, ended.0, events);
    }

    /// Ends a live order that is off the book and holds nothing any more.
    pub(crate) fn end_arrived(
        &mut self,
        place: u32,
        order: &Order,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        if order.terms == NONE {
            if order.order_type == OrderType::Market {
                self.forget_market_order(order);
            }
            self.orders.remove(place);
            return self.close(order, ended, events);
        }
        let terms = self.detach(place);
        self.close(order, ended, events);
        self.leg_gone(&terms, ended.0, events);
    }

    /// Takes an order with terms out of the table and of all that watches it; what they were.
    pub(crate) fn detach(&mut self, place: u32) -> Terms {
        let order = *self.orders.at(place);
        let terms = *self.orders.terms(&order);
        if terms.expire_ns != 0 {
            self.clear_expiry(terms.expire_ns, order.id);
        }
        if terms.wait == Wait::Trigger {
            self.discharge(place);
        } else if order.order_type == OrderType::Market {
            self.forget_market_order(&order);
        }
        if terms.asked.is_pegged() {
            self.remove_peg(&order);
        }
        self.orders.remove_terms(order.terms);
        self.orders.remove(place);
        terms
    }

    #[inline]
    pub(crate) fn take_off_book(&mut self, order: &Order, events: &mut Vec<Event>) {
        let book = &mut self.instruments.at_mut(order.instrument).book;
        let taken = book.remove(order.handle);
        assert!(taken.order_id == order.id, "a handle of another order");
        let level = book.level(taken.side, taken.price);
        push_level(events, order.instrument, taken.side, taken.price, level);
    }

    /// Takes a live order off its book, which it will come back to, or wait.
    pub(crate) fn leave_book(&mut self, place: u32, events: &mut Vec<Event>) {
        let order = *self.orders.at(place);
        self.take_off_book(&order, events);
        self.orders.at_mut(place).handle = NOWHERE;
    }

    /// Puts a live order at the end of a level, with what it shows; the level then.
    pub(crate) fn put_on_book(&mut self, place: u32, price: Price) -> Result<Level, Room> {
        let order = *self.orders.at(place);
        let shown = self.shown(&order);
        let listing = self.instruments.at_mut(order.instrument);
        listing.largest_lots = listing.largest_lots.max(order.qty_lots);
        let inserted = listing.book.insert(order.side, price, shown, order.id, place);
        let handle = inserted.map_err(|_| Room)?;
        let level = listing.book.level_of(handle);
        self.orders.at_mut(place).handle = handle;
        if order.terms != NONE {
            self.orders.terms_mut(&order).wait = Wait::No;
        }
        Ok(level)
    }

    /// Where a live order stands.
    #[inline]
    pub(crate) fn state_of(&self, order: &Order) -> OrderState {
        if order.terms != NONE && self.orders.terms(order).wait != Wait::No {
            return OrderState::Waiting;
        }
        OrderState::Open
    }

    /// What the book is to show of an order.
    #[inline]
    pub(crate) fn shown(&self, order: &Order) -> Qty {
        if order.terms == NONE {
            return order.remaining();
        }
        match self.orders.terms(order).asked.display_qty {
            Qty::ZERO => order.remaining(),
            display_qty => display_qty.min(order.remaining()),
        }
    }

    /// Holds `more_minor` more for an order, or less where it is negative.
    #[inline]
    pub(crate) fn adjust_hold(&mut self, order: &Order, more_minor: i128) {
        let account = order.account.0;
        let asset = order.held_asset(&self.instruments.at(order.instrument).rules);
        let (available, held) = (Pocket::Available(account), Pocket::Held(account));
        if more_minor > 0 {
            self.ledger.post(available, held, asset, more_minor);
        } else {
            self.ledger.post(held, available, asset, -more_minor);
        }
    }
}
