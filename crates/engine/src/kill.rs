//! Risk states and kill switches: section 24 of the rules.
//!
//! A kill switch does its work at once by an order id: live orders up to it are dead. What they ask
//! for leaves all sums in the same command, and ticks take the orders themselves off the books.
//!
//! Invariants
//! - An account's dead orders are the oldest of its list.
//! - `Risk::dead` is the number of live orders that are dead: where it is 0, nothing is asked.
//!
//! Cost: a kill takes a step per account it binds and per row of theirs, one of the firm a step per
//! instrument and group; a tick's sweep a step per account it passes and per order it closes.

use crate::engine::Engine;
use crate::orders::Order;
use crate::paged::{NONE, index};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::{KillReset, KillSwitch, RiskStateSet};
use coulisse_types::event::{
    CloseReason, KillResetAsked, KillSwitchReset, KillSwitchSet, OrderState, RiskStateChanged,
};
use coulisse_types::limits::SHARD_SHIFT;
use coulisse_types::{
    AccountId, Event, Field, KeyIndex, OrderId, RecordHeader, RejectCode, RiskState, Scope,
};

mod snapshot;

/// Where a kill switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    Off,
    On,
    /// On, and a reset has been asked for.
    Asked,
}

impl Kill {
    /// The number in the state hash.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::Asked => 2,
        }
    }
}

/// What the firm, a group or an account may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    /// Orders up to this id are dead; 0 for none.
    pub(crate) dead_to: u64,
    /// The key that asked for a reset; 0 for none.
    pub(crate) asked_by: u32,
    pub(crate) state: RiskState,
    pub(crate) kill: Kill,
}

impl Control {
    /// Nothing is forbidden and nothing dead.
    pub(crate) const OFF: Self =
        Self { dead_to: 0, asked_by: 0, state: RiskState::Active, kill: Kill::Off };

    /// Whether everything is allowed.
    #[inline]
    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.state, RiskState::Active) && matches!(self.kill, Kill::Off)
    }
}

impl Engine {
    /// The control of a scope that exists and is no instrument.
    pub(crate) fn control(&self, scope: Scope, scope_id: u32) -> &Control {
        match scope {
            Scope::Firm | Scope::Instrument => &self.risk.firm_control,
            Scope::Group => &self.risk.group(scope_id).control,
            Scope::Account => &self.risk.account(scope_id).control,
        }
    }

    pub(crate) fn control_mut(&mut self, scope: Scope, scope_id: u32) -> &mut Control {
        match scope {
            Scope::Firm | Scope::Instrument => &mut self.risk.firm_control,
            Scope::Group => &mut self.risk.group_mut(scope_id).control,
            Scope::Account => &mut self.risk.account_mut(scope_id).control,
        }
    }

    pub(crate) fn set_risk_state(
        &mut self,
        header: &RecordHeader,
        body: RiskStateSet,
    ) -> Result<Event, Reject> {
        let RiskStateSet { scope, scope_id, state } = body;
        self.check_scope(scope, scope_id)?;
        let present = if scope == Scope::Instrument {
            self.risk.instrument_state(scope_id)
        } else {
            self.control(scope, scope_id).state
        };
        let lifts = state.number() < present.number();
        ensure(!(lifts && self.binds_asker(header, scope, scope_id)), || {
            Reject::new(RejectCode::LimitBindsAsker, Field::State)
                .number(state.number())
                .limit(present.number())
        })?;
        if scope == Scope::Instrument {
            let at = index(scope_id.saturating_sub(1));
            if let Some(present) = self.risk.instrument_states.get_mut(at) {
                *present = state;
            }
        } else {
            self.control_mut(scope, scope_id).state = state;
        }
        Ok(Event::RiskStateChanged(RiskStateChanged { scope, scope_id, state }))
    }

    pub(crate) fn set_kill_switch(&mut self, body: KillSwitch) -> Result<Event, Reject> {
        let KillSwitch { scope, scope_id } = body;
        Self::check_no_instrument(scope)?;
        self.check_scope(scope, scope_id)?;
        let last_order_id = match self.order_counter {
            0 => OrderId(0),
            counter => OrderId(u64::from(self.limits.shard) << SHARD_SHIFT | counter),
        };
        match scope {
            Scope::Firm | Scope::Instrument => {
                self.risk.drop_all_open();
                self.risk.dead = self.orders.live();
                self.risk.sweep_from = 1;
            }
            Scope::Group => {
                for account in 1..=self.accounts.count() {
                    if self.risk.account(account).group == scope_id {
                        self.kill_account(account, last_order_id);
                    }
                }
            }
            Scope::Account => self.kill_account(scope_id, last_order_id),
        }
        let control = self.control_mut(scope, scope_id);
        control.kill = Kill::On;
        control.asked_by = 0;
        control.dead_to = last_order_id.0;
        Ok(Event::KillSwitchSet(KillSwitchSet { scope, scope_id, last_order_id }))
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counts of orders that exist")]
    fn kill_account(&mut self, account: u32, last_order_id: OrderId) {
        let live = self.living_of(AccountId(account));
        self.risk.drop_open(account, live);
        self.risk.account_mut(account).control.dead_to = last_order_id.0;
        self.risk.dead += live;
        if live > 0 {
            self.risk.sweep_from = self.risk.sweep_from.min(account);
        }
    }

    pub(crate) fn reset_kill_switch(
        &mut self,
        header: &RecordHeader,
        body: KillReset,
    ) -> Result<Event, Reject> {
        let KillReset { scope, scope_id, step } = body;
        Self::check_no_instrument(scope)?;
        self.check_scope(scope, scope_id)?;
        ensure(!self.binds_asker(header, scope, scope_id), || {
            Reject::new(RejectCode::LimitBindsAsker, Field::Scope).number(scope.number())
        })?;
        let wrong = || Reject::new(RejectCode::KillSwitchState, Field::Step).number(step);
        let (key, planted) = (header.key, self.planted);
        let control = self.control_mut(scope, scope_id);
        match (step, control.kill) {
            (1, Kill::On | Kill::Asked) => {
                (control.kill, control.asked_by) = (Kill::Asked, key.0);
                Ok(Event::KillResetAsked(KillResetAsked { scope, scope_id }))
            }
            (2, kill)
                if kill == Kill::Asked || kill == Kill::On && planted.is(Fault::ResetInOneStep) =>
            {
                let is_other = key.0 != control.asked_by || planted.is(Fault::ResetByOneKey);
                ensure(key == KeyIndex(0) || is_other, || {
                    Reject::new(RejectCode::LimitBindsAsker, Field::Step).number(step)
                })?;
                (control.kill, control.asked_by) = (Kill::Off, 0);
                Ok(Event::KillSwitchReset(KillSwitchReset { scope, scope_id }))
            }
            _ => Err(wrong()),
        }
    }

    /// Whether a live order is dead.
    #[inline]
    pub(crate) fn is_dead(&self, order: &Order) -> bool {
        self.risk.dead > 0 && self.risk.is_dead(order)
    }

    /// An account's live orders, dead ones apart. Cost: while there are dead orders, a step for each
    /// of its own.
    pub(crate) fn living_of(&self, account: AccountId) -> u32 {
        let live = self.orders.open_count(account);
        if self.risk.dead == 0 {
            return live;
        }
        let places = self.orders.open(account);
        let dead = places.take_while(|place| self.risk.is_dead(self.orders.at(*place))).count();
        live.saturating_sub(u32::try_from(dead).unwrap_or(live))
    }

    /// Closes dead orders, at most `room`, by ascending account and order id; how many.
    #[expect(clippy::arithmetic_side_effects, reason = "counts up to the room, ids that exist")]
    pub(crate) fn sweep(&mut self, room: u32, events: &mut Vec<Event>) -> u32 {
        let mut closed = 0;
        while self.risk.dead > 0 && self.risk.sweep_from <= self.accounts.count() {
            let account = AccountId(self.risk.sweep_from);
            let oldest = self.orders.oldest(account);
            match oldest.filter(|place| self.risk.is_dead(self.orders.at(*place))) {
                Some(_) if closed == room => return closed,
                Some(place) => {
                    let ended = (OrderState::Cancelled, CloseReason::KillSwitch);
                    self.close_live(place, ended, events);
                    closed += 1;
                }
                None => self.risk.sweep_from += 1,
            }
        }
        self.risk.sweep_from = NONE;
        closed
    }

    /// Whether dead orders wait for a sweep.
    pub(crate) const fn sweep_is_due(&self) -> bool {
        self.risk.dead > 0
    }
}

impl crate::risk::Risk {
    /// What may be done in an instrument that exists.
    #[inline]
    pub(crate) fn instrument_state(&self, instrument: u32) -> RiskState {
        let at = index(instrument.saturating_sub(1));
        self.instrument_states.get(at).copied().unwrap_or(RiskState::Active)
    }

    /// Whether a live order is dead, where there are dead orders.
    pub(crate) fn is_dead(&self, order: &Order) -> bool {
        let of_account = self.account(order.account.0).control.dead_to;
        order.id.0 <= self.firm_control.dead_to.max(of_account)
    }
}
