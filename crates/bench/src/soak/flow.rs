//! The orders: sessions of all accounts, round after round, over restarts of the node.
//!
//! Invariants
//! - Requests are due at their times, whatever the node does; while it is away none are due.
//! - What was sent and not answered when a connection ended, or was refused because the node was going to
//!   stop, is sent again with the same client order id, in the order in which it was sent.
//! - A round ends when every request is answered and every order has closed, as reports say.

use super::record::{Counts, Record};
use super::told::{Reply, Told, items, read};
use super::watchers::{AWAY_MAX, RETRY, Shared};
use crate::json::Object;
use crate::load::Target;
use crate::load::client::open_session;
use crate::load::cycle::Cycle;
use crate::load::drive::ns_between;
use crate::load::report::{Outcome, Report};
use crate::socket::{EVENTS_MAX, READ_BYTES, Socket};
use crate::sockets::times::number;
use crate::{Failure, failure};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Requests that are sent before what came is read again.
const TURN_MAX: usize = 512;
/// A node that answers nothing for so long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long reports may come behind the last reply of a round.
const REPORTS_MAX: Duration = Duration::from_secs(5);
/// Where nothing is due any more, how long it waits before it looks again.
const LOOK_NS: u64 = 50_000_000;
/// The id of what is asked beside orders.
const ASIDE_ID: usize = 1;

/// When the frame of a place was sent, where it is not under way.
const NOT_SENT: u64 = u64::MAX;
const ANSWERED: u64 = u64::MAX - 1;

/// One account's session.
#[derive(Debug)]
struct Peer {
    socket: Socket,
    /// The last seq of the channel `orders`.
    seq: u64,
    /// It was asked to go on from there.
    resumes: bool,
    /// That was refused: it has to begin with an image.
    begins_anew: bool,
}

/// The sessions.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    target: &'a Target,
    cycle: &'a Cycle,
    rate: u64,
    shared: &'a Shared,
    pub(super) record: Record,
    epoll: OwnedFd,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
}

/// What a round came to, and how far it is.
#[derive(Debug)]
struct Round {
    number: u64,
    start: Instant,
    /// What its times are later because the node was away, in ns.
    shift_ns: u64,
    sent_ns: Vec<u64>,
    is_again: Vec<bool>,
    next: usize,
    answered: usize,
    report: Report,
    away: Away,
    /// When something came last.
    heard: Instant,
}

/// How often the node was away in a round, and what became of its sessions.
#[derive(Clone, Copy, Debug, Default)]
struct Away {
    times: u64,
    told: u64,
    ms: u64,
    sessions: u64,
    resumed: u64,
    imaged: u64,
    resent: u64,
    /// Requests that a node which was going to stop refused: they are sent again too.
    refused: u64,
    /// From the first time that a request was sent to the reply that came behind the restart.
    longest_ms: u64,
}

impl Away {
    fn object(&self) -> Object {
        Object::new()
            .plain("times", self.times)
            .plain("told", self.told)
            .plain("ms", self.ms)
            .plain("sessions", self.sessions)
            .plain("resumed", self.resumed)
            .plain("imaged", self.imaged)
            .plain("resent", self.resent)
            .plain("refused", self.refused)
            .plain("longest_ms", self.longest_ms)
    }
}

impl Round {
    fn new(number: u64, len: usize) -> Self {
        let now = Instant::now();
        Self {
            number,
            start: now,
            shift_ns: 0,
            sent_ns: vec![NOT_SENT; len],
            is_again: vec![false; len],
            next: 0,
            answered: 0,
            report: Report::default(),
            away: Away::default(),
            heard: now,
        }
    }

    fn now_ns(&self) -> u64 {
        ns_between(self.start, Instant::now())
    }

    fn is_under_way(&self, place: usize) -> bool {
        self.sent_ns[place] < ANSWERED
    }
}

impl<'a> Flow<'a> {
    /// Opens a session of each account and subscribes each to its orders.
    ///
    /// # Errors
    /// The node is not there, or refuses.
    pub(super) fn open(
        target: &'a Target,
        cycle: &'a Cycle,
        rate: u64,
        shared: &'a Shared,
        record: Record,
    ) -> Result<Self, Failure> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let buffer = vec![0; READ_BYTES];
        let mut flow =
            Self { target, cycle, rate, shared, record, epoll, peers: Vec::new(), buffer };
        flow.peers = flow.sessions()?;
        for peer in &mut flow.peers {
            peer.ask(SUBSCRIBE);
            peer.socket.flush(&flow.epoll)?;
        }
        Ok(flow)
    }

    fn sessions(&self) -> Result<Vec<Peer>, Failure> {
        let Target { host, port, accounts, .. } = self.target;
        let one = |(token, account)| {
            let stream = open_session(host, *port, account)?;
            let socket = Socket::register(&self.epoll, stream, Role::Client, token)?;
            Ok(Peer { socket, seq: 0, resumes: false, begins_anew: false })
        };
        (0..).zip(accounts).map(one).collect()
    }

    /// Sends one round and waits for all of it; its figures.
    ///
    /// # Errors
    /// The node falls silent, does not come back, or breaks the protocol.
    pub(super) fn round(&mut self, number: u64) -> Result<Object, Failure> {
        let mut round = Round::new(number, self.cycle.len());
        while round.answered < self.cycle.len() {
            let is_there = self.send(&mut round) && self.hear(&mut round)?;
            if !is_there {
                self.come_back(&mut round)?;
            }
            if round.heard.elapsed() > SILENCE_MAX {
                return failure(format!("no reply for {} s", SILENCE_MAX.as_secs()));
            }
        }
        round.report.took = round.start.elapsed();
        let answered = Instant::now();
        while self.record.open() > 0 && answered.elapsed() < REPORTS_MAX {
            if !self.hear(&mut round)? {
                self.come_back(&mut round)?;
            }
        }
        let counts = self.record.end_round()?;
        Ok(self.figures(&round, &counts))
    }

    fn figures(&self, round: &Round, counts: &Counts) -> Object {
        let mut rejects = Object::new();
        for (code, count) in &round.report.rejects {
            rejects = rejects.plain(code, count);
        }
        round
            .report
            .object()
            .object("rejects", rejects)
            .object("orders", counts.object())
            .object("faults", self.record.faults.object())
            .object("away", round.away.object())
            .object("deliveries", self.shared.take().object(round.report.took))
    }

    /// Sends what is due; `false` where a connection has ended.
    fn send(&mut self, round: &mut Round) -> bool {
        let now_ns = round.now_ns();
        let end = self.cycle.len().min(round.next + TURN_MAX);
        let mut ready = Vec::with_capacity(self.peers.len());
        while round.next < end && self.due_ns(round, round.next) <= now_ns {
            let place = round.next;
            let due_ns = self.due_ns(round, place);
            ready.push(self.put(round, place, due_ns));
            round.next += 1;
        }
        for connection in ready {
            if self.peers[connection].socket.flush(&self.epoll).is_err() {
                return false;
            }
        }
        true
    }

    fn due_ns(&self, round: &Round, place: usize) -> u64 {
        let scaled = u128::try_from(place).unwrap_or(u128::MAX) * 1_000_000_000;
        let due_ns = u64::try_from(scaled / u128::from(self.rate)).unwrap_or(u64::MAX);
        due_ns.saturating_add(round.shift_ns)
    }

    /// Gives the frame of a place to its connection, which is returned.
    fn put(&mut self, round: &mut Round, place: usize, sent_ns: u64) -> usize {
        let connection = self.cycle.connection(place);
        self.cycle.append(place, round.number, &mut self.peers[connection].socket.out);
        round.sent_ns[place] = sent_ns;
        if let Some(order) = self.cycle.new_order(place) {
            let number = order + round.number * self.cycle.stride();
            self.record.sent(number, round.is_again[place]);
        }
        connection
    }

    /// Waits until something comes or is due, and takes it in; `false` where a connection has ended.
    fn hear(&mut self, round: &mut Round) -> Result<bool, Failure> {
        let wait_ns = if round.next < self.cycle.len() {
            self.due_ns(round, round.next).saturating_sub(round.now_ns())
        } else {
            LOOK_NS
        };
        let wait = Timespec::try_from(Duration::from_nanos(wait_ns))
            .map_err(|_| Failure("a wait too long".to_owned()))?;
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let (events, _) = match epoll::wait(&self.epoll, &mut events, Some(&wait)) {
            Err(rustix::io::Errno::INTR) => return Ok(true),
            result => result?,
        };
        let now_ns = round.now_ns();
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut is_there = true;
        for event in events {
            let Ok(connection) = usize::try_from(event.data.u64()) else { continue };
            let mut result = Ok(());
            let Some(peer) = self.peers.get_mut(connection) else { continue };
            let Peer { socket, seq, resumes, begins_anew } = peer;
            let mut hearing = Hearing {
                seq,
                resumes,
                begins_anew,
                record: &mut self.record,
                cycle: self.cycle,
                shared: self.shared,
                round: &mut *round,
                now_ns,
            };
            let read = socket.read(&mut buffer, |text| {
                if result.is_ok() {
                    result = hearing.take(text);
                }
            });
            let is_open = matches!(read, Ok(true));
            result?;
            if std::mem::take(&mut peer.begins_anew) {
                peer.ask(SUBSCRIBE);
                round.away.imaged += 1;
            }
            is_there &= is_open && peer.socket.flush(&self.epoll).is_ok();
        }
        self.buffer = buffer;
        Ok(is_there)
    }

    /// Opens all sessions again, goes on with the reports where they stopped, and sends again what was
    /// not answered.
    fn come_back(&mut self, round: &mut Round) -> Result<(), Failure> {
        let gone = Instant::now();
        let seqs: Vec<u64> = self.peers.iter().map(|peer| peer.seq).collect();
        self.peers.clear();
        self.peers = loop {
            match self.sessions() {
                Ok(peers) => break peers,
                Err(error) if gone.elapsed() > AWAY_MAX => return Err(error),
                Err(_) => std::thread::sleep(RETRY),
            }
        };
        for (peer, seq) in self.peers.iter_mut().zip(seqs) {
            (peer.seq, peer.resumes) = (seq, true);
            peer.ask(&format!(r#""op":"session.resume","params":{{"orders":{seq}}}"#));
        }
        let away_ns = ns_between(gone, Instant::now());
        round.shift_ns = round.shift_ns.saturating_add(away_ns);
        round.away.times += 1;
        round.away.ms += away_ns / 1_000_000;
        round.away.sessions += u64::try_from(self.peers.len()).unwrap_or_default();
        round.heard = Instant::now();
        for place in (0..round.next).filter(|place| round.is_under_way(*place)).collect::<Vec<_>>()
        {
            round.is_again[place] = true;
            let sent_ns = round.sent_ns[place];
            self.put(round, place, sent_ns);
            round.away.resent += 1;
        }
        for peer in &mut self.peers {
            // A connection that has ended again is found by the next read.
            let _ = peer.socket.flush(&self.epoll);
        }
        Ok(())
    }
}

/// What a session asks first.
const SUBSCRIBE: &str = r#""op":"subscribe","params":{"channel":"orders"}"#;

impl Peer {
    /// Puts a request that is about no order in front of what is sent.
    fn ask(&mut self, rest: &str) {
        let text = format!(r#"{{"id":{ASIDE_ID},{rest}}}"#);
        let head = FrameHead::masked(Opcode::Text, [1, 2, 3, 4]);
        write_frame(&mut self.socket.out, head, text.as_bytes());
    }
}

/// What one read of a session brings.
struct Hearing<'h> {
    seq: &'h mut u64,
    resumes: &'h mut bool,
    begins_anew: &'h mut bool,
    record: &'h mut Record,
    cycle: &'h Cycle,
    shared: &'h Shared,
    round: &'h mut Round,
    now_ns: u64,
}

impl Hearing<'_> {
    fn take(&mut self, text: &str) -> Result<(), Failure> {
        self.round.heard = Instant::now();
        match read(text) {
            Some(Told::Reply(reply)) if reply.id == ASIDE_ID => self.aside(&reply, text),
            Some(Told::Reply(reply)) => {
                if let Some(t_log) = number(text, "\"t_log\":") {
                    self.shared.recent.note(reply.seq, t_log);
                }
                self.reply(&reply);
                Ok(())
            }
            Some(Told::Orders { seq, prev, items: list }) => {
                self.record.faults.gaps += u64::from(prev.is_some_and(|prev| prev != *self.seq));
                *self.seq = seq;
                for item in items(list) {
                    self.record.reported(item.number, item.order_id, item.event, item.filled_lots);
                }
                Ok(())
            }
            Some(Told::GoingAway) => {
                self.round.away.told += 1;
                Ok(())
            }
            None => failure(format!("what was not asked for: {text}")),
        }
    }

    fn aside(&mut self, reply: &Reply<'_>, text: &str) -> Result<(), Failure> {
        match (std::mem::take(self.resumes), reply.outcome) {
            (true, Outcome::Accepted) => self.round.away.resumed += 1,
            (true, Outcome::Rejected("RESUME_TOO_OLD")) => *self.begins_anew = true,
            (false, Outcome::Accepted) => {}
            (_, Outcome::Rejected(_)) => return failure(format!("refused: {text}")),
        }
        Ok(())
    }

    fn reply(&mut self, reply: &Reply<'_>) {
        let found = self.cycle.sent_as(reply.id).filter(|(place, number)| {
            *number == self.round.number && self.round.is_under_way(*place)
        });
        let Some((place, _)) = found else {
            self.record.faults.unasked += 1;
            return;
        };
        if reply.outcome == Outcome::Rejected("SHUTTING_DOWN") {
            self.round.away.refused += 1;
            return;
        }
        let took_ns = self.now_ns.saturating_sub(self.round.sent_ns[place]);
        if self.round.is_again[place] {
            let longest_ms = &mut self.round.away.longest_ms;
            *longest_ms = (*longest_ms).max(took_ns / 1_000_000);
        } else {
            self.round.report.latency.record(took_ns);
        }
        self.round.report.count(reply.outcome);
        self.round.report.sent += 1;
        self.round.sent_ns[place] = ANSWERED;
        self.round.answered += 1;
        if let Some(order) = self.cycle.new_order(place) {
            let number = order + self.round.number * self.cycle.stride();
            let placed = (reply.outcome == Outcome::Accepted).then_some(reply.order_id).flatten();
            self.record.answered(number, placed, reply.is_duplicate);
        }
    }
}
