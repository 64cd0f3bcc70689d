//! Copying a journal while its node runs, or when none does, and looking at a copy.
//!
//! A copy has the segments of the journal, group by group, up to what was durable when it began. It
//! is a journal as a clean stop would have left it: [`crate::open`] takes it.
//!
//! Invariants
//! - Nothing is copied that was not checked: header, content, records and chain hash of every group.
//! - A copy ends where a group ends, and holds every record up to there.
//! - The journal is only read; where no node runs its lock is held meanwhile.
//!
//! Cost: one pass over the journal (SHA-256) and one sync a segment; memory of one group.

use std::io;
use std::sync::Arc;

use crate::error::{Fault, IoOp, JournalError, JournalFile};
use crate::format::{ChainHash, GroupKind};
use crate::reader::Reader;
use crate::recovery::{list_segments, lost_durable_seq};
use crate::scan::{Cursor, OpenSegment, Stop, is_torn};
use crate::segment::{LOCK_NAME, segment_name};
use crate::storage::{Storage, StorageFile};
use crate::watermark::{Watermark, boot_id, read_any, read_watermark};

/// What a journal, or a copy of one, holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The journal's genesis id.
    pub genesis: [u8; 16],
    /// The epoch of its last segment.
    pub epoch: u32,
    /// The first seq that is held.
    pub first_seq: u64,
    /// The last seq; 0 if there is none.
    pub last_seq: u64,
    /// The chain hash there.
    pub chain: ChainHash,
    /// Segment files.
    pub segments: u64,
    /// Bytes of them up to the last group's end.
    pub bytes: u64,
}

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What it holds.
    pub extent: Extent,
    /// A seq within it at which the core told its event hash, with that hash, if there is one.
    pub told: Option<(u64, [u8; 32])>,
}

/// Copies the journal in `from` to `into`, which holds none yet; a copy that was begun there is begun
/// again.
///
/// # Errors
/// [`JournalError::NotPublished`] where a node has it open and has published nothing yet,
/// [`JournalError::Corrupt`], [`JournalError::LostDurable`], [`JournalError::Io`].
pub fn copy(from: &Arc<dyn Storage>, into: &dyn Storage) -> Result<Copied, JournalError> {
    match from.lock(LOCK_NAME) {
        Ok(_lock) => {
            let watermark = read_any(from.as_ref())?;
            let extent = walk(from.as_ref(), u64::MAX, Some(into))?;
            let same_boot = match watermark {
                Some(watermark) => watermark.boot_id == boot_id(from.as_ref())?,
                None => false,
            };
            let found_seq = extent.last_seq;
            let lost = lost_durable_seq(watermark, Some(extent.genesis), same_boot, found_seq);
            match lost {
                Some(durable_seq) => Err(JournalError::LostDurable { durable_seq, found_seq }),
                None => Ok(Copied { extent, told: told_within(watermark, &extent) }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let watermark = read_watermark(from)?.ok_or(JournalError::NotPublished)?;
            let extent = walk(from.as_ref(), watermark.durable_seq, Some(into))?;
            let (durable_seq, found_seq) = (watermark.durable_seq, extent.last_seq);
            if found_seq != durable_seq || extent.chain != watermark.chain {
                return Err(JournalError::LostDurable { durable_seq, found_seq });
            }
            Ok(Copied { extent, told: told_within(Some(watermark), &extent) })
        }
        Err(error) => Err(JournalError::io(IoOp::Open, JournalFile::Lock, &error)),
    }
}

/// Looks at a copy, or at any journal that nobody writes: every group is checked.
///
/// # Errors
/// [`JournalError::Corrupt`], [`JournalError::Io`].
pub fn inspect(storage: &dyn Storage) -> Result<Extent, JournalError> {
    walk(storage, u64::MAX, None)
}

/// Reads what [`inspect`] has found, from `from_seq` on.
///
/// # Errors
/// [`JournalError::TooOld`], [`JournalError::TooNew`], [`JournalError::Io`].
pub fn reader(
    storage: Arc<dyn Storage>,
    extent: &Extent,
    from_seq: u64,
) -> Result<Reader, JournalError> {
    Reader::up_to(storage, from_seq, extent.last_seq)
}

/// The pair that the core has told, if it lies within what was copied.
fn told_within(watermark: Option<Watermark>, extent: &Extent) -> Option<(u64, [u8; 32])> {
    let watermark = watermark.filter(|watermark| watermark.genesis == extent.genesis)?;
    let is_within = (1..=extent.last_seq).contains(&watermark.event_seq);
    is_within.then_some((watermark.event_seq, watermark.event_hash))
}

/// Goes over all groups up to `last_seq`, copying them if there is somewhere to.
fn walk(
    storage: &dyn Storage,
    last_seq: u64,
    into: Option<&dyn Storage>,
) -> Result<Extent, JournalError> {
    let segments = list_segments(storage)?;
    let Some(&first) = segments.first() else {
        return Err(JournalError::Corrupt {
            file: JournalFile::Directory,
            offset: 0,
            fault: Fault::Missing { expected: 1 },
        });
    };
    let mut before: Option<(OpenSegment, Cursor, Fault)> = None;
    let mut extent = None;
    for &first_seq in &segments {
        let mut segment = OpenSegment::open(storage, first_seq, false)?;
        if let Some((earlier, end, fault)) = &before
            && (!end.continues_in(&segment.header)
                || earlier.header.genesis != segment.header.genesis)
        {
            return Err(earlier.corrupt(end.offset, *fault));
        }
        let target = into.map(|into| Target::create(into, &segment)).transpose()?;
        let (end, fault) = pass(&mut segment, last_seq, target.as_ref())?;
        if let Some(target) = target {
            target.sync()?;
        }
        let earlier = extent.map_or((0, 0), |extent: Extent| (extent.segments, extent.bytes));
        extent = Some(Extent {
            genesis: segment.header.genesis,
            epoch: segment.header.epoch,
            first_seq: first,
            last_seq: end.next_seq - 1,
            chain: end.chain,
            segments: earlier.0 + 1,
            bytes: earlier.1 + end.offset,
        });
        if end.next_seq > last_seq {
            break;
        }
        let is_last = segments.last() == Some(&first_seq);
        if is_last && last_seq == u64::MAX {
            check_end(&mut segment, &end, fault)?;
        }
        before = Some((segment, end, fault));
    }
    if let Some(into) = into {
        into.sync_dir()
            .map_err(|error| JournalError::io(IoOp::Sync, JournalFile::Directory, &error))?;
    }
    // There was a first segment.
    extent.ok_or(JournalError::NotPublished)
}

/// Goes over the groups of one segment; returns where it stopped and what ended it.
fn pass(
    segment: &mut OpenSegment,
    last_seq: u64,
    target: Option<&Target>,
) -> Result<(Cursor, Fault), JournalError> {
    let mut end = Cursor::at_start(&segment.header);
    loop {
        match segment.group(&end) {
            Ok(group) => {
                let is_beyond =
                    group.header.kind == GroupKind::Data && group.header.first_seq > last_seq;
                if is_beyond {
                    return Ok((end, Fault::Empty));
                }
                if let Some(target) = target {
                    target.write(segment.whole(&group), end.offset)?;
                }
                end = end.after(&group.header);
            }
            Err(Stop::Fault(fault)) => return Ok((end, fault)),
            Err(Stop::Io(error)) => return Err(error),
        }
    }
}

/// Sees that nothing but a torn last group ends the last segment.
fn check_end(segment: &mut OpenSegment, end: &Cursor, fault: Fault) -> Result<(), JournalError> {
    // What a client put into a record is no evidence of a later group.
    let skipped_bytes = match segment.group_header(end) {
        Ok(header) => header.group_bytes(),
        Err(Stop::Fault(_)) => 0,
        Err(Stop::Io(error)) => return Err(error),
    };
    let tail = segment.tail(end.offset + skipped_bytes, end.next_group)?;
    if is_torn(fault) && tail.later.is_none() {
        return Ok(());
    }
    Err(segment.corrupt(end.offset, fault))
}

/// A segment of the copy.
struct Target {
    file: Box<dyn StorageFile>,
    id: JournalFile,
}

impl Target {
    fn create(into: &dyn Storage, segment: &OpenSegment) -> Result<Self, JournalError> {
        let id = segment.id();
        let file = into
            .create(&segment_name(segment.header.first_seq))
            .map_err(|error| JournalError::io(IoOp::Open, id, &error))?;
        let target = Self { file, id };
        target.write(&segment.header.encode(), 0)?;
        Ok(target)
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), JournalError> {
        self.file
            .write_at(bytes, at)
            .map_err(|error| JournalError::io(IoOp::Write, self.id, &error))
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|error| JournalError::io(IoOp::Sync, self.id, &error))
    }
}
