//! Reading groups back, each checked against everything before it.
//!
//! Invariant: a group is given out only if its header, content, padding, records and chain hash are all
//! right **and** it is the one due at that place: number, first seq, genesis and chain hash before it.
//!
//! Cost: one checksum and one SHA-256 pass over the group; memory of one group and the read-ahead.

use std::io;
use std::ops::Range;

use crate::error::{Fault, IoOp, JournalError, JournalFile};
use crate::format::{
    ChainHash, GROUP_HEADER_BYTES, GroupHeader, GroupKind, SEGMENT_HEADER_BYTES, SegmentHeader,
    batch_ends, is_zero,
};
use crate::limits::{READ_AHEAD_BYTES, SECTOR_BYTES};
use crate::record::{RunFault, check_run};
use crate::segment::segment_name;
use crate::storage::{Storage, StorageFile};

/// The place in a journal that has been reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Offset in the segment, in bytes.
    pub(crate) offset: u64,
    pub(crate) next_group: u64,
    pub(crate) next_seq: u64,
    pub(crate) chain: ChainHash,
}

impl Cursor {
    /// Just behind a segment's header.
    pub(crate) fn at_start(segment: &SegmentHeader) -> Self {
        Self {
            offset: SEGMENT_HEADER_BYTES as u64,
            next_group: segment.first_group,
            next_seq: segment.first_seq,
            chain: segment.chain_before,
        }
    }

    /// Behind one more group.
    pub(crate) fn after(&self, group: &GroupHeader) -> Self {
        Self {
            offset: self.offset + group.group_bytes(),
            next_group: self.next_group + 1,
            next_seq: self.next_seq + u64::from(group.count),
            chain: group.chain_after,
        }
    }

    /// Whether `segment` continues exactly here.
    pub(crate) fn continues_in(&self, segment: &SegmentHeader) -> bool {
        segment.first_seq == self.next_seq
            && segment.first_group == self.next_group
            && segment.chain_before == self.chain
    }
}

/// A file with its header and a read-ahead window.
pub(crate) struct OpenSegment {
    pub(crate) file: Box<dyn StorageFile>,
    pub(crate) header: SegmentHeader,
    window: Vec<u8>,
    window_at: u64,
}

/// Why no group is given out.
pub(crate) enum Stop {
    /// The bytes there are not the group due.
    Fault(Fault),
    /// The storage failed.
    Io(JournalError),
}

/// A whole, checked group; the ranges are into the segment's window.
pub(crate) struct GroupAt {
    pub(crate) header: GroupHeader,
    pub(crate) table: Range<usize>,
    pub(crate) records: Range<usize>,
}

impl OpenSegment {
    /// Opens the segment that starts at `first_seq` and checks its header.
    pub(crate) fn open(
        storage: &dyn Storage,
        first_seq: u64,
        writable: bool,
    ) -> Result<Self, JournalError> {
        let name = segment_name(first_seq);
        let file = if writable { storage.open(&name) } else { storage.open_read(&name) };
        let file = file.map_err(|error| {
            JournalError::io(IoOp::Open, JournalFile::Segment(first_seq), &error)
        })?;
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let count = file.read_at(&mut bytes, 0).map_err(|error| {
            JournalError::io(IoOp::Read, JournalFile::Segment(first_seq), &error)
        })?;
        let corrupt = |fault| JournalError::Corrupt {
            file: JournalFile::Segment(first_seq),
            offset: 0,
            fault,
        };
        let header = SegmentHeader::decode(&bytes[..count]).map_err(corrupt)?;
        if header.first_seq != first_seq {
            return Err(corrupt(Fault::SegmentName { found: header.first_seq }));
        }
        Ok(Self { file, header, window: Vec::new(), window_at: 0 })
    }

    /// What this file is called in errors.
    pub(crate) fn id(&self) -> JournalFile {
        JournalFile::Segment(self.header.first_seq)
    }

    /// Forgets what was read ahead, which another process may have written over since.
    pub(crate) fn forget(&mut self) {
        self.window.clear();
    }

    /// The bytes behind a [`GroupAt`] range of the last group read.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.window[range]
    }

    /// All bytes of the last group read, from its header to the end of its padding.
    pub(crate) fn whole(&self, group: &GroupAt) -> &[u8] {
        let start = group.table.start - GROUP_HEADER_BYTES;
        let length = usize::try_from(group.header.group_bytes()).unwrap_or(usize::MAX);
        &self.window[start..start + length]
    }

    /// Makes `length` bytes at `offset` available, as a range of the window. Past the file's end bytes
    /// read as zeros, as they do where nothing was ever written.
    fn fill(&mut self, offset: u64, length: usize) -> Result<Range<usize>, Stop> {
        let start = offset
            .checked_sub(self.window_at)
            .and_then(|start| usize::try_from(start).ok())
            .filter(|start| start + length <= self.window.len());
        if let Some(start) = start {
            return Ok(start..start + length);
        }
        let segment_bytes = usize::try_from(self.header.segment_bytes).unwrap_or(READ_AHEAD_BYTES);
        self.window.resize(length.max(READ_AHEAD_BYTES.min(segment_bytes)), 0);
        self.window_at = offset;
        let count = self
            .file
            .read_at(&mut self.window, offset)
            .map_err(|error| Stop::Io(self.io(IoOp::Read, &error)))?;
        self.window[count..].fill(0);
        Ok(0..length)
    }

    fn io(&self, op: IoOp, error: &io::Error) -> JournalError {
        JournalError::io(op, self.id(), error)
    }

    /// The header of the group due at `cursor`; the rest of the group is not read.
    pub(crate) fn group_header(&mut self, cursor: &Cursor) -> Result<GroupHeader, Stop> {
        if cursor.offset + SECTOR_BYTES > self.header.segment_bytes {
            return Err(Stop::Fault(Fault::Empty));
        }
        let range = self.fill(cursor.offset, GROUP_HEADER_BYTES)?;
        let group = GroupHeader::decode(&self.window[range]).map_err(Stop::Fault)?;
        check_due(&group, &self.header, cursor).map_err(Stop::Fault)?;
        Ok(group)
    }

    /// Reads and checks the whole group due at `cursor`.
    pub(crate) fn group(&mut self, cursor: &Cursor) -> Result<GroupAt, Stop> {
        let header = self.group_header(cursor)?;
        let length = usize::try_from(header.group_bytes()).unwrap_or(usize::MAX);
        let range = self.fill(cursor.offset, length)?;
        let table_at = range.start + GROUP_HEADER_BYTES;
        let records_at = table_at + header.table_bytes();
        let group = GroupAt {
            header,
            table: table_at..records_at,
            records: records_at..records_at + header.records_bytes as usize,
        };
        let padding = &self.window[group.records.end..range.end];
        let payload = &self.window[table_at..group.records.end];
        check_content(&header, payload, padding).map_err(Stop::Fault)?;
        Ok(group)
    }

    /// Looks at everything from `from` to the segment's end.
    pub(crate) fn tail(&mut self, from: u64, next_group: u64) -> Result<Tail, JournalError> {
        let mut tail = Tail { dirty_end: from, later: None };
        let mut at = from;
        while at < self.header.segment_bytes {
            let left = usize::try_from(self.header.segment_bytes - at).unwrap_or(usize::MAX);
            let range = self.fill(at, left.min(READ_AHEAD_BYTES)).map_err(|stop| match stop {
                Stop::Io(error) => error,
                Stop::Fault(fault) => self.corrupt(at, fault),
            })?;
            let bytes = &self.window[range];
            if !is_zero(bytes) {
                tail.look(bytes, at, &self.header, next_group);
            }
            at += bytes.len() as u64;
        }
        Ok(tail)
    }

    pub(crate) fn corrupt(&self, offset: u64, fault: Fault) -> JournalError {
        JournalError::Corrupt { file: self.id(), offset, fault }
    }
}

/// What lies behind the last whole group.
pub(crate) struct Tail {
    /// Where the last byte that is not zero ends, rounded up to a sector.
    pub(crate) dirty_end: u64,
    /// Where the head of a later group of this journal lies: it was written only after the group that is
    /// missing before it had been synced.
    pub(crate) later: Option<u64>,
}

impl Tail {
    fn look(&mut self, bytes: &[u8], at: u64, segment: &SegmentHeader, next_group: u64) {
        let sectors = bytes.chunks(usize::try_from(SECTOR_BYTES).unwrap_or(usize::MAX));
        for (sector_at, sector) in (at..).step_by(sectors_step()).zip(sectors) {
            if is_zero(sector) {
                continue;
            }
            self.dirty_end = sector_at + SECTOR_BYTES;
            let is_later =
                |group: GroupHeader| group.genesis == segment.genesis && group.group >= next_group;
            if self.later.is_none() && GroupHeader::decode(sector).is_ok_and(is_later) {
                self.later = Some(sector_at);
            }
        }
    }
}

/// [`SECTOR_BYTES`] as a step of an iterator.
fn sectors_step() -> usize {
    usize::try_from(SECTOR_BYTES).unwrap_or(usize::MAX)
}

fn check_due(group: &GroupHeader, segment: &SegmentHeader, cursor: &Cursor) -> Result<(), Fault> {
    if group.genesis != segment.genesis {
        return Err(Fault::Genesis);
    }
    if group.group != cursor.next_group {
        return Err(Fault::GroupNumber { expected: cursor.next_group, found: group.group });
    }
    if group.first_seq != cursor.next_seq {
        return Err(Fault::FirstSeq { expected: cursor.next_seq, found: group.first_seq });
    }
    if group.chain_before != cursor.chain {
        return Err(Fault::ChainBefore);
    }
    if group.durability != segment.durability {
        return Err(Fault::Kind);
    }
    if cursor.offset + group.group_bytes() > segment.segment_bytes {
        return Err(Fault::Length { bytes: group.group_bytes() });
    }
    Ok(())
}

fn check_content(header: &GroupHeader, payload: &[u8], padding: &[u8]) -> Result<(), Fault> {
    if crc32c::crc32c(payload) != header.payload_crc {
        return Err(Fault::PayloadChecksum);
    }
    if !is_zero(padding) {
        return Err(Fault::Padding);
    }
    let (table, records) = payload.split_at(header.table_bytes());
    match header.kind {
        GroupKind::Seal if header.count == 0 && payload.is_empty() => {}
        GroupKind::Seal => return Err(Fault::Kind),
        GroupKind::Data => {
            let count = check_run(records, header.first_seq, batch_ends(table)).map_err(
                |fault| match fault {
                    RunFault::Record { index, fault } => Fault::Record { index, fault },
                    RunFault::Batches => Fault::Batches,
                },
            )?;
            if count != header.count {
                return Err(Fault::Batches);
            }
        }
    }
    if header.chain_before.over(records, batch_ends(table)) != header.chain_after {
        return Err(Fault::ChainAfter);
    }
    Ok(())
}

/// Whether a fault at the place where a group was due can be what a crash leaves of the last group. A
/// header that is whole but not the one due, or content that its checksum confirms and that is wrong
/// nevertheless, was not left by a crash.
pub(crate) fn is_torn(fault: Fault) -> bool {
    match fault {
        Fault::Empty
        | Fault::Truncated
        | Fault::Magic
        | Fault::HeaderChecksum
        | Fault::Genesis
        | Fault::PayloadChecksum
        | Fault::Padding => true,
        // An older number is a leftover of an earlier generation.
        Fault::GroupNumber { expected, found } => found < expected,
        Fault::Version { .. }
        | Fault::Kind
        | Fault::SegmentName { .. }
        | Fault::FirstSeq { .. }
        | Fault::ChainBefore
        | Fault::ChainAfter
        | Fault::Length { .. }
        | Fault::Batches
        | Fault::Record { .. }
        | Fault::Missing { .. } => false,
    }
}
