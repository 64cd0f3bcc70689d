//! Orders that are closed, as history tells them.

use alloc::vec::Vec;

use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{Amount, OrderType, Qty};

use super::super::history::Place;
use super::super::reply::separate;
use super::item::Item;
use super::orders::{OpenOrder, write_rules, write_size, write_terms};
use crate::instruments::InstrumentTable;

/// An order that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedOrder {
    /// Where it closed.
    pub place: Place,
    /// When, in µs since the epoch.
    pub time_us: i64,
    /// What it was in the end.
    pub order: OpenOrder,
    /// What it was to trade for; 0 but for a market order by notional.
    pub notional: Amount,
    /// What was left of it.
    pub remaining: Qty,
    /// How it ended.
    pub state: OrderState,
    /// Why.
    pub reason: CloseReason,
    /// Where it was accepted.
    pub accepted_seq: u64,
    /// When, in µs since the epoch.
    pub accepted_us: i64,
}

/// Appends closed orders, each with where it was accepted and where it closed.
pub(in crate::native) fn write_closed_order_items(
    out: &mut Vec<u8>,
    rows: &[ClosedOrder],
    table: &InstrumentTable,
) {
    let whole = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
    let mut first = true;
    for row in rows {
        separate(out, &mut first);
        let order = &row.order;
        let ids = (order.order_id, order.client_order_id, order.instrument);
        let mut item = Item::about(out, None, ids, table);
        let (tif, terms) = (order.time_in_force, order.terms.as_ref());
        write_rules(&mut item, order.side, order.order_type, tif, order.post_only, terms);
        write_size(&mut item, order.qty, row.notional);
        if order.order_type == OrderType::Limit {
            item.price("price", order.price);
        }
        item.qty("filled", order.filled);
        item.qty("remaining", row.remaining);
        item.text("state", row.state.name().as_bytes());
        item.text("reason", row.reason.name().as_bytes());
        if let Some(terms) = terms {
            write_terms(&mut item, terms);
        }
        item.number("accepted_seq", whole(row.accepted_seq));
        item.number("accepted_time", row.accepted_us);
        item.number("seq", whole(row.place.seq));
        item.number("time", row.time_us);
        item.close();
    }
}
