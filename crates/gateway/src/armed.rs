//! Sessions whose orders are cancelled when they end, however they do.
//!
//! The wish is a record, folded from the log's events by every process alike and kept in the snapshots: it
//! holds whichever process is killed. Whoever sees the session end cancels its orders and takes the wish
//! back, both in the log: the process that had it, the core for a worker that is gone, and the next start
//! of the node for all that there were.

use crate::batch::{ConnId, Request as Asked, Waiter};
use crate::hub::snapshot::{get, length};
use crate::hub::{FeedsFault, Hub};
use crate::limits::SESSIONS_ARMED_MAX;
use crate::view::CoreView;
use coulisse_types::codec::{Field, Reader};
use coulisse_types::command::{CancelOnDisconnect, OrderCancelAll};
use coulisse_types::event::CancelOnDisconnectSet;
use coulisse_types::{
    AccountId, Command, InstrumentId, KeyIndex, RejectCode, RequestId, SideFilter,
};
use coulisse_wire::native::{Request, RequestError};
use std::collections::BTreeMap;
use std::ops::Range;

/// By session, whose orders go with it.
#[derive(Debug, Default)]
pub(crate) struct Armed {
    of: BTreeMap<u64, AccountId>,
}

/// What is to be written of a session that ended or no longer wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    account: AccountId,
    session: u64,
    /// Whether its orders are to be cancelled; else the wish is only taken back.
    cancels: bool,
}

impl Armed {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        length(self.of.len()).encode(out);
        for (session, account) in &self.of {
            session.encode(out);
            account.encode(out);
        }
    }

    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        for _ in 0..get::<u32>(reader)? {
            let session = get(reader)?;
            self.of.insert(session, get(reader)?);
        }
        Ok(())
    }
}

impl Hub {
    /// Puts the wish into the batch. Its reply says that it is durable.
    pub(crate) fn set_cancels<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        enabled: bool,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        if enabled && self.armed.of.len() >= SESSIONS_ARMED_MAX {
            return Err(RequestError::new(request.id_raw, RejectCode::Overloaded));
        }
        let command = CancelOnDisconnect { session: id.session, enabled }.into();
        // It is about the session, whomever else its key may act for.
        let own = Request { account: None, ..request.clone() };
        self.enter(id, &own, (command, InstrumentId(0), RequestId(0)), now_us, view)?;
        if let Some(conn) = self.conn(id) {
            conn.cancels_at_end = enabled;
        }
        Ok(())
    }

    /// A command of a session was refused: if it was a wish, what held before it holds on.
    pub(crate) fn unset_cancels(&mut self, id: ConnId, command: &Command) {
        if matches!(command, Command::CancelOnDisconnect(_)) {
            let held = self.armed.of.contains_key(&id.session);
            if let Some(conn) = self.conn(id) {
                conn.cancels_at_end = held;
            }
        }
    }

    /// A wish stands in the log, or was taken back there.
    pub(crate) fn note_armed(&mut self, set: &CancelOnDisconnectSet) {
        let CancelOnDisconnectSet { account, session, enabled } = *set;
        if !enabled {
            self.armed.of.remove(&session);
            return;
        }
        self.armed.of.insert(session, account);
        if self.gone.iter().any(|gone| gone.contains(&session)) {
            self.cancels_due.push_back(Due { account, session, cancels: true });
            self.enter_cancels();
        }
    }

    /// Cancels what a session has placed, if it asked for that: it ends.
    pub(crate) fn cancel_at_end(&mut self, id: ConnId) {
        self.give_up(id, true);
    }

    /// A session no longer says whose it is: its orders stay.
    pub(crate) fn leave_at_end(&mut self, id: ConnId) {
        self.give_up(id, false);
    }

    fn give_up(&mut self, id: ConnId, cancels: bool) {
        let Some(conn) = self.conn(id) else { return };
        let asked = std::mem::take(&mut conn.cancels_at_end);
        if let Some(identity) = conn.identity.filter(|_| asked) {
            let (account, session) = (identity.account, id.session);
            self.cancels_due.push_back(Due { account, session, cancels });
        }
        self.enter_cancels();
    }

    /// The process that had these sessions is gone. What it sent and the log does not have yet counts too.
    pub fn cancel_of_gone(&mut self, sessions: Range<u64>) {
        self.cancel_within(sessions.clone());
        self.gone.push(sessions);
    }

    /// The node starts: the sessions that it had are gone.
    pub fn cancel_of_earlier(&mut self) {
        self.cancel_within(0..u64::MAX);
    }

    fn cancel_within(&mut self, sessions: Range<u64>) {
        for (session, account) in self.armed.of.range(sessions) {
            let due = Due { account: *account, session: *session, cancels: true };
            self.cancels_due.push_back(due);
        }
        self.enter_cancels();
    }

    /// Puts what is due into the batch, as far as it has room. The node itself asks for it: the key may
    /// have lost its permissions since.
    pub fn enter_cancels(&mut self) {
        while let Some(Due { account, session, cancels }) = self.cancels_due.front().copied() {
            if cancels {
                let (instrument, side) = (InstrumentId(0), SideFilter::Both);
                let all = OrderCancelAll { instrument, side, session };
                if !self.enter_own(account, all.into()) {
                    return;
                }
                self.cancels_due[0].cancels = false;
            }
            let wish = CancelOnDisconnect { session, enabled: false };
            if !self.enter_own(account, wish.into()) {
                return;
            }
            self.cancels_due.pop_front();
        }
    }

    /// Adds a command that nobody waits for; whether there was room.
    fn enter_own(&mut self, account: AccountId, command: Command) -> bool {
        let asked = Asked {
            command,
            account,
            instrument: InstrumentId(0),
            key: KeyIndex(0),
            request_id: RequestId(0),
            nonce: 0,
            waiter: Waiter::Nobody,
            received_us: 0,
            id: b"",
        };
        self.batch.push(&asked).is_ok()
    }
}
