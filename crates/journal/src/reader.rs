//! Reading a journal from any seq: after recovery, or tailing it from another process.
//!
//! Invariants
//! - A tailing reader never gives out a record past the watermark, nor anything while it is void.
//! - Everything given out was checked against the chain from the start of its segment on.
//! - A reader changes nothing and takes no lock.
//!
//! Cost: memory of one group and the read-ahead. Finding the first seq reads the heads of its segment's
//! earlier groups, not their content.

use std::sync::Arc;

use crate::error::{Fault, JournalError};
use crate::format::{ChainHash, GroupKind, batch_ends};
use crate::record::Records;
use crate::recovery::list_segments;
use crate::scan::{Cursor, GroupAt, OpenSegment, Stop};
use crate::storage::Storage;
use crate::watermark::read_watermark;

/// How far a reader goes.
enum Limit {
    /// Up to a seq known from the start.
    Fixed(u64),
    /// Up to the published durable seq, read again when it is reached.
    Published { durable_seq: u64, epoch: Option<u32> },
}

/// A position in a journal that moves forward group by group.
pub struct Reader {
    storage: Arc<dyn Storage>,
    limit: Limit,
    wanted_seq: u64,
    position: Option<(OpenSegment, Cursor)>,
}

/// One whole, checked group.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The first seq of the group.
    pub first_seq: u64,
    /// The last seq of the group.
    pub last_seq: u64,
    /// The chain hash before the group.
    pub chain_before: ChainHash,
    /// The chain hash after the group.
    pub chain: ChainHash,
    records: &'a [u8],
    table: &'a [u8],
    wanted_seq: u64,
}

impl<'a> Group<'a> {
    /// The bytes of all records of the group, also those before the seq where reading starts.
    pub fn bytes(&self) -> &'a [u8] {
        self.records
    }

    /// The wanted records as `(seq, bytes)`: all, but in the first group those from the wanted seq on.
    pub fn records(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let wanted_seq = self.wanted_seq;
        Records::over_checked(self.records).filter(move |(seq, _)| *seq >= wanted_seq)
    }

    /// The chain hash at `seq`, if a batch of this group ends there or the group begins behind it.
    pub fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        let (mut chain, mut last_seq) = (self.chain_before, self.first_seq - 1);
        let mut batches = self.batches();
        while last_seq < seq {
            let batch = batches.next()?;
            chain = chain.step(batch);
            last_seq += Records::over_checked(batch).count() as u64;
        }
        (last_seq == seq).then_some(chain)
    }

    /// The bytes of each batch as it was ordered, whole batches.
    pub fn batches(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let records = self.records;
        batch_ends(self.table).scan(0, move |start, end| {
            let batch = &records[*start..end as usize];
            *start = end as usize;
            Some(batch)
        })
    }
}

/// What a step of the reader found.
enum Found {
    /// A group with wanted records.
    Data(GroupAt),
    /// A seal, or a group below the wanted seq.
    Passed,
    /// The segment's end, or damage.
    Ended(Fault),
}

impl Reader {
    /// Tails the journal from `from_seq` on, as far as `durable.seq` allows.
    ///
    /// Nothing is opened before the watermark is valid and has reached `from_seq - 1`.
    pub fn tail(storage: Arc<dyn Storage>, from_seq: u64) -> Self {
        Self {
            storage,
            limit: Limit::Published { durable_seq: 0, epoch: None },
            wanted_seq: from_seq,
            position: None,
        }
    }

    /// Reads from `from_seq` to `last_seq`, which the caller knows to be whole.
    pub(crate) fn up_to(
        storage: Arc<dyn Storage>,
        from_seq: u64,
        last_seq: u64,
    ) -> Result<Self, JournalError> {
        if from_seq > last_seq + 1 {
            return Err(JournalError::TooNew { wanted_seq: from_seq, last_seq });
        }
        let mut reader =
            Self { storage, limit: Limit::Fixed(last_seq), wanted_seq: from_seq, position: None };
        reader.open_position()?;
        Ok(reader)
    }

    /// The next group, or `None` if the limit is reached; a tailing reader may ask again later.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] where the bytes below the limit are not whole, [`JournalError::TooOld`]
    /// if retention has removed the wanted seq, [`JournalError::Epoch`] if history was lost under the
    /// reader, [`JournalError::Io`].
    pub fn next_group(&mut self) -> Result<Option<Group<'_>>, JournalError> {
        loop {
            let next_seq =
                self.position.as_ref().map_or(self.wanted_seq, |(_, cursor)| cursor.next_seq);
            if !self.may_read(next_seq.max(self.wanted_seq))? {
                return Ok(None);
            }
            if self.position.is_none() {
                self.open_position()?;
            }
            match self.step()? {
                Found::Data(group) => return Ok(self.group(group)),
                Found::Passed => {}
                Found::Ended(fault) => self.next_segment(fault)?,
            }
        }
    }

    /// Whether `seq` lies within the limit, after a look at the watermark if need be.
    fn may_read(&mut self, seq: u64) -> Result<bool, JournalError> {
        match &mut self.limit {
            Limit::Fixed(last_seq) => Ok(seq <= *last_seq),
            Limit::Published { durable_seq, .. } if seq <= *durable_seq => Ok(true),
            Limit::Published { durable_seq, epoch } => {
                let Some(watermark) = read_watermark(&self.storage)? else {
                    return Ok(false);
                };
                let known = *epoch.get_or_insert(watermark.epoch);
                if known != watermark.epoch {
                    return Err(JournalError::Epoch { expected: known, found: watermark.epoch });
                }
                *durable_seq = watermark.durable_seq;
                if let Some((segment, _)) = &mut self.position {
                    segment.forget();
                }
                Ok(seq <= watermark.durable_seq)
            }
        }
    }

    /// Opens the segment that holds the wanted seq.
    fn open_position(&mut self) -> Result<(), JournalError> {
        let segments = list_segments(self.storage.as_ref())?;
        let before = segments.iter().rev().find(|first_seq| **first_seq <= self.wanted_seq);
        let Some(&first_seq) = before else {
            return Err(JournalError::TooOld {
                wanted_seq: self.wanted_seq,
                first_seq: segments.first().copied().unwrap_or(0),
            });
        };
        let segment = OpenSegment::open(self.storage.as_ref(), first_seq, false)?;
        let cursor = Cursor::at_start(&segment.header);
        self.position = Some((segment, cursor));
        Ok(())
    }

    /// Reads the group at the position and passes it.
    fn step(&mut self) -> Result<Found, JournalError> {
        let Some((segment, cursor)) = &mut self.position else {
            return Ok(Found::Passed);
        };
        let read = segment.group_header(cursor).and_then(|header| {
            let is_below = cursor.next_seq + u64::from(header.count) <= self.wanted_seq;
            if header.kind == GroupKind::Seal || is_below {
                *cursor = cursor.after(&header);
                return Ok(Found::Passed);
            }
            let group = segment.group(cursor)?;
            *cursor = cursor.after(&header);
            Ok(Found::Data(group))
        });
        match read {
            Ok(found) => Ok(found),
            Err(Stop::Fault(fault)) => Ok(Found::Ended(fault)),
            Err(Stop::Io(error)) => Err(error),
        }
    }

    /// Presents the group that [`Self::step`] has just read.
    fn group(&self, group: GroupAt) -> Option<Group<'_>> {
        let (segment, _) = self.position.as_ref()?;
        let header = group.header;
        Some(Group {
            first_seq: header.first_seq,
            last_seq: header.first_seq + u64::from(header.count) - 1,
            chain_before: header.chain_before,
            chain: header.chain_after,
            records: segment.bytes(group.records),
            table: segment.bytes(group.table),
            wanted_seq: self.wanted_seq,
        })
    }

    /// Goes on in the segment that starts at the seq due; there must be one, because the limit says that
    /// the seq exists and this segment does not hold it.
    fn next_segment(&mut self, fault: Fault) -> Result<(), JournalError> {
        let Some((segment, cursor)) = &mut self.position else {
            return Ok(());
        };
        let fault = match fault {
            Fault::Empty => Fault::Missing { expected: cursor.next_seq },
            fault => fault,
        };
        let segments = list_segments(self.storage.as_ref())?;
        if segments.binary_search(&cursor.next_seq).is_err() {
            return Err(segment.corrupt(cursor.offset, fault));
        }
        let next = OpenSegment::open(self.storage.as_ref(), cursor.next_seq, false)?;
        // An empty segment may have been replaced by one of the same name since it was opened here.
        if next.header == segment.header {
            return Err(segment.corrupt(cursor.offset, fault));
        }
        if next.header.chain_before != cursor.chain {
            return Err(next.corrupt(0, Fault::ChainBefore));
        }
        let start = Cursor::at_start(&next.header);
        self.position = Some((next, start));
        Ok(())
    }
}
