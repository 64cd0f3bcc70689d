//! The public channel `candles`.

use alloc::vec::Vec;

use coulisse_types::candle::{Candle, CandleInterval};

use super::super::reply::separate;
use super::super::spec::Channel;
use super::public::open_public;
use crate::digits;
use crate::instruments::InstrumentInfo;

/// Appends candles, oldest first: a delta with `prev`, the image without.
pub fn write_candles(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    interval: CandleInterval,
    prev: Option<u64>,
    seq: u64,
    candles: impl IntoIterator<Item = Candle>,
) {
    open_public(out, Channel::Candles, info, prev);
    out.extend_from_slice(b",\"interval\":\"");
    out.extend_from_slice(interval.name().as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
    write_candle_items(out, info, candles);
    out.extend_from_slice(b"]}");
}

/// Appends the items.
pub(in crate::native) fn write_candle_items(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    candles: impl IntoIterator<Item = Candle>,
) {
    let mut first = true;
    for candle in candles {
        separate(out, &mut first);
        out.extend_from_slice(b"{\"start\":");
        digits::signed(out, candle.start_us);
        let prices = [
            ("open", candle.open),
            ("high", candle.high),
            ("low", candle.low),
            ("close", candle.close),
        ];
        for (key, price) in prices {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":\"");
            info.write_price(out, price);
            out.push(b'"');
        }
        out.extend_from_slice(b",\"volume\":\"");
        info.write_volume(out, candle.lots);
        out.extend_from_slice(b"\",\"notional\":\"");
        info.write_turnover(out, candle.tick_lots);
        out.extend_from_slice(b"\",\"trades\":");
        digits::unsigned(out, candle.trades);
        out.extend_from_slice(b",\"seq\":");
        digits::unsigned(out, candle.seq);
        out.push(b'}');
    }
}
