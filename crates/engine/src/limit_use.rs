//! What a command leaves behind: positions told, losses followed, limits in use told.
//!
//! Invariant: `LimitUsed` is said exactly where the level of a limit is not the one last said.
//!
//! Cost: per row that was filled, one event and a step per position of its account in the quote asset.
//! The use of limits is added up only where [`crate::worth`] is not sure that all is far from them.

use crate::bounds::{Limit, bit};
use crate::engine::Engine;
use crate::gate::{Binding, SCOPES};
use crate::paged::{NONE, index};
use crate::planted::Fault;
use crate::positions::Row;
use crate::risk::{Loss, Lots};
use crate::tiers::day_of;
use crate::value::{Valued, Wants};
use crate::worth::{Fence, LotFence};
use alloc::vec::Vec;
use coulisse_types::event::{LimitUsed, PositionChanged};
use coulisse_types::{AccountId, Amount, Event, InstrumentId, LimitKind, Qty, Scope};

/// Kinds of which use is told, by their numbers.
const WATCHED: [LimitKind; 7] = [
    LimitKind::OpenOrders,
    LimitKind::ConditionalOrders,
    LimitKind::Position,
    LimitKind::GrossNotional,
    LimitKind::NetNotional,
    LimitKind::DailyLoss,
    LimitKind::Drawdown,
];

/// Of what the use is asked.
#[derive(Clone, Copy)]
pub(crate) struct Used<'a> {
    pub(crate) scope: Scope,
    pub(crate) binding: &'a Binding,
    pub(crate) kind: LimitKind,
    pub(crate) instrument: u32,
    pub(crate) valued: &'a Valued,
}

impl Engine {
    /// Tells the positions that a command changed and the limits whose use it moved.
    #[inline]
    pub(crate) fn settle_risk(&mut self, events: &mut Vec<Event>) {
        let sure = core::mem::replace(&mut self.risk.sure, NONE);
        let only_rests = self.risk.filled.is_empty() && self.risk.moved.is_empty();
        self.follow_marks();
        if !self.risk.filled.is_empty() {
            self.tell_positions(events);
        }
        if !self.risk.touched.is_empty() {
            self.tell_limits(if only_rests { sure } else { NONE }, events);
        }
    }

    /// Whether nothing is left to be told.
    pub(crate) fn is_risk_settled(&self) -> bool {
        let risk = &self.risk;
        risk.filled.is_empty() && risk.touched.is_empty() && risk.moved.is_empty()
    }

    #[inline(never)]
    fn tell_positions(&mut self, events: &mut Vec<Event>) {
        let mut filled = core::mem::take(&mut self.risk.filled);
        let risk = &mut self.risk;
        if filled.len() > 1 {
            filled.sort_unstable();
        }
        for (.., place) in &filled {
            let row = risk.rows.at_mut(*place);
            row.is_filled = false;
            events.push(Event::PositionChanged(PositionChanged {
                account: AccountId(row.account),
                instrument: InstrumentId(row.instrument),
                qty: Qty::from_lots(row.qty_lots),
                cost: Amount::from_minor(row.cost_minor),
                realised: Amount::from_minor(row.realised_minor),
                fees: Amount::from_minor(row.fees_minor),
            }));
        }
        for (.., place) in &filled {
            self.follow_loss(self.risk.rows.at(*place).money);
        }
        filled.clear();
        self.risk.filled = filled;
    }

    /// Takes the marked profit of now into what the account's losses are measured by.
    ///
    /// The same twice in one command changes nothing.
    fn follow_loss(&mut self, money: u32) {
        let today = day_of(self.time_ns);
        let (pnl_minor, planted) = (self.remember_pnl(money), self.planted);
        let row = self.risk.money.at_mut(money);
        let loss = row.loss.get_or_insert(Loss { day: today, ..Loss::default() });
        if today > loss.day && !planted.is(Fault::DayNeverBegins) {
            (loss.day, loss.base_minor) = (today, loss.last_minor);
        }
        loss.last_minor = pnl_minor;
        loss.peak_minor = loss.peak_minor.max(pnl_minor);
        if planted.is(Fault::DrawdownForgiven) {
            loss.peak_minor = pnl_minor;
        }
    }

    /// Nothing is to be looked at of the row `sure`.
    #[inline(never)]
    fn tell_limits(&mut self, sure: u32, events: &mut Vec<Event>) {
        let mut touched = core::mem::take(&mut self.risk.touched);
        for place in &touched {
            let row = self.risk.rows.at_mut(*place);
            row.is_touched = false;
            if *place != sure && !self.is_far_from_limits(*place) {
                self.look_at_use(*place);
            }
        }
        touched.clear();
        self.risk.touched = touched;
        if !self.risk.said.is_empty() {
            self.tell_use(events);
        }
    }

    #[inline(never)]
    fn tell_use(&mut self, events: &mut Vec<Event>) {
        let said = &mut self.risk.said;
        said.sort_unstable_by_key(|used| (used.scope, used.scope_id, used.kind, used.subject));
        events.extend(said.drain(..).map(Event::LimitUsed));
    }

    /// Whether no limit that an account's order in an instrument moves is at another level than 0, or
    /// comes to one: then there is nothing to tell. That it is not sure of is to be looked at.
    fn is_far_from_limits(&mut self, place: u32) -> bool {
        let row = self.risk.rows.at(place);
        let (account, money, sums) = (row.account, row.money, row.sums);
        if !self.are_orders_few(AccountId(account), (0, 0)) {
            return false;
        }
        let risk = &self.risk;
        let is_short = |lots: &Lots, fence: &LotFence| {
            let (long, short) = lots.reach();
            long.max(short) < fence.position.into()
        };
        let at = index(row.instrument.saturating_sub(1));
        let of_firm = risk.firm.get(at).zip(risk.firm_fences.get(at));
        let of_group = risk.sums.get(sums);
        let are_short = is_short(&risk.lots(row), &row.fence)
            && of_group.is_none_or(|sums| is_short(&sums.lots, &sums.fence))
            && of_firm.is_some_and(|(lots, fence)| is_short(lots, fence));
        if !are_short || risk.limits.weighed == 0 {
            return are_short;
        }
        let group_worth = of_group.map_or(NONE, |sums| sums.worth);
        let asset = risk.money.at(money).asset;
        self.follow_middles(asset);
        if !self.risk.are_worths_known(money, group_worth, asset) {
            return false;
        }
        let risk = &self.risk;
        let of_firm = risk.firm_worths.get(index(asset.saturating_sub(1)));
        let is_worth_little = risk.money.at(money).worth.is_far(0, 0)
            && risk.worths.get(group_worth).is_none_or(|worth| worth.is_far(0, 0))
            && of_firm.is_some_and(|worth| worth.is_far(0, 0));
        is_worth_little && self.are_losses_small(money, asset, [])
    }

    /// Whether an account has surely lost less than its own limits, and those of more worths, let it.
    /// What its lots are worth is known.
    pub(crate) fn are_losses_small<const N: usize>(
        &mut self,
        money: u32,
        asset: u32,
        worths: [Option<Fence>; N],
    ) -> bool {
        let today = day_of(self.time_ns);
        if !self.risk.is_pnl_known(money, asset) {
            self.remember_pnl(money);
        }
        // In the units of worths. Rounded down they are below a whole number where they were before.
        let quoted = self.risk.quoted_in(asset);
        let (daily_minor, drawdown_minor) = self.risk.losses_at_most(money, asset, today);
        let (daily, drawdown) =
            (quoted.rounded_down(daily_minor), quoted.rounded_down(drawdown_minor));
        let own = self.risk.money.at(money).worth.fence;
        let are_small = |fence: &Fence| daily < fence.daily_loss && drawdown < fence.drawdown;
        are_small(&own) && worths.iter().flatten().all(are_small)
    }

    /// Looks at the limits that an account's order in an instrument moves.
    #[inline(never)]
    fn look_at_use(&mut self, place: u32) {
        let Row { account, instrument, .. } = *self.risk.rows.at(place);
        let binding = &self.binding(AccountId(account));
        if !WATCHED.iter().any(|kind| binding.kinds & bit(*kind) != 0) {
            return;
        }
        let asset = self.instruments.at(InstrumentId(instrument)).rules.quote.0;
        let of = |kinds: [LimitKind; 2]| kinds.iter().any(|kind| binding.kinds & bit(*kind) != 0);
        let wants = Wants {
            pnl: of([LimitKind::DailyLoss, LimitKind::Drawdown]),
            sums: of([LimitKind::GrossNotional, LimitKind::NetNotional]),
        };
        let valued = self.value(binding, asset, wants, None);
        for (at, scope) in SCOPES.iter().enumerate() {
            let Some(place) = binding.bounds.get(at).copied().filter(|place| *place != NONE) else {
                continue;
            };
            let kinds = self.risk.limits.kinds(place);
            for kind in WATCHED {
                if kinds & bit(kind) == 0 {
                    continue;
                }
                let subject = match kind {
                    LimitKind::OpenOrders | LimitKind::ConditionalOrders => 0,
                    LimitKind::Position => instrument,
                    _ => asset,
                };
                let Some(limit) = self.risk.limits.get(place, kind, subject) else {
                    continue;
                };
                let use_of = Used { scope: *scope, binding, kind, instrument, valued: &valued };
                let Some(used) = self.used(&use_of) else {
                    continue;
                };
                let level = limit.level_of(used);
                if level != limit.level || level == 80 && self.planted.is(Fault::UseToldAgain) {
                    let scope_id = match scope {
                        Scope::Firm | Scope::Instrument => 0,
                        Scope::Group => binding.group,
                        Scope::Account => binding.account,
                    };
                    let scope = *scope;
                    let risk = &mut self.risk;
                    risk.limits.write(place, kind, subject, Limit { level, ..limit });
                    risk.follow_limit((scope, scope_id), place, kind, subject);
                    let limit = limit.value;
                    risk.said.push(LimitUsed {
                        scope,
                        scope_id,
                        kind,
                        subject,
                        used,
                        limit,
                        level,
                    });
                }
            }
        }
    }

    /// How much of a kind a scope uses; `None` where that is not told.
    pub(crate) fn used(&self, of: &Used<'_>) -> Option<i128> {
        let Used { scope, binding, kind, instrument, valued } = *of;
        match kind {
            LimitKind::OpenOrders | LimitKind::ConditionalOrders => {
                Some(self.order_count_of(scope, binding, kind).into())
            }
            LimitKind::Position => {
                let (long, short) = self.lots_in(scope, binding, instrument).reach();
                Some(long.max(short))
            }
            LimitKind::GrossNotional | LimitKind::NetNotional => {
                let at = SCOPES.iter().position(|other| *other == scope)?;
                Some(valued.sums.get(at)?.of(kind))
            }
            LimitKind::DailyLoss if scope == Scope::Account => Some(valued.daily_loss_minor),
            LimitKind::Drawdown if scope == Scope::Account => Some(valued.drawdown_minor),
            LimitKind::DailyLoss
            | LimitKind::Drawdown
            | LimitKind::OrderQty
            | LimitKind::OrderNotional
            | LimitKind::OrderRate
            | LimitKind::MessageRate
            | LimitKind::DuplicateWindow => None,
        }
    }
}

impl Limit {
    /// The highest mark that is reached.
    fn level_of(&self, used: i128) -> u8 {
        if self.value == 0 {
            return if used > 0 { 100 } else { 0 };
        }
        let parts = |of: i128, by: i128| of.checked_mul(by).unwrap_or(i128::MAX);
        if used >= self.value {
            100
        } else if parts(used, 100) >= parts(self.value, 80) {
            80
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::is_watched;

    #[test]
    fn the_kinds_that_are_told_are_listed() {
        let told: Vec<_> =
            LimitKind::ALL.iter().copied().filter(|kind| is_watched(*kind)).collect();
        assert_eq!(told, WATCHED);
    }
}
