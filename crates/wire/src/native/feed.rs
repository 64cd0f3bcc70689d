//! Messages of the channels: `orders`, `fills`, `balances`, `trades`, `book`.
//!
//! A delta of a private channel holds all that one record did to one account on that channel: one
//! message per channel and seq. What `prev` and `seq` are is the caller's knowledge.

use alloc::vec::Vec;

use coulisse_types::event::OrderFilled;
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, Event, InstrumentId, OrderId, OrderType, Price, Qty,
    Side, TimeInForce,
};

use super::reply::separate;
use super::spec::Channel;
use crate::crc::crc32;
use crate::digits;
use crate::instruments::{InstrumentInfo, InstrumentTable};
use crate::limits::CRC_LEVELS;

/// Whose delta it is, and where it stands in its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaHead<'a> {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: &'a str,
    /// The seq of the message before on this channel of this account.
    pub prev: u64,
    /// The seq of the record.
    pub seq: u64,
    /// When the log took it, in µs since the epoch.
    pub time_us: i64,
}

/// Which private channels an event is told on, and to which account.
pub fn private_channels(event: &Event) -> Option<(AccountId, &'static [Channel])> {
    match event {
        Event::OrderAccepted(event) => Some((event.account, &[Channel::Orders])),
        Event::OrderRested(event) => Some((event.account, &[Channel::Orders])),
        Event::OrderAmended(event) => Some((event.account, &[Channel::Orders])),
        Event::OrderClosed(event) => Some((event.account, &[Channel::Orders])),
        Event::OrderFilled(event) => Some((event.account, &[Channel::Orders, Channel::Fills])),
        Event::BalanceChanged(event) => Some((event.account, &[Channel::Balances])),
        _ => None,
    }
}

/// Appends the delta of one private channel, made of the events of one record.
///
/// Gives `false` and appends nothing if none of them is told on it.
pub fn write_private_delta(
    out: &mut Vec<u8>,
    channel: Channel,
    head: &DeltaHead<'_>,
    events: &[Event],
    table: &InstrumentTable,
) -> bool {
    let start = out.len();
    open_private(out, channel, head.account_name);
    out.extend_from_slice(b"\"delta\",\"prev\":");
    digits::unsigned(out, head.prev);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, head.seq);
    out.extend_from_slice(b",\"time\":");
    digits::signed(out, head.time_us);
    out.extend_from_slice(b",\"items\":[");
    let mut first = true;
    for event in events {
        let told = private_channels(event);
        if told.is_some_and(|(who, on)| who == head.account && on.contains(&channel)) {
            separate(out, &mut first);
            write_item(out, channel, event, table);
        }
    }
    out.extend_from_slice(b"]}");
    if first {
        out.truncate(start);
    }
    !first
}

fn open_private(out: &mut Vec<u8>, channel: Channel, account: &str) {
    out.extend_from_slice(b"{\"ch\":\"");
    out.extend_from_slice(channel.name().as_bytes());
    out.extend_from_slice(b"\",\"account\":\"");
    out.extend_from_slice(account.as_bytes());
    out.extend_from_slice(b"\",\"type\":");
}

fn write_item(out: &mut Vec<u8>, channel: Channel, event: &Event, table: &InstrumentTable) {
    match event {
        Event::OrderFilled(fill) if channel == Channel::Fills => write_fill(out, fill, table),
        Event::BalanceChanged(changed) => {
            let (available, held) = (changed.available, changed.held);
            write_balance(out, &Balance { asset: changed.asset, available, held }, table);
        }
        _ => write_order_event(out, event, table),
    }
}

/// One JSON object being written: keys with values of each kind.
struct Item<'o, 't> {
    out: &'o mut Vec<u8>,
    info: Option<&'t InstrumentInfo>,
}

impl<'o, 't> Item<'o, 't> {
    /// Opens an item about an order: its ids and its symbol.
    fn about(
        out: &'o mut Vec<u8>,
        event: Option<&str>,
        order: (OrderId, ClientOrderId, InstrumentId),
        table: &'t InstrumentTable,
    ) -> Self {
        let (order_id, client_order_id, instrument) = order;
        out.push(b'{');
        if let Some(event) = event {
            out.extend_from_slice(b"\"event\":\"");
            out.extend_from_slice(event.as_bytes());
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(b"\"order_id\":\"");
        digits::unsigned(out, order_id.0);
        out.push(b'"');
        let mut item = Self { out, info: table.instrument(instrument) };
        if !client_order_id.is_empty() {
            item.text("client_order_id", client_order_id.as_bytes());
        }
        if let Some(info) = item.info {
            item.text("symbol", info.symbol.as_bytes());
        }
        item
    }

    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn text(&mut self, key: &str, text: &[u8]) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn quoted(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>, &InstrumentInfo)) {
        if let Some(info) = self.info {
            self.key(key);
            self.out.push(b'"');
            write(self.out, info);
            self.out.push(b'"');
        }
    }

    fn qty(&mut self, key: &str, qty: Qty) {
        self.quoted(key, |out, info| info.write_qty(out, qty));
    }

    fn price(&mut self, price: Price) {
        self.quoted("price", |out, info| info.write_price(out, price));
    }

    fn notional(&mut self, key: &str, amount: Amount) {
        self.quoted(key, |out, info| info.write_notional(out, amount));
    }

    fn rules(&mut self, side: Side, order_type: OrderType, tif: TimeInForce, post_only: bool) {
        self.text("side", side.name().as_bytes());
        self.text("type", order_type.name().as_bytes());
        self.text("tif", tif.name().as_bytes());
        self.flag("post_only", post_only);
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

fn write_order_event(out: &mut Vec<u8>, event: &Event, table: &InstrumentTable) {
    match event {
        Event::OrderAccepted(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("accepted"), ids, table);
            item.rules(order.side, order.order_type, order.time_in_force, order.post_only);
            if order.notional == Amount::ZERO {
                item.qty("qty", order.qty);
            } else {
                item.notional("notional", order.notional);
            }
            if order.order_type == OrderType::Limit {
                item.price(order.price);
            }
            item.close();
        }
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
            item.price(order.price);
            item.qty("remaining", order.remaining);
            item.close();
        }
        Event::OrderAmended(order) => {
            let ids = (order.order_id, order.client_order_id, order.instrument);
            let mut item = Item::about(out, Some("amended"), ids, table);
            item.qty("qty", order.qty);
            item.price(order.price);
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
        _ => {}
    }
}

fn write_fill(out: &mut Vec<u8>, fill: &OrderFilled, table: &InstrumentTable) {
    let ids = (fill.order_id, fill.client_order_id, fill.instrument);
    let mut item = Item::about(out, None, ids, table);
    item.key("trade_id");
    item.out.push(b'"');
    digits::unsigned(item.out, fill.trade_id.0);
    item.out.push(b'"');
    item.text("side", fill.side.name().as_bytes());
    item.text("role", fill.role.name().as_bytes());
    item.price(fill.price);
    item.qty("qty", fill.qty);
    item.notional("notional", fill.notional);
    item.notional("fee", fill.fee);
    if let Some(info) = item.info {
        item.text("fee_asset", info.quote.name.as_bytes());
    }
    item.qty("filled", fill.filled);
    item.qty("remaining", fill.remaining);
    item.close();
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
    /// Whether it may only make.
    pub post_only: bool,
    /// Its total.
    pub qty: Qty,
    /// Its limit.
    pub price: Price,
    /// What is filled of it.
    pub filled: Qty,
}

/// One balance of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The asset.
    pub asset: AssetId,
    /// What may be spent.
    pub available: Amount,
    /// What open orders hold.
    pub held: Amount,
}

pub(super) fn write_open_order_items(
    out: &mut Vec<u8>,
    orders: impl IntoIterator<Item = OpenOrder>,
    table: &InstrumentTable,
) {
    let mut first = true;
    for order in orders {
        separate(out, &mut first);
        let ids = (order.order_id, order.client_order_id, order.instrument);
        let mut item = Item::about(out, None, ids, table);
        // Only limit orders that are good till cancelled rest.
        item.rules(order.side, OrderType::Limit, TimeInForce::Gtc, order.post_only);
        item.qty("qty", order.qty);
        item.price(order.price);
        item.qty("filled", order.filled);
        item.qty("remaining", order.qty.checked_sub(order.filled).unwrap_or_default());
        item.text("state", b"open");
        item.close();
    }
}

fn write_balance(out: &mut Vec<u8>, balance: &Balance, table: &InstrumentTable) {
    let Some(asset) = table.asset(balance.asset) else {
        out.extend_from_slice(b"{}");
        return;
    };
    out.extend_from_slice(b"{\"asset\":\"");
    out.extend_from_slice(asset.name.as_bytes());
    out.extend_from_slice(b"\",\"available\":\"");
    asset.write_amount(out, balance.available);
    out.extend_from_slice(b"\",\"held\":\"");
    asset.write_amount(out, balance.held);
    out.extend_from_slice(b"\"}");
}

pub(super) fn write_balance_items(
    out: &mut Vec<u8>,
    balances: impl IntoIterator<Item = Balance>,
    table: &InstrumentTable,
) {
    let mut first = true;
    for balance in balances {
        separate(out, &mut first);
        write_balance(out, &balance, table);
    }
}

fn open_private_image(out: &mut Vec<u8>, channel: Channel, account: &str, seq: u64) {
    open_private(out, channel, account);
    out.extend_from_slice(b"\"image\",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
}

/// Appends the image of `orders`: all open orders of the account, by order id.
pub fn write_orders_image(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    orders: impl IntoIterator<Item = OpenOrder>,
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Orders, account, seq);
    write_open_order_items(out, orders, table);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `fills`: none, only where the channel stands; older ones are history.
pub fn write_fills_image(out: &mut Vec<u8>, account: &str, seq: u64) {
    open_private_image(out, Channel::Fills, account, seq);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `balances`: all of the account, by asset.
pub fn write_balances_image(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    balances: impl IntoIterator<Item = Balance>,
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Balances, account, seq);
    write_balance_items(out, balances, table);
    out.extend_from_slice(b"]}");
}

/// A trade as the market sees it, with where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// Consecutive per instrument.
    pub trade_id: u64,
    /// The maker's price.
    pub price: Price,
    /// How much.
    pub qty: Qty,
    /// The side that arrived.
    pub taker_side: Side,
    /// The seq of the command that traded.
    pub seq: u64,
    /// When the log took it, in µs since the epoch.
    pub time_us: i64,
}

pub(super) fn write_trade_items(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    trades: impl IntoIterator<Item = TradeRow>,
) {
    let mut first = true;
    for trade in trades {
        separate(out, &mut first);
        out.extend_from_slice(b"{\"trade_id\":\"");
        digits::unsigned(out, trade.trade_id);
        out.extend_from_slice(b"\",\"price\":\"");
        info.write_price(out, trade.price);
        out.extend_from_slice(b"\",\"qty\":\"");
        info.write_qty(out, trade.qty);
        out.extend_from_slice(b"\",\"taker_side\":\"");
        out.extend_from_slice(trade.taker_side.name().as_bytes());
        out.extend_from_slice(b"\",\"seq\":");
        digits::unsigned(out, trade.seq);
        out.extend_from_slice(b",\"time\":");
        digits::signed(out, trade.time_us);
        out.push(b'}');
    }
}

fn open_public(out: &mut Vec<u8>, channel: Channel, info: &InstrumentInfo, prev: Option<u64>) {
    out.extend_from_slice(b"{\"ch\":\"");
    out.extend_from_slice(channel.name().as_bytes());
    out.extend_from_slice(b"\",\"symbol\":\"");
    out.extend_from_slice(info.symbol.as_bytes());
    match prev {
        Some(prev) => {
            out.extend_from_slice(b"\",\"type\":\"delta\",\"prev\":");
            digits::unsigned(out, prev);
        }
        None => out.extend_from_slice(b"\",\"type\":\"image\""),
    }
}

/// Appends trades, oldest first: a delta with `prev`, the image without.
pub fn write_trades(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    prev: Option<u64>,
    seq: u64,
    trades: impl IntoIterator<Item = TradeRow>,
) {
    open_public(out, Channel::Trades, info, prev);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
    write_trade_items(out, info, trades);
    out.extend_from_slice(b"]}");
}

/// One level of a book: all that rests at a price; qty 0 in a delta: it is gone.
pub type Level = (Price, Qty);

pub(super) fn write_levels(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    levels: impl IntoIterator<Item = Level>,
) {
    out.push(b'[');
    let mut first = true;
    for (price, qty) in levels {
        separate(out, &mut first);
        out.extend_from_slice(b"[\"");
        info.write_price(out, price);
        out.extend_from_slice(b"\",\"");
        if qty.is_zero() {
            out.push(b'0');
        } else {
            info.write_qty(out, qty);
        }
        out.extend_from_slice(b"\"]");
    }
    out.push(b']');
}

/// Appends the image of a book as a subscriber to that many levels sees it.
pub fn write_book_image(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    epoch: u64,
    seq: u64,
    bids: &[Level],
    asks: &[Level],
) {
    open_public(out, Channel::Book, info, None);
    out.extend_from_slice(b",\"epoch\":");
    digits::unsigned(out, epoch);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    write_sides(out, info, bids, asks);
    out.extend_from_slice(b",\"crc\":");
    digits::unsigned(out, u64::from(book_crc(info, bids, asks)));
    out.push(b'}');
}

/// Appends a change of a book. `crc` is [`book_crc`] of the levels after it, as this subscriber,
/// who asked for so many levels, sees them.
pub fn write_book_delta(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    (prev, seq): (u64, u64),
    bids: &[Level],
    asks: &[Level],
    crc: u32,
) {
    open_public(out, Channel::Book, info, Some(prev));
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    write_sides(out, info, bids, asks);
    out.extend_from_slice(b",\"crc\":");
    digits::unsigned(out, u64::from(crc));
    out.push(b'}');
}

pub(super) fn write_sides(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    bids: &[Level],
    asks: &[Level],
) {
    out.extend_from_slice(b",\"bids\":");
    write_levels(out, info, bids.iter().copied());
    out.extend_from_slice(b",\"asks\":");
    write_levels(out, info, asks.iter().copied());
}

/// CRC-32 (IEEE) over the ASCII of the top ten bids, then the top ten asks, `price:qty` as on the
/// wire, joined by `,`. Give no more levels than the subscriber sees.
pub fn book_crc(info: &InstrumentInfo, bids: &[Level], asks: &[Level]) -> u32 {
    let mut text = Vec::with_capacity(512);
    for (price, qty) in bids.iter().take(CRC_LEVELS).chain(asks.iter().take(CRC_LEVELS)) {
        if !text.is_empty() {
            text.push(b',');
        }
        info.write_price(&mut text, *price);
        text.push(b':');
        info.write_qty(&mut text, *qty);
    }
    crc32(&text)
}
