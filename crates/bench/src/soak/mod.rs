//! `coulisse-bench soak`: orders and sockets for as long as is asked, over restarts of the node.
//!
//! Steps as of `sockets`: it prints a line and waits for one on stdin, then runs a round of the workload,
//! and so on until stdin ends. A round leaves no order and uses client order ids of its own. Every order is
//! written down with what replies and reports told of it, 16 bytes each: order id (8, little-endian),
//! filled lots (4), flags (4, see `record`); the number in its client order id is its place in the file.

mod flow;
mod record;
mod told;
mod watchers;

use crate::args::Args;
use crate::json::Object;
use crate::load::Target;
use crate::load::cycle::Cycle;
use crate::urgency::be_urgent;
use crate::{Failure, failure, workload};
use flow::Flow;
use record::Record;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;
use watchers::{Asked, Shared, Watchers};

/// Runs the command, printing a line after each step.
///
/// # Errors
/// A flag or a file means nothing, or the node is not there, does not come back or breaks the protocol.
pub fn run(mut args: Args) -> Result<(), Failure> {
    let target = Target::of(&mut args)?;
    let path: PathBuf = args.needed("--workload")?;
    let rate: u64 = args.value("--rate")?.unwrap_or(20_000);
    let count: usize = args.value("--connections")?.unwrap_or(5_000);
    let depth: usize = args.value("--depth")?.unwrap_or(10);
    let out: PathBuf = args.needed("--record")?;
    args.end()?;
    if rate == 0 {
        return failure("--rate is at least 1");
    }
    let rows = workload::read(&path, 1)?;
    let cycle = Cycle::prepare(&rows, &target.symbol, &target.accounts, target.accounts.len());
    drop(rows);
    let Target { host, port, symbol, .. } = &target;
    let asked = Asked { host: host.clone(), port: *port, symbol: symbol.clone(), depth, count };
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    let shared = Shared::new();
    let mut watchers = Watchers::open(asked, &shared)?;
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| watchers.run(&shared));
        // Those who watch are read on the same processor; orders are timed, and stand for other machines'.
        be_urgent(true);
        let record = Record::create(&out, cycle.stride());
        let done = record
            .and_then(|record| Flow::open(&target, &cycle, rate, &shared, record))
            .and_then(|flow| rounds(flow, &cycle, count));
        shared.stop();
        let watched = watching.join().map_err(|_| Failure("the watch broke".to_owned()))?;
        done.and(watched)
    })
}

/// Runs a round whenever it is told to, until nobody tells it any more.
fn rounds(mut flow: Flow<'_>, cycle: &Cycle, count: usize) -> Result<(), Failure> {
    let opened = Object::new().plain("connected", count).plain("requests", cycle.len());
    let mut line = opened.plain("stride", cycle.stride());
    for number in 0.. {
        if !say(line)? {
            break;
        }
        let begun = Instant::now();
        let figures = flow.round(number)?;
        line = figures.plain("round", number).plain("lasted_ms", begun.elapsed().as_millis());
    }
    Ok(())
}

/// Prints the line of a step and waits to be told to go on; `false` where nobody will.
fn say(object: Object) -> Result<bool, Failure> {
    println!("{}", object.finish());
    std::io::stdout().flush()?;
    let mut line = String::new();
    Ok(std::io::stdin().lock().read_line(&mut line)? > 0)
}
