//! The private channels written down: the seq that each is at.

use super::{AccountFeeds, PrivateFeeds};
use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use coulisse_types::codec::{Field, Reader};
use coulisse_types::{AccountId, Seq, limits};

impl PrivateFeeds {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self { accounts } = self;
        // Whoever listens is of this life of the process.
        let at = |feeds: &AccountFeeds| {
            let AccountFeeds { at, listeners: _ } = feeds;
            *at
        };
        let told = || {
            let all = (0_u32..).zip(accounts).map(|(account, feeds)| (account, at(feeds)));
            all.filter(|(_, at)| *at != [Seq(0); 3])
        };
        length(told().count()).encode(out);
        for (account, at) in told() {
            account.encode(out);
            for seq in at {
                seq.encode(out);
            }
        }
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
            feeds.at = [get(reader)?, get(reader)?, get(reader)?];
        }
        Ok(())
    }
}
