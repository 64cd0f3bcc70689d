//! A hub whose core is another process: what its sessions have asked and not been answered yet.
//!
//! Invariant: batches land in the order in which they were sent off, entry by entry: the core sequences
//! what one worker sends in that order.

use crate::batch::{Batch, Entry, Waiter};
use crate::hub::Hub;
use crate::limits::LINK_SESSIONS;
use crate::view::CoreView;
use coulisse_types::record::Origin;
use coulisse_types::{Event, RecordHeader};
use std::collections::VecDeque;

/// Emptied batches that are kept to be filled again.
const SPARES_MAX: usize = 4;

/// What is under way to the core.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    batches: VecDeque<Batch>,
    /// The entry of the first batch that lands next.
    next: usize,
    spares: Vec<Batch>,
}

impl Flight {
    /// What was asked last first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.batches.iter().rev().flat_map(|batch| batch.entries().iter().rev())
    }

    /// Goes on to the next command behind the one of this batch that has landed.
    fn pass(&mut self, mut batch: Batch) {
        self.next += 1;
        if self.next < batch.len() {
            self.batches.push_front(batch);
            return;
        }
        self.next = 0;
        batch.clear();
        if self.spares.len() < SPARES_MAX {
            self.spares.push(batch);
        }
    }
}

impl Hub {
    /// The core is another process. It numbers the sessions: the first behind `first_session`,
    /// [`LINK_SESSIONS`] less one of them.
    pub fn work_for_another(&mut self, first_session: u64) {
        self.sessions = first_session;
        self.sessions_end = first_session + LINK_SESSIONS;
    }

    /// Sends the batch off; `None` where it is empty.
    pub fn send_off(&mut self) -> Option<&Batch> {
        if self.batch.is_empty() {
            return None;
        }
        let spare = self.flight.spares.pop().unwrap_or_default();
        let batch = self.take_batch(spare);
        self.flight.batches.push_back(batch);
        self.flight.batches.back()
    }

    /// The next command that was sent off has become this record: replies to its session. Whoever else
    /// waits for it is returned; `None` where nothing is under way.
    ///
    /// `view` is the core right after the record.
    pub fn land(
        &mut self,
        header: &RecordHeader,
        events: &[Event],
        view: &impl CoreView,
    ) -> Option<Waiter> {
        let batch = self.flight.batches.pop_front()?;
        let index = self.flight.next;
        let entry = *batch.entries().get(index)?;
        if let Waiter::Session(_) = entry.waiter {
            // Its place in the batch of this hub, not of the core's.
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let origin = Origin { index, ..header.origin };
            self.reply(&batch, &entry, &RecordHeader { origin, ..*header }, events, view);
        }
        self.flight.pass(batch);
        Some(entry.waiter)
    }

    /// The next command that was sent off was void before the core's log could stamp it: refuses it.
    /// `None` where nothing is under way, or what is has no deadline.
    pub fn land_late(&mut self, view: &impl CoreView) -> Option<()> {
        let batch = self.flight.batches.pop_front()?;
        let late = batch.late(self.flight.next)?;
        self.refuse_late(&late, view.seq());
        self.flight.pass(batch);
        Some(())
    }

    /// Gives the hub of a worker as many more numbers for sessions, for when those before are used.
    pub fn number_more_sessions(&mut self, first_session: u64) {
        self.sessions_then = Some(first_session);
    }

    /// How many more sessions have a number.
    pub fn sessions_left(&self) -> u64 {
        let then = self.sessions_then.map_or(0, |_| LINK_SESSIONS - 1);
        (self.sessions_end - 1 - self.sessions).saturating_add(then)
    }

    /// The number of the next session.
    pub(crate) fn next_session(&mut self) -> u64 {
        if self.sessions + 1 >= self.sessions_end
            && let Some(first_session) = self.sessions_then.take()
        {
            self.sessions = first_session;
            self.sessions_end = first_session + LINK_SESSIONS;
        }
        self.sessions += 1;
        self.sessions
    }
}
