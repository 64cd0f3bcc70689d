//! Records: a command as it stands in the log, and lists of events as they leave the core.
//!
//! The layout of the header is in [`coulisse_types::record`]. A record is encoded when its request
//! is read; its seq, time and place in the batch are known when the batch is closed: [`stamp`]
//! then fills them in and seals the record with its checksum.
//!
//! Invariant: a record that decodes is exactly one that was encoded; nothing is skipped or guessed.

use alloc::vec::Vec;

use coulisse_types::codec::{Field, Reader};
use coulisse_types::limits::RECORD_BYTES_MAX;
use coulisse_types::record::{HEADER_BYTES, SCHEMA_VERSION};
use coulisse_types::{AccountId, Command, Event, KeyIndex, Origin, RecordHeader, RequestId, Seq};

use crate::crc::crc32c;

/// Where the checksum stops not covering: the length and the checksum itself.
const UNCOVERED_BYTES: usize = 8;

/// One field of a record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// Where it starts.
    pub offset: usize,
    /// How long it is.
    pub bytes: usize,
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

const fn at(offset: usize, bytes: usize, name: &'static str, doc: &'static str) -> HeaderField {
    HeaderField { offset, bytes, name, doc }
}

/// The header of a record, for the documentation; a test reads records by it.
pub const HEADER_FIELDS: &[HeaderField] = &[
    at(0, 4, "length", "Bytes of the whole record, this header included."),
    at(4, 4, "crc32c", "CRC-32C (Castagnoli) of all bytes from offset 8 on."),
    at(8, 2, "schema", "The schema version: 0 until the formats are frozen."),
    at(10, 2, "kind", "The command's number."),
    at(12, 2, "node", "The node that took it."),
    at(14, 2, "index", "Its place in the batch, from 0."),
    at(16, 8, "seq", "Position in the log, from 1, no gaps."),
    at(24, 8, "time_ns", "When the log took it, in ns since the epoch; signed."),
    at(32, 8, "batch", "The batch of that start of the node, from 1."),
    at(40, 4, "incarnation", "Which start of the node."),
    at(44, 4, "account", "For whom; 0 for none."),
    at(48, 4, "key", "By which key; 0 is the node itself."),
    at(52, 4, "reserved", "0."),
    at(
        56,
        8,
        "session",
        "The gateway's session; 0 for none. With bit 63 set the rest is the nonce of a signed request.",
    ),
    at(64, 16, "request_id", "The client's idempotency id for what is not an order; 0 for none."),
];

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// There are fewer bytes than a header or than the record's length says.
    Short {
        /// How many there are.
        have: usize,
        /// How many there must be.
        need: usize,
    },
    /// The length is below a header's, above the limit, or not that of the slice.
    Length(u32),
    /// The checksum is another.
    Checksum {
        /// What the record says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// The schema version is unknown.
    Schema(u16),
    /// A reserved field is not zero.
    Reserved,
    /// The kind is unknown, or the body is not one of that kind.
    Body(u16),
}

/// What is wrong with a record, and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Offset of the record's first byte in what was read.
    pub offset: usize,
    /// What is wrong.
    pub fault: RecordFault,
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.fault {
            RecordFault::Schema(found) => {
                write!(f, "it is of schema version {found}, and this build reads {SCHEMA_VERSION}")
            }
            RecordFault::Body(kind) => {
                write!(f, "it is of kind {kind}, which this build does not know, or not so")
            }
            fault => write!(f, "record at byte {}: {fault:?}", self.offset),
        }
    }
}

impl core::error::Error for RecordError {}

const fn at_start(fault: RecordFault) -> RecordError {
    RecordError { offset: 0, fault }
}

/// Appends a record and returns its length in bytes. Its checksum is 0 until it is stamped.
pub fn encode_record(out: &mut Vec<u8>, header: &RecordHeader, command: &Command) -> usize {
    let start = out.len();
    let mut bytes = [0_u8; HEADER_BYTES];
    bytes[8..10].copy_from_slice(&SCHEMA_VERSION.to_le_bytes());
    bytes[10..12].copy_from_slice(&command.kind().number().to_le_bytes());
    bytes[12..14].copy_from_slice(&header.origin.node.to_le_bytes());
    bytes[14..16].copy_from_slice(&header.origin.index.to_le_bytes());
    bytes[16..24].copy_from_slice(&header.seq.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&header.time_ns.to_le_bytes());
    bytes[32..40].copy_from_slice(&header.origin.batch.to_le_bytes());
    bytes[40..44].copy_from_slice(&header.origin.incarnation.to_le_bytes());
    bytes[44..48].copy_from_slice(&header.account.0.to_le_bytes());
    bytes[48..52].copy_from_slice(&header.key.0.to_le_bytes());
    bytes[56..64].copy_from_slice(&header.session.to_le_bytes());
    bytes[64..80].copy_from_slice(&header.request_id.0.to_le_bytes());
    out.extend_from_slice(&bytes);
    command.encode_body(out);
    let length = out.len().saturating_sub(start);
    let stored = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(slot) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *slot = stored;
    }
    length
}

/// What is known of a record only when its batch is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Position in the log.
    pub seq: Seq,
    /// When the log took it, in ns since the epoch.
    pub time_ns: i64,
    /// The batch of its origin.
    pub batch: u64,
    /// The place in that batch.
    pub index: u16,
}

/// Fills in the stamp of one encoded record and its checksum.
///
/// # Errors
/// [`RecordError`] if `record` is not exactly one record by its length; it is then unchanged.
pub fn stamp(record: &mut [u8], stamp: Stamp) -> Result<(), RecordError> {
    stamp_by(crc32c, record, stamp)
}

/// The same, with CRC-32C as the caller computes it: whoever may use `std` can ask the processor for it,
/// in a quarter of the time and without 16 KiB of tables in the nearest cache.
///
/// # Errors
/// As [`stamp`].
#[inline]
pub fn stamp_by(
    crc32c: impl FnOnce(&[u8]) -> u32,
    record: &mut [u8],
    stamp: Stamp,
) -> Result<(), RecordError> {
    whole_record(record)?;
    let have = record.len();
    let Some(header) = record.first_chunk_mut::<HEADER_BYTES>() else {
        return Err(at_start(RecordFault::Short { have, need: HEADER_BYTES }));
    };
    header[14..16].copy_from_slice(&stamp.index.to_le_bytes());
    header[16..24].copy_from_slice(&stamp.seq.0.to_le_bytes());
    header[24..32].copy_from_slice(&stamp.time_ns.to_le_bytes());
    header[32..40].copy_from_slice(&stamp.batch.to_le_bytes());
    let crc = crc32c(record.get(UNCOVERED_BYTES..).unwrap_or_default());
    if let Some(slot) = record.get_mut(4..UNCOVERED_BYTES) {
        slot.copy_from_slice(&crc.to_le_bytes());
    }
    Ok(())
}

/// The length in bytes of the record at the front of `bytes`, without looking further.
///
/// # Errors
/// [`RecordError`] if there is no whole record.
pub fn record_length(bytes: &[u8]) -> Result<usize, RecordError> {
    let have = bytes.len();
    let Some(length) = bytes.first_chunk::<4>().map(|b| u32::from_le_bytes(*b)) else {
        return Err(at_start(RecordFault::Short { have, need: HEADER_BYTES }));
    };
    let need = usize::try_from(length).unwrap_or(usize::MAX);
    if !(HEADER_BYTES..=RECORD_BYTES_MAX).contains(&need) {
        return Err(at_start(RecordFault::Length(length)));
    }
    if have < need {
        return Err(at_start(RecordFault::Short { have, need }));
    }
    Ok(need)
}

fn whole_record(bytes: &[u8]) -> Result<(), RecordError> {
    let length = record_length(bytes)?;
    if length == bytes.len() {
        Ok(())
    } else {
        let stored = u32::try_from(length).unwrap_or(u32::MAX);
        Err(at_start(RecordFault::Length(stored)))
    }
}

/// Reads exactly one record and checks its checksum.
///
/// # Errors
/// [`RecordError`] says what is wrong; its offset is 0.
pub fn decode_record(bytes: &[u8]) -> Result<(RecordHeader, Command), RecordError> {
    whole_record(bytes)?;
    let covered = bytes.get(UNCOVERED_BYTES..).unwrap_or_default();
    let stored = bytes.get(4..8).and_then(<[u8]>::first_chunk::<4>).map(|b| u32::from_le_bytes(*b));
    let computed = crc32c(covered);
    if stored != Some(computed) {
        let stored = stored.unwrap_or_default();
        return Err(at_start(RecordFault::Checksum { stored, computed }));
    }
    decode_parts(covered)
}

/// Reads exactly one record that another check covers: its checksum is not looked at.
///
/// # Errors
/// [`RecordError`] says what is wrong; its offset is 0.
pub fn decode_unsealed(bytes: &[u8]) -> Result<(RecordHeader, Command), RecordError> {
    whole_record(bytes)?;
    decode_parts(bytes.get(UNCOVERED_BYTES..).unwrap_or_default())
}

fn decode_parts(covered: &[u8]) -> Result<(RecordHeader, Command), RecordError> {
    let mut reader = Reader::new(covered);
    let short = at_start(RecordFault::Short { have: covered.len(), need: HEADER_BYTES });
    let schema = u16::decode(&mut reader).ok_or(short)?;
    let kind = u16::decode(&mut reader).ok_or(short)?;
    let (header, reserved) = decode_header(&mut reader).ok_or(short)?;
    if schema != SCHEMA_VERSION {
        return Err(at_start(RecordFault::Schema(schema)));
    }
    if reserved != 0 {
        return Err(at_start(RecordFault::Reserved));
    }
    let body = covered.get(HEADER_BYTES.saturating_sub(UNCOVERED_BYTES)..).unwrap_or_default();
    let command = Command::decode_body(kind, body).ok_or(at_start(RecordFault::Body(kind)))?;
    Ok((header, command))
}

fn decode_header(reader: &mut Reader<'_>) -> Option<(RecordHeader, u32)> {
    let node = u16::decode(reader)?;
    let index = u16::decode(reader)?;
    let seq = Seq::decode(reader)?;
    let time_ns = i64::decode(reader)?;
    let batch = u64::decode(reader)?;
    let incarnation = u32::decode(reader)?;
    let account = AccountId::decode(reader)?;
    let key = KeyIndex::decode(reader)?;
    let reserved = u32::decode(reader)?;
    let session = u64::decode(reader)?;
    let request_id = RequestId::decode(reader)?;
    let origin = Origin { node, incarnation, batch, index };
    Some((RecordHeader { seq, time_ns, origin, account, key, session, request_id }, reserved))
}

/// One record of a longer run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it starts.
    pub offset: usize,
    /// All its bytes.
    pub bytes: &'a [u8],
    /// Its header.
    pub header: RecordHeader,
    /// Its command.
    pub command: Command,
}

/// Records one after the other; ends after the first error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// Reads records one after the other from the front of `bytes`, with their checksums.
pub const fn records(bytes: &[u8]) -> Records<'_> {
    Records { rest: bytes, offset: 0 }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let offset = self.offset;
        let read = record_length(self.rest).and_then(|length| {
            let (bytes, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
            let (header, command) = decode_record(bytes)?;
            self.rest = rest;
            self.offset = offset.saturating_add(length);
            Ok(Record { offset, bytes, header, command })
        });
        Some(read.map_err(|error| {
            self.rest = &[];
            RecordError { offset, ..error }
        }))
    }
}

/// Appends events: for each its kind (u16), the length of its body (u16) and its body.
pub fn encode_events(out: &mut Vec<u8>, events: &[Event]) {
    for event in events {
        event.kind().number().encode(out);
        let at = out.len();
        0_u16.encode(out);
        event.encode_body(out);
        let length = out.len().saturating_sub(at).saturating_sub(2);
        let stored = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
        if let Some(slot) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
            *slot = stored;
        }
    }
}

/// Reads what [`encode_events`] wrote; `None` for anything else.
pub fn decode_events(bytes: &[u8]) -> Option<Vec<Event>> {
    let mut reader = Reader::new(bytes);
    let mut events = Vec::new();
    while !reader.is_empty() {
        let kind = u16::decode(&mut reader)?;
        let length = u16::decode(&mut reader)?;
        events.push(Event::decode_body(kind, reader.take(usize::from(length))?)?);
    }
    Some(events)
}
