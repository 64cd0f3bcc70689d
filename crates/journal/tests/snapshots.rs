//! Snapshot files on a disk that crashes, fails and flips: whole or not there, and found damaged.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod support;

use coulisse_journal::{
    ChainHash, CrashMode, Durability, FORMAT_VERSION, Fault, JournalError, SNAPSHOT_HEADER_BYTES,
    SimDisk, SnapshotMark, SnapshotReader, SnapshotWriter, Storage, list_snapshots,
    remove_unfinished, snapshot_name, snapshot_seq,
};
use support::{GENESIS, a_group, open_sim, small};

const TORN_SEEDS: u64 = 16;
const KEPT: usize = 2;

fn a_mark(seq: u64) -> SnapshotMark {
    let byte = seq.to_le_bytes()[0];
    SnapshotMark {
        genesis: GENESIS,
        epoch: 3,
        seq,
        chain: ChainHash([byte; 32]),
        event_hash: [byte ^ 1; 32],
        state_hash: [byte ^ 2; 32],
        time_ns: -5,
    }
}

fn a_payload(seq: u64, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at as u64 * 31 + seq).to_le_bytes()[0]).collect()
}

/// Several sectors, so that a torn write can tear it.
fn payload(seq: u64) -> Vec<u8> {
    a_payload(seq, 3_000)
}

fn write(disk: &SimDisk, seq: u64, payload: &[u8]) -> Result<u64, JournalError> {
    let mut writer = SnapshotWriter::create(disk, seq)?;
    for part in payload.chunks(700) {
        writer.write(part)?;
    }
    writer.finish(&a_mark(seq), KEPT)
}

/// Reads a snapshot in slices of any length, to its end.
fn read(disk: &SimDisk, seq: u64) -> Result<(SnapshotMark, Vec<u8>), JournalError> {
    let mut reader = SnapshotReader::open(disk, seq)?;
    let (mut payload, mut slice) = (Vec::new(), [0; 777]);
    loop {
        match reader.read(&mut slice)? {
            0 => return Ok((reader.finish()?, payload)),
            count => payload.extend_from_slice(&slice[..count]),
        }
    }
}

/// The seqs of all snapshots that are there; each must be whole and what was written.
fn whole(disk: &SimDisk) -> Vec<u64> {
    let seqs = list_snapshots(disk).unwrap();
    for seq in &seqs {
        let found = read(disk, *seq).unwrap_or_else(|error| panic!("{seq}: {error}"));
        assert_eq!(found, (a_mark(*seq), payload(*seq)));
    }
    seqs
}

fn crash_modes() -> impl Iterator<Item = CrashMode> {
    std::iter::once(CrashMode::DropAll).chain((0..TORN_SEEDS).map(|seed| CrashMode::Torn { seed }))
}

#[test]
fn what_was_written_is_read_and_only_the_newest_are_kept() {
    let disk = SimDisk::new();
    for seq in [10, 20, 30, 40] {
        let bytes = write(&disk, seq, &payload(seq)).unwrap();
        assert_eq!(bytes, 3_000 + SNAPSHOT_HEADER_BYTES as u64);
    }
    assert_eq!(whole(&disk), [40, 30]);
    let large = a_payload(50, 1 << 20);
    write(&disk, 50, &large).unwrap();
    assert_eq!(read(&disk, 50).unwrap().1, large);
}

#[test]
fn the_snapshot_that_somebody_needs_is_kept_until_they_are_past_it() {
    let disk = SimDisk::new();
    for (seq, needed_seq) in [(10, 0), (20, 15), (30, 15), (40, 15), (50, 39)] {
        let mut writer = SnapshotWriter::create(&disk, seq).unwrap();
        writer.write(&payload(seq)).unwrap();
        writer.keep_for(needed_seq);
        writer.finish(&a_mark(seq), KEPT).unwrap();
        if seq == 40 {
            assert_eq!(whole(&disk), [40, 30, 10]);
        }
    }
    assert_eq!(whole(&disk), [50, 40, 30]);
}

#[test]
fn snapshots_ahead_of_a_new_one_are_of_a_lost_history_and_take_no_place() {
    let disk = SimDisk::new();
    for seq in [10, 500, 600, 20] {
        write(&disk, seq, &payload(seq)).unwrap();
    }
    assert_eq!(whole(&disk), [20]);
}

#[test]
fn only_canonical_names_are_snapshots() {
    assert_eq!(snapshot_name(7), "snapshot-00000000000000000007.snap");
    assert_eq!(snapshot_seq(&snapshot_name(u64::MAX)), Some(u64::MAX));
    for name in ["snapshot-7.snap", "snapshot.tmp", "snapshot-+0000000000000000007.snap", "x"] {
        assert_eq!(snapshot_seq(name), None, "{name}");
    }
}

#[test]
fn a_power_cut_after_any_operation_leaves_no_new_snapshot_or_a_whole_one() {
    let steady = SimDisk::new();
    write(&steady, 10, &payload(10)).unwrap();
    write(&steady, 20, &payload(20)).unwrap();
    let before = steady.ops();
    let ops_max = {
        let full = steady.fork();
        write(&full, 30, &payload(30)).unwrap();
        full.ops() - before
    };
    let (mut there, mut absent) = (0, 0);
    for ops in 0..=ops_max {
        let disk = steady.fork();
        disk.stop_after(ops);
        let done = write(&disk, 30, &payload(30)).is_ok();
        for mode in crash_modes() {
            let cut = disk.fork().crash(mode);
            let seqs = whole(&cut);
            assert!(seqs.contains(&20), "{ops} {mode:?}: {seqs:?}");
            assert!(!done || seqs == [30, 20], "{ops} {mode:?}: {seqs:?}");
            there += u32::from(seqs.contains(&30));
            absent += u32::from(!seqs.contains(&30));
            // Whatever is left over, the next one is written, and is whole.
            remove_unfinished(&cut).unwrap();
            write(&cut, 40, &payload(40)).unwrap();
            assert_eq!(whole(&cut)[0], 40);
        }
    }
    assert!(there > 20 && absent > 20, "{there} {absent}");
}

#[test]
fn a_crash_while_older_ones_are_removed_takes_none_that_was_to_stay() {
    let steady = SimDisk::new();
    for seq in [10, 20] {
        write(&steady, seq, &payload(seq)).unwrap();
    }
    for ops in 0..40 {
        let disk = steady.fork();
        disk.stop_after(ops);
        let _ = write(&disk, 30, &payload(30));
        let seqs = whole(&disk.restart());
        assert!(seqs.contains(&20) || seqs.contains(&30), "{ops}: {seqs:?}");
    }
}

#[test]
fn any_single_failing_operation_fails_the_snapshot_or_leaves_a_whole_one() {
    for ops in 0..30 {
        let disk = SimDisk::new();
        write(&disk, 10, &payload(10)).unwrap();
        disk.fail_once_after(ops);
        let done = write(&disk, 20, &payload(20)).is_ok();
        let seqs = whole(&disk.restart());
        assert!(seqs.contains(&10) && (!done || seqs.contains(&20)), "{ops}: {seqs:?}");
    }
}

#[test]
fn a_disk_that_lies_about_its_syncs_is_caught() {
    let steady = SimDisk::new();
    write(&steady, 10, &payload(10)).unwrap();
    steady.lie_on_sync(true);
    write(&steady, 20, &payload(20)).unwrap();
    let mut damaged = 0;
    for mode in crash_modes() {
        let cut = steady.fork().crash(mode);
        let seqs = list_snapshots(&cut).unwrap();
        damaged += u32::from(!seqs.iter().all(|seq| read(&cut, *seq).is_ok()));
    }
    assert!(damaged > 0, "torn snapshots under their names must have been seen, and refused");
}

#[test]
fn every_flipped_bit_is_refused() {
    let disk = SimDisk::new();
    write(&disk, 10, b"a small state").unwrap();
    let name = snapshot_name(10);
    let bytes = disk.file_bytes(&name).unwrap();
    for bit in 0..bytes.len() as u64 * 8 {
        assert!(disk.flip_bit(&name, bit));
        let refused = read(&disk, 10);
        assert!(matches!(refused, Err(JournalError::Corrupt { .. })), "bit {bit}: {refused:?}");
        assert!(disk.flip_bit(&name, bit));
    }
    assert_eq!(read(&disk, 10).unwrap().1, b"a small state");
}

#[test]
fn a_snapshot_is_whole_only_if_what_was_not_asked_for_is_whole_too() {
    let disk = SimDisk::new();
    write(&disk, 10, &payload(10)).unwrap();
    let begun = |disk: &SimDisk| {
        let mut reader = SnapshotReader::open(disk, 10).unwrap();
        assert_eq!(reader.read(&mut [0; 100]).unwrap(), 100);
        reader.finish()
    };
    assert_eq!(begun(&disk).unwrap(), a_mark(10));
    assert!(disk.flip_bit(&snapshot_name(10), (SNAPSHOT_HEADER_BYTES as u64 + 2_999) * 8));
    let refused = begun(&disk).unwrap_err();
    assert!(matches!(refused, JournalError::Corrupt { fault: Fault::PayloadChecksum, .. }));
}

#[test]
fn a_snapshot_of_another_format_is_refused_by_its_version() {
    let disk = SimDisk::new();
    write(&disk, 10, &payload(10)).unwrap();
    let name = snapshot_name(10);
    let mut bytes = disk.file_bytes(&name).unwrap();
    bytes[12..16].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let crc = crc32c::crc32c(&bytes[12..SNAPSHOT_HEADER_BYTES]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    disk.put_file(&name, &bytes);
    let said = format!("{name} is of format version 1, and this build reads 0");
    assert_eq!(SnapshotReader::open(&disk, 10).err().unwrap().to_string(), said);
}

#[test]
fn a_file_cut_or_grown_anywhere_is_refused() {
    let disk = SimDisk::new();
    write(&disk, 10, b"a small state").unwrap();
    let name = snapshot_name(10);
    let bytes = disk.file_bytes(&name).unwrap();
    for length in 0..bytes.len() {
        disk.put_file(&name, &bytes[..length]);
        assert!(read(&disk, 10).is_err(), "{length} bytes");
    }
    disk.put_file(&name, &[&bytes[..], b"x"].concat());
    assert!(read(&disk, 10).is_err());
    disk.put_file(&snapshot_name(11), &bytes);
    let misnamed = read(&disk, 11).unwrap_err();
    let fault = Fault::FirstSeq { expected: 11, found: 10 };
    assert!(matches!(misnamed, JournalError::Corrupt { fault: f, .. } if f == fault));
    assert!(list_snapshots(&disk).unwrap().starts_with(&[11]));
}

#[test]
fn a_group_knows_the_chain_hash_at_the_end_of_each_of_its_batches() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    // Batches of two: they end at 2, 4 and 5.
    let (records, ends) = a_group(1, 5, 40);
    recovery.writer.append_group(&records, &ends).unwrap();
    let chain = recovery.writer.chain();
    drop(recovery);
    let recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let mut reader = recovery.reader(1).unwrap();
    let group = reader.next_group().unwrap().unwrap();
    let batches: Vec<&[u8]> = group.batches().collect();
    let genesis = ChainHash::genesis(&GENESIS);
    let at_2 = genesis.step(batches[0]);
    assert_eq!(group.chain_at(0), Some(genesis));
    assert_eq!(group.chain_at(1), None);
    assert_eq!(group.chain_at(2), Some(at_2));
    assert_eq!(group.chain_at(4), Some(at_2.step(batches[1])));
    assert_eq!(group.chain_at(5), Some(chain));
    assert_eq!(group.chain_at(6), None);
}

#[test]
fn a_journal_is_opened_beside_snapshots_and_leaves_them_alone() {
    let disk = SimDisk::new();
    drop(open_sim(&disk, small(Durability::Fsync)).unwrap());
    write(&disk, 10, &payload(10)).unwrap();
    drop(open_sim(&disk.crash(CrashMode::DropAll), small(Durability::Fsync)).unwrap());
    let disk = disk.restart();
    assert!(disk.list().unwrap().contains(&snapshot_name(10)));
    assert_eq!(whole(&disk), [10]);
}
