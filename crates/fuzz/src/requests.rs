//! Requests of the native protocol, over the socket and over REST, and the numbers in them.

use std::sync::OnceLock;

use coulisse_types::decimal;
use coulisse_types::event::{AssetCreated, GroupCreated, InstrumentCreated};
use coulisse_types::{Amount, AssetId, Command, FeeRate, GroupId, InstrumentId, Qty, Text};
use coulisse_wire::InstrumentTable;
use coulisse_wire::native::spec::ROUTES;
use coulisse_wire::native::{
    Body, Call, Op, Request, RequestError, glance_at_order, parse_call, parse_request,
};
use serde_json::Value;

/// BTC-USD: tick 0.01, lot 0.00001; USD has 8 decimals. One group.
fn table() -> &'static InstrumentTable {
    static TABLE: OnceLock<InstrumentTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = InstrumentTable::new();
        for (id, name) in [(1, "BTC"), (2, "USD")] {
            let name = Text::new(name.as_bytes()).expect("a name");
            table.apply(&AssetCreated { asset: AssetId(id), name, scale: 8 }.into());
        }
        let listed = InstrumentCreated {
            instrument: InstrumentId(1),
            symbol: Text::new(b"BTC-USD").expect("a symbol"),
            base: AssetId(1),
            quote: AssetId(2),
            tick_minor: 1_000_000,
            lot_minor: 1_000,
            min_qty: Qty::from_lots(1),
            max_qty: Qty::from_lots(100_000_000),
            min_notional: Amount::from_minor(100_000_000),
            maker_fee: FeeRate::from_ppm(200),
            taker_fee: FeeRate::from_ppm(500),
        };
        table.apply(&listed.into());
        let name = Text::new(b"desk").expect("a name");
        table.apply(&GroupCreated { group: GroupId(1), name }.into());
        table
    })
}

/// What is refused is said as JSON, in few bytes.
fn look_at_error(error: &RequestError<'_>) {
    let mut out = Vec::new();
    error.write(&mut out);
    assert!(out.len() < 4_096, "an error of {} bytes", out.len());
    let reply: Value = serde_json::from_slice(&out).expect("an error is JSON");
    assert_eq!(reply["error"]["code"], error.code.name());
}

/// What is to be in the log is read from there as it was written.
fn look_at_command(command: &Command) {
    let mut body = Vec::new();
    command.encode_body(&mut body);
    assert_eq!(Command::decode_body(command.kind().number(), &body), Some(*command));
}

fn look_at_body(request: &Request<'_>) {
    match &request.body {
        Body::Command { command, .. } | Body::Test(command, _) => look_at_command(command),
        Body::Admin(admin) => look_at_command(&admin.command),
        Body::Batch(orders) => {
            for order in orders {
                match order {
                    Ok((command, _)) => look_at_command(command),
                    Err(error) => look_at_error(error),
                }
            }
        }
        Body::Amend(amend) => {
            for info in [table().instruments().first(), None] {
                if let Err(error) = amend.resolve(info) {
                    look_at_error(&error);
                }
            }
        }
        _ => {}
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let parsed = parse_request(bytes, table());
    // The short look at a request must never see an order where the whole reading sees none.
    if glance_at_order(bytes).is_some_and(|_| parsed.is_ok()) {
        assert!(matches!(&parsed, Ok(request) if request.op.spec().name.starts_with("order.")));
    }
    match parsed {
        Ok(request) => {
            let value: Value = serde_json::from_slice(bytes).expect("what is accepted is JSON");
            let id = if request.id_raw.is_empty() { b"null" } else { request.id_raw };
            let id: Value = serde_json::from_slice(id).expect("an id is JSON");
            assert_eq!(value.get("id").unwrap_or(&Value::Null), &id);
            assert_eq!(value["op"], request.op.spec().name);
            look_at_body(&request);
        }
        Err(error) => look_at_error(&error),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let examples = Op::ALL.iter().map(|op| {
        let spec = op.spec();
        format!(r#"{{"id":7,"op":"{}","params":{}}}"#, spec.name, spec.example).into_bytes()
    });
    let odd = [
        r#"{"id":"\u00e9\ud83d\ude00","op":"order.place","account":"alice","deadline":1795392000000000,"params":{"symbol":"BTC-USD","side":"sell","type":"market","tif":"fok","notional":"100.50","post_only":false}}"#,
        "{ \"params\" : { \"qty\" : \"0.02\" , \"order_id\" : \"5\" } , \"op\" : \"order.amend\" , \"id\" : null }",
        r#"{"id":1,"op":"order.place","params":{"symbol":"BTC-USD","side":"sell","type":"trailing_stop","qty":"1","trail_bp":50,"trigger_on":"mark","reduce_only":true,"self_trade":"decrement"}}"#,
        r#"{"id":2,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"1","price":"5","tif":"gtd","expire_time":1795392000000000,"display_qty":"0.1","peg":"mid","peg_offset":"-0.05"}}"#,
    ];
    examples.chain(odd.iter().map(|text| text.as_bytes().to_vec())).collect()
}

/// Input: the route (one byte), the part of the path, 0, the query, 0, the body.
pub(crate) fn run_calls(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else { return };
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let mut text = || std::str::from_utf8(parts.next().unwrap_or_default()).ok();
    let (Some(part), Some(query)) = (text(), text()) else { return };
    let body = parts.next().unwrap_or_default();
    let route = ROUTES[usize::from(*which) % ROUTES.len()];
    let name = route.path.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let call = Call { op: route.op, named: name.map(|(name, _)| (name, part)), query, body };
    match parse_call(&call, table()) {
        Ok(request) => {
            look_at_body(&request);
            if call.named.is_none() && query.is_empty() && !body.is_empty() {
                same_over_the_socket(&request, body);
            }
        }
        Err(error) => look_at_error(&error),
    }
}

/// The same parameters mean the same, whichever way they came.
fn same_over_the_socket(request: &Request<'_>, body: &[u8]) {
    let head = format!(r#"{{"op":"{}","params":"#, request.op.spec().name);
    let text = [head.as_bytes(), body, b"}"].concat();
    let over_socket = parse_request(&text, table()).expect("taken by one, taken by the other");
    let (one, other) = (format!("{:?}", over_socket.body), format!("{:?}", request.body));
    assert_eq!(one, other);
}

pub(crate) fn call_seeds() -> Vec<Vec<u8>> {
    let all = (0..).zip(ROUTES).map(|(which, route)| {
        let body = if route.path.contains('{') { "" } else { route.op.spec().example };
        let (part, query) = match route.method {
            "GET" => ("alice", "limit=5&min_seq=3"),
            "DELETE" => ("7", "account=alice&deadline=9"),
            _ => ("BTC-USD", ""),
        };
        let body = if matches!(route.method, "GET" | "DELETE") { "" } else { body };
        [&[which], part.as_bytes(), &[0], query.as_bytes(), &[0], body.as_bytes()].concat()
    });
    all.collect()
}

/// The number in units of the scale, read the slow way: digits with the point taken out.
fn by_hand(text: &[u8], scale: u8) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let zeros = usize::from(scale).checked_sub(part.len())?;
    format!("{whole}{part}{}", "0".repeat(zeros)).parse().ok()
}

/// Input: the scale (one byte), then the number.
pub(crate) fn run_numbers(bytes: &[u8]) {
    let Some((scale, text)) = bytes.split_first() else { return };
    let scale = scale % 19;
    if let Ok(value) = decimal::parse(text, scale) {
        let mut out = Vec::new();
        decimal::write(&mut out, value, scale, scale);
        assert_eq!(decimal::parse(&out, scale), Ok(value), "{}", String::from_utf8_lossy(&out));
        assert_eq!(by_hand(text, scale), Some(value), "{}", String::from_utf8_lossy(text));
    }
    let Some(info) = table().instruments().first() else { return };
    let mut out = Vec::new();
    if let Ok(price) = info.read_price(text) {
        info.write_price(&mut out, price);
        assert_eq!(info.read_price(&out), Ok(price));
    }
    out.clear();
    if let Ok(qty) = info.read_qty(text) {
        info.write_qty(&mut out, qty);
        assert_eq!(info.read_qty(&out), Ok(qty));
    }
    out.clear();
    if let Ok(amount) = info.read_notional(text) {
        info.write_notional(&mut out, amount);
        assert_eq!(info.read_notional(&out), Ok(amount));
    }
}

pub(crate) fn number_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "0",
        "60000.00",
        "-0.01",
        "0.00001",
        "170141183460469231731687303715884105727",
        "1.",
        ".5",
        "1e9",
        "-",
    ];
    texts.iter().map(|text| [&[8], text.as_bytes()].concat()).collect()
}
