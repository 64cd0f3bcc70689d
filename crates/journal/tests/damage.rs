//! Damaged journals: cut anywhere, any bit flipped, segments missing, bytes of another time or place.
//!
//! The law: what opening gives is a prefix of what was written, and anything but a torn last group is
//! refused with its file and offset, without changing a byte.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod support;

use coulisse_journal::{
    ChainHash, CrashMode, Durability, FORMAT_VERSION, Fault, JournalError, JournalFile, LostTail,
    Options, SEGMENT_HEADER_BYTES, SimDisk, segment_name,
};
use support::{GENESIS, a_group, a_record, expected_records, open_sim, records_of, small};

const PAYLOAD_BYTES: usize = 60;
/// Options with which a damaged tail is cut although `durable.seq` is there.
const CUTTING: LostTail = LostTail::Accept;

/// A journal of groups with so many records each, left without a seal, and where each group ends
/// (padding not counted) in its first segment.
fn a_journal(counts: &[u64], options: Options) -> (SimDisk, Vec<usize>) {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, options).unwrap();
    let (mut ends, mut at) = (Vec::new(), 512_usize);
    for &count in counts {
        let (records, batch_ends) = a_group(recovery.writer.next_seq(), count, PAYLOAD_BYTES);
        recovery.writer.append_group(&records, &batch_ends).unwrap();
        let bytes = 128 + 4 * batch_ends.len() + records.len();
        ends.push(at + bytes);
        at += bytes.next_multiple_of(512);
    }
    drop(recovery);
    (disk.restart(), ends)
}

fn last_data_byte(bytes: &[u8]) -> u64 {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

#[test]
fn a_journal_cut_at_any_byte_recovers_its_last_whole_group_and_goes_on() {
    let (disk, ends) = a_journal(&[1, 7, 3, 2], small(Durability::Fsync));
    let whole = disk.file_bytes(&segment_name(1)).unwrap();
    let last_seqs = [1, 8, 11, 13];
    for cut in 0..=whole.len() {
        let disk = disk.fork();
        disk.put_file(&segment_name(1), &whole[..cut]);
        let group_count = ends.iter().filter(|end| **end <= cut).count();
        let expected_seq = if group_count == 0 { 0 } else { last_seqs[group_count - 1] };
        if expected_seq < 13 && cut >= 512 {
            let refused = JournalError::LostDurable { durable_seq: 13, found_seq: expected_seq };
            assert_eq!(
                open_sim(&disk, small(Durability::Fsync)).err(),
                Some(refused),
                "cut at {cut}"
            );
        }
        disk.take_file("durable.seq");
        let opened = open_sim(&disk, small(Durability::Fsync));
        if cut < 512 {
            // A segment gets its name only with a durable header, so no crash leaves this.
            assert!(matches!(opened, Err(JournalError::Corrupt { offset: 0, .. })), "cut at {cut}");
            continue;
        }
        let mut recovery = opened.unwrap();
        assert_eq!(recovery.report.last_seq, expected_seq, "cut at {cut}");
        assert_eq!(records_of(&recovery, 1), expected_records(expected_seq, PAYLOAD_BYTES));
        let (records, batch_ends) = a_group(expected_seq + 1, 2, PAYLOAD_BYTES);
        recovery.writer.append_group(&records, &batch_ends).unwrap();
        drop(recovery);
        let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
        assert_eq!(records_of(&recovery, 1), expected_records(expected_seq + 2, PAYLOAD_BYTES));
        assert_eq!(recovery.report.cut_bytes, 0, "the first recovery left nothing behind its end");
    }
}

#[test]
fn a_proven_loss_is_accepted_only_when_asked_for_and_starts_a_new_epoch() {
    let (disk, ends) = a_journal(&[2, 2, 2], small(Durability::Fsync));
    let whole = disk.file_bytes(&segment_name(1)).unwrap();
    disk.put_file(&segment_name(1), &whole[..ends[2] - 1]);
    let before = disk.file_bytes(&segment_name(1)).unwrap();
    let refused = JournalError::LostDurable { durable_seq: 6, found_seq: 4 };
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).err(), Some(refused));
    assert_eq!(disk.file_bytes(&segment_name(1)).unwrap(), before, "a refusal changes nothing");

    let accepting = Options { lost_tail: CUTTING, ..small(Durability::Fsync) };
    let recovery = open_sim(&disk, accepting).unwrap();

    assert_eq!(recovery.report.lost_durable_seq, Some(6));
    assert_eq!((recovery.report.epoch, recovery.writer.epoch()), (2, 2));
    assert_eq!(records_of(&recovery, 1), expected_records(4, PAYLOAD_BYTES));
    drop(recovery);
    let recovery = open_sim(&disk.restart(), small(Durability::Fsync)).unwrap();
    assert_eq!((recovery.report.epoch, recovery.report.history_lost), (2, false));
}

/// A sealed journal of two small segments.
fn a_sealed_journal() -> (SimDisk, ChainHash) {
    let options =
        Options { segment_bytes: 2560, first_segment_bytes: 2560, ..small(Durability::Fsync) };
    let (disk, _) = a_journal(&[1, 3, 5], options);
    let recovery = open_sim(&disk, options).unwrap();
    let chain = recovery.writer.chain();
    recovery.writer.close().unwrap();
    (disk.restart(), chain)
}

#[test]
fn every_flipped_bit_up_to_the_seal_is_detected_and_any_other_changes_nothing() {
    let (disk, chain) = a_sealed_journal();
    disk.take_file("durable.seq");
    let options = small(Durability::Fsync);
    let names = [segment_name(1), segment_name(5)];
    let used: Vec<u64> =
        names.iter().map(|name| last_data_byte(&disk.file_bytes(name).unwrap())).collect();
    // First segment: header, two groups; second: header, one group (of 5 records), seal.
    let protected: [u64; 2] = [512 + 512 + 512, 512 + 1024];
    assert!(used[0] <= protected[0] && used[1] > protected[1]);
    let (mut detected_count, mut harmless_count) = (0, 0);
    for (name, protected) in names.iter().zip(protected) {
        for bit in 0..disk.file_bytes(name).unwrap().len() as u64 * 8 {
            let disk = disk.fork();
            assert!(disk.flip_bit(name, bit));
            match open_sim(&disk, options) {
                Err(JournalError::Corrupt { file, offset, .. }) => {
                    assert_eq!(file, JournalFile::Segment(if *name == names[0] { 1 } else { 5 }));
                    assert!(offset <= bit / 8 && bit / 8 < protected, "{name} bit {bit}: {offset}");
                    detected_count += 1;
                }
                Ok(recovery) => {
                    // Harmless: the seal itself, and what was never written.
                    assert!(bit / 8 >= protected, "{name} bit {bit} was not detected");
                    assert_eq!(recovery.report.chain, chain);
                    assert_eq!(records_of(&recovery, 1), expected_records(9, PAYLOAD_BYTES));
                    harmless_count += 1;
                }
                Err(other) => panic!("{name} bit {bit}: {other}"),
            }
        }
    }
    assert_eq!(detected_count, (protected[0] + protected[1]) * 8);
    assert_eq!(harmless_count, (2 * 2560 - protected[0] - protected[1]) * 8);
}

#[test]
fn any_flipped_bit_of_the_watermark_only_makes_it_void() {
    let (disk, chain) = a_sealed_journal();
    for bit in 0..disk.file_bytes("durable.seq").unwrap().len() as u64 * 8 {
        let disk = disk.fork();
        assert!(disk.flip_bit("durable.seq", bit));
        let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
        assert_eq!((recovery.report.chain, recovery.report.epoch), (chain, 1), "bit {bit}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_unsealed_group_is_proven_by_the_watermark() {
    let (disk, ends) = a_journal(&[2, 3], small(Durability::Fsync));
    for bit in 1024 * 8..ends[1] as u64 * 8 {
        let disk = disk.fork();
        assert!(disk.flip_bit(&segment_name(1), bit));
        let opened = open_sim(&disk, small(Durability::Fsync)).err();
        assert_eq!(
            opened,
            Some(JournalError::LostDurable { durable_seq: 5, found_seq: 2 }),
            "bit {bit}"
        );
    }
}

#[test]
fn the_watermark_of_an_earlier_boot_still_proves_what_was_synced_and_nothing_else() {
    for durability in [Durability::Fsync, Durability::Os] {
        let (disk, ends) = a_journal(&[2, 3], small(durability));
        for name in [segment_name(1), "durable.seq".to_owned()] {
            disk.put_file(&name, &disk.file_bytes(&name).unwrap());
        }
        let disk = disk.crash(CrashMode::DropAll);
        assert!(disk.flip_bit(&segment_name(1), ends[1] as u64 * 8 - 1));
        let opened = open_sim(&disk, small(durability));
        match durability {
            Durability::Fsync => {
                let refused = JournalError::LostDurable { durable_seq: 5, found_seq: 2 };
                assert_eq!(opened.err(), Some(refused));
            }
            Durability::Os => {
                let report = opened.unwrap().report;
                assert_eq!((report.last_seq, report.epoch, report.lost_durable_seq), (2, 2, None));
            }
        }
    }
}

#[test]
fn a_record_rewritten_with_all_its_checksums_made_right_is_found_by_the_chain() {
    let (disk, ends) = a_journal(&[2, 1], small(Durability::Fsync));
    let mut bytes = disk.file_bytes(&segment_name(1)).unwrap();
    // The second group's one record, then the group's content checksum, then its header's.
    let forged = a_record(3, PAYLOAD_BYTES, 99);
    bytes[1024 + 132..ends[1]].copy_from_slice(&forged);
    let content = crc32c::crc32c(&bytes[1024 + 128..ends[1]]);
    bytes[1024 + 40..1024 + 44].copy_from_slice(&content.to_le_bytes());
    let header = crc32c::crc32c(&bytes[1024 + 8..1024 + 128]);
    bytes[1024 + 4..1024 + 8].copy_from_slice(&header.to_le_bytes());
    disk.put_file(&segment_name(1), &bytes);
    let refused = JournalError::Corrupt {
        file: JournalFile::Segment(1),
        offset: 1024,
        fault: Fault::ChainAfter,
    };
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).err(), Some(refused));
}

#[test]
fn damage_before_a_later_group_is_refused_with_its_place_and_nothing_is_changed() {
    let (disk, _) = a_journal(&[2, 3, 2], small(Durability::Fsync));
    disk.take_file("durable.seq");
    disk.flip_bit(&segment_name(1), (1024 + 200) * 8);
    let before = disk.file_bytes(&segment_name(1));
    let refused = JournalError::Corrupt {
        file: JournalFile::Segment(1),
        offset: 1024,
        fault: Fault::PayloadChecksum,
    };
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).err(), Some(refused));
    assert_eq!(disk.file_bytes(&segment_name(1)), before);
    assert_eq!(
        refused.to_string(),
        "journal-00000000000000000001.seg is damaged at byte 1024: PayloadChecksum"
    );
}

#[test]
fn a_journal_of_another_format_is_refused_by_its_version_and_nothing_is_changed() {
    let (disk, _) = a_journal(&[1, 2], small(Durability::Fsync));
    let name = segment_name(1);
    let mut bytes = disk.file_bytes(&name).unwrap();
    bytes[12..16].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let crc = crc32c::crc32c(&bytes[12..SEGMENT_HEADER_BYTES]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    disk.put_file(&name, &bytes);
    for lost_tail in [LostTail::Refuse, CUTTING] {
        let options = Options { lost_tail, ..small(Durability::Fsync) };
        let refused = open_sim(&disk, options).err().unwrap();
        let fault = Fault::Version { found: FORMAT_VERSION + 1 };
        let file = JournalFile::Segment(1);
        assert_eq!(refused, JournalError::Corrupt { file, offset: 0, fault });
        let said = format!("{name} is of format version 1, and this build reads 0");
        assert_eq!(refused.to_string(), said);
        assert_eq!(disk.file_bytes(&name).unwrap(), bytes);
    }
}

#[test]
fn a_missing_segment_is_refused_wherever_it_was() {
    let options =
        Options { segment_bytes: 2048, first_segment_bytes: 2048, ..small(Durability::Fsync) };
    let (disk, _) = a_journal(&[1, 1, 1, 1, 1, 1], options);
    let middle = disk.fork();
    middle.take_file(&segment_name(3));
    let missing = JournalError::Corrupt {
        file: JournalFile::Segment(1),
        offset: 512 + 2 * 512,
        fault: Fault::Missing { expected: 3 },
    };
    assert_eq!(open_sim(&middle, options).err(), Some(missing));
    let tail = disk.fork();
    tail.take_file(&segment_name(5));
    let lost = JournalError::LostDurable { durable_seq: 6, found_seq: 4 };
    assert_eq!(open_sim(&tail, options).err(), Some(lost));
    for seq in [1, 3, 5] {
        disk.take_file(&segment_name(seq));
    }
    let lost = JournalError::LostDurable { durable_seq: 6, found_seq: 0 };
    assert_eq!(open_sim(&disk, options).err(), Some(lost));
}

#[test]
fn groups_of_another_journal_behind_the_end_are_cut_and_never_read() {
    let (disk, _) = a_journal(&[2, 2], small(Durability::Fsync));
    let foreign_options = Options { new_genesis: [1; 16], ..small(Durability::Fsync) };
    let (foreign, _) = a_journal(&[2, 2, 2, 2, 2], foreign_options);
    let foreign_bytes = foreign.file_bytes(&segment_name(1)).unwrap();
    let mut bytes = disk.file_bytes(&segment_name(1)).unwrap();
    bytes[1536..3072].copy_from_slice(&foreign_bytes[1536..3072]);
    disk.put_file(&segment_name(1), &bytes);

    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();

    assert_eq!(recovery.report.genesis, GENESIS);
    assert_eq!(recovery.report.cut_bytes, 1536);
    assert_eq!(records_of(&recovery, 1), expected_records(4, PAYLOAD_BYTES));
    let bytes = disk.file_bytes(&segment_name(1)).unwrap();
    assert!(bytes[1536..].iter().all(|byte| *byte == 0), "nothing stale is left to be met later");
}

#[test]
fn groups_of_an_older_generation_of_the_same_journal_are_never_accepted() {
    let (old, ends) = a_journal(&[2, 2, 2, 2], small(Durability::Fsync));
    let old_bytes = old.file_bytes(&segment_name(1)).unwrap();
    let disk = old.fork();
    disk.put_file(&segment_name(1), &old_bytes[..ends[1]]);
    disk.take_file("durable.seq");
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let record = a_record(5, 2 * PAYLOAD_BYTES + 24, 77);
    recovery.writer.append_group(&record, &[u32::try_from(record.len()).unwrap()]).unwrap();
    drop(recovery);
    let new_bytes = disk.file_bytes(&segment_name(1)).unwrap();
    assert!(new_bytes[2048..].iter().all(|byte| *byte == 0), "the cut tail was zeroed");

    // The old fourth group, behind the new third: its number is due, its past is another one.
    let mut planted = new_bytes.clone();
    planted[2048..2560].copy_from_slice(&old_bytes[2048..2560]);
    disk.put_file(&segment_name(1), &planted);
    let refused = JournalError::Corrupt {
        file: JournalFile::Segment(1),
        offset: 2048,
        fault: Fault::FirstSeq { expected: 6, found: 7 },
    };
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).err(), Some(refused));

    // Even if number and seq are those due.
    let (twin, _) = a_journal(&[2, 2], small(Durability::Fsync));
    let mut recovery = open_sim(&twin, small(Durability::Fsync)).unwrap();
    let records = [a_record(5, PAYLOAD_BYTES, 1), a_record(6, PAYLOAD_BYTES, 1)].concat();
    recovery.writer.append_group(&records, &[u32::try_from(records.len()).unwrap()]).unwrap();
    drop(recovery);
    let mut planted = twin.file_bytes(&segment_name(1)).unwrap();
    planted[2048..2560].copy_from_slice(&old_bytes[2048..2560]);
    twin.put_file(&segment_name(1), &planted);
    let refused = JournalError::Corrupt {
        file: JournalFile::Segment(1),
        offset: 2048,
        fault: Fault::ChainBefore,
    };
    assert_eq!(open_sim(&twin, small(Durability::Fsync)).err(), Some(refused));

    // An old group whose number has passed is garbage, cut.
    let mut planted = new_bytes;
    planted[2048..2560].copy_from_slice(&old_bytes[1024..1536]);
    disk.put_file(&segment_name(1), &planted);
    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    assert_eq!((recovery.report.last_seq, recovery.report.cut_bytes), (5, 512));
    assert_eq!(*records_of(&recovery, 1).last().unwrap(), record);
}

#[test]
fn a_group_head_inside_a_clients_record_is_no_evidence_of_a_later_group() {
    let (disk, _) = a_journal(&[2, 2, 2], small(Durability::Fsync));
    let head = disk.file_bytes(&segment_name(1)).unwrap()[1536..1536 + 512].to_vec();
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(1, 2, PAYLOAD_BYTES);
    recovery.writer.append_group(&records, &ends).unwrap();
    // The group starts at 1024; its record's payload at 1024 + 128 + 4 + 24.
    let mut record = a_record(3, 1400, 0);
    let at = 1536 - 1180;
    record[24 + at..24 + at + head.len()].copy_from_slice(&head);
    let crc = crc32c::crc32c(&record[8..]);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    recovery.writer.append_group(&record, &[u32::try_from(record.len()).unwrap()]).unwrap();
    drop(recovery);
    let bytes = disk.file_bytes(&segment_name(1)).unwrap();
    assert_eq!(bytes[1536..2048], head, "it stands on a sector of its own");
    disk.take_file("durable.seq");
    disk.put_file(&segment_name(1), &bytes[..2100]);

    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();

    assert_eq!(recovery.report.last_seq, 2);
    assert!(recovery.report.cut_bytes > 0);
}
