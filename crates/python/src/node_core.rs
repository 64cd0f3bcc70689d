//! The core of a node without Python: engine, log and hub, and the order in which they act.
//!
//! Invariants
//! - What is applied stands in the journal's buffer already; what is let out is durable.
//! - The engine applies only what the log delivers, in the order of seqs, live and on replay.

use crate::clock::{Leap, LogClock, wall_ns, wall_us};
use crate::engine_view::EngineView;
use crate::history_class::Bell;
use crate::key_file::KeyFile;
use crate::links::Links;
use crate::notes::{Notes, say};
use crate::poison::{Replay, Replayed, VoidRecord};
use crate::profits::Profits;
use crate::slow_pool::SlowPool;
use crate::source::Source;
use crate::stages::{BatchMark, Stages};
use crate::start::{Fit, PassedOver, Start, State, chain_at};
use crate::sync::SyncThread;
use crate::voids::AheadError;
use coulisse_engine::{Engine, Key, WARM_MAX};
use coulisse_gateway::batch::{Batch, ConnId, Request, Waiter};
use coulisse_gateway::hub::{Hub, LogRoom, Received, Sink};
use coulisse_gateway::limits::RING_BYTES;
use coulisse_journal::{
    Durability, JournalError, Options, Preparer, Recovery, Report, Storage, crc32c, list_snapshots,
    open,
};
use coulisse_types::command::{Genesis, NodeStarted, Tick, Void};
use coulisse_types::limits::{INDICATION_INTERVAL_NS, TICKS_PER_TURN_MAX};
use coulisse_types::record::Origin;
use coulisse_types::{
    AccountId, Command, Event, InstrumentId, KeyId, KeyIndex, KeyScheme, KeyState, RecordHeader,
    RequestId, Seq,
};
use coulisse_wire::record::{Stamp, encode_events, encode_record, stamp_by};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Bytes that may wait for the sync thread before orders are answered `OVERLOADED`: about a
/// second of full load.
pub(crate) const BACKLOG_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Bytes beyond them that only ways out may fill.
const BACKLOG_WAYS_OUT_BYTES: usize = 16 * 1_024 * 1_024;

/// What a start found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecoveryReport {
    /// Records in the log.
    pub(crate) records: u64,
    /// Those that were applied: the ones behind the snapshot.
    pub(crate) replayed: u64,
    /// The snapshot that it started from; 0 for none.
    pub(crate) snapshot_seq: u64,
    /// The time to find, check and read it.
    pub(crate) snapshot_us: u64,
    pub(crate) groups: u64,
    pub(crate) segments: u64,
    pub(crate) cut_bytes: u64,
    pub(crate) replay_us: u64,
    pub(crate) incarnation: u32,
    pub(crate) epoch: u32,
}

/// How a node's core is opened.
pub(crate) struct Setup {
    /// The data directory, if there is one: for notes of records that broke the core.
    pub(crate) dir: Option<String>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) durability: Durability,
    pub(crate) segment_bytes: u64,
    pub(crate) preparer: Preparer,
    pub(crate) node: u16,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) hash_seed: u64,
    /// What the data keys of HMAC keys are encrypted with, if there is one.
    pub(crate) master_key: Option<[u8; 32]>,
    /// The seq being applied, for the note of a broken invariant; 0 while none is.
    pub(crate) applying: Arc<AtomicU64>,
}

/// Why a core did not open.
#[derive(Debug)]
pub(crate) enum OpenError {
    Journal(JournalError),
    Record {
        seq: u64,
        reason: String,
    },
    /// More records are void than may be.
    TooManyVoids,
    /// More records broke the core than one start makes void.
    Poisoned {
        seq: u64,
        reason: String,
    },
    /// The secrets of the log's HMAC keys cannot be opened.
    Secrets(String),
    /// A worker found no core to work for.
    Link(String),
    Io(std::io::Error),
}

impl From<AheadError> for OpenError {
    fn from(error: AheadError) -> Self {
        match error {
            AheadError::Journal(error) => Self::Journal(error),
            AheadError::Record { seq, reason } => Self::Record { seq, reason },
            AheadError::TooMany => Self::TooManyVoids,
        }
    }
}

/// What a command caused, for the callback that waits.
pub(crate) struct Outcome {
    pub(crate) ticket: u64,
    pub(crate) seq: Seq,
    pub(crate) events: Vec<u8>,
}

/// Engine, log and hub.
pub(crate) struct NodeCore {
    pub(crate) engine: Engine,
    pub(crate) hub: Hub,
    pub(crate) source: Source,
    /// The workers of this core, where it has some.
    pub(crate) links: Option<Box<Links>>,
    pub(crate) recovery: RecoveryReport,
    pub(crate) passed_over: Vec<PassedOver>,
    /// The void records behind the snapshot that this start began from, and those it made void.
    pub(crate) voids: Vec<VoidRecord>,
    clock: LogClock,
    pub(crate) node: u16,
    batch_no: u64,
    spare: Batch,
    /// The batch that is one tick.
    tick: Batch,
    /// When the last one was written, in ns since the epoch.
    ticked_ns: i64,
    records: Vec<u8>,
    headers: Vec<RecordHeader>,
    pub(crate) events: Vec<Event>,
    pub(crate) outcomes: Vec<Outcome>,
    next_ticket: u64,
    pub(crate) applying: Arc<AtomicU64>,
    /// How long records took.
    pub(crate) stages: Stages,
    pub(crate) profits: Profits,
    /// Where passwords are hashed, and what was said of logons.
    pub(crate) pool: SlowPool,
    /// Wakes whoever reads the store.
    pub(crate) bell: Option<Bell>,
}

impl NodeCore {
    /// Opens the journal, starts from the newest snapshot that fits it, replays what follows, starts
    /// the sync thread, and begins the log where it is new.
    pub(crate) fn open(setup: &Setup) -> Result<Self, OpenError> {
        let mut options = Options::new(genesis_id(setup.hash_seed));
        options.durability = setup.durability;
        options.segment_bytes = setup.segment_bytes;
        options.first_segment_bytes = options.first_segment_bytes.min(setup.segment_bytes);
        options.preparer = setup.preparer;
        let snapshots = list_snapshots(setup.storage.as_ref()).map_err(OpenError::Journal)?;
        options.verify_from_seq = snapshots.first().copied().unwrap_or(1);
        let recovered = open(Arc::clone(&setup.storage), options).map_err(OpenError::Journal)?;
        let report = recovered.report;
        let started = Instant::now();
        let replayed = replay(setup, &recovered)?;
        let Replayed { state, snapshot_seq, snapshot_us, passed_over, voids } = replayed;
        let State { engine, mut hub } = state;
        if let Some(secrets) = secrets_of(setup, &engine)? {
            hub.keep_secrets(Box::new(secrets));
        }
        let incarnation = engine.node_incarnation(setup.node) + 1;
        hub.number_sessions(incarnation);
        let sync = SyncThread::start(recovered.writer, report.last_seq).map_err(OpenError::Io)?;
        // What a replica is to compare must be what it finds in the log: not before that says what
        // is void.
        if voids.iter().all(|record| !record.is_new) {
            sync.applied((engine.last_seq().0, engine.event_hash()));
        }
        let recovery = RecoveryReport {
            records: report.last_seq,
            replayed: report.last_seq - snapshot_seq,
            snapshot_seq,
            snapshot_us,
            groups: report.groups,
            segments: report.segments,
            cut_bytes: report.cut_bytes,
            replay_us: elapsed_us(started).saturating_sub(snapshot_us),
            incarnation,
            epoch: report.epoch,
        };
        let source = Source::Journal(sync);
        let state = State { engine, hub };
        let pool = SlowPool::new().map_err(OpenError::Io)?;
        let mut core = Self::around(state, source, setup.node, recovery, &setup.applying, pool);
        (core.passed_over, core.voids) = (passed_over, voids);
        core.applying.store(report.last_seq, Ordering::Relaxed);
        core.begin(setup.hash_seed);
        Ok(core)
    }

    /// A core in this state that takes its records from `source`.
    pub(crate) fn around(
        state: State,
        source: Source,
        node: u16,
        recovery: RecoveryReport,
        applying: &Arc<AtomicU64>,
        pool: SlowPool,
    ) -> Self {
        let State { engine, hub } = state;
        Self {
            clock: LogClock::after(engine.time_ns()),
            engine,
            hub,
            source,
            links: None,
            recovery,
            passed_over: Vec::new(),
            voids: Vec::new(),
            node,
            batch_no: 0,
            spare: Batch::default(),
            tick: one_tick(),
            ticked_ns: 0,
            records: Vec::new(),
            headers: Vec::new(),
            events: Vec::new(),
            outcomes: Vec::new(),
            next_ticket: 0,
            applying: Arc::clone(applying),
            stages: Stages::default(),
            profits: Profits::default(),
            pool,
            bell: None,
        }
    }

    /// The first records of this start: `Genesis` on a new log, then `NodeStarted`, then a `Void`
    /// for each record that broke the core again, then the end of the sessions that there were.
    fn begin(&mut self, hash_seed: u64) {
        if self.engine.last_seq() == Seq(0) {
            let genesis: Genesis = coulisse_engine::default_genesis(hash_seed, 0);
            self.submit(genesis.into(), AccountId(0), KeyIndex(0), RequestId(0));
        }
        let incarnation = self.recovery.incarnation;
        self.submit(NodeStarted { incarnation }.into(), AccountId(0), KeyIndex(0), RequestId(0));
        for at in 0..self.voids.len() {
            let VoidRecord { seq, instrument, is_new } = self.voids[at];
            if is_new {
                let void = Void { seq: Seq(seq), instrument };
                self.submit(void.into(), AccountId(0), KeyIndex(0), RequestId(0));
            }
        }
        // The clock's first stamp never leaps, and nobody waits for these outcomes. No tick comes
        // before the node has said that it started.
        if let Ok(time_ns) = self.clock.stamp() {
            self.write_batch(time_ns);
            self.hub.cancel_of_earlier();
            while !self.hub.batch().is_empty() {
                self.write_batch(time_ns);
                self.hub.enter_cancels();
            }
            self.outcomes.clear();
        }
    }

    /// Adds a command of the process itself to the batch; the ticket of its outcome, or `None`
    /// where the batch is full.
    pub(crate) fn submit(
        &mut self,
        command: Command,
        account: AccountId,
        key: KeyIndex,
        request_id: RequestId,
    ) -> Option<u64> {
        let ticket = self.next_ticket;
        let request = Request {
            command,
            account,
            instrument: InstrumentId(0),
            key,
            request_id,
            nonce: 0,
            waiter: Waiter::Ticket(ticket),
            received_us: wall_us(),
            id: b"",
        };
        self.hub.submit(&request).ok()?;
        self.next_ticket += 1;
        Some(ticket)
    }

    /// Ends the loop's turn: takes what has come, and what had to wait for the next turn, whose batch
    /// that begins. A worker sends it to the core instead.
    pub(crate) fn flush(&mut self) -> Result<(), Leap> {
        self.take_turn()?;
        // What came behind such an order on its connection has been waiting for its answer.
        while self.try_orders() {
            self.take_turn()?;
        }
        self.start_slow();
        Ok(())
    }

    /// Answers the orders that are only tested, behind all that came in this turn; whether there were
    /// any.
    fn try_orders(&mut self) -> bool {
        if !self.hub.has_trials() {
            return false;
        }
        for trial in self.hub.take_trials() {
            let header = RecordHeader {
                seq: self.engine.last_seq(),
                time_ns: wall_ns(),
                origin: Origin {
                    node: self.node,
                    incarnation: self.recovery.incarnation,
                    batch: 0,
                    index: 0,
                },
                account: trial.account,
                key: trial.key,
                session: 0,
                request_id: RequestId(0),
            };
            self.events.clear();
            self.engine.try_order(&header, &trial.command, &mut self.events);
            self.hub.answer_trial(&trial, &self.events, &EngineView(&self.engine));
        }
        true
    }

    fn take_turn(&mut self) -> Result<(), Leap> {
        if matches!(self.source, Source::Core(_)) {
            self.flush_up();
            return Ok(());
        }
        self.flush_all()?;
        self.hub.end_turn();
        while self.hub.let_go_on(wall_us(), &EngineView(&self.engine)) {
            self.flush_batch()?;
        }
        Ok(())
    }

    /// Whether the loop should come again soon: more is left than one turn does.
    pub(crate) fn goes_on(&self) -> bool {
        let asks_more = self.hub.some_go_on() || !self.hub.batch().is_empty();
        self.hub.sweeps_on() || (asks_more && self.can_take_more())
    }

    /// Takes all that has come, and what came behind REST requests on their connections: each time a
    /// whole request off what was read before, so there are few.
    pub(crate) fn flush_all(&mut self) -> Result<(), Leap> {
        loop {
            self.flush_batch()?;
            self.hub.receive_behind(wall_us(), &EngineView(&self.engine));
            if self.hub.batch().is_empty() {
                return Ok(());
            }
        }
    }

    /// The same once more before the core is closed.
    pub(crate) fn flush_at_end(&mut self) -> Result<(), Leap> {
        if matches!(self.source, Source::Core(_)) { Ok(()) } else { self.flush_all() }
    }

    /// Stamps the batch, hands it to the log, applies what the log delivers. What is due at the batch's
    /// time comes in front of it, so that nothing trades past its time.
    pub(crate) fn flush_batch(&mut self) -> Result<(), Leap> {
        if matches!(self.source, Source::Core(_)) {
            self.send_up();
            return Ok(());
        }
        if !self.hub.batch().is_empty() {
            let time_ns = self.clock.stamp()?;
            self.do_what_is_due(time_ns);
            self.write_batch(time_ns);
        }
        Ok(())
    }

    /// Takes what a connection or a session sent. A batch that it makes full goes to the log at once.
    pub(crate) fn receive(
        &mut self,
        id: ConnId,
        read: &mut [u8],
    ) -> Result<(Received, bool), Leap> {
        let received = self.hub.receive(id, read, wall_us(), &EngineView(&self.engine));
        if self.hub.batch().is_full() {
            self.flush_batch()?;
        }
        self.start_slow();
        Ok((received, self.hub.waits(id)))
    }

    /// Tells the hub what the log's backlog has room for.
    fn note_backlog(&mut self) {
        let Some(bytes) = self.source.journal().map(SyncThread::backlog_bytes) else { return };
        self.hub.set_log_room(match bytes {
            0..=BACKLOG_BYTES_MAX => LogRoom::Free,
            _ if bytes <= BACKLOG_BYTES_MAX + BACKLOG_WAYS_OUT_BYTES => LogRoom::WaysOut,
            _ => LogRoom::None,
        });
    }

    /// Does what is due by now though nobody sends anything; returns whether more is due. Not once
    /// the node stops.
    pub(crate) fn tick(&mut self) -> Result<bool, Leap> {
        let now_ns = wall_ns().max(self.engine.time_ns());
        if self.hub.is_stopping() || self.source.journal().is_none() {
            return Ok(false);
        }
        if self.is_due(now_ns) {
            let time_ns = self.clock.stamp()?;
            return Ok(self.do_what_is_due(time_ns));
        }
        // A call says what it would do, whoever listens: not with each order, but often enough.
        if now_ns - self.ticked_ns >= INDICATION_INTERVAL_NS && self.engine.has_new_indication() {
            let time_ns = self.clock.stamp()?;
            self.write_tick(time_ns);
        }
        Ok(false)
    }

    fn is_due(&self, time_ns: i64) -> bool {
        self.engine.next_timer_ns().is_some_and(|due_ns| due_ns <= time_ns)
    }

    /// Writes ticks while something is due, each a batch of its own; returns whether more is due
    /// than one turn does.
    fn do_what_is_due(&mut self, time_ns: i64) -> bool {
        for _ in 0..TICKS_PER_TURN_MAX {
            if !self.is_due(time_ns) {
                return false;
            }
            self.write_tick(time_ns);
        }
        self.is_due(time_ns)
    }

    fn write_tick(&mut self, time_ns: i64) {
        let tick = std::mem::take(&mut self.tick);
        self.write(&tick, time_ns);
        self.tick = tick;
        self.ticked_ns = time_ns;
    }

    /// Writes and applies what has come in.
    fn write_batch(&mut self, time_ns: i64) {
        let mut batch = self.hub.take_batch(std::mem::take(&mut self.spare));
        let late = self.hub.drop_late(&mut batch, time_ns, &EngineView(&self.engine));
        if let Some(links) = self.links.as_mut().filter(|_| !late.is_empty()) {
            links.drop_void(self.engine.last_seq().0 + 1, &late);
        }
        if !batch.is_empty() {
            self.write(&batch, time_ns);
        }
        self.spare = batch;
    }

    fn write(&mut self, batch: &Batch, time_ns: i64) {
        self.batch_no += 1;
        self.stamp_batch(batch, time_ns);
        // Handed over before it is applied: the disk works while the engine does.
        if let Source::Journal(sync) = &self.source {
            let records = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let last_seq = self.engine.last_seq().0 + u64::from(records);
            sync.append(&self.records, BatchMark { stamped_ns: time_ns, records, last_seq });
        }
        let headers = std::mem::take(&mut self.headers);
        for (part, headers) in headers.chunks(WARM_MAX).enumerate() {
            let first = part * WARM_MAX;
            let commands = batch.entries()[first..].iter().map(|entry| &entry.command);
            self.engine.warm(headers.iter().zip(commands));
            for (index, header) in (first..).zip(headers) {
                self.apply(batch, index, header);
            }
        }
        let mark = (self.engine.last_seq().0, self.engine.event_hash());
        if let Source::Journal(sync) = &self.source {
            sync.applied(mark);
        }
        if let Some(links) = &mut self.links {
            links.note(&self.records, mark.0, mark.1);
        }
        self.headers = headers;
        self.stages.note_applied(batch, mark.0, time_ns);
        self.note_backlog();
    }

    /// Writes the batch's records, each at its place in the log.
    fn stamp_batch(&mut self, batch: &Batch, time_ns: i64) {
        self.records.clear();
        self.headers.clear();
        let first_seq = self.engine.last_seq().0 + 1;
        for (index, seq) in (0..batch.len()).zip(first_seq..) {
            let header = self.header(batch, index, seq, time_ns);
            let start = self.records.len();
            encode_record(&mut self.records, &header, &batch.entries()[index].command);
            let place = Stamp {
                seq: header.seq,
                time_ns,
                batch: header.origin.batch,
                index: header.origin.index,
            };
            stamp_by(crc32c, &mut self.records[start..], place)
                .expect("a record that was just encoded is whole");
            self.headers.push(header);
        }
    }

    fn header(&self, batch: &Batch, index: usize, seq: u64, time_ns: i64) -> RecordHeader {
        let entry = &batch.entries()[index];
        RecordHeader {
            seq: Seq(seq),
            time_ns,
            origin: Origin {
                node: self.node,
                incarnation: self.recovery.incarnation,
                batch: self.batch_no,
                index: u16::try_from(index).expect("a batch is bounded below 2^16 commands"),
            },
            account: entry.account,
            key: entry.key,
            session: entry.session(),
            request_id: entry.request_id,
        }
    }

    fn apply(&mut self, batch: &Batch, index: usize, header: &RecordHeader) {
        let entry = &batch.entries()[index];
        self.applying.store(header.seq.0, Ordering::Relaxed);
        self.events.clear();
        self.engine.apply(header, &entry.command, &mut self.events);
        let view = EngineView(&self.engine);
        self.hub.deliver(header, &self.events, &view);
        match entry.waiter {
            Waiter::Session(_) => self.hub.reply(batch, entry, header, &self.events, &view),
            Waiter::Ticket(ticket) => self.outcomes.push(Outcome {
                ticket,
                seq: header.seq,
                events: encoded(&self.events),
            }),
            Waiter::Link { link, .. } => {
                if let Some(links) = &mut self.links {
                    links.own(link, header.seq);
                }
            }
            Waiter::Nobody => {}
        }
    }

    /// The outcomes that are durable, in order.
    pub(crate) fn durable_outcomes(&mut self) -> impl Iterator<Item = Outcome> {
        let durable = self.durable_seq();
        let count = self.outcomes.iter().take_while(|outcome| outcome.seq <= durable).count();
        self.outcomes.drain(..count)
    }

    /// Lets out what is durable.
    pub(crate) fn release(&mut self, sink: &mut impl Sink) {
        let durable = self.durable_seq();
        // Where nothing is written because all is refused, there is room again all the same.
        self.note_backlog();
        if let Some(links) = &mut self.links {
            links.tell(durable, &mut self.hub);
        }
        let now_ns = wall_ns();
        if let Source::Journal(sync) = &self.source {
            self.stages.note_released(durable.0, now_ns, |into| sync.take_groups(into));
        }
        self.hub.release(durable, now_ns / 1_000, &EngineView(&self.engine), sink);
    }

    /// How far the log is durable.
    pub(crate) fn durable_seq(&self) -> Seq {
        // What a worker has applied was durable before.
        self.source.journal().map_or(self.engine.last_seq(), |sync| Seq(sync.durable_seq()))
    }

    /// Takes the news that the source's descriptor told of; why nothing more can become durable, if
    /// nothing can.
    pub(crate) fn hear(&mut self) -> Option<String> {
        match &self.source {
            Source::Journal(sync) => sync.acknowledge(),
            Source::Core(_) => self.hear_core(),
        }
        self.source.failure()
    }

    /// Closes the journal, if this process has it; what went wrong in the end.
    pub(crate) fn stop(&mut self) -> Option<String> {
        match &mut self.source {
            Source::Journal(sync) => {
                sync.stop();
                sync.failure()
            }
            Source::Core(_) => None,
        }
    }
}

/// The data keys of this node. A log with keys that work and have secrets needs a master key.
fn secrets_of(setup: &Setup, engine: &Engine) -> Result<Option<KeyFile>, OpenError> {
    let is_secret = |key: &Key| key.scheme != KeyScheme::Ed25519 && key.state != KeyState::Revoked;
    let (Some(master), Some(dir)) = (setup.master_key, setup.dir.as_deref()) else {
        let orphan = engine.keys().find(|key| is_secret(key));
        return orphan.map_or(Ok(None), |key| {
            let name = key.key_id.as_str();
            Err(OpenError::Secrets(format!(
                "the log has keys with secrets ({name}), and no master key is given"
            )))
        });
    };
    let unreadable = |error: std::io::Error| OpenError::Secrets(error.to_string());
    let mut file = KeyFile::open(dir, master).map_err(unreadable)?;
    let is_used = |key_id: &KeyId| engine.key_by_id(key_id.as_bytes()).is_some_and(is_secret);
    file.keep(is_used).map_err(unreadable)?;
    Ok(Some(file))
}

/// A batch that does what is due.
fn one_tick() -> Batch {
    let mut batch = Batch::default();
    let tick = Request {
        command: Tick {}.into(),
        account: AccountId(0),
        instrument: InstrumentId(0),
        key: KeyIndex(0),
        request_id: RequestId(0),
        nonce: 0,
        waiter: Waiter::Nobody,
        received_us: 0,
        id: b"",
    };
    batch.push(&tick).expect("an empty batch has room");
    batch
}

/// The id of a new log: drawn with the hash seed.
fn genesis_id(hash_seed: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&hash_seed.to_le_bytes());
    id[8..].copy_from_slice(&crate::clock::wall_ns().to_le_bytes());
    id
}

/// Events as Python reads them.
pub(crate) fn encoded(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_events(&mut out, events);
    out
}

pub(crate) fn elapsed_us(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Where to start: the newest snapshot that fits the journal, or before the first record.
fn start(
    setup: &Setup,
    recovered: &Recovery,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Start, OpenError> {
    let Report { genesis, epoch, last_seq, .. } = recovered.report;
    let server = format!("coulisse/{}", env!("CARGO_PKG_VERSION"));
    let new_hub = || {
        let node = format!("n{}", setup.node);
        let mut hub = Hub::new(setup.hosts.clone(), server.clone(), node, u64::from(epoch));
        hub.allow_origins(setup.origins.clone());
        hub.keep_history(RING_BYTES);
        hub
    };
    let fit = Fit {
        storage: setup.storage.as_ref(),
        genesis,
        last_seq,
        newest_seq: u64::MAX,
        chain_at: &|seq| chain_at(&genesis, seq, || recovered.reader(seq)),
        new_hub: &new_hub,
    };
    Ok(fit.start(passed_over, &|seq| recovered.reader(seq))?)
}

/// The state at the end of the journal. What is noted of records that broke the core is disposed of.
fn replay(setup: &Setup, recovered: &Recovery) -> Result<Replayed, OpenError> {
    let notes = Notes::read(setup.dir.as_deref());
    notes.tell_of_damage();
    let replay = Replay {
        begin: &|passed_over| start(setup, recovered, passed_over),
        reader_from: &|seq| recovered.reader(seq).map_err(OpenError::Journal),
        notes: &notes,
        dir: setup.dir.as_deref(),
        applying: &setup.applying,
    };
    let replayed = replay.run()?;
    let new = replayed.voids.iter().filter(|record| record.is_new);
    let new: Vec<u64> = new.map(|record| record.seq).collect();
    if let Err(error) = notes.dispose(&new) {
        let reason = error.to_string();
        say("error", "panic_note_not_filed", None, &[("reason", &reason)]);
    }
    Ok(replayed)
}
