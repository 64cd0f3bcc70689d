//! How long records take from stage to stage, counted per record from the times of their batches.
//!
//! in → log and in → out are the hub's, which knows when each command was read. Here are log → applied,
//! log → durable and durable → out. All are differences of wall time: the log's stamps are that.
//!
//! Cost: one look at the clock and a few additions a batch, and as much a group of the journal.

use crate::clock::wall_ns;
use crate::traces::Traces;
use coulisse_gateway::batch::Batch;
use coulisse_gateway::times::Times;
use std::time::Duration;

/// A batch on its way to the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchMark {
    pub(crate) stamped_ns: i64,
    pub(crate) records: u32,
    pub(crate) last_seq: u64,
}

/// What the loop counts.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    /// From the stamp of a batch until all of it was applied.
    pub(crate) applied: Times,
    /// From the moment at which records were durable until what waited for them was let out.
    pub(crate) released: Times,
    /// Single records.
    pub(crate) traces: Traces,
    released_seq: u64,
    groups: Vec<Group>,
}

impl Stages {
    /// A batch that was stamped then, and ends with that seq, is applied now.
    pub(crate) fn note_applied(&mut self, batch: &Batch, last_seq: u64, stamped_ns: i64) {
        if cfg!(feature = "uncounted") {
            return;
        }
        let now_ns = wall_ns();
        self.applied.add(us_since(stamped_ns, now_ns), batch.len() as u64);
        self.traces.note_applied(batch, last_seq, (stamped_ns, now_ns));
    }

    /// What waited for the log up to `durable_seq` is let out now; `take` gives the groups that became
    /// durable since they were last taken.
    pub(crate) fn note_released(
        &mut self,
        durable_seq: u64,
        now_ns: i64,
        take: impl FnOnce(&mut Vec<Group>),
    ) {
        if durable_seq == self.released_seq || cfg!(feature = "uncounted") {
            return;
        }
        self.released_seq = durable_seq;
        take(&mut self.groups);
        for group in self.groups.drain(..) {
            self.released.add(us_since(group.durable_ns, now_ns), group.records);
            self.traces.note_out(&group, now_ns);
        }
    }
}

/// A group of the journal that is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    records: u64,
    pub(crate) last_seq: u64,
    pub(crate) durable_ns: i64,
}

/// What the sync thread counts.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// From the stamps of records until they were durable.
    pub(crate) durable: Times,
    /// What a write and its sync took.
    pub(crate) synced: Times,
    /// What the loop has not taken. No more than the backlog has room for.
    groups: Vec<Group>,
}

impl Written {
    /// A group of these batches is durable now; it took so long.
    pub(crate) fn note(&mut self, batches: &[BatchMark], took: Duration) {
        if cfg!(feature = "uncounted") {
            return;
        }
        let durable_ns = wall_ns();
        let mut records = 0;
        for batch in batches {
            let count = u64::from(batch.records);
            self.durable.add(us_since(batch.stamped_ns, durable_ns), count);
            records += count;
        }
        self.synced.add(i64::try_from(took.as_micros()).unwrap_or(i64::MAX), 1);
        let last_seq = batches.last().map_or(0, |batch| batch.last_seq);
        self.groups.push(Group { records, last_seq, durable_ns });
    }

    /// Gives away what the loop has not taken.
    pub(crate) fn take_groups(&mut self, into: &mut Vec<Group>) {
        into.append(&mut self.groups);
    }
}

/// From one time in ns to another, in µs.
pub(crate) fn us_since(from_ns: i64, to_ns: i64) -> i64 {
    to_ns.saturating_sub(from_ns) / 1_000
}
