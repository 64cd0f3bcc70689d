//! The private channels written down: the seq that each is at, and who is in which group.

use super::{AccountFeeds, CHANNELS, PrivateFeeds};
use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use coulisse_types::codec::{Field, Reader};
use coulisse_types::{AccountId, GroupId, Seq, limits};

impl PrivateFeeds {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self {
            accounts,
            group_risk_at,
            firm_risk_at,
            // Whoever listens is of this life of the process.
            risk_listened: _,
        } = self;
        let known = |feeds: &AccountFeeds| {
            let AccountFeeds { at, listeners: _, group } = feeds;
            (*at, *group)
        };
        let told = || {
            let all = (0_u32..).zip(accounts).map(|(account, feeds)| (account, known(feeds)));
            all.filter(|(_, known)| *known != ([Seq(0); CHANNELS], GroupId(0)))
        };
        length(told().count()).encode(out);
        for (account, (at, group)) in told() {
            account.encode(out);
            for seq in at {
                seq.encode(out);
            }
            group.encode(out);
        }
        length(group_risk_at.len()).encode(out);
        for seq in group_risk_at {
            seq.encode(out);
        }
        firm_risk_at.encode(out);
    }

    /// Reads into channels that nothing was told on.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        let count: u32 = get(reader)?;
        for _ in 0..count {
            let account: u32 = get(reader)?;
            if account > limits::ACCOUNTS_MAX {
                return Err(FeedsFault { reason: "an account past the limit" });
            }
            let feeds = self.account(AccountId(account));
            for seq in &mut feeds.at {
                *seq = get(reader)?;
            }
            feeds.group = get(reader)?;
        }
        let count: u32 = get(reader)?;
        // Group 0 is none and has a place.
        if count > limits::GROUPS_MAX + 1 {
            return Err(FeedsFault { reason: "more groups than there may be" });
        }
        for _ in 0..count {
            self.group_risk_at.push(get(reader)?);
        }
        self.firm_risk_at = get(reader)?;
        Ok(())
    }
}
