//! Copies of a journal: taken while a node writes or when none does, cut anywhere, and gone on with.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod support;

use std::sync::Arc;

use coulisse_journal::copy::{copy, inspect, reader};
use coulisse_journal::{
    Durability, JournalError, Options, Recovery, SimDisk, Storage, segment_first_seq, segment_name,
};
use support::{GENESIS, a_group, expected_records, open_sim, records_of, small};

const PAYLOAD_BYTES: usize = 60;

fn append(recovery: &mut Recovery, count: u64) {
    let (records, ends) = a_group(recovery.writer.next_seq(), count, PAYLOAD_BYTES);
    recovery.writer.append_group(&records, &ends).unwrap();
}

fn shared(disk: &SimDisk) -> Arc<dyn Storage> {
    Arc::new(disk.clone())
}

fn records_in(disk: &SimDisk) -> Vec<Vec<u8>> {
    let extent = inspect(disk).unwrap();
    let mut reader = reader(shared(disk), &extent, 1).unwrap();
    let mut records = Vec::new();
    while let Some(group) = reader.next_group().unwrap() {
        records.extend(group.records().map(|(_, bytes)| bytes.to_vec()));
    }
    records
}

#[test]
fn a_copy_of_a_journal_that_is_written_ends_where_it_was_durable_and_is_a_journal() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for count in [3, 5, 1, 7, 2, 9, 4, 6, 8, 10, 3, 7] {
        append(&mut recovery, count);
        let target = SimDisk::new();
        let copied = copy(&shared(&disk), &target).unwrap();
        let last_seq = recovery.writer.next_seq() - 1;
        assert_eq!(copied.extent.last_seq, last_seq);
        assert_eq!(copied.extent.chain, recovery.writer.chain());
        assert_eq!(inspect(&target).unwrap(), copied.extent);
        assert_eq!(records_in(&target), expected_records(last_seq, PAYLOAD_BYTES));
        let mut again = open_sim(&target, small(Durability::Fsync)).unwrap();
        assert_eq!((again.report.last_seq, again.report.cut_bytes), (last_seq, 0));
        append(&mut again, 2);
        assert_eq!(again.writer.next_seq() - 1, last_seq + 2);
    }
    assert!(inspect(&disk).unwrap().segments > 2, "it went over several segments");
}

#[test]
fn a_journal_that_nobody_has_open_is_copied_whole_and_its_lock_is_held_meanwhile() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for count in [3, 30, 5] {
        append(&mut recovery, count);
    }
    drop(recovery);
    let target = SimDisk::new();
    let copied = copy(&shared(&disk), &target).unwrap();
    assert_eq!(copied.extent.last_seq, 38);
    assert_eq!(records_in(&target), expected_records(38, PAYLOAD_BYTES));
    // It was given back.
    drop(disk.lock("journal.lock").unwrap());
    let after_a_boot = disk.restart();
    assert_eq!(copy(&shared(&after_a_boot), &SimDisk::new()).unwrap().extent, copied.extent);
}

#[test]
fn a_node_that_has_published_nothing_is_not_guessed_at() {
    let disk = SimDisk::new();
    drop(open_sim(&disk, small(Durability::Fsync)).unwrap());
    let _held = disk.lock("journal.lock").unwrap();
    disk.take_file("durable.seq");
    let refused = copy(&shared(&disk), &SimDisk::new()).err();
    assert_eq!(refused, Some(JournalError::NotPublished));
}

#[test]
fn a_copy_that_goes_on_is_of_a_new_epoch_once() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    append(&mut recovery, 5);
    let target = SimDisk::new();
    copy(&shared(&disk), &target).unwrap();
    let restored = Options { is_restored: true, ..small(Durability::Fsync) };
    let mut again = open_sim(&target, restored).unwrap();
    assert_eq!((again.report.epoch, again.report.history_lost), (2, true));
    append(&mut again, 1);
    again.writer.close().unwrap();
    let later = open_sim(&target, small(Durability::Fsync)).unwrap();
    assert_eq!((later.report.epoch, later.report.history_lost), (2, false));
    assert_eq!(records_of(&later, 1), expected_records(6, PAYLOAD_BYTES));
    assert_eq!(later.report.genesis, GENESIS);
}

#[test]
fn any_flipped_bit_of_what_is_copied_is_found() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for count in [3, 20, 5] {
        append(&mut recovery, count);
    }
    drop(recovery);
    let whole = inspect(&disk).unwrap();
    let names: Vec<String> = disk.list().unwrap();
    for name in names.iter().filter(|name| segment_first_seq(name).is_some()) {
        let bytes = disk.file_bytes(name).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for bit in (0..used as u64 * 8).step_by(29) {
            let flipped = disk.fork();
            assert!(flipped.flip_bit(name, bit));
            // `durable.seq` says how much must be there.
            assert!(copy(&shared(&flipped), &SimDisk::new()).is_err(), "{name}, bit {bit}");
            // A copy has none: whoever made it says what it held.
            assert_ne!(inspect(&flipped).ok(), Some(whole), "{name}, bit {bit}");
        }
    }
}

#[test]
fn a_copy_without_one_of_its_segments_is_refused_or_shorter_than_it_was_said_to_be() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for count in [30, 30, 30] {
        append(&mut recovery, count);
    }
    let target = SimDisk::new();
    let copied = copy(&shared(&disk), &target).unwrap();
    let names: Vec<String> = target.list().unwrap();
    assert!(copied.extent.segments > 2);
    for name in &names {
        let lacking = target.fork();
        lacking.take_file(name);
        assert_ne!(inspect(&lacking).ok(), Some(copied.extent), "without {name}");
    }
    assert!(inspect(&SimDisk::new()).is_err());
    assert!(names.contains(&segment_name(1)));
}
