//! Groups, configuration, marks and the reference price.

use super::*;
use crate::Membership;
use coulisse_types::command::{
    AccountConfigure, GroupCreate, InstrumentConfigure, MarkSet, OrderCancelAll,
};
use coulisse_types::limits::{AHEAD_NS_MAX, BOUND_PPM_MAX, GROUPS_MAX, PRICE_TICKS_MAX};
use coulisse_types::{Field, GroupId, MatchingMode, ReferenceKind, SideFilter, TradingState, Unit};

fn a_group(name: &str) -> GroupCreate {
    GroupCreate { name: text(name) }
}

fn a_config() -> InstrumentConfigure {
    InstrumentConfigure {
        instrument: BTC_USD,
        matching: MatchingMode::ProRata,
        reference: ReferenceKind::Last,
        collar_ppm: BOUND_PPM_MAX,
        slippage_ppm: BOUND_PPM_MAX,
        band_ppm: BOUND_PPM_MAX,
        auction_ns: AHEAD_NS_MAX,
        auction_fee: FeeRate::from_ppm(3_000),
    }
}

fn a_mark(ticks: i64) -> MarkSet {
    MarkSet { instrument: BTC_USD, price: Price::from_ticks(ticks) }
}

/// Code, field, unit, value and limit of the one refusal.
fn detail(events: &[Event]) -> (RejectCode, Field, Unit, i128, i128) {
    let Rejected { code, field, unit, value, limit, .. } = refusal(events);
    (code, field, unit, value, limit)
}

#[test]
fn groups_have_names_of_their_own_and_there_are_only_so_many() {
    let mut world = World::usual();
    assert_eq!(names(&world.run(0, a_group("ann"))), ["GroupCreated"]);
    assert_eq!(code(&world.run(0, a_group("A"))), RejectCode::InvalidName);
    let taken = (RejectCode::AlreadyExists, Field::Name, Unit::Number, 1, 0);
    assert_eq!(detail(&world.run(0, a_group("ann"))), taken);
    let mut events = Vec::new();
    for number in 2..=GROUPS_MAX {
        world.header.seq = Seq(world.header.seq.0 + 1);
        let command = a_group(&alloc::format!("desk-{number}")).into();
        world.engine.apply(&world.header, &command, &mut events);
    }
    assert!(events.iter().all(|event| event.kind().name() == "GroupCreated"));
    let most = GROUPS_MAX.into();
    let full = (RejectCode::TableFull, Field::Count, Unit::Number, most, most);
    assert_eq!(detail(&world.run(0, a_group("one-more"))), full);
    let last = world.engine.group_by_name(b"desk-65536").expect("the last");
    assert_eq!(last.id, GroupId(GROUPS_MAX));
    assert_eq!(world.engine.group(last.id), Some(last));
    assert_eq!(world.engine.groups().count(), 65_536);
}

#[test]
fn an_account_is_put_into_groups_that_exist() {
    let mut world = World::usual();
    let account = |group, trade_group| AccountConfigure { group: GroupId(group), trade_group };
    assert_eq!(world.engine.membership(AccountId(ANN)), Some(Membership::default()));
    let unknown = (RejectCode::UnknownGroup, Field::Group, Unit::Number, 1, 0);
    assert_eq!(detail(&world.run(ANN, account(1, 7))), unknown);
    world.run(0, a_group("desk"));
    assert_eq!(names(&world.run(ANN, account(1, u32::MAX))), ["AccountConfigured"]);
    let there = Membership { group: GroupId(1), trade_group: u32::MAX };
    assert_eq!(world.engine.membership(AccountId(ANN)), Some(there));
    assert_eq!(world.engine.membership(AccountId(BOB)), Some(Membership::default()));
    world.run(ANN, account(0, 0));
    assert_eq!(world.engine.membership(AccountId(ANN)), Some(Membership::default()));
    assert_eq!(world.engine.membership(AccountId(3)), None);
    assert_eq!(code(&world.run(3, account(0, 0))), RejectCode::UnknownAccount);
}

#[test]
fn every_bound_of_a_configuration_is_looked_at_in_turn() {
    let mut world = World::usual();
    let (bound, ahead) = (i128::from(BOUND_PPM_MAX), i128::from(AHEAD_NS_MAX));
    let good = a_config();
    let no_fee = FeeRate::from_ppm(-1);
    let fee = |fee, rest: InstrumentConfigure| InstrumentConfigure { auction_fee: fee, ..rest };
    let time = |ns, rest: InstrumentConfigure| InstrumentConfigure { auction_ns: ns, ..rest };
    let no_band = InstrumentConfigure { band_ppm: 0, ..good };
    let band = InstrumentConfigure { band_ppm: BOUND_PPM_MAX + 1, ..time(0, good) };
    let slippage = InstrumentConfigure { slippage_ppm: BOUND_PPM_MAX + 1, ..band };
    let collar = InstrumentConfigure { collar_ppm: u32::MAX, ..slippage };
    for (body, field, value, limit) in [
        (collar, Field::Collar, u32::MAX.into(), bound),
        (slippage, Field::Slippage, bound + 1, bound),
        (band, Field::Band, bound + 1, bound),
        (fee(no_fee, time(0, good)), Field::AuctionTime, 0, ahead),
        (time(-1, no_band), Field::AuctionTime, -1, ahead),
        (time(AHEAD_NS_MAX + 1, no_band), Field::AuctionTime, ahead + 1, ahead),
        (fee(no_fee, good), Field::AuctionFee, -1, 3_000),
        (fee(FeeRate::from_ppm(3_001), good), Field::AuctionFee, 3_001, 3_000),
    ] {
        let refused = (RejectCode::InvalidInstrument, field, Unit::Number, value, limit);
        assert_eq!(detail(&world.run(0, body)), refused);
    }
    let elsewhere = InstrumentConfigure { instrument: InstrumentId(2), ..collar };
    let unknown = (RejectCode::UnknownInstrument, Field::Symbol, Unit::Number, 2, 0);
    assert_eq!(detail(&world.run(0, elsewhere)), unknown);
    assert_eq!(world.engine.trading(BTC_USD).map(|trading| trading.version), Some(0));
}

#[test]
fn a_configuration_is_counted_and_said_and_read() {
    let mut world = World::usual();
    let good = a_config();
    let plain = InstrumentConfigure { band_ppm: 0, auction_ns: 0, ..good };
    for (version, body) in [(1, good), (2, plain), (3, good)] {
        let events = world.run(0, body);
        let [Event::InstrumentConfigured(said)] = events[..] else { panic!("{events:?}") };
        let trading = world.engine.trading(BTC_USD).expect("known");
        assert_eq!((said.version, said.auction_ns), (version, body.auction_ns));
        assert_eq!(trading.configured(BTC_USD), said);
    }
    assert_eq!(world.engine.trading_state(BTC_USD), Some(TradingState::Open));
}

#[test]
fn a_mark_is_a_price_of_an_instrument() {
    let mut world = World::usual();
    let most = i128::from(PRICE_TICKS_MAX);
    for ticks in [0, -1, PRICE_TICKS_MAX + 1] {
        let refused = (RejectCode::PriceOutOfRange, Field::Price, Unit::Ticks, ticks.into(), most);
        assert_eq!(detail(&world.run(0, a_mark(ticks))), refused);
    }
    let elsewhere = MarkSet { instrument: InstrumentId(0), ..a_mark(0) };
    assert_eq!(code(&world.run(0, elsewhere)), RejectCode::UnknownInstrument);
    assert_eq!(world.engine.mark(BTC_USD), None);
    for ticks in [PRICE_TICKS_MAX, 1] {
        assert_eq!(names(&world.run(0, a_mark(ticks))), ["MarkChanged"]);
        assert_eq!(world.engine.mark(BTC_USD), Some(Price::from_ticks(ticks)));
    }
}

#[test]
fn the_reference_falls_back_where_its_own_kind_has_no_price() {
    let mut world = World::usual();
    let references = |world: &mut World| {
        [ReferenceKind::Last, ReferenceKind::Mark, ReferenceKind::Mid].map(|reference| {
            world.run(0, InstrumentConfigure { reference, ..a_config() });
            world.engine.reference(BTC_USD).map_or(0, Price::ticks)
        })
    };
    assert_eq!(references(&mut world), [0, 0, 0]);
    world.run(0, a_mark(40));
    assert_eq!(references(&mut world), [40, 40, 40]);
    world.buy(ANN, 5, 50);
    assert_eq!(references(&mut world), [40, 40, 40]);
    world.sell(BOB, 1, 50);
    assert_eq!(references(&mut world), [50, 40, 50]);
    world.sell(BOB, 1, 53);
    // Half way between 50 and 53, rounded down.
    assert_eq!(references(&mut world), [50, 40, 51]);
    assert_eq!(world.engine.last_price(BTC_USD), Some(Price::from_ticks(50)));

    let mut unmarked = World::usual();
    unmarked.sell(ANN, 1, 60);
    unmarked.sell(ANN, 1, 61);
    unmarked.buy(BOB, 2, 70);
    assert_eq!(references(&mut unmarked), [61, 61, 61]);
}

#[test]
fn a_repeated_request_configures_once() {
    let mut world = World::usual();
    let commands: [Command; 4] =
        [a_group("desk").into(), a_config().into(), a_mark(9).into(), a_member().into()];
    for (id, command) in (1..).zip(commands) {
        let events = world.run_once(id, ANN, command);
        assert_ne!(names(&events), ["RequestDuplicate"]);
        assert_eq!(names(&world.run_once(id, ANN, command)), ["RequestDuplicate"]);
        assert_eq!(code(&world.run_once(id, ANN, a_mark(8))), RejectCode::RequestIdConflict);
    }
    assert_eq!(world.engine.trading(BTC_USD).map(|trading| trading.version), Some(1));
}

fn a_member() -> AccountConfigure {
    AccountConfigure { group: GroupId(1), trade_group: 4 }
}

#[test]
fn cancel_all_of_one_side_leaves_the_other() {
    let mut world = World::usual();
    let of_side = |side| OrderCancelAll { instrument: BTC_USD, side, session: 0 };
    for ticks in [48, 49] {
        world.buy(ANN, 1, ticks);
        world.sell(ANN, 1, ticks + 10);
    }
    let events = world.run(ANN, of_side(SideFilter::Sell));
    assert_eq!(closed(&events).order_id, order_id(4));
    assert_eq!((world.queue(Side::Buy).len(), world.queue(Side::Sell).len()), (2, 0));
    world.sell(ANN, 1, 60);
    world.run(ANN, of_side(SideFilter::Buy));
    assert_eq!((world.queue(Side::Buy).len(), world.queue(Side::Sell).len()), (0, 1));
}

#[test]
fn groups_marks_and_configurations_are_part_of_the_state() {
    let hash = |commands: &[Command]| {
        let mut world = World::usual();
        for command in commands {
            world.run(ANN, *command);
        }
        // The same seq for all.
        while world.header.seq.0 < 20 {
            world.run(ANN, cancel(9));
        }
        world.engine.state_hash()
    };
    let all: [Command; 5] = [
        a_group("desk").into(),
        a_group("other").into(),
        AccountConfigure { group: GroupId(0), trade_group: 3 }.into(),
        a_config().into(),
        a_mark(9).into(),
    ];
    let hashes: Vec<_> = all.iter().map(|command| hash(&[*command])).collect();
    for (place, one) in hashes.iter().enumerate() {
        assert_eq!(hashes.iter().position(|other| other == one), Some(place));
        assert_ne!(*one, hash(&[]));
    }
}
