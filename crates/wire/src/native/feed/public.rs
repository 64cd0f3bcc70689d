//! The public channels `trades` and `book`.

use alloc::vec::Vec;

use coulisse_types::{Price, Qty, Side};

use super::super::reply::separate;
use super::super::spec::Channel;
use crate::crc::crc32;
use crate::digits;
use crate::instruments::InstrumentInfo;
use crate::limits::CRC_LEVELS;

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

pub(in crate::native) fn write_trade_items(
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

pub(super) fn open_public(
    out: &mut Vec<u8>,
    channel: Channel,
    info: &InstrumentInfo,
    prev: Option<u64>,
) {
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

fn write_levels(out: &mut Vec<u8>, info: &InstrumentInfo, levels: impl IntoIterator<Item = Level>) {
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

pub(in crate::native) fn write_sides(
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
