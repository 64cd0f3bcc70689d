//! The gate: section 23 of the rules. Every check between what is asked for and the book.
//!
//! Invariants
//! - Fail-closed: the first check that does not hold refuses.
//! - A refused command changes nothing but the message tokens it took.
//!
//! Cost: one look where nothing binds the account. Otherwise a few comparisons where all limits are far;
//! where one may not be, only what is set for the firm, its group or itself is computed: the limits on
//! notional in all take a step per instrument quoted in the asset.

use crate::bounds::{Bucket, bit};
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::kill::Kill;
use crate::paged::{NONE, index};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use crate::risk::Lots;
use crate::value::{Own, Valued, Wants, marked};
use crate::worth::{LotFence, Worth};
use coulisse_types::command::OrderPlace;
use coulisse_types::{
    AccountId, Amount, Field, InstrumentId, LimitKind, OrderType, Price, Qty, RejectCode,
    RiskState, Scope, Side, Unit,
};

/// What is about to be placed, or what an amended order would be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) kind: Kind,
    /// Its limit or collar price; 0 for a market order.
    pub(crate) price_ticks: i64,
    /// What would be open of it, in lots; 0 by notional.
    pub(crate) lots: i64,
    /// What a market order may trade for, in quote minor units; 0 otherwise.
    pub(crate) notional_minor: i128,
    pub(crate) reduce_only: bool,
    /// Whether the account chose its price, and it is not one that the core made.
    pub(crate) is_priced: bool,
    pub(crate) stays: Stays,
}

/// What becomes of what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
    /// It ends.
    No,
    /// It may rest, or is pegged.
    Open,
    /// It waits for a trigger.
    Conditional,
}

/// How it comes to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Placed,
    /// Of which these lots are open now.
    Amended(i64),
}

/// A placement as it was asked for, and when it was accepted.
///
/// One cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Placement {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) price: Price,
    pub(crate) qty: Qty,
    pub(crate) notional: Amount,
    pub(crate) time_ns: i64,
    /// Whether it still is the account's last.
    pub(crate) is_last: bool,
}

/// What an order that passed the gate has to keep to, and by whose limits it was let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    /// The last price that a market order may trade at, in ticks; 0 for any.
    pub(crate) bound_ticks: i64,
    /// Whether there is surely nothing to tell of the use of limits once all of it rests.
    pub(crate) is_sure: bool,
    pub(crate) binding: Binding,
}

/// Whose limits bind an account, in the order in which they are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) account: u32,
    /// 0 for none.
    pub(crate) group: u32,
    /// The places of the limits of firm, group and account; void for none.
    pub(crate) bounds: [u32; 3],
    /// All kinds of which there is one.
    pub(crate) kinds: u16,
    /// The smallest window in which the same placement may not come again; 0 where none binds.
    pub(crate) window_ns: i64,
}

impl Binding {
    /// By nobody.
    const FREE: Self = Self { account: 0, group: 0, bounds: [NONE; 3], kinds: 0, window_ns: 0 };
}

/// The scopes of [`Binding::bounds`].
pub(crate) const SCOPES: [Scope; 3] = [Scope::Firm, Scope::Group, Scope::Account];

impl Engine {
    /// Whose limits bind an account.
    #[inline]
    pub(crate) fn binding(&self, account: AccountId) -> Binding {
        let risk = &self.risk;
        let row = risk.account(account.0);
        let is_alone = row.group == 0 || self.planted.is(Fault::GroupUnseen);
        let of_group = if is_alone { NONE } else { risk.group(row.group).bounds };
        let bounds = [risk.firm_bounds, of_group, row.bounds];
        let (mut kinds, mut window_ns) = (0, i64::MAX);
        for place in bounds.iter().filter(|place| **place != NONE) {
            let of = risk.limits.at(*place);
            kinds |= of.kinds;
            if of.window_ns > 0 {
                window_ns = window_ns.min(of.window_ns);
            }
        }
        if window_ns == i64::MAX {
            window_ns = 0;
        }
        Binding { account: account.0, group: row.group, bounds, kinds, window_ns }
    }

    /// The binding that a scope, which exists, has a part in.
    pub(crate) fn binding_of(&self, scope: Scope, scope_id: u32) -> Binding {
        let risk = &self.risk;
        match scope {
            Scope::Account => self.binding(AccountId(scope_id)),
            Scope::Group => {
                let bounds = [risk.firm_bounds, risk.group(scope_id).bounds, NONE];
                Binding { account: 0, group: scope_id, bounds, kinds: 0, window_ns: 0 }
            }
            Scope::Firm | Scope::Instrument => {
                let bounds = [risk.firm_bounds, NONE, NONE];
                Binding { account: 0, group: 0, bounds, kinds: 0, window_ns: 0 }
            }
        }
    }

    /// Lets an order pass, or refuses it.
    #[inline]
    pub(crate) fn gate(&mut self, proposal: &Proposal) -> Result<Passed, Reject> {
        let risk = &self.risk;
        let row = risk.account(proposal.account.0);
        let binds_account = row.group != 0 || row.bounds != NONE || !row.control.is_free();
        let binds_all = risk.firm_bounds != NONE || !risk.firm_control.is_free();
        let config = &self.instruments.at(proposal.instrument).config;
        let is_bounded = config.collar_ppm != 0 || config.slippage_ppm != 0;
        let state = risk.instrument_state(proposal.instrument.0);
        if binds_account || binds_all || is_bounded || state != RiskState::Active {
            return self.look_closely(proposal);
        }
        Ok(Passed { bound_ticks: 0, is_sure: false, binding: Binding::FREE })
    }

    #[inline(never)]
    fn look_closely(&mut self, proposal: &Proposal) -> Result<Passed, Reject> {
        self.follow_marks();
        let binding = self.binding(proposal.account);
        // Where no limit binds there is nothing to be sure of.
        if binding.kinds != 0 && self.passes_surely(proposal, &binding) {
            // What is left can refuse, and takes tokens; the others would not.
            self.check_rates(proposal, &binding)?;
            let bound_ticks = self.check_prices(proposal)?;
            let quote = self.instruments.at(proposal.instrument).rules.quote.0;
            // An order that rests may move the middle of its book.
            let is_sure = !self.risk.quoted_in(quote).has_middles();
            return Ok(Passed { bound_ticks, is_sure, binding });
        }
        let bound_ticks = self.add_up(proposal, &binding)?;
        Ok(Passed { bound_ticks, is_sure: false, binding })
    }

    /// Whether all checks but those of rates and prices let a proposal pass; no where that is not sure.
    fn passes_surely(&mut self, proposal: &Proposal, binding: &Binding) -> bool {
        let risk = &self.risk;
        let row = risk.account(binding.account);
        let is_free = row.control.is_free()
            && risk.firm_control.is_free()
            && (row.group == 0 || risk.group(row.group).control.is_free())
            && risk.instrument_state(proposal.instrument.0) == RiskState::Active;
        let Some(place) = risk.find_row(binding.account, proposal.instrument.0) else {
            return false;
        };
        if !is_free || proposal.notional_minor != 0 {
            return false;
        }
        let more = match proposal.stays {
            Stays::No => (0, 0),
            Stays::Open => (1, 0),
            Stays::Conditional => (0, 1),
        };
        if !self.are_orders_few(proposal.account, more)
            || self.check_duplicate(proposal, binding).is_err()
        {
            return false;
        }
        let own_lots = match proposal.kind {
            Kind::Placed => 0,
            Kind::Amended(open) => open,
        };
        let Some(more_lots) = proposal.lots.checked_sub(own_lots) else { return false };
        self.is_position_far(place, proposal, more_lots)
            && self.are_worths_far(place, proposal, more_lots)
    }

    /// Checks 6 by qty, and 10.
    fn is_position_far(&self, place: u32, proposal: &Proposal, more_lots: i64) -> bool {
        let risk = &self.risk;
        let row = risk.rows.at(place);
        let is_far = |lots: &Lots, fence: &LotFence| {
            let (long, short) = lots.reach();
            let more = i128::from(more_lots);
            let (long, short) = match proposal.side {
                Side::Buy => (long.saturating_add(more), short),
                Side::Sell => (long, short.saturating_add(more)),
            };
            proposal.lots <= fence.order && long.max(short) < fence.position.into()
        };
        let at = index(row.instrument.saturating_sub(1));
        let of_firm = risk.firm.get(at).zip(risk.firm_fences.get(at));
        is_far(&risk.lots(row), &row.fence)
            && risk.sums.get(row.sums).is_none_or(|sums| is_far(&sums.lots, &sums.fence))
            && of_firm.is_some_and(|(lots, fence)| is_far(lots, fence))
    }

    /// Checks 3, 6 by notional, and 11.
    fn are_worths_far(&mut self, place: u32, proposal: &Proposal, more_lots: i64) -> bool {
        let row = self.risk.rows.at(place);
        let (money, sums) = (row.money, row.sums);
        let group_worth = self.risk.sums.get(sums).map_or(NONE, |sums| sums.worth);
        let asset = self.risk.money.at(money).asset;
        if self.risk.limits.weighed > 0 {
            self.follow_middles(asset);
            if !self.risk.are_worths_known(money, group_worth, asset) {
                return false;
            }
        }
        let listing = self.instruments.at(proposal.instrument);
        let reference = listing.reference();
        let risk = &self.risk;
        // Without a reference lots count at the order's own price.
        let more = more_lots.checked_mul(risk.mark(proposal.instrument.0).weight());
        let Some(more) = more.filter(|_| reference != 0) else { return false };
        let ticks = if proposal.price_ticks == 0 { reference } else { proposal.price_ticks };
        let notional_minor = marked(proposal.lots.into(), ticks, listing.rules.unit);
        let Some(notional) = risk.quoted_in(asset).rounded_up(notional_minor) else {
            return false;
        };
        let (bought, sold) = match proposal.side {
            Side::Buy => (more, 0),
            Side::Sell => (0, more),
        };
        let is_far = |worth: &Worth| worth.is_far(bought, sold) && notional <= worth.fence.notional;
        let Some(of_firm) = risk.firm_worths.get(index(asset.saturating_sub(1))) else {
            return false;
        };
        let of_group = risk.worths.get(group_worth);
        let are_far =
            is_far(&risk.money.at(money).worth) && of_group.is_none_or(is_far) && is_far(of_firm);
        let fences = [of_group.map(|worth| worth.fence), Some(of_firm.fence)];
        are_far && (risk.limits.weighed == 0 || self.are_losses_small(money, asset, fences))
    }

    /// Every check in its order, all sums added up. The bound of a market order.
    #[inline(never)]
    fn add_up(&mut self, proposal: &Proposal, binding: &Binding) -> Result<i64, Reject> {
        self.check_states(proposal)?;
        let valued = self.value_for(proposal, binding);
        if !proposal.reduce_only {
            self.check_loss(proposal, binding, &valued)?;
        }
        self.check_rates(proposal, binding)?;
        self.check_duplicate(proposal, binding)?;
        self.check_size(proposal, binding)?;
        let bound_ticks = self.check_prices(proposal)?;
        self.check_counts(proposal, binding)?;
        if !proposal.reduce_only {
            self.check_position(proposal, binding)?;
            self.check_notional(proposal, binding, &valued)?;
        }
        Ok(bound_ticks)
    }

    /// Checks 1 and 2: kill switches, then states.
    fn check_states(&self, proposal: &Proposal) -> Result<(), Reject> {
        let risk = &self.risk;
        let row = risk.account(proposal.account.0);
        let of_group = (row.group != 0).then(|| &risk.group(row.group).control);
        let controls = [Some(&risk.firm_control), of_group, Some(&row.control)];
        let refuse =
            |code, field, scope: Scope| Err(Reject::new(code, field).number(scope.number()));
        let all = || SCOPES.iter().zip(&controls).filter_map(|(scope, c)| Some((*scope, (*c)?)));
        for (scope, control) in all() {
            if control.kill != Kill::Off && !self.planted.is(Fault::KillDoesNotBlock) {
                return refuse(RejectCode::KillSwitchOn, Field::Scope, scope);
            }
        }
        let of_instrument = risk.instrument_state(proposal.instrument.0);
        let states = || {
            let bound = all().map(|(scope, control)| (scope, control.state));
            bound.chain([(Scope::Instrument, of_instrument)])
        };
        for (scope, state) in states() {
            let passes = proposal.reduce_only && self.planted.is(Fault::HaltedLetsReduce);
            if state == RiskState::Halted && !passes {
                return refuse(RejectCode::RiskHalted, Field::Scope, scope);
            }
        }
        for (scope, state) in states() {
            if state == RiskState::Reducing && !proposal.reduce_only {
                return refuse(RejectCode::RiskReducing, Field::Scope, scope);
            }
        }
        Ok(())
    }

    /// What the checks on losses and on notional in all need to know, if there are any.
    fn value_for(&self, proposal: &Proposal, binding: &Binding) -> Valued {
        let wants = Wants {
            pnl: binding.kinds & (bit(LimitKind::DailyLoss) | bit(LimitKind::Drawdown)) != 0,
            sums: binding.kinds & (bit(LimitKind::GrossNotional) | bit(LimitKind::NetNotional))
                != 0,
        };
        if proposal.reduce_only || !wants.pnl && !wants.sums {
            return Valued::default();
        }
        let quote = self.instruments.at(proposal.instrument).rules.quote.0;
        let open_lots = match proposal.kind {
            Kind::Placed => 0,
            Kind::Amended(open) => open,
        };
        let own = Own {
            instrument: proposal.instrument,
            side: proposal.side,
            ticks: proposal.price_ticks,
            open_lots,
        };
        let mut valued = self.value(binding, quote, wants, Some(own));
        let listing = self.instruments.at(proposal.instrument);
        let mark_ticks = listing.mark_or(proposal.price_ticks);
        let lots = Self::lots_of(proposal, listing);
        if !self.planted.is(Fault::NotionalWithoutOrder) {
            valued.add_order(proposal.side, marked(lots, mark_ticks, listing.rules.unit));
        }
        valued
    }

    /// How many lots an order is of: by notional, what it would buy at the reference.
    fn lots_of(proposal: &Proposal, listing: &Listing) -> i128 {
        if proposal.notional_minor == 0 {
            return proposal.lots.into();
        }
        let reference = listing.reference();
        if reference == 0 {
            return 0;
        }
        let lot_minor =
            listing.rules.notional_of_trade(Price::from_ticks(reference), Qty::from_lots(1));
        proposal.notional_minor.checked_div(lot_minor).unwrap_or(0)
    }

    /// Check 3. The account's own limit binds it, else its group's, else the firm's.
    fn check_loss(
        &self,
        proposal: &Proposal,
        binding: &Binding,
        valued: &Valued,
    ) -> Result<(), Reject> {
        let asset = self.instruments.at(proposal.instrument).rules.quote.0;
        for (kind, code, loss_minor) in [
            (LimitKind::DailyLoss, RejectCode::RiskDailyLoss, valued.daily_loss_minor),
            (LimitKind::Drawdown, RejectCode::RiskDrawdown, valued.drawdown_minor),
        ] {
            if binding.kinds & bit(kind) == 0 {
                continue;
            }
            let mut inner = binding.bounds.iter().rev();
            let limit = inner.find_map(|place| self.risk.limits.get(*place, kind, asset));
            if let Some(limit) = limit.filter(|limit| loss_minor >= limit.value) {
                return Err(Reject::new(code, Field::Limit)
                    .value(Unit::QuoteMinor, loss_minor)
                    .limit(limit.value));
            }
        }
        Ok(())
    }

    /// Check 4: a message token is taken of each, an order token must be there.
    fn check_rates(&mut self, proposal: &Proposal, binding: &Binding) -> Result<(), Reject> {
        if binding.kinds & (bit(LimitKind::MessageRate) | bit(LimitKind::OrderRate)) == 0 {
            return Ok(());
        }
        let (now, planted) = (self.planted.throttle_ns(self.time_ns), self.planted);
        let is_free = planted.is(Fault::MessagesFree) || self.is_trial;
        let limits = &mut self.risk.limits;
        let places = || binding.bounds.iter().copied().filter(|place| *place != NONE);
        let refuse = |code, bucket: &Bucket| {
            Err(Reject::new(code, Field::Limit).number(bucket.rate).limit(bucket.burst))
        };
        let mut without_token = None;
        for place in places() {
            let bounds = limits.at(place);
            if !bounds.messages.has_token(now) {
                return refuse(RejectCode::RiskMessageRate, &bounds.messages);
            }
            if !bounds.orders.has_token(now) {
                without_token = without_token.or(Some(place));
            }
        }
        for place in places().filter(|_| !is_free) {
            limits.at_mut(place).messages.take_token(self.time_ns);
        }
        match without_token.filter(|_| proposal.kind == Kind::Placed) {
            Some(place) => refuse(RejectCode::RiskOrderRate, &limits.at(place).orders),
            None => Ok(()),
        }
    }

    /// Takes an order token from each that has such a rate.
    fn take_order_tokens(&mut self, binding: &Binding) {
        if binding.kinds & bit(LimitKind::OrderRate) != 0 {
            for place in binding.bounds.iter().copied().filter(|place| *place != NONE) {
                self.risk.limits.at_mut(place).orders.take_token(self.time_ns);
            }
        }
    }

    /// Check 5.
    fn check_duplicate(&self, proposal: &Proposal, binding: &Binding) -> Result<(), Reject> {
        if binding.window_ns == 0 {
            return Ok(());
        }
        let window_ns = i128::from(binding.window_ns);
        let last =
            self.risk.placements.get(index(self.risk.account(proposal.account.0).remembered));
        let Some(last) = last.filter(|last| last.is_last && proposal.kind == Kind::Placed) else {
            return Ok(());
        };
        let since_ns = i128::from(self.time_ns).checked_sub(last.time_ns.into()).unwrap_or(0);
        let is_same = last.instrument == proposal.instrument
            && (last.side == proposal.side || self.planted.is(Fault::DuplicateIgnoresSide))
            && (last.order_type == OrderType::Limit) == proposal.is_priced
            && (!proposal.is_priced || last.price.ticks() == proposal.price_ticks)
            && last.qty.lots() == proposal.lots
            && last.notional.minor() == proposal.notional_minor;
        ensure(!is_same || since_ns >= window_ns, || {
            Reject::new(RejectCode::RiskDuplicateOrder, Field::Qty)
                .value(Unit::Ns, since_ns)
                .limit(window_ns)
        })
    }

    /// Check 6.
    fn check_size(&self, proposal: &Proposal, binding: &Binding) -> Result<(), Reject> {
        let kind = LimitKind::OrderQty;
        if binding.kinds & bit(kind) != 0 && proposal.notional_minor == 0 {
            let lots = i128::from(proposal.lots);
            self.ensure_within(binding, kind, proposal.instrument.0, lots, |limit_lots| {
                Reject::new(RejectCode::RiskOrderQty, Field::Qty)
                    .value(Unit::Lots, lots)
                    .limit(limit_lots)
            })?;
        }
        let kind = LimitKind::OrderNotional;
        if binding.kinds & bit(kind) != 0 {
            let minor = self.order_notional_minor(proposal);
            let quote = self.instruments.at(proposal.instrument).rules.quote.0;
            self.ensure_within(binding, kind, quote, minor, |limit_minor| {
                Reject::new(RejectCode::RiskOrderNotional, Field::Notional)
                    .value(Unit::QuoteMinor, minor)
                    .limit(limit_minor)
            })?;
        }
        Ok(())
    }

    fn order_notional_minor(&self, proposal: &Proposal) -> i128 {
        if proposal.notional_minor != 0 {
            return proposal.notional_minor;
        }
        let listing = self.instruments.at(proposal.instrument);
        let ticks = match proposal.price_ticks {
            0 => listing.reference(),
            limit => limit,
        };
        marked(proposal.lots.into(), ticks, listing.rules.unit)
    }

    /// Refuses what is above a limit of the firm, the group or the account.
    #[inline]
    fn ensure_within(
        &self,
        binding: &Binding,
        kind: LimitKind,
        subject: u32,
        value: i128,
        refuse: impl Fn(i128) -> Reject,
    ) -> Result<(), Reject> {
        for place in binding.bounds {
            if let Some(limit) = self.risk.limits.get(place, kind, subject) {
                ensure(value <= limit.value, || refuse(limit.value))?;
            }
        }
        Ok(())
    }

    /// Checks 7 and 8: the collar of a limit; the slippage bound of a market order, in ticks.
    fn check_prices(&self, proposal: &Proposal) -> Result<i64, Reject> {
        let listing = self.instruments.at(proposal.instrument);
        let config = &listing.config;
        if proposal.is_priced && config.collar_ppm != 0 {
            let ticks = proposal.price_ticks;
            let refuse = |code| Reject::new(code, Field::Price).value(Unit::Ticks, ticks);
            let reference = self.planted.collar_reference(listing);
            ensure(reference != 0, || refuse(RejectCode::NoReference))?;
            let (least, most) = around(reference, config.collar_ppm);
            ensure(ticks >= least, || refuse(RejectCode::RiskPriceCollar).limit(least))?;
            ensure(ticks <= most, || refuse(RejectCode::RiskPriceCollar).limit(most))?;
        }
        let is_bound = config.slippage_ppm != 0 && !self.planted.is(Fault::SlippageUnbounded);
        if proposal.price_ticks == 0 && is_bound {
            let reference = listing.reference();
            ensure(reference != 0, || {
                Reject::new(RejectCode::NoReference, Field::OrderType)
                    .number(OrderType::Market.number())
            })?;
            return Ok(listing.slippage_bound(proposal.side));
        }
        Ok(0)
    }

    /// Check 9.
    fn check_counts(&self, proposal: &Proposal, binding: &Binding) -> Result<(), Reject> {
        let (kind, code) = match proposal.stays {
            Stays::No => return Ok(()),
            Stays::Open => (LimitKind::OpenOrders, RejectCode::TooManyOpenOrders),
            Stays::Conditional => {
                (LimitKind::ConditionalOrders, RejectCode::TooManyConditionalOrders)
            }
        };
        if binding.kinds & bit(kind) == 0 {
            return Ok(());
        }
        let own = u32::from(matches!(proposal.kind, Kind::Amended(_)));
        for (scope, place) in SCOPES.iter().zip(binding.bounds) {
            if let Some(limit) = self.risk.limits.get(place, kind, 0) {
                let count = self.order_count_of(*scope, binding, kind).saturating_sub(own);
                ensure(i128::from(count) < limit.value, || {
                    Reject::new(code, Field::Count).number(count).limit(limit.value)
                })?;
            }
        }
        Ok(())
    }

    /// How many open, or conditional, orders a scope of a binding has; dead ones apart.
    pub(crate) fn order_count_of(&self, scope: Scope, binding: &Binding, kind: LimitKind) -> u32 {
        let risk = &self.risk;
        let (live, waiting) = match scope {
            Scope::Firm | Scope::Instrument => {
                (self.orders.live().saturating_sub(risk.dead), risk.waiting)
            }
            Scope::Group => {
                let group = risk.group(binding.group);
                (group.live, group.waiting)
            }
            Scope::Account => {
                (self.living_of(AccountId(binding.account)), risk.waiting_of(binding.account))
            }
        };
        if kind == LimitKind::ConditionalOrders { waiting } else { live.saturating_sub(waiting) }
    }

    /// Check 10.
    fn check_position(&self, proposal: &Proposal, binding: &Binding) -> Result<(), Reject> {
        let kind = LimitKind::Position;
        if binding.kinds & bit(kind) == 0 {
            return Ok(());
        }
        let instrument = proposal.instrument.0;
        let listing = self.instruments.at(proposal.instrument);
        let own = match proposal.kind {
            Kind::Placed => 0,
            Kind::Amended(open) => i128::from(open),
        };
        let order_lots = Self::lots_of(proposal, listing).checked_sub(own).unwrap_or(0);
        for (scope, place) in SCOPES.iter().zip(binding.bounds) {
            if let Some(limit) = self.risk.limits.get(place, kind, instrument) {
                let lots = self.planted.seen(self.lots_in(*scope, binding, instrument));
                let (long, short) = lots.reach();
                let reach = match proposal.side {
                    Side::Buy => long,
                    Side::Sell => short,
                };
                let lots = reach.checked_add(order_lots).unwrap_or(i128::MAX);
                ensure(lots <= limit.value, || {
                    Reject::new(RejectCode::RiskPosition, Field::Qty)
                        .value(Unit::Lots, lots)
                        .limit(limit.value)
                })?;
            }
        }
        Ok(())
    }

    /// Check 11.
    fn check_notional(
        &self,
        proposal: &Proposal,
        binding: &Binding,
        valued: &Valued,
    ) -> Result<(), Reject> {
        let asset = self.instruments.at(proposal.instrument).rules.quote.0;
        for (kind, code) in [
            (LimitKind::GrossNotional, RejectCode::RiskGrossNotional),
            (LimitKind::NetNotional, RejectCode::RiskNetNotional),
        ] {
            if binding.kinds & bit(kind) == 0 {
                continue;
            }
            for (place, sums) in binding.bounds.iter().zip(&valued.sums) {
                let minor = sums.of(kind);
                if let Some(limit) = self.risk.limits.get(*place, kind, asset) {
                    ensure(minor <= limit.value, || {
                        Reject::new(code, Field::Notional)
                            .value(Unit::QuoteMinor, minor)
                            .limit(limit.value)
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Notes a placement that was accepted: an order token is spent, and it is the account's last.
    #[inline]
    pub(crate) fn note_accepted(
        &mut self,
        account: AccountId,
        binding: &Binding,
        body: &OrderPlace,
    ) {
        self.take_order_tokens(binding);
        let is_last = binding.window_ns != 0;
        let remembered = self.risk.account(account.0).remembered;
        if is_last || remembered != NONE {
            self.remember_placement(account, (remembered, is_last), body);
        }
    }

    #[inline(never)]
    fn remember_placement(
        &mut self,
        account: AccountId,
        (remembered, is_last): (u32, bool),
        body: &OrderPlace,
    ) {
        let placement = Placement {
            instrument: body.instrument,
            side: body.side,
            order_type: body.order_type,
            price: body.price,
            qty: body.qty,
            notional: body.notional,
            time_ns: self.time_ns,
            is_last,
        };
        if let Some(last) = self.risk.placements.get_mut(index(remembered)) {
            *last = placement;
        } else {
            let place = u32::try_from(self.risk.placements.len()).unwrap_or(NONE);
            self.risk.placements.push(placement);
            self.risk.account_mut(account.0).remembered = place;
        }
    }
}

impl Listing {
    /// The last price that a market order which trades now may trade at, in ticks; 0 for any.
    pub(crate) fn slippage_bound(&self, side: Side) -> i64 {
        let (reference, slippage_ppm) = (self.reference(), self.config.slippage_ppm);
        if reference == 0 || slippage_ppm == 0 {
            return 0;
        }
        let (least, most) = around(reference, slippage_ppm);
        match side {
            Side::Buy => most,
            Side::Sell => least,
        }
    }
}

/// The least and the most that is within `ppm` millionths of a reference, in ticks.
#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "a price up to 2^53, times at most 10^6 parts")]
pub(crate) fn around(reference: i64, ppm: u32) -> (i64, i64) {
    let parts = i128::from(reference) * i128::from(ppm);
    // What fits in 64 bits, as nearly all does, is divided there.
    let reach = if let Ok(parts) = i64::try_from(parts) {
        parts / 1_000_000
    } else {
        i64::try_from(parts / 1_000_000).unwrap_or(i64::MAX)
    };
    ((reference - reach).max(1), reference + reach)
}
