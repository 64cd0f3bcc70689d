//! What is refused, with which field and numbers, and in which order checks come.

use super::*;
use coulisse_types::command::{KeyCreate, NodeStarted, Withdraw};
use coulisse_types::limits::{ASSET_TOTAL_MINOR_MAX, NOTIONAL_MINOR_MAX, PRICE_TICKS_MAX};
use coulisse_types::record::Origin;
use coulisse_types::{Field, Unit};

fn a_key(name: &str, permissions: u8) -> KeyCreate {
    KeyCreate { key_id: text(name), public_key: [9; 32], permissions }
}

fn from_node(node: u16, incarnation: u32) -> RecordHeader {
    let origin = Origin { node, incarnation, ..Origin::default() };
    RecordHeader { account: AccountId(ANN), origin, ..RecordHeader::default() }
}

#[test]
fn nothing_happens_before_genesis_and_there_is_one() {
    let mut world = World::empty();
    assert_eq!(code(&world.buy(ANN, 1, 1)), RejectCode::GenesisMissing);
    assert_eq!(names(&world.run(0, default_genesis(1, 1))), ["GenesisSet"]);
    assert_eq!(code(&world.run(0, default_genesis(1, 1))), RejectCode::GenesisExists);
}

#[test]
fn an_earlier_start_of_a_node_is_stale() {
    let mut world = World::usual();
    let started = NodeStarted { incarnation: 3 };
    assert_eq!(names(&world.run_as(from_node(4, 0), started)), ["NodeJoined"]);
    let rejected = refusal(&world.run_as(from_node(4, 9), started));
    assert_eq!(rejected.code, RejectCode::StaleIncarnation);
    assert_eq!((rejected.value, rejected.limit), (3, 3));
    let order = limit(Side::Buy, 1, 1);
    assert_eq!(code(&world.run_as(from_node(4, 2), order)), RejectCode::StaleIncarnation);
    assert_eq!(world.run_as(from_node(4, 3), order)[0].kind().name(), "OrderAccepted");
    assert_eq!(world.run_as(from_node(5, 0), order)[0].kind().name(), "OrderAccepted");
}

#[test]
fn a_key_does_what_it_may_for_its_own_account() {
    let mut world = World::usual();
    world.run(ANN, a_key("trader", 2));
    world.run(BOB, a_key("admin", 8));
    let order = limit(Side::Buy, 1, 1);
    assert_eq!(world.run_by_key(1, ANN, order)[0].kind().name(), "OrderAccepted");
    let rejected = refusal(&world.run_by_key(1, BOB, order));
    assert_eq!((rejected.code, rejected.field), (RejectCode::NotPermitted, Field::Account));
    assert_eq!((rejected.value, rejected.limit), (2, 1));
    let rejected = refusal(&world.run_by_key(2, ANN, order));
    assert_eq!((rejected.code, rejected.field), (RejectCode::NotPermitted, Field::Permissions));
    assert_eq!((rejected.value, rejected.limit), (8, 2));
    let deposit = Deposit { asset: BTC, amount: Amount::from_minor(1) };
    assert_eq!(names(&world.run_by_key(2, ANN, deposit))[0], "Deposited");
    assert_eq!(code(&world.run_by_key(3, ANN, order)), RejectCode::UnknownKey);
    let rejected = refusal(&world.run_by_key(2, ANN, NodeStarted { incarnation: 1 }));
    assert_eq!((rejected.code, rejected.limit), (RejectCode::NotPermitted, 0));
    let rejected = refusal(&world.run_by_key(2, 9, deposit));
    assert_eq!((rejected.code, rejected.value), (RejectCode::UnknownAccount, 9));
}

#[test]
fn names_are_checked_unique_and_bounded() {
    let mut world = World::new(Genesis { accounts_max: 2, keys_max: 1, ..default_genesis(1, 1) });
    let asset = |name, scale| AssetCreate { name: text(name), scale };
    assert_eq!(code(&world.run(0, asset("btc", 2))), RejectCode::InvalidName);
    assert_eq!(code(&world.run(0, asset("ABC", 19))), RejectCode::AmountOutOfRange);
    assert_eq!(refusal(&world.run(0, asset("USD", 2))).value, 2);
    assert_eq!(code(&world.run(0, AccountCreate { name: text("A") })), RejectCode::InvalidName);
    assert_eq!(refusal(&world.run(0, AccountCreate { name: text("bob") })).value, 2);
    let rejected = refusal(&world.run(0, AccountCreate { name: text("eve") }));
    assert_eq!((rejected.code, rejected.value), (RejectCode::TableFull, 2));
    assert_eq!(code(&world.run(ANN, a_key("k", 16))), RejectCode::AmountOutOfRange);
    world.run(ANN, a_key("k", 1));
    assert_eq!(code(&world.run(ANN, a_key("k", 1))), RejectCode::AlreadyExists);
    assert_eq!(code(&world.run(ANN, a_key("l", 1))), RejectCode::TableFull);
}

#[test]
fn an_instruments_rules_must_fit_each_other() {
    let mut world = World::usual();
    world.run(0, AssetCreate { name: text("AB"), scale: 2 });
    world.run(0, AssetCreate { name: text("CDE"), scale: 2 });
    world.run(0, AssetCreate { name: text("ABC"), scale: 2 });
    world.run(0, AssetCreate { name: text("DE"), scale: 2 });
    let good = InstrumentCreate {
        symbol: text("AB-CDE"),
        base: AssetId(3),
        quote: AssetId(4),
        tick_minor: 10,
        lot_minor: 10,
        ..an_instrument()
    };
    let mut field = |bad: InstrumentCreate| {
        let rejected = refusal(&world.run(0, bad));
        (rejected.code, rejected.field)
    };
    let invalid = |field| (RejectCode::InvalidInstrument, field);
    assert_eq!(
        field(InstrumentCreate { base: AssetId(9), ..good }),
        (RejectCode::UnknownAsset, Field::Base)
    );
    assert_eq!(field(InstrumentCreate { quote: AssetId(3), ..good }), invalid(Field::Quote));
    assert_eq!(
        field(InstrumentCreate { symbol: text("AB/CDE"), ..good }),
        (RejectCode::InvalidName, Field::Symbol)
    );
    assert_eq!(field(InstrumentCreate { tick_minor: 0, ..good }), invalid(Field::TickSize));
    assert_eq!(field(InstrumentCreate { lot_minor: 0, ..good }), invalid(Field::LotSize));
    assert_eq!(field(InstrumentCreate { lot_minor: 1, ..good }), invalid(Field::TickSize));
    assert_eq!(field(InstrumentCreate { min_qty: Qty::ZERO, ..good }), invalid(Field::MinQty));
    assert_eq!(field(InstrumentCreate { max_qty: Qty::ZERO, ..good }), invalid(Field::MaxQty));
    let negative = Amount::from_minor(-1);
    assert_eq!(
        field(InstrumentCreate { min_notional: negative, ..good }),
        invalid(Field::MinNotional)
    );
    let rate = FeeRate::from_ppm;
    assert_eq!(field(InstrumentCreate { maker_fee: rate(-1), ..good }), invalid(Field::MakerFee));
    assert_eq!(field(InstrumentCreate { taker_fee: rate(999), ..good }), invalid(Field::TakerFee));
    assert_eq!(names(&world.run(0, good)), ["InstrumentCreated"]);
    // Without the dash it reads the same as the one before.
    let clash =
        InstrumentCreate { symbol: text("ABC-DE"), base: AssetId(5), quote: AssetId(6), ..good };
    assert_eq!(code(&world.run(0, clash)), RejectCode::AlreadyExists);
}

#[test]
fn amounts_of_money_are_bounded() {
    let mut world = World::usual();
    let max = ASSET_TOTAL_MINOR_MAX;
    for minor in [i128::MIN, -1, 0, max - 2 * FUNDS_MINOR + 1, i128::MAX] {
        let deposit = Deposit { asset: BTC, amount: Amount::from_minor(minor) };
        let rejected = refusal(&world.run(ANN, deposit));
        assert_eq!((rejected.code, rejected.value), (RejectCode::AmountOutOfRange, minor));
        assert_eq!((rejected.unit, rejected.limit), (Unit::AssetMinor, max));
    }
    let withdraw = Withdraw { asset: BTC, amount: Amount::from_minor(max + 1) };
    assert_eq!(code(&world.run(ANN, withdraw)), RejectCode::AmountOutOfRange);
    let deposit = Deposit { asset: BTC, amount: Amount::from_minor(max - 2 * FUNDS_MINOR) };
    assert_eq!(names(&world.run(ANN, deposit)), ["Deposited", "BalanceChanged"]);
}

#[test]
fn fields_that_exclude_each_other_are_refused_in_order() {
    let mut world = World::usual();
    let ioc = market(Side::Buy, 5, TimeInForce::Ioc);
    let notional = Amount::from_minor(7);
    let cases = [
        (OrderPlace { price: Price::from_ticks(3), post_only: true, ..ioc }, Field::Price, 3),
        (
            OrderPlace { post_only: true, time_in_force: TimeInForce::Gtc, ..ioc },
            Field::PostOnly,
            1,
        ),
        (OrderPlace { time_in_force: TimeInForce::Gtc, notional, ..ioc }, Field::TimeInForce, 0),
        (OrderPlace { notional, ..ioc }, Field::Notional, 7),
        (
            OrderPlace { time_in_force: TimeInForce::Fok, ..spend(Side::Buy, 7) },
            Field::TimeInForce,
            2,
        ),
        (OrderPlace { notional, ..limit(Side::Buy, 5, 5) }, Field::Notional, 7),
        (
            OrderPlace {
                post_only: true,
                time_in_force: TimeInForce::Ioc,
                ..limit(Side::Buy, 5, 5)
            },
            Field::PostOnly,
            1,
        ),
    ];
    for (order, field, value) in cases {
        let rejected = refusal(&world.run(ANN, named("x", order)));
        assert_eq!(rejected.code, RejectCode::InvalidCombination);
        assert_eq!((rejected.field, rejected.value), (field, value));
        assert_eq!(rejected.client_order_id, text("x"));
    }
}

#[test]
fn sizes_and_prices_are_bounded() {
    let mut world = World::usual();
    let mut check = |order: OrderPlace, code, value: i128, limit: i128| {
        let rejected = refusal(&world.run(ANN, order));
        assert_eq!((rejected.code, rejected.value, rejected.limit), (code, value, limit));
    };
    check(limit(Side::Buy, 0, 5), RejectCode::QtyBelowMin, 0, 1);
    check(limit(Side::Buy, -5, 5), RejectCode::QtyBelowMin, -5, 1);
    check(limit(Side::Buy, 100_001, 5), RejectCode::QtyAboveMax, 100_001, 100_000);
    let max = PRICE_TICKS_MAX.into();
    check(limit(Side::Buy, 5, 0), RejectCode::PriceOutOfRange, 0, max);
    check(limit(Side::Buy, 5, -1), RejectCode::PriceOutOfRange, -1, max);
    check(limit(Side::Buy, 5, i64::MAX), RejectCode::PriceOutOfRange, i64::MAX.into(), max);
    check(spend(Side::Buy, -1), RejectCode::NotionalBelowMin, -1, 1);
    let above = NOTIONAL_MINOR_MAX + 1;
    check(spend(Side::Buy, above), RejectCode::NotionalAboveMax, above, NOTIONAL_MINOR_MAX);
    let unknown = OrderPlace { instrument: InstrumentId(9), ..limit(Side::Buy, 1, 1) };
    check(unknown, RejectCode::UnknownInstrument, 9, 0);
}

#[test]
fn a_notional_past_an_i128_is_refused_as_the_largest_there_is() {
    let mut world = World::usual();
    world.run(0, AssetCreate { name: text("BIG"), scale: 0 });
    world.run(
        0,
        InstrumentCreate {
            symbol: text("BIG-USD"),
            base: AssetId(3),
            lot_minor: 1 << 60,
            max_qty: Qty::from_lots(1 << 53),
            ..an_instrument()
        },
    );
    let instrument = InstrumentId(2);
    let order = OrderPlace { instrument, ..limit(Side::Buy, 1 << 53, PRICE_TICKS_MAX) };
    let rejected = refusal(&world.run(ANN, order));
    assert_eq!((rejected.code, rejected.value), (RejectCode::NotionalAboveMax, i128::MAX));
}

#[test]
fn a_post_only_order_that_would_trade_is_refused_placed_or_amended() {
    let mut world = World::usual();
    world.sell(ANN, 5, 50);
    let post_only = OrderPlace { post_only: true, ..limit(Side::Buy, 5, 50) };
    let rejected = refusal(&world.run(BOB, post_only));
    assert_eq!((rejected.code, rejected.limit), (RejectCode::PostOnlyWouldTrade, 50));
    world.run(BOB, OrderPlace { price: Price::from_ticks(49), ..post_only });
    assert_eq!(code(&world.run(BOB, amend(2, 0, 51))), RejectCode::PostOnlyWouldTrade);
    assert_eq!(names(&world.run(BOB, amend(2, 9, 0)))[0], "OrderAmended");
}

#[test]
fn an_order_beyond_the_balance_never_reaches_the_book() {
    let mut world = World::usual();
    let rejected = refusal(&world.buy(ANN, 1_000, 1_000));
    assert_eq!(rejected.code, RejectCode::InsufficientBalance);
    assert_eq!(
        (rejected.unit, rejected.value, rejected.limit),
        (Unit::QuoteMinor, 1_003_000, FUNDS_MINOR)
    );
    // Held, it is not to be spent.
    world.run(ANN, Withdraw { asset: BTC, amount: Amount::from_minor(FUNDS_MINOR) });
    let rejected = refusal(&world.sell(ANN, 1, 1));
    assert_eq!((rejected.unit, rejected.value, rejected.limit), (Unit::BaseMinor, 1, 0));
    assert_eq!(refusal(&world.run(ANN, spend(Side::Sell, 5))).value, 1);
    world.sell(BOB, 1, 1_000_000);
    let rejected = refusal(&world.run(ANN, market(Side::Buy, 1, TimeInForce::Ioc)));
    assert_eq!(rejected.value, 1_003_000);
}

#[test]
fn tables_of_orders_are_bounded() {
    let mut world = World::new(Genesis {
        live_orders_max: 3,
        open_orders_per_account_max: 2,
        ..default_genesis(1, 1)
    });
    world.buy(ANN, 1, 1);
    world.buy(ANN, 1, 1);
    let rejected = refusal(&world.buy(ANN, 1, 1));
    assert_eq!((rejected.code, rejected.value), (RejectCode::TooManyOpenOrders, 2));
    let ioc = OrderPlace { time_in_force: TimeInForce::Ioc, ..limit(Side::Sell, 1, 9) };
    assert_eq!(names(&world.run(ANN, ioc)), ["OrderAccepted", "OrderClosed"]);
    world.buy(BOB, 1, 1);
    let rejected = refusal(&world.run(BOB, ioc));
    assert_eq!((rejected.code, rejected.field), (RejectCode::TableFull, Field::Count));
}

#[test]
fn a_level_takes_no_more_lots_than_it_can_count() {
    let mut world = World::usual();
    let huge = Qty::from_lots(1 << 53);
    world.run(0, AssetCreate { name: text("BIG"), scale: 0 });
    world.run(
        0,
        InstrumentCreate {
            symbol: text("BIG-USD"),
            base: AssetId(3),
            max_qty: huge,
            ..an_instrument()
        },
    );
    world.run(ANN, Deposit { asset: AssetId(3), amount: Amount::from_minor(1 << 70) });
    let order = OrderPlace { instrument: InstrumentId(2), qty: huge, ..limit(Side::Sell, 0, 5) };
    for _ in 0..1_023 {
        world.run(ANN, order);
    }
    let rejected = refusal(&world.run(ANN, order));
    assert_eq!((rejected.code, rejected.unit), (RejectCode::QtyAboveMax, Unit::Lots));
    assert_eq!(rejected.limit, (1 << 53) - 1);
    // An order that grows at its own price counts once.
    world.run(ANN, amend(1, 1 << 52, 0));
    for _ in 0..2 {
        world.run(ANN, OrderPlace { qty: Qty::from_lots(1 << 52), ..order });
    }
    let rejected = refusal(&world.run(ANN, amend(1, 1 << 53, 0)));
    assert_eq!((rejected.value, rejected.limit), (1 << 53, (1 << 53) - 1));
}

#[test]
fn an_order_is_named_by_one_id_and_amended_in_something() {
    let mut world = World::usual();
    world.run(ANN, named("a", limit(Side::Buy, 5, 50)));
    let both = OrderCancel { client_order_id: text("a"), ..cancel(1) };
    assert_eq!(refusal(&world.run(ANN, both)).field, Field::ClientOrderId);
    let none = OrderCancel { order_id: OrderId(0), ..cancel(1) };
    assert_eq!(refusal(&world.run(ANN, none)).field, Field::OrderId);
    assert_eq!(refusal(&world.run(ANN, amend(9, 0, 0))).field, Field::Qty);
    assert_eq!(refusal(&world.run(ANN, amend(9, 1, 0))).code, RejectCode::OrderNotFound);
    let mut check = |change: OrderAmend, code, value: i128| {
        let rejected = refusal(&world.run(ANN, change));
        assert_eq!((rejected.code, rejected.value), (code, value));
    };
    check(amend(1, -1, 0), RejectCode::QtyBelowMin, -1);
    check(amend(1, 100_001, 0), RejectCode::QtyAboveMax, 100_001);
    check(amend(1, 0, -1), RejectCode::PriceOutOfRange, -1);
    // 5 at 300,000 need 1,504,500; 251 are held.
    check(amend(1, 0, 300_000), RejectCode::InsufficientBalance, 1_504_500 - 251);
}
