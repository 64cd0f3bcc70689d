//! What the hub counts for those who watch it, beside [`crate::hub::Counters`]: refusals by code, how long
//! commands and replies took, how its connections are.
//!
//! Cost: additions to numbers that are at hand. How connections are is seen by the patrol, which looks at
//! each once a second anyway.

use crate::conn::Conn;
use crate::hub::Hub;
use crate::times::Times;
use coulisse_types::RejectCode;
use coulisse_wire::native::CommandOutcome;

/// One beyond the highest number of a code.
const CODES: usize = RejectCode::ALL[RejectCode::ALL.len() - 1].number() as usize + 1;

/// How connections are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Sessions that are logged on.
    pub sessions: u64,
    /// Connections whose peers take less than they are told: their transports are full.
    pub paused: u64,
    /// Bytes that wait to leave, on all connections.
    pub held_bytes: u64,
    /// The most on one of them.
    pub held_most_bytes: u64,
}

impl Seen {
    /// One connection.
    pub(crate) fn of(conn: &Conn) -> Self {
        let held_bytes = conn.held.len() as u64;
        let (sessions, paused) = (conn.identity.is_some().into(), conn.paused.into());
        Self { sessions, paused, held_bytes, held_most_bytes: held_bytes }
    }
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Tally {
    rejects: [u64; CODES],
    /// From the read of a command of a session to its stamp in the log.
    pub(crate) queued: Times,
    /// From the read of it to the leaving of its reply.
    pub(crate) replied: Times,
    /// What the patrol has seen on the round that it is on, and on the whole one before.
    round: Seen,
    seen: Seen,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            rejects: [0; CODES],
            queued: Times::default(),
            replied: Times::default(),
            round: Seen::default(),
            seen: Seen::default(),
        }
    }
}

impl Tally {
    /// Counts a refusal.
    pub(crate) fn reject(&mut self, code: RejectCode) {
        if cfg!(feature = "uncounted") {
            return;
        }
        self.rejects[usize::from(code.number())] += 1;
    }

    /// Counts what a command was refused for, if it was, or the half of it that was.
    pub(crate) fn note(&mut self, outcome: &CommandOutcome) {
        match outcome {
            CommandOutcome::Rejected(rejected) => self.reject(rejected.code),
            CommandOutcome::Replaced { cancel, place } => {
                let halves = cancel.iter().chain([place]);
                halves.filter_map(|half| half.as_ref().err()).for_each(|one| self.reject(one.code));
            }
            _ => {}
        }
    }

    /// The patrol begins a round.
    pub(crate) fn begin_round(&mut self) {
        self.seen = std::mem::take(&mut self.round);
    }

    /// The patrol has looked at a connection.
    pub(crate) fn see(&mut self, one: Seen) {
        let round = &mut self.round;
        round.sessions += one.sessions;
        round.paused += one.paused;
        round.held_bytes += one.held_bytes;
        round.held_most_bytes = round.held_most_bytes.max(one.held_most_bytes);
    }
}

impl Hub {
    /// Refusals by code since the start, before the log and after it: each code, and how often.
    pub fn rejects(&self) -> impl Iterator<Item = (RejectCode, u64)> + '_ {
        let counted = |code: &RejectCode| self.tally.rejects[usize::from(code.number())];
        RejectCode::ALL.iter().map(move |code| (*code, counted(code)))
    }

    /// How long commands of sessions waited for their stamp in the log, counted from their reads.
    pub const fn queued(&self) -> &Times {
        &self.tally.queued
    }

    /// How long they took from their reads until their replies left.
    pub const fn replied(&self) -> &Times {
        &self.tally.replied
    }

    /// How connections were on the last whole round of the patrol, a second ago at most two.
    pub const fn seen(&self) -> Seen {
        self.tally.seen
    }
}
