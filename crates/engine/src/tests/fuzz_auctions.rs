//! Random trading states, schedules, bands and ways of matching among random orders with terms.

use super::fuzz::{Random, a_small_genesis, prepare};
use super::fuzz_terms::{SECOND_NS, a_command};
use super::*;
use coulisse_types::command::{AuctionSchedule, InstrumentConfigure, TradingStateSet};
use coulisse_types::record::Origin;
use coulisse_types::{EventKind, MatchingMode, ReferenceKind, StateReason, TradingState};

fn an_instrument_id(random: &mut Random) -> InstrumentId {
    InstrumentId(u32::from(random.one_in(4)) + 1)
}

fn a_trading_command(random: &mut Random, now_ns: i64) -> Command {
    let instrument = an_instrument_id(random);
    match random.below(8) {
        0..=2 => {
            let others = [TradingState::Open, TradingState::Open, TradingState::Auction];
            let state = if random.one_in(2) {
                random.pick(&others)
            } else {
                random.pick(TradingState::ALL)
            };
            TradingStateSet { instrument, state }.into()
        }
        3 => {
            let start_ns = now_ns + random.within(-1, 60) * SECOND_NS;
            let end_ns = start_ns + random.within(0, 90) * SECOND_NS;
            AuctionSchedule { instrument, start_ns, end_ns }.into()
        }
        4..=5 => InstrumentConfigure {
            instrument,
            matching: random.pick(MatchingMode::ALL),
            reference: random.pick(ReferenceKind::ALL),
            collar_ppm: 0,
            slippage_ppm: random.pick(&[0, 0, 20_000]),
            band_ppm: random.pick(&[0, 20_000, 40_000]),
            auction_ns: random.within(1, 100) * SECOND_NS,
            auction_fee: FeeRate::from_ppm(random.pick(&[0, 500, 1_000])),
        }
        .into(),
        _ => MarkSet { instrument, price: Price::from_ticks(random.within(94, 106)) }.into(),
    }
}

/// Runs a seed; the records, and how often each kind of event and each reason came.
fn run(seed: u64) -> (World, Vec<(RecordHeader, Command)>, Vec<Event>) {
    let mut random = Random(seed);
    let fills_per_command_max = if seed.is_multiple_of(2) { 3 } else { 40 };
    let mut world = World::new(Genesis { fills_per_command_max, ..a_small_genesis() });
    prepare(&mut world);
    let (mut records, mut said) = (Vec::new(), Vec::new());
    for _ in 0..10_000 {
        world.header.time_ns += random.within(0, 20) * SECOND_NS;
        let now_ns = world.header.time_ns;
        let account = AccountId(u32::try_from(random.within(1, 3)).expect("small"));
        let is_due = world.engine.next_timer_ns().is_some_and(|ns| ns <= now_ns);
        let command = if is_due || random.one_in(25) {
            Tick {}.into()
        } else if random.one_in(12) {
            a_trading_command(&mut random, now_ns)
        } else {
            a_command(&mut random, &world, account)
        };
        let origin = Origin { node: 1, incarnation: 8, ..Origin::default() };
        let seq = Seq(world.header.seq.0 + 1);
        let header =
            RecordHeader { seq, time_ns: now_ns, account, origin, ..RecordHeader::default() };
        said.extend(world.run_as(header, command));
        records.push((header, command));
    }
    (world, records, said)
}

#[test]
fn random_states_and_auctions_break_no_invariant_and_replay_says_the_same() {
    for seed in 1..=4 {
        let (world, records, said) = run(seed);
        let count = |holds: &dyn Fn(&Event) -> bool| said.iter().filter(|e| holds(e)).count();
        for kind in [
            EventKind::TradingStateChanged,
            EventKind::AuctionScheduled,
            EventKind::AuctionIndicated,
            EventKind::AuctionUncrossed,
            EventKind::OrderTriggered,
            EventKind::OrderRefreshed,
            EventKind::OrderRepriced,
        ] {
            let times = count(&|event| event.kind() == kind);
            assert!(times > 5, "{times} {} of seed {seed}", kind.name());
        }
        for reason in [StateReason::Band, StateReason::Schedule, StateReason::Uncrossed] {
            let times = count(&|event| match event {
                Event::TradingStateChanged(changed) => changed.reason == reason,
                _ => false,
            });
            assert!(times > 5, "{times} {reason:?} of seed {seed}");
        }
        let (again, same_records, _) = run(seed);
        assert_eq!(records, same_records);
        assert_eq!(again.engine.event_hash(), world.engine.event_hash());
        assert_eq!(again.engine.state_hash(), world.engine.state_hash());
    }
}
