//! When the log took each record, as the replies say.

use std::sync::atomic::{AtomicU64, Ordering};

/// `t_log` of records by their seq, in µs since the epoch; written by one thread, read by another.
#[derive(Debug, Default)]
pub(crate) struct Times {
    by_seq: Vec<AtomicU64>,
}

impl Times {
    /// Room for the seqs below `records`.
    pub(crate) fn new(records: usize) -> Self {
        let mut by_seq = Vec::new();
        by_seq.resize_with(records, AtomicU64::default);
        Self { by_seq }
    }

    /// Notes what the reply to an order says, if it was taken.
    pub(crate) fn note(&self, reply: &str) {
        let (Some(seq), Some(t_log)) = (number(reply, "\"seq\":"), number(reply, "\"t_log\":"))
        else {
            return;
        };
        if let Some(place) = usize::try_from(seq).ok().and_then(|seq| self.by_seq.get(seq)) {
            place.store(t_log, Ordering::Relaxed);
        }
    }

    /// When the log took `seq`, or the last record before it of which a reply told.
    pub(crate) fn at(&self, seq: u64) -> Option<u64> {
        let end = usize::try_from(seq).ok()?.min(self.by_seq.len().checked_sub(1)?);
        let told = self.by_seq[..=end].iter().rev().map(|time| time.load(Ordering::Relaxed));
        told.take(NEAR).find(|time| *time != 0)
    }
}

/// How far before a seq one is looked for that a reply told of.
const NEAR: usize = 10_000;

/// The first number behind `name`.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_has_the_time_of_its_reply_or_of_the_last_one_before_it() {
        let times = Times::new(10);
        times.note(r#"{"id":1,"ok":true,"result":{"seq":3,"t_in":1,"t_log":77,"t_out":99}}"#);
        times.note(r#"{"id":1,"ok":false,"error":{"code":"OVERLOADED"}}"#);
        times.note(r#"{"id":1,"ok":true,"result":{"seq":300,"t_log":78}}"#);
        assert_eq!([2, 3, 5, 900].map(|seq| times.at(seq)), [None, Some(77), Some(77), Some(77)]);
        assert_eq!(Times::default().at(3), None);
    }
}
