//! Crashes at every storage operation, lost and torn writes, failing and lying syncs, crashes while
//! recovering; each check is also shown to fail where its rule is broken on purpose.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod support;

use coulisse_journal::{
    CrashMode, Durability, IoOp, JournalError, JournalFile, Options, Recovery, SimDisk,
};
use support::{a_group, expected_records, open_sim, records_of, small};

const TORN_SEEDS: u64 = 48;
/// Records per group; seals follow the groups marked.
const GROUPS: [(u64, bool); 9] = [
    (1, false),
    (4, true),
    (9, false),
    (2, false),
    (7, true),
    (1, false),
    (12, false),
    (3, false),
    (2, true),
];

/// What a life of the node told its clients.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// The last seq acknowledged.
    acked_seq: u64,
    /// The last seq that was handed to the journal.
    tried_seq: u64,
    /// Whether the life ended with a clean close.
    closed: bool,
}

/// Opens the journal and writes the groups until something fails.
fn a_life(disk: &SimDisk, options: Options) -> Told {
    let mut told = Told::default();
    let Ok(mut recovery) = open_sim(disk, options) else {
        return told;
    };
    told.acked_seq = recovery.writer.durable_seq();
    told.tried_seq = told.acked_seq;
    for (count, seals) in GROUPS {
        let (records, ends) =
            a_group(told.tried_seq + 1, count, 40 + 4 * usize::try_from(count).unwrap());
        told.tried_seq += count;
        let Ok(synced) = recovery.writer.append_group(&records, &ends) else {
            return told;
        };
        told.acked_seq = synced.durable_seq;
        if seals && recovery.writer.seal().is_err() {
            return told;
        }
    }
    told.closed = recovery.writer.close().is_ok();
    told
}

/// The records of the first life, whatever their payload sizes.
fn life_records() -> Vec<Vec<u8>> {
    let (mut all, mut seq) = (Vec::new(), 0);
    for (count, _) in GROUPS {
        let payload_bytes = 40 + 4 * usize::try_from(count).unwrap();
        all.extend(
            expected_records(seq + count, payload_bytes).split_off(usize::try_from(seq).unwrap()),
        );
        seq += count;
    }
    all
}

/// The checker: what a recovery holds is a prefix of what was handed over, and all that was acked.
fn check(recovery: &Recovery, told: Told, written: &[Vec<u8>]) -> Result<(), String> {
    let found = recovery.report.last_seq;
    if found < told.acked_seq {
        return Err(format!("seq {} was acked, {found} is the last", told.acked_seq));
    }
    if found > told.tried_seq {
        return Err(format!("seq {found} was never handed over"));
    }
    if records_of(recovery, 1)[..] != written[..usize::try_from(found).unwrap()] {
        return Err(format!("the records up to {found} are not those written"));
    }
    Ok(())
}

fn crash_modes() -> impl Iterator<Item = CrashMode> {
    std::iter::once(CrashMode::DropAll).chain((0..TORN_SEEDS).map(|seed| CrashMode::Torn { seed }))
}

fn rolling(durability: Durability) -> Options {
    Options { segment_bytes: 6 << 10, first_segment_bytes: 3 << 10, ..small(durability) }
}

fn life_ops(options: Options) -> u64 {
    let disk = SimDisk::new();
    assert!(a_life(&disk, options).closed);
    disk.ops()
}

#[test]
fn a_power_cut_after_any_operation_loses_nothing_acked_and_invents_nothing() {
    let options = rolling(Durability::Fsync);
    let written = life_records();
    let (mut torn_count, mut kept_unacked_count) = (0, 0);
    for ops in 0..=life_ops(options) {
        let disk = SimDisk::new();
        disk.stop_after(ops);
        let told = a_life(&disk, options);
        for mode in crash_modes() {
            let disk = disk.fork().crash(mode);
            let recovery =
                open_sim(&disk, options).unwrap_or_else(|error| panic!("{ops} {mode:?}: {error}"));
            check(&recovery, told, &written)
                .unwrap_or_else(|lost| panic!("{ops} {mode:?}: {lost}"));
            assert_eq!(recovery.report.epoch, 1);
            torn_count += u32::from(recovery.report.cut_bytes > 0);
            kept_unacked_count += u32::from(recovery.report.last_seq > told.acked_seq);
        }
    }
    assert!(torn_count > 50 && kept_unacked_count > 100, "{torn_count} {kept_unacked_count}");
}

#[test]
fn a_power_cut_while_recovering_from_a_power_cut_loses_nothing_either() {
    let options = rolling(Durability::Fsync);
    let written = life_records();
    let few_modes = [CrashMode::DropAll, CrashMode::Torn { seed: 5 }, CrashMode::Torn { seed: 6 }];
    for ops in 0..=life_ops(options) {
        let disk = SimDisk::new();
        disk.stop_after(ops);
        let told = a_life(&disk, options);
        for mode in few_modes {
            let cut = disk.fork().crash(mode);
            let before = cut.ops();
            drop(open_sim(&cut.fork(), options).unwrap());
            for recovery_ops in 0.. {
                let again = cut.fork();
                again.stop_after(recovery_ops);
                let is_complete = open_sim(&again, options).is_ok();
                for mode in few_modes {
                    let disk = again.fork().crash(mode);
                    let recovery = open_sim(&disk, options).unwrap();
                    check(&recovery, told, &written)
                        .unwrap_or_else(|lost| panic!("{ops} {recovery_ops} {mode:?}: {lost}"));
                }
                assert_eq!(cut.ops(), before);
                if is_complete {
                    break;
                }
            }
        }
    }
}

#[test]
fn what_recovery_showed_once_no_later_power_cut_takes_back() {
    for durability in [Durability::Fsync, Durability::Os] {
        let options = rolling(durability);
        let written = life_records();
        for ops in 0..=life_ops(options) {
            let disk = SimDisk::new();
            disk.stop_after(ops);
            a_life(&disk, options);
            // Killed, not cut: the page cache holds more than the disk.
            let disk = disk.restart();
            let shown = open_sim(&disk, options).unwrap().report.last_seq;
            let disk = disk.crash(CrashMode::DropAll);
            let recovery = open_sim(&disk, options).unwrap();
            let told = Told { acked_seq: shown, tried_seq: shown, closed: false };
            check(&recovery, told, &written)
                .unwrap_or_else(|lost| panic!("{durability:?} {ops}: {lost}"));
        }
    }
}

#[test]
fn a_second_life_after_a_power_cut_writes_on_without_gap() {
    let options = rolling(Durability::Fsync);
    for ops in 0..=life_ops(options) {
        let disk = SimDisk::new();
        disk.stop_after(ops);
        a_life(&disk, options);
        let disk = disk.crash(CrashMode::Torn { seed: ops });
        let told = a_life(&disk, options);
        assert!(told.closed);
        let recovery = open_sim(&disk, options).unwrap();
        assert_eq!(recovery.report.last_seq, told.acked_seq);
        let records = records_of(&recovery, 1);
        let seqs: Vec<u64> =
            records.iter().map(|r| u64::from_le_bytes(r[16..24].try_into().unwrap())).collect();
        assert_eq!(seqs, (1..=told.acked_seq).collect::<Vec<_>>());
    }
}

#[test]
fn a_killed_process_loses_nothing_acked_under_either_durability() {
    for durability in [Durability::Fsync, Durability::Os] {
        let options = rolling(durability);
        let written = life_records();
        for ops in 0..=life_ops(options) {
            let disk = SimDisk::new();
            disk.stop_after(ops);
            let told = a_life(&disk, options);
            let recovery = open_sim(&disk.restart(), options).unwrap();
            check(&recovery, told, &written)
                .unwrap_or_else(|lost| panic!("{durability:?} {ops}: {lost}"));
            // A life that ended before it published anything left no word that this is the same boot.
            assert!(!recovery.report.history_lost || told.tried_seq == 0);
        }
    }
}

#[test]
fn os_durability_loses_acked_records_in_a_power_cut_and_says_so_with_a_new_epoch() {
    let options = rolling(Durability::Os);
    let written = life_records();
    let (mut lost_count, mut hole_count, mut clean_count) = (0, 0, 0);
    for ops in 0..=life_ops(options) {
        let disk = SimDisk::new();
        disk.stop_after(ops);
        let told = a_life(&disk, options);
        for mode in crash_modes() {
            let disk = disk.fork().crash(mode);
            let recovery =
                open_sim(&disk, options).unwrap_or_else(|error| panic!("{ops} {mode:?}: {error}"));
            let checked = check(&recovery, Told { acked_seq: 0, ..told }, &written);
            checked.unwrap_or_else(|wrong| panic!("{ops} {mode:?}: {wrong}"));
            if check(&recovery, told, &written).is_err() {
                lost_count += 1;
                assert!(
                    recovery.report.history_lost && recovery.report.epoch == 2,
                    "{ops} {mode:?}"
                );
            }
            hole_count += u32::from(recovery.report.segments_dropped > 0);
            if told.closed {
                clean_count += 1;
                assert!(!recovery.report.history_lost, "a clean close is synced");
            }
        }
    }
    assert!(
        lost_count > 100 && hole_count > 10 && clean_count > 0,
        "{lost_count} {hole_count} {clean_count}"
    );
}

#[test]
fn a_power_cut_while_recovering_under_os_durability_leaves_a_prefix() {
    let options = rolling(Durability::Os);
    let written = life_records();
    for ops in (0..=life_ops(options)).step_by(3) {
        let disk = SimDisk::new();
        disk.stop_after(ops);
        let told = Told { acked_seq: 0, ..a_life(&disk, options) };
        for seed in 0..4 {
            let cut = disk.fork().crash(CrashMode::Torn { seed });
            for recovery_ops in 0.. {
                let again = cut.fork();
                again.stop_after(recovery_ops);
                let is_complete = open_sim(&again, options).is_ok();
                let recovery =
                    open_sim(&again.crash(CrashMode::Torn { seed: seed + 9 }), options).unwrap();
                check(&recovery, told, &written)
                    .unwrap_or_else(|wrong| panic!("{ops} {recovery_ops} {seed}: {wrong}"));
                if is_complete {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught_by_the_checker() {
    let options = rolling(Durability::Fsync);
    let disk = SimDisk::new();
    drop(open_sim(&disk, options).unwrap());
    let disk = disk.restart();
    disk.lie_on_sync(true);
    let told = a_life(&disk, options);
    assert!(told.acked_seq > 0);
    let (mut caught_count, mut refused_count) = (0, 0);
    for mode in crash_modes() {
        match open_sim(&disk.fork().crash(mode), options) {
            Ok(recovery) => {
                caught_count += u32::from(check(&recovery, told, &life_records()).is_err());
            }
            Err(JournalError::LostDurable { .. } | JournalError::Corrupt { .. }) => {
                refused_count += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(u64::from(caught_count + refused_count), TORN_SEEDS + 1);
    assert!(caught_count > 0 && refused_count > 0, "{caught_count} {refused_count}");
}

#[test]
fn a_failed_sync_poisons_the_writer_and_acks_nothing_more() {
    let disk = SimDisk::new();
    let mut recovery = open_sim(&disk, small(Durability::Fsync)).unwrap();
    let (records, ends) = a_group(1, 2, 50);
    recovery.writer.append_group(&records, &ends).unwrap();
    disk.fail_next_sync();
    let (records, ends) = a_group(3, 2, 50);
    let failed = recovery.writer.append_group(&records, &ends).unwrap_err();
    assert!(matches!(
        failed,
        JournalError::Io { op: IoOp::Sync, file: JournalFile::Segment(1), .. }
    ));
    let ops = disk.ops();
    assert_eq!(recovery.writer.append_group(&records, &ends), Err(JournalError::Poisoned));
    assert_eq!(recovery.writer.seal(), Err(JournalError::Poisoned));
    assert!(recovery.writer.is_poisoned());
    assert_eq!(recovery.writer.durable_seq(), 2);
    assert_eq!(recovery.writer.close(), Err(JournalError::Poisoned));
    assert_eq!(disk.ops(), ops, "a poisoned writer touches nothing");

    // The page cache still has the group and calls it clean: kept only because it is written again.
    let disk = disk.restart();
    assert_eq!(open_sim(&disk, small(Durability::Fsync)).unwrap().report.last_seq, 4);
    let recovery = open_sim(&disk.crash(CrashMode::DropAll), small(Durability::Fsync)).unwrap();
    assert_eq!(records_of(&recovery, 1), expected_records(4, 50));
}

#[test]
fn any_single_failing_operation_stops_the_node_and_loses_nothing_acked() {
    for durability in [Durability::Fsync, Durability::Os] {
        let options = rolling(durability);
        let written = life_records();
        let mut stopped_count = 0;
        for ops in 0..life_ops(options) {
            let disk = SimDisk::new();
            disk.fail_once_after(ops);
            let told = a_life(&disk, options);
            stopped_count += u32::from(!told.closed);
            let disk = disk.restart();
            let recovery =
                open_sim(&disk, options).unwrap_or_else(|error| panic!("{ops}: {error}"));
            check(&recovery, told, &written)
                .unwrap_or_else(|lost| panic!("{durability:?} {ops}: {lost}"));
        }
        assert!(stopped_count > 50, "{stopped_count}");
    }
}
