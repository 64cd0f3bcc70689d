//! An instrument's feeds written down: the trades that are kept, the last seq that traded, and the last
//! that changed the status.

use super::InstrumentFeeds;
use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use crate::limits::TRADES_KEPT_MAX;
use coulisse_types::codec::{Field, Reader};
use coulisse_wire::native::feed::TradeRow;

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

impl InstrumentFeeds {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self {
            trades_seq,
            trades,
            status_seq,
            // Nobody listens yet: all is published, and no book is out of date.
            book_changed: _,
            groups: _,
            trade_listeners: _,
            published_seq: _,
            unpublished: _,
            status_listeners: _,
            status_published: _,
            status_unpublished: _,
        } = self;
        trades_seq.encode(out);
        status_seq.encode(out);
        length(trades.len()).encode(out);
        for trade in trades {
            write_trade(trade, out);
        }
    }

    /// Reads into feeds that nothing was told to.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        self.trades_seq = get(reader)?;
        self.published_seq = self.trades_seq;
        self.status_seq = get(reader)?;
        self.status_published = self.status_seq;
        let count: u32 = get(reader)?;
        if count as usize > TRADES_KEPT_MAX {
            return Err(FeedsFault { reason: "more trades than are kept" });
        }
        for _ in 0..count {
            self.trades.push_back(read_trade(reader)?);
        }
        Ok(())
    }
}
