//! Holds, fees and balances.

use super::*;
use coulisse_types::command::{Withdraw, WithdrawalCapSet};
use coulisse_types::event::CloseReason;

#[test]
fn a_limit_buy_holds_its_notional_and_the_takers_fee() {
    let mut world = World::usual();
    world.buy(ANN, 10, 1_001);
    // 10,010 and 3,000 ppm of it, rounded up.
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 10_041, 10_041));
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR, 0));
}

#[test]
fn a_limit_sell_holds_base_alone() {
    let mut world = World::usual();
    world.sell(ANN, 10, 1_001);
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR - 10, 10));
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR, 0));
}

#[test]
fn fees_are_rounded_once_for_all_fills_of_an_order() {
    let mut world = World::usual();
    world.sell(ANN, 40, 25);
    // Each fill's own fee would be 1 minor unit of 25 × 1,000 ppm; all of it together is 1.
    let fees: i128 = (0..40).map(|_| fills(&world.buy(BOB, 1, 25))[0].fee.minor()).sum();
    assert_eq!(fees, 1);
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR + 999, 0));
}

#[test]
fn a_buyers_hold_is_let_go_to_the_last_minor_unit_when_makers_fees_are_lower() {
    let mut world = World::usual();
    world.buy(ANN, 7, 333);
    for lots in [1, 2, 4] {
        world.sell(BOB, lots, 300);
    }
    // 2,331 at 1,000 ppm, rounded up.
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 2_331 - 3, 0));
    assert_eq!(world.has(ANN, BTC), (FUNDS_MINOR + 7, 0));
}

#[test]
fn what_a_taker_saves_on_price_becomes_available() {
    let mut world = World::usual();
    world.sell(ANN, 10, 50);
    world.buy(BOB, 10, 60);
    // 500 and 3,000 ppm of it, rounded up.
    assert_eq!(world.has(BOB, USD), (FUNDS_MINOR - 502, 0));
}

#[test]
fn fees_and_balances_together_are_what_was_deposited() {
    let mut world = World::usual();
    world.sell(ANN, 100, 1_000);
    world.buy(BOB, 60, 1_000);
    let usd = world.engine.asset(USD).expect("known");
    assert_eq!(usd.fees.minor(), 60 + 180);
    assert_eq!(usd.net_deposits.minor(), 2 * FUNDS_MINOR);
    assert_eq!(world.has(ANN, USD).0 + world.has(BOB, USD).0 + 240, 2 * FUNDS_MINOR);
}

#[test]
fn rates_of_an_order_hold_for_its_life_even_through_an_amend() {
    let mut world = World::usual();
    world.buy(ANN, 10, 1_000);
    world.sell(BOB, 4, 1_000);
    world.run(ANN, amend(1, 20, 1_000));
    // 4,000 made at 1,000 ppm are paid; 16,000 may still be taken at 3,000 ppm.
    assert_eq!(world.has(ANN, USD).1, 16_000 + 48);
    world.sell(BOB, 16, 1_000);
    assert_eq!(world.has(ANN, USD), (FUNDS_MINOR - 20_000 - 20, 0));
}

#[test]
fn a_withdrawal_takes_only_what_is_available() {
    let mut world = World::usual();
    world.run(ANN, WithdrawalCapSet { asset: BTC, cap: Amount::from_minor(FUNDS_MINOR) });
    world.sell(ANN, 10, 1);
    let all = Withdraw { asset: BTC, amount: Amount::from_minor(FUNDS_MINOR) };
    let rejected = refusal(&world.run(ANN, all));
    assert_eq!(rejected.code, RejectCode::InsufficientBalance);
    assert_eq!((rejected.value, rejected.limit), (FUNDS_MINOR, FUNDS_MINOR - 10));
    let rest = Withdraw { asset: BTC, amount: Amount::from_minor(FUNDS_MINOR - 10) };
    assert_eq!(names(&world.run(ANN, rest)), ["Withdrawn", "BalanceChanged"]);
    assert_eq!(world.has(ANN, BTC), (0, 10));
}

#[test]
fn a_balance_that_ends_as_it_began_is_not_told() {
    let mut world = World::usual();
    world.sell(ANN, 10, 1_000);
    let events = world.buy(ANN, 10, 1_000);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::BalanceChanged(balance) => Some((balance.account.0, balance.asset)),
            _ => None,
        })
        .collect();
    // Base was held and is available again; USD paid fees.
    assert_eq!(told, [(ANN, BTC), (ANN, USD)]);
    world.run(ANN, market(Side::Sell, 5, TimeInForce::Ioc));
    let events = world.run(BOB, market(Side::Sell, 5, TimeInForce::Ioc));
    assert_eq!(names(&events), ["OrderAccepted", "OrderClosed"]);
}

#[test]
fn trades_with_oneself_stop_before_their_notional_leaves_its_bound() {
    let mut world = World::usual();
    world.run(0, AssetCreate { name: text("HUGE"), scale: 0 });
    world.run(
        0,
        InstrumentCreate {
            symbol: text("BTC-HUGE"),
            quote: AssetId(3),
            tick_minor: 1 << 40,
            taker_fee: FeeRate::from_ppm(0),
            maker_fee: FeeRate::from_ppm(0),
            ..an_instrument()
        },
    );
    // One ask is 2^93 of at most 10^32: 10,097 fit.
    let instrument = InstrumentId(2);
    let funds = Amount::from_minor(coulisse_types::limits::ASSET_TOTAL_MINOR_MAX);
    world.run(ANN, Deposit { asset: AssetId(3), amount: funds });
    let price = Price::from_ticks(coulisse_types::limits::PRICE_TICKS_MAX);
    let ask = OrderPlace { instrument, price, ..limit(Side::Sell, 90, 0) };
    for _ in 0..114 {
        world.run(ANN, ask);
    }
    let fok = OrderPlace { instrument, ..market(Side::Buy, 114 * 90, TimeInForce::Fok) };
    assert_eq!(closed(&world.run(ANN, fok)).reason, CloseReason::FillOrKill);
    let ioc = OrderPlace { time_in_force: TimeInForce::Ioc, ..fok };
    let end = closed(&world.run(ANN, ioc));
    assert_eq!((end.reason, end.filled.lots()), (CloseReason::FillLimit, 112 * 90));
}
