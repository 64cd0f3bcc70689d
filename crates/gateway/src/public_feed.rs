//! The public feeds of one instrument: what is kept for those who come later, and the state that all
//! listeners of a stream share.

use crate::book_feed::BookFeed;
use crate::candles::CandleSeries;
use crate::fan::{FanId, Topic};
use crate::l3::OrderFeed;
use crate::limits::TRADES_KEPT_MAX;
use coulisse_types::Seq;
use coulisse_wire::native::feed::{CandleInterval, Ticker, TradeRow};
use std::collections::VecDeque;

mod snapshot;

/// A book at one depth that somebody listens to.
#[derive(Debug)]
pub(crate) struct BookGroup {
    pub(crate) fan: FanId,
    /// How many levels of each side; 0 is all.
    pub(crate) depth: usize,
    pub(crate) is_raw: bool,
    /// What the listeners have.
    pub(crate) feed: BookFeed,
    /// A level changed since the last publication.
    pub(crate) is_dirty: bool,
}

/// The public feeds of one instrument.
#[derive(Debug, Default)]
pub struct InstrumentFeeds {
    /// The last seq that traded.
    pub(crate) trades_seq: Seq,
    /// The last seq that changed the status.
    pub(crate) status_seq: Seq,
    pub(crate) candles: CandleSeries,
    trades: VecDeque<TradeRow>,
    /// The books that somebody listens to.
    pub(crate) books: Vec<BookGroup>,
    pub(crate) orders: Option<(FanId, OrderFeed)>,
    /// With what it said last.
    pub(crate) ticker: Option<(FanId, Ticker)>,
    pub(crate) candle_fans: Vec<(CandleInterval, FanId)>,
    pub(crate) trades_fan: Option<FanId>,
    pub(crate) status_fan: Option<FanId>,
}

impl InstrumentFeeds {
    /// Takes a trade.
    pub(crate) fn traded(&mut self, trade: TradeRow) {
        if self.trades.len() >= TRADES_KEPT_MAX {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
        self.trades_seq = Seq(trade.seq);
        self.candles.traded(&trade);
    }

    /// The latest trades, newest first.
    pub(crate) fn latest(&self, count: usize) -> impl Iterator<Item = &TradeRow> {
        self.trades.iter().rev().take(count)
    }

    /// Notes that a level changed; whether a stream tells of it with the record.
    pub(crate) fn level_changed(&mut self) -> bool {
        let mut is_told = self.orders.is_some();
        for group in &mut self.books {
            group.is_dirty = true;
            is_told |= group.is_raw;
        }
        is_told
    }

    /// Forgets what the listeners of a stream shared.
    pub(crate) fn forget(&mut self, topic: Topic, fan: FanId) {
        match topic {
            Topic::Book { .. } => self.books.retain(|group| group.fan != fan),
            Topic::BookL3 { .. } => self.orders = None,
            Topic::Ticker { .. } => self.ticker = None,
            Topic::Candles { .. } => self.candle_fans.retain(|(_, one)| *one != fan),
            Topic::Trades { .. } => self.trades_fan = None,
            Topic::Status { .. } => self.status_fan = None,
            Topic::Instruments => {}
        }
    }
}
