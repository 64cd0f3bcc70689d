//! What a journal promises while nothing goes wrong: order, batches, segments, watermark, lock, limits.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use coulisse_journal::{
    ChainHash, CrashMode, Durability, FileStorage, JournalError, Options, Reader, RecordFault,
    SimDisk, Storage, limits, open, read_watermark, segment_first_seq, segment_name,
};
use support::{GENESIS, a_group, a_record, expected_records, open_sim, records_of, small};

/// A directory of its own for a test on the real file system; removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("coulisse-journal-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(FileStorage::new(&self.0).unwrap())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn records_written_to_a_real_directory_are_read_back_after_reopening() {
    let directory = Directory::new("reopen");
    let options =
        Options { segment_bytes: 64 << 10, first_segment_bytes: 16 << 10, ..Options::new(GENESIS) };
    let mut recovery = open(directory.storage(), options).unwrap();
    assert!(recovery.report.created);
    assert_eq!(recovery.report.last_seq, 0);
    for group in 0..100 {
        let (records, ends) = a_group(group * 10 + 1, 10, 100);
        let synced = recovery.writer.append_group(&records, &ends).unwrap();
        assert_eq!(synced.durable_seq, group * 10 + 10);
    }
    let chain = recovery.writer.chain();
    recovery.writer.close().unwrap();

    let recovery = open(directory.storage(), options).unwrap();

    assert_eq!(recovery.report.last_seq, 1000);
    assert_eq!(recovery.report.chain, chain);
    assert!(recovery.report.sealed && !recovery.report.created);
    assert!(recovery.report.segments > 2);
    assert_eq!(recovery.report.cut_bytes, 0);
    assert_eq!(records_of(&recovery, 1), expected_records(1000, 100));
    assert_eq!(records_of(&recovery, 777), expected_records(1000, 100)[776..]);
    assert!(matches!(recovery.reader(1002), Err(JournalError::TooNew { last_seq: 1000, .. })));
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let directory = Directory::new("lock");
    let options = Options { first_segment_bytes: 16 << 10, ..Options::new(GENESIS) };
    let first = open(directory.storage(), options).unwrap();
    assert_eq!(open(directory.storage(), options).err(), Some(JournalError::Locked));
    drop(first);
    open(directory.storage(), options).unwrap();

    let disk = SimDisk::new();
    let first = open_sim(&disk, small(Durability::Fsync)).unwrap();
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).err(), Some(JournalError::Locked));
    drop(first);
    open_sim(&disk, small(Durability::Fsync)).unwrap();
}

#[test]
fn the_chain_takes_one_step_per_batch_however_batches_are_grouped() {
    let (records, ends) = a_group(1, 6, 40);
    let mut expected = ChainHash::genesis(&GENESIS);
    let mut start = 0;
    for end in &ends {
        expected = expected.step(&records[start..*end as usize]);
        start = *end as usize;
    }
    let mut together = open_sim(&SimDisk::new(), small(Durability::Fsync)).unwrap().writer;
    assert_eq!(together.append_group(&records, &ends).unwrap().chain, expected);

    let mut apart = open_sim(&SimDisk::new(), small(Durability::Fsync)).unwrap().writer;
    start = 0;
    for end in &ends {
        let batch = &records[start..*end as usize];
        apart.append_group(batch, &[u32::try_from(batch.len()).unwrap()]).unwrap();
        start = *end as usize;
    }
    assert_eq!(apart.chain(), expected);

    let mut other = open_sim(&SimDisk::new(), small(Durability::Fsync)).unwrap().writer;
    let one_batch = [u32::try_from(records.len()).unwrap()];
    assert_ne!(
        other.append_group(&records, &one_batch).unwrap().chain,
        expected,
        "the boundary is part of the log"
    );
}

#[test]
fn a_reader_gives_back_the_batches_as_they_were_ordered() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(1, 5, 30);
    recovery.writer.append_group(&records, &ends).unwrap();
    drop(recovery);
    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let mut reader = recovery.reader(2).unwrap();
    let group = reader.next_group().unwrap().unwrap();
    assert_eq!((group.first_seq, group.last_seq), (1, 5));
    let lengths: Vec<usize> = group.batches().map(<[u8]>::len).collect();
    assert_eq!(lengths, [108, 108, 54]);
    let seqs: Vec<u64> = group.records().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, [2, 3, 4, 5]);
    assert_eq!(group.chain, recovery.report.chain);
    assert!(reader.next_group().unwrap().is_none());
}

#[test]
fn malformed_records_and_batches_are_refused_and_change_nothing() {
    let disk = SimDisk::new();
    let mut writer = open_sim(&disk, small(Durability::Fsync)).unwrap().writer;
    let ops = disk.ops();
    let (records, ends) = a_group(1, 4, 40);
    let record_bytes = u32::try_from(records.len() / 4).unwrap();
    for bad_ends in [
        vec![],
        vec![record_bytes],
        vec![record_bytes + 1, ends[1]],
        vec![ends[1], ends[0]],
        vec![ends[0], ends[1], ends[1] + record_bytes],
    ] {
        assert_eq!(
            writer.append_group(&records, &bad_ends),
            Err(JournalError::Batches),
            "{bad_ends:?}"
        );
    }
    let mut flipped = records.clone();
    flipped[70] ^= 1;
    let checksum = JournalError::Record { index: 1, fault: RecordFault::Checksum };
    assert_eq!(writer.append_group(&flipped, &ends), Err(checksum));
    let (late, late_ends) = a_group(2, 1, 40);
    let seq = JournalError::Record { index: 0, fault: RecordFault::Seq { expected: 1, found: 2 } };
    assert_eq!(writer.append_group(&late, &late_ends), Err(seq));
    let cut = &records[..records.len() - 1];
    let length = JournalError::Record { index: 3, fault: RecordFault::Length { bytes: 64 } };
    assert_eq!(writer.append_group(cut, &[u32::try_from(cut.len()).unwrap()]), Err(length));
    assert!(matches!(writer.append_group(&[], &[]), Err(JournalError::GroupSize { bytes: 0, .. })));

    assert_eq!(disk.ops(), ops, "nothing was written");
    assert_eq!(writer.append_group(&records, &ends).unwrap().durable_seq, 4);
}

#[test]
fn the_largest_group_fits_and_one_byte_more_is_refused() {
    let disk = SimDisk::new();
    let mut writer = open_sim(&disk, small(Durability::Fsync)).unwrap().writer;
    let max_bytes = writer.group_bytes_max();
    assert_eq!(max_bytes, 4096 - 512 - 512 - 128 - 4);
    for payload_bytes in [max_bytes - 24 + 1, max_bytes - 24] {
        let record = a_record(1, payload_bytes, 0);
        let result = writer.append_group(&record, &[u32::try_from(record.len()).unwrap()]);
        assert_eq!(result.is_ok(), payload_bytes + 24 == max_bytes);
    }
    let record = a_record(2, limits::RECORD_BYTES_MAX - 24 + 1, 0);
    let result = writer.append_group(&record, &[u32::try_from(record.len()).unwrap()]);
    assert!(matches!(result, Err(JournalError::GroupSize { .. })));

    let disk = SimDisk::new();
    let options = Options {
        segment_bytes: 1 << 20,
        first_segment_bytes: 1 << 20,
        ..small(Durability::Fsync)
    };
    let mut writer = open_sim(&disk, options).unwrap().writer;
    for payload_bytes in [limits::RECORD_BYTES_MAX - 24 + 1, limits::RECORD_BYTES_MAX - 24] {
        let record = a_record(1, payload_bytes, 0);
        let result = writer.append_group(&record, &[u32::try_from(record.len()).unwrap()]);
        assert_eq!(result.is_ok(), record.len() == limits::RECORD_BYTES_MAX);
    }
}

#[test]
fn segments_roll_over_at_their_size_and_grow_towards_the_configured_one() {
    let disk = SimDisk::new();
    let options =
        Options { segment_bytes: 16 << 10, first_segment_bytes: 2048, ..small(Durability::Fsync) };
    let mut recovery = open_sim(&disk, options).unwrap();
    for group in 0..60 {
        let (records, ends) = a_group(group * 2 + 1, 2, 60);
        recovery.writer.append_group(&records, &ends).unwrap();
    }
    let stats = recovery.writer.stats();
    assert_eq!((stats.groups, stats.records, stats.bytes), (60, 120, 60 * 512));
    assert_eq!(stats.segments_immediate, 0, "each segment was prepared ahead of need");
    drop(recovery);
    let sizes: Vec<usize> = disk
        .list()
        .unwrap()
        .iter()
        .filter(|name| segment_first_seq(name).is_some())
        .map(|name| disk.file_bytes(name).unwrap().len())
        .collect();
    assert_eq!(sizes, [2048, 4096, 8192, 16384, 16384]);

    let recovery = open_sim(&disk, options).unwrap();

    assert_eq!(records_of(&recovery, 1), expected_records(120, 60));
    for from_seq in 1..=121 {
        assert_eq!(records_of(&recovery, from_seq).len() as u64, 121 - from_seq);
    }
}

#[test]
fn a_journal_opened_at_a_snapshot_believes_older_segments_and_checks_the_rest() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for seq in 1..=30 {
        let (records, ends) = a_group(seq, 1, 60);
        recovery.writer.append_group(&records, &ends).unwrap();
    }
    drop(recovery);
    assert!(disk.flip_bit(&segment_name(1), 700 * 8));
    assert!(matches!(open_sim(&disk, small(Durability::Fsync)), Err(JournalError::Corrupt { .. })));

    let options = Options { verify_from_seq: 8, ..small(Durability::Fsync) };
    let recovery = open_sim(&disk, options).unwrap();

    assert_eq!(recovery.report.last_seq, 30);
    assert_eq!(records_of(&recovery, 8).len(), 23);
    let mut reader = recovery.reader(1).unwrap();
    assert!(matches!(reader.next_group(), Err(JournalError::Corrupt { offset: 512, .. })));
}

#[test]
fn a_segment_removed_by_retention_makes_older_seqs_too_old_and_nothing_else() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    for seq in 1..=30 {
        let (records, ends) = a_group(seq, 1, 60);
        recovery.writer.append_group(&records, &ends).unwrap();
    }
    recovery.writer.close().unwrap();
    disk.take_file(&segment_name(1));

    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();

    assert_eq!((recovery.report.first_seq, recovery.report.last_seq), (7, 30));
    assert!(matches!(
        recovery.reader(6),
        Err(JournalError::TooOld { wanted_seq: 6, first_seq: 7 })
    ));
    assert_eq!(records_of(&recovery, 7).len(), 24);
}

#[test]
fn an_event_hash_is_published_once_its_seq_is_durable_and_not_before() {
    let disk = SimDisk::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let published = || {
        let watermark = read_watermark(&storage).unwrap().unwrap();
        (watermark.event_seq, watermark.event_hash[0])
    };
    // The core is three records ahead of the disk.
    recovery.writer.set_event_mark(4, [4; 32]);
    for (first_seq, count, expected) in [(1, 1, (0, 0)), (2, 2, (0, 0)), (4, 1, (4, 4))] {
        let (records, ends) = a_group(first_seq, count, 40);
        recovery.writer.append_group(&records, &ends).unwrap();
        assert_eq!(published(), expected);
    }
    let ops = disk.ops();
    recovery.writer.publish_event_mark().unwrap();
    assert_eq!(disk.ops(), ops, "it was published already");
    let (records, ends) = a_group(5, 2, 40);
    recovery.writer.append_group(&records, &ends).unwrap();
    assert_eq!(published(), (4, 4));
    recovery.writer.set_event_mark(6, [6; 32]);
    recovery.writer.publish_event_mark().unwrap();
    assert_eq!(published(), (6, 6));
}

#[test]
fn a_tailing_reader_follows_over_seals_and_segments_and_never_passes_the_watermark() {
    let disk = SimDisk::new();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut reader = Reader::tail(Arc::clone(&storage), 1);
    assert!(reader.next_group().unwrap().is_none(), "there is no journal yet");
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let mut late = Reader::tail(Arc::clone(&storage), 25);
    let mut seen_seq = 0;
    for group in 0..20 {
        assert!(reader.next_group().unwrap().is_none());
        let (records, ends) = a_group(group * 2 + 1, 2, 90);
        recovery.writer.append_group(&records, &ends).unwrap();
        if group % 3 == 0 {
            recovery.writer.seal().unwrap();
        }
        let watermark = read_watermark(&storage).unwrap().unwrap();
        assert_eq!(watermark.durable_seq, group * 2 + 2);
        assert_eq!(watermark.chain, recovery.writer.chain());
        while let Some(group) = reader.next_group().unwrap() {
            assert_eq!(group.first_seq, seen_seq + 1);
            seen_seq = group.last_seq;
        }
        assert_eq!(seen_seq, watermark.durable_seq);
        let is_late_due = watermark.durable_seq >= 25;
        assert_eq!(late.next_group().unwrap().is_some(), is_late_due);
    }
}

#[test]
fn a_tailing_reader_sees_nothing_that_is_written_and_not_published() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(1, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    let before = disk.file_bytes("durable.seq").unwrap();
    let (records, ends) = a_group(3, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    disk.put_file("durable.seq", &before);

    let mut reader = Reader::tail(Arc::new(disk.clone()), 1);

    assert_eq!(reader.next_group().unwrap().unwrap().last_seq, 2);
    assert!(reader.next_group().unwrap().is_none());
}

#[test]
fn a_reader_tails_real_files_while_a_writer_fills_segments_prepared_by_a_thread() {
    let directory = Directory::new("tail");
    let options = Options {
        durability: Durability::Os,
        segment_bytes: 64 << 10,
        first_segment_bytes: 16 << 10,
        ..Options::new(GENESIS)
    };
    let mut recovery = open(directory.storage(), options).unwrap();
    let storage = directory.storage();
    let tailing = std::thread::spawn(move || {
        let mut reader = Reader::tail(storage, 1);
        let (mut seen, mut chain) = (Vec::new(), ChainHash::genesis(&GENESIS));
        while seen.len() < 4000 {
            match reader.next_group().unwrap() {
                Some(group) => {
                    assert_eq!(group.chain_before, chain);
                    chain = group.chain;
                    seen.extend(group.records().map(|(_, bytes)| bytes.to_vec()));
                }
                None => std::thread::yield_now(),
            }
        }
        (seen, chain)
    });
    for group in 0..1000 {
        let (records, ends) = a_group(group * 4 + 1, 4, 100);
        recovery.writer.append_group(&records, &ends).unwrap();
    }
    let (seen, chain) = tailing.join().unwrap();
    assert_eq!(chain, recovery.writer.chain());
    assert_eq!(seen, expected_records(4000, 100));
    // Groups of 1 KiB: 15 and 31 in the first two segments, 63 in each of the others.
    let stats = recovery.writer.stats();
    assert_eq!(stats.segments_prepared + stats.segments_immediate, 17);
    std::thread::spawn(move || recovery.writer.close()).join().unwrap().unwrap();
}

#[test]
fn the_watermark_is_void_after_a_boot_until_recovery_publishes_again() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    recovery.writer.set_event_mark(2, [9; 32]);
    let (records, ends) = a_group(1, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    recovery.writer.close().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let watermark = read_watermark(&storage).unwrap().unwrap();
    assert_eq!((watermark.event_seq, watermark.event_hash, watermark.closed), (2, [9; 32], true));

    let disk = disk.crash(CrashMode::DropAll);
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    assert_eq!(read_watermark(&storage).unwrap(), None);
    let mut reader = Reader::tail(Arc::clone(&storage), 1);
    assert!(reader.next_group().unwrap().is_none());
    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();

    let watermark = read_watermark(&storage).unwrap().unwrap();
    assert_eq!((watermark.durable_seq, watermark.closed), (2, false));
    assert_eq!(watermark.chain, recovery.report.chain);
    assert_eq!(reader.next_group().unwrap().unwrap().last_seq, 2);
}

#[test]
fn a_journal_changes_its_durability_only_at_a_segment_border() {
    let disk = SimDisk::new();
    let mut next_seq = 1;
    for durability in
        [Durability::Os, Durability::Fsync, Durability::Fsync, Durability::Os, Durability::Os]
    {
        let mut recovery = open_sim(&disk, small(durability)).unwrap();
        assert_eq!(recovery.writer.next_seq(), next_seq);
        assert_eq!(recovery.writer.epoch(), 1);
        let (records, ends) = a_group(next_seq, 2, 50);
        recovery.writer.append_group(&records, &ends).unwrap();
        recovery.writer.close().unwrap();
        next_seq += 2;
    }
    let names = disk.list().unwrap();
    let segments: Vec<u64> = names.iter().filter_map(|name| segment_first_seq(name)).collect();
    assert_eq!(segments, [1, 3, 7]);

    drop(open_sim(&disk, small(Durability::Fsync)).unwrap());
    let empty_one_is_replaced = open_sim(&disk, small(Durability::Os)).unwrap();

    assert_eq!(empty_one_is_replaced.report.segments, 4);
    assert_eq!(records_of(&empty_one_is_replaced, 1), expected_records(10, 50));
}

#[test]
fn a_segment_that_holds_seals_alone_is_replaced_and_its_groups_are_numbered_again() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(1, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    drop(recovery);
    drop(open_sim(&disk, small(Durability::Os)).unwrap());
    let mut recovery = open_sim(&disk, small(Durability::Os)).unwrap();
    recovery.writer.seal().unwrap();
    drop(recovery);

    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(3, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    drop(recovery);

    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    assert_eq!((recovery.report.groups, recovery.report.segments), (2, 2));
    assert_eq!(records_of(&recovery, 1), expected_records(4, 50));
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let options = Options { segment_bytes: 4097, ..small(Durability::Fsync) };
    let refused = JournalError::Options { name: "segment_bytes", value: 4097 };
    assert_eq!(open_sim(&SimDisk::new(), options).err(), Some(refused));
    let options = Options { first_segment_bytes: 512, ..small(Durability::Fsync) };
    let refused = JournalError::Options { name: "first_segment_bytes", value: 512 };
    assert_eq!(open_sim(&SimDisk::new(), options).err(), Some(refused));
}
