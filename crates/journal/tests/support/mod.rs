//! Builders shared by the journal's tests: records, groups, small journals.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::sync::Arc;

use coulisse_journal::{Durability, JournalError, Options, Preparer, Recovery, SimDisk, open};

/// The genesis id of the journals in these tests.
pub(crate) const GENESIS: [u8; 16] = *b"journal of tests";

/// A whole record: its content depends on its seq and on `salt` alone.
pub(crate) fn a_record(seq: u64, payload_bytes: usize, salt: u8) -> Vec<u8> {
    let mut bytes = vec![0; 24 + payload_bytes];
    let length = u32::try_from(bytes.len()).unwrap();
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[8] = salt;
    bytes[16..24].copy_from_slice(&seq.to_le_bytes());
    for (index, byte) in bytes[24..].iter_mut().enumerate() {
        *byte = (index as u64 * 31 + seq * 7).to_le_bytes()[0] ^ salt;
    }
    let crc = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// `count` records from `first_seq` on, in batches of two, with the batch ends.
pub(crate) fn a_group(first_seq: u64, count: u64, payload_bytes: usize) -> (Vec<u8>, Vec<u32>) {
    let (mut records, mut ends) = (Vec::new(), Vec::new());
    for index in 0..count {
        records.extend(a_record(first_seq + index, payload_bytes, 0));
        if index % 2 == 1 || index + 1 == count {
            ends.push(u32::try_from(records.len()).unwrap());
        }
    }
    (records, ends)
}

/// Options for a simulated journal with segments of 4 KiB.
pub(crate) fn small(durability: Durability) -> Options {
    Options {
        durability,
        segment_bytes: 4096,
        first_segment_bytes: 4096,
        preparer: Preparer::Inline,
        ..Options::new(GENESIS)
    }
}

/// Opens the journal on a simulated disk.
pub(crate) fn open_sim(disk: &SimDisk, options: Options) -> Result<Recovery, JournalError> {
    open(Arc::new(disk.clone()), options)
}

/// All records a recovery holds, from `from_seq` on.
pub(crate) fn records_of(recovery: &Recovery, from_seq: u64) -> Vec<Vec<u8>> {
    let mut reader = recovery.reader(from_seq).unwrap();
    let mut records = Vec::new();
    while let Some(group) = reader.next_group().unwrap() {
        records.extend(group.records().map(|(_, bytes)| bytes.to_vec()));
    }
    records
}

/// The records 1 to `last_seq` as [`a_group`] makes them.
pub(crate) fn expected_records(last_seq: u64, payload_bytes: usize) -> Vec<Vec<u8>> {
    (1..=last_seq).map(|seq| a_record(seq, payload_bytes, 0)).collect()
}
