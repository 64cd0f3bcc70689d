//! Who listens to which private channel of which account, and the seq each channel is at.
//!
//! Invariant: the seq a channel is at is a function of the log alone, so that any node can say
//! `prev` to a client that comes over from another.

use crate::batch::ConnId;
use coulisse_types::{AccountId, Event, Seq};

/// A channel that only the account's own sessions may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrivateChannel {
    /// What becomes of the account's orders.
    Orders,
    /// The account's fills.
    Fills,
    /// The account's balances.
    Balances,
}

impl PrivateChannel {
    /// All of them, in the order of their messages within one command.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Fills, Self::Balances];

    fn index(self) -> usize {
        match self {
            Self::Orders => 0,
            Self::Fills => 1,
            Self::Balances => 2,
        }
    }

    /// The channels that `event` belongs to, and whose they are.
    pub fn of(event: &Event) -> (&'static [Self], AccountId) {
        match event {
            Event::OrderAccepted(e) => (&[Self::Orders], e.account),
            Event::OrderAmended(e) => (&[Self::Orders], e.account),
            Event::OrderClosed(e) => (&[Self::Orders], e.account),
            Event::OrderFilled(e) => (&[Self::Orders, Self::Fills], e.account),
            Event::BalanceChanged(e) => (&[Self::Balances], e.account),
            Event::Rejected(_)
            | Event::OrderDuplicate(_)
            | Event::RequestDuplicate(_)
            | Event::GenesisSet(_)
            | Event::NodeJoined(_)
            | Event::AssetCreated(_)
            | Event::InstrumentCreated(_)
            | Event::AccountCreated(_)
            | Event::KeyCreated(_)
            | Event::Deposited(_)
            | Event::Withdrawn(_)
            | Event::Traded(_)
            | Event::OrderRested(_)
            | Event::OrdersCancelled(_)
            | Event::LevelChanged(_) => (&[], AccountId(0)),
        }
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
    pub channel: PrivateChannel,
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
            let (channels, account) = PrivateChannel::of(event);
            for channel in channels {
                let feeds = self.account(account);
                let at = &mut feeds.at[channel.index()];
                if *at == seq {
                    continue;
                }
                let prev = std::mem::replace(at, seq);
                if !feeds.listeners[channel.index()].is_empty() {
                    touched.push(Touched { account, channel: *channel, prev });
                }
            }
        }
    }

    /// The seq that a channel is at; 0 before its first message.
    pub fn at(&self, account: AccountId, channel: PrivateChannel) -> Seq {
        self.accounts.get(account.0 as usize).map_or(Seq(0), |feeds| feeds.at[channel.index()])
    }

    /// Who listens to a channel.
    pub fn listeners(&self, account: AccountId, channel: PrivateChannel) -> &[ConnId] {
        self.accounts
            .get(account.0 as usize)
            .map_or(&[], |feeds| feeds.listeners[channel.index()].as_slice())
    }

    /// Adds a listener; `false` if it listens already.
    pub fn listen(&mut self, account: AccountId, channel: PrivateChannel, conn: ConnId) -> bool {
        let listeners = &mut self.account(account).listeners[channel.index()];
        let new = !listeners.contains(&conn);
        if new {
            listeners.push(conn);
        }
        new
    }

    /// Removes a listener; `false` if it did not listen.
    pub fn leave(&mut self, account: AccountId, channel: PrivateChannel, conn: ConnId) -> bool {
        let listeners = &mut self.account(account).listeners[channel.index()];
        let before = listeners.len();
        listeners.retain(|listener| *listener != conn);
        listeners.len() < before
    }

    fn account(&mut self, account: AccountId) -> &mut AccountFeeds {
        let index = account.0 as usize;
        if index >= self.accounts.len() {
            self.accounts.resize_with(index + 1, AccountFeeds::default);
        }
        &mut self.accounts[index]
    }
}
