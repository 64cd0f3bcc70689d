//! Cancelling and amending: section 6 of the rules.

use crate::amend_terms::push_amended;
use crate::closing::NOWHERE;
use crate::engine::Engine;
use crate::gate::Proposal;
use crate::lists::{LEGS, Leg};
use crate::matching::{Taker, push_level};
use crate::orders::Order;
use crate::paged::NONE;
use crate::place::{check_price, check_qty, qty_reject};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::{OrderAmend, OrderCancel, OrderCancelAll};
use coulisse_types::event::{CloseReason, OrderState, OrdersCancelled};
use coulisse_types::{
    ClientOrderId, Event, Field, InstrumentId, OrderId, Price, Qty, RecordHeader, RejectCode,
};

/// An amend that passed every check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    price: Price,
    qty: Qty,
    pub(crate) loses_place: bool,
    /// What it needs more than it holds; negative for less.
    pub(crate) more_minor: i128,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "lots of an order that exists, and sums of what exists of an asset"
)]
impl Engine {
    pub(crate) fn cancel(
        &mut self,
        header: &RecordHeader,
        body: &OrderCancel,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let place = self.find_order(header, body.order_id, &body.client_order_id)?;
        self.instruments.at(self.orders.at(place).instrument).check_lets_go()?;
        self.close_live(place, (OrderState::Cancelled, CloseReason::CancelRequested), events);
        Ok(())
    }

    pub(crate) fn cancel_all(
        &mut self,
        header: &RecordHeader,
        body: OrderCancelAll,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let (account, instrument) = (header.account, body.instrument);
        if instrument != InstrumentId(0) {
            self.listing(instrument)?;
        }
        let mut count = 0;
        let mut next = self.orders.oldest(account);
        while let Some(place) = next {
            let after = self.three_newer(place);
            let order = self.orders.at(place);
            let lets_go = self.instruments.at(order.instrument).lets_go();
            if lets_go && self.is_meant(header, &body, order) {
                self.close_live(place, (OrderState::Cancelled, CloseReason::CancelAll), events);
                count += 1;
            }
            // What closed with it was of the same list, placed right after it.
            next = after.into_iter().flatten().find(|leg| self.lives(*leg)).map(|leg| leg.place);
        }
        events.push(Event::OrdersCancelled(OrdersCancelled { account, instrument, count }));
        Ok(())
    }

    /// Whether an order is one of those that a cancel-all is about.
    #[inline]
    fn is_meant(&self, header: &RecordHeader, body: &OrderCancelAll, order: &Order) -> bool {
        let is_there = body.instrument == InstrumentId(0) || order.instrument == body.instrument;
        let is_wanted =
            body.side.takes(order.side) || self.planted.is(Fault::CancelAllTakesBothSides);
        let is_of_session =
            (body.session, header.origin.node) == (order.session, order.node) || body.session == 0;
        is_there && is_wanted && is_of_session && !self.is_dead(order)
    }

    /// The account's next orders, as many as a list has legs.
    fn three_newer(&self, place: u32) -> [Option<Leg>; LEGS] {
        let mut newer = Some(place);
        [(); LEGS].map(|()| {
            newer = newer.and_then(|place| self.orders.newer(place));
            newer.map(|place| Leg { id: self.orders.at(place).id, place })
        })
    }

    fn lives(&self, leg: Leg) -> bool {
        self.orders.find(leg.id) == Some(leg.place)
    }

    /// The account's live order that a command names; one that its key may not trade is not found.
    #[inline]
    pub(crate) fn find_order(
        &self,
        header: &RecordHeader,
        order_id: OrderId,
        client_order_id: &ClientOrderId,
    ) -> Result<u32, Reject> {
        let account = header.account;
        let refuse = |field| Err(Reject::new(RejectCode::InvalidCombination, field));
        let is_in_reach =
            |order: &Order| !self.is_dead(order) && self.may_trade(header.key, order.instrument);
        match (order_id != OrderId(0), client_order_id.is_empty()) {
            (true, false) => refuse(Field::ClientOrderId),
            (false, true) => refuse(Field::OrderId),
            (true, true) => {
                let place = self.orders.find(order_id);
                let is_own = |place: &u32| {
                    let order = self.orders.at(*place);
                    order.account == account && is_in_reach(order)
                };
                place.filter(is_own).ok_or_else(|| {
                    Reject::new(RejectCode::OrderNotFound, Field::OrderId).number(order_id.0)
                })
            }
            (false, false) => {
                let hash = self.client_ids.hash(account, client_order_id);
                self.orders
                    .find_client(hash, account, client_order_id)
                    .filter(|place| is_in_reach(self.orders.at(*place)))
                    .ok_or_else(|| Reject::new(RejectCode::OrderNotFound, Field::ClientOrderId))
            }
        }
    }

    pub(crate) fn amend(
        &mut self,
        header: &RecordHeader,
        body: &OrderAmend,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        ensure(!body.qty.is_zero() || body.price.ticks() != 0, || {
            Reject::new(RejectCode::InvalidCombination, Field::Qty)
        })?;
        let place = self.find_order(header, body.order_id, &body.client_order_id)?;
        let order = self.orders.at(place);
        let listing = self.instruments.at(order.instrument);
        if !listing.is_plain {
            listing.check_takes_amend(order, body)?;
        }
        if order.terms != NONE {
            self.check_amendable(order, body)?;
        }
        let min_qty = listing.rules.min_qty;
        ensure(body.qty >= Qty::ZERO, || qty_reject(RejectCode::QtyBelowMin, body.qty, min_qty))?;
        if !body.qty.is_zero() && body.qty.lots() <= order.filled_lots {
            let ended = (OrderState::Cancelled, CloseReason::AmendedToFilled);
            self.close_live(place, ended, events);
            return Ok(());
        }
        let order = *order;
        let change = self.check_amend(&order, body)?;
        self.change(place, &change, events);
        Ok(())
    }

    /// The checks on the order as it would be.
    fn check_amend(&mut self, order: &Order, body: &OrderAmend) -> Result<Change, Reject> {
        let rules = &self.instruments.at(order.instrument).rules;
        let qty = if body.qty.is_zero() { Qty::from_lots(order.qty_lots) } else { body.qty };
        let same_price = body.price.ticks() == 0 || body.price.ticks() == order.price_ticks;
        let price = if same_price { Price::from_ticks(order.price_ticks) } else { body.price };
        check_qty(rules, qty)?;
        check_price(rules, price, qty)?;
        let loses_place = !same_price || qty.lots() > order.qty_lots;
        let remaining = Qty::from_lots(qty.lots() - order.filled_lots);
        self.gate(&Proposal::of_amend(order, price, remaining, self.is_conditional(order)))?;
        let listing = self.instruments.at(order.instrument);
        let rules = &listing.rules;
        if loses_place && self.comes_to_level(order) {
            if !self.planted.is(Fault::PostOnlyIgnored) {
                listing.check_amend_rests(order, price)?;
            }
            // At its own level it already counts with what is left, or shown, of it.
            let counted = if same_price { self.shown_now(order) } else { Qty::ZERO };
            let shown = self.shown(&Order { qty_lots: qty.lots(), ..*order });
            self.check_level(listing, order.side, price, (shown, counted))?;
        }
        let need_minor = order.need_at(price, remaining, rules).unwrap_or(i128::MAX);
        let more_minor = need_minor - order.need(rules);
        self.check_available(order, rules, more_minor)?;
        Ok(Change { price, qty, loses_place, more_minor })
    }

    fn change(&mut self, place: u32, change: &Change, events: &mut Vec<Event>) {
        let old = *self.orders.at(place);
        let order = Order { price_ticks: change.price.ticks(), qty_lots: change.qty.lots(), ..old };
        self.risk.touch(order.row);
        let mut loses_place = change.loses_place;
        if self.planted.is(Fault::AmendLosesPriority) && order.qty_lots < old.qty_lots {
            loses_place = true;
        }
        if order.terms != NONE && self.change_apart(place, &order, change, events) {
            return;
        }
        push_amended(events, &order, !change.loses_place);
        if loses_place {
            #[cfg(feature = "planted")]
            let bypassed = self.planted_bypassed(&old, &order);
            self.note_reference(order.instrument);
            self.take_off_book(&old, events);
            self.adjust_hold(&order, change.more_minor);
            let listing = self.instruments.at(order.instrument);
            let (collects, held_minor) = (listing.collects(), Some(order.need(&listing.rules)));
            let order = Order { handle: NOWHERE, ..order };
            let mut taker = Taker { order, held_minor, to_spend_minor: None, bound_ticks: 0 };
            if collects {
                self.rest(&taker, Some(place), events);
            } else {
                let stop = self.match_taker(&mut taker, events);
                self.conclude(&taker, stop, Some(place), events);
            }
            #[cfg(feature = "planted")]
            self.planted_requeue(&bypassed);
        } else if order.qty_lots < old.qty_lots {
            let by = Qty::from_lots(self.shown_now(&old).lots() - self.shown_of(&old, &order));
            let book = &mut self.instruments.at_mut(order.instrument).book;
            if !by.is_zero() {
                let left = book.reduce(order.handle, by);
                assert!(left.is_some(), "the book had less of an order than the engine");
            }
            let level = book.level_of(order.handle);
            push_level(events, order.instrument, order.side, level.price, Some(level));
            self.relist(place, &order);
            self.adjust_hold(&order, change.more_minor);
        }
    }
}
