//! `coulisse-bench rest`: orders over the private REST, signed with HMAC, then requests that must not
//! be accepted.
//!
//! One thread that blocks in epoll. Each connection has one request under way, signed when it is sent.
//! What is spoiled is spoiled in turn in every way that [`Spoil`] has; whatever answers one of those
//! with a success has let somebody in.

mod request;

use crate::args::Args;
use crate::histogram::Histogram;
use crate::json::Object;
use crate::load::Target;
use crate::load::accounts::{self, Account};
use crate::load::frames::write_params;
use crate::load::report::{Outcome, Report};
use crate::workload::{self, Kind, Row};
use crate::{Failure, failure};
use request::{Signing, Spoil, read_answer};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{RecvFlags, recv};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Bytes taken from a socket at a time.
const READ_BYTES: usize = 16 * 1_024;
/// Events taken from epoll at a time.
const EVENTS_MAX: usize = 256;
/// How long a request that was accepted is good for replaying: well within its window.
const REPLAY_FOR: Duration = Duration::from_secs(2);
/// An hour, in microseconds.
const HOUR_US: u64 = 3_600_000_000;

/// One connection and what it waits for.
struct Peer {
    stream: TcpStream,
    account: usize,
    nonce: u64,
    input: Vec<u8>,
    sent_at: Instant,
    /// What was wrong with what was sent.
    spoil: Option<Spoil>,
    /// The last request that was accepted, and when it was sent.
    good: Option<(Vec<u8>, Instant)>,
    /// What was sent last.
    output: Vec<u8>,
}

/// What has come of the spoiled ones: how many, and by way and code.
#[derive(Default)]
struct Spoiled {
    sent: usize,
    accepted: u64,
    codes: BTreeMap<String, u64>,
}

/// The whole run.
struct Run<'a> {
    host: String,
    symbol: &'a str,
    accounts: &'a [Account],
    revoked: &'a [Account],
    expired: &'a [Account],
    rows: std::slice::Iter<'a, Row>,
    report: Report,
    spoiled: Spoiled,
    /// How many spoiled requests to send; good ones only where 0.
    to_spoil: usize,
    stop_at: Instant,
    waiting: usize,
}

/// Runs the command and returns the line that it prints.
///
/// # Errors
/// A flag or a file means nothing, or the server is not there, closes or does not speak HTTP.
pub fn run(mut args: Args) -> Result<String, Failure> {
    let target = Target::of(&mut args)?;
    let path: PathBuf = args.needed("--workload")?;
    let connections: usize = args.value("--connections")?.unwrap_or(50);
    let seconds: u64 = args.value("--seconds")?.unwrap_or(5);
    let to_spoil: usize = args.value("--spoiled")?.unwrap_or(0);
    let mut keys = |flag| match args.value::<PathBuf>(flag)? {
        Some(path) => accounts::read(&path),
        None if to_spoil > 0 => failure(format!("--spoiled needs {flag}, a file of such keys")),
        None => Ok(Vec::new()),
    };
    let (revoked, expired) = (keys("--revoked")?, keys("--expired")?);
    args.end()?;
    let rows = workload::read(&path, 1)?;
    let rows: Vec<Row> = rows.into_iter().filter(|row| row.kind != Kind::Cancel).collect();
    let mut run = Run {
        host: format!("{}:{}", target.host, target.port),
        symbol: &target.symbol,
        accounts: &target.accounts,
        revoked: &revoked,
        expired: &expired,
        rows: rows.iter(),
        report: Report { latency: Histogram::new(), ..Report::default() },
        spoiled: Spoiled::default(),
        to_spoil: 0,
        stop_at: Instant::now(),
        waiting: 0,
    };
    let (epoll, mut peers) = run.connect(&target, connections)?;
    run.stop_at = Instant::now() + Duration::from_secs(seconds);
    let start = Instant::now();
    run.drive(&epoll, &mut peers)?;
    run.report.took = start.elapsed();
    let placed = run.report.totals(run.report.object());
    if to_spoil == 0 {
        return Ok(Object::new().object("placed", placed).finish());
    }
    run.to_spoil = to_spoil;
    let start = Instant::now();
    run.drive(&epoll, &mut peers)?;
    let spoiled = run.spoiled.object(start.elapsed());
    Ok(Object::new().object("placed", placed).object("spoiled", spoiled).finish())
}

impl Spoiled {
    fn object(&self, took: Duration) -> Object {
        let mut codes = Object::new();
        for (code, count) in &self.codes {
            codes = codes.plain(code, count);
        }
        Object::new()
            .plain("sent", self.sent)
            .plain("accepted", self.accepted)
            .plain("took_ms", took.as_millis())
            .object("codes", codes)
    }
}

impl Run<'_> {
    fn connect(&self, target: &Target, count: usize) -> Result<(OwnedFd, Vec<Peer>), Failure> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut peers = Vec::with_capacity(count);
        for number in 0..count.min(self.accounts.len()) {
            let stream = TcpStream::connect((target.host.as_str(), target.port))?;
            stream.set_nodelay(true)?;
            let token = EventData::new_u64(u64::try_from(number).unwrap_or(0));
            epoll::add(&epoll, stream.as_fd(), token, EventFlags::IN)?;
            peers.push(Peer {
                stream,
                account: number,
                nonce: now_us(),
                input: Vec::new(),
                sent_at: Instant::now(),
                spoil: None,
                good: None,
                output: Vec::new(),
            });
        }
        Ok((epoll, peers))
    }

    /// Keeps every connection asking until there is nothing more to ask, and takes in all answers.
    fn drive(&mut self, epoll: &OwnedFd, peers: &mut [Peer]) -> Result<(), Failure> {
        let mut buffer = vec![0; READ_BYTES];
        for peer in peers.iter_mut() {
            self.ask(peer)?;
        }
        while self.waiting > 0 {
            let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
            let (events, _) = match epoll::wait(epoll, &mut events, None) {
                Err(rustix::io::Errno::INTR) => continue,
                result => result?,
            };
            for event in events {
                let Ok(number) = usize::try_from(event.data.u64()) else { continue };
                let peer = &mut peers[number];
                let (count, _) = recv(peer.stream.as_fd(), &mut buffer[..], RecvFlags::DONTWAIT)?;
                if count == 0 {
                    return failure("the server closed a connection");
                }
                peer.input.extend_from_slice(&buffer[..count]);
                if self.take(peer)? {
                    self.ask(peer)?;
                }
            }
        }
        Ok(())
    }

    /// Sends a connection's next request, if there is to be one.
    fn ask(&mut self, peer: &mut Peer) -> Result<(), Failure> {
        let account = &self.accounts[peer.account];
        let can_replay = peer.good.as_ref().is_some_and(|(_, at)| at.elapsed() < REPLAY_FOR);
        let is_over = if self.to_spoil == 0 {
            Instant::now() >= self.stop_at || self.rows.len() == 0
        } else {
            self.spoiled.sent >= self.to_spoil
        };
        if is_over {
            return Ok(());
        }
        peer.output.clear();
        peer.nonce += 1;
        peer.spoil = None;
        if self.to_spoil > 0 && can_replay {
            let spoil = Spoil::ALL[self.spoiled.sent % Spoil::ALL.len()];
            self.spoiled.sent += 1;
            self.write_spoiled(peer, account, spoil);
            peer.spoil = Some(spoil);
        } else {
            let Some(row) = self.rows.next() else {
                return failure("the workload has no rows left to place");
            };
            let mut body = Vec::new();
            write_params(&mut body, row, self.symbol);
            Signing::of(&self.host, account, now_us(), peer.nonce).write(&mut peer.output, &body);
        }
        self.waiting += 1;
        peer.sent_at = Instant::now();
        Ok(peer.stream.write_all(&peer.output)?)
    }

    /// Writes a request that must not be accepted.
    fn write_spoiled(&self, peer: &mut Peer, account: &Account, spoil: Spoil) {
        let body =
            format!(r#"{{"symbol":"{}","side":"buy","qty":"0.01","price":"10.00"}}"#, self.symbol);
        let now_us = now_us();
        let mut signing = Signing::of(&self.host, account, now_us, peer.nonce);
        match spoil {
            Spoil::Signature | Spoil::Body => {}
            Spoil::Secret => {
                let other = &self.accounts[(peer.account + 1) % self.accounts.len()];
                signing.secret = &other.private_key;
            }
            Spoil::Late => signing.timestamp_us = now_us - HOUR_US,
            Spoil::Revoked | Spoil::Expired => {
                let keys = if spoil == Spoil::Revoked { self.revoked } else { self.expired };
                let key = &keys[peer.account % keys.len()];
                signing = Signing::of(&self.host, key, now_us, peer.nonce);
            }
            Spoil::Replayed => {
                if let Some((request, _)) = &peer.good {
                    peer.output.clone_from(request);
                }
                return;
            }
        }
        signing.write_spoiled(&mut peer.output, body.as_bytes(), spoil);
    }

    /// Takes in an answer, if it is whole.
    fn take(&mut self, peer: &mut Peer) -> Result<bool, Failure> {
        let Some((end, status, code)) = read_answer(&peer.input) else { return Ok(false) };
        let is_accepted = (200..300).contains(&status);
        match peer.spoil {
            None => {
                self.report.latency.record(nanos(peer.sent_at.elapsed()));
                self.report.sent += 1;
                self.report.count(if is_accepted {
                    Outcome::Accepted
                } else {
                    Outcome::Rejected(code.unwrap_or("none"))
                });
                if is_accepted {
                    peer.good = Some((peer.output.clone(), peer.sent_at));
                }
            }
            Some(spoil) => {
                let code = code.unwrap_or("none");
                *self.spoiled.codes.entry(format!("{} {code}", spoil.name())).or_default() += 1;
                self.spoiled.accepted += u64::from(is_accepted);
            }
        }
        if peer.input.len() != end {
            return failure("an answer to nothing that was asked");
        }
        peer.input.clear();
        self.waiting -= 1;
        Ok(true)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
