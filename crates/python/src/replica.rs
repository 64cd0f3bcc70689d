//! A replica of the core that follows the journal of another process, and writes the snapshots.
//!
//! It goes from one pair (seq, event hash) that the core published to the next, and compares its own
//! hash with each: what it writes down it has compared at exactly that seq.
//!
//! Invariants
//! - It never applies a record past the durable seq, and changes nothing of the journal.
//! - A state that was not compared, or that differs, is never written.
//! - There is one of them a data directory; a process that it forked to write counts as part of it.

use crate::engine_view::EngineView;
use crate::following::{FollowError, Following, Wanted};
use crate::listening::Listening;
use crate::series::After;
use crate::start::{Fit, PassedOver, Start, State, chain_at, wide, write_snapshot};
use crate::voids::{AheadError, Voids};
use coulisse_engine::{Engine, WARM_MAX};
use coulisse_gateway::hub::Hub;
use coulisse_journal::{
    ChainHash, JournalError, Reader, SnapshotMark, Storage, StorageLock, read_watermark,
    remove_unfinished,
};
use coulisse_projections::Rows;
use coulisse_types::{Command, Event, RecordHeader};
use coulisse_wire::record::{decode_record, record_length};
use std::collections::VecDeque;
use std::sync::Arc;

/// Held by the one replica of a data directory, and by the process that writes for it.
const LOCK_NAME: &str = "projector.lock";

/// Why a replica does not go on.
#[derive(Debug)]
pub(crate) enum ReplicaError {
    /// Another one works in this directory.
    Locked,
    /// No core has published anything since the machine booted.
    Void,
    /// What it says differs from what the core says: one of them is wrong.
    Diverged {
        seq: u64,
        mine: [u8; 32],
        published: [u8; 32],
    },
    /// A record that means nothing.
    Record {
        seq: u64,
        reason: String,
    },
    /// The state was not compared with the core's at this seq.
    NotCompared {
        seq: u64,
    },
    /// More records are void than may be.
    TooManyVoids,
    /// Whoever is to be given rows has others than this log makes.
    Follow(FollowError),
    Journal(JournalError),
}

impl From<FollowError> for ReplicaError {
    fn from(error: FollowError) -> Self {
        Self::Follow(error)
    }
}

impl From<JournalError> for ReplicaError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<AheadError> for ReplicaError {
    fn from(error: AheadError) -> Self {
        match error {
            AheadError::Journal(error) => Self::Journal(error),
            AheadError::Record { seq, reason } => Self::Record { seq, reason },
            AheadError::TooMany => Self::TooManyVoids,
        }
    }
}

/// One group of the journal, taken record by record.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    at: usize,
    /// The next records, decoded ahead of their turn, with their lengths; `taken` have had it.
    ahead: Vec<(RecordHeader, Command, usize)>,
    taken: usize,
    /// Where the batch that is being taken begins, and where it and those behind it end.
    batch_at: usize,
    ends: VecDeque<usize>,
}

/// The core's state as this process made it from the journal.
pub(crate) struct Replica {
    storage: Arc<dyn Storage>,
    state: State,
    /// The chain hash at the end of the last batch taken.
    chain: ChainHash,
    genesis: [u8; 16],
    epoch: u32,
    reader: Reader,
    /// The records that are void, read ahead to where `ahead` stands.
    voids: Voids,
    ahead: Reader,
    pending: Pending,
    /// The pair that is being gone to.
    target: Option<(u64, [u8; 32])>,
    /// The seq at which the hashes were last compared; 0 before the first time.
    compared_seq: u64,
    events: Vec<Event>,
    /// The snapshot it started from; 0 for none.
    pub(crate) snapshot_seq: u64,
    pub(crate) passed_over: Vec<PassedOver>,
    /// What is made of the events for a store, if there is one.
    following: Option<Following>,
    /// The sessions of whoever hands on what its feeds tell.
    listening: Listening,
    lock: Option<Arc<dyn StorageLock>>,
}

impl Replica {
    /// Starts from the newest snapshot up to `newest_seq` that fits what is durable. One that is not the
    /// only one of its directory may write no snapshots.
    pub(crate) fn open(
        storage: Arc<dyn Storage>,
        newest_seq: u64,
        is_only_one: bool,
    ) -> Result<Self, ReplicaError> {
        let mut lock = None;
        if is_only_one {
            let taken = storage.lock(LOCK_NAME).map_err(|_| ReplicaError::Locked)?;
            lock = Some(Arc::from(taken));
            remove_unfinished(storage.as_ref())?;
        }
        let Some(watermark) = read_watermark(&storage)? else { return Err(ReplicaError::Void) };
        let genesis = watermark.genesis;
        let mut passed_over = Vec::new();
        let fit = Fit {
            storage: storage.as_ref(),
            genesis,
            last_seq: watermark.durable_seq,
            newest_seq,
            chain_at: &|seq| {
                chain_at(&genesis, seq, || Ok(Reader::tail(Arc::clone(&storage), seq)))
            },
            new_hub: &|| new_hub(watermark.epoch),
        };
        let tail = |seq| Ok(Reader::tail(Arc::clone(&storage), seq));
        let Start { state, mark, voids, ahead, .. } = fit.start(&mut passed_over, &tail)?;
        let chain = mark.map_or_else(|| ChainHash::genesis(&genesis), |mark| mark.chain);
        let snapshot_seq = state.engine.last_seq().0;
        Ok(Self {
            reader: Reader::tail(Arc::clone(&storage), snapshot_seq + 1),
            storage,
            state,
            voids,
            ahead,
            chain,
            genesis,
            epoch: watermark.epoch,
            pending: Pending::default(),
            target: None,
            compared_seq: 0,
            events: Vec::new(),
            snapshot_seq,
            passed_over,
            following: None,
            listening: Listening::default(),
            lock,
        })
    }

    /// Another one of the same process, which starts from the newest snapshot whatever this one is kept
    /// back by, and may write snapshots if this one may.
    pub(crate) fn ahead(&self) -> Result<Self, ReplicaError> {
        let mut ahead = Self::open(Arc::clone(&self.storage), u64::MAX, false)?;
        ahead.lock.clone_from(&self.lock);
        Ok(ahead)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// How often history was lost.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The engine, its feeds and the sessions that hear them.
    pub(crate) fn listening(&mut self) -> (&Engine, &mut Hub, &mut Listening) {
        let State { engine, hub } = &mut self.state;
        (engine, hub, &mut self.listening)
    }

    #[cfg(feature = "planted")]
    pub(crate) fn engine_mut(&mut self) -> &mut Engine {
        &mut self.state.engine
    }

    /// The last seq that was applied.
    pub(crate) fn seq(&self) -> u64 {
        self.state.engine.last_seq().0
    }

    /// The last seq at which the hashes were compared, and agreed.
    pub(crate) fn compared_seq(&self) -> u64 {
        self.compared_seq
    }

    /// Applies at most `limit` records, no further than the newest pair that the core published, and
    /// compares there; returns how many.
    pub(crate) fn catch_up(&mut self, limit: u64) -> Result<u64, ReplicaError> {
        let Some((seq, published)) = self.target()? else { return Ok(0) };
        let first = self.seq();
        while self.seq() < seq && (self.seq() - first < limit || self.owes_a_batch()) {
            if !self.step()? {
                break;
            }
        }
        if self.seq() == seq {
            self.target = None;
            let mine = wide(self.state.engine.event_hash());
            if mine != published {
                self.compared_seq = 0;
                return Err(ReplicaError::Diverged { seq, mine, published });
            }
            self.compared_seq = seq;
        }
        Ok(self.seq() - first)
    }

    /// The journal that it follows.
    pub(crate) fn genesis(&self) -> [u8; 16] {
        self.genesis
    }

    /// How far the log may be read.
    pub(crate) fn durable_seq(&self) -> Result<u64, ReplicaError> {
        Ok(read_watermark(&self.storage)?.map_or(0, |mark| mark.durable_seq))
    }

    /// Makes rows of what follows `seq`, where the chain hash is to be `chain` (not looked at for 0).
    pub(crate) fn follow(
        &mut self,
        seq: u64,
        chain: [u8; 32],
        wanted: Wanted,
    ) -> Result<(), ReplicaError> {
        let durable_seq = self.durable_seq()?;
        if seq > durable_seq.max(self.seq()) {
            return Err(FollowError::Ahead { seq, durable_seq }.into());
        }
        if seq < self.seq() {
            return Err(FollowError::Passed { seq, at: self.seq() }.into());
        }
        let mut following = Following::new(seq, ChainHash(chain), wanted);
        if seq == self.seq() {
            let State { engine, hub } = &self.state;
            following.begin(&After { engine, hub }, self.chain_here())?;
        }
        self.following = Some(following);
        Ok(())
    }

    /// Makes no more rows; what was made and not taken is forgotten.
    pub(crate) fn unfollow(&mut self) {
        self.following = None;
    }

    /// The chain hash here, if a batch ends here.
    fn chain_here(&self) -> Option<ChainHash> {
        let Pending { at, batch_at, .. } = &self.pending;
        (at == batch_at).then_some(self.chain)
    }

    /// Whether rows are made, and the batch is not over: they are given in whole batches.
    fn owes_a_batch(&self) -> bool {
        self.following.is_some() && self.chain_here().is_none()
    }

    /// The rows of all since the last time, with the seq and the chain hash that they reach to; none
    /// within a batch, or where nothing follows.
    pub(crate) fn take_rows(&mut self) -> Option<(Rows, u64, ChainHash)> {
        let chain = self.chain_here()?;
        let seq = self.seq();
        let State { engine, hub } = &self.state;
        let rows = self.following.as_mut()?.take_rows(&After { engine, hub })?;
        Some((rows, seq, chain))
    }

    /// The records and events that were kept since the last time, encoded.
    pub(crate) fn take_events(&mut self) -> Vec<(RecordHeader, Vec<u8>)> {
        self.following.as_mut().map(Following::take_events).unwrap_or_default()
    }

    /// How much is waiting to be taken: events.
    pub(crate) fn waiting_events(&self) -> u64 {
        self.following.as_ref().map_or(0, Following::waiting_events)
    }

    /// The pair to go to: one that was begun is gone to first.
    fn target(&mut self) -> Result<Option<(u64, [u8; 32])>, ReplicaError> {
        if self.target.is_none() {
            let Some(watermark) = read_watermark(&self.storage)? else { return Ok(None) };
            let seq = watermark.event_seq;
            // A core that has just started has published none yet.
            if seq >= self.seq() && seq <= watermark.durable_seq && seq > 0 {
                // It took for void what the log says is void up to where it was durable then.
                self.voids.read_ahead(&mut self.ahead)?;
                self.target = Some((seq, watermark.event_hash));
            }
        }
        Ok(self.target)
    }

    /// Takes the next record; `false` where none may be read yet.
    fn step(&mut self) -> Result<bool, ReplicaError> {
        if self.pending.at == self.pending.bytes.len() && !self.next_group()? {
            return Ok(false);
        }
        if self.pending.taken == self.pending.ahead.len() {
            self.read_ahead()?;
        }
        let next_seq = self.seq() + 1;
        let Pending { bytes, at, ahead, taken, batch_at, ends } = &mut self.pending;
        let (header, command, length) = &ahead[*taken];
        *at += length;
        *taken += 1;
        let is_new = header.seq.0 >= next_seq;
        if is_new {
            self.events.clear();
            let State { engine, hub } = &mut self.state;
            self.voids.apply(engine, header, command, &mut self.events);
            hub.deliver(header, &self.events, &EngineView(engine));
            if let Some(following) = &mut self.following {
                following.take(header, &self.events, &After { engine, hub });
            }
        }
        if ends.front() == Some(at) {
            // What is before the snapshot is in its chain hash already.
            if is_new {
                self.chain = self.chain.step(&bytes[*batch_at..*at]);
            }
            *batch_at = *at;
            ends.pop_front();
        }
        let chain = self.chain_here();
        let State { engine, hub } = &self.state;
        let after = After { engine, hub };
        if let Some(following) = self.following.as_mut().filter(|one| one.waits_for(&after)) {
            following.begin(&after, chain)?;
        }
        Ok(true)
    }

    /// Decodes the next records of the group, at least one, and reads what they will need: their
    /// cache misses overlap, as those of a loop's turn do.
    fn read_ahead(&mut self) -> Result<(), ReplicaError> {
        let Pending { bytes, at, ahead, taken, .. } = &mut self.pending;
        ahead.clear();
        *taken = 0;
        let mut from = *at;
        while from < bytes.len() && ahead.len() < WARM_MAX {
            match decode_next(&bytes[from..]) {
                Ok((header, command, length)) => {
                    ahead.push((header, command, length));
                    from += length;
                }
                // Those before it have their turn first.
                Err(_) if !ahead.is_empty() => break,
                Err(reason) => return Err(ReplicaError::Record { seq: self.seq() + 1, reason }),
            }
        }
        self.state.engine.warm(ahead.iter().map(|(header, command, _)| (header, command)));
        Ok(())
    }

    fn next_group(&mut self) -> Result<bool, ReplicaError> {
        let Some(group) = self.reader.next_group()? else { return Ok(false) };
        let Pending { bytes, at, batch_at, ends, .. } = &mut self.pending;
        bytes.clear();
        bytes.extend_from_slice(group.bytes());
        (*at, *batch_at) = (0, 0);
        ends.clear();
        let mut end = 0;
        for batch in group.batches() {
            end += batch.len();
            ends.push_back(end);
        }
        Ok(true)
    }

    /// Writes the state down, if it was compared at this seq; returns the bytes of the file.
    pub(crate) fn write_snapshot(
        &self,
        keep: usize,
        needed_seq: Option<u64>,
    ) -> Result<u64, ReplicaError> {
        let State { engine, .. } = &self.state;
        let seq = self.seq();
        if self.lock.is_none() {
            return Err(ReplicaError::Locked);
        }
        if self.compared_seq != seq || seq == 0 {
            return Err(ReplicaError::NotCompared { seq });
        }
        let mark = SnapshotMark {
            genesis: self.genesis,
            epoch: self.epoch,
            seq,
            chain: self.chain,
            event_hash: wide(engine.event_hash()),
            state_hash: engine.state_hash(),
            time_ns: engine.time_ns(),
        };
        Ok(write_snapshot(self.storage.as_ref(), &self.state, &mark, keep, needed_seq)?)
    }
}

/// The record at the front, and its length.
fn decode_next(bytes: &[u8]) -> Result<(RecordHeader, Command, usize), String> {
    let length = record_length(bytes).map_err(|error| format!("{error:?}"))?;
    let decoded = bytes.get(..length).ok_or_else(|| "it ends early".to_string())?;
    let (header, command) = decode_record(decoded).map_err(|error| format!("{error:?}"))?;
    Ok((header, command, length))
}

/// A hub that nobody connects to: it keeps what the log alone decides.
pub(crate) fn new_hub(epoch: u32) -> Hub {
    Hub::new(Vec::new(), String::new(), String::new(), u64::from(epoch))
}
