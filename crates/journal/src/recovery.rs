//! Opening a journal: finding its last whole group, and making that true on disk.
//!
//! Steps: lock; read every segment (or the needed ones) and check every group; compare with what
//! `durable.seq` proves; only then change anything: cut, zero what was cut, sync what is kept, publish.
//! A crash between any two steps leaves a journal that recovers to the same content.
//!
//! Rules
//! - Group g+1 is written only after g is synced. So under `Durability::Fsync` a bad group with any later
//!   group behind it, in its segment or a later one, is damage and not a crash: refused, unchanged.
//! - Under `Durability::Os` a power cut may lose any group and keep a later one. Then, and only if the
//!   machine has booted since, the journal is cut at the first bad group and the epoch rises.
//! - What the last process wrote and did not see synced may be kept; it is written again before it is
//!   synced, because after a failed sync the page cache calls bytes clean that are on no disk.
//!
//! Cost: a pass over the segments from [`Options::verify_from_seq`] on (SHA-256: some 1.4 GB/s), and the
//! last one to its end; memory of one group and the read-ahead.

use std::io;
use std::sync::Arc;

use crate::error::{Fault, IoOp, JournalError, JournalFile};
use crate::format::{ChainHash, Durability, GroupKind, SegmentHeader};
use crate::limits::{
    FIRST_SEGMENT_BYTES_DEFAULT, SECTOR_BYTES, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX,
    SEGMENT_BYTES_MIN, SEGMENTS_MAX,
};
use crate::reader::Reader;
use crate::scan::{Cursor, OpenSegment, Stop, is_torn};
use crate::segment::{Blank, LOCK_NAME, Preparer, is_temporary, segment_first_seq, segment_name};
use crate::storage::Storage;
use crate::watermark::{Watermark, boot_id, read_any};
use crate::writer::{Writer, WriterParts, sync_segment};

/// What to do when `durable.seq` proves that acknowledged records are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostTail {
    /// Refuse with [`JournalError::LostDurable`]: nobody goes on quietly without what was acknowledged.
    Refuse,
    /// Go on with what is left, in a new epoch, and say so in [`Report::lost_durable_seq`].
    Accept,
}

/// How a journal is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Size of a segment in bytes: a multiple of 512, [`SEGMENT_BYTES_MIN`] to [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// Size of a new journal's first segment in bytes, same range; larger ones follow.
    pub first_segment_bytes: u64,
    /// The id of a journal that this opening creates: drawn at random by the caller, or agreed among the
    /// nodes of a cluster. An existing journal keeps its own.
    pub new_genesis: [u8; 16],
    /// Whether to go on after a proven loss.
    pub lost_tail: LostTail,
    /// Segments that end below this seq are believed by their headers (the caller has a snapshot there);
    /// 1 checks everything.
    pub verify_from_seq: u64,
    /// Who prepares segments.
    pub preparer: Preparer,
    /// Whether this is a copy that goes on: what was after it is lost, and the epoch rises.
    pub is_restored: bool,
}

impl Options {
    /// The defaults: fsync, 64 MiB segments after a first one of 8 MiB, everything checked.
    pub fn new(new_genesis: [u8; 16]) -> Self {
        Self {
            durability: Durability::Fsync,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            first_segment_bytes: FIRST_SEGMENT_BYTES_DEFAULT,
            new_genesis,
            lost_tail: LostTail::Refuse,
            verify_from_seq: 1,
            preparer: Preparer::Thread,
            is_restored: false,
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        let sizes = [
            ("segment_bytes", self.segment_bytes),
            ("first_segment_bytes", self.first_segment_bytes),
        ];
        for (name, value) in sizes {
            let in_range = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&value);
            if !in_range || value % SECTOR_BYTES != 0 {
                return Err(JournalError::Options { name, value });
            }
        }
        Ok(())
    }
}

/// What opening found and did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether the journal is new.
    pub created: bool,
    /// The journal's genesis id.
    pub genesis: [u8; 16],
    /// The epoch from here on.
    pub epoch: u32,
    /// The first seq still held (the first segment's, even if it is empty).
    pub first_seq: u64,
    /// The last seq; 0 if there is none.
    pub last_seq: u64,
    /// The chain hash at `last_seq`.
    pub chain: ChainHash,
    /// Groups so far, seals included.
    pub groups: u64,
    /// Segment files kept.
    pub segments: u64,
    /// Whether the journal ended with a seal: the last life closed it, or left it idle.
    pub sealed: bool,
    /// Bytes of a torn last group (or of garbage behind the last group) that were zeroed.
    pub cut_bytes: u64,
    /// Segments dropped after a power cut under `Durability::Os`.
    pub segments_dropped: u64,
    /// Whether history may have been lost, so that `epoch` rose: a power cut under `Durability::Os`, an
    /// accepted loss, or a copy that goes on.
    pub history_lost: bool,
    /// The seq that was once durable, where that is more than `last_seq`.
    pub lost_durable_seq: Option<u64>,
}

/// An opened journal.
pub struct Recovery {
    /// The open end.
    pub writer: Writer,
    /// What was found and done.
    pub report: Report,
    storage: Arc<dyn Storage>,
}

impl Recovery {
    /// Reads the recovered groups from the one that holds `from_seq` on, up to the recovered end.
    ///
    /// # Errors
    /// [`JournalError::TooOld`], [`JournalError::TooNew`], [`JournalError::Io`].
    pub fn reader(&self, from_seq: u64) -> Result<Reader, JournalError> {
        Reader::up_to(Arc::clone(&self.storage), from_seq, self.report.last_seq)
    }
}

/// Opens the journal in `storage`, creating it if there is none.
///
/// # Errors
/// [`JournalError::Locked`]; [`JournalError::Corrupt`] and [`JournalError::LostDurable`], both without
/// having changed anything; [`JournalError::Options`]; [`JournalError::Io`].
pub fn open(storage: Arc<dyn Storage>, options: Options) -> Result<Recovery, JournalError> {
    options.check()?;
    let lock = storage.lock(LOCK_NAME).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => JournalError::Locked,
        _ => JournalError::io(IoOp::Open, JournalFile::Lock, &error),
    })?;
    let boot_id = boot_id(storage.as_ref())?;
    let watermark = read_any(storage.as_ref())?;
    let same_boot = watermark.is_some_and(|watermark| watermark.boot_id == boot_id);
    let names = list(storage.as_ref())?;
    let segments = segments_of(&names)?;

    let scan = match segments.first() {
        Some(_) => Some(Scan::run(storage.as_ref(), &segments, &options, same_boot)?),
        None => None,
    };
    let found_seq = scan.as_ref().map_or(0, |scan| scan.end.next_seq - 1);
    let genesis = scan.as_ref().map(|scan| scan.segment.header.genesis);
    let lost_durable_seq = lost_durable_seq(watermark, genesis, same_boot, found_seq);
    if let (Some(durable_seq), LostTail::Refuse) = (lost_durable_seq, options.lost_tail) {
        return Err(JournalError::LostDurable { durable_seq, found_seq });
    }

    // Up to here nothing was changed.
    remove_temporaries(storage.as_ref(), &names)?;
    let created = scan.is_none();
    let mut scan = match scan {
        Some(scan) => scan,
        None => Scan::of_new(storage.as_ref(), &options)?,
    };
    scan.repair(storage.as_ref())?;
    let header = scan.segment.header;
    let was_closed = watermark.is_some_and(|watermark| {
        watermark.closed
            && watermark.genesis == header.genesis
            && watermark.durable_seq == found_seq
    });
    let power_cut_under_os =
        header.durability == Durability::Os && !same_boot && !was_closed && !created;
    let history_lost = power_cut_under_os || lost_durable_seq.is_some() || options.is_restored;
    let report = scan.report(created, history_lost, lost_durable_seq);
    let mut writer = Writer::new(WriterParts {
        storage: Arc::clone(&storage),
        options,
        lock,
        boot_id,
        file: scan.segment.file,
        segment: header,
        end: scan.end,
        sealed: scan.sealed || created,
    })?;
    // A segment has one epoch and one durability, so that both can be told of any group in it.
    if history_lost || header.durability != options.durability {
        writer.roll(report.epoch)?;
    }
    writer.publish_first()?;
    Ok(Recovery { writer, report, storage })
}

/// What was durable by `durable.seq`'s word, if that is more than was found. Its word counts within
/// the boot that wrote it, and for ever if it was written after an fsync.
pub(crate) fn lost_durable_seq(
    watermark: Option<Watermark>,
    genesis: Option<[u8; 16]>,
    same_boot: bool,
    found_seq: u64,
) -> Option<u64> {
    let watermark = watermark?;
    let counts = same_boot || watermark.durability == Durability::Fsync;
    let same_journal = genesis.is_none_or(|genesis| genesis == watermark.genesis);
    (counts && same_journal && watermark.durable_seq > found_seq).then_some(watermark.durable_seq)
}

fn list(storage: &dyn Storage) -> Result<Vec<String>, JournalError> {
    storage.list().map_err(|error| JournalError::io(IoOp::List, JournalFile::Directory, &error))
}

/// The first seqs of the segments in a directory, ascending.
pub(crate) fn list_segments(storage: &dyn Storage) -> Result<Vec<u64>, JournalError> {
    segments_of(&list(storage)?)
}

fn segments_of(names: &[String]) -> Result<Vec<u64>, JournalError> {
    // Names are of fixed width, so their order is that of the seqs.
    let segments: Vec<u64> = names.iter().filter_map(|name| segment_first_seq(name)).collect();
    if segments.len() > SEGMENTS_MAX {
        return Err(JournalError::Options { name: "SEGMENTS_MAX", value: segments.len() as u64 });
    }
    Ok(segments)
}

fn remove_temporaries(storage: &dyn Storage, names: &[String]) -> Result<(), JournalError> {
    for name in names.iter().filter(|name| is_temporary(name)) {
        storage
            .remove(name)
            .map_err(|error| JournalError::io(IoOp::Remove, JournalFile::Prepared, &error))?;
    }
    Ok(())
}

/// What the segments hold, and what has to be done about it.
struct Scan {
    segment: OpenSegment,
    end: Cursor,
    sealed: bool,
    /// Offset of the last group in the last segment kept.
    last_group_at: Option<u64>,
    /// Where the bytes behind `end` that are not zero end.
    dirty_end: u64,
    kept: Vec<(u64, Durability)>,
    doomed: Vec<u64>,
}

impl Scan {
    /// Reads the segments; changes nothing.
    fn run(
        storage: &dyn Storage,
        segments: &[u64],
        options: &Options,
        same_boot: bool,
    ) -> Result<Self, JournalError> {
        let mut segment = OpenSegment::open(storage, segments[0], true)?;
        let mut kept = vec![(segments[0], segment.header.durability)];
        for (index, &first_seq) in segments.iter().enumerate().skip(1) {
            let next = OpenSegment::open(storage, first_seq, true)?;
            if next.header.genesis != segment.header.genesis {
                return Err(next.corrupt(0, Fault::Genesis));
            }
            // Whoever starts from a snapshot replays nothing of such a segment. Under `Os` a power cut
            // may have left a hole in it all the same.
            let is_believed = first_seq <= options.verify_from_seq
                && segment.header.durability == Durability::Fsync;
            if !is_believed {
                let pass = Pass::over(&mut segment)?;
                if !pass.end.continues_in(&next.header) {
                    let doomed = &segments[index..];
                    return pass.cut_before(storage, segment, kept, doomed, same_boot);
                }
            }
            kept.push((first_seq, next.header.durability));
            segment = next;
        }
        let pass = Pass::over(&mut segment)?;
        let dirty_end = check_tail(&mut segment, &pass, same_boot)?;
        Ok(pass.into_scan(segment, dirty_end, kept, Vec::new()))
    }

    /// Makes the first segment of a new journal.
    fn of_new(storage: &dyn Storage, options: &Options) -> Result<Self, JournalError> {
        let bytes = options.first_segment_bytes.min(options.segment_bytes);
        let zeroed = options.durability == Durability::Fsync;
        let blank = Blank::make_now(storage, bytes, zeroed)?;
        let header = SegmentHeader {
            genesis: options.new_genesis,
            epoch: 1,
            durability: options.durability,
            first_seq: 1,
            first_group: 1,
            segment_bytes: bytes,
            chain_before: ChainHash::genesis(&options.new_genesis),
        };
        drop(blank.become_segment(storage, &header)?);
        let segment = OpenSegment::open(storage, 1, true)?;
        let end = Cursor::at_start(&header);
        Ok(Self {
            segment,
            end,
            sealed: false,
            last_group_at: None,
            dirty_end: end.offset,
            kept: vec![(1, options.durability)],
            doomed: Vec::new(),
        })
    }

    /// Makes the disk hold what was found, durably, and nothing behind it.
    fn repair(&mut self, storage: &dyn Storage) -> Result<(), JournalError> {
        let file_id = self.segment.id();
        let fail = |op| move |error: io::Error| JournalError::io(op, file_id, &error);
        // In whatever order these removals survive a crash, the gap before them is found again.
        for &first_seq in &self.doomed {
            storage.remove(&segment_name(first_seq)).map_err(fail(IoOp::Remove))?;
        }
        let file = self.segment.file.as_ref();
        file.preallocate(self.segment.header.segment_bytes).map_err(fail(IoOp::Write))?;
        file.write_zeros(self.end.offset, self.dirty_end, &|| false).map_err(fail(IoOp::Write))?;
        if let Some(last_group_at) = self.last_group_at {
            let length = usize::try_from(self.end.offset - last_group_at).unwrap_or(usize::MAX);
            let mut group = vec![0; length];
            // What lies past a cut file's end is the group's padding.
            file.read_at(&mut group, last_group_at).map_err(fail(IoOp::Read))?;
            file.write_at(&group, last_group_at).map_err(fail(IoOp::Write))?;
        }
        file.sync_data().map_err(fail(IoOp::Sync))?;
        let current = self.segment.header.first_seq;
        for (first_seq, durability) in &self.kept {
            if *durability == Durability::Os && *first_seq != current {
                sync_segment(storage, *first_seq)?;
            }
        }
        // Also for names that the last process gave and did not live to sync.
        storage
            .sync_dir()
            .map_err(|error| JournalError::io(IoOp::Sync, JournalFile::Directory, &error))
    }

    fn report(&self, created: bool, history_lost: bool, lost_durable_seq: Option<u64>) -> Report {
        let header = &self.segment.header;
        Report {
            created,
            genesis: header.genesis,
            epoch: header.epoch + u32::from(history_lost),
            first_seq: self.kept.first().map_or(1, |(first_seq, _)| *first_seq),
            last_seq: self.end.next_seq - 1,
            chain: self.end.chain,
            groups: self.end.next_group - 1,
            segments: self.kept.len() as u64,
            sealed: self.sealed,
            cut_bytes: self.dirty_end - self.end.offset,
            segments_dropped: self.doomed.len() as u64,
            history_lost,
            lost_durable_seq,
        }
    }
}

/// One pass over a segment's groups.
struct Pass {
    end: Cursor,
    sealed: bool,
    last_group_at: Option<u64>,
    fault: Fault,
}

impl Pass {
    /// Checks group after group until the bytes are not the group due.
    fn over(segment: &mut OpenSegment) -> Result<Self, JournalError> {
        let mut end = Cursor::at_start(&segment.header);
        let (mut sealed, mut last_group_at) = (false, None);
        loop {
            match segment.group(&end) {
                Ok(group) => {
                    sealed = group.header.kind == GroupKind::Seal;
                    last_group_at = Some(end.offset);
                    end = end.after(&group.header);
                }
                Err(Stop::Fault(fault)) => {
                    return Ok(Self { end, sealed, last_group_at, fault });
                }
                Err(Stop::Io(error)) => return Err(error),
            }
        }
    }

    /// The segment ended before the next one begins: damage, or what a power cut left under `Os`.
    fn cut_before(
        self,
        storage: &dyn Storage,
        mut segment: OpenSegment,
        kept: Vec<(u64, Durability)>,
        doomed: &[u64],
        same_boot: bool,
    ) -> Result<Scan, JournalError> {
        if same_boot || !all_os(storage, &segment.header, doomed)? {
            let fault = match self.fault {
                Fault::Empty => Fault::Missing { expected: self.end.next_seq },
                fault => fault,
            };
            return Err(segment.corrupt(self.end.offset, fault));
        }
        let dirty_end = segment.tail(self.end.offset, self.end.next_group)?.dirty_end;
        Ok(self.into_scan(segment, dirty_end, kept, doomed.to_vec()))
    }

    fn into_scan(
        self,
        segment: OpenSegment,
        dirty_end: u64,
        kept: Vec<(u64, Durability)>,
        doomed: Vec<u64>,
    ) -> Scan {
        Scan {
            segment,
            end: self.end,
            sealed: self.sealed,
            last_group_at: self.last_group_at,
            dirty_end,
            kept,
            doomed,
        }
    }
}

/// Decides whether what ends the last segment is a torn last group; returns where its bytes end.
fn check_tail(
    segment: &mut OpenSegment,
    pass: &Pass,
    same_boot: bool,
) -> Result<u64, JournalError> {
    let at = pass.end.offset;
    // Where the head of the bad group is whole its content is passed over: what a client put into a
    // record is no evidence.
    let skipped_bytes = match segment.group_header(&pass.end) {
        Ok(header) => header.group_bytes(),
        Err(Stop::Fault(_)) => 0,
        Err(Stop::Io(error)) => return Err(error),
    };
    let tail = segment.tail(at + skipped_bytes, pass.end.next_group)?;
    let may_have_holes = segment.header.durability == Durability::Os && !same_boot;
    let is_explained = may_have_holes || (is_torn(pass.fault) && tail.later.is_none());
    if !is_explained {
        return Err(segment.corrupt(at, pass.fault));
    }
    Ok(tail.dirty_end.min(segment.header.segment_bytes))
}

/// Whether this segment and all of the `later` ones were written under `Durability::Os`.
fn all_os(
    storage: &dyn Storage,
    header: &SegmentHeader,
    later: &[u64],
) -> Result<bool, JournalError> {
    if header.durability != Durability::Os {
        return Ok(false);
    }
    for &first_seq in later {
        if OpenSegment::open(storage, first_seq, false)?.header.durability != Durability::Os {
            return Ok(false);
        }
    }
    Ok(true)
}
