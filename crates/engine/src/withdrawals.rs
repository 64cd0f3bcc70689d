//! Money to outside, and the second person it takes above a cap: section 27 of the rules.
//!
//! Invariants
//! - What one person can take out of an account in a day is no more than the asset's cap, which one
//!   person cannot raise; where no cap was ever set, it is nothing.
//! - What waits is held: it is part of the account's `held`, and leaves it exactly once.
//! - Whoever asked, or gains, is not who approves; keys of one account, or of one label, are one person.
//!
//! Cost: a few steps in trees that are small or empty; nothing of it is in the way of orders.

use crate::engine::Engine;
use crate::keys::Key;
use crate::kill::{Control, Kill};
use crate::ledger::Pocket;
use crate::paged::index;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use coulisse_types::command::{
    Withdraw, WithdrawalApprove, WithdrawalCancel, WithdrawalCapSet, WithdrawalReject,
};
use coulisse_types::event::{
    WithdrawalCapChanged, WithdrawalCapProposed, WithdrawalEnd, WithdrawalEnded, WithdrawalHeld,
    Withdrawn,
};
use coulisse_types::limits::{
    ASSET_TOTAL_MINOR_MAX, DAY_NS, TIMERS_PER_TICK_MAX, WITHDRAWAL_WAIT_NS,
    WITHDRAWALS_WAITING_MAX, WITHDRAWALS_WAITING_PER_ACCOUNT_MAX, WITHDRAWN_ROWS_MAX,
};
use coulisse_types::{
    AccountId, Amount, AssetId, Event, Field, KeyIndex, RecordHeader, RejectCode, RequestId,
    RiskState, Scope, Seq, Unit,
};

mod snapshot;

/// A withdrawal that waits for a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The seq of the request.
    pub id: Seq,
    /// Whose.
    pub account: AccountId,
    /// Which asset.
    pub asset: AssetId,
    /// How much, in minor units.
    pub amount: Amount,
    /// The request's id; 0 for none.
    pub request_id: RequestId,
    /// The key that asked; 0 for the node itself.
    pub asked_by: KeyIndex,
    /// When it expires, in ns since the epoch.
    pub expire_ns: i64,
}

/// What an account may withdraw of an asset in a day without a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawalCap {
    /// The asset.
    pub asset: AssetId,
    /// How much, in minor units.
    pub cap: Amount,
    /// How often it was set.
    pub version: u32,
    /// What it is to be raised to, in minor units; negative where nobody proposed that.
    pub proposed: Amount,
    /// The key that proposed it; 0 where nobody did.
    pub proposed_by: KeyIndex,
}

impl WithdrawalCap {
    const NOBODY: Amount = Amount::from_minor(-1);

    /// Of an asset whose cap was never set: nothing.
    const fn of(asset: AssetId) -> Self {
        let (cap, proposed) = (Amount::ZERO, Self::NOBODY);
        Self { asset, cap, version: 0, proposed, proposed_by: KeyIndex(0) }
    }
}

/// Caps, what was taken out today, and what waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withdrawals {
    /// Those that are not as they began, by asset.
    caps: BTreeMap<u32, WithdrawalCap>,
    /// The day of `taken`: days since the epoch.
    day: i64,
    /// By account and asset: what went out that day without a second person, in minor units.
    taken: BTreeMap<(u32, u32), i128>,
    waiting: BTreeMap<u64, Withdrawal>,
    /// The same by the time they expire, then by id.
    due: BTreeSet<(i64, u64)>,
}

impl Withdrawals {
    /// When the next one expires, in ns since the epoch.
    #[inline]
    pub(crate) fn next_ns(&self) -> Option<i64> {
        self.due.first().map(|(expire_ns, _)| *expire_ns)
    }

    /// How many wait.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn put(&mut self, one: Withdrawal) {
        self.due.insert((one.expire_ns, one.id.0));
        self.waiting.insert(one.id.0, one);
    }

    fn remove(&mut self, id: Seq) {
        if let Some(one) = self.waiting.remove(&id.0) {
            self.due.remove(&(one.expire_ns, id.0));
        }
    }

    fn cap(&self, asset: AssetId) -> WithdrawalCap {
        self.caps.get(&asset.0).copied().unwrap_or(WithdrawalCap::of(asset))
    }
}

impl Engine {
    /// The withdrawals that wait for a second person, by id.
    pub fn waiting_withdrawals(&self) -> impl Iterator<Item = &Withdrawal> {
        self.withdrawals.waiting.values()
    }

    /// The withdrawal cap of an asset that exists.
    pub fn withdrawal_cap(&self, asset: AssetId) -> Option<WithdrawalCap> {
        self.ledger.asset(asset).map(|_| self.withdrawals.cap(asset))
    }

    pub(crate) fn withdraw(
        &mut self,
        header: &RecordHeader,
        body: &Withdraw,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let Withdraw { asset, amount } = *body;
        let RecordHeader { account, request_id, .. } = *header;
        self.known_asset(asset, Field::Asset)?;
        let minor = amount.minor();
        check_amount(amount, 1, Field::Amount)?;
        self.check_account_states(account)?;
        let available_minor = self.ledger.available_minor(account, asset);
        ensure(available_minor >= minor, || {
            Reject::new(RejectCode::InsufficientBalance, Field::Available)
                .value(Unit::AssetMinor, minor)
                .limit(available_minor)
        })?;
        if self.take_within_cap(account, asset, minor) {
            self.ledger.post(Pocket::Available(account.0), Pocket::External, asset.0, minor);
            events.push(Event::Withdrawn(Withdrawn { account, asset, amount, request_id }));
            return Ok(());
        }
        self.check_waiting_room(account)?;
        self.ledger.post(Pocket::Available(account.0), Pocket::Held(account.0), asset.0, minor);
        let (withdrawal_id, asked_by) = (header.seq, header.key);
        let expire_ns = header.time_ns.checked_add(WITHDRAWAL_WAIT_NS).unwrap_or(i64::MAX);
        let id = withdrawal_id;
        self.withdrawals.put(Withdrawal {
            id,
            account,
            asset,
            amount,
            request_id,
            asked_by,
            expire_ns,
        });
        events.push(Event::WithdrawalHeld(WithdrawalHeld {
            withdrawal_id,
            account,
            asset,
            amount,
            request_id,
            asked_by,
            expire_ns,
        }));
        Ok(())
    }

    /// Counts what may go out without a second person; whether it may.
    fn take_within_cap(&mut self, account: AccountId, asset: AssetId, minor: i128) -> bool {
        let cap_minor = self.withdrawals.cap(asset).cap.minor();
        let (day, planted) = (self.time_ns.div_euclid(DAY_NS), self.planted);
        let Withdrawals { day: present, taken, .. } = &mut self.withdrawals;
        if day > *present {
            *present = day;
            taken.clear();
        }
        let (row, rows_max) = ((account.0, asset.0), index(WITHDRAWN_ROWS_MAX));
        let so_far_minor = match taken.get(&row) {
            Some(_) if planted.is(Fault::CapPerRequest) => 0,
            Some(minor) => *minor,
            None => 0,
        };
        let Some(total_minor) = so_far_minor.checked_add(minor) else { return false };
        let has_room = taken.len() < rows_max || taken.contains_key(&row);
        let fits = total_minor <= cap_minor && has_room;
        if fits {
            taken.insert(row, total_minor);
        }
        fits
    }

    /// Nothing leaves an account that a kill switch or a state binds: the firm's, its group's, its own.
    fn check_account_states(&self, account: AccountId) -> Result<(), Reject> {
        let row = self.risk.account(account.0);
        let of_group = (row.group != 0).then(|| &self.risk.group(row.group).control);
        let bound = [
            (Scope::Firm, Some(&self.risk.firm_control)),
            (Scope::Group, of_group),
            (Scope::Account, Some(&row.control)),
        ];
        let all = || bound.iter().filter_map(|(scope, control)| Some((scope, (*control)?)));
        let is_in = |state| move |(_, control): &(&Scope, &Control)| control.state == state;
        let refused = [
            (RejectCode::KillSwitchOn, all().find(|(_, control)| control.kill != Kill::Off)),
            (RejectCode::RiskHalted, all().find(is_in(RiskState::Halted))),
            (RejectCode::RiskReducing, all().find(is_in(RiskState::Reducing))),
        ];
        match refused.iter().find_map(|(code, by)| Some((*code, (*by)?.0))) {
            Some((code, scope)) => Err(Reject::new(code, Field::Scope).number(scope.number())),
            None => Ok(()),
        }
    }

    /// Whether one more of an account may wait.
    fn check_waiting_room(&self, account: AccountId) -> Result<(), Reject> {
        let waiting = &self.withdrawals.waiting;
        let is_full = |count: usize, max: u32| count >= index(max);
        ensure(!is_full(waiting.len(), WITHDRAWALS_WAITING_MAX), || {
            Reject::table_full(Field::Count, WITHDRAWALS_WAITING_MAX)
        })?;
        let own = waiting.values().filter(|one| one.account == account).count();
        ensure(!is_full(own, WITHDRAWALS_WAITING_PER_ACCOUNT_MAX), || {
            Reject::table_full(Field::Count, WITHDRAWALS_WAITING_PER_ACCOUNT_MAX)
        })
    }

    pub(crate) fn approve_withdrawal(
        &mut self,
        header: &RecordHeader,
        body: WithdrawalApprove,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let one = self.waiting_withdrawal(body.withdrawal_id)?;
        ensure(header.time_ns < one.expire_ns, || {
            Reject::new(RejectCode::TimeOutOfRange, Field::ExpireTime)
                .value(Unit::Ns, header.time_ns)
                .limit(one.expire_ns)
        })?;
        let gains = self.keys.get(header.key).is_some_and(|key| key.is_of(one.account));
        let is_second = !gains && self.is_another_person(header.key, one.asked_by);
        ensure(is_second || self.planted.is(Fault::ApprovedByAsker), || {
            Reject::new(RejectCode::SecondPersonNeeded, Field::Key)
                .number(header.key.0)
                .limit(one.asked_by.0)
        })?;
        self.check_account_states(one.account)?;
        self.end_withdrawal(&one, WithdrawalEnd::Approved, header.key, events);
        let Withdrawal { account, asset, amount, request_id, .. } = one;
        events.push(Event::Withdrawn(Withdrawn { account, asset, amount, request_id }));
        if self.planted.is(Fault::WithdrawnTwice) {
            self.withdrawals.put(one);
        }
        Ok(())
    }

    pub(crate) fn reject_withdrawal(
        &mut self,
        header: &RecordHeader,
        body: WithdrawalReject,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let one = self.waiting_withdrawal(body.withdrawal_id)?;
        self.end_withdrawal(&one, WithdrawalEnd::Rejected, header.key, events);
        Ok(())
    }

    /// Another account's is as one that does not exist.
    pub(crate) fn cancel_withdrawal(
        &mut self,
        header: &RecordHeader,
        body: WithdrawalCancel,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let one = self.waiting_withdrawal(body.withdrawal_id)?;
        ensure(one.account == header.account, || unknown(one.id))?;
        self.end_withdrawal(&one, WithdrawalEnd::Cancelled, header.key, events);
        Ok(())
    }

    fn waiting_withdrawal(&self, id: Seq) -> Result<Withdrawal, Reject> {
        self.withdrawals.waiting.get(&id.0).copied().ok_or_else(|| unknown(id))
    }

    fn end_withdrawal(
        &mut self,
        one: &Withdrawal,
        end: WithdrawalEnd,
        ended_by: KeyIndex,
        events: &mut Vec<Event>,
    ) {
        let Withdrawal { id: withdrawal_id, account, asset, amount, .. } = *one;
        let to = match end {
            WithdrawalEnd::Approved => Pocket::External,
            WithdrawalEnd::Rejected | WithdrawalEnd::Cancelled | WithdrawalEnd::Expired => {
                Pocket::Available(account.0)
            }
        };
        self.withdrawals.remove(withdrawal_id);
        let keeps = end == WithdrawalEnd::Rejected && self.planted.is(Fault::RejectKeepsHold);
        if !keeps {
            self.ledger.post(Pocket::Held(account.0), to, asset.0, amount.minor());
        }
        events.push(Event::WithdrawalEnded(WithdrawalEnded {
            withdrawal_id,
            account,
            asset,
            amount,
            end,
            ended_by,
        }));
    }

    /// Ends those whose time is over, as many as one tick may.
    pub(crate) fn expire_withdrawals(&mut self, events: &mut Vec<Event>) {
        for _ in 0..TIMERS_PER_TICK_MAX {
            let due = self.withdrawals.due.first().filter(|(ns, _)| *ns <= self.time_ns);
            let Some(one) = due.and_then(|(_, id)| self.withdrawals.waiting.get(id)).copied()
            else {
                return;
            };
            self.end_withdrawal(&one, WithdrawalEnd::Expired, KeyIndex(0), events);
        }
    }

    /// Whether withdrawals have expired.
    pub(crate) fn withdrawal_is_due(&self) -> bool {
        self.withdrawals.next_ns().is_some_and(|ns| ns <= self.time_ns)
    }

    pub(crate) fn set_withdrawal_cap(
        &mut self,
        header: &RecordHeader,
        body: WithdrawalCapSet,
    ) -> Result<Event, Reject> {
        let WithdrawalCapSet { asset, cap } = body;
        self.known_asset(asset, Field::Asset)?;
        check_amount(cap, 0, Field::Cap)?;
        let present = self.withdrawals.cap(asset);
        let is_second =
            cap == present.proposed && self.is_another_person(header.key, present.proposed_by);
        let may = header.key == KeyIndex(0) || self.planted.is(Fault::CapRaisedByOne);
        if cap > present.cap && !is_second && !may {
            let asked_by = header.key;
            let proposal = WithdrawalCap { proposed: cap, proposed_by: asked_by, ..present };
            self.withdrawals.caps.insert(asset.0, proposal);
            return Ok(Event::WithdrawalCapProposed(WithdrawalCapProposed {
                asset,
                cap,
                asked_by,
            }));
        }
        let version = present.version.saturating_add(1);
        let set = WithdrawalCap { cap, version, ..WithdrawalCap::of(asset) };
        self.withdrawals.caps.insert(asset.0, set);
        Ok(Event::WithdrawalCapChanged(WithdrawalCapChanged { asset, cap, version }))
    }

    /// Whether whoever has a key is another person than who has the other one. The node is nobody.
    fn is_another_person(&self, key: KeyIndex, other: KeyIndex) -> bool {
        let Some(key) = self.keys.get(key) else { return false };
        let differs = |other: &Key| {
            key.account != other.account && (key.label.is_empty() || key.label != other.label)
        };
        self.keys.get(other).is_none_or(differs)
    }

    /// Part 25 of the state hash.
    pub(crate) fn hash_withdrawals(&self, out: &mut crate::state_hash::Hasher) {
        let Withdrawals { caps, day, taken, waiting, due: _ } = &self.withdrawals;
        out.count(caps.len());
        for cap in caps.values() {
            let WithdrawalCap { asset, cap, version, proposed, proposed_by } = cap;
            out.put(asset);
            out.put(cap);
            out.put(version);
            out.put(proposed);
            out.put(proposed_by);
        }
        out.put(day);
        out.count(taken.len());
        for ((account, asset), minor) in taken {
            out.put(account);
            out.put(asset);
            out.put(minor);
        }
        out.count(waiting.len());
        for one in waiting.values() {
            let Withdrawal { id, account, asset, amount, request_id, asked_by, expire_ns } = one;
            out.put(id);
            out.put(account);
            out.put(asset);
            out.put(amount);
            out.put(request_id);
            out.put(asked_by);
            out.put(expire_ns);
        }
    }
}

fn unknown(id: Seq) -> Reject {
    Reject::new(RejectCode::UnknownWithdrawal, Field::WithdrawalId).number(id.0)
}

/// Between `least` and what the system takes.
fn check_amount(amount: Amount, least: i128, field: Field) -> Result<(), Reject> {
    ensure((least..=ASSET_TOTAL_MINOR_MAX).contains(&amount.minor()), || {
        Reject::new(RejectCode::AmountOutOfRange, field)
            .value(Unit::AssetMinor, amount.minor())
            .limit(ASSET_TOTAL_MINOR_MAX)
    })
}
