//! The orders of one book as the listeners of `book_l3` have them, and what a record does to them.
//!
//! Which orders a record touched, and which of them went to the end of their level, stands in its
//! events; how each stands now is read from the core. So whatever the core does to an order, its
//! listeners have what the book shows.
//!
//! Invariant: image and deltas are the book's orders, level by level, in the order in which they are
//! filled.
//! Cost: n log n in the orders that a record touches.

use crate::view::CoreView;
use coulisse_types::{Event, InstrumentId, OrderId, Price, Qty, Side};
use coulisse_wire::native::feed::{BookOrder, OrderChange};
use std::collections::HashMap;

/// What the listeners have.
#[derive(Debug, Default)]
pub(crate) struct OrderFeed {
    shown: HashMap<u64, (Side, Price, Qty)>,
    /// Memory that is used again: order, and when it went to the end of its level, from 1; 0: it did not.
    touched: Vec<(u64, usize)>,
}

/// The order that an event is about, and whether it is at the end of its level now.
fn order_of(event: &Event, instrument: InstrumentId) -> Option<(OrderId, bool)> {
    let (of, order_id, goes_last) = match event {
        Event::OrderRested(order) => (order.instrument, order.order_id, true),
        Event::OrderRefreshed(order) => (order.instrument, order.order_id, true),
        Event::OrderRepriced(order) => (order.instrument, order.order_id, true),
        Event::OrderFilled(order) => (order.instrument, order.order_id, false),
        Event::OrderAmended(order) => (order.instrument, order.order_id, false),
        Event::OrderDecremented(order) => (order.instrument, order.order_id, false),
        Event::OrderClosed(order) => (order.instrument, order.order_id, false),
        _ => return None,
    };
    (of == instrument).then_some((order_id, goes_last))
}

impl OrderFeed {
    /// Begins with what an image shows.
    pub(crate) fn new(orders: &[BookOrder]) -> Self {
        let shown = orders.iter().map(|o| (o.order_id.0, (o.side, o.price, o.qty))).collect();
        Self { shown, touched: Vec::new() }
    }

    /// Appends what a record did: first what keeps its place or goes, then what stands last now, in
    /// that order.
    pub(crate) fn advance(
        &mut self,
        events: &[Event],
        instrument: InstrumentId,
        view: &impl CoreView,
        changes: &mut Vec<OrderChange>,
    ) {
        self.touched.clear();
        for (at, event) in (1..).zip(events) {
            if let Some((order_id, goes_last)) = order_of(event, instrument) {
                self.touched.push((order_id.0, if goes_last { at } else { 0 }));
            }
        }
        // The last time that an order went last is what counts.
        self.touched.sort_unstable_by_key(|(order, at)| (*order, std::cmp::Reverse(*at)));
        self.touched.dedup_by_key(|(order, _)| *order);
        self.touched.sort_unstable_by_key(|(order, at)| (*at, *order));
        for (id, at) in &self.touched {
            let order_id = OrderId(*id);
            let now = view.book_order(order_id);
            let before = match now {
                Some(order) => self.shown.insert(*id, (order.side, order.price, order.qty)),
                None => self.shown.remove(id),
            };
            match (before, now) {
                (Some(_), None) => changes.push(OrderChange::Removed(order_id)),
                (None, Some(order)) => changes.push(OrderChange::Added(order)),
                (Some((_, price, _)), Some(order)) if *at > 0 || price != order.price => {
                    changes.push(OrderChange::Removed(order_id));
                    changes.push(OrderChange::Added(order));
                }
                (Some((_, _, qty)), Some(order)) if qty != order.qty => {
                    changes.push(OrderChange::Changed(order_id, order.qty));
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
    }
}
