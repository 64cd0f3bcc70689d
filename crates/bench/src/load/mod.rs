//! `coulisse-bench load`: the workload over WebSocket, against a server that is already there.
//!
//! One thread that blocks in epoll. Frames are prepared before a shape starts. The rows of the
//! workload go on from shape to shape, so each order is sent once and has one client order id.
//!
//! Account = id mod the number of accounts, and a row goes over the connection of its account, so
//! the rows of one order keep their order. Across connections rows are dealt in their order, at most
//! a few windows ahead: a cancel that arrives after its order was filled stays rare, and is counted
//! by its code like every other reject.
//!
//! `--spin` is for a generator that has a processor to itself. `--echo` is for a server that sends back
//! what it is sent: no greeting, no logon, and a request that comes back is a reply.

pub mod accounts;
pub mod client;
pub mod cycle;
pub mod drive;
mod flood;
pub mod frames;
pub mod report;
pub mod shape;

use crate::args::Args;
use crate::json::Object;
use crate::workload::{self, Row};
use crate::{Failure, failure};
use accounts::Account;
use cycle::Cycle;
use drive::Driver;
use frames::Frames;
use report::Report;
use shape::Shape;
use std::path::PathBuf;
use std::time::Duration;

/// How to load.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// The server sends back what it is sent.
    echoes: bool,
    /// The generator never sleeps.
    spins: bool,
}

/// Where to send what.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) symbol: String,
    pub(crate) accounts: Vec<Account>,
}

impl Target {
    /// Takes the flags that say where to send what.
    pub(crate) fn of(args: &mut Args) -> Result<Self, Failure> {
        Ok(Self {
            host: args.value("--host")?.unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: args.needed("--port")?,
            symbol: args.value("--symbol")?.unwrap_or_else(|| "BTC-USD".to_owned()),
            accounts: accounts::read(&args.needed::<PathBuf>("--accounts")?)?,
        })
    }
}

/// Runs the command and returns the line that it prints.
///
/// # Errors
/// A flag or a file means nothing, or the server is not there, closes or breaks the protocol.
pub fn run(mut args: Args) -> Result<String, Failure> {
    let target = Target::of(&mut args)?;
    let path: PathBuf = args.needed("--workload")?;
    let prefill = args.value("--prefill")?.unwrap_or(10_000);
    let seconds = args.value("--seconds")?.unwrap_or(5);
    let shapes: String = args.needed("--shapes")?;
    let manner = Manner { echoes: args.switch("--echo"), spins: args.switch("--spin") };
    // The one form there is; named so that the command reads as its siblings do.
    let _ = args.switch("--json");
    args.end()?;
    let shapes = shapes.split(',').map(str::parse).collect::<Result<Vec<Shape>, Failure>>()?;
    let rows = workload::read(&path, 1)?;
    if rows.len() <= prefill {
        return failure(format!("{} rows, {prefill} of them prefill: nothing to send", rows.len()));
    }
    // A timer's usual slack of 50 µs would be most of an open loop's latency.
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    run_shapes(&target, &rows, prefill, &shapes, Duration::from_secs(seconds), manner)
}

fn run_shapes(
    target: &Target,
    rows: &[Row],
    prefill: usize,
    shapes: &[Shape],
    limit: Duration,
    manner: Manner,
) -> Result<String, Failure> {
    let mut at = 0;
    let mut next = |shape: Shape, count: usize, limit: Duration| -> Result<Report, Failure> {
        // A round of a flood builds the book itself.
        let first = if matches!(shape, Shape::Flood { .. }) { 0 } else { at.min(rows.len()) };
        let rows = &rows[first..(at + count).min(rows.len())];
        let report = one_shape(target, rows, at, shape, limit, manner)?;
        at += report.sent;
        Ok(report)
    };
    let filled = next(shape::PREFILL, prefill, Duration::MAX)?;
    if filled.accepted != filled.sent as u64 {
        return failure(format!("the server refused rows of the prefill: {:?}", filled.rejects));
    }
    let mut printed = Object::new();
    let mut sum = Report::default();
    for (place, shape) in shapes.iter().enumerate() {
        // Each shape has its share of what is left, so that a fast one leaves rows for the others.
        let share = left(rows, sum.sent + filled.sent).div_ceil(shapes.len() - place);
        let report = next(*shape, shape.rows_max(limit).min(share), limit)?;
        if report.sent == 0 {
            return failure(format!("no rows are left for {shape}; give a longer workload"));
        }
        printed = printed.object(&shape.to_string(), report.object());
        sum.add(&report);
    }
    let totals = sum.totals(Object::new().object("shapes", printed));
    Ok(totals.plain("prefill", filled.sent).finish())
}

/// Rows that have not been sent.
pub(crate) const fn left(rows: &[Row], sent: usize) -> usize {
    rows.len().saturating_sub(sent)
}

fn one_shape(
    target: &Target,
    rows: &[Row],
    first_id: usize,
    shape: Shape,
    limit: Duration,
    Manner { echoes, spins }: Manner,
) -> Result<Report, Failure> {
    let connections = shape.connections().min(target.accounts.len());
    if let Shape::Flood { rate } = shape {
        let cycle = Cycle::prepare(rows, &target.symbol, &target.accounts, connections);
        let accounts = &target.accounts[..connections];
        let mut driver = Driver::connect(&target.host, target.port, accounts, echoes)?;
        return driver.flood(&cycle, rate, limit);
    }
    let frames = Frames::prepare(rows, first_id, &target.symbol, &target.accounts, connections);
    let accounts = &target.accounts[..connections];
    let mut driver = Driver::connect(&target.host, target.port, accounts, echoes)?;
    if spins {
        driver.spin();
    }
    driver.run(&frames, shape, limit)
}
