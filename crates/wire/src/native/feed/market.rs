//! The public channels `book_l3`, `ticker` and `instruments`.

use alloc::vec::Vec;

use coulisse_types::candle::Candle;
use coulisse_types::{OrderId, Price, Qty, Side};

use super::super::reply::separate;
use super::super::rest::write_instrument;
use super::super::spec::Channel;
use super::item::Item;
use super::public::{Level, TradeRow, open_public};
use crate::digits;
use crate::instruments::InstrumentInfo;

/// An order as the book shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOrder {
    /// Its id.
    pub order_id: OrderId,
    /// Its side.
    pub side: Side,
    /// Its price on the book.
    pub price: Price,
    /// What the book shows of it.
    pub qty: Qty,
}

/// What happened to one order of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// It stands behind all others at its price.
    Added(BookOrder),
    /// It has this qty now, in its place.
    Changed(OrderId, Qty),
    /// It is gone.
    Removed(OrderId),
}

fn open_items(out: &mut Vec<u8>, seq: u64) {
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
}

fn write_order(out: &mut Vec<u8>, info: &InstrumentInfo, event: Option<&str>, order: &BookOrder) {
    let mut item = Item::of(out, event, Some(info));
    item.id("order_id", order.order_id.0);
    item.text("side", order.side.name().as_bytes());
    item.price("price", order.price);
    item.qty("qty", order.qty);
    item.close();
}

/// Appends the image of a book by orders: bids, then asks, best first, then first come.
pub fn write_l3_image(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    epoch: u64,
    seq: u64,
    orders: impl IntoIterator<Item = BookOrder>,
) {
    open_public(out, Channel::BookL3, info, None);
    out.extend_from_slice(b",\"epoch\":");
    digits::unsigned(out, epoch);
    open_items(out, seq);
    let mut first = true;
    for order in orders {
        separate(out, &mut first);
        write_order(out, info, None, &order);
    }
    out.extend_from_slice(b"]}");
}

/// Appends what one record did to the orders of a book.
pub fn write_l3_delta(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    (prev, seq): (u64, u64),
    changes: impl IntoIterator<Item = OrderChange>,
) {
    open_public(out, Channel::BookL3, info, Some(prev));
    open_items(out, seq);
    let mut first = true;
    for change in changes {
        separate(out, &mut first);
        match change {
            OrderChange::Added(order) => write_order(out, info, Some("added"), &order),
            OrderChange::Changed(order_id, qty) => {
                let mut item = Item::of(out, Some("changed"), Some(info));
                item.id("order_id", order_id.0);
                item.qty("qty", qty);
                item.close();
            }
            OrderChange::Removed(order_id) => {
                let mut item = Item::of(out, Some("removed"), Some(info));
                item.id("order_id", order_id.0);
                item.close();
            }
        }
    }
    out.extend_from_slice(b"]}");
}

/// The market of an instrument in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticker {
    /// The best bid.
    pub bid: Option<Level>,
    /// The best ask.
    pub ask: Option<Level>,
    /// The last trade.
    pub last: Option<TradeRow>,
    /// The last 24 hours.
    pub day: Option<Candle>,
}

/// Appends a ticker: a delta with `prev`, the image without.
pub fn write_ticker(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    prev: Option<u64>,
    seq: u64,
    ticker: &Ticker,
) {
    open_public(out, Channel::Ticker, info, prev);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    let mut item = Item::behind(out, info);
    for ((price_key, qty_key), best) in
        [(("bid", "bid_qty"), ticker.bid), (("ask", "ask_qty"), ticker.ask)]
    {
        if let Some((price, qty)) = best {
            item.price(price_key, price);
            item.qty(qty_key, qty);
        }
    }
    if let Some(last) = ticker.last {
        item.price("last", last.price);
        item.qty("last_qty", last.qty);
        item.number("time", last.time_us);
    }
    if let Some(day) = ticker.day {
        item.price("open", day.open);
        item.price("high", day.high);
        item.price("low", day.low);
        item.quoted("volume", |out, info| info.write_volume(out, day.lots));
        item.quoted("notional", |out, info| info.write_turnover(out, day.tick_lots));
        item.number("trades", i64::try_from(day.trades).unwrap_or(i64::MAX));
    }
    item.close();
}

/// Appends instruments with their rules: a delta with `prev`, the image without.
pub fn write_instruments<'t>(
    out: &mut Vec<u8>,
    prev: Option<u64>,
    seq: u64,
    instruments: impl IntoIterator<Item = &'t InstrumentInfo>,
) {
    out.extend_from_slice(b"{\"ch\":\"instruments\",\"type\":\"");
    match prev {
        Some(prev) => {
            out.extend_from_slice(b"delta\",\"prev\":");
            digits::unsigned(out, prev);
        }
        None => out.extend_from_slice(b"image\""),
    }
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
    let mut first = true;
    for info in instruments {
        separate(out, &mut first);
        write_instrument(out, info);
    }
    out.extend_from_slice(b"]}");
}
