//! Amending orders with terms: what sections 11, 12, 13 and 15 of the rules say of it.

use crate::amend::Change;
use crate::closing::NOWHERE;
use crate::engine::Engine;
use crate::orders::Order;
use crate::paged::NONE;
use crate::place_list::leg_reject;
use crate::reject::{Reject, ensure};
use crate::terms::Wait;
use alloc::vec::Vec;
use coulisse_types::command::OrderAmend;
use coulisse_types::event::OrderAmended;
use coulisse_types::{Event, Field, OrderType, Price, Qty, RejectCode, Unit};

impl Engine {
    /// Whether an order with terms may be amended like this at all.
    pub(crate) fn check_amendable(&self, order: &Order, body: &OrderAmend) -> Result<(), Reject> {
        let terms = self.orders.terms(order);
        ensure(terms.list == NONE, || leg_reject(terms.leg))?;
        let ticks = body.price.ticks();
        ensure(order.order_type == OrderType::Limit || ticks == 0, || {
            Reject::new(RejectCode::InvalidCombination, Field::Price).value(Unit::Ticks, ticks)
        })
    }

    /// Whether an order that loses its place comes to a level by itself: not one that waits for its
    /// trigger, nor one that follows.
    #[inline]
    pub(crate) fn comes_to_level(&self, order: &Order) -> bool {
        if order.terms == NONE {
            return true;
        }
        let terms = self.orders.terms(order);
        terms.wait != Wait::Trigger && !terms.asked.is_pegged()
    }

    /// What the book shows now of an order that rests.
    #[inline]
    pub(crate) fn shown_now(&self, order: &Order) -> Qty {
        if order.terms == NONE {
            return order.remaining();
        }
        self.instruments.at(order.instrument).book.order(order.handle).qty
    }

    /// What it will show, in lots, when it keeps its place and has less left.
    #[inline]
    pub(crate) fn shown_of(&self, old: &Order, new: &Order) -> i64 {
        if old.terms == NONE {
            return new.remaining().lots();
        }
        self.shown_now(old).min(new.remaining()).lots()
    }

    /// Changes an order that waits for its trigger, or follows; whether it was one.
    #[inline(never)]
    pub(crate) fn change_apart(
        &mut self,
        place: u32,
        order: &Order,
        change: &Change,
        events: &mut Vec<Event>,
    ) -> bool {
        let terms = *self.orders.terms(order);
        let waits = order.handle == NOWHERE;
        let keeps_place = terms.wait == Wait::Trigger || !change.loses_place;
        if terms.wait == Wait::Trigger || (terms.wait == Wait::Peg && keeps_place) {
            push_amended(events, order, true);
            *self.orders.at_mut(place) = *order;
            self.adjust_hold(order, change.more_minor);
            return true;
        }
        if !terms.asked.is_pegged() || keeps_place {
            return false;
        }
        push_amended(events, order, false);
        if !waits {
            self.leave_book(place, events);
        }
        *self.orders.at_mut(place) = Order { handle: NOWHERE, ..*order };
        self.adjust_hold(order, change.more_minor);
        self.settle_peg(place, events);
        true
    }
}

/// Says that an order was changed.
pub(crate) fn push_amended(events: &mut Vec<Event>, order: &Order, kept_priority: bool) {
    events.push(Event::OrderAmended(OrderAmended {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        qty: Qty::from_lots(order.qty_lots),
        price: Price::from_ticks(order.price_ticks),
        remaining: order.remaining(),
        kept_priority,
        client_order_id: order.client_order_id,
    }));
}
