//! Batches are read order by order, lists with their bounds; what is wrong with either is said.

use coulisse_types::RejectCode::{self, *};
use coulisse_types::{Command, Side};
use coulisse_wire::limits::BATCH_ORDERS_MAX;
use coulisse_wire::native::spec::Op;
use coulisse_wire::native::{Body, Read, cursors, parse_request};

use crate::market::table;

const GOOD: &str = r#"{"symbol":"BTC-USD","side":"sell","qty":"0.01","price":"60000.00"}"#;

fn batch(orders: &str) -> String {
    format!(r#"{{"id":7,"op":"order.place_batch","params":{{"orders":{orders}}}}}"#)
}

/// The code and the field of a request that is refused as a whole.
fn refusal(request: &str) -> (RejectCode, String) {
    let table = table();
    let error = parse_request(request.as_bytes(), &table).expect_err(request);
    (error.code, String::from_utf8_lossy(error.field).into_owned())
}

#[test]
fn each_order_of_a_batch_is_read_or_refused_by_itself() {
    let table = table();
    let off_tick = GOOD.replace("60000.00", "60000.001");
    let stop =
        r#"{"symbol":"BTC-USD","side":"sell","type":"stop","qty":"0.01","trigger_price":"1"}"#;
    let unknown = r#"{"symbol":"BTC-USD","side":"sell","qty":"0.01","price":"1","order_id":"1"}"#;
    let request = batch(&format!("[{GOOD},{off_tick},7,{{}}, {stop} ,{unknown},null,[]]"));
    let Ok(Body::Batch(orders)) = parse_request(request.as_bytes(), &table).map(|r| r.body) else {
        panic!("a batch");
    };
    let said = orders.iter().map(|order| match order {
        Ok((Command::OrderPlace(place), _)) => {
            assert_eq!(place.side, Side::Sell);
            "placed".to_owned()
        }
        Ok(_) => "placed with terms".to_owned(),
        Err(error) => format!("{} {}", error.code.name(), String::from_utf8_lossy(error.field)),
    });
    let expected = [
        "placed",
        "OFF_TICK price",
        "WRONG_TYPE orders",
        "MISSING_FIELD symbol",
        "placed with terms",
        "UNKNOWN_FIELD order_id",
        "WRONG_TYPE orders",
        "WRONG_TYPE orders",
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn a_batch_is_read_up_to_its_limit_and_refused_one_past_it() {
    let table = table();
    let of = |count| batch(&format!("[{}]", vec![GOOD; count].join(",")));
    let request = of(BATCH_ORDERS_MAX);
    let body = parse_request(request.as_bytes(), &table).map(|request| request.body);
    assert!(matches!(body, Ok(Body::Batch(orders)) if orders.len() == BATCH_ORDERS_MAX));
    assert_eq!(refusal(&of(BATCH_ORDERS_MAX + 1)), (TooLarge, "orders".to_owned()));
}

#[test]
fn a_batch_that_is_no_list_or_no_json_is_refused_as_a_whole() {
    for (orders, code, field) in [
        ("[]", InvalidValue, "orders"),
        ("{}", WrongType, "orders"),
        ("null", WrongType, "orders"),
        (r#"[{"symbol":"BTC-USD","symbol":"BTC-USD"}]"#, DuplicateField, "symbol"),
        (r#"[{"symbol":"BTC-USD",}]"#, BadJson, ""),
        ("[1,]", BadJson, ""),
        ("[[[[[[[[[[1]]]]]]]]]]", TooDeep, ""),
    ] {
        let (found, named) = refusal(&batch(orders));
        assert_eq!(found, code, "{orders}");
        if code != BadJson && code != TooDeep {
            assert_eq!(named, field, "{orders}");
        }
    }
    assert_eq!(refusal(r#"{"op":"order.place_batch"}"#), (MissingField, "orders".to_owned()));
}

#[test]
fn a_list_is_asked_for_by_limit_cursor_and_seq_and_each_is_checked() {
    let table = table();
    let mut cursor = Vec::new();
    cursors::write(&mut cursor, Op::OrdersOpen, 88_123);
    let cursor = String::from_utf8(cursor).expect("digits");
    let ask = |params: &str| format!(r#"{{"id":7,"op":"orders.open","params":{{{params}}}}}"#);
    let full = ask(&format!(
        r#""symbol":"BTC-USD","limit":500,"cursor":"{cursor}","min_seq":9007199254740991"#
    ));
    let body = parse_request(full.as_bytes(), &table).map(|request| request.body);
    let Ok(Body::Read(Read { instrument, after, limit, min_seq, .. })) = body else {
        panic!("{body:?}");
    };
    assert!(instrument.is_some());
    assert_eq!((after, limit, min_seq), (Some(88_123), 500, 9_007_199_254_740_991));
    let spoilt = cursor.replace(cursor.split_at(1).0, "f");
    for (params, code, field) in [
        (r#""limit":0"#.to_owned(), NumberOutOfRange, "limit"),
        (r#""limit":501"#.to_owned(), NumberOutOfRange, "limit"),
        (r#""limit":"5""#.to_owned(), WrongType, "limit"),
        (r#""min_seq":9007199254740992"#.to_owned(), NumberOutOfRange, "min_seq"),
        (r#""min_seq":-1"#.to_owned(), NumberOutOfRange, "min_seq"),
        (r#""cursor":"""#.to_owned(), InvalidValue, "cursor"),
        (r#""cursor":88123"#.to_owned(), WrongType, "cursor"),
        (format!(r#""cursor":"{cursor}0""#), InvalidValue, "cursor"),
        (format!(r#""cursor":"{spoilt}""#), InvalidValue, "cursor"),
        (r#""after":1"#.to_owned(), UnknownField, "after"),
    ] {
        assert_eq!(refusal(&ask(&params)), (code, field.to_owned()), "{params}");
    }
    let other = full.replace("orders.open", "fills.get");
    assert_eq!(refusal(&other), (InvalidValue, "cursor".to_owned()));
}
