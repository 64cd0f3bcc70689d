//! What a workload came to: the trades, and what is left on the book.

use coulisse_book::Level as BookLevel;
use std::fmt;

/// Trades added up, in whole ticks and lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub trades: u64,
    /// Lots.
    pub volume: i128,
    /// Ticks × lots.
    pub notional: i128,
}

impl Tally {
    /// Adds one trade.
    #[inline]
    pub fn add(&mut self, price_ticks: i64, qty_lots: i64) {
        self.trades += 1;
        self.volume += i128::from(qty_lots);
        self.notional += i128::from(price_ticks) * i128::from(qty_lots);
    }
}

/// The bits of a number, to fold.
pub(crate) const fn bits(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

/// One level that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its price in ticks.
    pub price_ticks: i64,
    /// What rests there, in lots.
    pub qty_lots: i64,
    /// How many orders.
    pub order_count: u32,
}

impl From<BookLevel> for Level {
    fn from(level: BookLevel) -> Self {
        Self {
            price_ticks: level.price.ticks(),
            qty_lots: level.qty.lots(),
            order_count: level.count,
        }
    }
}

/// The whole result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The trades of the timed rows.
    pub tally: Tally,
    /// Orders that rest.
    pub resting: u64,
    /// Bids and asks, best first.
    pub levels: [Vec<Level>; 2],
    /// Everything that the events said, folded: read back, or the compiler could leave it out.
    pub folded: u64,
    /// Events of the timed rows.
    pub events: u64,
}

impl Outcome {
    /// Whether another engine, whose events differ in form, came to the same.
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.tally, self.resting) == (other.tally, other.resting) && self.levels == other.levels
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tally, resting, levels: [bids, asks], .. } = self;
        let Tally { trades, volume, notional } = tally;
        write!(f, "{trades} trades, volume {volume}, notional {notional}, {resting} resting on ")?;
        write!(f, "{} and {} levels from {:?} and ", bids.len(), asks.len(), bids.first())?;
        write!(f, "{:?}", asks.first())
    }
}
