//! `coulisse-bench sockets`: many connections that ask for nothing, then for a book, beside a load.
//!
//! Four steps; after each it prints a line and waits for one on stdin, so that whoever runs it can
//! look at the server meanwhile: the book is filled; all connections are open and idle; a load ran beside them; all
//! are subscribed to one book and the load ran again.
//!
//! A delivery begins when the log took the newest record that the message shows (`t_log` of the
//! reply to it) and ends when the subscriber has read the message. Both clocks are the machine's.

pub(crate) mod times;
mod watch;

use crate::args::Args;
use crate::json::Object;
use crate::load::drive::Driver;
use crate::load::frames::Frames;
use crate::load::report::Report;
use crate::load::shape::{self, Shape};
use crate::load::{Target, left};
use crate::workload::{self, Row};
use crate::{Failure, failure};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use times::Times;
use watch::Watch;

/// Most records that one run may put into the log.
const RECORDS_MAX: usize = 16_000_000;

/// Runs the command, printing a line after each step.
///
/// # Errors
/// A flag or a file means nothing, or the server is not there, closes or breaks the protocol.
pub fn run(mut args: Args) -> Result<(), Failure> {
    let target = Target::of(&mut args)?;
    let path: PathBuf = args.needed("--workload")?;
    let prefill: usize = args.value("--prefill")?.unwrap_or(10_000);
    let seconds: u64 = args.value("--seconds")?.unwrap_or(5);
    let rate: u64 = args.value("--rate")?.unwrap_or(20_000);
    let connections: usize = args.value("--connections")?.unwrap_or(10_000);
    let depth: usize = args.value("--depth")?.unwrap_or(10);
    args.end()?;
    let rows = workload::read(&path, 1)?;
    let per_run = usize::try_from(seconds.saturating_mul(rate)).unwrap_or(usize::MAX);
    if left(&rows, prefill) < per_run.saturating_mul(2) {
        return failure(format!("{} rows are too few: prefill, then {per_run} twice", rows.len()));
    }
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    let mut load = Load { target: &target, rows: &rows, at: 0, times: Arc::default() };
    let filled = load.step(shape::PREFILL, prefill)?;
    say(filled.object())?;

    let start = Instant::now();
    let mut watch = Watch::connect(&target.host, target.port, connections)?;
    let took_ms = start.elapsed().as_millis();
    say(Object::new().plain("connected", connections).plain("took_ms", took_ms))?;

    let alone = load.step(Shape::Open { rate, per_write: 1 }, per_run)?;
    say(alone.object())?;

    watch.subscribe(&target.symbol, depth)?;
    load.times = Arc::new(Times::new(RECORDS_MAX));
    let (loaded, watched) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch.run());
        let loaded = load.step(Shape::Open { rate, per_write: 1 }, per_run);
        watch.stop();
        let watched = watching.join().map_err(|_| Failure("the watch broke".to_owned()));
        Ok::<_, Failure>((loaded?, watched??))
    })?;
    let seen = watched.object(&load.times, loaded.took);
    say(loaded.object().object("deliveries", seen))
}

/// Prints the line of a step and waits to be told to go on.
fn say(object: Object) -> Result<(), Failure> {
    println!("{}", object.finish());
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(())
}

/// The orders, step by step.
struct Load<'a> {
    target: &'a Target,
    rows: &'a [Row],
    at: usize,
    times: Arc<Times>,
}

impl Load<'_> {
    fn step(&mut self, shape: Shape, count: usize) -> Result<Report, Failure> {
        let rows = &self.rows[self.at..self.at + count];
        let accounts = &self.target.accounts;
        let connections = shape.connections().min(accounts.len());
        let frames = Frames::prepare(rows, self.at, &self.target.symbol, accounts, connections);
        let mut driver =
            Driver::connect(&self.target.host, self.target.port, &accounts[..connections], false)?;
        driver.note_times(Arc::clone(&self.times));
        let report = driver.run(&frames, shape, Duration::MAX)?;
        self.at += count;
        Ok(report)
    }
}
