//! Records that broke an invariant: section 25 of the rules.
//!
//! Whoever applies records has read ahead and knows which are void; the engine is told.
//!
//! Invariant: a void record changes nothing but the last seq, the time and the event hash, so that
//! a core that would break on it and one that would not go on alike.

use crate::engine::{Engine, client_order_id};
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::Void;
use coulisse_types::event::RecordVoided;
use coulisse_types::{
    AccountId, ClientOrderId, Command, Event, Field, InstrumentId, OrderId, RecordHeader,
    RejectCode, StateReason, TradingState,
};

impl Engine {
    /// Applies a record that is void: it is a reject, whatever it says.
    ///
    /// # Panics
    /// If the record is not the next one.
    pub fn apply_void(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) {
        self.turn_to(header);
        let reject = Reject::new(RejectCode::Voided, Field::None);
        let said = [Event::Rejected(reject.event(client_order_id(command)))];
        self.event_hash.advance(header.seq, &said);
        events.extend(said);
    }

    /// The instrument that a record concerns, as things are before it; 0 for none.
    pub fn instrument_of(&self, header: &RecordHeader, command: &Command) -> InstrumentId {
        let of_order = |id, client_id| self.instrument_of_order(header.account, id, client_id);
        let named = match command {
            Command::OrderPlace(body) => body.instrument,
            Command::OrderCancel(body) => of_order(body.order_id, &body.client_order_id),
            Command::OrderAmend(body) => of_order(body.order_id, &body.client_order_id),
            Command::OrderCancelAll(body) => body.instrument,
            Command::OrderPlaceTerms(body) => body.instrument,
            Command::OrderReplace(body) => body.instrument,
            Command::OrderListPlace(body) => body.instrument,
            Command::InstrumentConfigure(body) => body.instrument,
            Command::TradingStateSet(body) => body.instrument,
            Command::MarkSet(body) => body.instrument,
            Command::AuctionSchedule(body) => body.instrument,
            Command::Genesis(_)
            | Command::NodeStarted(_)
            | Command::AssetCreate(_)
            | Command::InstrumentCreate(_)
            | Command::AccountCreate(_)
            | Command::KeyCreate(_)
            | Command::Deposit(_)
            | Command::Withdraw(_)
            | Command::WithdrawalCapSet(_)
            | Command::WithdrawalApprove(_)
            | Command::WithdrawalReject(_)
            | Command::WithdrawalCancel(_)
            | Command::GroupCreate(_)
            | Command::AccountConfigure(_)
            | Command::FeeTierSet(_)
            | Command::LimitSet(_)
            | Command::CancelAfter(_)
            | Command::Tick(_)
            | Command::RiskStateSet(_)
            | Command::KillSwitch(_)
            | Command::KillReset(_)
            | Command::KeyIssue(_)
            | Command::KeyBind(_)
            | Command::KeyRevoke(_)
            | Command::PasswordSet(_)
            | Command::SessionEnd(_)
            | Command::CancelOnDisconnect(_)
            | Command::Void(_) => InstrumentId(0),
        };
        self.instruments.get(named).map_or(InstrumentId(0), |_| named)
    }

    fn instrument_of_order(
        &self,
        account: AccountId,
        id: OrderId,
        client_id: &ClientOrderId,
    ) -> InstrumentId {
        let order = if client_id.is_empty() {
            self.order(id).filter(|order| order.account == account)
        } else {
            self.order_by_client_id(account, client_id)
        };
        order.map_or(InstrumentId(0), |order| order.instrument)
    }

    /// A record further back is void: its instrument takes nothing any more.
    pub(crate) fn void(
        &mut self,
        header: &RecordHeader,
        body: Void,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let Void { seq, instrument } = body;
        ensure((1..header.seq.0).contains(&seq.0), || {
            Reject::new(RejectCode::AmountOutOfRange, Field::Seq)
                .number(seq.0)
                .limit(i128::from(header.seq.0).saturating_sub(1))
        })?;
        let is_open = match instrument {
            InstrumentId(0) => false,
            _ => self.listing(instrument)?.state != TradingState::Halted,
        };
        events.push(Event::RecordVoided(RecordVoided { voided_seq: seq, instrument }));
        if is_open {
            let (state, reason) = (TradingState::Halted, StateReason::Void);
            self.instruments.at_mut(instrument).auction.leave();
            self.change_state(instrument, state, reason, 0, events);
        }
        Ok(())
    }
}
