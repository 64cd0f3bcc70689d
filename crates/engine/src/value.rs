//! What positions and open orders come to at the references: gross, net, and marked profit.
//!
//! Cost: a step per instrument quoted in the asset where the firm's or a group's sums are wanted,
//! otherwise per instrument of that asset in which the account ever had an order. Sums are asked for
//! only where [`crate::worth`] is not sure.

use crate::engine::Engine;
use crate::gate::{Binding, SCOPES};
use crate::instruments::Listing;
use crate::paged::NONE;
use crate::risk::{Held, Loss, Lots};
use crate::tiers::day_of;
use coulisse_types::limits::MARKED_MINOR_MAX;
use coulisse_types::{InstrumentId, LimitKind, Scope, Side, TickLotValue};

/// What is to be computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// The account's losses.
    pub(crate) pnl: bool,
    /// Gross and net of firm, group and account, as far as they have such limits.
    pub(crate) sums: bool,
}

/// What is placed or amended, as the sums of its own instrument see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    /// Its price, which counts as the mark where there is none.
    pub(crate) ticks: i64,
    /// Lots of it that are open now and are taken out of what is open.
    pub(crate) open_lots: i64,
}

/// Sums of a scope over the instruments of a quote asset, in minor units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sheet {
    gross: i128,
    long: i128,
    short: i128,
}

/// What was computed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Valued {
    /// Of firm, group and account.
    pub(crate) sums: [Sheet; 3],
    pub(crate) daily_loss_minor: i128,
    pub(crate) drawdown_minor: i128,
}

/// Lots at a price, cut to the most that counts.
#[inline]
pub(crate) fn marked(lots: i128, ticks: i64, unit: TickLotValue) -> i128 {
    marked_at(lots, value_of(ticks, unit))
}

/// What one lot is worth at a price.
#[inline]
pub(crate) fn value_of(ticks: i64, unit: TickLotValue) -> i128 {
    i128::from(ticks).checked_mul(i128::from(unit.minor())).unwrap_or(i128::MAX)
}

#[inline]
fn marked_at(lots: i128, value_minor: i128) -> i128 {
    match (i64::try_from(lots), i64::try_from(value_minor)) {
        (Ok(lots), Ok(value_minor)) => marked_narrow(lots, value_minor),
        _ => marked_wide(lots, value_minor),
    }
}

/// The same where both fit 64 bits: where the product does too, as nearly every one, nothing is cut.
#[inline]
fn marked_narrow(lots: i64, value_minor: i64) -> i128 {
    match lots.checked_mul(value_minor) {
        Some(minor) => minor.into(),
        None => marked_wide(lots.into(), value_minor.into()),
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::arithmetic_side_effects, reason = "a constant has its opposite")]
fn marked_wide(lots: i128, value_minor: i128) -> i128 {
    let most = MARKED_MINOR_MAX;
    match lots.checked_mul(value_minor) {
        Some(minor) => minor.clamp(-most, most),
        None if lots < 0 => -most,
        None => most,
    }
}

impl Listing {
    /// The reference, or where there is none the price given.
    #[inline]
    pub(crate) fn mark_or(&self, ticks: i64) -> i64 {
        match self.reference() {
            0 => ticks,
            reference => reference,
        }
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "each product is at most 10^33 and there are at most 1,024 instruments"
)]
impl Sheet {
    #[inline]
    fn add(&mut self, lots: &Lots, value_minor: i128) {
        let gross = lots.long + lots.short + lots.open_buy + lots.open_sell;
        if gross == 0 {
            return;
        }
        let (long, short) = lots.reach();
        self.gross += marked_at(gross, value_minor);
        self.long += marked_at(long, value_minor);
        self.short += marked_at(short, value_minor);
    }

    /// Gross or net.
    #[inline]
    pub(crate) fn of(&self, kind: LimitKind) -> i128 {
        if kind == LimitKind::GrossNotional { self.gross } else { self.long.max(self.short) }
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "as above, with one order more")]
impl Valued {
    /// Adds an order to the sums.
    pub(crate) fn add_order(&mut self, side: Side, minor: i128) {
        for sheet in &mut self.sums {
            sheet.gross += minor;
            match side {
                Side::Buy => sheet.long += minor,
                Side::Sell => sheet.short += minor,
            }
        }
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "sums of lots of what exists: far below 2^127")]
impl Lots {
    /// Without an order that has so many open.
    #[inline]
    fn take_out(&mut self, side: Side, open_lots: i64) {
        match side {
            Side::Buy => self.open_buy -= i128::from(open_lots),
            Side::Sell => self.open_sell -= i128::from(open_lots),
        }
    }

    /// How far the scope could get long, and short, in lots, if all of its orders on a side filled.
    #[inline]
    pub(crate) fn reach(&self) -> (i128, i128) {
        (self.net() + self.open_buy, self.open_sell - self.net())
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "each product is at most 10^33, each position's money 6 × 10^34, for 1,024 instruments"
)]
impl Engine {
    /// The lots of a scope of a binding in an instrument.
    #[inline]
    pub(crate) fn lots_in(&self, scope: Scope, binding: &Binding, instrument: u32) -> Lots {
        match scope {
            Scope::Firm | Scope::Instrument => self.risk.firm_lots(instrument),
            Scope::Group => self.risk.group_lots(binding.group, instrument),
            Scope::Account => self.risk.account_lots(binding.account, instrument),
        }
    }

    /// Computes what is wanted in a quote asset, without `order` itself.
    pub(crate) fn value(
        &self,
        binding: &Binding,
        asset: u32,
        wants: Wants,
        order: Option<Own>,
    ) -> Valued {
        let mut valued = Valued::default();
        if wants.sums {
            self.value_sums(&mut valued, binding, asset, order);
        }
        if wants.pnl
            && let Some(money) = self.risk.find_money(binding.account, asset)
        {
            let loss = self.risk.money.at(money).loss.unwrap_or_default();
            if self.risk.money.at(money).loss.is_some() {
                let pnl_minor = self.marked_pnl(money);
                valued.daily_loss_minor = loss.base(day_of(self.time_ns)) - pnl_minor;
                valued.drawdown_minor = loss.peak_minor - pnl_minor;
            }
        }
        valued
    }

    fn value_sums(&self, valued: &mut Valued, binding: &Binding, asset: u32, order: Option<Own>) {
        let has = |kind, place: &u32| self.risk.limits.get(*place, kind, asset).is_some();
        let is_wanted = binding.bounds.map(|place| {
            place != NONE
                && (has(LimitKind::GrossNotional, &place) || has(LimitKind::NetNotional, &place))
        });
        let mut add = |instrument: u32, is_wanted: [bool; 3]| {
            let id = InstrumentId(instrument);
            let listing = self.instruments.at(id);
            let own = order.filter(|own| own.instrument == id);
            let ticks = listing.mark_or(own.map_or(0, |own| own.ticks));
            let value_minor = value_of(ticks, listing.rules.unit);
            for ((scope, is_wanted), sheet) in SCOPES.iter().zip(is_wanted).zip(&mut valued.sums) {
                if is_wanted {
                    let mut lots = self.lots_in(*scope, binding, instrument);
                    if let Some(own) = own {
                        lots.take_out(own.side, own.open_lots);
                    }
                    sheet.add(&lots, value_minor);
                }
            }
        };
        if let [false, false, true] = is_wanted {
            if let Some(money) = self.risk.find_money(binding.account, asset) {
                self.risk.rows_of(money).for_each(|row| add(row.instrument, is_wanted));
            }
        } else if is_wanted != [false; 3] {
            let quoted = self.risk.quoted.get(crate::paged::index(asset - 1));
            quoted.into_iter().flatten().for_each(|instrument| add(*instrument, is_wanted));
        }
    }

    /// The marked profit of an account in a quote asset now, fees taken off, in minor units.
    pub(crate) fn marked_pnl(&self, money: u32) -> i128 {
        let money = self.risk.money.at(money);
        money.held.iter().fold(money.settled_minor, |minor, held| {
            let mark = self.risk.mark(held.instrument);
            if mark.is_kept && mark.value_minor != 0 {
                return minor + marked_narrow(held.qty_lots, mark.value_minor);
            }
            if held.qty_lots == 0 { minor } else { minor + self.marked_apart(held) }
        })
    }

    /// What a position adds to what was settled where no mark is kept for it.
    #[inline(never)]
    fn marked_apart(&self, held: &Held) -> i128 {
        let listing = self.instruments.at(InstrumentId(held.instrument));
        match listing.reference() {
            0 => self.risk.rows.at(held.row).cost_minor,
            ticks => marked(held.qty_lots.into(), ticks, listing.rules.unit),
        }
    }

    /// The same as [`Engine::marked_pnl`], kept with the row until a position of it changes.
    pub(crate) fn remember_pnl(&mut self, money: u32) -> i128 {
        let asset = self.risk.money.at(money).asset;
        self.follow_middles(asset);
        let marked_minor = self.marked_pnl(money);
        let marked_version = self.risk.quoted_in(asset).version;
        let row = self.risk.money.at_mut(money);
        (row.marked_minor, row.marked_version) = (marked_minor, marked_version);
        marked_minor
    }
}

impl Loss {
    /// What today's loss is measured from.
    #[inline]
    pub(crate) const fn base(&self, today: i64) -> i128 {
        if self.day == today { self.base_minor } else { self.last_minor }
    }
}
