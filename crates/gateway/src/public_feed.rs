//! The public feeds of one instrument: its books by depth, its trades, its status.
//!
//! Books are conflated to the newest state whenever the hub publishes; trades and changes of the
//! status are never left out: each seq is one message.

use crate::batch::ConnId;
use crate::book_feed::BookFeed;
use crate::limits::TRADES_KEPT_MAX;
use coulisse_types::{Event, Seq};
use coulisse_wire::native::feed::TradeRow;
use std::collections::VecDeque;

mod snapshot;

/// A subscriber of a book, and whether what it has is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookListener {
    /// Who.
    pub conn: ConnId,
    /// It was too slow for a delta: the next thing it gets is an image.
    pub stale: bool,
}

/// A book at one depth and who listens to it.
#[derive(Debug)]
pub struct BookGroup {
    /// How many levels of each side; 0 is all.
    pub depth: usize,
    /// What the listeners have.
    pub feed: BookFeed,
    /// Who listens.
    pub listeners: Vec<BookListener>,
}

/// The public feeds of one instrument.
#[derive(Debug, Default)]
pub struct InstrumentFeeds {
    /// Whether a level changed since the last publication.
    pub book_changed: bool,
    /// The books that somebody listens to.
    pub groups: Vec<BookGroup>,
    /// Who listens to the trades.
    pub trade_listeners: Vec<ConnId>,
    /// The last seq that traded.
    pub trades_seq: Seq,
    /// The seq of the last trade that was published.
    pub published_seq: Seq,
    /// Who listens to the status.
    pub status_listeners: Vec<ConnId>,
    /// The last seq that changed the status.
    pub status_seq: Seq,
    /// The seq of the last change of the status that was published.
    pub status_published: Seq,
    trades: VecDeque<TradeRow>,
    unpublished: Vec<TradeRow>,
    status_unpublished: Vec<StatusChange>,
}

/// A change of an instrument's status.
#[derive(Clone, Copy, Debug)]
pub struct StatusChange {
    /// The seq of the record.
    pub seq: Seq,
    /// When the log took it, in µs since the epoch.
    pub time_us: i64,
    /// What changed.
    pub event: Event,
}

impl InstrumentFeeds {
    /// Takes a trade.
    pub fn traded(&mut self, trade: TradeRow) {
        if self.trades.len() >= TRADES_KEPT_MAX {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
        self.trades_seq = Seq(trade.seq);
        if self.trade_listeners.is_empty() {
            self.published_seq = Seq(trade.seq);
        } else {
            self.unpublished.push(trade);
        }
    }

    /// The latest trades, newest first.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = &TradeRow> {
        self.trades.iter().rev().take(count)
    }

    /// The trades since the last publication, oldest first; they count as published.
    pub fn take_unpublished(&mut self) -> Vec<TradeRow> {
        std::mem::take(&mut self.unpublished)
    }

    /// Gives back the memory of [`InstrumentFeeds::take_unpublished`].
    pub fn recycle(&mut self, mut trades: Vec<TradeRow>) {
        if self.unpublished.is_empty() {
            trades.clear();
            self.unpublished = trades;
        }
    }

    /// Takes a change of the status.
    pub fn status_changed(&mut self, change: StatusChange) {
        self.status_seq = change.seq;
        if self.status_listeners.is_empty() {
            self.status_published = change.seq;
        } else {
            self.status_unpublished.push(change);
        }
    }

    /// The changes of the status since the last publication, oldest first; they count as published.
    pub fn take_status(&mut self) -> Vec<StatusChange> {
        std::mem::take(&mut self.status_unpublished)
    }

    /// Removes a listener of the status.
    pub fn leave_status(&mut self, conn: ConnId) {
        self.status_listeners.retain(|listener| *listener != conn);
        if self.status_listeners.is_empty() {
            self.status_unpublished.clear();
            self.status_published = self.status_seq;
        }
    }

    /// Removes a listener of the book at `depth`.
    pub fn leave_book(&mut self, conn: ConnId, depth: usize) {
        for group in self.groups.iter_mut().filter(|group| group.depth == depth) {
            group.listeners.retain(|listener| listener.conn != conn);
        }
        self.groups.retain(|group| !group.listeners.is_empty());
    }

    /// Removes a listener of the trades.
    pub fn leave_trades(&mut self, conn: ConnId) {
        self.trade_listeners.retain(|listener| *listener != conn);
        if self.trade_listeners.is_empty() {
            // Nobody was promised these; the next listener's image shows them, and its first delta
            // follows that image.
            self.unpublished.clear();
            self.published_seq = self.trades_seq;
        }
    }
}
