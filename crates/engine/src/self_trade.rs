//! An order that meets one of the same owner: section 11 of the rules.

use crate::engine::Engine;
use crate::matching::{Stop, Taker, push_level};
use crate::meet::Meeting;
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use alloc::vec::Vec;
use coulisse_book::{Level, Top};
use coulisse_types::event::{CloseReason, OrderDecremented, OrderState};
use coulisse_types::{Event, Price, Qty, SelfTrade};

/// How an own maker ends.
const ENDED: (OrderState, CloseReason) = (OrderState::Expired, CloseReason::SelfTrade);

#[expect(clippy::arithmetic_side_effects, reason = "lots of orders, and holds within needs")]
impl Engine {
    /// Looks at a maker of the same owner. `level` is the one traded on and not yet said.
    #[cold]
    #[inline(never)]
    pub(crate) fn meet_own(
        &mut self,
        taker: &mut Taker,
        (place, maker): (u32, &Order),
        top: &Top,
        level: &mut Option<Level>,
        events: &mut Vec<Event>,
    ) -> Option<Meeting> {
        let mode = self.self_trade(&taker.order);
        let instrument = taker.order.instrument;
        if mode == SelfTrade::None
            || !self.is_same_owner(taker.order.account, maker.account)
            || self.planted.is(Fault::SelfTradeAllowed)
        {
            return None;
        }
        let by_notional = taker.to_spend_minor.is_some();
        if mode == SelfTrade::ExpireTaker || (mode == SelfTrade::Decrement && by_notional) {
            return Some(Meeting::Over(Stop::SelfTrade));
        }
        if let Some(left) = level.filter(|level| level.price != top.price) {
            push_level(events, instrument, maker.side, left.price, Some(left));
        }
        if mode == SelfTrade::Decrement {
            *level = Some(self.decrement(taker, place, top, events));
            let is_over = taker.order.remaining().is_zero();
            let over = if is_over { Meeting::Over(Stop::SelfTrade) } else { Meeting::Passed };
            return Some(over);
        }
        *level = Some(self.end_maker(place, top.price, ENDED, events));
        Some(match mode {
            SelfTrade::ExpireBoth => Meeting::Over(Stop::SelfTrade),
            _ => Meeting::Passed,
        })
    }

    /// A maker ends in the midst of matching: what is left of its level is said later.
    pub(crate) fn end_maker(
        &mut self,
        place: u32,
        price: Price,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) -> Level {
        let order = *self.orders.at(place);
        let listing = self.instruments.at_mut(order.instrument);
        listing.book.remove(order.handle);
        let need_minor = order.need(&listing.rules);
        self.adjust_hold(&order, -need_minor);
        self.end_arrived(place, &order, ended, events);
        self.level_or_none(&order, price)
    }

    fn level_or_none(&self, order: &Order, price: Price) -> Level {
        let book = &self.instruments.at(order.instrument).book;
        book.level(order.side, price).unwrap_or(Level { price, qty: Qty::ZERO, count: 0 })
    }

    /// Both lose what they could have traded. The maker's level as it is left.
    fn decrement(
        &mut self,
        taker: &mut Taker,
        place: u32,
        top: &Top,
        events: &mut Vec<Event>,
    ) -> Level {
        let by = top.qty.min(taker.order.remaining());
        let old = *self.orders.at(place);
        let maker = Order { qty_lots: old.qty_lots - by.lots(), ..old };
        let listing = self.instruments.at_mut(old.instrument);
        let more_minor = maker.need(&listing.rules) - old.need(&listing.rules);
        let is_gone = by == top.qty;
        if is_gone {
            listing.book.remove(old.handle);
        } else {
            listing.book.reduce(old.handle, by);
        }
        self.relist(place, &maker);
        if !self.planted.is(Fault::DecrementKeepsHold) {
            self.adjust_hold(&maker, more_minor);
        }
        taker.order.qty_lots -= by.lots();
        push_decremented(events, &maker, by);
        push_decremented(events, &taker.order, by);
        let level = self.level_or_none(&maker, top.price);
        if maker.remaining().is_zero() {
            self.end_arrived(place, &maker, ENDED, events);
            return level;
        }
        if maker.terms != NONE {
            self.leg_decremented(&maker);
        }
        if is_gone { self.refresh(place, level, events) } else { level }
    }
}

fn push_decremented(events: &mut Vec<Event>, order: &Order, by: Qty) {
    events.push(Event::OrderDecremented(OrderDecremented {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        by,
        qty: Qty::from_lots(order.qty_lots),
        remaining: order.remaining(),
        client_order_id: order.client_order_id,
    }));
}
