//! Live orders and what they ask for, kept in step: whoever puts an order among the live ones, takes
//! it out or changes what remains of it, does it here.
//!
//! Invariant: the open lots of every row, and the sums over them, follow the table of live orders.

use crate::engine::Engine;
use crate::orders::Order;
use alloc::vec::Vec;
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{AccountId, Event, InstrumentId, RecordHeader};

impl Engine {
    /// Puts an order among the live ones; its place.
    #[inline]
    pub(crate) fn enlist(&mut self, order: &Order) -> u32 {
        self.risk.add_open(order.row, order.side, order.remaining().lots());
        self.risk.count_in(order.row);
        self.risk.touch(order.row);
        if order.reduce_only {
            self.risk.reducers = self.risk.reducers.saturating_add(1);
        }
        self.orders.insert(order)
    }

    /// Takes an order out of the live ones. It may be read until the next one comes.
    #[inline]
    pub(crate) fn delist(&mut self, place: u32) {
        let Self { orders, risk, .. } = self;
        let order = orders.at(place);
        if order.reduce_only {
            risk.reducers = risk.reducers.saturating_sub(1);
        }
        risk.touch(order.row);
        if risk.dead > 0 && risk.is_dead(order) {
            risk.dead = risk.dead.saturating_sub(1);
        } else {
            let lots = order.remaining().lots();
            risk.add_open(order.row, order.side, lots.checked_neg().unwrap_or(0));
            risk.count_out(order.row);
        }
        self.orders.remove(place);
    }

    /// Changes a live order that is not dead: qty, price, what is filled.
    #[inline]
    pub(crate) fn relist(&mut self, place: u32, order: &Order) {
        let old = self.orders.at(place);
        let (now, before) = (order.remaining().lots(), old.remaining().lots());
        self.risk.add_open(order.row, order.side, now.checked_sub(before).unwrap_or(0));
        self.risk.touch(order.row);
        *self.orders.at_mut(place) = *order;
    }

    /// The place of the row of an account in an instrument, made if there is none.
    #[inline]
    pub(crate) fn row_of(&mut self, account: AccountId, instrument: InstrumentId) -> u32 {
        let quote = self.instruments.at(instrument).rules.quote;
        self.risk.row_of(account.0, instrument.0, quote.0)
    }

    /// Does what is due. The bound of work is for all that a tick does together.
    pub(crate) fn tick(&mut self, _header: &RecordHeader, events: &mut Vec<Event>) {
        let closed = self.sweep(coulisse_types::limits::TIMERS_PER_TICK_MAX, events);
        let more = self.sweep_is_due();
        events.push(Event::Ticked(coulisse_types::event::Ticked { closed, more }));
    }

    /// Closes an order that rests, as a maker whose time is over: what it holds is let go.
    #[inline]
    pub(crate) fn end_resting(
        &mut self,
        place: u32,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        let order = *self.orders.at(place);
        self.delist(place);
        self.close(&order, ended, events);
        self.take_off_book(&order, events);
        self.let_go(&order);
    }
}
