//! An instrument's feeds written down: the trades and candles that are kept, the last seq that traded,
//! and the last that changed the status.

use super::InstrumentFeeds;
use crate::candles::CandleSeries;
use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use crate::limits::{CANDLES_KEPT_MAX, TRADES_KEPT_MAX};
use coulisse_types::codec::{Field, Reader};
use coulisse_wire::native::feed::{Candle, TradeRow};

fn write_trade(trade: &TradeRow, out: &mut Vec<u8>) {
    let TradeRow { trade_id, price, qty, taker_side, seq, time_us } = trade;
    trade_id.encode(out);
    price.encode(out);
    qty.encode(out);
    taker_side.encode(out);
    seq.encode(out);
    time_us.encode(out);
}

fn read_trade(reader: &mut Reader<'_>) -> Result<TradeRow, FeedsFault> {
    Ok(TradeRow {
        trade_id: get(reader)?,
        price: get(reader)?,
        qty: get(reader)?,
        taker_side: get(reader)?,
        seq: get(reader)?,
        time_us: get(reader)?,
    })
}

fn write_candle(candle: &Candle, out: &mut Vec<u8>) {
    let Candle { start_us, open, high, low, close, lots, tick_lots, trades, seq } = candle;
    start_us.encode(out);
    for price in [open, high, low, close] {
        price.encode(out);
    }
    lots.encode(out);
    tick_lots.encode(out);
    trades.encode(out);
    seq.encode(out);
}

fn read_candle(reader: &mut Reader<'_>) -> Result<Candle, FeedsFault> {
    Ok(Candle {
        start_us: get(reader)?,
        open: get(reader)?,
        high: get(reader)?,
        low: get(reader)?,
        close: get(reader)?,
        lots: get(reader)?,
        tick_lots: get(reader)?,
        trades: get(reader)?,
        seq: get(reader)?,
    })
}

impl CandleSeries {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { kept } = self;
        for candles in kept {
            length(candles.len()).encode(out);
            for candle in candles {
                write_candle(candle, out);
            }
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        for candles in &mut self.kept {
            let count: u32 = get(reader)?;
            if count as usize > CANDLES_KEPT_MAX {
                return Err(FeedsFault { reason: "more candles than are kept" });
            }
            for _ in 0..count {
                candles.push_back(read_candle(reader)?);
            }
        }
        Ok(())
    }
}

impl InstrumentFeeds {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self {
            trades_seq,
            trades,
            status_seq,
            candles,
            // Nobody listens yet.
            books: _,
            orders: _,
            ticker: _,
            candle_fans: _,
            trades_fan: _,
            status_fan: _,
        } = self;
        trades_seq.encode(out);
        status_seq.encode(out);
        length(trades.len()).encode(out);
        for trade in trades {
            write_trade(trade, out);
        }
        candles.write(out);
    }

    /// Reads into feeds that nothing was told to.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        self.trades_seq = get(reader)?;
        self.status_seq = get(reader)?;
        let count: u32 = get(reader)?;
        if count as usize > TRADES_KEPT_MAX {
            return Err(FeedsFault { reason: "more trades than are kept" });
        }
        for _ in 0..count {
            self.trades.push_back(read_trade(reader)?);
        }
        self.candles.read(reader)
    }
}
