//! Records and events: what is read is what would be written, byte for byte.

use coulisse_types::command::{AccountCreate, OrderCancelAll};
use coulisse_types::event::{AssetCreated, GroupCreated};
use coulisse_types::{AssetId, Command, GroupId, InstrumentId, RecordHeader, SideFilter, Text};
use coulisse_wire::record::{
    Stamp, decode_events, decode_record, decode_unsealed, encode_events, encode_record, records,
    stamp,
};

/// One record: as it came, and sealed, since noise hardly ever has the right checksum.
pub(crate) fn run(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    let place = Stamp::default();
    if stamp(&mut sealed, place).is_ok()
        && let Ok((header, command)) = decode_record(&sealed)
    {
        assert_eq!(decode_unsealed(&sealed), Ok((header, command)), "no check, no difference");
        let mut again = Vec::new();
        let length = encode_record(&mut again, &header, &command);
        assert_eq!(length, again.len());
        stamp(&mut again, place).expect("one record");
        assert_eq!(again, sealed, "written again");
    }
    let mut read = 0;
    for record in records(bytes) {
        match record {
            Ok(record) => {
                assert_eq!(record.offset, read, "one behind the other");
                read += record.bytes.len();
            }
            Err(error) => assert!(error.offset <= bytes.len(), "within the input"),
        }
    }
    assert!(read <= bytes.len());
}

/// One record of each kind of command, its body full of zeros, and two that say something.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let zeros = [0; 512];
    let kinds = Command::SCHEMA.iter().map(|spec| spec.number);
    let mut commands: Vec<Command> = kinds
        .filter_map(|kind| (0..512).find_map(|n| Command::decode_body(kind, &zeros[..n])))
        .collect();
    let name = Text::new(b"alice").expect("a name");
    commands.push(AccountCreate { name }.into());
    let all = OrderCancelAll { instrument: InstrumentId(1), side: SideFilter::Both, session: 9 };
    commands.push(all.into());
    let whole = commands.iter().map(|command| {
        let mut record = Vec::new();
        encode_record(&mut record, &RecordHeader::default(), command);
        stamp(&mut record, Stamp::default()).expect("one record");
        record
    });
    whole.collect()
}

pub(crate) fn run_events(bytes: &[u8]) {
    if let Some(events) = decode_events(bytes) {
        assert!(events.len() <= bytes.len() / 4, "each has four bytes before its body");
        let mut again = Vec::new();
        encode_events(&mut again, &events);
        assert_eq!(again, bytes, "written again");
    }
}

pub(crate) fn event_seeds() -> Vec<Vec<u8>> {
    let zeros = [0; 512];
    let kinds = coulisse_types::Event::SCHEMA.iter().map(|spec| spec.number);
    let mut all: Vec<Vec<u8>> = kinds
        .filter_map(|kind| {
            (0..512).find_map(|n| coulisse_types::Event::decode_body(kind, &zeros[..n]))
        })
        .map(|event| {
            let mut out = Vec::new();
            encode_events(&mut out, &[event]);
            out
        })
        .collect();
    let name = |text: &[u8]| Text::new(text).expect("a name");
    let asset = AssetCreated { asset: AssetId(1), name: Text::new(b"USD").expect("one"), scale: 8 };
    let group = GroupCreated { group: GroupId(1), name: name(b"desk") };
    let mut out = Vec::new();
    encode_events(&mut out, &[asset.into(), group.into()]);
    all.push(out);
    all
}
