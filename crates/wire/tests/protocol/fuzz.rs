//! Mutated input, from a seed: nothing panics, and we are at least as strict as `serde_json`.

use coulisse_types::{Command, RecordHeader};
use coulisse_wire::native::{Body, Op, parse_request};
use coulisse_wire::record::{Stamp, decode_events, decode_record, encode_record, records, stamp};
use serde_json::Value;

use crate::market::{Random, table};

/// Valid requests of every operation, from the table that the documentation shows, and odd spellings.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Op::ALL
        .iter()
        .map(|op| {
            let spec = op.spec();
            format!(r#"{{"id":7,"op":"{}","params":{}}}"#, spec.name, spec.example).into_bytes()
        })
        .collect();
    for text in [
        r#"{"id":"\u00e9\ud83d\ude00","op":"order.place","account":"alice","deadline":1795392000000000,"params":{"symbol":"BTC-USD","side":"sell","type":"market","tif":"fok","notional":"100.50","post_only":false}}"#,
        "{ \"params\" : { \"qty\" : \"0.02\" , \"order_id\" : \"5\" } , \"op\" : \"order.amend\" , \"id\" : null }",
        r#"{"id":1,"op":"order.place","params":{"symbol":"BTC-USD","side":"sell","type":"trailing_stop","qty":"1","trail_bp":50,"trigger_on":"mark","reduce_only":true,"self_trade":"decrement"}}"#,
        r#"{"id":2,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"1","price":"5","tif":"gtd","expire_time":1795392000000000,"display_qty":"0.1","peg":"mid","peg_offset":"-0.05"}}"#,
        r#"{"id":3,"op":"order.place_list","params":{"kind":"otoco","symbol":"ETH-USD","legs":[{"side":"buy","qty":"1","price":"5"},{"side":"sell","qty":"1","price":"6"},{"side":"sell","type":"take_profit_limit","tif":"day","qty":"1","price":"4","trigger_price":"7","trigger_on":"mark"}]}}"#,
        r#"{"id":4,"op":"limit.set","params":{"scope":"group","scope_id":"desk","kind":"order_rate","limit":"none","burst":9}}"#,
        r#"{"id":5,"op":"fees.set_tier","params":{"asset":"USD","tier":3,"threshold":"none"}}"#,
        "{\"id\":\"é€😀\",\"op\":\"time\"}",
    ] {
        seeds.push(text.as_bytes().to_vec());
    }
    seeds
}

const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"NaN",
    b"1e400",
    b"-0",
    b"18446744073709551616",
    b"1.5",
    b"\"qty\":\"1\",",
    b"\"id\":1,",
    b"[[[[[[[[[",
    b"\xff",
    b"\xc3\xa9",
    b"\0",
    b"\n",
    b" ",
    b"00",
    b"\"a\":{\"b\":1,\"b\":2},",
    b"\"trail\":\"0.05\",",
    b"\"trail_bp\":5,",
    b"\"expire_time\":5,",
    b"\"peg_offset\":\"-1\",",
    b"{\"side\":\"buy\",\"qty\":\"1\"},",
    b"\"none\"",
];

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.next().to_le_bytes()[0],
            1 if at < bytes.len() => {
                bytes.remove(at);
            }
            2 => bytes.truncate(at),
            3 => {
                let end = at + random.below(bytes.len() - at + 1);
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let token = random.pick(TOKENS);
                bytes.splice(at..at, token.iter().copied());
            }
        }
    }
}

#[test]
fn whatever_we_accept_is_json_and_whatever_is_no_json_we_refuse() {
    let table = table();
    let seeds = seeds();
    let mut random = Random(11);
    let (mut accepted, mut refused) = (0, 0);
    let mut out = Vec::new();
    for _ in 0..300_000 {
        let mut bytes = random.pick(&seeds).clone();
        mutate(&mut random, &mut bytes);
        let parsed = parse_request(&bytes, &table);
        let shown = || String::from_utf8_lossy(&bytes).into_owned();
        match (&parsed, serde_json::from_slice::<Value>(&bytes)) {
            (Ok(request), Ok(value)) => {
                accepted += 1;
                assert!(value.is_object(), "{}", shown());
                let id = if request.id_raw.is_empty() { b"null" } else { request.id_raw };
                let id: Value = serde_json::from_slice(id).expect("an id is JSON");
                assert_eq!(value.get("id").unwrap_or(&Value::Null), &id, "{}", shown());
                assert_eq!(value["op"], request.op.spec().name, "{}", shown());
                if let Body::Amend(amend) = &request.body {
                    let _ = amend.resolve(table.instruments().first());
                }
            }
            (Ok(_), Err(error)) => panic!("accepted, but {error}: {}", shown()),
            (Err(error), _) => {
                refused += 1;
                out.clear();
                error.write(&mut out);
                let reply: Value = serde_json::from_slice(&out)
                    .unwrap_or_else(|e| panic!("{e} in the reply to {}", shown()));
                assert_eq!(reply["error"]["code"], error.code.name());
            }
        }
    }
    // Both sides are really visited.
    assert!(accepted > 3_000 && refused > 200_000, "{accepted} accepted, {refused} refused");
}

#[test]
fn mutated_records_are_refused_or_read_but_never_panic() {
    let mut random = Random(12);
    let mut log = Vec::new();
    for spec in Command::SCHEMA {
        let zeros = [0; 256];
        let command = (0..256).find_map(|n| Command::decode_body(spec.number, &zeros[..n]));
        let mut record = Vec::new();
        encode_record(&mut record, &RecordHeader::default(), &command.expect("zeros are a body"));
        stamp(&mut record, Stamp::default()).expect("one record");
        log.extend(record);
    }
    let whole = records(&log).count();
    assert_eq!(whole, Command::SCHEMA.len());
    let mut faults = 0;
    for _ in 0..20_000 {
        let mut bytes = log.clone();
        mutate(&mut random, &mut bytes);
        let read = records(&bytes).flatten().count();
        faults += usize::from(records(&bytes).any(|record| record.is_err()));
        assert!(read <= bytes.len() / 80);
        let _ = (decode_record(&bytes), decode_events(&bytes));
    }
    assert!(faults > 15_000, "{faults} of the mutations were found");
}
