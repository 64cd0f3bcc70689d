//! Going on from a seq: what a client missed on a stream is told again, in slices, before it listens.
//!
//! Invariants
//! - A stream that is gone on with has no gap and tells nothing twice: its first delta follows the seq
//!   that was asked for, and whoever is being told what it missed is told nothing else of that stream.
//! - What cannot be told whole is refused, or begins with an image.

use crate::batch::ConnId;
use crate::conn::Subscription;
use crate::fan::Topic;
use crate::hub::Hub;
use crate::limits::{RESUME_HELD_BYTES_MAX, RESUME_MESSAGES_MAX, RESUME_SLICE};
use crate::private_feed::links_of;
use crate::ring::LinkKey;
use crate::view::CoreView;
use coulisse_types::{AccountId, Event, InstrumentId, Seq};
use coulisse_wire::native::Channel;
use coulisse_wire::native::feed::{
    DeltaHead, TradeRow, status_of, write_private_delta, write_status_delta, write_trades,
};
use std::collections::VecDeque;

/// The numbers of public streams in links; those of private channels are below.
pub(crate) const TRADES_LINK: u8 = 16;
pub(crate) const STATUS_LINK: u8 = 17;

/// A listener that is being told what it missed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    conn: ConnId,
    subscription: Subscription,
    /// It has all that its stream told up to here.
    at: Seq,
}

/// Something that was missed is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOld;

/// The oldest messages that were missed.
struct Missed {
    /// Their seqs, oldest first; [`RESUME_SLICE`] at most.
    seqs: VecDeque<Seq>,
    /// The seq of the message before the first.
    prev: Seq,
    /// There are more.
    has_more: bool,
}

impl Hub {
    /// Whether all that a subscription told after `from` is kept.
    pub(crate) fn can_resume(&self, subscription: Subscription, from: Seq) -> bool {
        match subscription {
            Subscription::Private { .. }
            | Subscription::Public(Topic::Trades { .. } | Topic::Status { .. }) => {
                self.missed(subscription, from).is_ok()
            }
            Subscription::Public(Topic::Instruments) => self.instruments_seq <= from,
            Subscription::Public(_) => false,
        }
    }

    /// Where the chains of a subscription's messages end.
    fn ends(&self, subscription: Subscription) -> Vec<(LinkKey, Seq)> {
        match subscription {
            Subscription::Private { account, channel } => links_of(&self.private, account, channel),
            Subscription::Public(Topic::Trades { instrument }) => {
                let at = self.feeds.get(instrument.0 as usize).map(|feed| feed.trades_seq);
                vec![(LinkKey { stream: TRADES_LINK, id: instrument.0 }, at.unwrap_or_default())]
            }
            Subscription::Public(Topic::Status { instrument }) => {
                let at = self.feeds.get(instrument.0 as usize).map(|feed| feed.status_seq);
                vec![(LinkKey { stream: STATUS_LINK, id: instrument.0 }, at.unwrap_or_default())]
            }
            Subscription::Public(_) => Vec::new(),
        }
    }

    /// The oldest messages of a subscription after `from`.
    ///
    /// Cost: one step for each message after `from`, [`RESUME_MESSAGES_MAX`] at most.
    fn missed(&self, subscription: Subscription, from: Seq) -> Result<Missed, TooOld> {
        let mut ends = self.ends(subscription);
        let (mut seqs, mut count) = (VecDeque::new(), 0);
        loop {
            let newest = ends.iter().map(|end| end.1).max().unwrap_or_default();
            if newest <= from {
                return Ok(Missed { has_more: count > seqs.len(), seqs, prev: newest });
            }
            let kept = self.ring.find(newest).ok_or(TooOld)?;
            for end in ends.iter_mut().filter(|end| end.1 == newest) {
                end.1 = kept.prev(end.0).ok_or(TooOld)?;
            }
            if moves(subscription, || kept.events()) {
                return Err(TooOld);
            }
            count += 1;
            if count > RESUME_MESSAGES_MAX {
                return Err(TooOld);
            }
            seqs.push_front(newest);
            if seqs.len() > RESUME_SLICE {
                seqs.pop_back();
            }
        }
    }

    /// Begins to tell a listener what it missed after `from`; it listens once it has all of it.
    pub(crate) fn resume(
        &mut self,
        conn: ConnId,
        subscription: Subscription,
        from: Seq,
        view: &impl CoreView,
    ) {
        let mut resume = Resume { conn, subscription, at: from };
        if !self.tell_slice(&mut resume, view) {
            self.resumes.push_back(resume);
        }
    }

    /// Forgets a listener that is being told what it missed.
    pub(crate) fn end_resume(&mut self, conn: ConnId, subscription: Subscription) {
        let is_it = |one: &Resume| (one.conn, one.subscription) == (conn, subscription);
        self.resumes.retain(|one| !is_it(one));
    }

    /// Tells some of those who wait for it what they missed.
    pub(crate) fn go_on_resuming(&mut self, view: &impl CoreView) {
        let mut slices = 0;
        for _ in 0..self.resumes.len() {
            let Some(mut resume) = self.resumes.pop_front() else { break };
            let Some(conn) = self.conn(resume.conn).filter(|conn| !conn.closing) else { continue };
            let has_room = !conn.paused && conn.held.len() < RESUME_HELD_BYTES_MAX;
            let may = has_room && slices < RESUMES_PER_TURN;
            slices += usize::from(may);
            if !may || !self.tell_slice(&mut resume, view) {
                self.resumes.push_back(resume);
            }
        }
        self.sweeps_on |= slices > 0;
    }

    /// Tells one slice; gives `true` where nothing is left and it listens, or is ended.
    fn tell_slice(&mut self, resume: &mut Resume, view: &impl CoreView) -> bool {
        let Ok(missed) = self.missed(resume.subscription, resume.at) else {
            // The log went on faster than it could read: that is too slow.
            self.cut_off(resume.conn, view.seq());
            return true;
        };
        let mut prev = missed.prev;
        for seq in missed.seqs {
            let mut message = std::mem::take(&mut self.message);
            message.clear();
            self.write_again(resume.subscription, (prev, seq), view, &mut message);
            self.write(resume.conn, seq, |out| out.extend_from_slice(&message));
            self.message = message;
            prev = seq;
        }
        resume.at = prev.max(resume.at);
        if !missed.has_more {
            self.listen(resume.conn, resume.subscription, view);
        }
        !missed.has_more
    }

    /// Writes a message of a stream as it was told.
    fn write_again(
        &self,
        subscription: Subscription,
        (prev, seq): (Seq, Seq),
        view: &impl CoreView,
        out: &mut Vec<u8>,
    ) {
        let Some(kept) = self.ring.find(seq) else { return };
        let (events, time_us) = (kept.events(), kept.time_us());
        let at = (prev.0, seq.0);
        let info = |instrument: InstrumentId| self.instruments.instrument(instrument);
        match subscription {
            Subscription::Private { account, channel } => {
                let Some(name) = view.account_name(account) else { return };
                let head = DeltaHead {
                    account,
                    account_name: name.as_str(),
                    group: self.private.group(account),
                    prev: prev.0,
                    seq: seq.0,
                    time_us,
                };
                write_private_delta(out, channel, &head, &events, &self.instruments);
            }
            Subscription::Public(Topic::Trades { instrument }) => {
                let Some(info) = info(instrument) else { return };
                let trades = events.iter().filter_map(|event| match event {
                    Event::Traded(traded) if traded.instrument == instrument => Some(TradeRow {
                        trade_id: traded.trade_id.0,
                        price: traded.price,
                        qty: traded.qty,
                        taker_side: traded.taker_side,
                        seq: seq.0,
                        time_us,
                    }),
                    _ => None,
                });
                write_trades(out, info, Some(prev.0), seq.0, trades);
            }
            Subscription::Public(Topic::Status { instrument }) => {
                let Some(info) = info(instrument) else { return };
                let changes = events.iter().filter(|event| status_of(event) == Some(instrument));
                write_status_delta(out, info, at, time_us, changes.copied());
            }
            Subscription::Public(_) => {}
        }
    }

    /// Adds a listener that needs no image.
    fn listen(&mut self, conn: ConnId, subscription: Subscription, view: &impl CoreView) {
        match subscription {
            Subscription::Private { account, channel } => {
                self.private.listen(account, channel, conn);
            }
            Subscription::Public(topic) => self.join_public(conn, topic, view),
        }
    }
}

/// Listeners that are told a slice in one turn of the loop.
const RESUMES_PER_TURN: usize = 8;

/// Whether a record moved an account to another group: what bound it before is not known any more.
fn moves(subscription: Subscription, events: impl FnOnce() -> Vec<Event>) -> bool {
    let Subscription::Private { account, channel: Channel::Risk } = subscription else {
        return false;
    };
    let of_it = |of: AccountId| of == account;
    events().iter().any(|event| match event {
        Event::AccountConfigured(configured) => of_it(configured.account),
        _ => false,
    })
}
