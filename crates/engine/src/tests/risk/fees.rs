//! Tiers, rebates, rounding.

use super::*;

fn a_tier(tier: u8, threshold: i128, maker_ppm: i32, taker_ppm: i32) -> FeeTierSet {
    FeeTierSet {
        asset: USD,
        tier,
        threshold: Amount::from_minor(threshold),
        maker_fee: FeeRate::from_ppm(maker_ppm),
        taker_fee: FeeRate::from_ppm(taker_ppm),
    }
}

fn rates(world: &World, account: u32) -> (i32, i32) {
    let rates = world.engine.rates_of(AccountId(account), BTC_USD).expect("known");
    (rates.0.ppm(), rates.1.ppm())
}

#[test]
fn tiers_have_bounds() {
    let mut world = World::usual();
    let out = RejectCode::AmountOutOfRange;
    for (tier, expected) in [
        (FeeTierSet { asset: AssetId(9), ..a_tier(1, 0, 0, 0) }, {
            (RejectCode::UnknownAsset, Field::Asset, Unit::Number, 9, 0)
        }),
        (a_tier(0, 0, 0, 0), (out, Field::Tier, Unit::Number, 0, FEE_TIERS_MAX.into())),
        (a_tier(1, 0, -100_001, 0), (out, Field::MakerFee, Unit::Ppm, -100_001, 100_000)),
        (a_tier(1, 0, 5, 4), (out, Field::TakerFee, Unit::Ppm, 4, 100_000)),
        (a_tier(1, 0, -5, -1), (out, Field::TakerFee, Unit::Ppm, -1, 100_000)),
        (a_tier(1, ASSET_TOTAL_MINOR_MAX + 1, 0, 0), {
            let most = ASSET_TOTAL_MINOR_MAX;
            (out, Field::Threshold, Unit::AssetMinor, most + 1, most)
        }),
    ] {
        assert_eq!(detail(&world.run(0, tier)), expected);
    }
    assert_eq!(names(&world.run(0, a_tier(1, -1, 999_999, -5))), ["FeeTierChanged"]);
    assert_eq!(rates(&world, ANN), (1_000, 3_000));
}

#[test]
fn the_highest_threshold_within_what_was_traded_decides() {
    let mut world = World::usual();
    world.run(0, a_tier(1, 500, 700, 2_000));
    world.run(0, a_tier(2, 1_000, 400, 1_000));
    world.run(0, a_tier(3, 1_000, 300, 900));
    assert_eq!(rates(&world, ANN), (1_000, 3_000));
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    assert_eq!((rates(&world, ANN), rates(&world, BOB)), ((700, 2_000), (700, 2_000)));
    world.sell(ANN, 10, 50);
    world.buy(ANN, 10, 50);
    assert_eq!(rates(&world, ANN), (300, 900));
    world.run(0, a_tier(3, -1, 0, 0));
    assert_eq!(rates(&world, ANN), (400, 1_000));
}

#[test]
fn what_was_traded_counts_for_thirty_days() {
    let mut world = World::usual();
    world.run(0, a_tier(1, 500, 700, 2_000));
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 50);
    at(&mut world, 29 * DAY_NS + DAY_NS - 1, 0, Tick {});
    assert_eq!(rates(&world, ANN), (700, 2_000));
    at(&mut world, 30 * DAY_NS, 0, Tick {});
    assert_eq!(rates(&world, ANN), (1_000, 3_000));
    world.sell(ANN, 9, 50);
    world.buy(BOB, 9, 50);
    assert_eq!(world.engine.traded_notional(AccountId(ANN), USD).minor(), 450);
    at(&mut world, 60 * DAY_NS, 0, Tick {});
    assert_eq!(world.engine.traded_notional(AccountId(ANN), USD).minor(), 0);
}

#[test]
fn an_order_keeps_the_rates_it_was_accepted_with() {
    let mut world = World::usual();
    world.sell(ANN, 10, 1_000);
    world.run(0, a_tier(1, 0, -500, 500));
    let fees: Vec<_> = fills(&world.buy(BOB, 10, 1_000)).iter().map(|f| f.fee.minor()).collect();
    assert_eq!(fees, [10, 5]);
}

#[test]
fn a_rebate_is_paid_out_of_what_the_taker_pays() {
    let mut world = World::usual();
    world.run(0, a_tier(1, 0, -500, 2_000));
    world.sell(ANN, 10, 1_000);
    let events = world.buy(BOB, 10, 1_000);
    let fees: Vec<_> = fills(&events).iter().map(|fill| fill.fee.minor()).collect();
    assert_eq!(fees, [-5, 20]);
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR + 10_005, 0));
    assert_eq!(world.engine.asset(USD).map(|usd| usd.fees.minor()), Some(15));
}

#[test]
fn a_rebate_beyond_the_takers_fee_is_forfeited() {
    let mut world = World::usual();
    world.run(0, a_tier(1, 0, -5_000, 2_000));
    world.buy(ANN, 20, 1_000);
    let fees: Vec<_> = fills(&world.sell(BOB, 10, 1_000)).iter().map(|f| f.fee.minor()).collect();
    // 50 were promised and 20 are paid.
    assert_eq!(fees, [-20, 20]);
    let fees: Vec<_> = fills(&world.sell(BOB, 10, 1_000)).iter().map(|f| f.fee.minor()).collect();
    assert_eq!(fees, [-20, 20]);
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 20_000 + 40, 0));
}

#[test]
fn a_forfeit_never_lets_the_need_of_a_buyer_rise() {
    let mut world = World::usual();
    world.run(0, a_tier(1, 0, -999, 0));
    world.buy(ANN, 100, 7);
    for lots in [1, 3, 7, 11] {
        // The invariants say that what is held is what is needed, to the last minor unit.
        let fees = fills(&world.sell(BOB, lots, 7));
        assert_eq!((fees[0].fee.minor(), fees[1].fee.minor()), (0, 0));
    }
}

#[test]
fn what_rounding_up_added_is_kept_apart_when_an_order_closes() {
    let mut world = World::usual();
    world.sell(ANN, 10, 25);
    world.buy(BOB, 4, 25);
    // Bob's 100 at 3,000 ppm are 0.3, charged 1; Ann's order is still open.
    let usd = *world.engine.asset(USD).expect("known");
    assert_eq!((usd.fees.minor(), usd.rounding.minor()), (1, 1));
    world.run(ANN, cancel(1));
    let usd = *world.engine.asset(USD).expect("known");
    assert_eq!((usd.fees.minor(), usd.rounding.minor()), (0, 2));
}

#[test]
fn a_charge_without_a_fraction_leaves_nothing_to_round() {
    let mut world = World::usual();
    world.sell(ANN, 10, 1_000);
    world.buy(BOB, 10, 1_000);
    let usd = *world.engine.asset(USD).expect("known");
    assert_eq!((usd.fees.minor(), usd.rounding.minor()), (40, 0));
}
