//! Who listens to which private channel of which account, and the seq each channel is at.
//!
//! Invariant: the seq a channel is at is a function of the log alone, so that any node can say
//! `prev` to a client that comes over from another.

use crate::batch::ConnId;
use coulisse_types::{AccountId, Event, GroupId, Seq};
use coulisse_wire::native::Channel;
use coulisse_wire::native::feed::{Audience, private_channels};
use std::collections::BTreeSet;

/// How many private channels there are.
const CHANNELS: usize = 5;

mod snapshot;

/// The place of a private channel in tables of them.
fn index(channel: Channel) -> usize {
    match channel {
        Channel::Orders => 0,
        Channel::Fills => 1,
        Channel::Balances => 2,
        Channel::Positions => 3,
        Channel::Risk => 4,
        Channel::Book | Channel::Trades | Channel::Status => {
            unreachable!("a public channel has no account")
        }
    }
}

#[derive(Debug, Default)]
struct AccountFeeds {
    at: [Seq; CHANNELS],
    listeners: [Vec<ConnId>; CHANNELS],
    group: GroupId,
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
///
/// What binds a group or everyone is told on the risk channel of each account that it binds, and
/// noted once: where an account's channel is at is the latest of its own, its group's and the firm's.
/// Who changes groups is told so, which is later than all that the new group was told.
#[derive(Debug, Default)]
pub struct PrivateFeeds {
    accounts: Vec<AccountFeeds>,
    group_risk_at: Vec<Seq>,
    firm_risk_at: Seq,
    /// The accounts whose risk channel somebody listens to.
    risk_listened: BTreeSet<AccountId>,
}

impl PrivateFeeds {
    /// Moves the channels that `events` touch to `seq`; appends those that somebody listens to.
    ///
    /// Cost: one step per event; what binds many accounts, one for each whose risk is listened to.
    pub fn touch(&mut self, seq: Seq, events: &[Event], touched: &mut Vec<Touched>) {
        for event in events {
            let Some((audience, channels)) = private_channels(event) else { continue };
            match audience {
                Audience::Account(account) => {
                    for &channel in channels {
                        self.touch_one(seq, account, channel, touched);
                    }
                    if let Event::AccountConfigured(configured) = event {
                        self.account(account).group = configured.group;
                    }
                }
                Audience::Group(_) | Audience::Everyone => {
                    self.touch_many(seq, audience, touched);
                }
            }
        }
    }

    fn touch_one(
        &mut self,
        seq: Seq,
        account: AccountId,
        channel: Channel,
        touched: &mut Vec<Touched>,
    ) {
        let prev = match channel {
            Channel::Risk => self.at(account, channel),
            _ => Seq(0),
        };
        let feeds = self.account(account);
        let at = &mut feeds.at[index(channel)];
        if *at == seq {
            return;
        }
        let prev = std::mem::replace(at, seq).max(prev);
        if prev != seq && !feeds.listeners[index(channel)].is_empty() {
            touched.push(Touched { account, channel, prev });
        }
    }

    fn touch_many(&mut self, seq: Seq, audience: Audience, touched: &mut Vec<Touched>) {
        for account in &self.risk_listened {
            let binds = match audience {
                Audience::Group(group) => self.group(*account) == group,
                Audience::Account(_) | Audience::Everyone => true,
            };
            let prev = self.at(*account, Channel::Risk);
            if binds && prev != seq {
                touched.push(Touched { account: *account, channel: Channel::Risk, prev });
            }
        }
        match audience {
            Audience::Group(group) => {
                let place = group.0 as usize;
                if place >= self.group_risk_at.len() {
                    self.group_risk_at.resize(place + 1, Seq(0));
                }
                self.group_risk_at[place] = seq;
            }
            Audience::Account(_) | Audience::Everyone => self.firm_risk_at = seq,
        }
    }

    /// The group whose limits bind an account; 0 for none.
    pub fn group(&self, account: AccountId) -> GroupId {
        self.accounts.get(account.0 as usize).map_or(GroupId(0), |feeds| feeds.group)
    }

    /// The seq that a channel is at; 0 before its first message.
    pub fn at(&self, account: AccountId, channel: Channel) -> Seq {
        let feeds = self.accounts.get(account.0 as usize);
        let own = feeds.map_or(Seq(0), |feeds| feeds.at[index(channel)]);
        if channel != Channel::Risk {
            return own;
        }
        let group = self.group(account).0 as usize;
        // Group 0 is none: nothing is ever noted for it.
        let of_group = self.group_risk_at.get(group).copied().unwrap_or(Seq(0));
        own.max(of_group).max(self.firm_risk_at)
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
        if channel == Channel::Risk {
            self.risk_listened.insert(account);
        }
    }

    /// Removes a listener.
    pub fn leave(&mut self, account: AccountId, channel: Channel, conn: ConnId) {
        let listeners = &mut self.account(account).listeners[index(channel)];
        listeners.retain(|listener| *listener != conn);
        if channel == Channel::Risk && listeners.is_empty() {
            self.risk_listened.remove(&account);
        }
    }

    fn account(&mut self, account: AccountId) -> &mut AccountFeeds {
        let index = account.0 as usize;
        if index >= self.accounts.len() {
            self.accounts.resize_with(index + 1, AccountFeeds::default);
        }
        &mut self.accounts[index]
    }
}
