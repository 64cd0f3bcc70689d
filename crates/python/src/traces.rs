//! One record in so many, and when it passed each stage: what the node tells as traces.
//!
//! Which ones is said by their seqs, so nothing is drawn. The times are those that the stages are counted
//! by. Cost: a comparison a batch, and while it is on a few stores for each record that is traced.

use crate::core_class::Core;
use crate::stages::Group;
use coulisse_gateway::batch::{Batch, Waiter};
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::num::NonZeroU64;

/// The most that are kept until they are taken, and the most that are on their way.
const KEPT_MAX: usize = 64;

/// A record, and when it passed each stage, in ns since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trace {
    seq: u64,
    kind: u16,
    account: u32,
    received_ns: i64,
    stamped_ns: i64,
    applied_ns: i64,
    durable_ns: i64,
    out_ns: i64,
}

/// What is traced.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    one_in: Option<NonZeroU64>,
    under_way: VecDeque<Trace>,
    done: Vec<Trace>,
    lost: u64,
}

impl Traces {
    /// A batch whose last record has this seq was stamped then, and is applied now.
    #[inline]
    pub(crate) fn note_applied(
        &mut self,
        batch: &Batch,
        last_seq: u64,
        (stamped_ns, applied_ns): (i64, i64),
    ) {
        let Some(one_in) = self.one_in else { return };
        let before = last_seq.saturating_sub(batch.len() as u64);
        let mut seq = (before / one_in + 1) * one_in.get();
        while seq <= last_seq {
            let entry =
                usize::try_from(seq - before - 1).ok().and_then(|at| batch.entries().get(at));
            if let Some(entry) = entry.filter(|entry| entry.waiter != Waiter::Nobody) {
                let trace = Trace {
                    seq,
                    kind: entry.command.kind().number(),
                    account: entry.account.0,
                    received_ns: entry.received_us.saturating_mul(1_000),
                    stamped_ns,
                    applied_ns,
                    ..Trace::default()
                };
                if self.under_way.len() < KEPT_MAX {
                    self.under_way.push_back(trace);
                } else {
                    self.lost += 1;
                }
            }
            seq += one_in.get();
        }
    }

    /// What waited for the records of a group is let out now.
    pub(crate) fn note_out(&mut self, group: &Group, out_ns: i64) {
        while let Some(trace) = self.under_way.front().filter(|one| one.seq <= group.last_seq) {
            let trace = Trace { durable_ns: group.durable_ns, out_ns, ..*trace };
            self.under_way.pop_front();
            if self.done.len() < KEPT_MAX {
                self.done.push(trace);
            } else {
                self.lost += 1;
            }
        }
    }
}

/// The traces of a core: seq, command, account, and the times in → log → applied, durable, out.
type Told = (u64, u16, u32, (i64, i64, i64, i64, i64));

/// The traces of a core, for whoever tells them.
#[pyclass(module = "coulisse._core", name = "Traces", frozen)]
pub(crate) struct TracesOf {
    core: Py<Core>,
}

#[pymethods]
impl TracesOf {
    #[new]
    fn new(py: Python<'_>, core: Py<Core>, one_in: NonZeroU64) -> PyResult<Self> {
        core.get().with(py, |node, _| node.stages.traces.one_in = Some(one_in))?;
        Ok(Self { core })
    }

    /// Takes those that have left, and how many were lost for want of room since the last call.
    fn take(&self, py: Python<'_>) -> PyResult<(Vec<Told>, u64)> {
        self.core.get().with(py, |node, _| {
            let traces = &mut node.stages.traces;
            let told = traces.done.drain(..).map(|one| {
                let times =
                    (one.received_ns, one.stamped_ns, one.applied_ns, one.durable_ns, one.out_ns);
                (one.seq, one.kind, one.account, times)
            });
            (told.collect(), std::mem::take(&mut traces.lost))
        })
    }
}
