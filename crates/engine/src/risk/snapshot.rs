//! Positions and risk written down: what no other table says. Sums, counts and places follow from
//! accounts, groups, instruments, assets and live orders, which are read before this.

use super::{Loss, Money, Risk};
use crate::bounds::Limit;
use crate::engine::Engine;
use crate::gate::Placement;
use crate::kill::Control;
use crate::paged::{NONE, index};
use crate::positions::Row;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use crate::terms::Wait;
use crate::tiers::{Schedule, Tier, Tiers, Traded};
use alloc::vec::Vec;
use coulisse_types::command::LimitSet;
use coulisse_types::limits::{FEE_TIERS_MAX, POSITION_LOTS_MAX, RISK_LIMITS_MAX};
use coulisse_types::{AccountId, LimitKind, Scope};

row!(Control { dead_to, asked_by, state, kill });
row!(Loss { day, base_minor, last_minor, peak_minor });
row!(Limit { value, bucket, time_ns, burst, level });
row!(Placement { instrument, side, order_type, price, qty, notional, time_ns, is_last });
row!(Tier { tier, threshold_minor, maker_ppm, taker_ppm });

impl Tiers {
    fn encode(&self, out: &mut Encoder<'_>) {
        // What was traded stands with the money.
        let Self { schedules, traded: _ } = self;
        for Schedule { counts, tiers } in schedules {
            out.put(counts);
            out.count(tiers.len());
            for tier in tiers {
                tier.encode_row(out);
            }
        }
    }
}

impl Engine {
    pub(crate) fn encode_risk(&self, out: &mut Encoder<'_>) {
        let Risk {
            rows,
            money,
            instrument_states,
            traded_lots,
            traded_minor,
            limits,
            tiers,
            // Written by scope.
            accounts: _,
            groups: _,
            firm_bounds: _,
            firm_control: _,
            placements: _,
            // Follow from rows, orders and other tables.
            more: _,
            sums: _,
            worths: _,
            firm: _,
            firm_fences: _,
            marks: _,
            firm_worths: _,
            valued: _,
            quoted: _,
            waiting: _,
            dead: _,
            sweep_from: _,
            epoch: _,
            reducers: _,
            // Empty between commands.
            filled: _,
            touched: _,
            sure: _,
            said: _,
            moved: _,
        } = &self.risk;
        out.put(traded_lots);
        out.put(traded_minor);
        for state in instrument_states {
            out.put(state);
        }
        self.encode_controls(out);
        self.encode_limits(out);
        out.put(&limits.version);
        tiers.encode(out);
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_unstable_by_key(|row| (row.account, row.instrument));
        out.count(rows.len());
        for row in rows {
            encode_position(row, out);
        }
        let mut money: Vec<&Money> = money.iter().collect();
        money.sort_unstable_by_key(|money| (money.account, money.asset));
        out.count(money.len());
        for money in money {
            self.encode_money(money, out);
        }
        self.encode_placements(out);
    }

    fn encode_controls(&self, out: &mut Encoder<'_>) {
        let all = || self.scopes().filter(|(scope, id)| *self.control(*scope, *id) != Control::OFF);
        out.count(all().count());
        for (scope, id) in all() {
            out.put(&scope);
            out.put(&id);
            self.control(scope, id).encode_row(out);
        }
    }

    fn encode_limits(&self, out: &mut Encoder<'_>) {
        out.put(&self.risk.limits.count);
        for (scope, id) in self.scopes() {
            for (kind, subject, limit) in self.risk.limits.iter(self.bounds_of(scope, id)) {
                out.put(&scope);
                out.put(&id);
                out.put(&kind);
                out.put(&subject);
                limit.encode_row(out);
            }
        }
    }

    fn encode_money(&self, money: &Money, out: &mut Encoder<'_>) {
        let Money {
            account,
            asset,
            // Follow from the rows, the marks and the limits.
            worth: _,
            settled_minor: _,
            marked_minor: _,
            marked_version: _,
            held: _,
            traded,
            loss,
        } = money;
        out.put(account);
        out.put(asset);
        out.put(&loss.is_some());
        if let Some(loss) = loss {
            loss.encode_row(out);
        }
        let traded = self.risk.tiers.traded.get(*traded);
        out.put(&traded.is_some());
        if let Some(traded) = traded {
            traded.encode(out);
        }
    }

    fn encode_placements(&self, out: &mut Encoder<'_>) {
        let last =
            |account: u32| self.risk.placements.get(index(self.risk.account(account).remembered));
        let all = || (1..=self.accounts.count()).filter_map(|id| Some((id, last(id)?)));
        out.count(all().count());
        for (account, placement) in all() {
            out.put(&account);
            placement.encode_row(out);
        }
    }

    /// Reads positions and risk; everything else is there already.
    pub(crate) fn decode_risk(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        self.begin_risk();
        self.risk.traded_lots = from.get()?;
        self.risk.traded_minor = from.get()?;
        for state in &mut self.risk.instrument_states {
            *state = from.get()?;
        }
        let scopes = self.groups.count().saturating_add(self.accounts.count()).saturating_add(1);
        for _ in 0..from.count(scopes)? {
            let (scope, id) = self.decode_scope(from)?;
            *self.control_mut(scope, id) = Control::decode_row(from)?;
        }
        for _ in 0..from.count(RISK_LIMITS_MAX)? {
            self.decode_limit(from)?;
        }
        self.risk.limits.version = from.get()?;
        for schedule in &mut self.risk.tiers.schedules {
            schedule.counts = from.get()?;
            for _ in 0..from.count(FEE_TIERS_MAX.into())? {
                schedule.tiers.push(Tier::decode_row(from)?);
            }
        }
        for _ in 0..from.count(u32::MAX)? {
            self.decode_position(from)?;
        }
        for _ in 0..from.count(u32::MAX)? {
            self.decode_money(from)?;
        }
        for _ in 0..from.count(self.accounts.count())? {
            let account: u32 = from.get()?;
            let exists = self.accounts.exists(AccountId(account));
            from.agree(exists, "a placement of no account")?;
            let place = u32::try_from(self.risk.placements.len()).unwrap_or(NONE);
            self.risk.placements.push(Placement::decode_row(from)?);
            self.risk.account_mut(account).remembered = place;
        }
        self.count_live();
        for instrument in self.instruments.ids() {
            self.remark(instrument);
        }
        Ok(())
    }

    /// Makes the tables that follow from assets, instruments, groups and accounts.
    fn begin_risk(&mut self) {
        let Self { risk, ledger, instruments, groups, accounts, .. } = self;
        for asset in ledger.assets() {
            risk.add_asset(asset.scale);
        }
        for listing in instruments.iter() {
            risk.add_instrument(listing.rules.id, listing.rules.quote.0);
        }
        for _ in 0..groups.count() {
            risk.add_group();
        }
        for account in accounts.iter() {
            risk.add_account();
            let group = accounts.membership(account.id).group.0;
            risk.account_mut(account.id.0).group = group;
        }
    }

    fn decode_scope(&self, from: &mut Decoder<'_>) -> Result<(Scope, u32), SnapshotError> {
        let (scope, id): (Scope, u32) = (from.get()?, from.get()?);
        let exists = scope != Scope::Instrument && self.check_scope(scope, id).is_ok();
        from.agree(exists, "a scope that does not exist")?;
        Ok((scope, id))
    }

    fn decode_limit(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let (scope, scope_id) = self.decode_scope(from)?;
        let (kind, subject): (LimitKind, u32) = (from.get()?, from.get()?);
        let limit = Limit::decode_row(from)?;
        let Limit { value, burst, .. } = limit;
        let holds = value >= 0 && self.check_subject(kind, subject).is_ok();
        from.agree(holds, "a limit about nothing")?;
        let body = LimitSet { scope, scope_id, kind, subject, value, burst };
        let place = self.bounds_made(scope, scope_id);
        from.agree(self.risk.limits.get(place, kind, subject).is_none(), "a limit set twice")?;
        self.risk.limits.put(place, &body, limit.time_ns);
        self.risk.limits.write(place, kind, subject, limit);
        self.risk.follow_limit((scope, scope_id), place, kind, subject);
        Ok(())
    }

    fn decode_position(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let (account, instrument): (u32, u32) = (from.get()?, from.get()?);
        let listing = self.instruments.get(coulisse_types::InstrumentId(instrument));
        let quote = listing.map(|listing| listing.rules.quote.0);
        let exists = self.accounts.exists(AccountId(account));
        let (true, Some(quote)) = (exists, quote) else {
            return from.agree(false, "a position of nobody, or in nothing");
        };
        let is_new = self.risk.find_row(account, instrument).is_none();
        from.agree(is_new, "two positions of one account in one instrument")?;
        let place = self.risk.row_of(account, instrument, quote);
        let qty_lots: i64 = from.get()?;
        let within = (-POSITION_LOTS_MAX..=POSITION_LOTS_MAX).contains(&qty_lots);
        from.agree(within, "a position out of bounds")?;
        let row = self.risk.rows.at_mut(place);
        row.qty_lots = qty_lots;
        row.cost_minor = from.get()?;
        row.realised_minor = from.get()?;
        row.fees_minor = from.get()?;
        self.risk.position_read(place);
        Ok(())
    }

    fn decode_money(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let (account, asset): (u32, u32) = (from.get()?, from.get()?);
        let exists = self.accounts.exists(AccountId(account))
            && (1..=self.ledger.asset_count()).contains(&asset);
        let found = if exists { self.risk.find_money(account, asset) } else { None };
        let Some(place) = found else {
            return from.agree(false, "money of an account without a position");
        };
        if from.get()? {
            self.risk.money.at_mut(place).loss = Some(Loss::decode_row(from)?);
        }
        if from.get()? {
            let traded = self.risk.tiers.traded.push(Traded::decode(from)?);
            self.risk.money.at_mut(place).traded = traded;
        }
        Ok(())
    }

    /// Counts live orders as they came: open lots, who waits, who may only reduce, who is dead.
    fn count_live(&mut self) {
        for place in self.orders.just_read() {
            let order = *self.orders.at(place);
            let row = self.row_of(order.account, order.instrument);
            self.orders.at_mut(place).row = row;
            if order.reduce_only {
                self.risk.reducers = self.risk.reducers.saturating_add(1);
            }
            if self.risk.is_dead(&order) {
                self.risk.dead = self.risk.dead.saturating_add(1);
                self.risk.sweep_from = 1;
                continue;
            }
            self.risk.add_open(row, order.side, order.remaining().lots());
            self.risk.count_in(row);
            if self.orders.terms_at(place).is_some_and(|terms| terms.wait == Wait::Trigger) {
                self.risk.count_waiting(order.account.0, 1);
            }
        }
    }
}

fn encode_position(row: &Row, out: &mut Encoder<'_>) {
    let Row {
        account,
        instrument,
        qty_lots,
        cost_minor,
        realised_minor,
        fees_minor,
        // Follow from orders and other tables.
        open_buy_lots: _,
        open_sell_lots: _,
        sums: _,
        money: _,
        epoch: _,
        seat: _,
        fence: _,
        // False between commands.
        is_filled: _,
        is_touched: _,
    } = row;
    out.put(account);
    out.put(instrument);
    out.put(qty_lots);
    out.put(cost_minor);
    out.put(realised_minor);
    out.put(fees_minor);
}
