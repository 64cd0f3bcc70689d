//! What is due at a time: expiries and dead men's switches, and withdrawals. Section 9 of the rules.
//!
//! Invariants
//! - Nothing expires by itself: what is due happens in a `Tick`.
//! - One tick ends at most [`TIMERS_PER_TICK_MAX`] orders, not counting those that their lists end,
//!   clears at most as many switches, and ends at most as many withdrawals; what is left is due in the next.
//!
//! Cost: a few steps for each thing that is due, and one look at two roots where nothing is.

use crate::engine::Engine;
use crate::forest::Tree;
use crate::paged::Paged;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::CancelAfter;
use coulisse_types::event::{CancelAfterSet, CloseReason, OrderState, Ticked};
use coulisse_types::limits::{AHEAD_NS_MAX, TIMERS_PER_TICK_MAX};
use coulisse_types::{AccountId, Event, Field, OrderId, RecordHeader, RejectCode, Unit};

mod snapshot;

/// All that is due at a time.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    /// Orders by the time they expire, then by id.
    pub(crate) expiries: Tree,
    /// Accounts by the deadline of their dead man's switch, then by id.
    pub(crate) switches: Tree,
    /// By account: that deadline, in ns since the epoch; 0 for none.
    pub(crate) deadlines: Paged<i64, 1_024>,
}

#[expect(clippy::arithmetic_side_effects, reason = "accounts exist and are from 1")]
impl Timers {
    pub(crate) fn new(accounts_max: u32) -> Self {
        let deadlines = Paged::new(accounts_max);
        Self { expiries: Tree::EMPTY, switches: Tree::EMPTY, deadlines }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.deadlines.push(0);
    }

    /// The deadline of an account that exists, in ns since the epoch; 0 for none.
    pub(crate) fn deadline_ns(&self, account: AccountId) -> i64 {
        *self.deadlines.at(account.0 - 1)
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "accounts exist and are from 1, and no more than a bound is counted"
)]
impl Engine {
    /// When the next tick is due, in ns since the epoch; `None` where nothing waits for a time.
    pub fn next_timer_ns(&self) -> Option<i64> {
        if self.sweep_is_due() {
            return Some(self.time_ns);
        }
        let trees = [self.timers.expiries, self.timers.switches];
        let timers =
            trees.iter().filter_map(|tree| self.forest.first(*tree)).map(|((ns, _), _)| ns);
        let auctions = Some(self.next_auction_ns).filter(|ns| *ns != i64::MAX);
        timers.chain(auctions).chain(self.withdrawals.next_ns()).min()
    }

    /// When an account's orders are cancelled unless it says otherwise, in ns since the epoch;
    /// `None` for never, and for no such account.
    pub fn cancel_after_ns(&self, account: AccountId) -> Option<i64> {
        let exists = self.accounts.exists(account);
        exists.then(|| self.timers.deadline_ns(account)).filter(|deadline_ns| *deadline_ns != 0)
    }

    pub(crate) fn cancel_after(
        &mut self,
        header: &RecordHeader,
        body: CancelAfter,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let timeout_ns = body.timeout_ns;
        ensure((0..=AHEAD_NS_MAX).contains(&timeout_ns), || {
            Reject::new(RejectCode::TimeOutOfRange, Field::Timeout)
                .value(Unit::Ns, timeout_ns)
                .limit(AHEAD_NS_MAX)
        })?;
        let deadline_ns = match timeout_ns {
            0 => 0,
            _ => self.time_ns.checked_add(timeout_ns).unwrap_or(i64::MAX),
        };
        self.set_deadline(header.account, deadline_ns, events);
        Ok(())
    }

    /// Sets a dead man's switch, or clears it with 0.
    fn set_deadline(&mut self, account: AccountId, deadline_ns: i64, events: &mut Vec<Event>) {
        let Self { forest, timers, .. } = self;
        let before_ns = timers.deadline_ns(account);
        if before_ns != 0 {
            forest.remove(&mut timers.switches, (before_ns, account.0.into()));
        }
        if deadline_ns != 0 {
            forest.insert(&mut timers.switches, (deadline_ns, account.0.into()), account.0);
        }
        *timers.deadlines.at_mut(account.0 - 1) = deadline_ns;
        events.push(Event::CancelAfterSet(CancelAfterSet { account, deadline_ns }));
    }

    /// Does what is due now.
    pub(crate) fn tick(&mut self, events: &mut Vec<Event>) {
        self.tick_auctions(events);
        let mut closed = self.trip_switches(events);
        closed += self.expire_orders(TIMERS_PER_TICK_MAX - closed, events);
        closed += self.sweep(TIMERS_PER_TICK_MAX - closed, events);
        self.expire_withdrawals(events);
        let (switches, expiries) = (self.timers.switches, self.timers.expiries);
        let more = self.due(switches).or_else(|| self.due(expiries)).is_some()
            || self.sweep_is_due()
            || self.withdrawal_is_due();
        events.push(Event::Ticked(Ticked { closed, more }));
    }

    /// What stands first in a tree, if its time has come.
    fn due(&self, tree: Tree) -> Option<u32> {
        let ((ns, _), value) = self.forest.first(tree)?;
        let is_late = self.planted.is(Fault::ExpiryLate) && ns == self.time_ns;
        (ns <= self.time_ns && !is_late).then_some(value)
    }

    /// Cancels the orders of accounts that did not say otherwise in time; how many.
    fn trip_switches(&mut self, events: &mut Vec<Event>) -> u32 {
        let (mut closed, mut cleared) = (0, 0);
        while let Some(account) = self.due(self.timers.switches).map(AccountId) {
            while let Some(place) = self.orders.oldest(account) {
                if closed == TIMERS_PER_TICK_MAX {
                    return closed;
                }
                closed += 1;
                self.close_live(place, (OrderState::Cancelled, CloseReason::DeadMan), events);
            }
            if cleared == TIMERS_PER_TICK_MAX {
                break;
            }
            cleared += 1;
            self.set_deadline(account, 0, events);
        }
        closed
    }

    /// Ends at most so many orders whose time is over; how many.
    fn expire_orders(&mut self, most: u32, events: &mut Vec<Event>) -> u32 {
        let mut closed = 0;
        while let Some(place) = self.due(self.timers.expiries).filter(|_| closed < most) {
            closed += 1;
            self.close_live(place, (OrderState::Expired, CloseReason::Expiry), events);
        }
        closed
    }

    /// An order expires at a time from now on.
    pub(crate) fn set_expiry(&mut self, expire_ns: i64, id: OrderId, place: u32) {
        let Self { forest, timers, .. } = self;
        forest.insert(&mut timers.expiries, (expire_ns, id.0), place);
    }

    /// It no longer does.
    pub(crate) fn clear_expiry(&mut self, expire_ns: i64, id: OrderId) {
        let Self { forest, timers, .. } = self;
        forest.remove(&mut timers.expiries, (expire_ns, id.0));
    }
}
