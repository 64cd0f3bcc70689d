//! Dead men's switches written down. Expiries follow from the orders' terms.

use super::Timers;
use crate::engine::Engine;
use crate::forest::Forest;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};

impl Timers {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            // Follow from the orders and the deadlines.
            expiries: _,
            switches: _,
            deadlines,
        } = self;
        let set = || (1_u32..).zip(deadlines.iter()).filter(|(_, deadline_ns)| **deadline_ns != 0);
        out.count(set().count());
        for (account, deadline_ns) in set() {
            out.put(&account);
            out.put(deadline_ns);
        }
    }
}

impl Engine {
    /// Reads the switches; the accounts are there already.
    pub(crate) fn decode_timers(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let account_count = self.accounts.count();
        for _ in 0..account_count {
            self.timers.add_account();
        }
        for _ in 0..from.count(account_count)? {
            let (account, deadline_ns): (u32, i64) = (from.get()?, from.get()?);
            let is_new = (1..=account_count).contains(&account)
                && deadline_ns != 0
                && self.timers.deadline_ns(coulisse_types::AccountId(account)) == 0;
            from.agree(is_new, "a switch of no account, or a second one")?;
            let Self { forest, timers, .. } = self;
            Forest::insert(forest, &mut timers.switches, (deadline_ns, account.into()), account);
            *timers.deadlines.at_mut(account.saturating_sub(1)) = deadline_ns;
        }
        Ok(())
    }
}
