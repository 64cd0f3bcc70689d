//! Cancelling and amending: section 6 of the rules.

use crate::engine::Engine;
use crate::ledger::Pocket;
use crate::matching::{Taker, push_level};
use crate::orders::Order;
use crate::place::{check_post_only, check_price, check_qty, qty_reject};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::{OrderAmend, OrderCancel, OrderCancelAll};
use coulisse_types::event::{CloseReason, OrderAmended, OrderState, OrdersCancelled};
use coulisse_types::{
    AccountId, ClientOrderId, Event, Field, InstrumentId, OrderId, Price, Qty, RecordHeader,
    RejectCode, Side, Unit,
};

/// An amend that passed every check.
#[derive(Clone, Copy, Debug)]
struct Change {
    price: Price,
    qty: Qty,
    loses_place: bool,
    /// What it needs more than it holds; negative for less.
    more_minor: i128,
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
        let place = self.find_order(header.account, body.order_id, &body.client_order_id)?;
        self.close_resting(place, CloseReason::CancelRequested, events);
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
            next = self.orders.newer(place);
            let order = self.orders.at(place);
            let is_there = instrument == InstrumentId(0) || order.instrument == instrument;
            let is_wanted =
                body.side.takes(order.side) || self.planted.is(Fault::CancelAllTakesBothSides);
            if is_there && is_wanted {
                self.close_resting(place, CloseReason::CancelAll, events);
                count += 1;
            }
        }
        events.push(Event::OrdersCancelled(OrdersCancelled { account, instrument, count }));
        Ok(())
    }

    /// The account's live order that a command names.
    #[inline]
    fn find_order(
        &self,
        account: AccountId,
        order_id: OrderId,
        client_order_id: &ClientOrderId,
    ) -> Result<u32, Reject> {
        let refuse = |field| Err(Reject::new(RejectCode::InvalidCombination, field));
        match (order_id != OrderId(0), client_order_id.is_empty()) {
            (true, false) => refuse(Field::ClientOrderId),
            (false, true) => refuse(Field::OrderId),
            (true, true) => {
                let place = self.orders.find(order_id);
                place.filter(|place| self.orders.at(*place).account == account).ok_or_else(|| {
                    Reject::new(RejectCode::OrderNotFound, Field::OrderId).number(order_id.0)
                })
            }
            (false, false) => {
                let hash = self.client_ids.hash(account, client_order_id);
                self.orders
                    .find_client(hash, account, client_order_id)
                    .ok_or_else(|| Reject::new(RejectCode::OrderNotFound, Field::ClientOrderId))
            }
        }
    }

    /// Takes an order off the book, cancelled, and lets go what it holds.
    #[inline]
    fn close_resting(&mut self, place: u32, reason: CloseReason, events: &mut Vec<Event>) {
        let order = *self.orders.at(place);
        self.orders.remove(place);
        self.close(&order, (OrderState::Cancelled, reason), events);
        self.take_off_book(&order, events);
        if !self.planted.is(Fault::CancelKeepsHold) {
            let rules = &self.instruments.at(order.instrument).rules;
            let (account, asset) = (order.account.0, order.held_asset(rules));
            let (held, available) = (Pocket::Held(account), Pocket::Available(account));
            self.ledger.post(held, available, asset, order.need(rules));
        }
    }

    #[inline]
    fn take_off_book(&mut self, order: &Order, events: &mut Vec<Event>) {
        let book = &mut self.instruments.at_mut(order.instrument).book;
        let taken = book.remove(order.handle);
        assert!(taken.order_id == order.id, "a handle of another order");
        let level = book.level(taken.side, taken.price);
        push_level(events, order.instrument, taken.side, taken.price, level);
    }

    /// Holds `more_minor` more for an order, or less where it is negative.
    #[inline]
    fn adjust_hold(&mut self, order: &Order, more_minor: i128) {
        let account = order.account.0;
        let asset = order.held_asset(&self.instruments.at(order.instrument).rules);
        let (available, held) = (Pocket::Available(account), Pocket::Held(account));
        if more_minor > 0 {
            self.ledger.post(available, held, asset, more_minor);
        } else {
            self.ledger.post(held, available, asset, -more_minor);
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
        let place = self.find_order(header.account, body.order_id, &body.client_order_id)?;
        let order = self.orders.at(place);
        let min_qty = self.instruments.at(order.instrument).rules.min_qty;
        ensure(body.qty >= Qty::ZERO, || qty_reject(RejectCode::QtyBelowMin, body.qty, min_qty))?;
        if !body.qty.is_zero() && body.qty.lots() <= order.filled_lots {
            self.close_resting(place, CloseReason::AmendedToFilled, events);
            return Ok(());
        }
        let change = self.check_amend(order, body)?;
        self.change(place, &change, events);
        Ok(())
    }

    /// The checks on the order as it would be.
    fn check_amend(&self, order: &Order, body: &OrderAmend) -> Result<Change, Reject> {
        let listing = self.instruments.at(order.instrument);
        let rules = &listing.rules;
        let qty = if body.qty.is_zero() { Qty::from_lots(order.qty_lots) } else { body.qty };
        let same_price = body.price.ticks() == 0 || body.price.ticks() == order.price_ticks;
        let price = if same_price { Price::from_ticks(order.price_ticks) } else { body.price };
        check_qty(rules, qty)?;
        check_price(rules, price, qty)?;
        let loses_place = !same_price || qty.lots() > order.qty_lots;
        let remaining = Qty::from_lots(qty.lots() - order.filled_lots);
        if loses_place {
            if order.post_only && !self.planted.is(Fault::PostOnlyIgnored) {
                check_post_only(listing, order.side, price)?;
            }
            // At its own level it already counts with what is left of it.
            let counted = if same_price { order.remaining() } else { Qty::ZERO };
            self.check_level(listing, order.side, price, (remaining, counted))?;
        }
        let need_minor = order.need_at(price, remaining, rules).unwrap_or(i128::MAX);
        let more_minor = need_minor - order.need(rules);
        let (asset, unit) = match order.side {
            Side::Sell => (rules.base, Unit::BaseMinor),
            Side::Buy => (rules.quote, Unit::QuoteMinor),
        };
        let available_minor = self.ledger.available_minor(order.account, asset);
        ensure(more_minor <= available_minor, || {
            Reject::new(RejectCode::InsufficientBalance, Field::Available)
                .value(unit, more_minor)
                .limit(available_minor)
        })?;
        Ok(Change { price, qty, loses_place, more_minor })
    }

    fn change(&mut self, place: u32, change: &Change, events: &mut Vec<Event>) {
        let old = *self.orders.at(place);
        let order = Order { price_ticks: change.price.ticks(), qty_lots: change.qty.lots(), ..old };
        let mut loses_place = change.loses_place;
        if self.planted.is(Fault::AmendLosesPriority) && order.qty_lots < old.qty_lots {
            loses_place = true;
        }
        events.push(Event::OrderAmended(OrderAmended {
            order_id: order.id,
            account: order.account,
            instrument: order.instrument,
            qty: change.qty,
            price: change.price,
            remaining: order.remaining(),
            kept_priority: !change.loses_place,
            client_order_id: order.client_order_id,
        }));
        if loses_place {
            #[cfg(feature = "planted")]
            let bypassed = self.planted_bypassed(&old, &order);
            self.take_off_book(&old, events);
            self.adjust_hold(&order, change.more_minor);
            let held_minor = Some(order.need(&self.instruments.at(order.instrument).rules));
            let to_spend_minor = None;
            let mut taker = Taker { order, held_minor, to_spend_minor };
            let stop = self.match_taker(&mut taker, events);
            self.conclude(&taker, stop, Some(place), events);
            #[cfg(feature = "planted")]
            self.planted_requeue(&bypassed);
        } else if order.qty_lots < old.qty_lots {
            let book = &mut self.instruments.at_mut(order.instrument).book;
            let left = book.reduce(order.handle, Qty::from_lots(old.qty_lots - order.qty_lots));
            assert!(left == Some(order.remaining()), "the book had another qty than the order");
            let level = book.level_of(order.handle);
            push_level(events, order.instrument, order.side, change.price, Some(level));
            *self.orders.at_mut(place) = order;
            self.adjust_hold(&order, change.more_minor);
        }
    }
}
