//! `coulisse-bench core`: the workload through the bare book and through the engine; with
//! `--profile full` all order types through the engine ([`full`]), with `--size` the bare book at a
//! size ([`sizes`]).
//!
//! Each is run on fresh state `repeat` times; the fastest run counts, and all are printed. Latency
//! is measured in runs of its own, so that reading the clock costs the rates nothing. Book and
//! engine must come to the same result, level for level, or there is no figure at all.

pub mod bare;
pub mod draw;
pub mod engine;
pub mod full;
pub mod outcome;
pub mod said;
pub mod sizes;
pub mod world;

use crate::args::Args;
use crate::histogram::Histogram;
use crate::json::Object;
use crate::workload::{self, Row};
use crate::{Failure, failure};
use outcome::Outcome;
use rustix::time::{ClockId, clock_gettime};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Operations between two readings of what they wrote.
pub const BATCH_ROWS: usize = 64;
/// Bytes of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE_BYTES: usize = 64;
/// Clock readings that its cost is taken from.
const CLOCK_READINGS: u32 = 100_000;

/// The clocks that a pass is timed by.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    start: Instant,
    start_on_cpu: Duration,
}

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Self {
        Self { start_on_cpu: on_cpu(), start: Instant::now() }
    }

    /// Stops it: time passed, and time on a processor.
    pub fn stop(self) -> (Duration, Duration) {
        let took = self.start.elapsed();
        (took, on_cpu().saturating_sub(self.start_on_cpu))
    }
}

/// How long this thread has had a processor.
fn on_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The batches of a run, each asked for while the one before is applied: they lie far away in memory,
/// where those of a node were decoded just now.
fn batches<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    all.chunks(BATCH_ROWS).enumerate().map(|(number, batch)| {
        fetch(all.chunks(BATCH_ROWS).nth(number + 1).unwrap_or_default());
        batch
    })
}

/// Asks for memory that will be read soon.
#[inline]
fn fetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(items)).step_by(LINE_BYTES) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch faults nowhere and changes nothing but caches.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(items.as_ptr().cast::<i8>().wrapping_add(line)) };
    }
}

/// What one pass over the workload came to.
#[derive(Debug)]
pub struct Pass {
    /// How long the timed rows took.
    pub took: Duration,
    /// How much of that time this thread had a processor.
    pub on_cpu: Duration,
    /// What they led to.
    pub outcome: Outcome,
}

/// Runs the command and returns the line that it prints.
///
/// # Errors
/// A flag or the workload means nothing, or book and engine differ.
pub fn run(mut args: Args) -> Result<String, Failure> {
    if let Some(orders) = args.value("--size")? {
        return sizes::run(orders, args);
    }
    match args.value::<String>("--profile")?.as_deref() {
        None | Some("shared") => shared(args),
        Some("full") => full::run(args),
        Some(other) => failure(format!("--profile is shared or full, not {other:?}")),
    }
}

/// The shared workload, through book and engine.
fn shared(mut args: Args) -> Result<String, Failure> {
    let path: PathBuf = args.needed("--workload")?;
    let prefill = args.value("--prefill")?.unwrap_or(10_000);
    let id_factor = args.value("--id-factor")?.unwrap_or(1);
    let repeat: usize = args.value("--repeat")?.unwrap_or(3);
    // The one form there is; named so that the command reads as its siblings do.
    let _ = args.switch("--json");
    args.end()?;
    let rows = workload::read(&path, id_factor)?;
    if rows.len() <= prefill || repeat == 0 {
        return failure(format!(
            "{} rows, {prefill} of them prefill, {repeat} times: nothing to time",
            rows.len()
        ));
    }
    let (prefill, timed) = rows.split_at(prefill);
    let book = Passes::of(repeat, timed.len(), || bare::timed(prefill, timed))?;
    let engine = Passes::of(repeat, timed.len(), || engine::timed(prefill, timed))?;
    if !book.outcome.agrees_with(&engine.outcome) {
        let (book, engine) = (book.outcome, engine.outcome);
        return failure(format!("book and engine differ: {book} and {engine}"));
    }
    let (book_ns, engine_ns) =
        (bare::latencies(prefill, timed)?, engine::latencies(prefill, timed)?);
    Ok(print((prefill, timed), (&book, &engine), (&book_ns, &engine_ns)))
}

/// The rates of all passes in operations a second, and the outcome that they agree on.
#[derive(Debug)]
struct Passes {
    rates: Vec<u64>,
    /// The same by time on a processor: what they would be if nothing else ran here.
    rates_on_cpu: Vec<u64>,
    outcome: Outcome,
}

impl Passes {
    fn of(
        repeat: usize,
        row_count: usize,
        pass: impl Fn() -> Result<Pass, Failure>,
    ) -> Result<Self, Failure> {
        let first = pass()?;
        let mut rates = vec![per_second(row_count, first.took)];
        let mut rates_on_cpu = vec![per_second(row_count, first.on_cpu)];
        for _ in 1..repeat {
            let next = pass()?;
            if next.outcome != first.outcome {
                return failure("two passes over the same rows differ");
            }
            rates.push(per_second(row_count, next.took));
            rates_on_cpu.push(per_second(row_count, next.on_cpu));
        }
        Ok(Self { rates, rates_on_cpu, outcome: first.outcome })
    }

    fn fastest(&self) -> u64 {
        self.rates.iter().copied().max().unwrap_or_default()
    }
}

/// Whole operations a second.
pub(crate) fn per_second(count: usize, took: Duration) -> u64 {
    let scaled = u128::try_from(count).unwrap_or(u128::MAX).saturating_mul(1_000_000_000);
    u64::try_from(scaled / took.as_nanos().max(1)).unwrap_or(u64::MAX)
}

/// What one reading of the clock costs, in nanoseconds.
fn clock_ns() -> u64 {
    let start = Instant::now();
    for _ in 0..CLOCK_READINGS {
        std::hint::black_box(Instant::now());
    }
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX) / u64::from(CLOCK_READINGS)
}

fn print(
    (prefill, timed): (&[Row], &[Row]),
    (book, engine): (&Passes, &Passes),
    (book_ns, engine_ns): (&Histogram, &Histogram),
) -> String {
    let Outcome { tally, levels, resting, .. } = &book.outcome;
    let [bids, asks] = levels;
    let best = |side: &[outcome::Level]| side.first().map_or(0, |level| level.price_ticks);
    Object::new()
        .plain("book_ops_per_s", book.fastest())
        .plain("engine_ops_per_s", engine.fastest())
        .plain("p50_ns", engine_ns.at_per_mille(500))
        .plain("p99_ns", engine_ns.at_per_mille(990))
        .plain("p999_ns", engine_ns.at_per_mille(999))
        .us("max_us", engine_ns.max_ns())
        .plain("trades", tally.trades)
        .plain("volume", tally.volume)
        .plain("notional", tally.notional)
        .plain("best_bid", best(bids))
        .plain("best_ask", best(asks))
        .plain("resting", resting)
        .list("levels", &[bids.len() as u64, asks.len() as u64])
        .plain("operations", timed.len())
        .plain("prefill", prefill.len())
        .plain("events", engine.outcome.events)
        .plain("book_p50_ns", book_ns.at_per_mille(500))
        .plain("book_p99_ns", book_ns.at_per_mille(990))
        .plain("book_p999_ns", book_ns.at_per_mille(999))
        .list("book_runs", &book.rates)
        .list("engine_runs", &engine.rates)
        .list("book_runs_on_cpu", &book.rates_on_cpu)
        .list("engine_runs_on_cpu", &engine.rates_on_cpu)
        .text("latency_of", "engine, one command, its events read back")
        .text("clock", "std::time::Instant (CLOCK_MONOTONIC), its cost included")
        .plain("clock_ns", clock_ns())
        .finish()
}
