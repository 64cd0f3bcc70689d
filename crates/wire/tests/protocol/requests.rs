//! What is accepted becomes exactly what it says.

use coulisse_types::command::{OrderAmend, OrderCancel, OrderCancelAll, OrderPlace};
use coulisse_types::{
    Amount, AssetId, ClientOrderId, Command, InstrumentId, OrderId, OrderType, Price, Qty,
    RejectCode, RequestId, Side, SideFilter, TimeInForce,
};
use coulisse_wire::native::feed::CandleInterval;
use coulisse_wire::native::{Body, Channel, Op, parse_request};

use crate::market::{BTC_USD, ETH_USD, table, text};

fn command(request: &str) -> Command {
    let table = table();
    match parse_request(request.as_bytes(), &table).map(|r| r.body) {
        Ok(Body::Command { command, .. }) => command,
        other => panic!("{other:?}"),
    }
}

fn limit_order() -> OrderPlace {
    OrderPlace {
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: ClientOrderId::default(),
    }
}

#[test]
fn an_order_becomes_the_command_that_it_says() {
    let all = r#"{"id":7,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","type":"limit",
        "tif":"gtc","qty":"0.01","price":"60000.00","post_only":true,"client_order_id":"a1"}}"#;
    let expected = OrderPlace { post_only: true, client_order_id: text("a1"), ..limit_order() };
    assert_eq!(command(all), expected.into());
}

#[test]
fn what_an_order_leaves_out_has_its_default() {
    let limit = r#"{"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000"}}"#;
    assert_eq!(command(limit), limit_order().into());
    let market = r#"{"op":"order.place","params":{"symbol":"ETH-USD","side":"sell","type":"market","notional":"100.5"}}"#;
    let expected = OrderPlace {
        instrument: ETH_USD,
        side: Side::Sell,
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Ioc,
        qty: Qty::ZERO,
        price: Price::default(),
        notional: Amount::from_minor(10_050_000_000),
        ..limit_order()
    };
    assert_eq!(command(market), expected.into());
}

#[test]
fn neither_the_order_of_keys_nor_escapes_nor_space_matter() {
    let odd = " {\n\"params\" : {\"price\":\"6\\u0030000.00\" , \"qty\":\"0.01\",\t\"s\\u0069de\":\"buy\",\"symbol\":\"BTC\\u002dUSD\"} ,\r\n \"op\":\"order.pl\\u0061ce\", \"id\" : \"x\" } ";
    assert_eq!(command(odd), limit_order().into());
}

#[test]
fn cancels_name_an_order_by_either_id() {
    let by_id = r#"{"op":"order.cancel","params":{"order_id":"88123"}}"#;
    let none = ClientOrderId::default();
    let expected = OrderCancel { order_id: OrderId(88_123), client_order_id: none };
    assert_eq!(command(by_id), expected.into());
    let by_client = r#"{"op":"order.cancel","params":{"client_order_id":"a1"}}"#;
    let expected = OrderCancel { order_id: OrderId(0), client_order_id: text("a1") };
    assert_eq!(command(by_client), expected.into());
}

#[test]
fn a_mass_cancel_says_instrument_side_and_whether_it_is_for_this_session() {
    let table = table();
    for (params, instrument, side, this_session) in [
        ("{}", InstrumentId(0), SideFilter::Both, false),
        (r#"{"symbol":"ETH-USD"}"#, ETH_USD, SideFilter::Both, false),
        (r#"{"side":"sell","session":true}"#, InstrumentId(0), SideFilter::Sell, true),
        (r#"{"session":false}"#, InstrumentId(0), SideFilter::Both, false),
    ] {
        let request = format!(r#"{{"op":"order.cancel_all","params":{params}}}"#);
        let body = parse_request(request.as_bytes(), &table).map(|r| r.body);
        let all = OrderCancelAll { instrument, side, session: 0 };
        assert_eq!(body, Ok(Body::CancelAll { all, this_session }), "{params}");
    }
}

#[test]
fn an_amend_means_what_its_orders_instrument_makes_of_it() {
    let table = table();
    let request =
        br#"{"id":7,"op":"order.amend","params":{"order_id":"5","qty":"0.02","price":"60000.05"}}"#;
    let Ok(Body::Amend(amend)) = parse_request(request, &table).map(|r| r.body) else {
        panic!("no amend");
    };
    let resolved = |id| amend.resolve(table.instrument(id));
    let amended = |lots, ticks| OrderAmend {
        order_id: OrderId(5),
        client_order_id: ClientOrderId::default(),
        qty: Qty::from_lots(lots),
        price: Price::from_ticks(ticks),
    };
    assert_eq!(resolved(BTC_USD), Ok(amended(2_000, 6_000_005).into()));
    assert_eq!(resolved(ETH_USD), Ok(amended(20, 1_200_001).into()));
    assert_eq!(amend.resolve(None), Ok(amended(1, 1).into()));
}

#[test]
fn an_amend_to_no_price_or_between_steps_is_refused_with_its_id() {
    let table = table();
    for (params, code, field) in [
        (r#""price":"0.00""#, RejectCode::PriceOutOfRange, "price"),
        (r#""qty":"0","price":"0""#, RejectCode::PriceOutOfRange, "price"),
        (r#""price":"1.001""#, RejectCode::OffTick, "price"),
        (r#""qty":"0.000001""#, RejectCode::OffLot, "qty"),
    ] {
        let request =
            format!(r#"{{"id":7,"op":"order.amend","params":{{"order_id":"5",{params}}}}}"#);
        let Ok(Body::Amend(amend)) = parse_request(request.as_bytes(), &table).map(|r| r.body)
        else {
            panic!("{request}");
        };
        let error = amend.resolve(table.instrument(BTC_USD)).expect_err("refused");
        assert_eq!((error.code, error.field, error.id_raw), (code, field.as_bytes(), &b"7"[..]));
    }
}

#[test]
fn an_amend_to_a_total_of_zero_cancels() {
    let table = table();
    for params in [r#""qty":"0""#, r#""qty":"0.000","price":"60000""#] {
        let request =
            format!(r#"{{"id":7,"op":"order.amend","params":{{"order_id":"5",{params}}}}}"#);
        let Ok(Body::Amend(amend)) = parse_request(request.as_bytes(), &table).map(|r| r.body)
        else {
            panic!("{request}");
        };
        let cancel =
            OrderCancel { order_id: OrderId(5), client_order_id: ClientOrderId::default() };
        assert_eq!(amend.resolve(table.instrument(BTC_USD)), Ok(cancel.into()));
    }
}

#[test]
fn the_id_comes_back_as_it_came() {
    let table = table();
    for id in ["0", "9007199254740991", r#""a-1""#, r#""\u00e9\"é""#, "null", r#""""#] {
        let request = format!(r#"{{"id":{id},"op":"ping"}}"#);
        let parsed = parse_request(request.as_bytes(), &table).expect("ping");
        assert_eq!(parsed.id_raw, id.as_bytes());
    }
    assert_eq!(parse_request(br#"{"op":"ping"}"#, &table).expect("ping").id_raw, b"");
}

#[test]
fn account_and_deadline_are_read() {
    let table = table();
    let request = br#"{"op":"time","account":"desk-2","deadline":1795392000000000}"#;
    let parsed = parse_request(request, &table).expect("time");
    assert_eq!(parsed.op, Op::Time);
    assert_eq!(parsed.account, Some(text("desk-2")));
    assert_eq!(parsed.deadline_us, Some(1_795_392_000_000_000));
}

#[test]
fn subscriptions_name_channel_instruments_depth_and_seq() {
    let table = table();
    let request = br#"{"op":"subscribe","params":{"channel":"book","symbols":["ETH-USD","BTC-USD"],"depth":10,"interval":"raw","from_seq":88000}}"#;
    let Ok(Body::Subscribe(book)) = parse_request(request, &table).map(|r| r.body) else {
        panic!("no subscription");
    };
    assert_eq!(book.channel, Channel::Book);
    assert_eq!(book.instruments, [ETH_USD, BTC_USD]);
    assert_eq!((book.depth, book.is_raw, book.from_seq), (10, true, Some(88_000)));
    let request = br#"{"op":"unsubscribe","params":{"channel":"fills"}}"#;
    let Ok(Body::Unsubscribe(fills)) = parse_request(request, &table).map(|r| r.body) else {
        panic!("no subscription");
    };
    assert_eq!((fills.channel, fills.instruments.len()), (Channel::Fills, 0));
    let request =
        br#"{"op":"subscribe","params":{"channel":"candles","symbols":["BTC-USD"],"interval":"4h"}}"#;
    let Ok(Body::Subscribe(candles)) = parse_request(request, &table).map(|r| r.body) else {
        panic!("no subscription");
    };
    assert_eq!((candles.channel, candles.interval), (Channel::Candles, CandleInterval::FourHours));
    let request = br#"{"op":"subscribe","params":{"channel":"instruments"}}"#;
    let Ok(Body::Subscribe(all)) = parse_request(request, &table).map(|r| r.body) else {
        panic!("no subscription");
    };
    assert_eq!((all.channel, all.instruments.len()), (Channel::Instruments, 0));
}

#[test]
fn a_deposit_names_asset_amount_and_request() {
    let table = table();
    let request =
        br#"{"op":"account.deposit","params":{"asset":"USD","qty":"1000.5","request_id":"7F3a"}}"#;
    let Ok(Body::Deposit { deposit, request_id }) = parse_request(request, &table).map(|r| r.body)
    else {
        panic!("no deposit");
    };
    assert_eq!((deposit.asset, deposit.amount), (AssetId(2), Amount::from_minor(100_050_000_000)));
    assert_eq!(request_id, RequestId(0x7f3a));
}
