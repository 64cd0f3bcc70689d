//! A candle: the trades of one interval of time in a few numbers.
//!
//! Invariant: whatever folds trades into candles does it by [`Candle::of`] and [`Candle::extend`].

use crate::money::{Price, Qty};

macro_rules! intervals {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $seconds:literal;)+) => {
        /// How long a candle is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CandleInterval {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl CandleInterval {
            /// Every interval, the shortest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The interval with this name.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                $(if name == $name.as_bytes() { return Some(Self::$variant); })+
                None
            }

            /// Its length in µs.
            pub const fn micros(self) -> i64 {
                const MICROS: i64 = 1_000_000;
                match self { $(Self::$variant => $seconds * MICROS,)+ }
            }
        }
    };
}

intervals! {
    /// A second.
    OneSecond "1s" 1;
    /// A minute.
    OneMinute "1m" 60;
    /// Five minutes.
    FiveMinutes "5m" 300;
    /// A quarter of an hour.
    QuarterHour "15m" 900;
    /// An hour.
    OneHour "1h" 3_600;
    /// Four hours.
    FourHours "4h" 14_400;
    /// A day.
    OneDay "1d" 86_400;
}

/// The trades of one interval of time; there is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When it begins, in µs since the epoch.
    pub start_us: i64,
    /// The first price.
    pub open: Price,
    /// The highest.
    pub high: Price,
    /// The lowest.
    pub low: Price,
    /// The last.
    pub close: Price,
    /// What was traded, in lots.
    pub lots: i128,
    /// The same in ticks × lots.
    pub tick_lots: i128,
    /// How many trades.
    pub trades: u64,
    /// The seq of the last.
    pub seq: u64,
}

impl Candle {
    /// The candle of one trade.
    #[must_use]
    pub fn of(start_us: i64, price: Price, qty: Qty, seq: u64) -> Self {
        let tick_lots = i128::from(price.ticks()).saturating_mul(i128::from(qty.lots()));
        let (lots, trades) = (i128::from(qty.lots()), 1);
        Self {
            start_us,
            open: price,
            high: price,
            low: price,
            close: price,
            lots,
            tick_lots,
            trades,
            seq,
        }
    }

    /// Adds what was traded after it.
    ///
    /// No sum leaves its bound: a trade's notional has 100 bits at most.
    pub fn extend(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.lots = self.lots.saturating_add(later.lots);
        self.tick_lots = self.tick_lots.saturating_add(later.tick_lots);
        self.trades = self.trades.saturating_add(later.trades);
        self.seq = later.seq;
    }
}
