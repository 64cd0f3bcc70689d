//! A flood: more is offered than the server can do, for as long as the run lasts.
//!
//! Requests are due at their times, whatever the server does. One that is due is sent as soon as its
//! connection takes it: a server that reads no more holds it back, in the end in this program, where it
//! is counted as offered and not as sent. Each connection goes through its own frames, round after round.
//!
//! Invariants
//! - What was sent is answered, each request once, or the run fails; so it does where a connection is
//!   closed.
//! - A latency begins when its request was given to its socket.

use super::cycle::Cycle;
use super::drive::{Driver, ns_between};
use super::report::{Offered, Outcome, Report, read_reply};
use crate::{Failure, failure};
use std::time::{Duration, Instant};

/// Bytes that are given to a socket at a time.
const WRITE_BYTES: usize = 32 * 1_024;
/// What the kernel keeps of what is sent on one connection: a client of its own machine has no need of
/// more, and what lies there was sent and is not done.
const SEND_BUFFER_BYTES: usize = 64 * 1_024;

/// How far a flood has come.
struct Flood<'a> {
    cycle: &'a Cycle,
    start: Instant,
    limit_ns: u64,
    /// Requests a second of all connections.
    rate: u64,
    sent_by: Vec<u64>,
    /// When the frame of each place was sent last.
    sent_ns: Vec<u64>,
    report: Report,
    offered: Offered,
    answered: u64,
}

impl Flood<'_> {
    fn now_ns(&self) -> u64 {
        ns_between(self.start, Instant::now())
    }

    /// Requests of one connection that are due at `now_ns`: the first at once.
    fn due(&self, now_ns: u64) -> u64 {
        let due = u128::from(self.rate) * u128::from(now_ns.min(self.limit_ns));
        let each = due / (1_000_000_000 * self.sent_by.len().max(1) as u128);
        u64::try_from(each).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn answer(&mut self, text: &str, now_ns: u64) -> Result<(), Failure> {
        let read = read_reply(text);
        let Some((place, outcome)) =
            read.and_then(|(id, outcome)| Some((self.cycle.place_of(id)?, outcome)))
        else {
            return failure(format!("a reply to nothing that was sent: {text}"));
        };
        self.report.latency.record(now_ns.saturating_sub(self.sent_ns[place]));
        self.report.count(outcome);
        self.answered += 1;
        if self.cycle.is_cancel(place) {
            self.offered.cancels_answered += 1;
            let is_overloaded = outcome == Outcome::Rejected("OVERLOADED");
            self.report.cancels_overloaded += u64::from(is_overloaded);
        }
        let in_time = now_ns <= self.limit_ns && outcome == Outcome::Accepted;
        self.offered.accepted_in_time += u64::from(in_time);
        Ok(())
    }
}

impl Driver {
    /// Offers `rate` requests a second over all connections until `limit`, and waits for every reply.
    ///
    /// # Errors
    /// The server closes, falls silent, or answers what was not asked.
    pub(super) fn flood(
        &mut self,
        cycle: &Cycle,
        rate: u64,
        limit: Duration,
    ) -> Result<Report, Failure> {
        for peer in &self.peers {
            peer.socket.bound_send_buffer(SEND_BUFFER_BYTES)?;
        }
        let mut flood = Flood {
            cycle,
            start: Instant::now(),
            limit_ns: u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX),
            rate,
            sent_by: vec![0; self.peers.len()],
            sent_ns: vec![0; cycle.len()],
            report: Report::default(),
            offered: Offered { window: limit, ..Offered::default() },
            answered: 0,
        };
        loop {
            let now_ns = flood.now_ns();
            let is_over = now_ns >= flood.limit_ns;
            let more = !is_over && self.offer(&mut flood, now_ns)?;
            let sent: u64 = flood.sent_by.iter().sum();
            if is_over && flood.answered == sent {
                break;
            }
            self.take_answers(&mut flood, is_over, more)?;
        }
        let each = flood.due(flood.limit_ns);
        flood.offered.count = each * u64::try_from(self.peers.len()).unwrap_or_default();
        flood.report.sent = usize::try_from(flood.answered).unwrap_or(usize::MAX);
        flood.report.took = flood.start.elapsed();
        flood.report.offered = Some(flood.offered);
        Ok(flood.report)
    }

    /// Gives to each connection that takes it what is due on it; says whether one would take more.
    fn offer(&mut self, flood: &mut Flood<'_>, now_ns: u64) -> Result<bool, Failure> {
        let due = flood.due(now_ns);
        let mut more = false;
        for (connection, peer) in self.peers.iter_mut().enumerate() {
            let out = &mut peer.socket.out;
            if !out.is_empty() {
                // It has not taken what it was given before.
                continue;
            }
            while flood.sent_by[connection] < due && out.len() < WRITE_BYTES {
                let sent = &mut flood.sent_by[connection];
                let Some((place, round)) = flood.cycle.place(connection, *sent) else { break };
                flood.cycle.append(place, round, out);
                flood.sent_ns[place] = now_ns;
                flood.offered.cancels_sent += u64::from(flood.cycle.is_cancel(place));
                *sent += 1;
            }
            if !out.is_empty() {
                peer.socket.flush(&self.epoll)?;
                more |= peer.socket.out.is_empty() && flood.sent_by[connection] < due;
            }
        }
        Ok(more)
    }

    /// Takes what has come; waits for it unless a connection would take more at once.
    fn take_answers(
        &mut self,
        flood: &mut Flood<'_>,
        is_over: bool,
        more: bool,
    ) -> Result<(), Failure> {
        let wait = match (more, is_over) {
            (true, _) => Some(Duration::ZERO),
            // Something is due again at the next look.
            (false, false) => Some(Duration::from_millis(1)),
            (false, true) => None,
        };
        self.hear(wait, &mut Vec::new(), |text, at| flood.answer(text, ns_between(flood.start, at)))
    }
}
