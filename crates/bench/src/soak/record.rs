//! What the clients themselves know of their orders: what they sent, were answered and were told.
//!
//! Invariant: nothing in here comes from anywhere but replies and execution reports. So it can be held
//! against what the node has in the end.

use crate::Failure;
use crate::json::Object;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// It was sent.
pub(super) const SENT: u32 = 1;
/// A reply said that it was placed.
pub(super) const ACKED: u32 = 2;
/// A reply said that it was not.
pub(super) const REFUSED: u32 = 4;
/// A report said that it was accepted.
pub(super) const ACCEPTED: u32 = 8;
/// A report said that it closed.
pub(super) const CLOSED: u32 = 16;
/// It was sent a second time: the connection ended before the reply came.
pub(super) const RESENT: u32 = 32;
/// The reply to that said that it stood already.
pub(super) const DUPLICATE: u32 = 64;

/// One order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// As the node calls it; 0 while nothing has said so.
    pub(super) order_id: u64,
    /// What was filled of it, as the report of its end says.
    pub(super) filled_lots: u32,
    /// What is known of it.
    pub(super) flags: u32,
}

/// What was told that cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// A second `accepted` or `closed` of one order.
    pub(super) doubled: u64,
    /// Reply and reports that call one order differently.
    pub(super) mismatched: u64,
    /// Reports of an order that was never sent, and replies to nothing.
    pub(super) unasked: u64,
    /// Reports that name another one before them than the last that came.
    pub(super) gaps: u64,
    /// Orders that were placed, of whose end no report told.
    pub(super) unclosed: u64,
    /// Orders that were placed, of whose acceptance no report told.
    pub(super) unreported: u64,
}

impl Faults {
    /// The figures.
    pub(super) fn object(&self) -> Object {
        Object::new()
            .plain("doubled", self.doubled)
            .plain("mismatched", self.mismatched)
            .plain("unasked", self.unasked)
            .plain("gaps", self.gaps)
            .plain("unclosed", self.unclosed)
            .plain("unreported", self.unreported)
    }
}

/// The orders of one round, and the file to which those of each go.
#[derive(Debug)]
pub(super) struct Record {
    file: BufWriter<File>,
    /// By the number of an order within its round.
    orders: Vec<Kept>,
    /// The round's first number.
    first: u64,
    pub(super) faults: Faults,
}

impl Record {
    /// Begins before the first round, which has numbers below `stride`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn create(path: &Path, stride: u64) -> Result<Self, Failure> {
        let file = BufWriter::new(File::create(path)?);
        let count = usize::try_from(stride).unwrap_or(usize::MAX);
        let orders = vec![Kept::default(); count];
        Ok(Self { file, orders, first: 0, faults: Faults::default() })
    }

    /// The order of a number; none where it is not of this round.
    fn of(&mut self, number: u64) -> Option<&mut Kept> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.orders.get_mut(place)
    }

    /// Notes that an order was sent, or sent again.
    pub(super) fn sent(&mut self, number: u64, again: bool) {
        if let Some(order) = self.of(number) {
            order.flags |= if again { SENT | RESENT } else { SENT };
        }
    }

    /// Notes a reply: the order's id where it was placed.
    pub(super) fn answered(&mut self, number: u64, placed: Option<u64>, is_duplicate: bool) {
        let Some(order) = self.of(number) else {
            self.faults.unasked += 1;
            return;
        };
        match placed {
            Some(order_id) => {
                order.flags |= if is_duplicate { ACKED | DUPLICATE } else { ACKED };
                let differs = order.order_id != 0 && order.order_id != order_id;
                order.order_id = order_id;
                self.faults.mismatched += u64::from(differs);
            }
            None => order.flags |= REFUSED,
        }
    }

    /// Notes a report of `ACCEPTED` or `CLOSED`.
    pub(super) fn reported(&mut self, number: u64, order_id: u64, event: u32, filled_lots: u32) {
        let Some(order) = self.of(number).filter(|order| order.flags & SENT != 0) else {
            self.faults.unasked += 1;
            return;
        };
        let is_second = order.flags & event != 0;
        let differs = order.order_id != 0 && order.order_id != order_id;
        order.flags |= event;
        order.order_id = order_id;
        if event == CLOSED {
            order.filled_lots = filled_lots;
        }
        self.faults.doubled += u64::from(is_second);
        self.faults.mismatched += u64::from(differs);
    }

    /// How many orders were placed of whose end nothing is known.
    pub(super) fn open(&self) -> usize {
        let is_open = |order: &&Kept| order.flags & (ACKED | CLOSED) == ACKED;
        self.orders.iter().filter(is_open).count()
    }

    /// Writes the round down, 16 bytes an order, and begins the next one; how many have `flag`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn end_round(&mut self) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        for order in &mut self.orders {
            counts.take(order.flags);
            let is_placed = order.flags & ACKED != 0;
            self.faults.unclosed += u64::from(is_placed && order.flags & CLOSED == 0);
            self.faults.unreported += u64::from(is_placed && order.flags & ACCEPTED == 0);
            self.file.write_all(&order.order_id.to_le_bytes())?;
            self.file.write_all(&order.filled_lots.to_le_bytes())?;
            self.file.write_all(&order.flags.to_le_bytes())?;
            *order = Kept::default();
        }
        self.file.flush()?;
        self.first += self.orders.len() as u64;
        Ok(counts)
    }
}

/// How many orders of a round were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Sent.
    pub(super) sent: u64,
    /// Placed, as a reply said.
    pub(super) acked: u64,
    /// Refused.
    pub(super) refused: u64,
    /// Sent again behind a restart.
    pub(super) resent: u64,
    /// Of those, such as stood already.
    pub(super) duplicates: u64,
}

impl Counts {
    fn take(&mut self, flags: u32) {
        let has = |flag: u32| u64::from(flags & flag != 0);
        self.sent += has(SENT);
        self.acked += has(ACKED);
        self.refused += has(REFUSED);
        self.resent += has(RESENT);
        self.duplicates += has(DUPLICATE);
    }

    /// The figures.
    pub(super) fn object(&self) -> Object {
        Object::new()
            .plain("sent", self.sent)
            .plain("acked", self.acked)
            .plain("refused", self.refused)
            .plain("resent", self.resent)
            .plain("duplicates", self.duplicates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_record(name: &str) -> (Record, std::path::PathBuf) {
        let path = std::env::temp_dir().join(format!("coulisse-{name}-{}", std::process::id()));
        (Record::create(&path, 4).expect("a file"), path)
    }

    #[test]
    fn a_round_is_written_down_as_replies_and_reports_told_it() {
        let (mut record, path) = a_record("round");
        for number in [1, 2, 3] {
            record.sent(number, false);
        }
        record.answered(1, Some(71), false);
        record.reported(1, 71, ACCEPTED, 0);
        record.reported(1, 71, CLOSED, 5);
        record.answered(2, None, false);
        record.sent(3, true);
        record.reported(3, 72, ACCEPTED, 0);
        record.answered(3, Some(72), true);
        assert_eq!(record.open(), 1);
        let counts = record.end_round().expect("it is written");
        assert_eq!(counts, Counts { sent: 3, acked: 2, refused: 1, resent: 1, duplicates: 1 });
        assert_eq!(record.faults, Faults { unclosed: 1, ..Faults::default() });
        record.sent(5, false);
        record.answered(5, Some(80), false);
        assert_eq!(record.orders[1].order_id, 80, "the next round begins behind the first");
        let bytes = std::fs::read(&path).expect("it is there");
        std::fs::remove_file(&path).expect("it was there");
        assert_eq!(bytes.len(), 64);
        let first = [71, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 27, 0, 0, 0];
        assert_eq!(SENT | ACKED | ACCEPTED | CLOSED, 27);
        assert_eq!(bytes[16..32], first);
    }

    #[test]
    fn what_cannot_be_is_counted() {
        let (mut record, path) = a_record("faults");
        std::fs::remove_file(&path).expect("it was there");
        record.reported(1, 70, ACCEPTED, 0);
        record.answered(9, Some(1), false);
        record.sent(2, false);
        record.answered(2, Some(71), false);
        record.reported(2, 72, ACCEPTED, 0);
        record.reported(2, 72, ACCEPTED, 0);
        let faults = Faults { doubled: 1, mismatched: 1, unasked: 2, ..Faults::default() };
        assert_eq!(record.faults, faults);
    }
}
