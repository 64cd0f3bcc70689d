//! `order.place_batch`: each order is a command of its own, and their results are one reply.
//!
//! Invariants
//! - The commands of a request stand in one batch, in their order and with nothing between.
//! - It is answered once, when the last of its commands has been applied; what never reached the log has
//!   its result from the beginning.

use crate::batch::{Batch, ConnId, Entry, Late, Part, Waiter};
use crate::held::Departure;
use crate::hub::Hub;
use crate::outcomes::{DEPARTURE_PENDING_US, REPLY_TAIL_BYTES, units_of};
use crate::view::CoreView;
use coulisse_types::record::NONCE_BIT;
use coulisse_types::{RejectCode, RequestId, Seq};
use coulisse_wire::native::answers::{self, Answer};
use coulisse_wire::native::reply::Stamps;
use coulisse_wire::native::request::Placement;
use coulisse_wire::native::spec::Op;
use coulisse_wire::native::{CommandOutcome, Request, RequestError};

/// The results of one request, as far as they are known.
#[derive(Debug)]
pub(crate) struct Gather {
    conn: ConnId,
    id_raw: Vec<u8>,
    in_us: i64,
    /// One after the other; which is whose, `places` says.
    text: Vec<u8>,
    /// Of each order, from where to where its result stands.
    places: Vec<(usize, usize)>,
    /// Commands whose results are not known yet.
    left: usize,
}

impl Gather {
    fn put(&mut self, item: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        self.places[item] = (start, self.text.len());
    }
}

impl Hub {
    pub(crate) fn place_batch<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        orders: &[Placement<'a>],
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        if self.stopping {
            return Err(refused(RejectCode::ShuttingDown));
        }
        self.account_of(id, request, 0, view)?;
        // Each command has a nonce of its own: its request's, and those that follow.
        let nonce = self.conn(id).map_or(0, |conn| conn.nonce_used);
        if nonce != 0 && nonce.saturating_add(orders.len() as u64) > NONCE_BIT {
            return Err(refused(RejectCode::InvalidValue).about(b"Coulisse-Nonce", b""));
        }
        let mut gather = Gather {
            conn: id,
            id_raw: request.id_raw.to_vec(),
            in_us: now_us,
            text: Vec::new(),
            places: vec![(0, 0); orders.len()],
            left: 0,
        };
        self.gathers_begun += 1;
        let number = self.gathers_begun;
        for (item, order) in orders.iter().enumerate() {
            if let Some(conn) = self.conn(id).filter(|_| nonce != 0) {
                conn.nonce_used = nonce + item as u64;
            }
            let entered = order.and_then(|(command, instrument)| {
                self.enter(id, request, (command, instrument, RequestId(0)), now_us, view)
            });
            match entered {
                Ok(()) => {
                    self.batch.keep_part(Part { gather: number, item });
                    gather.left += 1;
                }
                Err(error) => {
                    self.count_refused(&error);
                    gather.put(item, |out| error.write_alone(out));
                }
            }
        }
        if gather.left == 0 {
            self.answer_gather(&gather, (view.seq(), self.time_us));
        } else {
            self.gathers.insert(number, gather);
        }
        Ok(())
    }

    /// Takes the result of one command of a batch that was asked for together.
    pub(crate) fn gather(
        &mut self,
        part: Part,
        entry: &Entry,
        outcome: &CommandOutcome,
        (seq, log_us): (Seq, i64),
    ) {
        let table = std::mem::take(&mut self.instruments);
        let units = units_of(&table, entry);
        self.gather_text(part, (seq, log_us), |out| {
            answers::write_batch_result(out, outcome, seq.0, &units);
        });
        self.instruments = table;
    }

    /// Takes the result of a command that did not reach the log after all.
    pub(crate) fn gather_refusal(&mut self, part: Part, seq: Seq, error: &RequestError<'_>) {
        self.count_refused(error);
        self.gather_text(part, (seq, self.time_us), |out| error.write_alone(out));
    }

    fn gather_text(&mut self, part: Part, at: (Seq, i64), write: impl FnOnce(&mut Vec<u8>)) {
        let Some(gather) = self.gathers.get_mut(&part.gather) else { return };
        gather.put(part.item, write);
        gather.left -= 1;
        if gather.left == 0
            && let Some(gather) = self.gathers.remove(&part.gather)
        {
            self.answer_gather(&gather, at);
        }
    }

    fn answer_gather(&mut self, gather: &Gather, (seq, log_us): (Seq, i64)) {
        let results: Vec<&[u8]> =
            gather.places.iter().map(|(start, end)| &gather.text[*start..*end]).collect();
        let units = Op::PlaceBatch.weight().units;
        let weight = units * u32::try_from(results.len()).unwrap_or(u32::MAX);
        let (in_us, out_us) = (gather.in_us, DEPARTURE_PENDING_US);
        let stamps = Stamps { seq: seq.0, in_us, log_us, out_us };
        let answer = Answer { id_raw: &gather.id_raw, op: Op::PlaceBatch, weight, stamps };
        let departure = Departure { tail: REPLY_TAIL_BYTES, in_us: Some(in_us) };
        self.write_departing(gather.conn, seq, Some(departure), |out| {
            answers::write_batch(out, &answer, &results);
        });
    }

    /// Takes out of a batch what would be stamped past its deadline, and refuses it: before the log,
    /// so that no replay has to know. What workers sent is returned, for them to refuse: the link, and how
    /// many commands before it stay in the batch.
    pub fn drop_late(
        &mut self,
        batch: &mut Batch,
        time_ns: i64,
        view: &impl CoreView,
    ) -> Vec<(u32, usize)> {
        let mut elsewhere = Vec::new();
        for late in batch.take_late(time_ns.div_euclid(1_000)) {
            match late.entry.waiter {
                Waiter::Link { link, .. } => elsewhere.push((link, late.before)),
                _ => self.refuse_late(&late, view.seq()),
            }
        }
        elsewhere
    }

    /// Refuses what was not stamped in time.
    pub(crate) fn refuse_late(&mut self, late: &Late, seq: Seq) {
        self.drop_secret(&late.entry.command);
        self.asked_us = late.entry.received_us;
        let value = late.deadline_us.to_string();
        let error = RequestError::new(&late.id, RejectCode::DeadlinePassed);
        let error = error.about(b"deadline", value.as_bytes());
        match (late.part, late.entry.waiter) {
            (Some(part), _) => self.gather_refusal(part, seq, &error),
            (None, Waiter::Session(conn)) => {
                self.unset_cancels(conn, &late.entry.command);
                self.refuse(conn, seq, &error);
            }
            (None, _) => {}
        }
    }
}
