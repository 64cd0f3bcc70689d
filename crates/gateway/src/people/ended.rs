//! Sessions of people that were ended before their time: their tokens are refused.
//!
//! Folded from the log's events, on every worker alike, and in the snapshots: a token that was given up is
//! refused after a restart too. Each key keeps a few; past that all of its sessions that had begun are over, so
//! that nothing is ever forgotten and nothing grows.

use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use crate::limits::ENDED_SESSIONS_OF_KEY_MAX;
use coulisse_types::KeyIndex;
use coulisse_types::codec::{Field, Reader};
use std::collections::BTreeMap;

/// The ended sessions of one key.
#[derive(Debug, Default)]
struct OfKey {
    /// All that had begun by then are over: s since the epoch.
    floor_s: i64,
    /// Sessions, with when they would be over in any case, in ns since the epoch.
    sessions: Vec<(u64, i64)>,
}

/// The ended sessions of all keys.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    of: BTreeMap<KeyIndex, OfKey>,
}

impl Ended {
    /// A session was ended.
    pub(crate) fn note(&mut self, key: KeyIndex, session: u64, until_ns: i64, now_ns: i64) {
        let of = self.of.entry(key).or_default();
        of.sessions.retain(|(_, until)| *until > now_ns);
        of.sessions.push((session, until_ns));
        if of.sessions.len() > ENDED_SESSIONS_OF_KEY_MAX {
            of.floor_s = now_ns.div_euclid(1_000_000_000);
            of.sessions.clear();
        }
    }

    /// No token of the key that was given so far is good any more in any case.
    pub(crate) fn forget(&mut self, key: KeyIndex) {
        self.of.remove(&key);
    }

    /// Whether a session that began then was ended.
    pub(crate) fn is_over(&self, key: KeyIndex, session: u64, begun_s: i64) -> bool {
        self.of.get(&key).is_some_and(|of| {
            begun_s <= of.floor_s || of.sessions.iter().any(|(ended, _)| *ended == session)
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        length(self.of.len()).encode(out);
        for (key, OfKey { floor_s, sessions }) in &self.of {
            key.encode(out);
            floor_s.encode(out);
            length(sessions.len()).encode(out);
            for (session, until_ns) in sessions {
                session.encode(out);
                until_ns.encode(out);
            }
        }
    }

    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        for _ in 0..get::<u32>(reader)? {
            let key: KeyIndex = get(reader)?;
            let mut of = OfKey { floor_s: get(reader)?, sessions: Vec::new() };
            let count: u32 = get(reader)?;
            if count as usize > ENDED_SESSIONS_OF_KEY_MAX {
                return Err(FeedsFault { reason: "more ended sessions than are kept" });
            }
            for _ in 0..count {
                of.sessions.push((get(reader)?, get(reader)?));
            }
            self.of.insert(key, of);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;
    const ANN: KeyIndex = KeyIndex(3);

    #[test]
    fn a_session_that_was_ended_is_over_and_no_other() {
        let mut ended = Ended::default();
        ended.note(ANN, 7, 100 * S, 10 * S);
        assert!(ended.is_over(ANN, 7, 5));
        assert!(!ended.is_over(ANN, 8, 5));
        assert!(!ended.is_over(KeyIndex(4), 7, 5));
        ended.forget(ANN);
        assert!(!ended.is_over(ANN, 7, 5));
    }

    #[test]
    fn past_the_few_that_are_kept_all_that_had_begun_are_over() {
        let mut ended = Ended::default();
        let few = u64::try_from(ENDED_SESSIONS_OF_KEY_MAX).expect("few");
        for session in 0..few {
            ended.note(ANN, session, 100 * S, 10 * S);
        }
        assert!(!ended.is_over(ANN, 1_000, 5));
        ended.note(ANN, few, 100 * S, 11 * S);
        for session in [0, few, 1_000] {
            assert!(ended.is_over(ANN, session, 11), "{session}");
        }
        assert!(!ended.is_over(ANN, 1_001, 12));
    }

    #[test]
    fn those_whose_time_is_over_make_room() {
        let mut ended = Ended::default();
        for session in 0..10_000_u32 {
            let now_s = i64::from(session);
            ended.note(ANN, session.into(), (now_s + 10) * S, now_s * S);
        }
        assert!(!ended.is_over(ANN, 20_000, 5));
        assert!(ended.of[&ANN].sessions.len() <= 10);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut ended = Ended::default();
        ended.note(ANN, 7, 100 * S, 10 * S);
        let mut bytes = Vec::new();
        ended.encode(&mut bytes);
        let mut again = Ended::default();
        again.decode(&mut Reader::new(&bytes)).expect("our own");
        assert!(again.is_over(ANN, 7, 5));
        for end in 0..bytes.len() {
            assert!(Ended::default().decode(&mut Reader::new(&bytes[..end])).is_err(), "{end}");
        }
    }
}
