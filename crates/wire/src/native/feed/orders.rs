//! The items of the private channels `orders` and `fills`.

use alloc::vec::Vec;

use coulisse_types::event::{OrderAccepted, OrderFilled, OrderState, OrderTermsSet};
use coulisse_types::{
    Amount, ClientOrderId, Event, InstrumentId, OrderId, OrderType, Peg, Price, Qty, SelfTrade,
    Side, TimeInForce, Trigger,
};

use super::super::reply::separate;
use super::super::spec::type_name;
use super::item::Item;
use crate::digits;
use crate::instruments::InstrumentTable;

/// Appends what an event says of an order. `rest` is what follows it: the terms of an accepted order
/// are told with it.
pub(super) fn write_order_event(
    out: &mut Vec<u8>,
    event: &Event,
    rest: &[Event],
    table: &InstrumentTable,
) {
    match event {
        Event::OrderAccepted(order) => write_accepted(out, order, terms_of(order, rest), table),
        Event::OrderFilled(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("filled"), ids, table);
            item.text("side", order.side.name().as_bytes());
            item.qty("filled", order.filled);
            item.qty("remaining", order.remaining);
            item.close();
        }
        Event::OrderRested(order) => {
            let ids = (order.order_id, ClientOrderId::default(), order.instrument);
            let mut item = Item::about(out, Some("rested"), ids, table);
            item.text("side", order.side.name().as_bytes());
            item.price("price", order.price);
            item.qty("remaining", order.remaining);
            item.close();
        }
        Event::OrderAmended(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("amended"), ids, table);
            item.qty("qty", order.qty);
            item.price("price", order.price);
            item.qty("remaining", order.remaining);
            item.flag("kept_priority", order.kept_priority);
            item.close();
        }
        Event::OrderClosed(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("closed"), ids, table);
            item.text("state", order.state.name().as_bytes());
            item.text("reason", order.reason.name().as_bytes());
            item.qty("filled", order.filled);
            item.qty("remaining", order.remaining);
            item.close();
        }
        _ => write_rarer_event(out, event, table),
    }
}

/// What only orders with terms and lists have.
fn write_rarer_event(out: &mut Vec<u8>, event: &Event, table: &InstrumentTable) {
    let nameless = ClientOrderId::default();
    match event {
        Event::OrderTriggered(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("triggered"), ids, table);
            item.text("trigger_on", order.trigger_on.name().as_bytes());
            item.price("trigger_price", order.trigger_price);
            item.price("price", order.price);
            item.close();
        }
        Event::OrderRefreshed(order) => {
            let ids = (order.order_id, nameless, order.instrument);
            let mut item = Item::about(out, Some("refreshed"), ids, table);
            item.text("side", order.side.name().as_bytes());
            item.price("price", order.price);
            item.qty("display_qty", order.displayed);
            item.qty("remaining", order.remaining);
            item.close();
        }
        Event::OrderRepriced(order) => {
            let ids = (order.order_id, nameless, order.instrument);
            let mut item = Item::about(out, Some("repriced"), ids, table);
            let waits = order.price.ticks() == 0;
            item.text("side", order.side.name().as_bytes());
            if !waits {
                item.price("price", order.price);
            }
            item.qty("remaining", order.remaining);
            item.text("state", state_name(waits));
            item.close();
        }
        Event::OrderDecremented(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("decremented"), ids, table);
            item.qty("by", order.by);
            item.qty("qty", order.qty);
            item.qty("remaining", order.remaining);
            item.close();
        }
        Event::OrderListPlaced(list) => {
            let ids = (list.list_id, nameless, list.instrument);
            let mut item = Item::about(out, Some("list_placed"), ids, table);
            item.text("kind", list.kind.name().as_bytes());
            item.key("legs");
            item.out.push(b'[');
            let mut first = true;
            for leg in [list.list_id, list.leg_1, list.leg_2].iter().filter(|leg| leg.0 != 0) {
                separate(item.out, &mut first);
                item.out.push(b'"');
                digits::unsigned(item.out, leg.0);
                item.out.push(b'"');
            }
            item.out.push(b']');
            item.close();
        }
        _ => {}
    }
}

const fn state_name(waits: bool) -> &'static [u8] {
    let state = if waits { OrderState::Waiting } else { OrderState::Open };
    state.name().as_bytes()
}

/// The terms of an order that was just accepted stand right behind it.
fn terms_of<'e>(order: &OrderAccepted, rest: &'e [Event]) -> Option<&'e OrderTermsSet> {
    match rest.first() {
        Some(Event::OrderTermsSet(terms)) if terms.order_id == order.order_id => Some(terms),
        _ => None,
    }
}

fn write_accepted(
    out: &mut Vec<u8>,
    order: &OrderAccepted,
    terms: Option<&OrderTermsSet>,
    table: &InstrumentTable,
) {
    let ids = (order.order_id, order.client_order_id, order.instrument);
    let mut item = Item::about(out, Some("accepted"), ids, table);
    let tif = order.time_in_force;
    write_rules(&mut item, order.side, order.order_type, tif, order.post_only, terms);
    write_size(&mut item, order.qty, order.notional);
    if order.order_type == OrderType::Limit {
        item.price("price", order.price);
    }
    if let Some(terms) = terms {
        write_terms(&mut item, terms);
    }
    item.close();
}

/// How much an order is for: a quantity, or money.
pub(super) fn write_size(item: &mut Item<'_, '_>, qty: Qty, notional: Amount) {
    if notional == Amount::ZERO {
        item.qty("qty", qty);
    } else {
        item.notional("notional", notional);
    }
}

pub(super) fn write_rules(
    item: &mut Item<'_, '_>,
    side: Side,
    order_type: OrderType,
    tif: TimeInForce,
    post_only: bool,
    terms: Option<&OrderTermsSet>,
) {
    let trigger = terms.map_or(Trigger::None, |terms| terms.trigger);
    item.text("side", side.name().as_bytes());
    item.text("type", type_name(order_type, trigger).as_bytes());
    item.text("tif", tif.name().as_bytes());
    item.flag("post_only", post_only);
}

/// Appends the terms that are not at their default.
pub(super) fn write_terms(item: &mut Item<'_, '_>, terms: &OrderTermsSet) {
    if terms.trigger_price.ticks() != 0 {
        item.price("trigger_price", terms.trigger_price);
    }
    if terms.trigger != Trigger::None {
        item.text("trigger_on", terms.trigger_on.name().as_bytes());
    }
    match terms.trigger {
        Trigger::TrailTicks => item.price("trail", Price::from_ticks(terms.trail)),
        Trigger::TrailBp => item.number("trail_bp", terms.trail),
        Trigger::None | Trigger::Stop | Trigger::TakeProfit => {}
    }
    for (key, qty) in [("display_qty", terms.display_qty), ("min_qty", terms.min_qty)] {
        if !qty.is_zero() {
            item.qty(key, qty);
        }
    }
    if terms.peg != Peg::None {
        item.text("peg", terms.peg.name().as_bytes());
        item.price("peg_offset", Price::from_ticks(terms.peg_offset));
    }
    if terms.reduce_only {
        item.flag("reduce_only", true);
    }
    if terms.self_trade != SelfTrade::None {
        item.text("self_trade", terms.self_trade.name().as_bytes());
    }
    item.time("expire_time", terms.expire_ns);
}

/// A fill as a list of them tells it: a list has no seq for all of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRow {
    /// The fill.
    pub fill: OrderFilled,
    /// The seq of the record that filled.
    pub seq: u64,
    /// When the log took it, in µs since the epoch.
    pub time_us: i64,
}

/// Appends fills, each with its seq and time.
pub fn write_fill_rows(out: &mut Vec<u8>, rows: &[FillRow], table: &InstrumentTable) {
    let mut first = true;
    for row in rows {
        separate(out, &mut first);
        let mut item = fill_item(out, &row.fill, table);
        item.number("seq", i64::try_from(row.seq).unwrap_or(i64::MAX));
        item.number("time", row.time_us);
        item.close();
    }
}

pub(super) fn write_fill(out: &mut Vec<u8>, fill: &OrderFilled, table: &InstrumentTable) {
    fill_item(out, fill, table).close();
}

fn fill_item<'o, 't>(
    out: &'o mut Vec<u8>,
    fill: &OrderFilled,
    table: &'t InstrumentTable,
) -> Item<'o, 't> {
    let ids = (fill.order_id, fill.client_order_id, fill.instrument);
    let mut item = Item::about(out, None, ids, table);
    item.id("trade_id", fill.trade_id.0);
    item.text("side", fill.side.name().as_bytes());
    item.text("role", fill.role.name().as_bytes());
    item.price("price", fill.price);
    item.qty("qty", fill.qty);
    item.notional("notional", fill.notional);
    item.notional("fee", fill.fee);
    if let Some(info) = item.info {
        item.text("fee_asset", info.quote.name.as_bytes());
    }
    item.qty("filled", fill.filled);
    item.qty("remaining", fill.remaining);
    item
}

/// An order that is open, as the core knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its id.
    pub order_id: OrderId,
    /// The client's id; empty for none.
    pub client_order_id: ClientOrderId,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Limit or market: a market order is open while it waits for its trigger or an auction.
    pub order_type: OrderType,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Whether it may only make.
    pub post_only: bool,
    /// Its total.
    pub qty: Qty,
    /// Its limit.
    pub price: Price,
    /// What is filled of it.
    pub filled: Qty,
    /// Whether it waits for its trigger, its peg's reference or its list.
    pub waits: bool,
    /// Its terms, as when it was accepted; `None` where all are at their default.
    pub terms: Option<OrderTermsSet>,
}

pub(in crate::native) fn write_open_order_items(
    out: &mut Vec<u8>,
    orders: impl IntoIterator<Item = OpenOrder>,
    table: &InstrumentTable,
) {
    let mut first = true;
    for order in orders {
        separate(out, &mut first);
        let ids = (order.order_id, order.client_order_id, order.instrument);
        let mut item = Item::about(out, None, ids, table);
        let (tif, terms) = (order.time_in_force, order.terms.as_ref());
        write_rules(&mut item, order.side, order.order_type, tif, order.post_only, terms);
        item.qty("qty", order.qty);
        if order.order_type == OrderType::Limit {
            item.price("price", order.price);
        }
        item.qty("filled", order.filled);
        item.qty("remaining", order.qty.checked_sub(order.filled).unwrap_or_default());
        item.text("state", state_name(order.waits));
        if let Some(terms) = terms {
            write_terms(&mut item, terms);
        }
        item.close();
    }
}
