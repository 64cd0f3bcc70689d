//! `coulisse-bench sockets`: many connections that ask for nothing, then for a book, beside a load.
//!
//! Steps; after each it prints a line and waits for one on stdin, so that whoever runs it can look at the
//! server meanwhile: the book is filled; all connections are open and idle; a load ran beside them; so
//! many are subscribed to one book; the load ran again; what it came to. The last three again, where
//! `--ladder` has more than one number of subscribers.
//!
//! `coulisse-bench watchers` is a further process with connections: one may not have enough descriptors.
//! What it saw it writes to a file, of which the first one makes its figures.
//!
//! The connections are read all the while, between the steps as well: a node ends one that leaves a ping
//! unanswered, and on a busy machine a step takes longer than that.
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
use crate::urgency::be_urgent;
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

/// What a run is told.
struct Told {
    target: Target,
    seconds: u64,
    rate: u64,
    prefill: usize,
    rows: Vec<Row>,
    connections: usize,
    depth: usize,
    /// How many are subscribed, from load to load.
    ladder: Vec<usize>,
    /// Where other processes write what they have seen.
    others: Vec<PathBuf>,
}

impl Told {
    fn read(mut args: Args) -> Result<Self, Failure> {
        let target = Target::of(&mut args)?;
        let path: PathBuf = args.needed("--workload")?;
        let connections = args.value("--connections")?.unwrap_or(10_000);
        let ladder: Option<String> = args.value("--ladder")?;
        let others: Option<String> = args.value("--others")?;
        let told = Self {
            target,
            seconds: args.value("--seconds")?.unwrap_or(5),
            rate: args.value("--rate")?.unwrap_or(20_000),
            prefill: args.value("--prefill")?.unwrap_or(10_000),
            rows: workload::read(&path, 1)?,
            connections,
            depth: args.value("--depth")?.unwrap_or(10),
            ladder: ladder.map_or_else(|| Ok(vec![connections]), |text| numbers(&text))?,
            others: others.iter().flat_map(|text| text.split(',')).map(PathBuf::from).collect(),
        };
        args.end()?;
        let (rungs, most) = (&told.ladder, told.connections);
        if !rungs.is_sorted() || rungs.is_empty() || rungs.last().is_some_and(|last| *last > most) {
            return failure(format!("--ladder rises to {most} at most"));
        }
        let (per_run, loads) = (told.per_run(), rungs.len() + 1);
        if left(&told.rows, told.prefill) < per_run.saturating_mul(loads) {
            let rows = told.rows.len();
            return failure(format!(
                "{rows} rows are too few: prefill, then {loads} times {per_run}"
            ));
        }
        Ok(told)
    }

    /// Orders of one load.
    fn per_run(&self) -> usize {
        usize::try_from(self.seconds.saturating_mul(self.rate)).unwrap_or(usize::MAX)
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, Failure> {
    let bad = || Failure(format!("--ladder is 1000,10000, not {text:?}"));
    text.split(',').map(|part| part.parse().map_err(|_| bad())).collect()
}

/// Runs the command, printing a line after each step.
///
/// # Errors
/// A flag or a file means nothing, or the server is not there, closes or breaks the protocol.
pub fn run(args: Args) -> Result<(), Failure> {
    let told = Told::read(args)?;
    let (target, per_run) = (&told.target, told.per_run());
    let shape = Shape::Open { rate: told.rate, per_write: 1 };
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    // Those who watch are read on the same processor; orders are timed, and stand for other machines'.
    be_urgent(true);
    let mut load = Load { target, rows: &told.rows, at: 0, times: Arc::default() };
    say(load.step(shape::PREFILL, told.prefill)?.object())?;
    let mut watch = connect(target, told.connections)?;
    watch.beside(|| load.step(shape, per_run).and_then(|alone| say(alone.object())))?;

    load.times = Arc::new(Times::new(RECORDS_MAX));
    for rung in &told.ladder {
        watch.subscribe(&target.symbol, told.depth, *rung)?;
        watch.beside(|| say(Object::new().plain("subscribed", rung)))?;
        let (loaded, mut seen) = watch.beside(|| load.step(shape, per_run))?;
        watch.beside(|| say(Object::new().plain("ran", per_run)))?;
        for path in told.others.iter().filter(|path| path.exists()) {
            seen.read(path)?;
        }
        let shown = loaded.object().object("deliveries", seen.object(&load.times, loaded.took));
        watch.beside(|| say(shown))?;
    }
    Ok(())
}

/// Runs a further process that only watches.
///
/// # Errors
/// As [`run`].
pub fn run_watchers(mut args: Args) -> Result<(), Failure> {
    let target = Target::of(&mut args)?;
    let (connections, depth): (usize, usize) =
        (args.needed("--connections")?, args.needed("--depth")?);
    let path: PathBuf = args.needed("--out")?;
    args.end()?;
    say(Object::new().plain("here", true))?;
    let mut watch = connect(&target, connections)?;
    watch.subscribe(&target.symbol, depth, connections)?;
    watch.beside(|| say(Object::new().plain("subscribed", connections)))?;
    let ((), seen) = watch.beside(wait)?;
    let count = seen.write(&path)?;
    say(Object::new().plain("written", count))
}

/// Opens so many sockets, and says how long that took.
fn connect(target: &Target, connections: usize) -> Result<Watch, Failure> {
    let start = Instant::now();
    let watch = Watch::connect(&target.host, target.port, connections)?;
    let took_ms = start.elapsed().as_millis();
    let said = Object::new().plain("connected", connections).plain("took_ms", took_ms);
    watch.beside(|| say(said))?;
    Ok(watch)
}

/// Prints the line of a step and waits to be told to go on.
fn say(object: Object) -> Result<(), Failure> {
    println!("{}", object.finish());
    std::io::stdout().flush()?;
    wait()
}

/// Waits to be told something; nobody there is as good.
fn wait() -> Result<(), Failure> {
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
