//! Who listens to which private channel of which account, and the seq each channel is at.
//!
//! Invariant: the seq a channel is at is a function of the log alone, so that any node can say
//! `prev` to a client that comes over from another.

use crate::batch::ConnId;
use coulisse_types::{AccountId, Event, Seq};
use coulisse_wire::native::Channel;
use coulisse_wire::native::feed::private_channels;

mod snapshot;

/// The place of a private channel in tables of them.
fn index(channel: Channel) -> usize {
    match channel {
        Channel::Orders => 0,
        Channel::Fills => 1,
        Channel::Balances => 2,
        Channel::Book | Channel::Trades => unreachable!("a public channel has no account"),
    }
}

#[derive(Debug, Default)]
struct AccountFeeds {
    at: [Seq; 3],
    listeners: [Vec<ConnId>; 3],
}

/// A channel that a command touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub channel: Channel,
    /// The seq it was at before.
    pub prev: Seq,
}

/// All private channels.
#[derive(Debug, Default)]
pub struct PrivateFeeds {
    accounts: Vec<AccountFeeds>,
}

impl PrivateFeeds {
    /// Moves the channels that `events` touch to `seq`; appends those that somebody listens to.
    ///
    /// Cost: one step per event.
    pub fn touch(&mut self, seq: Seq, events: &[Event], touched: &mut Vec<Touched>) {
        for event in events {
            let Some((account, channels)) = private_channels(event) else { continue };
            for &channel in channels {
                let feeds = self.account(account);
                let at = &mut feeds.at[index(channel)];
                if *at == seq {
                    continue;
                }
                let prev = std::mem::replace(at, seq);
                if !feeds.listeners[index(channel)].is_empty() {
                    touched.push(Touched { account, channel, prev });
                }
            }
        }
    }

    /// The seq that a channel is at; 0 before its first message.
    pub fn at(&self, account: AccountId, channel: Channel) -> Seq {
        self.accounts.get(account.0 as usize).map_or(Seq(0), |feeds| feeds.at[index(channel)])
    }

    /// Who listens to a channel.
    pub fn listeners(&self, account: AccountId, channel: Channel) -> &[ConnId] {
        self.accounts
            .get(account.0 as usize)
            .map_or(&[], |feeds| feeds.listeners[index(channel)].as_slice())
    }

    /// Adds a listener, once.
    pub fn listen(&mut self, account: AccountId, channel: Channel, conn: ConnId) {
        let listeners = &mut self.account(account).listeners[index(channel)];
        if !listeners.contains(&conn) {
            listeners.push(conn);
        }
    }

    /// Removes a listener.
    pub fn leave(&mut self, account: AccountId, channel: Channel, conn: ConnId) {
        self.account(account).listeners[index(channel)].retain(|listener| *listener != conn);
    }

    fn account(&mut self, account: AccountId) -> &mut AccountFeeds {
        let index = account.0 as usize;
        if index >= self.accounts.len() {
            self.accounts.resize_with(index + 1, AccountFeeds::default);
        }
        &mut self.accounts[index]
    }
}
