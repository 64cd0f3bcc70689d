//! Events folded into time series: trades, quotes, mark prices, candles.
//!
//! Candles are not folded here: whoever delivers the events has the one fold of them, and gives those that
//! have changed ([`Market`]).
//!
//! Invariants
//! - Rows are a function of the records from where the fold began, however they are cut into batches: what is
//!   in the tables in the end is the same.
//! - A row that is written over says all that it says anew: writing it twice is writing it once.
//!
//! Cost: for a trade one row; for a record that moves the best levels, one look at them; candles and
//! quotes of minutes once a batch.

mod tables;

pub use tables::SERIES;

use crate::rows::{Cell, Rows};
use coulisse_types::candle::{Candle, CandleInterval};
use coulisse_types::event::Traded;
use coulisse_types::{Event, InstrumentId, Price, Qty, RecordHeader, Side, Symbol};
use std::collections::BTreeMap;
use tables::{CANDLES, INSTRUMENTS, MARKS, MINUTES, QUOTES, TRADES};

const MINUTE_US: i64 = CandleInterval::OneMinute.micros();
const SECOND_US: i64 = CandleInterval::OneSecond.micros();

/// The best level of both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Best {
    /// The highest bid.
    pub bid: Option<(Price, Qty)>,
    /// The lowest ask.
    pub ask: Option<(Price, Qty)>,
}

impl Best {
    /// Whether a level of this price, changed, could be one of these.
    fn is_moved_by(&self, side: Side, price: Price) -> bool {
        match side {
            Side::Buy => self.bid.is_none_or(|(best, _)| price >= best),
            Side::Sell => self.ask.is_none_or(|(best, _)| price <= best),
        }
    }

    fn cells(&self) -> [i64; 4] {
        let of = |level: Option<(Price, Qty)>| {
            level.map_or([0, 0], |(price, qty)| [price.ticks(), qty.lots()])
        };
        let ([bid, bid_qty], [ask, ask_qty]) = (of(self.bid), of(self.ask));
        [bid, bid_qty, ask, ask_qty]
    }
}

/// What is said of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Its name.
    pub symbol: Symbol,
    /// Quote minor units of one tick on one whole base unit.
    pub tick_minor: i64,
    /// Decimals of the quote's minor unit.
    pub quote_scale: u8,
    /// Base minor units of one lot.
    pub lot_minor: i64,
    /// Decimals of the base's minor unit.
    pub base_scale: u8,
}

/// The market after the record that is being taken.
pub trait Market {
    /// How many candles of each interval it has at least, if there were as many.
    const CANDLES_KEPT: usize;

    /// The best levels of an instrument.
    fn best(&self, instrument: InstrumentId) -> Best;

    /// The latest candles of an instrument, oldest first, the one under way included.
    fn candles(&self, instrument: InstrumentId, interval: CandleInterval) -> Vec<Candle>;

    /// What an instrument is.
    fn listing(&self, instrument: InstrumentId) -> Option<Listing>;
}

/// What is kept of an instrument.
#[derive(Clone, Copy, Debug)]
struct Known {
    symbol: Symbol,
    best: Best,
    is_moved: bool,
    /// The second of its last trade, and how many there were that traded since its candles were taken.
    second_us: i64,
    seconds: usize,
}

/// Which record, and when.
#[derive(Clone, Copy, Debug)]
struct At {
    seq: u64,
    time_us: i64,
}

/// The fold over the events of the log.
#[derive(Clone, Debug)]
pub struct SeriesFold {
    known: Vec<Option<Known>>,
    moved: Vec<InstrumentId>,
    minutes: BTreeMap<(InstrumentId, i64), (u64, Best)>,
    candles: BTreeMap<(usize, InstrumentId, i64), Candle>,
    /// Candles whose last trade is up to here were taken.
    taken_seq: u64,
    rows: Rows,
}

impl Default for SeriesFold {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            moved: Vec::new(),
            minutes: BTreeMap::new(),
            candles: BTreeMap::new(),
            taken_seq: 0,
            rows: Rows::of(SERIES),
        }
    }
}

fn int(value: u64) -> Cell<'static> {
    Cell::Int(i64::try_from(value).expect("seqs and ids count records"))
}

impl SeriesFold {
    /// Makes an instrument known that was listed before the fold began, at `seq`.
    pub fn learn(&mut self, id: InstrumentId, symbol: Symbol, best: Best, seq: u64) {
        let index = id.0 as usize;
        if self.known.len() <= index {
            self.known.resize(index + 1, None);
        }
        let known = Known { symbol, best, is_moved: false, second_us: i64::MIN, seconds: 0 };
        self.known[index] = Some(known);
        self.taken_seq = seq;
    }

    /// How many events were taken since rows were last taken.
    pub fn events(&self) -> u64 {
        self.rows.events
    }

    /// Takes a record and what followed from it, after which the market is `market`.
    ///
    /// # Panics
    /// If it is not what a core says of a log: a broken invariant.
    pub fn take<M: Market>(&mut self, header: &RecordHeader, events: &[Event], market: &M) {
        let at = At { seq: header.seq.0, time_us: header.time_ns.div_euclid(1_000) };
        let mut seconds = 0;
        for event in events {
            match event {
                Event::InstrumentCreated(created) => self.listed(created.instrument, at, market),
                Event::Traded(traded) => seconds = seconds.max(self.traded(traded, at)),
                Event::LevelChanged(changed) => {
                    let known = known(&mut self.known, changed.instrument);
                    if !known.is_moved && known.best.is_moved_by(changed.side, changed.price) {
                        known.is_moved = true;
                        self.moved.push(changed.instrument);
                    }
                }
                Event::MarkChanged(mark) => {
                    let symbol = known(&mut self.known, mark.instrument).symbol;
                    let price = Cell::Int(mark.price.ticks());
                    self.add(MARKS, symbol, at, &[price]);
                }
                // Nothing of it is a price, a quantity of the market or an instrument.
                _ => {}
            }
        }
        self.quote(at, market);
        if seconds >= M::CANDLES_KEPT {
            self.take_candles(market);
            self.taken_seq = at.seq;
        }
        self.rows.records += 1;
        self.rows.events += events.len() as u64;
    }

    fn add(&mut self, table: usize, symbol: Symbol, at: At, rest: &[Cell<'_>]) {
        let head = [Cell::Text(symbol.as_str()), Cell::Int(at.time_us), int(at.seq)];
        self.rows.add_at(table, &[&head[..], rest].concat());
    }

    fn listed(&mut self, instrument: InstrumentId, at: At, market: &impl Market) {
        let listing = market.listing(instrument).expect("it was just listed");
        // What was taken so far stays taken.
        self.learn(instrument, listing.symbol, Best::default(), self.taken_seq);
        let Listing { symbol, tick_minor, quote_scale, lot_minor, base_scale } = listing;
        let rest = [tick_minor, quote_scale.into(), lot_minor, base_scale.into()];
        self.add(INSTRUMENTS, symbol, at, &rest.map(Cell::Int));
    }

    /// Takes a trade; returns in how many seconds its instrument traded since its candles were taken.
    fn traded(&mut self, traded: &Traded, at: At) -> usize {
        let known = known(&mut self.known, traded.instrument);
        let second_us = start_of(SECOND_US, at.time_us);
        if known.seconds == 0 || known.second_us != second_us {
            known.second_us = second_us;
            known.seconds += 1;
        }
        let (symbol, seconds) = (known.symbol, known.seconds);
        let side = Cell::Text(traded.taker_side.name());
        let [price, qty] = [traded.price.ticks(), traded.qty.lots()].map(Cell::Int);
        self.add(TRADES, symbol, at, &[int(traded.trade_id.0), price, qty, side]);
        seconds
    }

    /// Writes the quotes that a record has moved.
    fn quote(&mut self, at: At, market: &impl Market) {
        while let Some(instrument) = self.moved.pop() {
            let known = known(&mut self.known, instrument);
            known.is_moved = false;
            let best = market.best(instrument);
            if best != known.best {
                known.best = best;
                let symbol = known.symbol;
                self.add(QUOTES, symbol, at, &best.cells().map(Cell::Int));
                let minute_us = start_of(MINUTE_US, at.time_us);
                self.minutes.insert((instrument, minute_us), (at.seq, best));
            }
        }
    }

    fn take_candles(&mut self, market: &impl Market) {
        for (index, known) in self.known.iter_mut().enumerate() {
            let Some(known) = known.as_mut().filter(|known| known.seconds > 0) else { continue };
            known.seconds = 0;
            let instrument = InstrumentId(u32::try_from(index).expect("ids have 32 bits"));
            for (place, interval) in CandleInterval::ALL.iter().enumerate() {
                let latest = market.candles(instrument, *interval);
                for candle in latest.into_iter().rev().take_while(|one| one.seq > self.taken_seq) {
                    self.candles.insert((place, instrument, candle.start_us), candle);
                }
            }
        }
    }

    /// The rows of all that was taken since the last time, up to `seq`.
    pub fn take_rows(&mut self, seq: u64, market: &impl Market) -> Rows {
        self.take_candles(market);
        self.taken_seq = seq;
        for ((instrument, time_us), (seq, best)) in std::mem::take(&mut self.minutes) {
            let symbol = known(&mut self.known, instrument).symbol;
            self.add(MINUTES, symbol, At { seq, time_us }, &best.cells().map(Cell::Int));
        }
        for ((place, instrument, time_us), candle) in std::mem::take(&mut self.candles) {
            let symbol = known(&mut self.known, instrument).symbol;
            let Candle { open, high, low, close, lots, tick_lots, trades, seq, .. } = candle;
            let [open, high, low, close] =
                [open, high, low, close].map(|price| Cell::Int(price.ticks()));
            let (lots, tick_lots) = (Cell::Minor(lots), Cell::Minor(tick_lots));
            let rest = [open, high, low, close, lots, tick_lots, int(trades)];
            self.add(CANDLES + place, symbol, At { seq, time_us }, &rest);
        }
        std::mem::replace(&mut self.rows, Rows::of(SERIES))
    }
}

fn known(all: &mut [Option<Known>], instrument: InstrumentId) -> &mut Known {
    let found = all.get_mut(instrument.0 as usize).and_then(Option::as_mut);
    found.expect("what trades was listed")
}

/// When the interval begins that a time is in.
fn start_of(length_us: i64, time_us: i64) -> i64 {
    time_us.div_euclid(length_us) * length_us
}
