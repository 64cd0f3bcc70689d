//! Every kind of bad input is answered with its code, the field and the value.

use coulisse_types::RejectCode::{self, *};
use coulisse_wire::native::parse_request;
use serde_json::Value;

use crate::market::table;

struct Case {
    request: String,
    code: RejectCode,
    field: &'static str,
    value: &'static str,
}

fn case(
    request: impl Into<String>,
    code: RejectCode,
    field: &'static str,
    value: &'static str,
) -> Case {
    Case { request: request.into(), code, field, value }
}

/// An order with these parameters instead of the usual ones.
fn place(changed: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("symbol", r#""BTC-USD""#),
        ("side", r#""buy""#),
        ("qty", r#""0.01""#),
        ("price", r#""60000.00""#),
    ];
    for (key, value) in changed {
        params.retain(|(known, _)| known != key);
        if !value.is_empty() {
            params.push((key, value));
        }
    }
    let params: Vec<String> = params.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!(r#"{{"id":7,"op":"order.place","params":{{{}}}}}"#, params.join(","))
}

/// Refuses each, and finds code, field, value and id in the reply that a client would see.
fn assert_refused(cases: &[Case]) {
    let table = table();
    for Case { request, code, field, value } in cases {
        let Err(error) = parse_request(request.as_bytes(), &table) else {
            panic!("accepted: {request}");
        };
        let mut reply = Vec::new();
        error.write(&mut reply);
        let reply: Value = serde_json::from_slice(&reply)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&reply)));
        let error = &reply["error"];
        assert_eq!(error["code"], code.name(), "{request}\n{reply}");
        assert_eq!(error["field"].as_str().unwrap_or_default(), *field, "{request}\n{reply}");
        assert_eq!(error["value"].as_str().unwrap_or_default(), *value, "{request}\n{reply}");
        assert_eq!(error["state"], "not_sent", "{request}");
        assert_eq!(reply["ok"], false, "{request}");
        assert!(error["message"].as_str().is_some_and(|m| m.starts_with(code.name())), "{reply}");
        if request.contains(r#""id":7"#) {
            assert_eq!(reply["id"], 7, "{request}");
        }
    }
}

#[test]
fn an_order_that_means_nothing_is_refused_with_code_field_and_value() {
    assert_refused(&[
        case(place(&[("symbol", r#""XXX-USD""#)]), UnknownSymbol, "symbol", "XXX-USD"),
        case(place(&[("symbol", r#""BTC/USD""#)]), UnknownSymbol, "symbol", "BTC/USD"),
        case(place(&[("side", r#""long""#)]), InvalidValue, "side", "long"),
        case(place(&[("side", r#""BUY""#)]), InvalidValue, "side", "BUY"),
        case(place(&[("type", r#""iceberg""#)]), InvalidValue, "type", "iceberg"),
        case(place(&[("tif", r#""week""#)]), InvalidValue, "tif", "week"),
        case(place(&[("price", r#""60000.001""#)]), OffTick, "price", "60000.001"),
        case(place(&[("qty", r#""0.000015""#)]), OffLot, "qty", "0.000015"),
        case(
            place(&[
                ("type", r#""market""#),
                ("price", ""),
                ("qty", ""),
                ("notional", r#""1.000000001""#),
            ]),
            OffMinorUnit,
            "notional",
            "1.000000001",
        ),
        case(place(&[("qty", r#""1e400""#)]), InvalidValue, "qty", "1e400"),
        case(place(&[("qty", r#""NaN""#)]), InvalidValue, "qty", "NaN"),
        case(place(&[("qty", r#""""#)]), InvalidValue, "qty", ""),
        case(place(&[("qty", r#"" 1""#)]), InvalidValue, "qty", " 1"),
        case(place(&[("qty", r#""+1""#)]), InvalidValue, "qty", "+1"),
        case(place(&[("qty", r#""01""#)]), InvalidValue, "qty", "01"),
        case(
            place(&[("qty", r#""18446744073709551616""#)]),
            NumberOutOfRange,
            "qty",
            "18446744073709551616",
        ),
        case(
            place(&[("price", r#""18446744073709551616""#)]),
            NumberOutOfRange,
            "price",
            "18446744073709551616",
        ),
        case(place(&[("client_order_id", r#""""#)]), InvalidValue, "client_order_id", ""),
        case(place(&[("client_order_id", r#""a b""#)]), InvalidValue, "client_order_id", "a b"),
        case(
            place(&[("client_order_id", r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#)]),
            InvalidValue,
            "client_order_id",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        case(place(&[("price", "")]), MissingField, "price", ""),
        case(place(&[("qty", "")]), MissingField, "qty", ""),
        case(place(&[("side", "")]), MissingField, "side", ""),
        case(place(&[("symbol", "")]), MissingField, "symbol", ""),
        case(
            place(&[("type", r#""market""#), ("qty", ""), ("price", "")]),
            MissingField,
            "qty",
            "",
        ),
    ]);
}

#[test]
fn a_deposit_that_means_nothing_is_refused() {
    let deposit = |asset: &str, qty: &str, request_id: &str| {
        format!(
            r#"{{"id":7,"op":"account.deposit","params":{{"asset":"{asset}","qty":"{qty}","request_id":"{request_id}"}}}}"#
        )
    };
    assert_refused(&[
        case(deposit("XXX", "1", "1"), UnknownAsset, "asset", "XXX"),
        case(deposit("USD", "0.000000001", "1"), OffMinorUnit, "qty", "0.000000001"),
        case(deposit("USD", "1e400", "1"), InvalidValue, "qty", "1e400"),
        case(deposit("USD", "1", "0"), InvalidValue, "request_id", "0"),
        case(deposit("USD", "1", "xyz"), InvalidValue, "request_id", "xyz"),
    ]);
}

#[test]
fn a_value_of_another_json_type_is_refused_with_what_stood_there() {
    assert_refused(&[
        case(place(&[("qty", "0.01")]), WrongType, "qty", "0.01"),
        case(place(&[("qty", "1e400")]), WrongType, "qty", "1e400"),
        case(place(&[("qty", "18446744073709551616")]), WrongType, "qty", "18446744073709551616"),
        case(place(&[("price", "null")]), WrongType, "price", "null"),
        case(place(&[("price", r#"{"a":1}"#)]), WrongType, "price", r#"{"a":1}"#),
        case(place(&[("side", "[\"buy\"]")]), WrongType, "side", "[\"buy\"]"),
        case(place(&[("post_only", r#""true""#)]), WrongType, "post_only", "true"),
        case(place(&[("post_only", "1")]), WrongType, "post_only", "1"),
        case(r#"{"id":7,"op":"ping","params":[]}"#, WrongType, "params", "[]"),
        case(r#"{"id":7,"op":"ping","params":null}"#, WrongType, "params", "null"),
        case(r#"{"id":7,"op":5}"#, WrongType, "op", "5"),
        case(r#"{"id":7,"op":"ping","account":5}"#, WrongType, "account", "5"),
        case(r#"{"id":7,"op":"ping","deadline":"5"}"#, WrongType, "deadline", "5"),
        case(r#"{"id":7,"op":"ping","deadline":1e400}"#, WrongType, "deadline", "1e400"),
        case(r#"{"id":1.5,"op":"ping"}"#, WrongType, "id", "1.5"),
        case(r#"{"id":true,"op":"ping"}"#, WrongType, "id", "true"),
        case(r#"{"id":{},"op":"ping"}"#, WrongType, "id", "{}"),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"book","symbols":"BTC-USD"}}"#,
            WrongType,
            "symbols",
            "BTC-USD",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"book","symbols":[5]}}"#,
            WrongType,
            "symbols",
            "5",
        ),
    ]);
}

fn subscribe(rest: &str) -> String {
    format!(
        r#"{{"id":7,"op":"subscribe","params":{{"channel":"book","symbols":["BTC-USD"],{rest}}}}}"#
    )
}

#[test]
fn integers_outside_their_range_are_refused() {
    assert_refused(&[
        case(
            r#"{"id":18446744073709551616,"op":"ping"}"#,
            NumberOutOfRange,
            "id",
            "18446744073709551616",
        ),
        case(r#"{"id":9007199254740992,"op":"ping"}"#, NumberOutOfRange, "id", "9007199254740992"),
        case(r#"{"id":-1,"op":"ping"}"#, NumberOutOfRange, "id", "-1"),
        case(
            r#"{"id":7,"op":"ping","deadline":18446744073709551616}"#,
            NumberOutOfRange,
            "deadline",
            "18446744073709551616",
        ),
        case(subscribe(r#""depth":-1"#), NumberOutOfRange, "depth", "-1"),
        case(
            subscribe(r#""depth":9007199254740992"#),
            NumberOutOfRange,
            "depth",
            "9007199254740992",
        ),
        case(subscribe(r#""from_seq":-1"#), NumberOutOfRange, "from_seq", "-1"),
        case(
            r#"{"id":7,"op":"order.cancel","params":{"order_id":"18446744073709551616"}}"#,
            NumberOutOfRange,
            "order_id",
            "18446744073709551616",
        ),
        case(
            format!(r#"{{"id":"{}","op":"ping"}}"#, "x".repeat(65)),
            InvalidValue,
            "id",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
        ),
    ]);
}

#[test]
fn what_is_unknown_missing_or_stands_twice_is_named() {
    assert_refused(&[
        case(r#"{"id":7,"op":"order.fly"}"#, UnknownOp, "op", "order.fly"),
        case(r#"{"id":7}"#, MissingField, "op", ""),
        case(r"{}", MissingField, "op", ""),
        case(r#"{"id":7,"op":"ping","colour":"red"}"#, UnknownField, "colour", "red"),
        case(place(&[("colour", r#""red""#)]), UnknownField, "colour", "red"),
        case(place(&[("pr\\u0069ces", "5")]), UnknownField, "pr\\u0069ces", "5"),
        case(r#"{"id":7,"id":7,"op":"ping"}"#, DuplicateField, "id", "7"),
        case(r#"{"id":7,"op":"ping","op":"time"}"#, DuplicateField, "op", "time"),
        case(r#"{"id":7,"op":"ping","params":{},"params":{}}"#, DuplicateField, "params", "{}"),
        case(
            r#"{"id":7,"op":"order.cancel","params":{"order_id":"1","order_id":"2"}}"#,
            DuplicateField,
            "order_id",
            "2",
        ),
        case(
            r#"{"id":7,"op":"order.cancel","params":{"order_id":"1","\u006frder_id":"2"}}"#,
            DuplicateField,
            "\\u006frder_id",
            "2",
        ),
        case(r#"{"id":7,"op":"ping","x":{"a":[{"b":1,"b":2}]}}"#, DuplicateField, "b", "2"),
    ]);
}

#[test]
fn cancels_and_logons_that_name_nothing_are_refused() {
    assert_refused(&[
        case(r#"{"id":7,"op":"order.cancel"}"#, MissingField, "order_id", ""),
        case(r#"{"id":7,"op":"order.amend","params":{"order_id":"1"}}"#, MissingField, "qty", ""),
        case(
            place(&[("type", r#""market""#), ("price", ""), ("qty", ""), ("notional", r#""0.0""#)]),
            NotionalBelowMin,
            "notional",
            "0.0",
        ),
        case(
            r#"{"id":7,"op":"order.cancel","params":{"order_id":"0"}}"#,
            InvalidValue,
            "order_id",
            "0",
        ),
        case(
            r#"{"id":7,"op":"order.cancel","params":{"order_id":"-1"}}"#,
            InvalidValue,
            "order_id",
            "-1",
        ),
        case(
            r#"{"id":7,"op":"session.logon","params":{"key_id":"k"}}"#,
            MissingField,
            "signature",
            "",
        ),
        case(
            r#"{"id":7,"op":"session.logon","params":{"key_id":"k","signature":"5e"}}"#,
            InvalidValue,
            "signature",
            "5e",
        ),
    ]);
}

#[test]
fn subscriptions_that_name_nothing_are_refused() {
    assert_refused(&[
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"gossip"}}"#,
            UnknownChannel,
            "channel",
            "gossip",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"book"}}"#,
            MissingField,
            "symbols",
            "",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"book","symbols":[]}}"#,
            InvalidValue,
            "symbols",
            "[]",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"book","symbols":["BTC-USD","BTC-USD"]}}"#,
            InvalidValue,
            "symbols",
            "BTC-USD",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"orders","symbols":["BTC-USD"]}}"#,
            InvalidValue,
            "symbols",
            "[\"BTC-USD\"]",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"trades","symbols":["BTC-USD"],"depth":5}}"#,
            InvalidValue,
            "depth",
            "5",
        ),
    ]);
}

#[test]
fn subscriptions_of_what_no_channel_has_are_refused() {
    assert_refused(&[
        case(subscribe("\"depth\":5"), InvalidValue, "depth", "5"),
        case(subscribe("\"depth\":1001"), InvalidValue, "depth", "1001"),
        case(subscribe("\"interval\":\"50ms\""), InvalidValue, "interval", "50ms"),
        case(subscribe("\"interval\":\"1m\""), InvalidValue, "interval", "1m"),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"candles","symbols":["BTC-USD"],"interval":"2m"}}"#,
            InvalidValue,
            "interval",
            "2m",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"ticker","symbols":["BTC-USD"],"interval":"1m"}}"#,
            InvalidValue,
            "interval",
            "1m",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"instruments","symbols":["BTC-USD"]}}"#,
            InvalidValue,
            "symbols",
            "[\"BTC-USD\"]",
        ),
        case(
            r#"{"id":7,"op":"subscribe","params":{"channel":"candles","symbols":["BTC-USD"]}}"#,
            MissingField,
            "interval",
            "",
        ),
    ]);
}

#[test]
fn broken_syntax_is_said_before_anything_else_and_the_id_still_comes_back() {
    let deep = format!(r#"{{"id":7,"op":"ping","params":{}1{}}}"#, "[".repeat(50), "]".repeat(50));
    assert_refused(&[
        case(place(&[("qty", "NaN")]), BadJson, "qty", "NaN"),
        case(place(&[("qty", "Infinity")]), BadJson, "qty", "Infinity"),
        case(place(&[("qty", "-")]), BadJson, "qty", "}"),
        case(place(&[("qty", "0x10")]), BadJson, "qty", "x10"),
        case(r#"{"id":7,"op":"order.fly""#, BadJson, "op", ""),
        case(r#"{"id":7,"op":"ping"} {}"#, BadJson, "", "{"),
        case(r#"{"id":7,"op":"ping",}"#, BadJson, "", "}"),
        case("", BadJson, "", ""),
        case("hello", BadJson, "", "hello"),
        case("[]", BadJson, "", "["),
        case("null", BadJson, "", "null"),
        case(deep, TooDeep, "params", "[[[[[[[[[[[[[[[["),
        case(
            format!("{{\"a\":{}", "{\"a\":".repeat(5_000)),
            TooDeep,
            "a",
            "{\"a\":{\"a\":{\"a\":{",
        ),
    ]);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_never_echoed() {
    let table = table();
    for bad in [
        &b"{\"id\":7,\"op\":\"\xff\xfe\"}"[..],
        b"{\"id\":7,\"op\":\"ping\",\"\xc3\":1}",
        b"\xef\xbb\xbf{\"id\":7,\"op\":\"ping\"}",
        b"{\"id\":7,\"op\":\"ping\"\0}",
        b"{\"id\":7,\"op\":\"pi\nng\"}",
    ] {
        let error = parse_request(bad, &table).expect_err("no text");
        assert_eq!(error.code, BadJson);
        let mut reply = Vec::new();
        error.write(&mut reply);
        serde_json::from_slice::<Value>(&reply).expect("a reply is JSON whatever it answers");
    }
}

#[test]
fn numbers_that_only_the_core_may_judge_reach_it() {
    use coulisse_types::{Command, Price, Qty};
    use coulisse_wire::native::Body;
    let table = table();
    for (changed, price, qty) in [
        ([("price", r#""0""#), ("qty", r#""0.01""#)], 0, 1_000),
        ([("price", r#""-5""#), ("qty", r#""0.01""#)], -500, 1_000),
        ([("price", r#""60000.00""#), ("qty", r#""0""#)], 6_000_000, 0),
        ([("price", r#""60000.00""#), ("qty", r#""-0.01""#)], 6_000_000, -1_000),
        // price × qty is past every limit; each alone fits.
        (
            [("price", r#""92233720368547758.07""#), ("qty", r#""92233720368547.75807""#)],
            i64::MAX,
            i64::MAX,
        ),
    ] {
        let request = place(&changed);
        let body = parse_request(request.as_bytes(), &table).expect("syntax is right").body;
        let Body::Command { command: Command::OrderPlace(order), .. } = body else {
            panic!("{request}");
        };
        assert_eq!((order.price, order.qty), (Price::from_ticks(price), Qty::from_lots(qty)));
    }
}

#[test]
fn a_refusal_says_all_that_would_do() {
    let table = table();
    for (request, says) in [
        (r#"{"op":"order.cancel"}"#, "MISSING_FIELD: order_id or client_order_id is required"),
        (
            r#"{"op":"order.amend","params":{"order_id":"1"}}"#,
            "MISSING_FIELD: qty or price is required",
        ),
        (
            r#"{"op":"order.place","params":{"symbol":"BTC-USD","side":5}}"#,
            "WRONG_TYPE: side 5 must be one of: buy, sell",
        ),
        (
            r#"{"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","type":"market","notional":"0"}}"#,
            "NOTIONAL_BELOW_MIN: notional 0: the notional is below the instrument's smallest; limit 1.00000000",
        ),
    ] {
        let error = parse_request(request.as_bytes(), &table).expect_err("refused");
        let mut reply = Vec::new();
        error.write(&mut reply);
        let reply: Value = serde_json::from_slice(&reply).expect("JSON");
        assert_eq!(reply["error"]["message"], says);
    }
}
/// A stop with these parameters instead of the usual ones.
fn stop(changed: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("type", r#""stop""#),
        ("price", ""),
        ("tif", r#""ioc""#),
        ("trigger_price", r#""59000.00""#),
    ];
    all.retain(|(known, _)| changed.iter().all(|(key, _)| key != known));
    all.extend_from_slice(changed);
    place(&all)
}

#[test]
fn terms_that_mean_nothing_are_refused_with_code_field_and_value() {
    assert_refused(&[
        case(stop(&[("trigger_price", "")]), MissingField, "trigger_price", ""),
        case(stop(&[("trigger_price", r#""1.001""#)]), OffTick, "trigger_price", "1.001"),
        case(stop(&[("trigger_price", "59000")]), WrongType, "trigger_price", "59000"),
        case(stop(&[("trigger_on", r#""mid""#)]), InvalidValue, "trigger_on", "mid"),
        case(stop(&[("trigger_on", "true")]), WrongType, "trigger_on", "true"),
        case(stop(&[("type", r#""stop_limit""#)]), MissingField, "price", ""),
        case(stop(&[("trail", r#""5.00""#)]), InvalidValue, "trail", "5.00"),
        case(stop(&[("trail_bp", "5")]), InvalidValue, "trail_bp", "5"),
        case(stop(&[("type", r#""trailing_stop""#)]), MissingField, "trail", ""),
        case(
            stop(&[("type", r#""trailing_stop""#), ("trail", r#""5.00""#), ("trail_bp", "5")]),
            InvalidValue,
            "trail_bp",
            "5",
        ),
        case(
            stop(&[("type", r#""trailing_stop""#), ("trail_bp", r#""5""#)]),
            WrongType,
            "trail_bp",
            "5",
        ),
        case(
            stop(&[("type", r#""trailing_stop""#), ("trail_bp", "-5")]),
            NumberOutOfRange,
            "trail_bp",
            "-5",
        ),
        case(
            stop(&[("type", r#""trailing_stop""#), ("trail", r#""0.001""#)]),
            OffTick,
            "trail",
            "0.001",
        ),
        case(place(&[("display_qty", r#""0.000001""#)]), OffLot, "display_qty", "0.000001"),
        case(place(&[("display_qty", "1")]), WrongType, "display_qty", "1"),
        case(place(&[("min_qty", r#""x""#)]), InvalidValue, "min_qty", "x"),
        case(place(&[("min_qty", "1")]), WrongType, "min_qty", "1"),
        case(place(&[("peg", r#""none""#)]), InvalidValue, "peg", "none"),
        case(place(&[("peg", "1")]), WrongType, "peg", "1"),
        case(place(&[("peg_offset", r#""-0.001""#)]), OffTick, "peg_offset", "-0.001"),
        case(place(&[("peg_offset", "-1")]), WrongType, "peg_offset", "-1"),
        case(place(&[("reduce_only", r#""true""#)]), WrongType, "reduce_only", "true"),
        case(place(&[("self_trade", r#""cancel""#)]), InvalidValue, "self_trade", "cancel"),
        case(place(&[("self_trade", "false")]), WrongType, "self_trade", "false"),
        case(place(&[("tif", r#""gtd""#)]), MissingField, "expire_time", ""),
        case(place(&[("expire_time", r#""5""#)]), WrongType, "expire_time", "5"),
        case(
            place(&[("expire_time", "9007199254740992")]),
            NumberOutOfRange,
            "expire_time",
            "9007199254740992",
        ),
        case(place(&[("cancel_order_id", r#""5""#)]), UnknownField, "cancel_order_id", "5"),
    ]);
}

fn replace(params: &str) -> String {
    format!(
        r#"{{"id":7,"op":"order.replace","params":{{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"1.00"{params}}}}}"#
    )
}

#[test]
fn replacements_that_mean_nothing_are_refused() {
    assert_refused(&[
        case(replace(""), MissingField, "cancel_order_id", ""),
        case(replace(r#","cancel_order_id":5"#), WrongType, "cancel_order_id", "5"),
        case(replace(r#","cancel_order_id":"05""#), InvalidValue, "cancel_order_id", "05"),
        case(
            replace(r#","cancel_client_order_id":"a b""#),
            InvalidValue,
            "cancel_client_order_id",
            "a b",
        ),
        case(
            replace(r#","cancel_order_id":"5","allow_failure":1"#),
            WrongType,
            "allow_failure",
            "1",
        ),
        case(
            replace(r#","cancel_order_id":"5","cancel_order_id":"6""#),
            DuplicateField,
            "cancel_order_id",
            "6",
        ),
    ]);
}

fn list(kind: &str, legs: &str) -> String {
    format!(
        r#"{{"id":7,"op":"order.place_list","params":{{"kind":"{kind}","symbol":"BTC-USD","legs":{legs}}}}}"#
    )
}

#[test]
fn lists_that_mean_nothing_are_refused() {
    const LEG: &str = r#"{"side":"sell","qty":"0.01","price":"1.00"}"#;
    let with = |leg: &str| list("oco", &format!("[{LEG},{leg}]"));
    assert_refused(&[
        case(list("oca", "[]"), InvalidValue, "kind", "oca"),
        case(list("oco", "5"), WrongType, "legs", "5"),
        case(list("oco", "[]"), InvalidValue, "legs", "[]"),
        case(list("oco", "[5]"), WrongType, "legs", "5"),
        case(list("oco", "[[]]"), WrongType, "legs", "[]"),
        case(list("oco", "[{}]"), MissingField, "side", ""),
        case(with(r#"{"side":"sell"}"#), MissingField, "qty", ""),
        case(with(r#"{"side":"sell","qty":"1"}"#), MissingField, "price", ""),
        case(with(r#"{"side":"sell","qty":"1","type":"stop"}"#), MissingField, "trigger_price", ""),
        case(
            with(r#"{"side":"sell","qty":"1","type":"trailing_stop"}"#),
            InvalidValue,
            "type",
            "trailing_stop",
        ),
        case(with(r#"{"side":"sell","qty":"1","tif":"gtd"}"#), InvalidValue, "tif", "gtd"),
        case(
            with(r#"{"side":"sell","qty":"1","post_only":true}"#),
            UnknownField,
            "post_only",
            "true",
        ),
        case(with(r#"{"side":"sell","side":"buy","qty":"1"}"#), DuplicateField, "side", "buy"),
        case(with(r#"{"side":"sell","qty":1}"#), WrongType, "qty", "1"),
        case(with(r#"{"side":"sell","qty":"1","price":"0.001"}"#), OffTick, "price", "0.001"),
        case(list("oto", r#"[{"side":"up","qty":"1","price":"1"}]"#), InvalidValue, "side", "up"),
    ]);
    let one = list("oco", &format!("[{LEG}]"));
    let three = list("oco", &format!("[{LEG},{LEG},{LEG}]"));
    let two = list("otoco", &format!("[{LEG},{LEG}]"));
    let table = table();
    for request in [one, three, two] {
        let error =
            parse_request(request.as_bytes(), &table).expect_err("the wrong number of legs");
        assert_eq!((error.code, error.field), (InvalidValue, &b"legs"[..]), "{request}");
    }
}

#[test]
fn mass_cancels_and_switches_that_mean_nothing_are_refused() {
    let all = |params: &str| format!(r#"{{"id":7,"op":"order.cancel_all","params":{{{params}}}}}"#);
    let after =
        |params: &str| format!(r#"{{"id":7,"op":"order.cancel_after","params":{{{params}}}}}"#);
    assert_refused(&[
        case(all(r#""side":"both""#), InvalidValue, "side", "both"),
        case(all(r#""side":true"#), WrongType, "side", "true"),
        case(all(r#""session":"5""#), WrongType, "session", "5"),
        case(after(""), MissingField, "timeout", ""),
        case(after(r#""timeout":"5""#), WrongType, "timeout", "5"),
        case(after(r#""timeout":-1"#), NumberOutOfRange, "timeout", "-1"),
        case(after(r#""timeout":9223372036855"#), NumberOutOfRange, "timeout", "9223372036855"),
    ]);
}

fn admin(op: &str, params: &str) -> String {
    format!(r#"{{"id":7,"op":"{op}","params":{{{params}}}}}"#)
}

#[test]
fn operators_requests_about_instruments_and_accounts_that_mean_nothing_are_refused() {
    let configure =
        |params: &str| admin("instrument.configure", &format!(r#""symbol":"BTC-USD",{params}"#));
    let tier =
        |params: &str| admin("fees.set_tier", &format!(r#""asset":"USD","tier":1,{params}"#));
    let auction =
        |params: &str| admin("auction.schedule", &format!(r#""symbol":"BTC-USD",{params}"#));
    assert_refused(&[
        case(admin("group.create", ""), MissingField, "name", ""),
        case(admin("group.create", r#""name":5"#), WrongType, "name", "5"),
        case(
            admin("group.create", r#""name":"a","request_id":"xyz""#),
            InvalidValue,
            "request_id",
            "xyz",
        ),
        case(admin("account.configure", r#""group":"nobody""#), UnknownGroup, "group", "nobody"),
        case(
            admin("account.configure", r#""trade_group":4294967296"#),
            NumberOutOfRange,
            "trade_group",
            "4294967296",
        ),
        case(admin("instrument.configure", ""), MissingField, "symbol", ""),
        case(configure(r#""matching":"fifo""#), InvalidValue, "matching", "fifo"),
        case(configure(r#""reference":"best""#), InvalidValue, "reference", "best"),
        case(configure(r#""collar":"5%""#), InvalidValue, "collar", "5%"),
        case(configure(r#""slippage":"0.0000001""#), InvalidValue, "slippage", "0.0000001"),
        case(configure(r#""band":"-0.1""#), NumberOutOfRange, "band", "-0.1"),
        case(configure(r#""auction_time":"5""#), WrongType, "auction_time", "5"),
        case(configure(r#""auction_fee":"9999999""#), NumberOutOfRange, "auction_fee", "9999999"),
        case(
            admin("instrument.state", r#""symbol":"BTC-USD","state":"shut""#),
            InvalidValue,
            "state",
            "shut",
        ),
        case(admin("mark.set", r#""symbol":"BTC-USD","price":"1.001""#), OffTick, "price", "1.001"),
        case(
            admin("fees.set_tier", r#""asset":"XXX","tier":1,"threshold":"none""#),
            UnknownAsset,
            "asset",
            "XXX",
        ),
        case(tier(r#""threshold":"-1""#), InvalidValue, "threshold", "-1"),
        case(tier(r#""threshold":"0.000000001""#), OffMinorUnit, "threshold", "0.000000001"),
        case(tier(r#""threshold":"1","maker_fee":"x""#), InvalidValue, "maker_fee", "x"),
        case(
            admin("fees.set_tier", r#""asset":"USD","tier":256,"threshold":"1""#),
            NumberOutOfRange,
            "tier",
            "256",
        ),
        case(auction(r#""start_time":5"#), MissingField, "end_time", ""),
        case(auction(r#""end_time":5"#), MissingField, "start_time", ""),
        case(auction(r#""start_time":"5","end_time":6"#), WrongType, "start_time", "5"),
    ]);
}

#[test]
fn operators_requests_that_bind_nobody_are_refused() {
    let limit = |params: &str| admin("limit.set", &format!(r#""scope":"firm",{params}"#));
    assert_refused(&[
        case(admin("kill.switch", r#""scope":"all""#), InvalidValue, "scope", "all"),
        case(admin("kill.switch", r#""scope":"account""#), MissingField, "scope_id", ""),
        case(
            admin("kill.switch", r#""scope":"firm","scope_id":"alice""#),
            InvalidValue,
            "scope_id",
            "alice",
        ),
        case(
            admin("risk.set_state", r#""scope":"group","scope_id":"nobody","state":"active""#),
            UnknownGroup,
            "scope_id",
            "nobody",
        ),
        case(
            admin("risk.set_state", r#""scope":"instrument","scope_id":"X-Y","state":"active""#),
            UnknownSymbol,
            "scope_id",
            "X-Y",
        ),
        case(
            admin("risk.set_state", r#""scope":"firm","state":"asleep""#),
            InvalidValue,
            "state",
            "asleep",
        ),
        case(admin("kill.reset", r#""scope":"firm","step":300"#), NumberOutOfRange, "step", "300"),
        case(limit(r#""kind":"luck","limit":"1""#), InvalidValue, "kind", "luck"),
        case(limit(r#""kind":"position","limit":"1""#), MissingField, "subject", ""),
        case(
            limit(r#""kind":"position","subject":"USD","limit":"1""#),
            UnknownSymbol,
            "subject",
            "USD",
        ),
        case(
            limit(r#""kind":"daily_loss","subject":"BTC-USD","limit":"1""#),
            UnknownAsset,
            "subject",
            "BTC-USD",
        ),
        case(
            limit(r#""kind":"open_orders","subject":"USD","limit":"1""#),
            InvalidValue,
            "subject",
            "USD",
        ),
        case(
            limit(r#""kind":"position","subject":"BTC-USD","limit":"0.000001""#),
            OffLot,
            "limit",
            "0.000001",
        ),
        case(limit(r#""kind":"open_orders","limit":"-1""#), InvalidValue, "limit", "-1"),
        case(limit(r#""kind":"open_orders","limit":"1.5""#), InvalidValue, "limit", "1.5"),
        case(limit(r#""kind":"open_orders","limit":5"#), WrongType, "limit", "5"),
        case(limit(r#""kind":"order_rate","limit":"5","burst":"9""#), WrongType, "burst", "9"),
    ]);
}
