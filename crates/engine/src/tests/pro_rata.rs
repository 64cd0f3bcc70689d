//! Levels that are shared by size.

use super::states::a_band;
use super::*;
use coulisse_types::MatchingMode;
use coulisse_types::command::InstrumentConfigure;
use coulisse_types::event::CloseReason;

fn pro_rata(genesis: Genesis) -> World {
    let mut world = World::new(genesis);
    world.run(0, InstrumentConfigure { matching: MatchingMode::ProRata, ..a_band(0, 0) });
    world
}

/// Maker and lots of each trade.
fn trades(events: &[Event]) -> Vec<(u64, i64)> {
    let trade = |event: &Event| match event {
        Event::Traded(traded) => Some((traded.maker_order_id.0 & 0xFFFF, traded.qty.lots())),
        _ => None,
    };
    events.iter().filter_map(trade).collect()
}

#[test]
fn a_level_is_shared_by_size_and_what_rounding_leaves_by_age() {
    let mut world = pro_rata(default_genesis(7, 1));
    for lots in [1, 2, 6] {
        world.sell(ANN, lots, 100);
    }
    let events = world.buy(BOB, 5, 100);
    assert_eq!(trades(&events), [(1, 1), (2, 1), (3, 3)]);
    assert_eq!(world.queue(Side::Sell), [2, 3]);
}

#[test]
fn a_level_that_is_taken_whole_goes_by_age_and_the_next_is_shared() {
    let mut world = pro_rata(default_genesis(7, 1));
    for (lots, ticks) in [(2, 100), (1, 101), (9, 101)] {
        world.sell(ANN, lots, ticks);
    }
    let events = world.buy(BOB, 7, 101);
    assert_eq!(trades(&events), [(1, 2), (2, 1), (3, 4)]);
}

#[test]
fn orders_that_get_nothing_say_nothing() {
    let mut world = pro_rata(default_genesis(7, 1));
    for lots in [1, 1, 98] {
        world.sell(ANN, lots, 100);
    }
    assert_eq!(trades(&world.buy(BOB, 3, 100)), [(1, 1), (3, 2)]);
    assert_eq!(world.queue(Side::Sell), [2, 3]);
}

#[test]
fn market_buys_trade_by_price_and_time() {
    let mut world = pro_rata(default_genesis(7, 1));
    for lots in [2, 8] {
        world.sell(ANN, lots, 100);
    }
    let events = world.run(BOB, market(Side::Buy, 5, TimeInForce::Ioc));
    assert_eq!(trades(&events), [(1, 2), (2, 3)]);
}

#[test]
fn no_more_fills_are_made_than_a_command_may() {
    let mut world = pro_rata(Genesis { fills_per_command_max: 2, ..default_genesis(7, 1) });
    for _ in 0..4 {
        world.sell(ANN, 4, 100);
    }
    let events = world.buy(BOB, 8, 100);
    assert_eq!(trades(&events), [(1, 2), (2, 2)]);
    assert_eq!(closed(&events).reason, CloseReason::FillLimit);
}

#[test]
fn an_iceberg_shares_with_what_it_shows_and_again_in_the_next_pass() {
    let mut world = pro_rata(default_genesis(7, 1));
    let iceberg = OrderPlaceTerms {
        display_qty: Qty::from_lots(2),
        ..limit(Side::Sell, 6, 100).with_terms()
    };
    world.run(ANN, iceberg);
    world.sell(ANN, 2, 100);
    let events = world.buy(BOB, 5, 100);
    // All four that are shown, then one of the next two.
    assert_eq!(trades(&events), [(1, 2), (2, 2), (1, 1)]);
}

#[test]
fn self_trade_prevention_on_a_level_with_an_own_order_goes_by_age() {
    let mut world = pro_rata(default_genesis(7, 1));
    world.sell(ANN, 4, 100);
    world.sell(BOB, 4, 100);
    world.sell(ANN, 4, 100);
    let order = OrderPlaceTerms {
        self_trade: SelfTrade::ExpireMaker,
        ..limit(Side::Buy, 6, 100).with_terms()
    };
    let events = world.run(BOB, order);
    // The first in full by age, the own one is gone, then what is left of the level is shared.
    assert_eq!(trades(&events), [(1, 4), (3, 2)]);
}
