//! What can be read of positions and risk. Nothing here changes anything.

use crate::bounds::{Bucket, is_rate};
use crate::engine::Engine;
use crate::kill::Kill;
use crate::limit_use::Used;
use crate::positions::Row;
use crate::tiers::Tier;
use crate::value::Wants;
use coulisse_types::{
    AccountId, Amount, AssetId, FeeRate, InstrumentId, LimitKind, OrderId, Qty, RiskState, Scope,
};

/// What an account has, and asks for, in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whose.
    pub account: AccountId,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// Net lots; negative for short.
    pub qty: Qty,
    /// What it was entered for, in quote minor units; of the sign of `qty`.
    pub cost: Amount,
    /// Profit realised so far, before fees, in quote minor units.
    pub realised: Amount,
    /// Fees paid so far, less rebates, in quote minor units.
    pub fees: Amount,
    /// Lots that its open buys ask for.
    pub open_buy_lots: i128,
    /// Lots that its open sells ask for.
    pub open_sell_lots: i128,
}

/// A limit in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitInForce {
    /// Whom it binds.
    pub scope: Scope,
    /// The id of that group or account; 0 for the firm.
    pub scope_id: u32,
    /// What it bounds.
    pub kind: LimitKind,
    /// The instrument or the asset that it is about; 0 where the kind has none.
    pub subject: u32,
    /// The bound, in the kind's unit.
    pub value: i128,
    /// For rates: how many at once.
    pub burst: u32,
    /// The level of use last said: 0, 80 or 100 per cent.
    pub level: u8,
    /// How much is used now, in the kind's unit; `None` for kinds that have no use. Of a rate: whole
    /// tokens that are not there now.
    pub used: Option<i128>,
}

/// What the firm, a group, an account or an instrument may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskControl {
    /// Its risk state.
    pub state: RiskState,
    /// Whether its kill switch is on.
    pub is_killed: bool,
    /// Whether somebody asked to reset the kill switch.
    pub is_reset_asked: bool,
    /// Orders up to this id were killed; 0 for none.
    pub dead_to: OrderId,
}

/// The profit of an account in a quote asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profit {
    /// Marked at the references, fees taken off, in minor units.
    pub marked: Amount,
    /// Lost since the day began; negative for a gain.
    pub daily_loss: Amount,
    /// Lost since the best there was.
    pub drawdown: Amount,
}

impl Engine {
    fn position_of(&self, row: &Row) -> Position {
        let lots = self.risk.lots(row);
        Position {
            account: AccountId(row.account),
            instrument: InstrumentId(row.instrument),
            qty: Qty::from_lots(row.qty_lots),
            cost: Amount::from_minor(row.cost_minor),
            realised: Amount::from_minor(row.realised_minor),
            fees: Amount::from_minor(row.fees_minor),
            open_buy_lots: lots.open_buy,
            open_sell_lots: lots.open_sell,
        }
    }

    /// What an account has in an instrument; `None` where it never had an order.
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Option<Position> {
        if !self.accounts.exists(account) || self.instruments.get(instrument).is_none() {
            return None;
        }
        let place = self.risk.find_row(account.0, instrument.0)?;
        Some(self.position_of(self.risk.rows.at(place)))
    }

    /// What an account has in each instrument in which it ever had an order, by instrument; none for
    /// no such account.
    pub fn positions(&self, account: AccountId) -> impl Iterator<Item = Position> + '_ {
        let exists = self.accounts.exists(account);
        let instruments = self.instruments.iter().filter(move |_| exists);
        instruments.filter_map(move |listing| self.position(account, listing.rules.id))
    }

    /// The limits in force of the firm, a group or an account, by kind and subject, with what is used
    /// of them now; none for no such scope.
    pub fn limits_of(&self, scope: Scope, scope_id: u32) -> impl Iterator<Item = LimitInForce> {
        let exists = scope != Scope::Instrument && self.check_scope(scope, scope_id).is_ok();
        let place = if exists { self.bounds_of(scope, scope_id) } else { crate::paged::NONE };
        self.risk.limits.iter(place).map(move |(kind, subject, limit)| LimitInForce {
            scope,
            scope_id,
            kind,
            subject,
            value: limit.value,
            burst: limit.burst,
            level: limit.level,
            used: if is_rate(kind) {
                Some(Bucket::of(&limit).spent_at(self.time_ns).into())
            } else {
                self.used_now(scope, scope_id, kind, subject)
            },
        })
    }

    /// The limits that were set of this scope and those behind it, without what is used of them: the
    /// firm's, of groups, of accounts, each by kind and subject.
    ///
    /// Cost: a step per group and account.
    pub fn limits_set(&self, from: (Scope, u32)) -> impl Iterator<Item = LimitInForce> {
        let scopes = self.scopes().skip_while(move |scope| *scope < from);
        scopes.flat_map(|(scope, scope_id)| {
            let limits = self.risk.limits.iter(self.bounds_of(scope, scope_id));
            limits.map(move |(kind, subject, limit)| LimitInForce {
                scope,
                scope_id,
                kind,
                subject,
                value: limit.value,
                burst: limit.burst,
                level: limit.level,
                used: None,
            })
        })
    }

    /// All limits in force. Cost: a step per group and account.
    pub fn limits_in_force(&self) -> impl Iterator<Item = LimitInForce> {
        self.scopes().flat_map(|(scope, scope_id)| self.limits_of(scope, scope_id))
    }

    /// How often a limit was set.
    pub const fn limit_version(&self) -> u32 {
        self.risk.limits.version
    }

    fn used_now(&self, scope: Scope, scope_id: u32, kind: LimitKind, subject: u32) -> Option<i128> {
        let binding = self.binding_of(scope, scope_id);
        let wants = Wants {
            pnl: scope == Scope::Account
                && matches!(kind, LimitKind::DailyLoss | LimitKind::Drawdown),
            sums: matches!(kind, LimitKind::GrossNotional | LimitKind::NetNotional),
        };
        let valued = self.value(&binding, subject, wants, None);
        self.used(&Used { scope, binding: &binding, kind, instrument: subject, valued: &valued })
    }

    /// What the firm, a group, an account or an instrument may still do; `None` for no such thing.
    pub fn risk_control(&self, scope: Scope, scope_id: u32) -> Option<RiskControl> {
        self.check_scope(scope, scope_id).ok()?;
        if scope == Scope::Instrument {
            return Some(RiskControl {
                state: self.risk.instrument_state(scope_id),
                is_killed: false,
                is_reset_asked: false,
                dead_to: OrderId(0),
            });
        }
        let control = self.control(scope, scope_id);
        Some(RiskControl {
            state: control.state,
            is_killed: control.kill != Kill::Off,
            is_reset_asked: control.kill == Kill::Asked,
            dead_to: OrderId(control.dead_to),
        })
    }

    /// The profit of an account in a quote asset now; `None` where it never had an order in an
    /// instrument quoted in it.
    pub fn profit(&self, account: AccountId, asset: AssetId) -> Option<Profit> {
        if !self.accounts.exists(account) || self.ledger.asset(asset).is_none() {
            return None;
        }
        let money = self.risk.find_money(account.0, asset.0)?;
        let binding = self.binding(account);
        let valued = self.value(&binding, asset.0, Wants { pnl: true, sums: false }, None);
        Some(Profit {
            marked: Amount::from_minor(self.marked_pnl(money)),
            daily_loss: Amount::from_minor(valued.daily_loss_minor),
            drawdown: Amount::from_minor(valued.drawdown_minor),
        })
    }

    /// The fee tiers of a quote asset, by number; none for no such asset.
    pub fn fee_tiers(&self, asset: AssetId) -> &[Tier] {
        let at = asset.0.checked_sub(1).map(crate::paged::index);
        at.and_then(|at| self.risk.tiers.schedules.get(at)).map_or(&[], |all| &all.tiers)
    }

    /// What an account traded in a quote asset in 30 days, as far as it counts for the tiers.
    pub fn traded_notional(&self, account: AccountId, asset: AssetId) -> Amount {
        let exists = self.accounts.exists(account) && self.ledger.asset(asset).is_some();
        let money = exists.then(|| self.risk.find_money(account.0, asset.0)).flatten();
        Amount::from_minor(money.map_or(0, |money| self.traded_minor(money)))
    }

    /// The rates, maker's and taker's, that an order of an account would be accepted with now.
    pub fn rates_of(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<(FeeRate, FeeRate)> {
        let listing = self.instruments.get(instrument).filter(|_| self.accounts.exists(account))?;
        let (maker_ppm, taker_ppm) = self.rates(account, &listing.rules);
        Some((FeeRate::from_ppm(maker_ppm), FeeRate::from_ppm(taker_ppm)))
    }

    /// Live orders that are dead and wait for a sweep.
    pub const fn dead_orders(&self) -> u32 {
        self.risk.dead
    }
}
