//! The profit of the firm and of its groups, added up a few accounts at a time.
//!
//! An order must never wait for a step per account, of which there may be a million. So each publication of
//! the feeds looks at [`ACCOUNTS_PER_LOOK`] more, and what is shown is the last whole round: accounts at
//! somewhat different times, which the page of metrics says.

use coulisse_engine::Engine;
use coulisse_types::{AccountId, AssetId};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts of one look: some 30 µs, ten times a second.
const ACCOUNTS_PER_LOOK: u32 = 64;
/// Quote assets that are looked at.
const ASSETS_MAX: usize = 16;

/// By group (0 for the firm) and asset, in minor units.
pub(crate) type Sums = BTreeMap<(u32, AssetId), i128>;

/// Where the round is, and what it and the one before came to.
#[derive(Debug, Default)]
pub(crate) struct Profits {
    next: u32,
    assets: Vec<AssetId>,
    round: Sums,
    shown: Sums,
    shown_accounts: u32,
}

impl Profits {
    /// What the last whole round came to, and how many accounts it looked at.
    pub(crate) fn shown(&self) -> (&Sums, u32) {
        (&self.shown, self.shown_accounts)
    }

    /// Looks at some more accounts. Groups above `groups_max` count for the firm alone.
    pub(crate) fn look(&mut self, engine: &Engine, groups_max: u32) {
        if self.next == 0 {
            let quotes: BTreeSet<AssetId> = engine.instruments().map(|rules| rules.quote).collect();
            self.assets = quotes.into_iter().take(ASSETS_MAX).collect();
            self.round = self.assets.iter().map(|asset| ((0, *asset), 0)).collect();
            self.next = 1;
        }
        for id in (self.next..).take(ACCOUNTS_PER_LOOK as usize) {
            let Some(member) = engine.membership(AccountId(id)) else {
                self.shown = std::mem::take(&mut self.round);
                (self.shown_accounts, self.next) = (id - 1, 0);
                return;
            };
            for asset in &self.assets {
                let Some(profit) = engine.profit(AccountId(id), *asset) else { continue };
                let group = Some(member.group.0).filter(|group| (1..=groups_max).contains(group));
                for of in [Some(0), group].into_iter().flatten() {
                    let sum = self.round.entry((of, *asset)).or_default();
                    *sum = sum.saturating_add(profit.marked.minor());
                }
            }
        }
        self.next += ACCOUNTS_PER_LOOK;
    }
}
