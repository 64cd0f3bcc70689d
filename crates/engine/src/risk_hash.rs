//! The part of the state hash that positions and risk have: items 18 to 23 of section 7.

use crate::bounds::is_rate;
use crate::engine::Engine;
use crate::kill::Control;
use crate::positions::Row;
use crate::risk::Money;
use crate::state_hash::Hasher;
use alloc::vec::Vec;
use coulisse_types::Scope;

impl Engine {
    pub(crate) fn hash_risk(&self, out: &mut Hasher) {
        self.hash_positions(out);
        self.hash_limits(out);
        self.hash_controls(out);
        self.hash_losses(out);
        self.hash_tiers(out);
        self.hash_placements(out);
    }

    fn hash_positions(&self, out: &mut Hasher) {
        let rows = self.risk.rows.iter().filter(|row| !row.is_plain());
        let mut rows: Vec<&Row> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.account, row.instrument));
        out.count(rows.len());
        for row in rows {
            out.put(&row.account);
            out.put(&row.instrument);
            out.put(&row.qty_lots);
            out.put(&row.cost_minor);
            out.put(&row.realised_minor);
            out.put(&row.fees_minor);
        }
    }

    /// Every scope but instruments, in order.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = (Scope, u32)> {
        let groups = (1..=self.groups.count()).map(|id| (Scope::Group, id));
        let accounts = (1..=self.accounts.count()).map(|id| (Scope::Account, id));
        core::iter::once((Scope::Firm, 0)).chain(groups).chain(accounts)
    }

    fn hash_limits(&self, out: &mut Hasher) {
        out.put(&self.risk.limits.count);
        for (scope, scope_id) in self.scopes() {
            for (kind, subject, limit) in self.risk.limits.iter(self.bounds_of(scope, scope_id)) {
                out.put(&scope);
                out.put(&scope_id);
                out.put(&kind);
                out.put(&subject);
                out.put(&limit.value);
                out.put(&limit.burst);
                out.put(&limit.level);
                if is_rate(kind) {
                    out.put(&i128::from(limit.bucket));
                    out.put(&limit.time_ns);
                }
            }
        }
        out.put(&self.risk.limits.version);
    }

    fn hash_controls(&self, out: &mut Hasher) {
        let of_scopes = self.scopes().map(|(scope, id)| (scope, id, *self.control(scope, id)));
        let states = (1_u32..).zip(&self.risk.instrument_states);
        let of_instruments = states
            .map(|(id, state)| (Scope::Instrument, id, Control { state: *state, ..Control::OFF }));
        let all = of_scopes.chain(of_instruments);
        let all: Vec<_> = all.filter(|(.., control)| *control != Control::OFF).collect();
        out.count(all.len());
        for (scope, id, control) in all {
            let Control { dead_to, asked_by, state, kill } = control;
            out.put(&scope);
            out.put(&id);
            out.put(&state);
            out.put(&kill.number());
            out.put(&asked_by);
            out.put(&dead_to);
        }
    }

    /// What accounts have by quote asset, in order.
    fn all_money(&self) -> Vec<&Money> {
        let mut all: Vec<&Money> = self.risk.money.iter().collect();
        all.sort_unstable_by_key(|money| (money.account, money.asset));
        all
    }

    fn hash_losses(&self, out: &mut Hasher) {
        let all = self.all_money();
        let losses = || all.iter().filter_map(|money| Some((money, money.loss?)));
        out.count(losses().count());
        for (money, loss) in losses() {
            out.put(&money.account);
            out.put(&money.asset);
            out.put(&loss.day);
            out.put(&loss.base_minor);
            out.put(&loss.last_minor);
            out.put(&loss.peak_minor);
        }
    }

    fn hash_tiers(&self, out: &mut Hasher) {
        let schedules = || (1_u32..).zip(&self.risk.tiers.schedules).filter(|(_, all)| all.counts);
        out.count(schedules().count());
        for (asset, schedule) in schedules() {
            out.put(&asset);
            out.put(&u8::try_from(schedule.tiers.len()).unwrap_or(u8::MAX));
            for tier in &schedule.tiers {
                out.put(&tier.tier);
                out.put(&tier.threshold_minor);
                out.put(&tier.maker_ppm);
                out.put(&tier.taker_ppm);
            }
        }
        let all = self.all_money();
        let rows =
            all.iter().filter_map(|money| Some((money, self.risk.tiers.traded.get(money.traded)?)));
        let rows: Vec<_> = rows.collect();
        out.count(rows.len());
        for (money, traded) in rows {
            out.put(&money.account);
            out.put(&money.asset);
            let days = || traded.kept().filter(|day| traded.on(*day) != 0);
            out.put(&u8::try_from(days().count()).unwrap_or(u8::MAX));
            for day in days() {
                out.put(&day);
                out.put(&traded.on(day));
            }
        }
    }

    fn hash_placements(&self, out: &mut Hasher) {
        let last = |account: u32| {
            let at = crate::paged::index(self.risk.account(account).remembered);
            self.risk.placements.get(at).filter(|last| last.is_last)
        };
        let all = || (1..=self.accounts.count()).filter_map(|id| Some((id, last(id)?)));
        out.count(all().count());
        for (account, last) in all() {
            out.put(&account);
            out.put(&last.instrument);
            out.put(&last.side);
            out.put(&last.order_type);
            out.put(&last.price);
            out.put(&last.qty);
            out.put(&last.notional);
            out.put(&last.time_ns);
        }
    }
}
