//! Drives the connections of one shape from one thread that blocks in epoll.
//!
//! Invariants
//! - A connection has at most as many requests in flight as its shape says; an open loop has no such
//!   bound but the number of its rows.
//! - Requests are dealt to connections in the order of their rows, and at most `AHEAD_WINDOWS` windows
//!   of them wait in all: no connection runs ahead of the others.
//! - In an open loop a latency begins when its request was due, not when it could be sent.

use super::accounts::Account;
use super::client::{open_bare, open_session};
use super::frames::Frames;
use super::report::{Outcome, Report, read_echo, read_reply};
use super::shape::Shape;
use crate::socket::{EVENTS_MAX, READ_BYTES, Socket};
use crate::sockets::times::Times;
use crate::{Failure, failure};
use coulisse_gateway::frame::Role;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many requests wait for their connection, in windows of all connections.
const AHEAD_WINDOWS: usize = 4;
/// Requests that an open loop sends before it reads again, where it is behind its times.
const OPEN_TURN_MAX: usize = 512;
/// A server that answers nothing for so long has failed.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(20);

/// No time.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Stands for when a request was sent that was not.
const NOT_SENT: u64 = u64::MAX;

/// From one instant to a later one, in ns.
pub(crate) fn ns_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

/// One session and what it has to do.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) socket: Socket,
    /// Places of frames that wait for a place in the window.
    queue: VecDeque<usize>,
    in_flight: usize,
}

/// The sessions of one shape.
#[derive(Debug)]
pub struct Driver {
    pub(super) epoll: OwnedFd,
    pub(super) peers: Vec<Peer>,
    pub(super) buffer: Vec<u8>,
    /// The server sends back what it is sent.
    echoes: bool,
    /// Where the times that replies tell are noted, for those who watch.
    times: Option<Arc<Times>>,
    /// It has a processor to itself and never gives it away.
    spins: bool,
}

/// How far a shape has come.
struct Progress<'a> {
    frames: &'a Frames,
    report: Report,
    start: Instant,
    /// When each was sent or due, in ns since the start.
    sent_ns: Vec<u64>,
    /// The next row to be dealt.
    next: usize,
    /// Rows dealt to a connection and not sent.
    waiting: usize,
    answered: usize,
    echoes: bool,
}

impl Progress<'_> {
    fn now_ns(&self) -> u64 {
        ns_between(self.start, Instant::now())
    }

    /// Takes in a reply that came at `now_ns`.
    fn answer(&mut self, text: &str, now_ns: u64) -> Result<(), Failure> {
        let read = if self.echoes { read_echo(text) } else { read_reply(text) };
        let found = read.and_then(|(id, outcome)| Some((self.frames.place_of(id)?, outcome)));
        let was_sent = |place: usize| self.sent_ns[place] != NOT_SENT;
        let Some((place, outcome)) = found.filter(|(place, _)| was_sent(*place)) else {
            return failure(format!("a reply to nothing that was sent: {text}"));
        };
        self.report.latency.record(now_ns.saturating_sub(self.sent_ns[place]));
        self.report.count(outcome);
        let is_overloaded = outcome == Outcome::Rejected("OVERLOADED");
        if is_overloaded && self.frames.is_cancel(place) {
            self.report.cancels_overloaded += 1;
        }
        self.answered += 1;
        Ok(())
    }
}

impl Driver {
    /// Opens one session for each account; a bare socket where the server only echoes.
    ///
    /// # Errors
    /// A session cannot be opened.
    pub fn connect(
        host: &str,
        port: u16,
        accounts: &[Account],
        echoes: bool,
    ) -> Result<Self, Failure> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut peers = Vec::with_capacity(accounts.len());
        for (token, account) in (0..).zip(accounts) {
            let stream =
                if echoes { open_bare(host, port)? } else { open_session(host, port, account)? };
            let socket = Socket::register(&epoll, stream, Role::Client, token)?;
            peers.push(Peer { socket, queue: VecDeque::new(), in_flight: 0 });
        }
        let buffer = vec![0; READ_BYTES];
        Ok(Self { epoll, peers, buffer, echoes, times: None, spins: false })
    }

    /// Notes the times that replies tell.
    pub(crate) fn note_times(&mut self, times: Arc<Times>) {
        self.times = Some(times);
    }

    /// Never sleeps in an open loop from now on: nothing else is to run on its processor. On a virtual
    /// machine it takes up to half a millisecond until a processor that slept runs again, and no server can
    /// help that.
    pub fn spin(&mut self) {
        self.spins = true;
    }

    /// Sends frames in a shape until they or the time are used up, and waits for every reply.
    ///
    /// # Errors
    /// The server closes, falls silent, or answers what was not asked.
    pub fn run(
        &mut self,
        frames: &Frames,
        shape: Shape,
        limit: Duration,
    ) -> Result<Report, Failure> {
        let mut progress = Progress {
            frames,
            report: Report::default(),
            start: Instant::now(),
            sent_ns: vec![NOT_SENT; frames.len()],
            next: 0,
            waiting: 0,
            answered: 0,
            echoes: self.echoes,
        };
        match shape {
            Shape::Closed { in_flight, .. } => self.closed(&mut progress, in_flight, limit)?,
            Shape::Open { rate, per_write } => self.open(&mut progress, rate, per_write)?,
            Shape::Flood { .. } => return failure("a flood has frames of its own"),
        }
        progress.report.took = progress.start.elapsed();
        progress.report.sent = progress.next;
        Ok(progress.report)
    }

    fn closed(
        &mut self,
        progress: &mut Progress<'_>,
        window: usize,
        limit: Duration,
    ) -> Result<(), Failure> {
        let ahead = window * self.peers.len() * AHEAD_WINDOWS;
        let mut ready = Vec::with_capacity(self.peers.len());
        loop {
            // What has been dealt is sent, so that the next shape goes on behind it.
            let more = progress.start.elapsed() < limit;
            while more && progress.next < progress.frames.len() && progress.waiting < ahead {
                let connection = progress.frames.connection(progress.next);
                self.peers[connection].queue.push_back(progress.next);
                if self.peers[connection].in_flight < window {
                    ready.push(connection);
                }
                progress.next += 1;
                progress.waiting += 1;
            }
            for connection in ready.drain(..) {
                self.fill(connection, progress, window)?;
            }
            if progress.answered == progress.next {
                return Ok(());
            }
            self.take_replies(progress, None, &mut ready)?;
        }
    }

    /// Sends of a connection's queue what its window has room for.
    fn fill(
        &mut self,
        connection: usize,
        progress: &mut Progress<'_>,
        window: usize,
    ) -> Result<(), Failure> {
        let peer = &mut self.peers[connection];
        let count = peer.queue.len().min(window.saturating_sub(peer.in_flight));
        if count == 0 {
            return Ok(());
        }
        let now_ns = progress.now_ns();
        for place in peer.queue.drain(..count) {
            peer.socket.out.extend_from_slice(progress.frames.frame(place));
            progress.sent_ns[place] = now_ns;
        }
        peer.in_flight += count;
        progress.waiting -= count;
        peer.socket.flush(&self.epoll)
    }

    fn open(
        &mut self,
        progress: &mut Progress<'_>,
        rate: u64,
        per_write: usize,
    ) -> Result<(), Failure> {
        // Those of one write are due together.
        let due_ns = |place: usize| {
            let place = place - place % per_write;
            let scaled = u128::try_from(place).unwrap_or(u128::MAX) * 1_000_000_000;
            u64::try_from(scaled / u128::from(rate)).unwrap_or(u64::MAX)
        };
        let order = progress.frames.in_writes_of(per_write);
        let mut ready = Vec::with_capacity(self.peers.len());
        loop {
            let now_ns = progress.now_ns();
            ready.clear();
            // A client that only sends would be cut off for not reading, however fast the server is.
            let most = progress.next + OPEN_TURN_MAX;
            let end = progress.frames.len().min(most);
            while progress.next < end && due_ns(progress.next) <= now_ns {
                let place = order[progress.next];
                let connection = progress.frames.connection(place);
                let out = &mut self.peers[connection].socket.out;
                out.extend_from_slice(progress.frames.frame(place));
                progress.sent_ns[place] = due_ns(progress.next);
                progress.next += 1;
                if ready.last() != Some(&connection) {
                    ready.push(connection);
                }
            }
            for connection in ready.drain(..) {
                self.peers[connection].socket.flush(&self.epoll)?;
            }
            if progress.answered == progress.frames.len() {
                return Ok(());
            }
            let more = progress.next < progress.frames.len();
            let wait_ns = due_ns(progress.next).saturating_sub(progress.now_ns());
            self.take_replies(progress, more.then_some(wait_ns), &mut ready)?;
        }
    }

    /// Blocks until something comes, or for `wait_ns`, and takes it in; adds to `ready` the
    /// connections that had replies.
    fn take_replies(
        &mut self,
        progress: &mut Progress<'_>,
        wait_ns: Option<u64>,
        ready: &mut Vec<usize>,
    ) -> Result<(), Failure> {
        let times = self.times.clone();
        let mut heard = Vec::with_capacity(EVENTS_MAX);
        self.hear(wait_ns.map(Duration::from_nanos), &mut heard, |text, at| {
            if let Some(times) = &times {
                times.note(text);
            }
            progress.answer(text, ns_between(progress.start, at))
        })?;
        for (connection, count) in heard {
            let peer = &mut self.peers[connection];
            peer.in_flight = peer.in_flight.saturating_sub(count);
            ready.push(connection);
        }
        Ok(())
    }

    /// Blocks until something comes, for `wait` where that is given, and hands on each text with the time
    /// at which the waiting ended; adds to `heard` each connection that was read, and its texts.
    ///
    /// # Errors
    /// What `on_text` says; a connection is closed, or without `wait` nothing comes.
    pub(super) fn hear(
        &mut self,
        wait: Option<Duration>,
        heard: &mut Vec<(usize, usize)>,
        mut on_text: impl FnMut(&str, Instant) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let longest = Timespec::try_from(wait.unwrap_or(SILENCE_MAX))
            .map_err(|_| Failure("a wait too long".to_owned()))?;
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let spins_until = wait.filter(|_| self.spins).map(|wait| Instant::now() + wait);
        let (events, _) = loop {
            let most = if spins_until.is_some() { AT_ONCE } else { longest };
            let found = match epoll::wait(&self.epoll, &mut events, Some(&most)) {
                Err(rustix::io::Errno::INTR) => return Ok(()),
                result => result?,
            };
            if !found.0.is_empty() || spins_until.is_none_or(|until| Instant::now() >= until) {
                break found;
            }
        };
        if events.is_empty() && wait.is_none() {
            return failure(format!("no reply for {} s", SILENCE_MAX.as_secs()));
        }
        let at = Instant::now();
        for event in events {
            let Ok(connection) = usize::try_from(event.data.u64()) else { continue };
            let flags = event.flags;
            let peer = &mut self.peers[connection];
            if flags.contains(epoll::EventFlags::OUT) {
                peer.socket.flush(&self.epoll)?;
            }
            let (mut result, mut count) = (Ok(()), 0);
            let is_open = peer.socket.read(&mut self.buffer, |text| {
                if result.is_ok() {
                    result = on_text(text, at);
                    count += 1;
                }
            })?;
            result?;
            if !is_open {
                return failure("the server closed a connection");
            }
            // What answers a ping of the server.
            peer.socket.flush(&self.epoll)?;
            heard.push((connection, count));
        }
        Ok(())
    }
}
