//! Tests of orders: what the core would answer, asked at the end of the turn, when all that came
//! before has been applied.
//!
//! Invariant: a test is answered in the turn it came in, and is never in the log.

use crate::batch::ConnId;
use crate::hub::Hub;
use crate::limits::TRIALS_PER_TURN_MAX;
use crate::outcomes::DEPARTURE_PENDING_US;
use crate::view::CoreView;
use coulisse_types::{AccountId, Command, Event, InstrumentId, KeyIndex, RejectCode};
use coulisse_wire::native::answers;
use coulisse_wire::native::reply::{self, Units};
use coulisse_wire::native::spec::Op;
use coulisse_wire::native::{CommandOutcome, Request, RequestError};

/// An order that is only tested.
#[derive(Debug)]
pub struct Trial {
    /// What would place it.
    pub command: Command,
    /// For whom.
    pub account: AccountId,
    /// By which key.
    pub key: KeyIndex,
    instrument: InstrumentId,
    conn: ConnId,
    id_raw: Vec<u8>,
    in_us: i64,
}

impl Hub {
    pub(crate) fn test_order<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        (command, instrument): (Command, InstrumentId),
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let refused = |code| RequestError::new(request.id_raw, code);
        let key = self.identity(id).ok_or(refused(RejectCode::NotLoggedOn))?.key;
        let account = self.account_of(id, request, 0, view)?;
        if self.trials.len() >= TRIALS_PER_TURN_MAX {
            return Err(refused(RejectCode::Overloaded));
        }
        let id_raw = request.id_raw.to_vec();
        let trial = Trial { command, account, key, instrument, conn: id, id_raw, in_us: now_us };
        self.trials.push(trial);
        Ok(())
    }

    /// Whether orders are to be tested in this turn.
    pub fn has_trials(&self) -> bool {
        !self.trials.is_empty()
    }

    /// The orders that came to be tested since this was last asked.
    pub fn take_trials(&mut self) -> Vec<Trial> {
        std::mem::take(&mut self.trials)
    }

    /// Answers a test: `events` are what the core said instead of placing it, or nothing.
    pub fn answer_trial(&mut self, trial: &Trial, events: &[Event], view: &impl CoreView) {
        let Trial { command, instrument, conn, id_raw, in_us, .. } = trial;
        let (conn, seq) = (*conn, view.seq());
        let answer = self.answer_at((id_raw, Op::Test), Op::Test.weight().units, *in_us, seq);
        let table = std::mem::take(&mut self.instruments);
        let units = Units { command: Some(command), ..Units::of(&table, *instrument) };
        match CommandOutcome::from_events(command, events) {
            CommandOutcome::Rejected(rejected) => self.write_answer(conn, seq, |out| {
                reply::write_would_reject(out, id_raw, &rejected, &units);
                reply::write_refusal_times(out, *in_us, None, DEPARTURE_PENDING_US);
            }),
            CommandOutcome::Order(order) => self.write_answer(conn, seq, |out| {
                answers::write_tested(out, &answer, Some(&order), &units);
            }),
            _ => self.write_answer(conn, seq, |out| {
                answers::write_tested(out, &answer, None, &units);
            }),
        }
        self.instruments = table;
    }
}
