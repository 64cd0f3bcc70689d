//! Which records the log says are void, found by reading ahead: section 25 of the core's rules.
//!
//! A `Void` stands behind the record that it names, so whoever applies records must have read on to
//! the log's end, as far as it may read, before it applies the first.
//!
//! Invariant: only what the node itself wrote names a void record, and only one before its own.
//!
//! Cost: one more pass over the journal; two bytes of each record are looked at.

use coulisse_engine::Engine;
use coulisse_journal::{JournalError, Reader};
use coulisse_types::limits::VOID_RECORDS_MAX;
use coulisse_types::{Command, CommandKind, Event, InstrumentId, KeyIndex, RecordHeader};
use coulisse_wire::record::decode_record;
use std::collections::BTreeMap;

/// Where a record's header has its kind, a `u16`.
const KIND_AT: usize = 10;

/// Why the log was not read ahead.
#[derive(Debug)]
pub(crate) enum AheadError {
    Journal(JournalError),
    /// A record that means nothing.
    Record {
        seq: u64,
        reason: String,
    },
    /// More than [`VOID_RECORDS_MAX`] records are void.
    TooMany,
}

impl From<JournalError> for AheadError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// The records that are void, with the instrument of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Voids {
    named: BTreeMap<u64, InstrumentId>,
}

impl Voids {
    /// Reads on as far as `reader` goes.
    pub(crate) fn read_ahead(&mut self, reader: &mut Reader) -> Result<(), AheadError> {
        let void = CommandKind::Void.number().to_le_bytes();
        while let Some(group) = reader.next_group()? {
            for (seq, bytes) in group.records() {
                if bytes[KIND_AT..KIND_AT + void.len()] == void {
                    self.take(seq, bytes)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, seq: u64, bytes: &[u8]) -> Result<(), AheadError> {
        let (header, command) = decode_record(bytes)
            .map_err(|error| AheadError::Record { seq, reason: error.to_string() })?;
        let Command::Void(void) = command else { return Ok(()) };
        if header.key != KeyIndex(0) || void.seq.0 >= seq {
            return Ok(());
        }
        self.named.insert(void.seq.0, void.instrument);
        if self.named.len() > VOID_RECORDS_MAX {
            return Err(AheadError::TooMany);
        }
        Ok(())
    }

    /// Whether the record at `seq` is void.
    #[inline]
    pub(crate) fn has(&self, seq: u64) -> bool {
        !self.named.is_empty() && self.named.contains_key(&seq)
    }

    /// The first void record up to `seq`.
    pub(crate) fn first_up_to(&self, seq: u64) -> Option<u64> {
        self.named.range(..=seq).next().map(|(void, _)| *void)
    }

    /// All of them, with their instruments, by seq.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, InstrumentId)> + '_ {
        self.named.iter().map(|(seq, instrument)| (*seq, *instrument))
    }

    /// Applies a record as what it is.
    #[inline]
    pub(crate) fn apply(
        &self,
        engine: &mut Engine,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) {
        if self.has(header.seq.0) {
            engine.apply_void(header, command, events);
        } else {
            engine.apply(header, command, events);
        }
    }
}
