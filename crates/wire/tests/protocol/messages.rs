//! What a client reads, letter by letter.

use coulisse_types::command::OrderPlace;
use coulisse_types::event::{
    CloseReason, OrderAccepted, OrderClosed, OrderDuplicate, OrderFilled, OrderState, Rejected,
    RequestDuplicate, Role, Traded,
};
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, Event, Field, GroupId, InstrumentId, OrderId,
    OrderType, Price, Qty, RejectCode, RequestId, Seq, Side, TimeInForce, TradeId, Unit,
};
use coulisse_wire::native::feed::{self, Audience, DeltaHead, Level};
use coulisse_wire::native::reply::{self, Stamps, Units};
use coulisse_wire::native::{Channel, CommandOutcome, RequestError};

use crate::market::{BTC_USD, ETH_USD, table, text};

const STAMPS: Stamps = Stamps { seq: 9, in_us: 1, log_us: 2, out_us: 3 };

fn an_order() -> OrderPlace {
    OrderPlace {
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Ioc,
        post_only: false,
        qty: Qty::from_lots(1_500),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: text("a1"),
    }
}

fn accepted(order_id: u64, qty: i64) -> Event {
    OrderAccepted {
        order_id: OrderId(order_id),
        account: AccountId(1),
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Ioc,
        post_only: false,
        qty: Qty::from_lots(qty),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: text("a1"),
    }
    .into()
}

fn filled(order_id: u64, account: u32, role: Role, qty: i64) -> Event {
    OrderFilled {
        order_id: OrderId(order_id),
        account: AccountId(account),
        instrument: BTC_USD,
        trade_id: TradeId(4),
        side: Side::Buy,
        role,
        price: Price::from_ticks(6_000_000),
        qty: Qty::from_lots(qty),
        notional: Amount::from_minor(60_000_000_000),
        fee: Amount::from_minor(30_000_000),
        filled: Qty::from_lots(qty),
        remaining: Qty::from_lots(500),
        client_order_id: ClientOrderId::default(),
    }
    .into()
}

fn closed(order_id: u64, state: OrderState, reason: CloseReason, filled: i64) -> Event {
    OrderClosed {
        order_id: OrderId(order_id),
        account: AccountId(1),
        instrument: BTC_USD,
        state,
        reason,
        filled: Qty::from_lots(filled),
        remaining: Qty::ZERO,
        client_order_id: text("a1"),
    }
    .into()
}

fn reply_to(events: &[Event], instrument: InstrumentId) -> String {
    let table = table();
    let mut out = Vec::new();
    let outcome = CommandOutcome::from_events(&an_order().into(), events);
    reply::write_outcome(&mut out, b"\"q\"", &outcome, &STAMPS, &Units::of(&table, instrument));
    String::from_utf8(out).expect("text")
}

#[test]
fn a_taker_that_closes_is_told_its_own_end_and_not_its_makers() {
    let events = [
        accepted(50, 1_500),
        filled(20, 2, Role::Maker, 1_000),
        filled(50, 1, Role::Taker, 1_000),
        closed(20, OrderState::Filled, CloseReason::Filled, 7_777),
        closed(50, OrderState::Expired, CloseReason::ImmediateOrCancel, 1_000),
    ];
    assert_eq!(
        reply_to(&events, BTC_USD),
        r#"{"id":"q","ok":true,"result":{"order_id":"50","client_order_id":"a1","state":"expired","reason":"immediate_or_cancel","filled":"0.01000","seq":9,"t_in":1,"t_log":2,"t_out":3}}"#
    );
}

#[test]
fn a_repeated_order_is_answered_with_where_it_stands() {
    let duplicate = OrderDuplicate {
        order_id: OrderId(50),
        first_seq: Seq(5),
        state: OrderState::Filled,
        filled: Qty::from_lots(3),
        client_order_id: text("a1"),
    };
    assert_eq!(
        reply_to(&[duplicate.into()], ETH_USD),
        r#"{"id":"q","ok":true,"result":{"order_id":"50","client_order_id":"a1","state":"filled","filled":"0.003","duplicate":true,"first_seq":5,"seq":9,"t_in":1,"t_log":2,"t_out":3}}"#
    );
    let request = RequestDuplicate { request_id: RequestId(1), first_seq: Seq(5) };
    assert_eq!(
        reply_to(&[request.into()], InstrumentId(0)),
        r#"{"id":"q","ok":true,"result":{"duplicate":true,"first_seq":5,"seq":9,"t_in":1,"t_log":2,"t_out":3}}"#
    );
}

fn rejected(code: RejectCode, field: Field, unit: Unit, value: i128, limit: i128) -> String {
    rejected_order("", (code, field, unit, value, limit))
}

fn rejected_order(
    client_order_id: &str,
    (code, field, unit, value, limit): (RejectCode, Field, Unit, i128, i128),
) -> String {
    let client_order_id = text(client_order_id);
    let table = table();
    let mut out = Vec::new();
    let units = Units { asset: AssetId(2), ..Units::of(&table, BTC_USD) };
    let reject = Rejected { code, field, unit, value, limit, client_order_id };
    reply::write_rejected(&mut out, b"7", &reject, &units);
    let start = r#"{"id":7,"ok":false,"error":"#;
    let out = String::from_utf8(out).expect("text");
    let error = out.strip_prefix(start).and_then(|rest| rest.strip_suffix('}'));
    error.unwrap_or_else(|| panic!("{out}")).to_string()
}

#[test]
fn a_reject_gives_its_numbers_in_the_units_of_the_instrument() {
    assert_eq!(
        rejected(
            RejectCode::InsufficientBalance,
            Field::Available,
            Unit::QuoteMinor,
            6_003_000_000_000,
            1_000_000_000
        ),
        r#"{"code":"INSUFFICIENT_BALANCE","message":"INSUFFICIENT_BALANCE: available 10.00 USD is less than 60030.00 USD needed","field":"available","value":"60030.00000000","limit":"10.00000000","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::QtyBelowMin, Field::Qty, Unit::Lots, -5, 1),
        r#"{"code":"QTY_BELOW_MIN","message":"QTY_BELOW_MIN: qty -0.00005: the quantity is below the instrument's smallest; limit 0.00001","field":"qty","value":"-0.00005","limit":"0.00001","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::PriceOutOfRange, Field::Price, Unit::Ticks, 0, 1 << 53),
        r#"{"code":"PRICE_OUT_OF_RANGE","message":"PRICE_OUT_OF_RANGE: price 0.00: the price is not between one tick and the limit; limit 90071992547409.92","field":"price","value":"0.00","limit":"90071992547409.92","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::AmountOutOfRange, Field::Amount, Unit::AssetMinor, 0, 100_000_000),
        r#"{"code":"AMOUNT_OUT_OF_RANGE","message":"AMOUNT_OUT_OF_RANGE: qty 0.00 USD: the amount is not between one minor unit and the limit; limit 1.00 USD","field":"qty","value":"0.00000000","limit":"1.00000000","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::OrderNotFound, Field::OrderId, Unit::Number, 77, 0),
        r#"{"code":"ORDER_NOT_FOUND","message":"ORDER_NOT_FOUND: order_id 77: the account has no such open order","field":"order_id","value":"77","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::GenesisMissing, Field::None, Unit::None, 0, 0),
        r#"{"code":"GENESIS_MISSING","message":"GENESIS_MISSING: the log has not begun","state":"rejected"}"#
    );
}

#[test]
fn a_reject_gives_what_the_client_sent_in_the_clients_own_words() {
    assert_eq!(
        rejected_order(
            "a1",
            (RejectCode::ClientOrderIdConflict, Field::ClientOrderId, Unit::Number, 2_543, 0)
        ),
        r#"{"code":"CLIENT_ORDER_ID_CONFLICT","message":"CLIENT_ORDER_ID_CONFLICT: client_order_id a1: the client order id was used for another order","field":"client_order_id","value":"a1","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::InvalidCombination, Field::TimeInForce, Unit::Number, 2, 0),
        r#"{"code":"INVALID_COMBINATION","message":"INVALID_COMBINATION: tif fok: fields that exclude each other are both set","field":"tif","value":"fok","state":"rejected"}"#
    );
    assert_eq!(
        rejected(RejectCode::InvalidCombination, Field::PostOnly, Unit::Number, 1, 0),
        r#"{"code":"INVALID_COMBINATION","message":"INVALID_COMBINATION: post_only true: fields that exclude each other are both set","field":"post_only","value":"true","state":"rejected"}"#
    );
    assert_eq!(
        rejected_order("a1", (RejectCode::TableFull, Field::ClientOrderId, Unit::Number, 4, 4)),
        r#"{"code":"TABLE_FULL","message":"TABLE_FULL: client_order_id 4: there are as many of these as the limit; limit 4","field":"client_order_id","value":"4","limit":"4","state":"rejected"}"#
    );
}

#[test]
fn a_time_in_a_reject_is_microseconds_for_programs_and_seconds_for_people() {
    let late = (1_795_000_000_500_000_000, 315_360_000_000_000_000);
    assert_eq!(
        rejected(RejectCode::TimeOutOfRange, Field::ExpireTime, Unit::Ns, late.0, late.1),
        r#"{"code":"TIME_OUT_OF_RANGE","message":"TIME_OUT_OF_RANGE: expire_time 1795000000.500000000 s: the time is past, or further ahead than the limit; limit 315360000 s","field":"expire_time","value":"1795000000500000","limit":"315360000000000","state":"rejected"}"#
    );
}

#[test]
fn every_code_with_every_field_and_unit_makes_json() {
    for code in RejectCode::ALL {
        for field in Field::ALL {
            for unit in Unit::ALL {
                let error = rejected(*code, *field, *unit, i128::MIN, i128::MAX);
                let error: serde_json::Value = serde_json::from_str(&error).expect("JSON");
                assert_eq!(error["code"], code.name());
            }
        }
        let mut out = Vec::new();
        RequestError::new(b"", *code).about(b"x", b"\"\\\n\xff").with_limit(b"5").write(&mut out);
        let reply: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(reply["id"], serde_json::Value::Null);
        assert_eq!(reply["error"]["value"], "\"\\\n\u{fffd}");
    }
}

fn level(ticks: i64, lots: i64) -> Level {
    (Price::from_ticks(ticks), Qty::from_lots(lots))
}

/// CRC-32 (IEEE 802.3) a bit at a time, as its definition says.
fn slow_crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[test]
fn the_checksum_of_a_book_covers_the_top_ten_of_each_side_as_written() {
    let table = table();
    let info = table.instrument(ETH_USD).expect("listed");
    let bids: Vec<Level> = (0..12).map(|i| level(1_000 - i, 10 + i)).collect();
    let asks: Vec<Level> = (0..3).map(|i| level(1_001 + i, 20 + i)).collect();
    let written = "50.00:0.010,49.95:0.011,49.90:0.012,49.85:0.013,49.80:0.014,49.75:0.015,\
        49.70:0.016,49.65:0.017,49.60:0.018,49.55:0.019,50.05:0.020,50.10:0.021,50.15:0.022";
    assert_eq!(feed::book_crc(info, &bids, &asks), slow_crc(written.as_bytes()));
    assert_eq!(feed::book_crc(info, &bids[..1], &[]), slow_crc(b"50.00:0.010"));
    assert_eq!(feed::book_crc(info, &[], &[]), 0);
}

#[test]
fn a_book_is_an_image_then_deltas_and_zero_removes_a_level() {
    let table = table();
    let info = table.instrument(BTC_USD).expect("listed");
    let mut image = Vec::new();
    feed::write_book_image(&mut image, info, 1, 8, &[level(6_000_000, 150_000)], &[]);
    assert_eq!(
        String::from_utf8_lossy(&image),
        format!(
            r#"{{"ch":"book","symbol":"BTC-USD","type":"image","epoch":1,"seq":8,"bids":[["60000.00","1.50000"]],"asks":[],"crc":{}}}"#,
            slow_crc(b"60000.00:1.50000")
        )
    );
    let mut delta = Vec::new();
    feed::write_book_delta(&mut delta, info, (8, 9), &[level(6_000_000, 0)], &[level(1, 1)], 5);
    assert_eq!(
        String::from_utf8_lossy(&delta),
        r#"{"ch":"book","symbol":"BTC-USD","type":"delta","prev":8,"seq":9,"bids":[["60000.00","0"]],"asks":[["0.01","0.00001"]],"crc":5}"#
    );
}

#[test]
fn a_private_delta_holds_all_that_concerns_the_account_and_nothing_else() {
    let table = table();
    let events = [
        accepted(50, 1_500),
        Traded {
            instrument: BTC_USD,
            trade_id: TradeId(4),
            price: Price::from_ticks(6_000_000),
            qty: Qty::from_lots(1_000),
            taker_side: Side::Buy,
            maker_order_id: OrderId(20),
            taker_order_id: OrderId(50),
        }
        .into(),
        filled(20, 2, Role::Maker, 1_000),
        filled(50, 1, Role::Taker, 1_000),
    ];
    let head = DeltaHead {
        account: AccountId(2),
        account_name: "bob",
        group: GroupId(0),
        prev: 3,
        seq: 9,
        time_us: 5,
    };
    let mut out = Vec::new();
    assert!(feed::write_private_delta(&mut out, Channel::Fills, &head, &events, &table));
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"ch":"fills","account":"bob","type":"delta","prev":3,"seq":9,"time":5,"items":[{"order_id":"20","symbol":"BTC-USD","trade_id":"4","side":"buy","role":"maker","price":"60000.00","qty":"0.01000","notional":"600.00000000","fee":"0.30000000","fee_asset":"USD","filled":"0.01000","remaining":"0.00500"}]}"#
    );
    out.clear();
    assert!(!feed::write_private_delta(&mut out, Channel::Balances, &head, &events, &table));
    assert_eq!(out, b"");
    let concerned: Vec<Audience> =
        events.iter().filter_map(|e| feed::private_channels(e).map(|(who, _)| who)).collect();
    assert_eq!(concerned, [1, 2, 1].map(|id| Audience::Account(AccountId(id))));
}

#[test]
fn a_logon_is_signed_over_host_key_and_nonce() {
    let mut out = Vec::new();
    reply::write_logon_text(&mut out, b"localhost:8080", b"alice-1", b"\x01\xff");
    assert_eq!(out, b"coulisse-logon-v1|localhost:8080|alice-1|01ff");
}
