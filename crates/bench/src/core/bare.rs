//! The workload through the book alone: no accounts, no money, ids looked up as any `u64`.
//!
//! One fixed-size event per operation and per trade is written into a buffer that is used again,
//! and read back after each batch.

use super::outcome::{Outcome, Tally, bits};
use super::{BATCH_ROWS, Pass, Stopwatch};
use crate::histogram::Histogram;
use crate::workload::{Kind, Row};
use crate::{Failure, failure};
use coulisse_book::{Ahead, IndexedBook, WARM_MAX};
use coulisse_types::{Side, TimeInForce};
use std::time::Instant;

/// Most orders of the book: as many as the engine's own limit.
const ORDERS_MAX: u32 = 1_000_000;
/// Orders and levels that room is made for before the start, as a service would.
const ORDERS_RESERVED: u32 = 16_384;
const LEVELS_RESERVED: u32 = 4_096;
/// Events that one batch may write without the buffer growing.
const EVENTS_ROOM: usize = 4_096;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum What {
    /// An order was taken; `qty_lots` of it rest.
    Added = 1,
    /// An order was cancelled; `qty_lots` were left of it.
    Cancelled = 2,
    /// `id` traded against `other`.
    Traded = 3,
    /// No such order, or the book could not take it.
    Refused = 4,
}

/// One event: 40 bytes, whatever happened.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Event {
    id: u64,
    other: u64,
    price_ticks: i64,
    qty_lots: i64,
    what: What,
}

/// A book with its event buffer.
#[derive(Debug)]
pub struct Bare {
    book: IndexedBook,
    events: Vec<Event>,
    tally: Tally,
    folded: u64,
    event_count: u64,
    refused: u64,
}

impl Default for Bare {
    fn default() -> Self {
        Self::with_room(ORDERS_MAX)
    }
}

impl Bare {
    /// An empty book for at most so many orders.
    fn with_room(orders_max: u32) -> Self {
        let mut book = IndexedBook::new(orders_max);
        book.reserve(ORDERS_RESERVED, LEVELS_RESERVED);
        let events = Vec::with_capacity(EVENTS_ROOM);
        Self { book, events, tally: Tally::default(), folded: 0, event_count: 0, refused: 0 }
    }

    /// The same for rows that are there together, as those of a loop's turn: the book may look ahead.
    #[inline]
    pub fn apply_all(&mut self, rows: &[Row]) {
        for chunk in rows.chunks(WARM_MAX) {
            self.book.warm(chunk.iter().map(|row| Ahead {
                order_id: row.id,
                joins: (row.kind != Kind::Cancel).then_some((row.side, row.price)),
            }));
            for row in chunk {
                self.apply(row);
            }
        }
    }

    /// Does what one row asks for and writes its events.
    #[inline]
    pub fn apply(&mut self, row: &Row) {
        let Self { book, events, .. } = self;
        let mut event = Event {
            id: row.id.0,
            other: 0,
            price_ticks: row.price.ticks(),
            qty_lots: 0,
            what: What::Refused,
        };
        if row.kind == Kind::Cancel {
            if let Some(order) = book.cancel(row.id) {
                let (price_ticks, qty_lots) = (order.price.ticks(), order.qty.lots());
                event = Event { price_ticks, qty_lots, what: What::Cancelled, ..event };
            }
            events.push(event);
            return;
        }
        let gtc = TimeInForce::Gtc;
        let added = book.add(row.id, row.side, Some(row.price), row.qty, gtc, |fill| {
            events.push(Event {
                id: row.id.0,
                other: fill.order_id.0,
                price_ticks: fill.price.ticks(),
                qty_lots: fill.qty.lots(),
                what: What::Traded,
            });
        });
        if let Ok(added) = added {
            event = Event { qty_lots: added.rests.lots(), what: What::Added, ..event };
        }
        events.push(event);
    }

    /// Reads back what was written since the last time.
    #[inline]
    pub fn read_back(&mut self) {
        for event in &self.events {
            match event.what {
                What::Traded => self.tally.add(event.price_ticks, event.qty_lots),
                What::Refused => self.refused += 1,
                What::Added | What::Cancelled => {}
            }
            let numbers = event.id ^ event.other ^ bits(event.price_ticks) ^ bits(event.qty_lots);
            self.folded = self.folded.rotate_left(1) ^ numbers;
        }
        self.event_count += self.events.len() as u64;
        self.events.clear();
    }

    /// Rests the rows that are not timed.
    ///
    /// # Errors
    /// One was refused.
    pub fn fill(prefill: &[Row]) -> Result<Self, Failure> {
        Self::filled(ORDERS_MAX, prefill.iter().copied())
    }

    /// The same with room for so many orders.
    ///
    /// # Errors
    /// One was refused.
    pub fn filled(orders_max: u32, rows: impl Iterator<Item = Row>) -> Result<Self, Failure> {
        let mut bare = Self::with_room(orders_max);
        for row in rows {
            bare.apply(&row);
            bare.read_back();
        }
        if bare.refused != 0 {
            return failure(format!("the book refused {} rows of the prefill", bare.refused));
        }
        (bare.tally, bare.folded, bare.event_count) = (Tally::default(), 0, 0);
        Ok(bare)
    }

    /// The result so far.
    ///
    /// # Errors
    /// A row was turned away.
    pub fn finish(self) -> Result<Outcome, Failure> {
        if self.refused != 0 {
            return failure(format!("the book refused {} rows", self.refused));
        }
        let book = self.book.book();
        Ok(Outcome {
            tally: self.tally,
            resting: u64::from(book.len()),
            levels: [Side::Buy, Side::Sell].map(|side| book.levels(side).map(Into::into).collect()),
            folded: self.folded,
            events: self.event_count,
        })
    }
}

/// One pass for the rate: the clock is read twice.
///
/// # Errors
/// A row was refused.
pub fn timed(prefill: &[Row], rows: &[Row]) -> Result<Pass, Failure> {
    let mut bare = Bare::fill(prefill)?;
    let watch = Stopwatch::start();
    for batch in rows.chunks(BATCH_ROWS) {
        bare.apply_all(batch);
        bare.read_back();
    }
    let (took, on_cpu) = watch.stop();
    Ok(Pass { took, on_cpu, outcome: bare.finish()? })
}

/// One pass for the latencies: the clock is read after each row.
///
/// # Errors
/// A row was refused.
pub fn latencies(prefill: &[Row], rows: &[Row]) -> Result<Histogram, Failure> {
    let mut bare = Bare::fill(prefill)?;
    let mut histogram = Histogram::new();
    let mut before = Instant::now();
    for row in rows {
        bare.apply(row);
        bare.read_back();
        let after = Instant::now();
        histogram.record(u64::try_from((after - before).as_nanos()).unwrap_or(u64::MAX));
        before = after;
    }
    bare.finish().map(|_| histogram)
}
