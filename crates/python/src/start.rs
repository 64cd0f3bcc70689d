//! What a core or a replica starts from: the newest snapshot that fits the journal, or nothing.
//!
//! A snapshot is passed over, with its reason, for the next older one where it is not whole, not of
//! this journal or this history, or not the state that it says it is.
//!
//! ```text
//! payload: bytes of feeds u64 · feeds (the hub's) · state (the engine's)
//! ```
//!
//! Invariant: what starts from here and then takes the journal's records from `seq + 1` on is what
//! would have come of all of them.

use crate::node_core::elapsed_us;
use crate::voids::{AheadError, Voids};
use coulisse_engine::{Engine, SnapshotSink, SnapshotSource};
use coulisse_gateway::hub::Hub;
use coulisse_journal::{
    ChainHash, JournalError, Reader, SnapshotMark, SnapshotReader, SnapshotWriter, Storage,
    list_snapshots, snapshot_name,
};
use std::time::Instant;

/// A state after some seq.
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) hub: Hub,
}

/// A snapshot that was passed over, and why.
#[derive(Clone, Debug)]
pub(crate) struct PassedOver {
    pub(crate) file: String,
    pub(crate) reason: String,
}

/// The journal that a snapshot must fit.
pub(crate) struct Fit<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) genesis: [u8; 16],
    /// Where it ends, as far as it may be read.
    pub(crate) last_seq: u64,
    /// The newest snapshot that is wanted; none later is looked at.
    pub(crate) newest_seq: u64,
    /// The chain hash at a seq, `None` where no batch ends.
    pub(crate) chain_at: &'a dyn Fn(u64) -> Result<Option<ChainHash>, JournalError>,
    pub(crate) new_hub: &'a dyn Fn() -> Hub,
}

/// Where to start, and what is known of the records behind it.
pub(crate) struct Start {
    pub(crate) state: State,
    /// Of the snapshot; `None` for a start before the first record.
    pub(crate) mark: Option<SnapshotMark>,
    /// The records that the log says are void, as far as it was read ahead.
    pub(crate) voids: Voids,
    /// Where that was.
    pub(crate) ahead: Reader,
    /// The time to find, check and read the snapshot.
    pub(crate) snapshot_us: u64,
}

impl Fit<'_> {
    /// The newest start that fits: a snapshot, or nothing. Those that do not fit are told.
    ///
    /// A snapshot does not fit where a record that it has taken in is void by what stands behind it.
    pub(crate) fn start(
        &self,
        passed_over: &mut Vec<PassedOver>,
        reader_from: &dyn Fn(u64) -> Result<Reader, JournalError>,
    ) -> Result<Start, AheadError> {
        let mut below = self.newest_seq.saturating_add(1);
        loop {
            let started = Instant::now();
            let found = self.newest(below, passed_over)?;
            let (state, mark) = match found {
                Some((state, mark)) => (state, Some(mark)),
                None => (State { engine: Engine::new(), hub: (self.new_hub)() }, None),
            };
            let snapshot_us = elapsed_us(started);
            let seq = state.engine.last_seq().0;
            let mut ahead = reader_from(seq + 1)?;
            let mut voids = Voids::default();
            voids.read_ahead(&mut ahead)?;
            let Some(void) = voids.first_up_to(seq) else {
                return Ok(Start { state, mark, voids, ahead, snapshot_us });
            };
            let reason = format!("it has taken in the record at seq {void}, which is void");
            passed_over.push(PassedOver { file: snapshot_name(seq), reason });
            below = seq;
        }
    }

    /// The newest state before `below` that fits, with its mark; those that do not are told.
    fn newest(
        &self,
        below: u64,
        passed_over: &mut Vec<PassedOver>,
    ) -> Result<Option<(State, SnapshotMark)>, JournalError> {
        for seq in list_snapshots(self.storage)?.into_iter().filter(|seq| *seq < below) {
            match self.read(seq) {
                Ok(found) => return Ok(Some(found)),
                Err(reason) => passed_over.push(PassedOver { file: snapshot_name(seq), reason }),
            }
        }
        Ok(None)
    }

    fn read(&self, seq: u64) -> Result<(State, SnapshotMark), String> {
        if seq > self.last_seq {
            return Err(format!("the journal ends at seq {}", self.last_seq));
        }
        let said = |error: JournalError| error.to_string();
        let reader = SnapshotReader::open(self.storage, seq).map_err(said)?;
        let mark = *reader.mark();
        if mark.genesis != self.genesis {
            return Err("it is of another journal".to_string());
        }
        let chain = (self.chain_at)(seq).map_err(said)?;
        if chain != Some(mark.chain) {
            return Err(format!("the journal has another history at seq {seq}"));
        }
        let mut slices = Slices { reader, failed: None };
        let state = decode(&mut slices, (self.new_hub)());
        // Whatever was made of the bytes: whether they are those that were written comes first.
        let Slices { reader, failed } = slices;
        failed.map_or(Ok(()), Err).and_then(|()| reader.finish()).map_err(said)?;
        let state = state?;
        let State { engine, .. } = &state;
        if engine.last_seq().0 != seq || wide(engine.event_hash()) != mark.event_hash {
            return Err("its state is of another seq or said other events".to_string());
        }
        if engine.state_hash() != mark.state_hash {
            return Err("its state has another hash than was written".to_string());
        }
        Ok((state, mark))
    }
}

/// A snapshot's payload, given to whoever decodes it.
struct Slices {
    reader: SnapshotReader,
    /// The first error: the payload seems to end there.
    failed: Option<JournalError>,
}

impl SnapshotSource for Slices {
    fn read(&mut self, into: &mut [u8]) -> usize {
        if self.failed.is_some() {
            return 0;
        }
        self.reader.read(into).unwrap_or_else(|error| {
            self.failed = Some(error);
            0
        })
    }
}

fn decode(slices: &mut Slices, mut hub: Hub) -> Result<State, String> {
    let short = || "its payload is too short".to_string();
    let mut length = [0; 8];
    if !read_whole(slices, &mut length) {
        return Err(short());
    }
    let feeds = u64::from_le_bytes(length);
    if feeds > slices.reader.left_bytes() {
        return Err(short());
    }
    let feeds = usize::try_from(feeds).map_err(|_| short())?;
    let mut feeds = vec![0; feeds];
    if !read_whole(slices, &mut feeds) {
        return Err(short());
    }
    hub.read_feeds(&feeds).map_err(|fault| fault.to_string())?;
    drop(feeds);
    let engine = Engine::read_snapshot(slices).map_err(|error| error.to_string())?;
    Ok(State { engine, hub })
}

/// Fills `into`; whether there was enough.
fn read_whole(slices: &mut Slices, mut into: &mut [u8]) -> bool {
    while !into.is_empty() {
        match slices.read(into) {
            0 => return false,
            count => into = &mut into[count..],
        }
    }
    true
}

/// Where the chain of a journal stands at `seq`, read with `reader`, which begins there.
pub(crate) fn chain_at(
    genesis: &[u8; 16],
    seq: u64,
    reader: impl FnOnce() -> Result<Reader, JournalError>,
) -> Result<Option<ChainHash>, JournalError> {
    if seq == 0 {
        return Ok(Some(ChainHash::genesis(genesis)));
    }
    let mut reader = reader()?;
    Ok(reader.next_group()?.and_then(|group| group.chain_at(seq)))
}

/// Writes a state down; returns the bytes of the file. Only the newest `keep` stay, and the newest at or
/// below `needed_seq`.
pub(crate) fn write_snapshot(
    storage: &dyn Storage,
    state: &State,
    mark: &SnapshotMark,
    keep: usize,
    needed_seq: Option<u64>,
) -> Result<u64, JournalError> {
    struct Sink<'w, 's>(&'w mut SnapshotWriter<'s>);
    impl SnapshotSink for Sink<'_, '_> {
        type Error = JournalError;
        fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
            self.0.write(bytes)
        }
    }
    let mut feeds = Vec::new();
    state.hub.write_feeds(&mut feeds);
    let mut writer = SnapshotWriter::create(storage, mark.seq)?;
    if let Some(seq) = needed_seq {
        writer.keep_for(seq);
    }
    writer.write(&(feeds.len() as u64).to_le_bytes())?;
    writer.write(&feeds)?;
    state.engine.write_snapshot(&mut Sink(&mut writer))?;
    writer.finish(mark, keep)
}

/// An event hash as files have it.
pub(crate) fn wide(hash: [u8; 16]) -> [u8; 32] {
    let mut wide = [0; 32];
    wide[..hash.len()].copy_from_slice(&hash);
    wide
}
