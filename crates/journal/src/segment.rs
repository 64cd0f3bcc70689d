//! Segment files: their names, and making new ones ahead of need.
//!
//! A new segment is made under a temporary name: space reserved, zeros written, synced. It gets its
//! header and its name only when it is needed, because both carry what is known only then: the first
//! seq and the chain hash. So every file with a segment's name has a whole, durable header.
//!
//! Zeros are written because a sync of a block that was only reserved has to commit the file system's
//! metadata too. `Durability::Os` never syncs in service, so its segments are only reserved.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::error::{IoOp, JournalError, JournalFile};
use crate::format::SegmentHeader;
use crate::storage::{Storage, StorageFile};

pub(crate) const DURABLE_NAME: &str = "durable.seq";
pub(crate) const DURABLE_TEMPORARY_NAME: &str = "durable.tmp";
pub(crate) const LOCK_NAME: &str = "journal.lock";
/// What a preparation ahead of need makes.
const PREPARED_NAME: &str = "journal-prepared.tmp";
/// What is made on the spot, perhaps while a preparation is still running.
const IMMEDIATE_NAME: &str = "journal-immediate.tmp";
const SEGMENT_PREFIX: &str = "journal-";
const SEGMENT_SUFFIX: &str = ".seg";

/// The file name of the segment that starts at `first_seq`.
pub fn segment_name(first_seq: u64) -> String {
    format!("{SEGMENT_PREFIX}{first_seq:020}{SEGMENT_SUFFIX}")
}

/// The first seq in a segment's file name; `None` if it is no segment's name.
pub fn segment_first_seq(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(SEGMENT_PREFIX)?.strip_suffix(SEGMENT_SUFFIX)?;
    let first_seq = digits.parse().ok()?;
    (segment_name(first_seq) == name).then_some(first_seq)
}

/// Whether `name` is a leftover that only an unfinished step of ours can have made.
pub(crate) fn is_temporary(name: &str) -> bool {
    [PREPARED_NAME, IMMEDIATE_NAME, DURABLE_TEMPORARY_NAME].contains(&name)
}

/// A file ready to become a segment.
pub(crate) struct Blank {
    file: Box<dyn StorageFile>,
    name: &'static str,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

impl Blank {
    fn make(
        storage: &dyn Storage,
        name: &'static str,
        bytes: u64,
        zeroed: bool,
        cancelled: &AtomicBool,
    ) -> io::Result<Self> {
        let file = storage.create(name)?;
        file.preallocate(bytes)?;
        if zeroed {
            file.write_zeros(0, bytes, &|| cancelled.load(Ordering::Relaxed))?;
        }
        Ok(Self { file, name, bytes })
    }

    /// Makes one on the spot.
    pub(crate) fn make_now(
        storage: &dyn Storage,
        bytes: u64,
        zeroed: bool,
    ) -> Result<Self, JournalError> {
        Self::make(storage, IMMEDIATE_NAME, bytes, zeroed, &AtomicBool::new(false))
            .map_err(|error| JournalError::io(IoOp::Write, JournalFile::Prepared, &error))
    }

    /// Gives it its header and its name, both durable.
    pub(crate) fn become_segment(
        self,
        storage: &dyn Storage,
        header: &SegmentHeader,
    ) -> Result<Box<dyn StorageFile>, JournalError> {
        let fail = |op| {
            let file = JournalFile::Segment(header.first_seq);
            move |error: io::Error| JournalError::io(op, file, &error)
        };
        self.file.write_at(&header.encode(), 0).map_err(fail(IoOp::Write))?;
        self.file.sync_data().map_err(fail(IoOp::Sync))?;
        storage.rename(self.name, &segment_name(header.first_seq)).map_err(fail(IoOp::Rename))?;
        storage.sync_dir().map_err(fail(IoOp::Sync))?;
        Ok(self.file)
    }
}

/// Who prepares the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparer {
    /// A thread that lives as long as one preparation does; groups are not delayed.
    Thread,
    /// The writer itself, after the group in which it becomes due: for simulation.
    Inline,
}

/// The preparation of the next segment, done or under way.
pub(crate) enum Preparation {
    None,
    Running(JoinHandle<io::Result<Blank>>),
    Done(Blank),
}

/// Prepares the next segment ahead of need. Dropping it stops and joins its thread.
pub(crate) struct Preparing {
    storage: Arc<dyn Storage>,
    preparer: Preparer,
    cancelled: Arc<AtomicBool>,
    state: Preparation,
}

impl Preparing {
    pub(crate) fn new(storage: Arc<dyn Storage>, preparer: Preparer) -> Self {
        Self {
            storage,
            preparer,
            cancelled: Arc::new(AtomicBool::new(false)),
            state: Preparation::None,
        }
    }

    /// Starts preparing unless that was done. A failure here is none yet: it shows when the segment is
    /// needed and made on the spot.
    pub(crate) fn begin(&mut self, bytes: u64, zeroed: bool) {
        if !matches!(self.state, Preparation::None) {
            return;
        }
        let (storage, cancelled) = (Arc::clone(&self.storage), Arc::clone(&self.cancelled));
        let make = move || Blank::make(storage.as_ref(), PREPARED_NAME, bytes, zeroed, &cancelled);
        self.state = match self.preparer {
            Preparer::Inline => make().map_or(Preparation::None, Preparation::Done),
            Preparer::Thread => thread::Builder::new()
                .name("journal-prepare".to_owned())
                .spawn(make)
                .map_or(Preparation::None, Preparation::Running),
        };
    }

    /// Takes the prepared segment if it is ready; never waits.
    pub(crate) fn take(&mut self) -> Option<Blank> {
        match std::mem::replace(&mut self.state, Preparation::None) {
            Preparation::Done(blank) => Some(blank),
            Preparation::Running(thread) if thread.is_finished() => thread.join().ok()?.ok(),
            still @ (Preparation::Running(_) | Preparation::None) => {
                self.state = still;
                None
            }
        }
    }
}

impl Drop for Preparing {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        if let Preparation::Running(thread) = std::mem::replace(&mut self.state, Preparation::None)
        {
            // Whatever it made has no name yet; the next opening removes it.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{segment_first_seq, segment_name};

    #[test]
    fn only_canonical_names_are_segments() {
        assert_eq!(segment_name(7), "journal-00000000000000000007.seg");
        assert_eq!(segment_first_seq(&segment_name(u64::MAX)), Some(u64::MAX));
        for name in
            ["journal-7.seg", "journal-prepared.tmp", "journal-+0000000000000000007.seg", "x"]
        {
            assert_eq!(segment_first_seq(name), None, "{name}");
        }
    }
}
