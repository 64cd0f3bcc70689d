//! The invariants of positions and sums, verified by adding everything up again.

use crate::check::Broken;
use crate::engine::Engine;
use crate::paged::NONE;
use crate::risk::Lots;
use alloc::collections::BTreeMap;
use coulisse_types::{InstrumentId, Side};

/// Lots by account or group, and instrument.
type Sums = BTreeMap<(u32, u32), Lots>;

#[expect(clippy::arithmetic_side_effects, reason = "sums and counts of what exists")]
impl Engine {
    /// Verifies positions, open lots, and the sums over groups and the firm.
    pub(crate) fn check_risk(&self) -> Result<(), Broken> {
        let (open, live) = self.sum_orders()?;
        let (mut firm, mut groups) = (Sums::new(), Sums::new());
        for account in self.accounts.iter() {
            for place in self.risk.places_of(account.id.0) {
                let row = self.risk.rows.at(place);
                let instrument = InstrumentId(row.instrument);
                let lots = self.risk.lots(row);
                let asked = open.get(&(row.account, row.instrument)).copied().unwrap_or_default();
                let is_open = (lots.open_buy, lots.open_sell) == (asked.open_buy, asked.open_sell);
                let is_clean = !row.is_filled && !row.is_touched && row.account == account.id.0;
                let sign = (row.cost_minor > 0) == (row.qty_lots > 0)
                    && (row.cost_minor < 0) == (row.qty_lots < 0);
                if !is_open || !is_clean || !sign {
                    return Err(Broken::Position { account: account.id, instrument });
                }
                let group = self.risk.account(account.id.0).group;
                firm.entry((0, row.instrument)).or_default().put_on(&lots);
                let known = (group != 0).then_some(group);
                if self.risk.sums.get(row.sums).map(|sums| sums.group) != known {
                    return Err(Broken::Position { account: account.id, instrument });
                }
                if group != 0 {
                    groups.entry((group, row.instrument)).or_default().put_on(&lots);
                }
            }
        }
        self.check_sums(&firm, &groups)?;
        self.check_worths()?;
        self.check_counts_of(&live)
    }

    fn check_sums(&self, firm: &Sums, groups: &Sums) -> Result<(), Broken> {
        for listing in self.instruments.iter() {
            let instrument = listing.rules.id;
            let expected = firm.get(&(0, instrument.0)).copied().unwrap_or_default();
            let lots = self.risk.firm_lots(instrument.0);
            if lots != expected || lots.net() != 0 {
                return Err(Broken::Sums { group: 0, instrument });
            }
            for group in 1..=self.groups.count() {
                let expected = groups.get(&(group, instrument.0)).copied().unwrap_or_default();
                if self.risk.group_lots(group, instrument.0) != expected {
                    return Err(Broken::Sums { group, instrument });
                }
            }
        }
        Ok(())
    }

    /// Adds up what live orders ask for, and counts those that are not dead by group.
    fn sum_orders(&self) -> Result<(Sums, BTreeMap<u32, u32>), Broken> {
        let (mut open, mut live) = (Sums::new(), BTreeMap::new());
        let (mut dead, mut reducers) = (0_u32, 0_u32);
        for account in self.accounts.iter() {
            for place in self.orders.open(account.id) {
                let order = self.orders.at(place);
                reducers += u32::from(order.reduce_only);
                let row = self.risk.find_row(order.account.0, order.instrument.0);
                if row != Some(order.row) || order.row == NONE {
                    return Err(Broken::Order { order_id: order.id });
                }
                if self.is_dead(order) {
                    dead += 1;
                    continue;
                }
                let lots = open.entry((order.account.0, order.instrument.0)).or_default();
                match order.side {
                    Side::Buy => lots.open_buy += i128::from(order.remaining().lots()),
                    Side::Sell => lots.open_sell += i128::from(order.remaining().lots()),
                }
                *live.entry(self.accounts.membership(account.id).group.0).or_default() += 1;
            }
        }
        if (dead, reducers) != (self.risk.dead, self.risk.reducers) {
            return Err(Broken::LiveCount);
        }
        Ok((open, live))
    }

    fn check_counts_of(&self, live: &BTreeMap<u32, u32>) -> Result<(), Broken> {
        let mut total = live.get(&0).copied().unwrap_or(0);
        for group in 1..=self.groups.count() {
            let expected = live.get(&group).copied().unwrap_or(0);
            if self.risk.group(group).live != expected {
                return Err(Broken::LiveCount);
            }
            total += expected;
        }
        let of_accounts: u32 = self.accounts.iter().map(|row| self.living_of(row.id)).sum();
        if total != of_accounts || total + self.risk.dead != self.orders.live() {
            return Err(Broken::LiveCount);
        }
        Ok(())
    }
}
