//! Who listens to which private channel of which account, and the seq each channel is at.
//!
//! Invariant: the seq a channel is at is a function of the log alone, so that any node can say
//! `prev` to a client that comes over from another.

use crate::batch::ConnId;
use crate::ring::{Link, LinkKey};
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
        _ => unreachable!("a public channel has no account"),
    }
}

/// The links of what binds groups and of what binds everyone, behind those of the channels.
const GROUP_STREAM: u8 = 5;
const FIRM_LINK: LinkKey = LinkKey { stream: 6, id: 0 };

fn own_link(account: AccountId, channel: Channel) -> LinkKey {
    LinkKey { stream: u8::try_from(index(channel)).unwrap_or(u8::MAX), id: account.0 }
}

const fn group_link(group: GroupId) -> LinkKey {
    LinkKey { stream: GROUP_STREAM, id: group.0 }
}

/// The chains that a channel of an account is made of, and where each ends.
pub(crate) fn links_of(
    feeds: &PrivateFeeds,
    account: AccountId,
    channel: Channel,
) -> Vec<(LinkKey, Seq)> {
    let known = feeds.accounts.get(account.0 as usize);
    let own = known.map_or(Seq(0), |feeds| feeds.at[index(channel)]);
    let mut links = vec![(own_link(account, channel), own)];
    if channel == Channel::Risk {
        let group = feeds.group(account);
        links.push((group_link(group), feeds.group_at(group)));
        links.push((FIRM_LINK, feeds.firm_risk_at));
    }
    links
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
    pub(crate) fn touch(
        &mut self,
        seq: Seq,
        events: &[Event],
        touched: &mut Vec<Touched>,
        links: &mut Vec<Link>,
    ) {
        for event in events {
            let Some((audience, channels)) = private_channels(event) else { continue };
            match audience {
                Audience::Account(account) => {
                    for &channel in channels {
                        self.touch_one(seq, account, channel, touched, links);
                    }
                    if let Event::AccountConfigured(configured) = event {
                        self.account(account).group = configured.group;
                    }
                }
                Audience::Group(_) | Audience::Everyone => {
                    self.touch_many(seq, audience, touched, links);
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
        links: &mut Vec<Link>,
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
        let own = std::mem::replace(at, seq);
        links.push(Link { key: own_link(account, channel), prev: own });
        let prev = own.max(prev);
        if prev != seq && !feeds.listeners[index(channel)].is_empty() {
            touched.push(Touched { account, channel, prev });
        }
    }

    fn touch_many(
        &mut self,
        seq: Seq,
        audience: Audience,
        touched: &mut Vec<Touched>,
        links: &mut Vec<Link>,
    ) {
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
        let (key, prev) = match audience {
            Audience::Group(group) => {
                let place = group.0 as usize;
                if place >= self.group_risk_at.len() {
                    self.group_risk_at.resize(place + 1, Seq(0));
                }
                (group_link(group), std::mem::replace(&mut self.group_risk_at[place], seq))
            }
            Audience::Account(_) | Audience::Everyone => {
                (FIRM_LINK, std::mem::replace(&mut self.firm_risk_at, seq))
            }
        };
        if prev != seq {
            links.push(Link { key, prev });
        }
    }

    /// Where the latest of what binds a group stands.
    fn group_at(&self, group: GroupId) -> Seq {
        // Group 0 is none: nothing is ever noted for it.
        self.group_risk_at.get(group.0 as usize).copied().unwrap_or_default()
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
        own.max(self.group_at(self.group(account))).max(self.firm_risk_at)
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
