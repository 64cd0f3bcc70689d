//! What lots are worth at most: it decides nothing that adding up would decide otherwise.

use super::fuzz::{a_small_genesis, prepare, run};
use super::*;
use coulisse_types::command::LimitSet;
use coulisse_types::event::LimitUsed;
use coulisse_types::{LimitKind, Scope};

/// What whole units of a quote asset with 18 decimals are counted in.
const WHOLE_MINOR: i64 = 1_000_000_000_000_000_000;

/// Leaves nothing that surely passes, so that every check adds up.
fn distrust(engine: &mut Engine) {
    for place in 0..engine.risk.rows.len() {
        engine.risk.rows.at_mut(place).fence.position = i64::MIN;
    }
}

#[test]
fn adding_everything_up_says_the_same() {
    for seed in 5..=6 {
        let (world, records, _) = run(seed);
        let (mut other, mut events) = (World::new(a_small_genesis()), Vec::new());
        prepare(&mut other);
        for (header, command) in &records {
            distrust(&mut other.engine);
            other.engine.apply(header, command, &mut events);
            events.clear();
        }
        assert_eq!(other.engine.event_hash(), world.engine.event_hash(), "seed {seed}");
        assert_eq!(other.engine.state_hash(), world.engine.state_hash(), "seed {seed}");
    }
}

/// Ann and Bob with one instrument whose lot is worth so many minor units a tick, quoted in an asset of
/// 18 decimals, last traded at one tick.
fn a_dear_world(tick_minor: i64) -> World {
    let mut world = World::empty();
    world.run(0, default_genesis(7, 1));
    world.run(0, AssetCreate { name: text("BTC"), scale: 0 });
    world.run(0, AssetCreate { name: text("ETH"), scale: 18 });
    world.run(0, InstrumentCreate { tick_minor, symbol: text("BTC-ETH"), ..an_instrument() });
    for (account, name) in [(ANN, "ann"), (BOB, "bob")] {
        world.run(0, AccountCreate { name: text(name) });
        for asset in [BTC, USD] {
            let amount = Amount::from_minor(i128::from(WHOLE_MINOR) * 1_000_000);
            world.run(account, Deposit { asset, amount });
        }
    }
    world.mark(1);
    world
}

fn gross_limit(world: &mut World, value: i128) {
    let (scope, kind) = (Scope::Account, LimitKind::GrossNotional);
    world.run(0, LimitSet { scope, scope_id: ANN, kind, subject: USD.0, value, burst: 0 });
}

fn levels(events: &[Event]) -> Vec<(i128, u8)> {
    let told = |event: &Event| match event {
        Event::LimitUsed(LimitUsed { used, level, .. }) => Some((*used, *level)),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

#[test]
fn a_limit_is_told_and_kept_to_the_lot_whether_lots_are_worth_little_or_too_much_for_a_band() {
    // A millionth of a unit, a unit, and more than bands are used for.
    for tick_minor in [WHOLE_MINOR / 1_000_000, WHOLE_MINOR] {
        let mut world = a_dear_world(tick_minor);
        let minor = i128::from(tick_minor);
        gross_limit(&mut world, 100_000 * minor);
        world.buy(ANN, 1, 1);
        assert_eq!(levels(&world.buy(ANN, 79_998, 1)), []);
        assert_eq!(levels(&world.buy(ANN, 1, 1)), [(80_000 * minor, 80)]);
        assert_eq!(levels(&world.buy(ANN, 20_000, 1)), [(100_000 * minor, 100)]);
        assert_eq!(refusal(&world.buy(ANN, 1, 1)).code, RejectCode::RiskGrossNotional);
    }
    let mut world = a_dear_world(WHOLE_MINOR * 9);
    gross_limit(&mut world, i128::from(WHOLE_MINOR) * 90);
    world.buy(ANN, 1, 1);
    assert_eq!(levels(&world.buy(ANN, 6, 1)), []);
    assert_eq!(levels(&world.buy(ANN, 1, 1)), [(i128::from(WHOLE_MINOR) * 72, 80)]);
    assert_eq!(refusal(&world.buy(ANN, 3, 1)).code, RejectCode::RiskGrossNotional);
}

#[test]
fn a_mark_that_leaves_its_band_is_counted_at_the_next_order() {
    let minor = i128::from(WHOLE_MINOR / 1_000_000);
    let mut world = a_dear_world(WHOLE_MINOR / 1_000_000);
    gross_limit(&mut world, 330_000 * minor);
    assert_eq!(levels(&world.buy(ANN, 90_000, 1)), []);
    assert_eq!(levels(&world.mark(3)), []);
    assert_eq!(levels(&world.buy(ANN, 1, 1)), [(270_003 * minor, 80)]);
    assert_eq!(refusal(&world.buy(ANN, 20_000, 1)).code, RejectCode::RiskGrossNotional);
}

#[test]
fn the_notional_of_an_order_is_kept_to_the_minor_unit_whatever_an_asset_is_counted_in() {
    // Worths count in minor units there, and here in 2^32 of them: whole ones, and not.
    let worlds = [1, 1 << 32, (1 << 32) + 1].map(|minor| match minor {
        1 => (World::usual(), 1),
        _ => (a_dear_world(minor), i128::from(minor)),
    });
    for (mut world, lot_minor) in worlds {
        world.mark(1);
        let (scope, kind) = (Scope::Account, LimitKind::OrderNotional);
        let value = 5 * lot_minor;
        world.run(0, LimitSet { scope, scope_id: ANN, kind, subject: USD.0, value, burst: 0 });
        // The first one is added up: the account has no row there yet.
        for _ in 0..2 {
            assert_eq!(names(&world.buy(ANN, 5, 1))[0], "OrderAccepted");
            assert_eq!(refusal(&world.buy(ANN, 6, 1)).code, RejectCode::RiskOrderNotional);
        }
    }
}
