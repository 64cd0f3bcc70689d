//! Records and events: what was encoded is what is decoded, and nothing else is.

use coulisse_types::message::{FieldSpec, MessageSpec};
use coulisse_types::record::HEADER_BYTES;
use coulisse_types::{
    AccountId, Command, Event, KeyIndex, Origin, RecordHeader, RejectCode, RequestId, Seq,
};
use coulisse_wire::record::{
    HEADER_FIELDS, RecordError, RecordFault, Stamp, decode_events, decode_record, decode_unsealed,
    encode_events, encode_record, records, stamp,
};

use crate::market::Random;

/// Random bytes that are a value of the field's type.
fn field_bytes(random: &mut Random, field: &FieldSpec, out: &mut Vec<u8>) {
    let mut fill = |random: &mut Random, count: usize| {
        let bytes: Vec<u8> = (0..count).map(|_| random.next().to_le_bytes()[0]).collect();
        out.extend_from_slice(&bytes);
    };
    match field.type_name {
        "u8" => fill(random, 1),
        "u16" => fill(random, 2),
        "u32" | "i32" | "account_id" | "group_id" | "asset_id" | "instrument_id" | "key_index"
        | "rate_ppm" => {
            fill(random, 4);
        }
        "u64" | "i64" | "seq" | "order_id" | "trade_id" | "price_ticks" | "qty_lots" => {
            fill(random, 8);
        }
        "u128" | "i128" | "request_id" | "amount_minor" => fill(random, 16),
        "bytes32" => fill(random, 32),
        "bool" | "side" | "order_type" | "role" | "key_scheme" => {
            out.push(u8::from(random.below(2) == 1));
        }
        "self_trade" | "trigger" | "peg" | "list_kind" | "side_filter" | "matching_mode"
        | "reference_kind" | "trading_state" | "state_reason" | "scope" | "risk_state"
        | "limit_kind" | "trigger_on" => out.push(u8::try_from(random.below(2)).expect("small")),
        "time_in_force" => out.push(u8::try_from(random.below(3)).expect("small")),
        "order_state" | "withdrawal_end" => out.push(u8::try_from(random.below(4)).expect("small")),
        "close_reason" | "unit" => out.push(u8::try_from(random.below(8)).expect("small")),
        "field" => out.push(u8::try_from(random.below(31)).expect("small")),
        "reject_code" => {
            out.extend_from_slice(&random.pick(RejectCode::ALL).number().to_le_bytes());
        }
        "bytes" => {
            // As many fit the shortest of them, a list of ids.
            let length = random.below(25);
            out.push(u8::try_from(length).expect("short"));
            out.extend((0..length).map(|_| u8::try_from(random.below(256)).expect("a byte")));
        }
        "text" => {
            // 12 characters fit the shortest of the text types, the name of an asset.
            let length = random.below(13);
            out.push(u8::try_from(length).expect("short"));
            out.extend((0..length).map(|_| b'A' + u8::try_from(random.below(26)).expect("letter")));
        }
        other => panic!("a type without a generator: {other}"),
    }
}

fn body(random: &mut Random, spec: &MessageSpec) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in spec.fields {
        field_bytes(random, field, &mut bytes);
    }
    bytes
}

fn header(random: &mut Random) -> RecordHeader {
    RecordHeader {
        seq: Seq(random.next()),
        time_ns: i64::from_le_bytes(random.next().to_le_bytes()),
        origin: Origin {
            node: u16::try_from(random.below(65_536)).expect("u16"),
            incarnation: u32::try_from(random.below(1 << 31)).expect("u32"),
            batch: random.next(),
            index: u16::try_from(random.below(65_536)).expect("u16"),
        },
        account: AccountId(u32::try_from(random.below(1 << 31)).expect("u32")),
        key: KeyIndex(u32::try_from(random.below(1 << 31)).expect("u32")),
        session: random.next(),
        request_id: RequestId(u128::from(random.next()) << 64 | u128::from(random.next())),
    }
}

fn command(random: &mut Random, spec: &MessageSpec) -> Command {
    let bytes = body(random, spec);
    Command::decode_body(spec.number, &bytes).expect("a body of its types decodes")
}

fn sealed(random: &mut Random, command: &Command) -> (RecordHeader, Vec<u8>) {
    let header = header(random);
    let mut record = Vec::new();
    let length = encode_record(&mut record, &header, command);
    assert_eq!(length, record.len());
    let (seq, time_ns) = (header.seq, header.time_ns);
    let (batch, index) = (header.origin.batch, header.origin.index);
    stamp(&mut record, Stamp { seq, time_ns, batch, index }).expect("one record");
    (header, record)
}

#[test]
fn every_kind_of_command_comes_back_as_it_went() {
    let mut random = Random(1);
    for spec in Command::SCHEMA {
        for _ in 0..200 {
            let command = command(&mut random, spec);
            let (header, record) = sealed(&mut random, &command);
            assert_eq!(decode_record(&record), Ok((header, command)));
            assert_eq!(decode_unsealed(&record), Ok((header, command)));
        }
    }
}

#[test]
fn a_stamp_fills_in_what_was_not_known_and_nothing_else() {
    let mut random = Random(2);
    for spec in Command::SCHEMA {
        let command = command(&mut random, spec);
        let header = header(&mut random);
        let mut record = Vec::new();
        encode_record(&mut record, &header, &command);
        let late = Stamp { seq: Seq(7), time_ns: -8, batch: 9, index: 10 };
        stamp(&mut record, late).expect("one record");
        let origin = Origin { batch: 9, index: 10, ..header.origin };
        let expected = RecordHeader { seq: Seq(7), time_ns: -8, origin, ..header };
        assert_eq!(decode_record(&record), Ok((expected, command)));
    }
}

#[test]
fn any_flipped_bit_is_found() {
    let mut random = Random(3);
    let spec = Command::SCHEMA.iter().find(|spec| spec.name == "OrderPlace").expect("place");
    let order = command(&mut random, spec);
    let (_, record) = sealed(&mut random, &order);
    for bit in 0..record.len() * 8 {
        let mut bad = record.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_record(&bad).is_err(), "bit {bit}");
    }
}

#[test]
fn a_run_of_records_is_read_to_its_end_or_to_its_first_fault() {
    let mut random = Random(4);
    let mut log = Vec::new();
    let mut starts = Vec::new();
    for spec in Command::SCHEMA {
        starts.push(log.len());
        let command = command(&mut random, spec);
        log.extend(sealed(&mut random, &command).1);
    }
    let offsets: Vec<usize> = records(&log).map(|r| r.expect("whole").offset).collect();
    assert_eq!(offsets, starts);
    for cut in 0..log.len() {
        let read: Vec<_> = records(&log[..cut]).collect();
        let whole = starts.iter().skip(1).filter(|start| **start <= cut).count();
        assert_eq!(read.iter().filter(|r| r.is_ok()).count(), whole, "cut at {cut}");
        match read.last() {
            Some(Err(error)) => {
                assert_eq!(error.offset, starts[whole]);
                assert!(matches!(error.fault, RecordFault::Short { .. }));
            }
            _ => assert!(cut == 0 || starts.contains(&cut), "cut at {cut}"),
        }
    }
}

#[test]
fn foreign_versions_kinds_and_lengths_are_told_apart() {
    let mut random = Random(5);
    let spec = Command::SCHEMA.iter().find(|spec| spec.name == "OrderCancel").expect("cancel");
    let cancel = command(&mut random, spec);
    let (_, record) = sealed(&mut random, &cancel);
    let faulty = |at: usize, value: u8| {
        let mut bad = record.clone();
        bad[at] = value;
        decode_unsealed(&bad).map_err(|error| error.fault)
    };
    assert_eq!(faulty(8, 9), Err(RecordFault::Schema(9)));
    assert_eq!(faulty(10, 200), Err(RecordFault::Body(200)));
    assert_eq!(faulty(52, 1), Err(RecordFault::Reserved));
    let told = |fault| RecordError { offset: 7, fault }.to_string();
    assert_eq!(told(RecordFault::Schema(9)), "it is of schema version 9, and this build reads 0");
    let unknown = "it is of kind 200, which this build does not know, or not so";
    assert_eq!(told(RecordFault::Body(200)), unknown);
    assert_eq!(told(RecordFault::Reserved), "record at byte 7: Reserved");
    assert_eq!(faulty(0, 3), Err(RecordFault::Length(3)));
    let mut longer = record.clone();
    longer.push(0);
    assert!(
        matches!(decode_record(&longer), Err(error) if matches!(error.fault, RecordFault::Length(_)))
    );
}

#[test]
fn the_documented_header_is_the_one_that_is_written() {
    let mut end = 0;
    for field in HEADER_FIELDS {
        assert_eq!(field.offset, end, "{}", field.name);
        end += field.bytes;
    }
    assert_eq!(end, HEADER_BYTES);
    let mut random = Random(6);
    let command = command(&mut random, &Command::SCHEMA[0]);
    let (header, record) = sealed(&mut random, &command);
    let at = |name: &str| {
        let field = HEADER_FIELDS.iter().find(|f| f.name == name).expect("field");
        record[field.offset..][..field.bytes]
            .iter()
            .rev()
            .fold(0_u128, |v, b| v << 8 | u128::from(*b))
    };
    assert_eq!(at("length"), u128::try_from(record.len()).expect("length"));
    assert_eq!(at("kind"), u128::from(Command::SCHEMA[0].number));
    assert_eq!(at("seq"), u128::from(header.seq.0));
    assert_eq!(at("batch"), u128::from(header.origin.batch));
    assert_eq!(at("incarnation"), u128::from(header.origin.incarnation));
    assert_eq!(at("node"), u128::from(header.origin.node));
    assert_eq!(at("index"), u128::from(header.origin.index));
    assert_eq!(at("account"), u128::from(header.account.0));
    assert_eq!(at("key"), u128::from(header.key.0));
    assert_eq!(at("session"), u128::from(header.session));
    assert_eq!(at("request_id"), header.request_id.0);
}

#[test]
fn every_kind_of_event_comes_back_as_it_went() {
    let mut random = Random(7);
    let mut events = Vec::new();
    for spec in Event::SCHEMA {
        for _ in 0..20 {
            let bytes = body(&mut random, spec);
            events.push(Event::decode_body(spec.number, &bytes).expect("a body of its types"));
        }
    }
    let mut bytes = Vec::new();
    encode_events(&mut bytes, &events);
    assert_eq!(decode_events(&bytes), Some(events));
    assert_eq!(decode_events(&bytes[..bytes.len() - 1]), None);
}
