//! A damaged journal: what opening gives is a prefix of what was written, or it is refused; what it
//! repairs is sound from then on.
//!
//! Input: changes of a journal of 14 records. Three bytes each: where (u16, little-endian, times four) and what is
//! flipped there. A change by 0 cuts the segment there.

use std::sync::Arc;

use coulisse_journal::{
    Durability, JournalError, LostTail, Options, Preparer, Recovery, SimDisk, open, segment_name,
};
use coulisse_types::{Command, RecordHeader, Seq};
use coulisse_wire::record::{Stamp, encode_record, stamp};

const RECORDS: u64 = 14;

fn options() -> Options {
    Options {
        durability: Durability::Fsync,
        segment_bytes: 16_384,
        first_segment_bytes: 16_384,
        preparer: Preparer::Inline,
        lost_tail: LostTail::Accept,
        ..Options::new(*b"journal to bend.")
    }
}

fn opened(disk: &SimDisk) -> Result<Recovery, JournalError> {
    open(Arc::new(disk.clone()), options())
}

fn a_record(seq: u64) -> Vec<u8> {
    let (kind, zeros) = (Command::SCHEMA[usize::try_from(seq).unwrap_or(0) % 4].number, [0; 512]);
    let command = (0..512).find_map(|n| Command::decode_body(kind, &zeros[..n]));
    let mut record = Vec::new();
    encode_record(&mut record, &RecordHeader::default(), &command.expect("zeros are a body"));
    let place = Stamp { seq: Seq(seq), time_ns: 1, batch: seq, index: 0 };
    stamp(&mut record, place).expect("one record");
    record
}

/// A journal of groups of 1, 2, 3, 4 and 4 records.
fn a_journal() -> SimDisk {
    let disk = SimDisk::new();
    let mut recovery = opened(&disk).expect("an empty disk");
    let mut seq = 0;
    for count in [1, 2, 3, 4, 4] {
        let (mut group, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..count {
            seq += 1;
            group.extend(a_record(seq));
            ends.push(u32::try_from(group.len()).expect("small"));
        }
        recovery.writer.append_group(&group, &ends).expect("a sound disk");
    }
    assert_eq!(seq, RECORDS);
    drop(recovery);
    disk.restart()
}

fn records_of(recovery: &Recovery) -> Vec<Vec<u8>> {
    let mut reader = recovery.reader(1).expect("from the first");
    let mut found = Vec::new();
    while let Some(group) = reader.next_group().expect("what was opened can be read") {
        found.extend(group.records().map(|(_, bytes)| bytes.to_vec()));
    }
    found
}

pub(crate) fn run(bytes: &[u8]) {
    let disk = a_journal();
    let mut segment = disk.file_bytes(&segment_name(1)).expect("the first segment");
    for change in bytes.chunks_exact(3).take(64) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % segment.len().max(1);
        match segment.get_mut(at) {
            Some(byte) if change[2] != 0 => *byte ^= change[2],
            _ => segment.truncate(at),
        }
    }
    disk.put_file(&segment_name(1), &segment);
    let Ok(recovery) = opened(&disk) else { return };
    let found = records_of(&recovery);
    assert_eq!(u64::try_from(found.len()), Ok(recovery.report.last_seq));
    for (seq, record) in (1..).zip(&found) {
        assert_eq!(*record, a_record(seq), "what is read was written");
    }
    drop(recovery);
    let again = opened(&disk.restart()).expect("what was repaired is sound");
    assert_eq!(again.report.cut_bytes, 0, "nothing was left behind its end");
    assert_eq!(records_of(&again), found, "and the same");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let at = |place: u16, by: u8| [place.to_le_bytes().as_slice(), &[by]].concat();
    let places = [0, 4, 511, 512, 516, 640, 1_024, 1_300, 2_048, 4_000, 5_000, 6_000];
    let mut all = vec![Vec::new()];
    for place in places {
        all.extend([at(place, 1), at(place, 0), [at(place, 0x80), at(place + 9, 3)].concat()]);
    }
    all
}
