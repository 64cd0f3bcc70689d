//! A public stream of messages and those who listen to it: each message is written once, and sent to
//! everyone in slices.
//!
//! What is told gathers in `pending`. A sweep takes all of it and gives it to one listener after
//! another, a bounded number in one turn of the loop; what is told meanwhile waits for the next sweep.
//! So an order never waits for more than a slice, and who listens costs one write for all that was told
//! since the last sweep.
//!
//! Invariants
//! - A listener gets each byte that was told after it came, once, in order; or it is stale, gets nothing,
//!   and the next thing it gets is an image.
//! - A stream keeps at most [`FAN_BYTES_MAX`] that is not sent yet; past it every listener is stale. While
//!   it is sent compressed as well, it keeps that once more for each window ([`packed`]).

use crate::batch::ConnId;
use crate::frame::{Opcode, begin_frame};
use crate::limits::FAN_BYTES_MAX;
use coulisse_types::{InstrumentId, Seq};
use coulisse_wire::native::feed::CandleInterval;
use std::collections::{BTreeMap, VecDeque};

pub(crate) mod packed;

/// What a public stream is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The levels of a book.
    Book {
        instrument: InstrumentId,
        /// Levels of each side; 0: all.
        depth: usize,
        /// Each change, and not the newest state from time to time.
        is_raw: bool,
    },
    /// The orders of a book.
    BookL3 { instrument: InstrumentId },
    /// The market in short.
    Ticker { instrument: InstrumentId },
    /// Trades by intervals.
    Candles { instrument: InstrumentId, interval: CandleInterval },
    /// Trades.
    Trades { instrument: InstrumentId },
    /// What an instrument takes.
    Status { instrument: InstrumentId },
    /// Which instruments there are.
    Instruments,
}

impl Topic {
    /// The instrument that it is about; 0 for all.
    pub(crate) const fn instrument(self) -> InstrumentId {
        match self {
            Self::Book { instrument, .. }
            | Self::BookL3 { instrument }
            | Self::Ticker { instrument }
            | Self::Candles { instrument, .. }
            | Self::Trades { instrument }
            | Self::Status { instrument } => instrument,
            Self::Instruments => InstrumentId(0),
        }
    }

    /// Whether a slow reader is given the newest state instead of all that was told.
    pub(crate) const fn conflates(self) -> bool {
        match self {
            Self::Book { .. }
            | Self::BookL3 { .. }
            | Self::Ticker { .. }
            | Self::Candles { .. } => true,
            Self::Trades { .. } | Self::Status { .. } | Self::Instruments => false,
        }
    }

    /// Whether it is told of when the feeds are published, and not with each record.
    pub(crate) const fn is_published(self) -> bool {
        matches!(
            self,
            Self::Book { is_raw: false, .. } | Self::Ticker { .. } | Self::Candles { .. }
        )
    }
}

/// Which stream, in the table of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FanId(usize);

/// Who listens.
#[derive(Clone, Copy, Debug)]
struct Listener {
    conn: ConnId,
    /// It has or needs nothing of what was told before this byte.
    from: u64,
    /// It was too slow: the next thing it gets is an image.
    stale: bool,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Fan {
    pub(crate) topic: Topic,
    /// The seq of the last message, which the next one follows.
    pub(crate) told: Seq,
    listeners: Vec<Listener>,
    stale_count: usize,
    /// What the sweep under way gives, framed.
    sending: Vec<u8>,
    /// Where its first byte stands among all that were ever told.
    sending_from: u64,
    /// The seq up to which it must be durable.
    sending_seq: Seq,
    /// The same compressed, where somebody takes it so.
    packed: packed::Packs,
    /// The listener whose turn it is.
    next: usize,
    pending: Vec<u8>,
    pending_seq: Seq,
    /// When the last sweep began.
    begun_us: i64,
    is_active: bool,
}

/// What a listener whose turn it is should get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// These bytes of what is being sent.
    Bytes(ConnId, usize),
    /// An image.
    Image(ConnId),
    /// Nothing: it has all of it.
    Nothing,
    /// The sweep is over.
    Over,
}

impl Fan {
    fn new(topic: Topic, told: Seq) -> Self {
        Self {
            topic,
            told,
            listeners: Vec::new(),
            stale_count: 0,
            sending: Vec::new(),
            sending_from: 0,
            sending_seq: Seq(0),
            packed: packed::Packs::default(),
            next: 0,
            pending: Vec::new(),
            pending_seq: Seq(0),
            begun_us: 0,
            is_active: false,
        }
    }

    /// How many bytes were ever told.
    fn end(&self) -> u64 {
        self.sending_from + (self.sending.len() + self.pending.len()) as u64
    }

    /// Whether it may be told the newest state: what it was told before is not being sent.
    pub(crate) fn may_publish(&self) -> bool {
        !self.is_sweeping() && self.pending.len() < FAN_BYTES_MAX / 4
    }

    fn is_sweeping(&self) -> bool {
        self.next > 0 || !self.sending.is_empty()
    }

    /// Tells one message, true at `seq`.
    pub(crate) fn tell(&mut self, seq: Seq, body: impl FnOnce(&mut Vec<u8>)) {
        let frame = begin_frame(&mut self.pending, Opcode::Text);
        body(&mut self.pending);
        frame.finish(&mut self.pending);
        self.pending_seq = seq;
        self.told = seq;
        if self.pending.len() > FAN_BYTES_MAX {
            self.overflow();
        }
    }

    /// More was told than can be sent: everyone begins again with an image.
    fn overflow(&mut self) {
        let end = self.end();
        for listener in &mut self.listeners {
            (listener.stale, listener.from) = (true, end);
        }
        self.stale_count = self.listeners.len();
        // The sweep under way ends; nobody is owed anything of it.
        self.sending_from = end;
        self.sending = Vec::new();
        self.packed.clear();
        self.pending.clear();
        self.next = 0;
    }

    /// Adds a listener, once; it is sent an image of what is true now by the caller.
    pub(crate) fn listen(&mut self, conn: ConnId) {
        let from = self.end();
        match self.listeners.iter_mut().find(|listener| listener.conn == conn) {
            None => self.listeners.push(Listener { conn, from, stale: false }),
            Some(listener) => {
                self.stale_count -= usize::from(listener.stale);
                (listener.from, listener.stale) = (from, false);
            }
        }
    }

    /// Adds a listener, once, whose image comes when the stream is told of next.
    fn listen_late(&mut self, conn: ConnId) {
        self.listen(conn);
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.conn == conn) {
            listener.stale = true;
            self.stale_count += 1;
        }
    }

    fn leave(&mut self, conn: ConnId) {
        let Some(at) = self.listeners.iter().position(|listener| listener.conn == conn) else {
            return;
        };
        let gone = self.listeners.remove(at);
        self.stale_count -= usize::from(gone.stale);
        if at < self.next {
            self.next -= 1;
        }
    }

    /// Notes that the listener whose turn it was is too slow.
    pub(crate) fn mark_stale(&mut self) {
        if let Some(listener) = self.next.checked_sub(1).and_then(|at| self.listeners.get_mut(at)) {
            self.stale_count += usize::from(!listener.stale);
            listener.stale = true;
        }
    }

    /// Notes that the listener whose turn it was got an image.
    pub(crate) fn mark_current(&mut self) {
        let end = self.end();
        if let Some(listener) = self.next.checked_sub(1).and_then(|at| self.listeners.get_mut(at)) {
            self.stale_count -= usize::from(listener.stale);
            (listener.from, listener.stale) = (end, false);
        }
    }

    /// Whether a sweep may go on or begin: what it gives is durable, and the one before is long enough
    /// ago for as many as listen.
    pub(crate) fn may_sweep(&self, durable: Seq, now_us: i64) -> bool {
        if self.is_sweeping() {
            return self.sending_seq <= durable;
        }
        let listeners = i64::try_from(self.listeners.len()).unwrap_or(i64::MAX);
        let rest_us = listeners.saturating_mul(crate::limits::SWEEP_REST_US);
        let rested = now_us.saturating_sub(self.begun_us) >= rest_us || now_us < self.begun_us;
        let is_small = self.listeners.len() <= crate::limits::SWEEP_SENDS_MAX;
        self.pending_seq <= durable && (is_small || rested || self.topic.is_published())
    }

    /// Begins a sweep with all that was told.
    fn begin(&mut self, now_us: i64) {
        self.sending_from += self.sending.len() as u64;
        self.sending = std::mem::take(&mut self.pending);
        self.packed.clear();
        self.sending_seq = self.pending_seq;
        self.begun_us = now_us;
        self.next = 0;
    }

    /// The next listener's turn. A sweep begins with the first one.
    pub(crate) fn turn(&mut self, now_us: i64) -> Turn {
        if !self.is_sweeping() {
            if self.pending.is_empty() && self.stale_count == 0 {
                return Turn::Over;
            }
            self.begin(now_us);
        }
        let Some(listener) = self.listeners.get(self.next) else {
            self.end_sweep();
            return Turn::Over;
        };
        self.next += 1;
        if listener.stale {
            return Turn::Image(listener.conn);
        }
        let skipped = listener.from.saturating_sub(self.sending_from);
        match usize::try_from(skipped) {
            Ok(skipped) if skipped < self.sending.len() => Turn::Bytes(listener.conn, skipped),
            _ => Turn::Nothing,
        }
    }

    fn end_sweep(&mut self) {
        self.sending_from += self.sending.len() as u64;
        // The memory of a large burst is given back; the next message makes its own.
        self.sending = Vec::new();
        self.packed.clear();
        self.next = 0;
    }

    /// What the sweep gives, from a byte on.
    pub(crate) fn bytes(&self, from: usize) -> &[u8] {
        self.sending.get(from..).unwrap_or_default()
    }

    /// The seq that the sweep's bytes are true at.
    pub(crate) const fn sending_seq(&self) -> Seq {
        self.sending_seq
    }

    /// Whether somebody who reads waits for its turn.
    pub(crate) fn is_under_way(&self) -> bool {
        self.is_sweeping() || !self.pending.is_empty()
    }

    fn has_work(&self) -> bool {
        self.is_under_way() || self.stale_count > 0
    }
}

/// All streams that somebody listens to.
#[derive(Debug, Default)]
pub(crate) struct Fans {
    all: Vec<Option<Fan>>,
    by_topic: BTreeMap<Topic, usize>,
    /// Those that have something to send, in turn.
    active: VecDeque<usize>,
}

impl Fans {
    /// The stream of a topic, if somebody listens to it.
    pub(crate) fn find(&self, topic: Topic) -> Option<FanId> {
        self.by_topic.get(&topic).copied().map(FanId)
    }

    /// Makes the stream of a topic, whose first image is true at `told`.
    pub(crate) fn make(&mut self, topic: Topic, told: Seq) -> FanId {
        let free = self.all.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() - 1
        });
        self.all[at] = Some(Fan::new(topic, told));
        self.by_topic.insert(topic, at);
        FanId(at)
    }

    /// Removes a listener; gives `true` where the stream is gone with it.
    pub(crate) fn leave(&mut self, id: FanId, conn: ConnId) -> bool {
        let Some(fan) = self.get_mut(id) else { return false };
        fan.leave(conn);
        if !fan.listeners.is_empty() {
            return false;
        }
        let topic = fan.topic;
        self.all[id.0] = None;
        self.by_topic.remove(&topic);
        self.active.retain(|at| *at != id.0);
        true
    }

    pub(crate) fn get_mut(&mut self, id: FanId) -> Option<&mut Fan> {
        self.all.get_mut(id.0)?.as_mut()
    }

    /// Adds a listener to a stream, whose image comes when that is told of next.
    pub(crate) fn listen_late(&mut self, id: FanId, conn: ConnId) {
        if let Some(fan) = self.get_mut(id) {
            fan.listen_late(conn);
        }
    }

    /// Tells a stream one message.
    pub(crate) fn tell(&mut self, id: FanId, seq: Seq, body: impl FnOnce(&mut Vec<u8>)) {
        if let Some(fan) = self.get_mut(id) {
            fan.tell(seq, body);
            self.wake(id);
        }
    }

    /// Puts a stream among those that have something to send.
    pub(crate) fn wake(&mut self, id: FanId) {
        let Some(fan) = self.get_mut(id) else { return };
        if fan.has_work() && !std::mem::replace(&mut fan.is_active, true) {
            self.active.push_back(id.0);
        }
    }

    /// Puts those streams among them that have stale listeners.
    pub(crate) fn wake_stale(&mut self) {
        for at in 0..self.all.len() {
            if self.all[at].as_ref().is_some_and(|fan| fan.stale_count > 0) {
                self.wake(FanId(at));
            }
        }
    }

    /// How many streams have something to send.
    pub(crate) fn active_count(&self) -> usize {
        self.active.len()
    }

    /// The stream whose turn it is; it goes to the end of the queue when it is put back.
    pub(crate) fn take_active(&mut self) -> Option<FanId> {
        let at = self.active.pop_front()?;
        if let Some(fan) = self.get_mut(FanId(at)) {
            fan.is_active = false;
        }
        Some(FanId(at))
    }

    /// Every topic that somebody listens to, with its stream.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (Topic, FanId)> + '_ {
        self.by_topic.iter().map(|(topic, at)| (*topic, FanId(*at)))
    }

    /// How many streams, and how many bytes they keep.
    pub(crate) fn used(&self) -> (usize, usize) {
        let bytes = |fan: &Fan| {
            fan.sending.capacity() + fan.pending.capacity() + fan.packed.allocated_bytes()
        };
        (self.by_topic.len(), self.all.iter().flatten().map(bytes).sum())
    }
}
