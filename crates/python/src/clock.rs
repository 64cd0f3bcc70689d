//! The clock that stamps records: wall time that never runs back and never leaps.
//!
//! The log refuses to stamp more than [`STAMP_JUMP_NS_MAX`] ahead of what the monotonic clock
//! allows since the last record: a stepped wall clock must not expire everybody's orders. A stop
//! and a start, which an operator sees, confirm the new time.

use coulisse_types::limits::STAMP_JUMP_NS_MAX;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall clock has leapt ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leap {
    /// How far past what was allowed, in ns.
    pub(crate) ahead_ns: i64,
}

/// Stamps for one run of the log.
#[derive(Debug)]
pub(crate) struct LogClock {
    last_ns: i64,
    last_at: Instant,
    started: bool,
}

impl LogClock {
    /// A clock for a log whose last record was stamped `last_ns`.
    pub(crate) fn after(last_ns: i64) -> Self {
        Self { last_ns, last_at: Instant::now(), started: false }
    }

    /// The stamp for a batch taken now: not before the last one.
    pub(crate) fn stamp(&mut self) -> Result<i64, Leap> {
        let now_at = Instant::now();
        let since_ns = i64::try_from(now_at.duration_since(self.last_at).as_nanos());
        let allowed = since_ns
            .ok()
            .and_then(|ns| self.last_ns.checked_add(ns)?.checked_add(STAMP_JUMP_NS_MAX))
            .unwrap_or(i64::MAX);
        let wall = wall_ns();
        if self.started && wall > allowed {
            return Err(Leap { ahead_ns: wall - allowed });
        }
        self.started = true;
        self.last_at = now_at;
        self.last_ns = self.last_ns.max(wall);
        Ok(self.last_ns)
    }
}

/// Wall time in ns since the epoch.
pub(crate) fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Wall time in µs since the epoch.
pub(crate) fn wall_us() -> i64 {
    wall_ns() / 1_000
}
