//! Replay that survives records which break the core: section 25 of the core's rules, at a start.
//!
//! ```text
//! a record breaks the core, live or at a start   noted in panic.json; the process ends
//! it breaks the replay of the next start         it is noted: replay again, with the record void;
//!                                                a Void of it in that start's first batch
//! the start after that                           finds the Void by reading ahead
//! ```
//!
//! Invariants
//! - A state that a panic has left half changed is thrown away, never used.
//! - A record becomes void only where it broke the core twice, in two processes.

use crate::engine_view::EngineView;
use crate::failure::{Note, text_of};
use crate::node_core::OpenError;
use crate::notes::Notes;
use crate::start::{PassedOver, Start, State};
use crate::voids::Voids;
use coulisse_engine::WARM_MAX;
use coulisse_journal::Reader;
use coulisse_types::InstrumentId;
use coulisse_types::limits::POISON_RECORDS_PER_START_MAX;
use coulisse_wire::record::decode_record;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// A record that is void.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VoidRecord {
    pub(crate) seq: u64,
    /// Its instrument, which is halted; 0 for none.
    pub(crate) instrument: InstrumentId,
    /// Whether this start made it void: the log does not say so yet.
    pub(crate) is_new: bool,
}

/// What replay came to.
pub(crate) struct Replayed {
    pub(crate) state: State,
    pub(crate) snapshot_seq: u64,
    /// The time to find, check and read the snapshot.
    pub(crate) snapshot_us: u64,
    pub(crate) passed_over: Vec<PassedOver>,
    /// The records behind the snapshot that are void, by seq.
    pub(crate) voids: Vec<VoidRecord>,
}

/// A start that may have to be made several times.
pub(crate) struct Replay<'a> {
    /// Finds the newest state, and says what it passed over.
    pub(crate) begin: &'a dyn Fn(&mut Vec<PassedOver>) -> Result<Start, OpenError>,
    /// Reads all behind a seq.
    pub(crate) reader_from: &'a dyn Fn(u64) -> Result<Reader, OpenError>,
    pub(crate) notes: &'a Notes,
    /// The data directory, if there is one.
    pub(crate) dir: Option<&'a str>,
    /// The seq that is being applied; 0 between records.
    pub(crate) applying: &'a AtomicU64,
}

impl Replay<'_> {
    /// Replays the log. A record that breaks the core and is noted is void; one that is not noted
    /// yet ends the process.
    pub(crate) fn run(&self) -> Result<Replayed, OpenError> {
        let mut poison = Vec::new();
        loop {
            let mut passed_over = Vec::new();
            let Start { mut state, voids, snapshot_us, .. } = (self.begin)(&mut passed_over)?;
            let snapshot_seq = state.engine.last_seq().0;
            let reader = (self.reader_from)(snapshot_seq + 1)?;
            let replaying =
                AssertUnwindSafe(|| self.take_all(reader, &mut state, &voids, &mut poison));
            match catch_unwind(replaying) {
                Ok(result) => {
                    result?;
                    let voids = all_of(&voids, &poison);
                    return Ok(Replayed { state, snapshot_seq, snapshot_us, passed_over, voids });
                }
                Err(panic) => {
                    let seq = self.applying.load(Ordering::Relaxed);
                    if seq == 0 {
                        resume_unwind(panic);
                    }
                    poison.push(self.condemn(seq, poison.len(), &text_of(&*panic))?);
                }
            }
        }
    }

    /// What a record that has just broken the core is from here on.
    fn condemn(&self, seq: u64, count: usize, message: &str) -> Result<VoidRecord, OpenError> {
        if !self.notes.has(seq) {
            let dir = self.dir.map(ToString::to_string);
            Note { dir, seq, log: None }.write_and_abort(message);
        }
        if count == POISON_RECORDS_PER_START_MAX {
            return Err(OpenError::Poisoned { seq, reason: message.to_string() });
        }
        Ok(VoidRecord { seq, instrument: InstrumentId(0), is_new: true })
    }

    /// Applies all that the reader has: replay is live without anybody waiting.
    fn take_all(
        &self,
        mut reader: Reader,
        state: &mut State,
        voids: &Voids,
        poison: &mut [VoidRecord],
    ) -> Result<(), OpenError> {
        let State { engine, hub } = state;
        let (mut events, mut ahead) = (Vec::new(), Vec::with_capacity(WARM_MAX));
        while let Some(group) = reader.next_group().map_err(OpenError::Journal)? {
            let mut records = group.records();
            loop {
                ahead.clear();
                for (seq, bytes) in records.by_ref().take(WARM_MAX) {
                    let decoded = decode_record(bytes)
                        .map_err(|error| OpenError::Record { seq, reason: error.to_string() })?;
                    ahead.push(decoded);
                }
                if ahead.is_empty() {
                    break;
                }
                // Their cache misses overlap, as those of a loop's turn do.
                engine.warm(ahead.iter().map(|(header, command)| (header, command)));
                for (header, command) in &ahead {
                    events.clear();
                    self.applying.store(header.seq.0, Ordering::Relaxed);
                    if let Some(record) = poison.iter_mut().find(|one| one.seq == header.seq.0) {
                        record.instrument = engine.instrument_of(header, command);
                        engine.apply_void(header, command, &mut events);
                    } else {
                        voids.apply(engine, header, command, &mut events);
                    }
                    hub.deliver(header, &events, &EngineView(engine));
                    self.applying.store(0, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }
}

/// Those that the log names and those that it will, by seq.
fn all_of(voids: &Voids, poison: &[VoidRecord]) -> Vec<VoidRecord> {
    let named = voids.iter();
    let mut all: Vec<VoidRecord> = named
        .map(|(seq, instrument)| VoidRecord { seq, instrument, is_new: false })
        .chain(poison.iter().copied())
        .collect();
    all.sort_by_key(|record| record.seq);
    all
}
