//! A hub whose core is another process: what its sessions have asked and not been answered yet.
//!
//! Invariant: batches land in the order in which they were sent off, entry by entry: the core sequences
//! what one worker sends in that order.

use crate::batch::{Batch, Entry, Waiter};
use crate::hub::Hub;
use crate::limits::LINK_SESSIONS;
use crate::view::CoreView;
use coulisse_types::record::Origin;
use coulisse_types::{AccountId, Event, RecordHeader};
use std::collections::VecDeque;

/// Emptied batches that are kept to be filled again.
const SPARES_MAX: usize = 4;

/// Whether the orders of a session are to be cancelled with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Whose they are.
    pub account: AccountId,
    /// The session.
    pub session: u64,
    /// Whether they are.
    pub is_on: bool,
}

/// What is under way to the core.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    batches: VecDeque<Batch>,
    /// The entry of the first batch that lands next.
    next: usize,
    spares: Vec<Batch>,
    /// What the core is to know of sessions; `None` where the core is here and knows.
    arms: Option<Vec<Arm>>,
}

impl Flight {
    /// What was asked last first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.batches.iter().rev().flat_map(|batch| batch.entries().iter().rev())
    }

    /// A session wants its orders cancelled with it, or no longer does.
    pub(crate) fn arm(&mut self, account: AccountId, session: u64, is_on: bool) {
        if let Some(arms) = &mut self.arms {
            arms.push(Arm { account, session, is_on });
        }
    }
}

impl Hub {
    /// The core is another process: what it has to know is kept for [`Hub::take_arms`]. It numbers the
    /// sessions: the first behind `first_session`, [`LINK_SESSIONS`] less one of them.
    pub fn work_for_another(&mut self, first_session: u64) {
        self.flight.arms = Some(Vec::new());
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

    /// What the core is to know of sessions since this was last asked.
    pub fn take_arms(&mut self) -> Vec<Arm> {
        self.flight.arms.as_mut().map(std::mem::take).unwrap_or_default()
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
        let mut batch = self.flight.batches.pop_front()?;
        let index = self.flight.next;
        let entry = *batch.entries().get(index)?;
        if let Waiter::Session(_) = entry.waiter {
            // Its place in the batch of this hub, not of the core's.
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let origin = Origin { index, ..header.origin };
            self.reply(&batch, &entry, &RecordHeader { origin, ..*header }, events, view);
        }
        if index + 1 < batch.len() {
            self.flight.next = index + 1;
            self.flight.batches.push_front(batch);
        } else {
            self.flight.next = 0;
            batch.clear();
            if self.flight.spares.len() < SPARES_MAX {
                self.flight.spares.push(batch);
            }
        }
        Some(entry.waiter)
    }

    /// The orders of a session that was another process's are to be cancelled: it is gone.
    pub fn cancel_for(&mut self, account: AccountId, session: u64) {
        self.cancels_due.push_back((account, session));
        self.enter_cancels();
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
