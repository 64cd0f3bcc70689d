//! The bare book at a size: as many orders rest as asked for, over a price range as asked for.
//!
//! The flow is that of the shared workload, on any number of resting orders: 58 % passive orders,
//! 34 % cancels, of a recent order or of any, 8 % that cross and take about three. It is recorded
//! once, from a book that says what it filled, and then timed on books of their own. A wider range
//! stretches every price's distance from the middle by the same factor: the same orders meet, and
//! only the distance between levels differs.

use super::bare::Bare;
use super::draw::Draw;
use super::{BATCH_ROWS, Pass, Stopwatch, per_second};
use crate::args::Args;
use crate::json::Object;
use crate::workload::{Kind, Row};
use crate::{Failure, failure};
use coulisse_book::IndexedBook;
use coulisse_types::{ClientOrderId, OrderId, Price, Qty, Side, TimeInForce};
use std::path::Path;

/// Any number; another one gives another flow of the same kind.
const SEED: u64 = 42;
/// Ticks on each side of the middle that orders are spread over.
const DEPTH_TICKS: u32 = 1_000;
/// The range that this is, from the farthest bid to the farthest ask.
const RANGE_TICKS: u64 = 2_000;
/// The middle is far enough from 0 for any range.
const MIDDLE_TICKS: i64 = 1 << 40;
const QTY_LOTS_MAX: u32 = 40;
/// A cancel means a recent order so often, in a thousand; one of the last so many.
const RECENT_PER_MILLE: u32 = 600;
const RECENT: u64 = 512;
/// How many orders a crossing one takes, on average: three.
const MEETS_MAX: u32 = 5;
/// Room in the book beyond the orders that rest at first.
const SPARE_ORDERS: u32 = 1_000_000;
/// A page of memory, in bytes, as `/proc` counts them.
const PAGE_BYTES: u64 = 4_096;

/// What to measure.
#[derive(Clone, Copy, Debug)]
struct Size {
    orders: u32,
    /// What distances from the middle are multiplied by.
    stretch: i64,
}

/// Runs the command and returns the line that it prints.
///
/// # Errors
/// A flag means nothing, or the book refuses what the flow asks for.
pub fn run(orders: u32, mut args: Args) -> Result<String, Failure> {
    let operations = args.value("--operations")?.unwrap_or(1_000_000);
    let range_ticks = args.value("--range-ticks")?.unwrap_or(RANGE_TICKS);
    let repeat: usize = args.value("--repeat")?.unwrap_or(3);
    let _ = args.switch("--json");
    args.end()?;
    let stretch = i64::try_from(range_ticks / RANGE_TICKS).unwrap_or_default();
    if orders < 1_000 || operations == 0 || repeat == 0 || !(1..1 << 20).contains(&stretch) {
        return failure("a size has 1,000 orders or more and a range of 2,000 ticks or more");
    }
    let size = Size { orders, stretch };
    let before = resident_bytes()?;
    let book = fill(size);
    let bytes = resident_bytes()?.saturating_sub(before);
    let levels = book.book().level_count();
    let rows = Flow { book, ..Flow::new(size) }.record(operations)?;
    let mut passes = vec![timed(size, &rows)?];
    for _ in 1..repeat {
        passes.push(timed(size, &rows)?);
        if passes[0].outcome != passes[passes.len() - 1].outcome {
            return failure("two passes over the same rows differ");
        }
    }
    let rate = |pass: &Pass| per_second(operations, pass.took);
    let on_cpu = |pass: &Pass| per_second(operations, pass.on_cpu);
    let rates: Vec<_> = passes.iter().map(rate).collect();
    Ok(Object::new()
        .plain("ops_per_s", rates.iter().copied().max().unwrap_or_default())
        .plain("orders", orders)
        .plain("levels", levels)
        .plain("range_ticks", RANGE_TICKS * u64::try_from(stretch).unwrap_or_default())
        .plain("bytes_per_order", bytes / u64::from(orders))
        .plain("operations", operations)
        .plain("trades", passes[0].outcome.tally.trades)
        .plain("resting", passes[0].outcome.resting)
        .list("runs", &rates)
        .list("runs_on_cpu", &passes.iter().map(on_cpu).collect::<Vec<_>>())
        .finish())
}

/// What this process has in memory.
fn resident_bytes() -> Result<u64, Failure> {
    let text = std::fs::read_to_string(Path::new("/proc/self/statm"))?;
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.map(|pages| pages * PAGE_BYTES).ok_or_else(|| Failure("statm means nothing".to_owned()))
}

/// The orders that rest before anything is timed.
fn first_rows(size: Size) -> impl Iterator<Item = Row> {
    let mut draw = Draw::new(SEED);
    (1..=u64::from(size.orders)).map(move |id| passive(&mut draw, size.stretch, id))
}

fn passive(draw: &mut Draw, stretch: i64, id: u64) -> Row {
    let side = if draw.up_to(2) == 0 { Side::Buy } else { Side::Sell };
    let away = (1 + draw.whole(DEPTH_TICKS)) * stretch;
    let price = match side {
        Side::Buy => MIDDLE_TICKS - away,
        Side::Sell => MIDDLE_TICKS + away,
    };
    Row {
        kind: Kind::Add,
        side,
        id: OrderId(id),
        price: Price::from_ticks(price),
        qty: Qty::from_lots(1 + draw.whole(QTY_LOTS_MAX)),
        client_order_id: ClientOrderId::default(),
    }
}

fn fill(size: Size) -> IndexedBook {
    let mut book = IndexedBook::new(size.orders.saturating_add(SPARE_ORDERS));
    for row in first_rows(size) {
        // They do not cross, and there is room: the recording would find it out.
        let gtc = TimeInForce::Gtc;
        let _ = book.add(row.id, row.side, Some(row.price), row.qty, gtc, |_| {});
    }
    book
}

fn timed(size: Size, rows: &[Row]) -> Result<Pass, Failure> {
    let room = size.orders.saturating_add(SPARE_ORDERS);
    let mut bare = Bare::filled(room, first_rows(size))?;
    let watch = Stopwatch::start();
    for batch in rows.chunks(BATCH_ROWS) {
        bare.apply_all(batch);
        bare.read_back();
    }
    let (took, on_cpu) = watch.stop();
    Ok(Pass { took, on_cpu, outcome: bare.finish()? })
}

/// The flow, and which of its orders still rest.
struct Flow {
    draw: Draw,
    size: Size,
    book: IndexedBook,
    live: Vec<u64>,
    /// By id: the order's place among the live ones.
    places: Vec<usize>,
    last_id: u64,
}

/// The place of an order that rests no more.
const GONE: usize = usize::MAX;

impl Flow {
    fn new(size: Size) -> Self {
        let first = u64::from(size.orders);
        let places = std::iter::once(GONE).chain(0..usize::try_from(first).unwrap_or(GONE));
        Self {
            draw: Draw::new(SEED + 1),
            size,
            book: IndexedBook::new(0),
            live: (1..=first).collect(),
            places: places.collect(),
            last_id: first,
        }
    }

    fn record(mut self, operations: usize) -> Result<Vec<Row>, Failure> {
        if self.book.book().len() != self.size.orders {
            return failure("the book refused orders of the prefill");
        }
        (0..operations).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Result<Row, Failure> {
        let kind = self.draw.up_to(100);
        let row = if kind < 34 {
            self.cancel()
        } else {
            self.last_id += 1;
            self.places.push(GONE);
            let mut row = passive(&mut self.draw, self.size.stretch, self.last_id);
            if kind < 42 {
                self.cross(&mut row);
            }
            row
        };
        self.apply(&row)?;
        Ok(row)
    }

    fn cancel(&mut self) -> Row {
        let back = 1 + self.draw.below(RECENT);
        let recent = self.last_id.saturating_sub(back);
        let is_live = self.place(recent) != GONE;
        let id = if is_live && self.draw.per_mille(RECENT_PER_MILLE) {
            recent
        } else {
            let count = u64::try_from(self.live.len()).unwrap_or_default();
            let place = usize::try_from(self.draw.below(count)).unwrap_or_default();
            self.live[place]
        };
        Row {
            kind: Kind::Cancel,
            side: Side::Buy,
            id: OrderId(id),
            price: Price::from_ticks(0),
            qty: Qty::ZERO,
            client_order_id: ClientOrderId::default(),
        }
    }

    /// Makes an order one that takes what stands in front of the other side.
    fn cross(&mut self, row: &mut Row) {
        let meets = 1 + self.draw.up_to(MEETS_MAX);
        let (mut lots, mut limit) = (0, row.price);
        let makers = self.book.book().side_orders(row.side.opposite());
        for order in makers.take(usize::try_from(meets).unwrap_or_default()) {
            lots += order.qty.lots();
            limit = order.price;
        }
        (row.kind, row.price, row.qty) = (Kind::Cross, limit, Qty::from_lots(lots));
    }

    fn apply(&mut self, row: &Row) -> Result<(), Failure> {
        let Self { book, live, places, .. } = self;
        if row.kind == Kind::Cancel {
            forget(live, places, row.id);
            return match book.cancel(row.id) {
                Some(_) => Ok(()),
                None => failure("a cancel names an order that does not rest"),
            };
        }
        let mut filled = Vec::new();
        let gtc = TimeInForce::Gtc;
        let added = book.add(row.id, row.side, Some(row.price), row.qty, gtc, |fill| {
            if fill.maker_left.is_zero() {
                filled.push(fill.order_id);
            }
        });
        let Ok(added) = added else { return failure("the book refused an order") };
        for id in filled {
            forget(live, places, id);
        }
        if !added.rests.is_zero() {
            if let Some(place) = usize::try_from(row.id.0).ok().and_then(|id| places.get_mut(id)) {
                *place = live.len();
            }
            live.push(row.id.0);
        }
        Ok(())
    }

    fn place(&self, id: u64) -> usize {
        usize::try_from(id).ok().and_then(|id| self.places.get(id)).copied().unwrap_or(GONE)
    }
}

/// Takes an order out of the live ones, the last one coming into its place.
fn forget(live: &mut Vec<u64>, places: &mut [usize], id: OrderId) {
    let index = |id: u64| usize::try_from(id).unwrap_or_default();
    let place = std::mem::replace(&mut places[index(id.0)], GONE);
    live.swap_remove(place);
    if let Some(moved) = live.get(place) {
        places[index(*moved)] = place;
    }
}
