//! What a shape came to.

use crate::core::per_second;
use crate::histogram::Histogram;
use crate::json::Object;
use std::collections::BTreeMap;
use std::time::Duration;

/// The counts and latencies of one shape, or of several.
#[derive(Debug, Default)]
pub struct Report {
    /// Requests sent.
    pub sent: usize,
    /// Requests that were done.
    pub accepted: u64,
    /// Requests that were refused, by code.
    pub rejects: BTreeMap<String, u64>,
    /// Cancels for which there was no room.
    pub cancels_overloaded: u64,
    /// What a flood offered.
    pub offered: Option<Offered>,
    /// From the first request to the last reply.
    pub took: Duration,
    /// From send, or from when an open loop should have sent, to reply.
    pub latency: Histogram,
}

/// What a flood offered, and what came of it within its time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offered {
    /// Requests that were due.
    pub count: u64,
    /// Cancels that were sent, and those that were answered.
    pub cancels_sent: u64,
    /// See `cancels_sent`.
    pub cancels_answered: u64,
    /// Requests whose acceptance had come when the time was over.
    pub accepted_in_time: u64,
    /// The time.
    pub window: Duration,
}

impl Report {
    /// Takes in one reply, without its latency.
    pub fn count(&mut self, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Rejected(code) => match self.rejects.get_mut(code) {
                Some(count) => *count += 1,
                None => {
                    self.rejects.insert(code.to_owned(), 1);
                }
            },
        }
    }

    /// Takes in the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.accepted += other.accepted;
        for (code, count) in &other.rejects {
            *self.rejects.entry(code.clone()).or_default() += count;
        }
    }

    fn rejected(&self) -> u64 {
        self.rejects.values().sum()
    }

    /// The figures of one shape.
    pub fn object(&self) -> Object {
        let (accepted, window) = match &self.offered {
            Some(offered) => (offered.accepted_in_time, offered.window),
            None => (self.accepted, self.took),
        };
        let accepted = usize::try_from(accepted).unwrap_or(usize::MAX);
        let object = Object::new()
            .plain("orders_per_s", per_second(accepted, window))
            .us("p50_us", self.latency.at_per_mille(500))
            .us("p99_us", self.latency.at_per_mille(990))
            .us("p999_us", self.latency.at_per_mille(999))
            .us("max_us", self.latency.max_ns())
            .plain("sent", self.sent)
            .plain("accepted", self.accepted)
            .plain("rejected", self.rejected())
            .plain("cancels_overloaded", self.cancels_overloaded)
            .plain("took_ms", self.took.as_millis());
        let Some(offered) = &self.offered else { return object };
        let held_back = offered.count.saturating_sub(self.sent as u64);
        object
            .plain("offered", offered.count)
            .plain("held_back", held_back)
            .plain("cancels_sent", offered.cancels_sent)
            .plain("cancels_answered", offered.cancels_answered)
    }

    /// Puts the counts of all shapes into what is printed.
    pub fn totals(&self, object: Object) -> Object {
        let mut rejects = Object::new();
        for (code, count) in &self.rejects {
            rejects = rejects.plain(code, count);
        }
        object
            .plain("accepted", self.accepted)
            .plain("rejected", self.rejected())
            .object("rejects", rejects)
    }
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Done.
    Accepted,
    /// Refused, with this code.
    Rejected(&'a str),
}

/// Reads a reply as far as it matters: its request's id and what became of it.
pub fn read_reply(text: &str) -> Option<(usize, Outcome<'_>)> {
    let rest = text.strip_prefix("{\"id\":")?;
    let (digits, rest) = rest.split_once(',')?;
    let id = digits.parse().ok()?;
    if rest.starts_with("\"ok\":true") {
        return Some((id, Outcome::Accepted));
    }
    let (code, _) = rest.strip_prefix("\"ok\":false,\"error\":{\"code\":\"")?.split_once('"')?;
    Some((id, Outcome::Rejected(code)))
}

/// Reads a request that came back.
pub fn read_echo(text: &str) -> Option<(usize, Outcome<'_>)> {
    let (digits, _) = text.strip_prefix("{\"id\":")?.split_once(',')?;
    Some((digits.parse().ok()?, Outcome::Accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_by_id_and_outcome() {
        let done = r#"{"id":71,"ok":true,"result":{"order_id":"1"}}"#;
        assert_eq!(read_reply(done), Some((71, Outcome::Accepted)));
        let refused = r#"{"id":8,"ok":false,"error":{"code":"ORDER_NOT_FOUND","message":""}}"#;
        assert_eq!(read_reply(refused), Some((8, Outcome::Rejected("ORDER_NOT_FOUND"))));
        for bad in ["", r#"{"ch":"session"}"#, r#"{"id":null,"ok":true}"#, r#"{"id":1,"ok":1}"#] {
            assert_eq!(read_reply(bad), None, "{bad}");
        }
    }

    #[test]
    fn rejects_are_counted_by_code() {
        let (mut one, mut sum) = (Report::default(), Report::default());
        one.count(Outcome::Accepted);
        one.count(Outcome::Rejected("B"));
        one.count(Outcome::Rejected("A"));
        one.count(Outcome::Rejected("B"));
        sum.add(&one);
        sum.add(&one);
        let text = sum.totals(Object::new()).finish();
        assert_eq!(text, r#"{"accepted":2,"rejected":6,"rejects":{"A":2,"B":4}}"#);
    }
}
