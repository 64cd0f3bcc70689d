//! Who logged on, who could not, and what operators asked for: told to the process, which writes it down.
//!
//! The commands themselves are in the log, with key and time; here are also the logons, which are no
//! commands, and what was refused. Nothing here is secret: a signature or a secret never comes this far, and
//! a name that is nobody's is left out, as people type their passwords there.
//!
//! Invariant: what nobody takes is bounded; the newest that found no room are counted and lost.

use crate::batch::Entry;
use crate::hub::Hub;
use crate::limits::AUDIT_KEPT_MAX;
use crate::view::CoreView;
use coulisse_types::{AccountName, Command, KeyId, RecordHeader, RejectCode};
use coulisse_wire::native::CommandOutcome;
use std::net::IpAddr;

/// What every outcome but a reject is called.
const DONE: &str = "done";

/// One thing that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited {
    /// `logon` of a socket, `session` that a password opens, `token` of a request, `password` that is to be
    /// changed; or the name of a command.
    pub what: &'static str,
    /// How it was to be proved: `signature`, `password` or `token`; empty for a command.
    pub method: &'static str,
    /// Who asked, or said so, where it is somebody; else empty.
    pub key_id: KeyId,
    /// For whom; empty where nobody is known.
    pub account: AccountName,
    /// From where, if a logon.
    pub address: Option<IpAddr>,
    /// The session that asked.
    pub session: u64,
    /// Where it stands in the log; 0 for a logon.
    pub seq: u64,
    /// `done`, or the code of why not.
    pub outcome: &'static str,
}

/// Somebody who wants to be known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logon<'a> {
    /// As in [`Audited`].
    pub(crate) what: &'static str,
    /// As in [`Audited`].
    pub(crate) method: &'static str,
    /// Who that is to be, where it was said.
    pub(crate) name: Option<&'a KeyId>,
    /// From where.
    pub(crate) address: Option<IpAddr>,
    /// The session; 0 for a request by HTTP.
    pub(crate) session: u64,
}

/// What was not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    kept: Vec<Audited>,
    lost: u64,
}

impl Audit {
    /// Keeps one.
    pub(crate) fn push(&mut self, audited: Audited) {
        if self.kept.len() < AUDIT_KEPT_MAX {
            self.kept.push(audited);
        } else {
            self.lost += 1;
        }
    }
}

/// Whether a command is of those that operators ask for, and not of the stream of orders.
const fn is_audited(command: &Command) -> bool {
    !matches!(
        command,
        Command::OrderPlace(_)
            | Command::OrderPlaceTerms(_)
            | Command::OrderCancel(_)
            | Command::OrderCancelAll(_)
            | Command::OrderAmend(_)
            | Command::OrderReplace(_)
            | Command::OrderListPlace(_)
            | Command::CancelAfter(_)
            | Command::CancelOnDisconnect(_)
    )
}

impl Hub {
    /// Takes what was asked for since this was last called, and how many more were lost.
    pub fn take_audit(&mut self) -> (Vec<Audited>, u64) {
        (std::mem::take(&mut self.audit.kept), std::mem::take(&mut self.audit.lost))
    }

    /// Notes what became of a command that a session has asked for.
    pub(crate) fn note_command(
        &mut self,
        session: u64,
        entry: &Entry,
        header: &RecordHeader,
        outcome: &CommandOutcome,
        view: &impl CoreView,
    ) {
        if is_audited(&entry.command) {
            let outcome = match outcome {
                CommandOutcome::Rejected(rejected) => rejected.code.name(),
                _ => DONE,
            };
            self.audit.push(Audited {
                what: entry.command.kind().name(),
                method: "",
                key_id: view.key_id(header.key).unwrap_or_default(),
                account: view.account_name(header.account).unwrap_or_default(),
                address: None,
                session,
                seq: header.seq.0,
                outcome,
            });
        }
    }

    /// Notes a logon, done where there is no code.
    pub(crate) fn note_logon(
        &mut self,
        logon: &Logon<'_>,
        refused: Option<RejectCode>,
        view: &impl CoreView,
    ) {
        let Logon { what, method, name, address, session } = *logon;
        let key = name.and_then(|name| view.key(name.as_bytes()));
        let account = key.as_ref().and_then(|key| view.account_name(key.account));
        self.audit.push(Audited {
            what,
            method,
            key_id: key.map(|key| key.key_id).unwrap_or_default(),
            account: account.unwrap_or_default(),
            address,
            session,
            seq: 0,
            outcome: refused.map_or(DONE, |code| code.name()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_is_bounded_and_what_is_lost_is_counted() {
        let one = Audited {
            what: "logon",
            method: "signature",
            key_id: KeyId::default(),
            account: AccountName::default(),
            address: None,
            session: 1,
            seq: 0,
            outcome: DONE,
        };
        let mut audit = Audit::default();
        for _ in 0..AUDIT_KEPT_MAX + 2 {
            audit.push(one);
        }
        assert_eq!((audit.kept.len(), audit.lost), (AUDIT_KEPT_MAX, 2));
    }
}
