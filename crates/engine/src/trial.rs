//! Orders that are tried: asked of the checks that a placement goes through, and not placed.
//!
//! Invariant: a trial says what placing would say at that place in the log, and changes nothing that a
//! later record, a hash or a snapshot could tell.

use crate::engine::{Engine, client_order_id};
use alloc::vec::Vec;
use coulisse_types::{Command, Event, RecordHeader, RequestId};

impl Engine {
    /// Appends what keeps an order from being placed by such a record: the reject, or the order that
    /// stands under its id; nothing where it would be placed. Other commands are not tried.
    ///
    /// The record stands nowhere: its seq says nothing, its time counts where it is later than the last
    /// record's, and it has no nonce.
    ///
    /// Cost: that of the checks.
    ///
    /// # Panics
    /// If a check changed something: the caller ends the process.
    pub fn try_order(&mut self, header: &RecordHeader, command: &Command, events: &mut Vec<Event>) {
        if !matches!(command, Command::OrderPlace(_) | Command::OrderPlaceTerms(_)) {
            return;
        }
        let time_ns = self.time_ns;
        self.time_ns = header.time_ns.max(time_ns);
        self.is_trial = true;
        let header =
            RecordHeader { time_ns: self.time_ns, session: 0, request_id: RequestId(0), ..*header };
        let said = self.run(&header, command, events);
        self.is_trial = false;
        self.time_ns = time_ns;
        assert!(self.ledger.is_settled() && self.is_risk_settled(), "a trial changed something");
        if let Err(reject) = said {
            events.push(Event::Rejected(reject.event(client_order_id(command))));
        }
    }
}
