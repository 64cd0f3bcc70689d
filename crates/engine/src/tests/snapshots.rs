//! A snapshot holds the whole state, and bytes that are none are refused without a panic.

use super::fuzz::{a_small_genesis, run};
use super::*;
use crate::{Section, SnapshotError, SnapshotFault};
use coulisse_types::command::NodeStarted;
use coulisse_types::record::Origin;

fn written(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(()) = engine.write_snapshot(&mut bytes);
    bytes
}

fn read(bytes: &[u8]) -> Engine {
    Engine::from_snapshot(bytes).expect("a snapshot that was just written")
}

fn refused(bytes: &[u8]) -> SnapshotError {
    Engine::from_snapshot(bytes).expect_err("these bytes are no snapshot")
}

/// Orders on both sides, fills, closed ids, requests, balances beyond the first block.
fn a_lived_in_world() -> World {
    let mut world = World::new(a_small_genesis());
    for name in ["ETH", "SOL", "XRP", "ADA"] {
        world.run(0, AssetCreate { name: text(name), scale: 1 });
    }
    world.run_once(77, ANN, Deposit { asset: AssetId(6), amount: Amount::from_minor(5) });
    world.run(ANN, named("a", limit(Side::Buy, 10, 99)));
    world.run(BOB, named("b", limit(Side::Sell, 10, 101)));
    world.run(BOB, limit(Side::Sell, 4, 99));
    world.run(ANN, named("gone", limit(Side::Buy, 1, 90)));
    world.run(ANN, cancel_named("gone"));
    let origin = Origin { node: 3, incarnation: 5, ..Origin::default() };
    let header = RecordHeader { origin, ..RecordHeader::default() };
    world.run_as(header, NodeStarted { incarnation: 5 });
    world
}

#[test]
fn an_engine_before_genesis_is_written_and_read() {
    let mut world = World::empty();
    world.run(0, AssetCreate { name: text("BTC"), scale: 0 });
    let again = read(&written(&world.engine));
    assert_eq!(again.event_hash(), world.engine.event_hash());
    assert_eq!(again.state_hash(), world.engine.state_hash());
    assert_eq!(again.last_seq(), Seq(1));
}

#[test]
fn what_is_read_holds_all_that_was_written_and_keeps_every_invariant() {
    let world = a_lived_in_world();
    let bytes = written(&world.engine);
    let again = read(&bytes);
    assert_eq!(again.check_invariants(), Ok(()));
    assert_eq!(again.state_hash(), world.engine.state_hash());
    assert_eq!(again.event_hash(), world.engine.event_hash());
    assert_eq!(again.time_ns(), world.engine.time_ns());
    assert_eq!(again.trade_count(), world.engine.trade_count());
    assert_eq!(again.tables(), world.engine.tables());
    assert_eq!(again.node_incarnation(3), 5);
    assert_eq!(written(&again), bytes);
}

#[test]
fn after_a_random_life_with_its_forgotten_ids_the_same_follows() {
    for seed in 1..=3 {
        let (mut world, records, _) = run(seed);
        world.engine = read(&written(&world.engine));
        let (mut twin, _, _) = run(seed);
        for (header, command) in records.iter().take(3_000) {
            assert_eq!(world.run_as(*header, *command), twin.run_as(*header, *command));
        }
        assert_eq!(world.engine.event_hash(), twin.engine.event_hash());
        assert_eq!(written(&world.engine), written(&twin.engine));
    }
}

#[test]
fn a_repeated_client_order_id_finds_the_body_it_had_before_the_snapshot() {
    let mut world = a_lived_in_world();
    world.engine = read(&written(&world.engine));
    let again = world.run(ANN, named("gone", limit(Side::Buy, 1, 90)));
    assert_eq!(names(&again), ["OrderDuplicate"]);
    let other = world.run(ANN, named("gone", limit(Side::Buy, 2, 90)));
    assert_eq!(code(&other), RejectCode::ClientOrderIdConflict);
    let live = world.run(BOB, named("b", limit(Side::Sell, 10, 101)));
    assert_eq!(names(&live), ["OrderDuplicate"]);
    let deposit = Deposit { asset: AssetId(6), amount: Amount::from_minor(5) };
    assert_eq!(names(&world.run_once(77, ANN, deposit)), ["RequestDuplicate"]);
    let other = Deposit { asset: AssetId(6), amount: Amount::from_minor(6) };
    assert_eq!(code(&world.run_once(77, ANN, other)), RejectCode::RequestIdConflict);
}

#[test]
fn whatever_bit_is_flipped_reading_does_not_panic_and_what_it_gives_can_be_written() {
    let bytes = written(&a_lived_in_world().engine);
    let (mut refused, mut read) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match Engine::from_snapshot(&flipped) {
            Ok(engine) => {
                // The file's checksum finds these; a state is a state nevertheless.
                assert_ne!(written(&engine), bytes, "bit {bit} says nothing");
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 2_000 && read > 2_000, "{refused} {read}");
}

#[test]
fn bytes_that_end_early_or_late_are_refused() {
    let mut bytes = written(&a_lived_in_world().engine);
    for length in 0..bytes.len() {
        assert!(Engine::from_snapshot(&bytes[..length]).is_err(), "{length} bytes");
    }
    bytes.push(0);
    assert_eq!(refused(&bytes).fault, SnapshotFault::Trailing);
}

#[test]
fn a_refusal_says_in_which_section_at_which_byte_and_why() {
    let bytes = written(&a_lived_in_world().engine);
    assert_eq!(refused(b"something").fault, SnapshotFault::Magic);
    let mut other = bytes.clone();
    other[8] = 9;
    let fault = SnapshotFault::Section { found: 9 };
    assert_eq!(refused(&other), SnapshotError { section: Section::Core, at: 0, fault });
    let mut newer = bytes.clone();
    newer[10] = 1;
    assert_eq!(refused(&newer).fault, SnapshotFault::Version { found: 1 });
    // The accounts follow the core's section and that of no groups: head of 12 bytes, then the count.
    let core_bytes = u64::from_le_bytes(bytes[12..20].try_into().expect("eight"));
    let accounts_at = 20 + usize::try_from(core_bytes).expect("short") + (12 + 4) + 12;
    let mut many = bytes;
    many[accounts_at..accounts_at + 4].copy_from_slice(&6_u32.to_le_bytes());
    let fault = SnapshotFault::Count { count: 6, max: 5 };
    let error = SnapshotError { section: Section::Accounts, at: 4, fault };
    assert_eq!(refused(&many), error);
    let said = alloc::string::ToString::to_string(&error);
    assert_eq!(said, "section Accounts at byte 4: Count { count: 6, max: 5 }");
}
