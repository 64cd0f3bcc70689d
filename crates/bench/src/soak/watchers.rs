//! The sockets that watch a book, on a thread of their own: read all the while, opened again after a
//! restart of the node.

use crate::histogram::Histogram;
use crate::json::Object;
use crate::load::client::open_socket;
use crate::socket::{EVENTS_MAX, READ_BYTES, Socket};
use crate::sockets::times::number;
use crate::{Failure, failure};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long it waits for messages before it looks whether to stop.
const TURN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// No time.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// After so many sockets are opened, those that are open are read.
const OPENED_PER_TURN: usize = 64;
/// How long a node may be away: it may have half an hour of orders to apply again.
pub(super) const AWAY_MAX: Duration = Duration::from_secs(600);
/// Between two tries to connect to one that is away.
pub(super) const RETRY: Duration = Duration::from_millis(100);
/// Seqs of which it is remembered when the log took them.
const SEQS: usize = 1 << 18;
/// How far before a seq one is looked for that a reply told of.
const NEAR: u64 = 10_000;

/// When the log took the latest records, as replies say: written by one thread, read by another.
#[derive(Debug)]
pub(super) struct Recent {
    slots: Vec<(AtomicU64, AtomicU64)>,
}

impl Recent {
    pub(super) fn new() -> Self {
        let mut slots = Vec::new();
        slots.resize_with(SEQS, Default::default);
        Self { slots }
    }

    fn slot(&self, seq: u64) -> &(AtomicU64, AtomicU64) {
        &self.slots[usize::try_from(seq).unwrap_or_default() % SEQS]
    }

    /// Notes when the log took `seq`, in µs since the epoch.
    pub(super) fn note(&self, seq: u64, t_log: u64) {
        let (at, time) = self.slot(seq);
        time.store(t_log, Ordering::Relaxed);
        at.store(seq, Ordering::Release);
    }

    /// When it took `seq`, or the last record near before it of which a reply told.
    fn at(&self, seq: u64) -> Option<u64> {
        (seq.saturating_sub(NEAR)..=seq).rev().find_map(|seq| {
            let (at, time) = self.slot(seq);
            (at.load(Ordering::Acquire) == seq).then(|| time.load(Ordering::Relaxed))
        })
    }
}

/// What came since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Seen {
    messages: u64,
    latency: Histogram,
    /// Times that all sockets had to be opened again, and how long the last time took.
    reopened: u64,
    reopened_ms: u64,
}

impl Seen {
    /// The figures; `took` is the time in which it came.
    pub(super) fn object(&self, took: Duration) -> Object {
        let messages = usize::try_from(self.messages).unwrap_or(usize::MAX);
        Object::new()
            .plain("messages", self.messages)
            .plain("messages_per_s", crate::core::per_second(messages, took))
            .us("p50_us", self.latency.at_per_mille(500))
            .us("p99_us", self.latency.at_per_mille(990))
            .plain("reopened", self.reopened)
            .plain("reopened_ms", self.reopened_ms)
    }
}

/// What the two threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) recent: Recent,
    seen: Mutex<Seen>,
    stops: AtomicBool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { recent: Recent::new(), seen: Mutex::default(), stops: AtomicBool::new(false) }
    }

    /// Takes what came since the last time.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.stops.store(true, Ordering::Relaxed);
    }
}

/// Where they connect to and what they ask for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) symbol: String,
    pub(super) depth: usize,
    pub(super) count: usize,
}

/// The sockets.
#[derive(Debug)]
pub(super) struct Watchers {
    asked: Asked,
    epoll: OwnedFd,
    sockets: Vec<Socket>,
    buffer: Vec<u8>,
}

impl Watchers {
    /// Opens them all and subscribes each.
    ///
    /// # Errors
    /// The node refuses one.
    pub(super) fn open(asked: Asked, shared: &Shared) -> Result<Self, Failure> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let buffer = vec![0; READ_BYTES];
        let mut watchers = Self { asked, epoll, sockets: Vec::new(), buffer };
        watchers.fill(shared)?;
        Ok(watchers)
    }

    /// Reads until it is told to stop; where the node goes, it waits until it is back.
    ///
    /// # Errors
    /// It does not come back, or breaks the protocol.
    pub(super) fn run(&mut self, shared: &Shared) -> Result<(), Failure> {
        while !shared.stops.load(Ordering::Relaxed) {
            if !self.turn(&TURN, shared)? {
                self.come_back(shared)?;
            }
        }
        Ok(())
    }

    fn come_back(&mut self, shared: &Shared) -> Result<(), Failure> {
        let gone = Instant::now();
        loop {
            self.sockets.clear();
            if self.fill(shared).is_ok() {
                break;
            }
            if gone.elapsed() > AWAY_MAX || shared.stops.load(Ordering::Relaxed) {
                return failure("the node did not come back for those that watch");
            }
            std::thread::sleep(RETRY);
        }
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.reopened += 1;
        seen.reopened_ms = u64::try_from(gone.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Opens as many as there are to be.
    fn fill(&mut self, shared: &Shared) -> Result<(), Failure> {
        let Asked { host, port, symbol, depth, count } = self.asked.clone();
        let text = format!(
            r#"{{"id":1,"op":"subscribe","params":{{"channel":"book","symbols":["{symbol}"],"depth":{depth}}}}}"#
        );
        while self.sockets.len() < count {
            let stream = open_socket(&host, port)?;
            let token = u64::try_from(self.sockets.len()).unwrap_or(u64::MAX);
            let mut socket = Socket::register(&self.epoll, stream, Role::Client, token)?;
            let head = FrameHead::masked(Opcode::Text, [1, 2, 3, 4]);
            write_frame(&mut socket.out, head, text.as_bytes());
            socket.flush(&self.epoll)?;
            self.sockets.push(socket);
            if self.sockets.len().is_multiple_of(OPENED_PER_TURN) && !self.turn(&AT_ONCE, shared)? {
                return failure("the node closed a socket that watches");
            }
        }
        Ok(())
    }

    /// Reads what is there, once; `false` where a socket was closed.
    fn turn(&mut self, wait: &Timespec, shared: &Shared) -> Result<bool, Failure> {
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let (events, _) = match epoll::wait(&self.epoll, &mut events, Some(wait)) {
            Err(rustix::io::Errno::INTR) => return Ok(true),
            result => result?,
        };
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            // One that was closed a moment ago may have had an event.
            let Some(socket) = self.sockets.get_mut(place) else { continue };
            let now = now_us();
            let is_open = socket.read(&mut self.buffer, |text| {
                let delta = text.contains("\"type\":\"delta\"");
                seen.messages += u64::from(delta);
                let seq = delta.then(|| number(text, "\"seq\":")).flatten();
                if let Some(t_log) = seq.and_then(|seq| shared.recent.at(seq)) {
                    seen.latency.record(now.saturating_sub(t_log) * 1_000);
                }
            })?;
            if !is_open || socket.flush(&self.epoll).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_has_the_time_of_the_last_one_told_of_and_none_of_a_turn_before() {
        let recent = Recent::new();
        recent.note(20_000, 77);
        assert_eq!([19_999, 20_000, 20_007].map(|seq| recent.at(seq)), [None, Some(77), Some(77)]);
        assert_eq!(recent.at(30_001), None, "too far behind it");
        assert_eq!(recent.at(20_000 + SEQS as u64), None, "that slot holds another seq");
    }
}
