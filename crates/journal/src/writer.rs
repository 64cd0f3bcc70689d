//! The one writer of a journal: groups in, each synced before the next.
//!
//! It has no thread of its own but the one that prepares segments; whoever drives it decides when a
//! group is complete (group commit).
//!
//! Invariants
//! - Group g+1 is written only after group g is synced (`Durability::Fsync`).
//! - The watermark is published only for what is synced (`Fsync`) or written (`Os`).
//! - After any storage error nothing is written or published any more: what the disk holds is unknown,
//!   so only recovery may look.
//!
//! Cost of a group: one copy and one CRC-32C, one SHA-256 pass, one `pwrite`, one `fdatasync`, one small
//! `pwrite` for the watermark. No allocation once its buffer has grown to the largest group.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::error::{IoOp, JournalError, JournalFile};
use crate::format::{
    ChainHash, Durability, GROUP_HEADER_BYTES, GroupHeader, GroupKind, SEGMENT_HEADER_BYTES,
    SegmentHeader, group_bytes, put_u32,
};
use crate::limits::{
    GROUP_BATCHES_MAX, GROUP_BYTES_MAX, PAGE_BYTES, PREPARE_AT_SHARE, SECTOR_BYTES, SEGMENT_GROWTH,
};
use crate::record::{RunFault, check_run};
use crate::recovery::Options;
use crate::scan::Cursor;
use crate::segment::{Blank, Preparing, segment_name};
use crate::storage::{Storage, StorageFile, StorageLock};
use crate::watermark::{Publisher, Watermark};

/// What an acknowledged group amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The first seq of the group.
    pub first_seq: u64,
    /// The last seq of the group: everything up to it is durable now.
    pub durable_seq: u64,
    /// The chain hash at `durable_seq`.
    pub chain: ChainHash,
    /// Bytes written, header and padding included.
    pub group_bytes: u64,
    /// Time to hash and assemble the group.
    pub encode_ns: u64,
    /// Time of the write.
    pub write_ns: u64,
    /// Time of the sync; 0 under `Durability::Os`.
    pub sync_ns: u64,
    /// Time to change to a new segment before it; 0 if there was no need.
    pub roll_ns: u64,
}

/// Counters of one writer's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Groups written, seals not counted.
    pub groups: u64,
    /// Records written.
    pub records: u64,
    /// Bytes written, headers and padding included.
    pub bytes: u64,
    /// Segments begun that had been prepared in time.
    pub segments_prepared: u64,
    /// Segments begun that had to be made on the spot, without zeros: their syncs cost more.
    pub segments_immediate: u64,
}

/// What a writer is made of, once recovery is done.
pub(crate) struct WriterParts {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) lock: Box<dyn StorageLock>,
    pub(crate) boot_id: [u8; 16],
    pub(crate) file: Box<dyn StorageFile>,
    pub(crate) segment: SegmentHeader,
    pub(crate) end: Cursor,
    pub(crate) sealed: bool,
}

/// The open end of a journal. See the module's invariants.
pub struct Writer {
    storage: Arc<dyn Storage>,
    options: Options,
    boot_id: [u8; 16],
    file: Box<dyn StorageFile>,
    segment: SegmentHeader,
    end: Cursor,
    sealed: bool,
    poisoned: bool,
    publisher: Publisher,
    /// The newest pair that may be published: its seq is durable.
    event_mark: (u64, [u8; 32]),
    /// The newest pair that was noted.
    noted_mark: (u64, [u8; 32]),
    scratch: Vec<u8>,
    stats: WriterStats,
    prepare_begun: bool,
    /// Segments that were left behind unsynced, under `Durability::Os`.
    unsynced: Vec<u64>,
    // Dropped in this order: no thread of ours touches the directory once the lock is released.
    preparing: Preparing,
    _lock: Box<dyn StorageLock>,
}

impl Writer {
    pub(crate) fn new(parts: WriterParts) -> Result<Self, JournalError> {
        let publisher = Publisher::open(parts.storage.as_ref())?;
        Ok(Self {
            preparing: Preparing::new(Arc::clone(&parts.storage), parts.options.preparer),
            storage: parts.storage,
            options: parts.options,
            boot_id: parts.boot_id,
            file: parts.file,
            segment: parts.segment,
            end: parts.end,
            sealed: parts.sealed,
            poisoned: false,
            publisher,
            event_mark: (0, [0; 32]),
            noted_mark: (0, [0; 32]),
            scratch: Vec::new(),
            stats: WriterStats::default(),
            prepare_begun: false,
            unsynced: Vec::new(),
            _lock: parts.lock,
        })
    }

    /// The seq that the next record must have.
    pub fn next_seq(&self) -> u64 {
        self.end.next_seq
    }

    /// The last durable seq; 0 if there is none.
    pub fn durable_seq(&self) -> u64 {
        self.end.next_seq - 1
    }

    /// The chain hash at the durable seq.
    pub fn chain(&self) -> ChainHash {
        self.end.chain
    }

    /// The epoch of this history: it rises where history may have been lost.
    pub fn epoch(&self) -> u32 {
        self.segment.epoch
    }

    /// The journal's genesis id.
    pub fn genesis(&self) -> [u8; 16] {
        self.segment.genesis
    }

    /// Counters since this writer was opened.
    pub fn stats(&self) -> WriterStats {
        self.stats
    }

    /// Whether an earlier storage error was fatal.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// The most bytes of records that fit in one group. In a journal with segments below 8 MiB the
    /// batch table (4 bytes a batch) has to fit too.
    pub fn group_bytes_max(&self) -> usize {
        let fixed_bytes = GROUP_HEADER_BYTES as u64 + 4;
        usize::try_from(self.room_bytes_min() - fixed_bytes)
            .map_or(GROUP_BYTES_MAX, |room| room.min(GROUP_BYTES_MAX))
    }

    /// The room for one group in the smallest segment, in bytes: all but its header and a seal.
    fn room_bytes_min(&self) -> u64 {
        self.options.segment_bytes.min(self.options.first_segment_bytes)
            - SEGMENT_HEADER_BYTES as u64
            - SECTOR_BYTES
    }

    /// Notes the core's running event hash at `seq`, the end of a batch; it is published with the
    /// first group that makes `seq` durable.
    pub fn set_event_mark(&mut self, seq: u64, hash: [u8; 32]) {
        self.noted_mark = (seq, hash);
    }

    /// Publishes the noted event hash now, if its seq is durable and it was not published yet: an
    /// idle journal then says it for its very end.
    ///
    /// # Errors
    /// [`JournalError::Io`], fatal; [`JournalError::Poisoned`].
    pub fn publish_event_mark(&mut self) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if self.noted_mark == self.event_mark || self.noted_mark.0 > self.durable_seq() {
            return Ok(());
        }
        let result = self.publish();
        self.poisoned = result.is_err();
        result
    }

    /// Writes one group and, under `Durability::Fsync`, syncs it; then publishes its last seq.
    ///
    /// `records` are whole records, one after another, from [`Self::next_seq`] without gap.
    /// `batch_ends` are the offsets in `records`, in bytes and increasing, where each batch as ordered
    /// ends; the last is `records.len()`. The chain hash takes one step per batch.
    ///
    /// Cost: see the module; linear in the bytes.
    ///
    /// # Errors
    /// [`JournalError::Record`], [`JournalError::Batches`], [`JournalError::GroupSize`]: nothing was
    /// written and the writer goes on. [`JournalError::Io`]: fatal; whether the group is durable is
    /// unknown and it must not be acknowledged. [`JournalError::Poisoned`] ever after.
    pub fn append_group(
        &mut self,
        records: &[u8],
        batch_ends: &[u32],
    ) -> Result<Synced, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let count = self.check(records, batch_ends)?;
        let result = self.commit(records, batch_ends, count);
        self.poisoned = result.is_err();
        result
    }

    fn check(&self, records: &[u8], batch_ends: &[u32]) -> Result<u32, JournalError> {
        let too_large = group_bytes(records.len(), batch_ends.len()) > self.room_bytes_min();
        if records.is_empty() || records.len() > GROUP_BYTES_MAX || too_large {
            return Err(JournalError::GroupSize {
                bytes: records.len() as u64,
                max_bytes: self.group_bytes_max() as u64,
            });
        }
        if batch_ends.len() > GROUP_BATCHES_MAX {
            return Err(JournalError::Batches);
        }
        check_run(records, self.end.next_seq, batch_ends.iter().copied()).map_err(|fault| {
            match fault {
                RunFault::Record { index, fault } => JournalError::Record { index, fault },
                RunFault::Batches => JournalError::Batches,
            }
        })
    }

    fn commit(
        &mut self,
        records: &[u8],
        batch_ends: &[u32],
        count: u32,
    ) -> Result<Synced, JournalError> {
        let bytes = group_bytes(records.len(), batch_ends.len());
        let mut roll_ns = 0;
        // Every segment keeps one sector for the seal that may close it.
        if self.end.offset + bytes + SECTOR_BYTES > self.segment.segment_bytes {
            let started = Instant::now();
            self.roll(self.segment.epoch)?;
            roll_ns = elapsed_ns(started);
        }
        let started = Instant::now();
        let header = self.encode_data(records, batch_ends, count);
        let encode_ns = elapsed_ns(started);
        let started = Instant::now();
        self.write_scratch()?;
        let write_ns = elapsed_ns(started);
        let sync_ns = match self.options.durability {
            Durability::Fsync => {
                let started = Instant::now();
                self.sync()?;
                elapsed_ns(started)
            }
            Durability::Os => 0,
        };
        self.end = self.end.after(&header);
        self.sealed = false;
        self.publish()?;
        self.stats.groups += 1;
        self.stats.records += u64::from(count);
        self.stats.bytes += bytes;
        self.prepare_if_due();
        Ok(Synced {
            first_seq: header.first_seq,
            durable_seq: self.durable_seq(),
            chain: self.end.chain,
            group_bytes: bytes,
            encode_ns,
            write_ns,
            sync_ns,
            roll_ns,
        })
    }

    /// Assembles header, batch table, records and padding in the scratch buffer.
    fn encode_data(&mut self, records: &[u8], batch_ends: &[u32], count: u32) -> GroupHeader {
        let payload_at = GROUP_HEADER_BYTES;
        let records_at = payload_at + 4 * batch_ends.len();
        let total =
            usize::try_from(group_bytes(records.len(), batch_ends.len())).unwrap_or(usize::MAX);
        self.scratch.clear();
        self.scratch.resize(records_at, 0);
        self.scratch.extend_from_slice(records);
        for (index, end) in batch_ends.iter().enumerate() {
            put_u32(&mut self.scratch, payload_at + 4 * index, *end);
        }
        let header = GroupHeader {
            count,
            batch_count: u32::try_from(batch_ends.len()).unwrap_or(u32::MAX),
            records_bytes: u32::try_from(records.len()).unwrap_or(u32::MAX),
            payload_crc: crc32c::crc32c(&self.scratch[payload_at..]),
            chain_after: self.end.chain.over(records, batch_ends.iter().copied()),
            ..self.empty_group(GroupKind::Data)
        };
        self.scratch.resize(total, 0);
        header.encode(&mut self.scratch);
        header
    }

    /// The head of a group without records at the end of the journal.
    fn empty_group(&self, kind: GroupKind) -> GroupHeader {
        GroupHeader {
            kind,
            durability: self.options.durability,
            group: self.end.next_group,
            first_seq: self.end.next_seq,
            count: 0,
            batch_count: 0,
            records_bytes: 0,
            payload_crc: crc32c::crc32c(&[]),
            genesis: self.segment.genesis,
            chain_before: self.end.chain,
            chain_after: self.end.chain,
        }
    }

    /// Writes the scratch buffer, and the zeros behind it that its last page has already.
    fn write_scratch(&mut self) -> Result<(), JournalError> {
        let len = self.scratch.len() as u64;
        let end = (self.end.offset + len).next_multiple_of(PAGE_BYTES as u64);
        let end = end.min(self.segment.segment_bytes).max(self.end.offset + len);
        self.scratch.resize(usize::try_from(end - self.end.offset).unwrap_or(usize::MAX), 0);
        self.file
            .write_at(&self.scratch, self.end.offset)
            .map_err(|error| self.io(IoOp::Write, &error))
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|error| self.io(IoOp::Sync, &error))
    }

    fn io(&self, op: IoOp, error: &io::Error) -> JournalError {
        JournalError::io(op, JournalFile::Segment(self.segment.first_seq), error)
    }

    /// Closes an idle journal with a seal group, synced: from now on every damaged bit before it is
    /// told from a torn write. Does nothing if nothing was written since the last seal.
    ///
    /// Under `Durability::Os` this syncs all that was written before, too.
    ///
    /// Cost: one sector and one sync (two under `Os`).
    ///
    /// # Errors
    /// [`JournalError::Io`], fatal; [`JournalError::Poisoned`].
    pub fn seal(&mut self) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if self.sealed {
            return Ok(());
        }
        let result = self.write_seal();
        self.poisoned = result.is_err();
        result
    }

    fn write_seal(&mut self) -> Result<(), JournalError> {
        self.sync_all()?;
        let header = self.empty_group(GroupKind::Seal);
        self.scratch.clear();
        self.scratch.resize(usize::try_from(SECTOR_BYTES).unwrap_or(usize::MAX), 0);
        header.encode(&mut self.scratch);
        self.write_scratch()?;
        self.sync()?;
        self.end = self.end.after(&header);
        self.sealed = true;
        Ok(())
    }

    /// Makes everything durable that `Durability::Os` left to the operating system.
    fn sync_all(&mut self) -> Result<(), JournalError> {
        if self.options.durability == Durability::Fsync {
            return Ok(());
        }
        for first_seq in std::mem::take(&mut self.unsynced) {
            sync_segment(self.storage.as_ref(), first_seq)?;
        }
        self.sync()
    }

    /// Seals the journal, notes durably that it was closed whole, and releases it.
    ///
    /// # Errors
    /// As [`Self::seal`]; the journal is released all the same.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.seal()?;
        self.take_mark();
        self.publisher.publish(&Watermark { closed: true, ..self.watermark() })?;
        self.publisher.sync()
    }

    /// Goes on in a new segment, which starts at the next seq, in `epoch`.
    ///
    /// A segment without records would have the new one's name: it is replaced, and what it numbered
    /// (seals alone) is numbered again.
    pub(crate) fn roll(&mut self, epoch: u32) -> Result<(), JournalError> {
        let replaces = self.segment.first_seq == self.end.next_seq;
        let header = SegmentHeader {
            epoch,
            durability: self.options.durability,
            first_seq: self.end.next_seq,
            first_group: if replaces { self.segment.first_group } else { self.end.next_group },
            chain_before: self.end.chain,
            ..self.segment
        };
        let blank = if let Some(blank) = self.preparing.take() {
            self.stats.segments_prepared += 1;
            blank
        } else {
            self.stats.segments_immediate += 1;
            Blank::make_now(self.storage.as_ref(), self.next_segment_bytes(), false)?
        };
        let header = SegmentHeader { segment_bytes: blank.bytes, ..header };
        if self.options.durability == Durability::Os && !replaces {
            self.unsynced.push(self.segment.first_seq);
        }
        self.file = blank.become_segment(self.storage.as_ref(), &header)?;
        self.end = Cursor::at_start(&header);
        self.segment = header;
        self.prepare_begun = false;
        Ok(())
    }

    fn next_segment_bytes(&self) -> u64 {
        let grown = self.segment.segment_bytes * SEGMENT_GROWTH;
        grown.max(self.options.first_segment_bytes).min(self.options.segment_bytes)
    }

    /// Starts preparing the next segment once a share of this one is used.
    fn prepare_if_due(&mut self) {
        if self.prepare_begun || self.end.offset < self.segment.segment_bytes / PREPARE_AT_SHARE {
            return;
        }
        self.prepare_begun = true;
        let zeroed = self.options.durability == Durability::Fsync;
        self.preparing.begin(self.next_segment_bytes(), zeroed);
    }

    fn watermark(&self) -> Watermark {
        Watermark {
            boot_id: self.boot_id,
            genesis: self.segment.genesis,
            epoch: self.segment.epoch,
            durability: self.options.durability,
            closed: false,
            durable_seq: self.durable_seq(),
            chain: self.end.chain,
            event_seq: self.event_mark.0,
            event_hash: self.event_mark.1,
        }
    }

    /// Takes the noted mark for the one to publish, unless it is ahead of what is durable.
    fn take_mark(&mut self) {
        if self.noted_mark.0 <= self.durable_seq() {
            self.event_mark = self.noted_mark;
        }
    }

    /// Publishes the end as durable, which the caller has made true.
    fn publish(&mut self) -> Result<(), JournalError> {
        self.take_mark();
        self.publisher.publish(&self.watermark())
    }

    /// The first publication of a life, durable: a "closed" of the last life, or a higher seq whose loss
    /// was accepted, must not come back after a power cut.
    pub(crate) fn publish_first(&mut self) -> Result<(), JournalError> {
        self.publish()?;
        self.publisher.sync()
    }
}

pub(crate) fn sync_segment(storage: &dyn Storage, first_seq: u64) -> Result<(), JournalError> {
    let fail =
        |op| move |error: io::Error| JournalError::io(op, JournalFile::Segment(first_seq), &error);
    let file = storage.open(&segment_name(first_seq)).map_err(fail(IoOp::Open))?;
    file.sync_data().map_err(fail(IoOp::Sync))
}

fn elapsed_ns(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
