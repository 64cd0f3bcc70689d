//! The core's side of its workers: who they are, what they ask, and what they are told.
//!
//! Invariants
//! - What is told is durable.
//! - A worker that is gone, or too slow, costs the others nothing: its link ends, what it asked stays in
//!   the log, and the orders of its sessions that wanted it are cancelled.

use crate::clock::Leap;
use crate::node_core::NodeCore;
use crate::notes::say;
use crate::source::Source;
use crate::urgency::be_urgent;
use crate::wire::{Poll, READ_BYTES, Wire, forget, listen};
use coulisse_gateway::batch::{Request, Waiter};
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::LINK_SESSIONS;
use coulisse_gateway::link::{Asked, CoreEnd, LinkFault, Told, Welcome};
use coulisse_journal::limits::GROUP_BYTES_MAX;
use coulisse_types::{InstrumentId, Seq};
use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::os::unix::net::UnixListener;

/// The listener's token; links have their numbers, from 1.
const LISTENER: u64 = 0;
/// Reads of one link in one turn of the loop.
const READS_PER_TURN: usize = 16;
/// Numbers for sessions that are the core's own: the first of each start.
const OWN_BLOCKS: u64 = 16;
/// Blocks of numbers of one start: they share 32 bits.
const BLOCKS: u64 = (1 << 32) / LINK_SESSIONS;

/// A batch that is not told yet.
#[derive(Clone, Copy, Debug)]
struct Mark {
    last_seq: u64,
    hash: [u8; 16],
    /// Where its records end.
    end: usize,
}

/// One worker.
#[derive(Debug)]
struct Link {
    wire: Wire,
    end: CoreEnd,
    /// The first of each block of numbers that its sessions have.
    blocks: Vec<u64>,
}

/// All workers of a core.
#[derive(Debug)]
pub(crate) struct Links {
    /// The data directory, where the socket is.
    dir: String,
    poll: Poll,
    listener: UnixListener,
    all: BTreeMap<u32, Link>,
    newest: u32,
    /// The records that are not durable yet, and where each batch ends.
    records: Vec<u8>,
    marks: VecDeque<Mark>,
    /// The seq behind which they begin.
    told_seq: u64,
    buffer: Vec<u8>,
    next_block: u64,
}

impl Links {
    fn open(dir: &str, durable_seq: u64) -> std::io::Result<Self> {
        let (poll, listener) = (Poll::new()?, listen(dir)?);
        poll.add(&listener, LISTENER)?;
        Ok(Self {
            dir: dir.to_string(),
            poll,
            listener,
            all: BTreeMap::new(),
            newest: 0,
            records: Vec::new(),
            marks: VecDeque::new(),
            told_seq: durable_seq,
            buffer: vec![0; READ_BYTES],
            next_block: OWN_BLOCKS,
        })
    }

    /// How many workers there are.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// A batch was written and applied.
    pub(crate) fn note(&mut self, records: &[u8], last_seq: u64, hash: [u8; 16]) {
        self.records.extend_from_slice(records);
        self.marks.push_back(Mark { last_seq, hash, end: self.records.len() });
    }

    /// A command of a worker has become the record at this seq.
    pub(crate) fn own(&mut self, link: u32, seq: Seq) {
        if let Some(link) = self.all.get_mut(&link) {
            link.end.own(seq.0);
        }
    }

    /// Commands of workers were void, each with the count of those that stay before it; `first_seq` goes
    /// to the first that stays.
    pub(crate) fn drop_void(&mut self, first_seq: u64, late: &[(u32, usize)]) {
        for (link, before) in late {
            if let Some(link) = self.all.get_mut(link) {
                link.end.drop_void(first_seq + *before as u64);
            }
        }
    }

    /// Tells every worker what is durable, and what the log has room for.
    pub(crate) fn tell(&mut self, durable: Seq, hub: &mut Hub) {
        let mut start = 0;
        while let Some(first) = self.marks.front().filter(|mark| mark.last_seq <= durable.0) {
            // As many batches as make a frame of some size, at least one.
            let most = start + GROUP_BYTES_MAX;
            let mut last = *first;
            while let Some(mark) = self.marks.front().copied()
                && mark.last_seq <= durable.0
                && (mark.end <= most || mark.end == last.end)
            {
                last = mark;
                self.marks.pop_front();
            }
            let told = Told {
                first_seq: self.told_seq + 1,
                last_seq: last.last_seq,
                hash: last.hash,
                records: &self.records[start..last.end],
            };
            let mut gone = Vec::new();
            for (number, link) in &mut self.all {
                if let Err(fault) = link.end.tell(&told) {
                    gone.push((*number, fault.to_string()));
                }
            }
            start = last.end;
            self.told_seq = last.last_seq;
            self.end_all(gone, hub);
        }
        if start > 0 {
            self.records.drain(..start);
            for mark in &mut self.marks {
                mark.end -= start;
            }
        }
        self.tell_the_rest(hub);
        if self.all.values_mut().any(|link| !link.end.out().is_empty()) {
            self.write_all(hub);
        }
    }

    /// Tells what comes without a record: the log's room, and commands that were void where nothing came
    /// behind them.
    fn tell_the_rest(&mut self, hub: &mut Hub) {
        let mut gone = Vec::new();
        let last_seq = self.told_seq;
        for (number, link) in &mut self.all {
            link.end.tell_room(hub.log_room());
            if link.end.has_void(last_seq) {
                let told = Told { first_seq: last_seq + 1, last_seq, hash: [0; 16], records: &[] };
                if let Err(fault) = link.end.tell(&told) {
                    gone.push((*number, fault.to_string()));
                }
            }
        }
        self.end_all(gone, hub);
    }

    fn write_all(&mut self, hub: &mut Hub) {
        let mut gone = Vec::new();
        for (number, link) in &mut self.all {
            if let Err(error) = link.wire.write(&self.poll, link.end.out()) {
                gone.push((*number, error.to_string()));
            }
        }
        self.end_all(gone, hub);
    }

    fn end_all(&mut self, gone: Vec<(u32, String)>, hub: &mut Hub) {
        for (number, reason) in gone {
            self.end(number, &reason, hub);
        }
    }

    /// Ends a link, and the orders of its sessions that wanted it.
    fn end(&mut self, number: u32, reason: &str, hub: &mut Hub) {
        let Some(link) = self.all.remove(&number) else { return };
        say("info", "worker_unlinked", None, &[("link", &number.to_string()), ("reason", reason)]);
        for first in link.blocks {
            hub.cancel_of_gone(first..first + LINK_SESSIONS);
        }
    }

    fn first_session(&mut self, incarnation: u32) -> Option<u64> {
        let block = self.next_block;
        self.next_block += 1;
        let first = (u64::from(incarnation) << u32::BITS) + block * LINK_SESSIONS;
        (block < BLOCKS).then_some(first)
    }

    fn accept(&mut self, node: u16, incarnation: u32) {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    let reason = error.to_string();
                    return say("error", "worker_not_linked", None, &[("reason", &reason)]);
                }
            };
            let Some(first_session) = self.first_session(incarnation) else {
                let reason = LinkFault::Sessions.to_string();
                say("error", "worker_not_linked", None, &[("reason", &reason)]);
                continue;
            };
            self.newest += 1;
            let Ok(wire) = Wire::new(stream, &self.poll, self.newest.into()) else { continue };
            let welcome = Welcome { node, incarnation, durable_seq: self.told_seq, first_session };
            let (end, blocks) = (CoreEnd::new(&welcome), vec![first_session]);
            let mut link = Link { wire, end, blocks };
            if link.wire.write(&self.poll, link.end.out()).is_ok() {
                self.all.insert(self.newest, link);
            }
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        forget(&self.dir);
    }
}

impl NodeCore {
    /// Listens for workers in the data directory; a descriptor that is readable when they have news.
    pub(crate) fn serve_links(&mut self, dir: &str) -> std::io::Result<RawFd> {
        let links = Links::open(dir, self.durable_seq().0)?;
        let fd = links.poll.fd();
        // Workers send feeds on the same processors; every order of theirs waits for this loop.
        be_urgent(true);
        self.links = Some(Box::new(links));
        // Whoever goes on from a seq asks a worker.
        self.hub.keep_history(0);
        Ok(fd)
    }

    /// Commands that were sent to the core process and have no answer yet, those that wait to be sent
    /// among them.
    pub(crate) fn unanswered(&self) -> usize {
        match &self.source {
            Source::Core(uplink) => uplink.unanswered() + self.hub.batch().len(),
            Source::Journal(_) => 0,
        }
    }

    /// Takes what workers have sent: their commands join the batch of this turn.
    pub(crate) fn hear_links(&mut self) -> Result<(), Leap> {
        let Some(links) = self.links.as_mut() else { return Ok(()) };
        let news = links.poll.news().unwrap_or_default();
        for token in news {
            match u32::try_from(token) {
                Ok(0) => {
                    let incarnation = self.recovery.incarnation;
                    if let Some(links) = self.links.as_mut() {
                        links.accept(self.node, incarnation);
                    }
                }
                Ok(number) => self.hear_link(number)?,
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn hear_link(&mut self, number: u32) -> Result<(), Leap> {
        // It steps out while its commands are taken, so that the batch may be written meanwhile; what is
        // told then waits for its return.
        for _ in 0..READS_PER_TURN {
            let Some(links) = self.links.as_mut() else { return Ok(()) };
            let Links { all, buffer, poll, .. } = links.as_mut();
            let Some(link) = all.get_mut(&number) else { return Ok(()) };
            let written = link.wire.write(poll, link.end.out());
            let read = written.and_then(|()| link.wire.read(buffer));
            match read {
                Ok(None) => return Ok(()),
                Ok(Some(read)) => link.end.push(read),
                Err(error) => {
                    let reason = match error.kind() {
                        ErrorKind::UnexpectedEof => "it is gone".to_string(),
                        _ => error.to_string(),
                    };
                    links.end(number, &reason, &mut self.hub);
                    return Ok(());
                }
            }
            self.take_commands(number)?;
        }
        Ok(())
    }

    fn take_commands(&mut self, number: u32) -> Result<(), Leap> {
        loop {
            let Some(links) = self.links.as_mut() else { return Ok(()) };
            let Some(link) = links.all.get_mut(&number) else { return Ok(()) };
            let mut fault = None;
            match link.end.next_command() {
                Ok(Some(asked)) => {
                    self.enter(number, &asked)?;
                    continue;
                }
                Ok(None) => {}
                Err(error) => fault = Some(error),
            }
            if fault.is_none() && link.end.takes_sessions() {
                match links.first_session(self.recovery.incarnation) {
                    Some(first) => {
                        if let Some(link) = links.all.get_mut(&number) {
                            link.end.give_sessions(first);
                            link.blocks.push(first);
                        }
                        links.write_all(&mut self.hub);
                    }
                    None => fault = Some(LinkFault::Sessions),
                }
            }
            if let (Some(fault), Some(links)) = (fault, self.links.as_mut()) {
                links.end(number, &fault.to_string(), &mut self.hub);
            }
            return Ok(());
        }
    }

    /// Puts a worker's command into the batch, which is written first where it is full.
    fn enter(&mut self, link: u32, asked: &Asked) -> Result<(), Leap> {
        let request = Request {
            command: asked.command,
            account: asked.account,
            instrument: InstrumentId(0),
            key: asked.key,
            request_id: asked.request_id,
            nonce: 0,
            waiter: Waiter::Link { link, session: asked.session },
            received_us: 0,
            id: b"",
        };
        while self.hub.submit_before(&request, asked.deadline_us).is_err() {
            self.flush_batch()?;
        }
        Ok(())
    }
}
