//! A snapshot holds the whole state, and bytes that are none are refused without a panic.

use super::fuzz::{a_small_genesis, run};
use super::*;
use crate::{Section, SnapshotError, SnapshotFault, SnapshotSource};
use coulisse_types::command::{NodeStarted, Withdraw, WithdrawalCapSet};
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
    for minor in [3, 4] {
        world.run(ANN, Withdraw { asset: BTC, amount: Amount::from_minor(minor) });
        world.run(0, WithdrawalCapSet { asset: BTC, cap: Amount::from_minor(7) });
    }
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

/// Gives as many bytes at a time as the seed says.
struct Drops<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl SnapshotSource for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let most = usize::try_from(self.state >> 60).expect("small") + 1;
        let most = most.min(into.len());
        self.bytes.read(&mut into[..most])
    }
}

#[test]
fn however_a_source_cuts_the_bytes_the_same_is_read() {
    for seed in 1..=2 {
        let bytes = written(&run(seed).0.engine);
        let mut drops = Drops { bytes: &bytes, state: seed };
        let again = Engine::read_snapshot(&mut drops).expect("a snapshot");
        assert_eq!(written(&again), bytes);
    }
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
    newer[10] = 2;
    assert_eq!(refused(&newer).fault, SnapshotFault::Version { found: 2 });
    // The accounts follow the core's section and that of no groups.
    let head = |section: Section| {
        [section.number().to_le_bytes(), section.version().to_le_bytes()].concat()
    };
    let heads = [head(Section::Groups), [0; 4].to_vec(), 4_u64.to_le_bytes().to_vec()].concat();
    let groups_at = bytes.windows(heads.len()).position(|at| at == heads).expect("no groups");
    let accounts_at = groups_at + heads.len() + head(Section::Accounts).len();
    let mut many = bytes.clone();
    many[accounts_at..accounts_at + 4].copy_from_slice(&6_u32.to_le_bytes());
    let fault = SnapshotFault::Count { count: 6, max: 5 };
    let error = SnapshotError { section: Section::Accounts, at: 4, fault };
    assert_eq!(refused(&many), error);
    let mut longer = bytes;
    longer[groups_at + 8] = 5;
    let fault = SnapshotFault::Length { bytes: 4, written: 5 };
    assert_eq!(refused(&longer).fault, fault);
    let said = alloc::string::ToString::to_string(&error);
    assert_eq!(said, "section Accounts at byte 4: Count { count: 6, max: 5 }");
}
