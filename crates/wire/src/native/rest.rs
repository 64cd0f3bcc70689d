//! Bodies of the public REST routes: the same numbers as on the channels, written by the same hands.

use alloc::vec::Vec;

use coulisse_types::{FeeRate, Price, Qty};

use super::feed::{self, Balance, Candle, CandleInterval, Level, TradeRow};
use super::reply::separate;
use crate::digits;
use crate::instruments::{InstrumentInfo, InstrumentTable};

/// Appends `{"seq":…,"instruments":[…]}`, the body of `GET /v1/instruments`.
pub fn write_instruments(out: &mut Vec<u8>, seq: u64, table: &InstrumentTable) {
    open_at(out, seq);
    out.extend_from_slice(b",\"instruments\":[");
    let mut first = true;
    for info in table.instruments() {
        separate(out, &mut first);
        write_instrument(out, info);
    }
    out.extend_from_slice(b"]}");
}

fn open_at(out: &mut Vec<u8>, seq: u64) {
    out.extend_from_slice(b"{\"seq\":");
    digits::unsigned(out, seq);
}

/// Appends one instrument's rules.
pub fn write_instrument(out: &mut Vec<u8>, info: &InstrumentInfo) {
    out.extend_from_slice(b"{\"symbol\":\"");
    out.extend_from_slice(info.symbol.as_bytes());
    out.extend_from_slice(b"\",\"base\":\"");
    out.extend_from_slice(info.base.name.as_bytes());
    out.extend_from_slice(b"\",\"quote\":\"");
    out.extend_from_slice(info.quote.name.as_bytes());
    out.extend_from_slice(b"\",\"tick_size\":\"");
    info.write_price(out, Price::from_ticks(1));
    out.extend_from_slice(b"\",\"lot_size\":\"");
    info.write_qty(out, Qty::from_lots(1));
    out.extend_from_slice(b"\",\"min_qty\":\"");
    info.write_qty(out, info.min_qty);
    out.extend_from_slice(b"\",\"max_qty\":\"");
    info.write_qty(out, info.max_qty);
    out.extend_from_slice(b"\",\"min_notional\":\"");
    info.write_notional(out, info.min_notional);
    out.extend_from_slice(b"\",\"maker_fee\":\"");
    write_rate(out, info.maker_fee);
    out.extend_from_slice(b"\",\"taker_fee\":\"");
    write_rate(out, info.taker_fee);
    out.extend_from_slice(b"\",\"price_decimals\":");
    digits::unsigned(out, u64::from(info.price_decimals()));
    out.extend_from_slice(b",\"qty_decimals\":");
    digits::unsigned(out, u64::from(info.qty_decimals()));
    out.push(b'}');
}

/// A rate as a fraction: 5 basis points are `0.000500`.
fn write_rate(out: &mut Vec<u8>, rate: FeeRate) {
    digits::fixed(out, i128::from(rate.ppm()), 6);
}

/// Appends the body of `GET /v1/book/{symbol}`: the image of the book.
pub fn write_book(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    epoch: u64,
    seq: u64,
    bids: &[Level],
    asks: &[Level],
) {
    out.extend_from_slice(b"{\"symbol\":\"");
    out.extend_from_slice(info.symbol.as_bytes());
    out.extend_from_slice(b"\",\"epoch\":");
    digits::unsigned(out, epoch);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    feed::write_sides(out, info, bids, asks);
    out.extend_from_slice(b",\"crc\":");
    digits::unsigned(out, u64::from(feed::book_crc(info, bids, asks)));
    out.push(b'}');
}

/// Appends the body of `GET /v1/trades/{symbol}`: the latest trades, in the order given.
pub fn write_trades(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    seq: u64,
    trades: impl IntoIterator<Item = TradeRow>,
) {
    out.extend_from_slice(b"{\"symbol\":\"");
    out.extend_from_slice(info.symbol.as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"trades\":[");
    feed::write_trade_items(out, info, trades);
    out.extend_from_slice(b"]}");
}

/// Appends the body of `GET /v1/candles/{symbol}`: candles, in the order given. Where there may be older
/// ones, `before` is the time before which those begin.
pub fn write_candles(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    interval: CandleInterval,
    seq: u64,
    candles: impl IntoIterator<Item = Candle>,
    before: Option<i64>,
) {
    out.extend_from_slice(b"{\"symbol\":\"");
    out.extend_from_slice(info.symbol.as_bytes());
    out.extend_from_slice(b"\",\"interval\":\"");
    out.extend_from_slice(interval.name().as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"candles\":[");
    feed::write_candle_items(out, info, candles);
    out.push(b']');
    if let Some(before) = before {
        out.extend_from_slice(b",\"next_cursor\":\"");
        digits::signed(out, before);
        out.push(b'"');
    }
    out.push(b'}');
}

/// Appends an account's balances: `{"seq":…,"account":…,"balances":[…]}`.
pub fn write_balances(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    balances: impl IntoIterator<Item = Balance>,
    table: &InstrumentTable,
) {
    open_at(out, seq);
    out.extend_from_slice(b",\"account\":\"");
    out.extend_from_slice(account.as_bytes());
    out.extend_from_slice(b"\",\"balances\":[");
    feed::write_balance_items(out, balances, table);
    out.extend_from_slice(b"]}");
}
