//! The invariants of marks, worths and fences, verified by computing them again.

use super::Worth;
use crate::check::Broken;
use crate::engine::Engine;
use crate::paged::{NONE, index};
use crate::risk::Lots;
use crate::tiers::day_of;
use crate::value::{marked, value_of};
use alloc::vec::Vec;
use coulisse_types::{AccountId, InstrumentId};

#[expect(clippy::arithmetic_side_effects, reason = "ids are from 1; profits of what was traded")]
impl Engine {
    /// Verifies marks, worths, fences and marked profits against what they follow from; an instrument,
    /// or an account, where they do not.
    pub(crate) fn check_worths(&self) -> Result<(), Broken> {
        let risk = &self.risk;
        for listing in self.instruments.iter() {
            let instrument = listing.rules.id;
            let broken = Err(Broken::Worth { account: AccountId(0), instrument });
            let mark = risk.mark(instrument.0);
            let value_minor = value_of(listing.reference(), listing.rules.unit);
            let is_kept = !mark.is_kept || i128::from(mark.value_minor) == value_minor;
            let is_within = (mark.low_minor..=mark.high_minor).contains(&mark.value_minor);
            let fence = risk.lot_fence(risk.firm_bounds, instrument.0);
            if !is_kept
                || !is_within
                || risk.firm_fences.get(index(instrument.0 - 1)) != Some(&fence)
            {
                return broken;
            }
        }
        for (asset, worth) in (1..).zip(&risk.firm_worths) {
            let parts = self.quoted_parts(asset, |instrument| risk.firm_lots(instrument));
            self.check_worth(worth, risk.firm_bounds, asset, parts.into_iter())?;
        }
        for group in 1..=self.groups.count() {
            let row = risk.group(group);
            for (asset, place) in (1..).zip(&row.worths).filter(|(_, place)| **place != NONE) {
                let parts = self.quoted_parts(asset, |at| risk.group_lots(group, at));
                self.check_worth(risk.worths.at(*place), row.bounds, asset, parts.into_iter())?;
            }
            for (instrument, place) in (1..).zip(&row.sums).filter(|(_, place)| **place != NONE) {
                if risk.sums.at(*place).fence != risk.lot_fence(row.bounds, instrument) {
                    let instrument = InstrumentId(instrument);
                    return Err(Broken::Worth { account: AccountId(0), instrument });
                }
            }
        }
        (0..risk.money.len()).try_for_each(|money| self.check_profit(money))
    }

    fn quoted_parts(&self, asset: u32, lots: impl Fn(u32) -> Lots) -> Vec<(Lots, i64)> {
        let quoted = self.risk.quoted.get(index(asset - 1)).into_iter().flatten();
        quoted.map(|at| (lots(*at), self.risk.mark(*at).weight)).collect()
    }

    fn check_worth(
        &self,
        worth: &Worth,
        bounds: u32,
        asset: u32,
        parts: impl Iterator<Item = (Lots, i64)>,
    ) -> Result<(), Broken> {
        let mut counted = Worth::new(self.risk.fence(bounds, asset));
        counted.count(worth.version, parts);
        let is_believed =
            self.risk.limits.weighed > 0 && self.risk.quoted_in(asset).version == worth.version;
        let holds = worth.fence == counted.fence && (!is_believed || *worth == counted);
        let instrument = InstrumentId(0);
        if holds { Ok(()) } else { Err(Broken::Worth { account: AccountId(0), instrument }) }
    }

    fn check_profit(&self, money: u32) -> Result<(), Broken> {
        let risk = &self.risk;
        let row = risk.money.at(money);
        let account = AccountId(row.account);
        let bounds = risk.account(row.account).bounds;
        let mut exact_minor = 0;
        for (seat, held) in (0_u16..).zip(&row.held) {
            let position = risk.rows.at(held.row);
            let instrument = InstrumentId(held.instrument);
            let listing = self.instruments.at(instrument);
            let is_own = position.seat == seat
                && position.money == money
                && position.qty_lots == held.qty_lots
                && position.instrument == held.instrument
                && position.fence == risk.lot_fence(bounds, held.instrument);
            if !is_own {
                return Err(Broken::Worth { account, instrument });
            }
            exact_minor += position.realised_minor - position.fees_minor;
            if position.qty_lots != 0 && listing.reference() != 0 {
                let lots = position.qty_lots.into();
                exact_minor += marked(lots, listing.reference(), listing.rules.unit);
                exact_minor -= position.cost_minor;
            }
        }
        let broken = Err(Broken::Worth { account, instrument: InstrumentId(0) });
        if self.marked_pnl(money) != exact_minor {
            return broken;
        }
        let parts = risk.rows_of(money);
        let parts = parts.map(|row| (risk.lots(row), risk.mark(row.instrument).weight));
        self.check_worth(&row.worth, bounds, row.asset, parts)?;
        let (has_mids, today) = (!risk.quoted_in(row.asset).mids.is_empty(), day_of(self.time_ns));
        let is_weighed = row.worth.version == risk.quoted_in(row.asset).version;
        if let Some(loss) = row.loss.filter(|_| is_weighed && !has_mids && risk.limits.weighed > 0)
        {
            let most = risk.losses_at_most(money, row.asset, today);
            let is_known = risk.is_pnl_known(money, row.asset);
            let least_minor = (loss.base(today) - exact_minor, loss.peak_minor - exact_minor);
            if is_known && (most.0 < least_minor.0 || most.1 < least_minor.1) {
                return broken;
            }
        }
        Ok(())
    }
}
