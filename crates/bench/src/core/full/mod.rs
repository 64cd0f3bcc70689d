//! `--profile full`: every order type through the whole engine, with limits of every kind in force.
//!
//! Ten instruments, a thousand accounts, 200,000 orders that rest. The rate is the fastest of
//! `--repeat` passes in which the clock is read twice; latencies come from a pass of their own with
//! one reading a command, whose cost is printed beside them and not taken off.
//!
//! What the risk gate costs is a difference: the same placements are looked at by
//! `Engine::check_order`, in the state that the flow leads to, with all limits and with none. Both
//! are printed. `--limits none` runs everything without limits.

pub mod mix;
pub mod row;
pub mod set_up;
pub mod venue;

use super::said::Said;
use super::{Stopwatch, batches, clock_ns, per_second};
use crate::args::Args;
use crate::histogram::Histogram;
use crate::json::Object;
use crate::{Failure, failure};
use coulisse_types::{ClientOrderId, Qty};
use mix::Flow;
use row::{Row, What};
use std::time::{Duration, Instant};
use venue::Venue;

/// Placements that the gate is timed over, and how often it looks at all of them.
const CHECKS: usize = 100_000;
const CHECK_PASSES: usize = 5;

/// One pass over the timed rows.
#[derive(Debug)]
struct Pass {
    took: Duration,
    on_cpu: Duration,
    said: Said,
    live: u32,
}

/// Runs the command and returns the line that it prints.
///
/// # Errors
/// A flag means nothing, or the set-up is refused.
pub fn run(mut args: Args) -> Result<String, Failure> {
    let resting = args.value("--resting")?.unwrap_or(200_000);
    let commands = args.value("--operations")?.unwrap_or(1_000_000);
    let repeat: usize = args.value("--repeat")?.unwrap_or(3);
    let with_limits = match args.value::<String>("--limits")?.as_deref() {
        None | Some("all") => true,
        Some("none") => false,
        Some(other) => return failure(format!("--limits is all or none, not {other:?}")),
    };
    let _ = args.switch("--json");
    args.end()?;
    if resting < 1_000 || commands == 0 || repeat == 0 {
        return failure("the full profile has 1,000 resting orders or more, and something to time");
    }
    let flow = mix::make(resting, commands)?;
    let first = timed(&flow, with_limits)?;
    let mut passes = vec![first];
    for _ in 1..repeat {
        let next = timed(&flow, with_limits)?;
        if next.said != passes[0].said {
            return failure("two passes over the same rows differ");
        }
        passes.push(next);
    }
    let latencies = latencies(&flow, with_limits)?;
    let limited = with_limits.then(|| check_ps(&flow, true)).transpose()?;
    let free_ps = check_ps(&flow, false)?;
    Ok(print(&flow, &passes, &latencies, (limited, free_ps)))
}

fn filled(flow: &Flow, with_limits: bool) -> Result<Venue, Failure> {
    let mut venue = Venue::new(with_limits)?;
    for row in &flow.prefill {
        venue.apply(row);
        venue.read_back();
    }
    match &venue.said().reject {
        Some(reject) => failure(format!("the engine refused a row of the prefill: {reject}")),
        None => Ok(venue),
    }
}

fn timed(flow: &Flow, with_limits: bool) -> Result<Pass, Failure> {
    let mut venue = filled(flow, with_limits)?;
    venue.begin_anew();
    let watch = Stopwatch::start();
    for batch in batches(&flow.rows) {
        venue.apply_all(batch);
        venue.read_back();
    }
    let (took, on_cpu) = watch.stop();
    let (said, live) = (venue.said().clone(), venue.engine().live_orders());
    Ok(Pass { took, on_cpu, said, live })
}

fn latencies(flow: &Flow, with_limits: bool) -> Result<Histogram, Failure> {
    let mut venue = filled(flow, with_limits)?;
    let mut histogram = Histogram::new();
    let mut before = Instant::now();
    for row in &flow.rows {
        venue.apply(row);
        venue.read_back();
        let after = Instant::now();
        histogram.record(u64::try_from((after - before).as_nanos()).unwrap_or(u64::MAX));
        before = after;
    }
    Ok(histogram)
}

/// What it takes to look at a placement, in picoseconds on average, by the time on a processor: the
/// fastest pass counts.
fn check_ps(flow: &Flow, with_limits: bool) -> Result<u64, Failure> {
    let mut venue = filled(flow, with_limits)?;
    for row in &flow.rows {
        venue.apply(row);
        venue.read_back();
    }
    // Without a name, as one that the flow has used would end the look at once; and larger, so that
    // none is the account's last one again.
    let rows = flow.rows.iter().filter(|row| row.what == What::Limit).take(CHECKS);
    let larger = |qty: Qty| Qty::from_lots(qty.lots() + mix::QTY_LOTS_MAX_OF_ALL);
    let rows: Vec<_> = rows
        .map(|row| Row { name: ClientOrderId::default(), qty: larger(row.qty), ..*row })
        .collect();
    let count = u128::try_from(rows.len().max(1)).unwrap_or(1);
    let mut fastest = u128::MAX;
    for _ in 0..CHECK_PASSES {
        let watch = Stopwatch::start();
        let passed = rows.iter().filter(|row| venue.passes(row)).count();
        let (_, on_cpu) = watch.stop();
        if passed != rows.len() {
            return failure(format!(
                "{} of {} placements do not pass",
                rows.len() - passed,
                passed
            ));
        }
        fastest = fastest.min(on_cpu.as_nanos() * 1_000 / count);
    }
    Ok(u64::try_from(fastest).unwrap_or(u64::MAX))
}

fn print(
    flow: &Flow,
    passes: &[Pass],
    latencies: &Histogram,
    (limited_ps, free_ps): (Option<u64>, u64),
) -> String {
    let count = flow.rows.len();
    let rates: Vec<_> = passes.iter().map(|pass| per_second(count, pass.took)).collect();
    let on_cpu: Vec<_> = passes.iter().map(|pass| per_second(count, pass.on_cpu)).collect();
    let Pass { said, live, .. } = &passes[0];
    let mut object = Object::new()
        .plain("commands_per_s", rates.iter().copied().max().unwrap_or_default())
        .us("p50_us", latencies.at_per_mille(500))
        .us("p99_us", latencies.at_per_mille(990))
        .us("p999_us", latencies.at_per_mille(999))
        .us("max_us", latencies.max_ns());
    if let Some(limited_ps) = limited_ps {
        // A thousandth of a nanosecond is to a nanosecond what that is to a microsecond.
        object = object
            .us("risk_check_ns", limited_ps.saturating_sub(free_ps))
            .us("check_with_limits_ns", limited_ps);
    }
    let mut counts = Object::new();
    for (what, count) in &flow.counts {
        counts = counts.plain(&format!("{what:?}").to_lowercase(), count);
    }
    object
        .us("check_without_limits_ns", free_ps)
        .plain("clock_ns", clock_ns())
        .plain("instruments", set_up::INSTRUMENTS)
        .plain("accounts", set_up::ACCOUNTS)
        .plain("groups", set_up::GROUPS)
        .plain("resting_at_start", flow.prefill.len())
        .plain("live_at_end", live)
        .plain("operations", count)
        .plain("events", said.events)
        .plain("trades", said.tally.trades)
        .plain("triggered", said.triggered)
        .plain("rejected", said.rejected)
        .object("commands", counts)
        .list("runs", &rates)
        .list("runs_on_cpu", &on_cpu)
        .text("latency_of", "one command, its events read back, the clock included")
        .finish()
}
