//! The hold queue of one connection: what is written but may not leave yet.
//!
//! Nobody ever sees something that can vanish: each message is marked with the seq it was made at
//! and leaves only when the durable seq has reached it. Messages leave in the order they were made.
//!
//! Cost: one buffer and one mark per distinct seq that waits; nothing is kept once all has left.

use crate::times::Times;
use std::collections::VecDeque;

/// Digits of a time in microseconds since the epoch, from 2001 to 2286.
pub(crate) const TIME_DIGITS: usize = 16;

/// The end of a reply that tells when it left.
#[derive(Clone, Copy, Debug)]
pub struct Departure {
    /// Bytes behind its `t_out`.
    pub tail: usize,
    /// When what it answers was read, in µs since the epoch, where the time that it took is counted.
    pub in_us: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    seq: u64,
    end: usize,
}

/// Messages of one connection, waiting for the log to become durable.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<u8>,
    marks: VecDeque<Mark>,
    /// Where a reply's `t_out` stands, to be overwritten with the time it really leaves, and when what it
    /// answers was read.
    departures: VecDeque<(usize, Option<i64>)>,
}

impl Held {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The buffer to append one message to; [`Held::mark`] must follow.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Marks all that was appended since the last mark as made at `seq`.
    pub fn mark(&mut self, seq: u64) {
        let end = self.bytes.len();
        match self.marks.back_mut() {
            // A later message may be made at an earlier seq only if the caller's clock of seqs ran
            // backwards; then it must wait for the later one all the same.
            Some(last) if last.seq >= seq => last.end = end,
            _ => self.marks.push_back(Mark { seq, end }),
        }
    }

    /// Says that the message just appended ends with its `t_out` and some more bytes.
    pub fn departs(&mut self, Departure { tail, in_us }: Departure) {
        if let Some(at) = self.bytes.len().checked_sub(TIME_DIGITS + tail) {
            self.departures.push_back((at, in_us));
        }
    }

    /// Gives the memory back where nothing waits: a connection that was busy keeps none when it is not.
    pub fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Bytes of memory that are held beside the queue itself, for messages.
    pub fn allocated_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.marks.clear();
        self.departures.clear();
    }

    /// Lets go of what is durable: gives `leave` the bytes, if there are any, and counts in `times` how long
    /// the replies among them took.
    pub fn release(
        &mut self,
        durable_seq: u64,
        now_us: i64,
        times: &mut Times,
        leave: impl FnOnce(&[u8]),
    ) {
        let mut end = 0;
        while let Some(mark) = self.marks.front().filter(|mark| mark.seq <= durable_seq) {
            end = mark.end;
            self.marks.pop_front();
        }
        if end == 0 {
            return;
        }
        self.stamp(end, now_us, times);
        leave(&self.bytes[..end]);
        self.bytes.drain(..end);
        for mark in &mut self.marks {
            mark.end -= end;
        }
        for (at, _) in &mut self.departures {
            *at -= end;
        }
    }

    fn stamp(&mut self, end: usize, now_us: i64, times: &mut Times) {
        let mut digits = [b'0'; TIME_DIGITS];
        let mut rest = now_us.unsigned_abs();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        while let Some((at, in_us)) = self.departures.front().copied().filter(|(at, _)| *at < end) {
            self.bytes[at..at + TIME_DIGITS].copy_from_slice(&digits);
            if let Some(in_us) = in_us {
                times.add(now_us.saturating_sub(in_us), 1);
            }
            self.departures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_700_000_000_000_000;

    fn released(held: &mut Held, durable_seq: u64) -> String {
        let mut out = String::new();
        held.release(durable_seq, NOW_US, &mut Times::default(), |b| {
            out.push_str(&String::from_utf8_lossy(b));
        });
        out
    }

    #[test]
    fn a_message_waits_for_its_seq_and_no_longer() {
        let mut held = Held::default();
        held.buffer().extend_from_slice(b"one");
        held.mark(5);
        held.buffer().extend_from_slice(b"two");
        held.mark(7);
        assert_eq!(released(&mut held, 4), "");
        assert_eq!(released(&mut held, 6), "one");
        held.rest();
        assert!(held.allocated_bytes() > 0, "something waits");
        assert_eq!(released(&mut held, 7), "two");
        assert!(held.is_empty() && held.allocated_bytes() > 0);
        held.rest();
        assert_eq!(held.allocated_bytes(), 0);
    }

    #[test]
    fn a_message_made_after_a_later_one_never_overtakes_it() {
        let mut held = Held::default();
        held.buffer().extend_from_slice(b"late");
        held.mark(9);
        held.buffer().extend_from_slice(b"early");
        held.mark(3);
        assert_eq!(released(&mut held, 8), "");
        assert_eq!(released(&mut held, 9), "lateearly");
    }

    #[test]
    fn the_time_of_leaving_is_written_when_it_leaves() {
        let mut held = Held::default();
        held.buffer().extend_from_slice(br#"{"t_out":0000000000000000}}"#);
        held.departs(Departure { tail: 2, in_us: None });
        held.mark(1);
        held.buffer().extend_from_slice(br#"{"t_out":0000000000000000}}"#);
        held.departs(Departure { tail: 2, in_us: None });
        held.mark(2);
        assert_eq!(released(&mut held, 1), r#"{"t_out":1700000000000000}}"#);
        assert_eq!(released(&mut held, 2), r#"{"t_out":1700000000000000}}"#);
    }
    #[test]
    fn what_a_reply_took_is_counted_when_it_leaves_where_it_is_asked_for() {
        let (mut held, mut times) = (Held::default(), Times::default());
        for (seq, in_us) in [(1, Some(NOW_US - 40)), (2, None), (3, Some(NOW_US - 7))] {
            held.buffer().extend_from_slice(br#"{"t_out":0000000000000000}}"#);
            held.departs(Departure { tail: 2, in_us });
            held.mark(seq);
        }
        held.release(2, NOW_US, &mut times, |_| ());
        assert_eq!((times.counts().iter().sum::<u64>(), times.sum_us()), (1, 40));
        held.release(3, NOW_US, &mut times, |_| ());
        assert_eq!((times.counts().iter().sum::<u64>(), times.sum_us()), (2, 47));
    }
}
