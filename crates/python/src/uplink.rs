//! A worker's side of its link: a replica of the core that takes its records from the core process, and
//! sends it the commands of its sessions.
//!
//! It starts as the core does, from the newest snapshot and the journal behind it, as far as that is
//! durable; what follows comes down the link.
//!
//! Invariants
//! - What is applied here is durable: all that waits may leave at once.
//! - Its event hash is the core's behind every batch, or it ends.

use crate::clock::wall_us;
use crate::engine_view::EngineView;
use crate::key_file::KeyFile;
use crate::node_core::{NodeCore, OpenError, Outcome, RecoveryReport, elapsed_us, encoded};
use crate::slow_pool::SlowPool;
use crate::source::Source;
use crate::start::{Fit, PassedOver, Start, State, chain_at};
use crate::voids::Voids;
use crate::wire::{Poll, READ_BYTES, Wire, connect};
use coulisse_engine::{Engine, WARM_MAX};
use coulisse_gateway::batch::Waiter;
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::{LINK_SESSIONS, RING_BYTES};
use coulisse_gateway::link::{Answered, Down, Records, Welcome, WorkerEnd};
use coulisse_journal::{Reader, Storage, Watermark, read_watermark};
use coulisse_types::{Command, Event, RecordHeader};
use coulisse_wire::record::{decode_unsealed, record_length};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The core's token in the set.
const CORE: u64 = 0;
/// Reads in one turn of the loop: sessions have their turn in between.
const READS_PER_TURN: usize = 16;
/// How long the core may take to say its welcome, and the journal to have what it says is durable.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const OPEN_POLL: Duration = Duration::from_millis(1);

/// How a worker is opened.
pub(crate) struct WorkerSetup {
    pub(crate) dir: String,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) node: u16,
    /// Its number among the workers of the node.
    pub(crate) number: u16,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) master_key: Option<[u8; 32]>,
    pub(crate) applying: Arc<AtomicU64>,
}

/// The core process, as its worker has it.
pub(crate) struct Uplink {
    poll: Poll,
    wire: Wire,
    end: WorkerEnd,
    voids: Voids,
    buffer: Vec<u8>,
    /// Records decoded ahead of their turn.
    ahead: Vec<(RecordHeader, Command)>,
    failure: Option<String>,
}

impl Uplink {
    pub(crate) fn fd(&self) -> RawFd {
        self.poll.fd()
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Commands that have no answer yet.
    pub(crate) fn unanswered(&self) -> usize {
        self.end.unanswered()
    }

    fn open(dir: &str, voids: Voids) -> Result<(Self, Welcome), OpenError> {
        let poll = Poll::new().map_err(OpenError::Io)?;
        let stream = connect(dir).map_err(OpenError::Io)?;
        let wire = Wire::new(stream, &poll, CORE).map_err(OpenError::Io)?;
        let mut uplink = Self {
            poll,
            wire,
            end: WorkerEnd::default(),
            voids,
            buffer: vec![0; READ_BYTES],
            ahead: Vec::with_capacity(WARM_MAX),
            failure: None,
        };
        let started = Instant::now();
        while started.elapsed() < OPEN_TIMEOUT {
            if let Some(read) = uplink.wire.read(&mut uplink.buffer).map_err(OpenError::Io)? {
                uplink.end.push(read);
            }
            match uplink.end.next_down() {
                Ok(Some(Down::Welcome(welcome))) => return Ok((uplink, welcome)),
                Ok(None) => std::thread::sleep(OPEN_POLL),
                Ok(Some(_)) => return Err(OpenError::Link("it did not greet first".to_string())),
                Err(fault) => return Err(OpenError::Link(fault.to_string())),
            }
        }
        Err(OpenError::Link("it did not greet in time".to_string()))
    }

    fn write(&mut self) {
        if let Err(error) = self.wire.write(&self.poll, &mut self.end) {
            self.fail(format!("CORE_GONE: {error}"));
        }
    }

    fn fail(&mut self, reason: String) {
        self.failure.get_or_insert(reason);
    }
}

/// What takes records in.
struct Taker<'a> {
    engine: &'a mut Engine,
    hub: &'a mut Hub,
    voids: &'a Voids,
    events: &'a mut Vec<Event>,
    outcomes: &'a mut Vec<Outcome>,
    applying: &'a AtomicU64,
}

impl Taker<'_> {
    /// Applies one record, unless that was done; answers it where it is this worker's.
    fn take(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        is_own: bool,
    ) -> Result<(), String> {
        let last_seq = self.engine.last_seq().0;
        if header.seq.0 <= last_seq && !is_own {
            return Ok(());
        }
        if header.seq.0 != last_seq + 1 {
            return Err(format!("seq {} comes behind {last_seq}", header.seq.0));
        }
        self.applying.store(header.seq.0, Ordering::Relaxed);
        self.events.clear();
        self.voids.apply(self.engine, header, command, self.events);
        let view = EngineView(self.engine);
        self.hub.deliver(header, self.events, &view);
        if !is_own {
            return Ok(());
        }
        match self.hub.land(header, self.events, &view) {
            None => return Err(format!("nobody here sent the command of seq {}", header.seq.0)),
            Some(Waiter::Ticket(ticket)) => {
                let events = encoded(self.events);
                self.outcomes.push(Outcome { ticket, seq: header.seq, events });
            }
            Some(Waiter::Session(_) | Waiter::Nobody | Waiter::Link { .. }) => {}
        }
        Ok(())
    }

    /// Refuses what was void when the log stamped the record at this place; returns how many.
    fn refuse_late(
        &mut self,
        answers: &mut std::iter::Peekable<impl Iterator<Item = Answered>>,
        place: u32,
    ) -> Result<usize, String> {
        let mut count = 0;
        while answers.next_if_eq(&Answered::Void(place)).is_some() {
            let refused = self.hub.land_late(&EngineView(self.engine));
            refused.ok_or("nobody here sent the command that was void")?;
            count += 1;
        }
        Ok(count)
    }

    /// Takes all that a frame has; returns how many were this worker's.
    fn take_all(
        &mut self,
        records: &Records<'_>,
        ahead: &mut Vec<(RecordHeader, Command)>,
    ) -> Result<usize, String> {
        let mut answers = records.answers().peekable();
        let (mut rest, mut place, mut answered) = (records.records, 0_u32, 0);
        while !rest.is_empty() {
            ahead.clear();
            while !rest.is_empty() && ahead.len() < WARM_MAX {
                let said = |error| format!("a record that means nothing: {error:?}");
                let length = record_length(rest).map_err(said)?;
                let (record, behind) = rest.split_at(length);
                ahead.push(decode_unsealed(record).map_err(said)?);
                rest = behind;
            }
            // Their cache misses overlap, as those of a loop's turn do.
            self.engine.warm(ahead.iter().map(|(header, command)| (header, command)));
            for (header, command) in ahead.iter() {
                answered += self.refuse_late(&mut answers, place)?;
                let is_own = answers.next_if_eq(&Answered::Record(place)).is_some();
                self.take(header, command, is_own)?;
                answered += usize::from(is_own);
                place += 1;
            }
        }
        answered += self.refuse_late(&mut answers, place)?;
        let seq = self.engine.last_seq().0;
        if answers.next().is_some() || seq < records.last_seq {
            return Err(format!("a frame up to seq {} ends at {seq}", records.last_seq));
        }
        if place > 0 && seq == records.last_seq && self.engine.event_hash() != records.hash {
            return Err(format!("REPLICA_DIVERGED: the core says other events up to seq {seq}"));
        }
        Ok(answered)
    }
}

impl NodeCore {
    /// Opens a worker's replica, and its link to the core process.
    pub(crate) fn follow(setup: &WorkerSetup) -> Result<Self, OpenError> {
        let started = Instant::now();
        let watermark = read_watermark(&setup.storage).map_err(OpenError::Journal)?;
        let none = || OpenError::Link("no core has this journal open".to_string());
        let watermark = watermark.ok_or_else(none)?;
        let mut passed_over = Vec::new();
        let begun = begin(setup, &watermark, &mut passed_over)?;
        let Start { mut state, voids, snapshot_us, .. } = begun;
        let snapshot_seq = state.engine.last_seq().0;
        let (uplink, welcome) = link_up(setup, &mut state, &voids)?;
        let State { engine, mut hub } = state;
        if let Some(master) = setup.master_key {
            let file = KeyFile::open_shared(&setup.dir, master);
            let file = file.map_err(|error| OpenError::Secrets(error.to_string()))?;
            hub.keep_secrets(Box::new(file));
        }
        hub.work_for_another(welcome.first_session);
        let recovery = RecoveryReport {
            records: engine.last_seq().0,
            replayed: engine.last_seq().0 - snapshot_seq,
            snapshot_seq,
            snapshot_us,
            replay_us: elapsed_us(started).saturating_sub(snapshot_us),
            incarnation: welcome.incarnation,
            epoch: watermark.epoch,
            ..RecoveryReport::default()
        };
        let source = Source::Core(Box::new(uplink));
        let pool = SlowPool::new().map_err(OpenError::Io)?;
        let state = State { engine, hub };
        let mut core = Self::around(state, source, setup.node, recovery, &setup.applying, pool);
        core.passed_over = passed_over;
        Ok(core)
    }

    /// Sends the core what sessions have asked, as far as it may be sent now.
    pub(crate) fn send_up(&mut self) {
        let Source::Core(uplink) = &mut self.source else { return };
        if uplink.end.has_room_for(self.hub.batch())
            && let Some(batch) = self.hub.send_off()
        {
            uplink.end.send(batch);
        }
        if self.hub.sessions_left() < LINK_SESSIONS / 2 {
            uplink.end.ask_for_sessions();
        }
        uplink.write();
    }

    /// Takes what the core has said.
    pub(crate) fn hear_core(&mut self) {
        for _ in 0..READS_PER_TURN {
            let Source::Core(uplink) = &mut self.source else { return };
            let Uplink { wire, buffer, end, .. } = uplink.as_mut();
            match wire.read(buffer) {
                Ok(None) => break,
                Ok(Some(read)) => end.push(read),
                Err(error) => return uplink.fail(format!("CORE_GONE: {error}")),
            }
            if let Err(reason) = self.take_frames() {
                let Source::Core(uplink) = &mut self.source else { return };
                return uplink.fail(reason);
            }
        }
        self.flush_up();
    }

    /// Ends a worker's turn: sends the core what has come, and what had to wait for the next turn, as far as
    /// the core takes it. The rest waits for its answers.
    pub(crate) fn flush_up(&mut self) {
        self.send_up();
        self.hub.receive_behind(wall_us(), &EngineView(&self.engine));
        self.send_up();
        self.hub.end_turn();
        while self.can_take_more() && self.hub.let_go_on(wall_us(), &EngineView(&self.engine)) {
            self.send_up();
        }
        self.send_up();
    }

    /// Whether what sessions ask finds room in the batch, or will when that is sent.
    pub(crate) fn can_take_more(&self) -> bool {
        match &self.source {
            Source::Core(uplink) => uplink.end.has_room_for(self.hub.batch()),
            Source::Journal(_) => true,
        }
    }

    fn take_frames(&mut self) -> Result<(), String> {
        let Source::Core(uplink) = &mut self.source else { return Ok(()) };
        let Uplink { end, voids, ahead, .. } = uplink.as_mut();
        let mut taker = Taker {
            engine: &mut self.engine,
            hub: &mut self.hub,
            voids,
            events: &mut self.events,
            outcomes: &mut self.outcomes,
            applying: &self.applying,
        };
        let said = |fault: coulisse_gateway::link::LinkFault| format!("CORE_GONE: {fault}");
        loop {
            let answered = match end.next_down().map_err(said)? {
                None => return Ok(()),
                Some(Down::Records(records)) => taker.take_all(&records, ahead)?,
                Some(Down::Sessions(first)) => {
                    taker.hub.number_more_sessions(first);
                    0
                }
                Some(Down::Room(room)) => {
                    taker.hub.set_log_room(room);
                    0
                }
                Some(Down::Welcome(_)) => return Err("CORE_GONE: it greets again".to_string()),
            };
            for _ in 0..answered {
                end.answered().map_err(said)?;
            }
        }
    }
}

/// Brings a state to the journal's end, links to the core process, and goes on to where its records
/// begin.
fn link_up(
    setup: &WorkerSetup,
    state: &mut State,
    voids: &Voids,
) -> Result<(Uplink, Welcome), OpenError> {
    let State { engine, hub } = state;
    let mut reader = Reader::tail(Arc::clone(&setup.storage), engine.last_seq().0 + 1);
    let mut taker = Taker {
        engine,
        hub,
        voids,
        events: &mut Vec::new(),
        outcomes: &mut Vec::new(),
        applying: &setup.applying,
    };
    // What takes long is done before the core keeps anything for this worker.
    catch_up(&mut taker, &mut reader)?;
    let (uplink, welcome) = Uplink::open(&setup.dir, voids.clone())?;
    let linked = Instant::now();
    while taker.engine.last_seq().0 < welcome.durable_seq {
        if linked.elapsed() > OPEN_TIMEOUT {
            let (seq, wanted) = (taker.engine.last_seq().0, welcome.durable_seq);
            return Err(OpenError::Link(format!("the journal ends at seq {seq}, not {wanted}")));
        }
        if !catch_up(&mut taker, &mut reader)? {
            std::thread::sleep(OPEN_POLL);
        }
    }
    Ok((uplink, welcome))
}

/// The newest state that fits the journal.
fn begin(
    setup: &WorkerSetup,
    watermark: &Watermark,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Start, OpenError> {
    let Watermark { genesis, durable_seq, epoch, .. } = watermark;
    let (durable_seq, epoch) = (*durable_seq, *epoch);
    let tail = |seq| Ok(Reader::tail(Arc::clone(&setup.storage), seq));
    let fit = Fit {
        storage: setup.storage.as_ref(),
        genesis: *genesis,
        last_seq: durable_seq,
        newest_seq: u64::MAX,
        chain_at: &|seq| chain_at(genesis, seq, || tail(seq)),
        new_hub: &|| {
            let server = format!("coulisse/{}", env!("CARGO_PKG_VERSION"));
            let node = format!("n{}.{}", setup.node, setup.number);
            let mut hub = Hub::new(setup.hosts.clone(), server, node, u64::from(epoch));
            hub.allow_origins(setup.origins.clone());
            hub.keep_history(RING_BYTES);
            hub
        },
    };
    Ok(fit.start(passed_over, &tail)?)
}

/// Takes what the journal has and may be read; whether there was something.
fn catch_up(taker: &mut Taker<'_>, reader: &mut Reader) -> Result<bool, OpenError> {
    let mut found = false;
    while let Some(group) = reader.next_group().map_err(OpenError::Journal)? {
        for (seq, bytes) in group.records() {
            let said = |reason: String| OpenError::Record { seq, reason };
            let decoded = decode_unsealed(bytes);
            let (header, command) = decoded.map_err(|error| said(format!("{error:?}")))?;
            taker.take(&header, &command, false).map_err(said)?;
            found = true;
        }
    }
    Ok(found)
}
