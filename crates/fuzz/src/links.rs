//! Frames between a worker and its core: the same whatever the cuts.
//!
//! Input: one byte (bit 0: down to the worker), then the stream.

use coulisse_gateway::hub::LogRoom;
use coulisse_gateway::link::{CoreEnd, Down, LinkFault, Told, Welcome, WorkerEnd};
use coulisse_types::{Command, RecordHeader};
use coulisse_wire::record::encode_record;

use crate::bend::cuts;

const WELCOME: Welcome = Welcome { node: 1, incarnation: 2, durable_seq: 3, first_session: 4 };

fn up<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut end = CoreEnd::new(&WELCOME);
    let mut said = Vec::new();
    'all: for read in reads {
        end.push(read);
        loop {
            match end.next_command() {
                Ok(Some(asked)) => said.push(format!("{asked:?}")),
                Ok(None) => break,
                Err(fault) => {
                    said.push(format!("{fault}"));
                    break 'all;
                }
            }
        }
    }
    said.push(format!("{}", end.takes_sessions()));
    said
}

fn down<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut end = WorkerEnd::default();
    let mut said = Vec::new();
    for read in reads {
        end.push(read);
        loop {
            match end.next_down() {
                Ok(Some(Down::Records(records))) => {
                    let answers = records.answers().collect::<Vec<_>>();
                    said.push(format!("{records:?} {answers:?}"));
                }
                Ok(Some(other)) => said.push(format!("{other:?}")),
                Ok(None) => break,
                Err(fault) => {
                    said.push(fault_text(fault));
                    return said;
                }
            }
        }
    }
    said
}

fn fault_text(fault: LinkFault) -> String {
    format!("{fault}")
}

pub(crate) fn run(bytes: &[u8]) {
    let Some((flags, stream)) = bytes.split_first() else { return };
    if flags & 1 == 0 {
        let whole = up([stream]);
        for at in cuts(stream) {
            let (left, right) = stream.split_at(at);
            assert_eq!(up([left, right]), whole, "up, cut at {at}");
        }
        assert_eq!(up(stream.chunks(1)), whole, "up, byte by byte");
    } else {
        let whole = down([stream]);
        for at in cuts(stream) {
            let (left, right) = stream.split_at(at);
            assert_eq!(down([left, right]), whole, "down, cut at {at}");
        }
        assert_eq!(down(stream.chunks(1)), whole, "down, byte by byte");
    }
}

fn records() -> Vec<u8> {
    let zeros = [0; 512];
    let mut out = Vec::new();
    for spec in Command::SCHEMA.iter().take(3) {
        let command = (0..512).find_map(|n| Command::decode_body(spec.number, &zeros[..n]));
        encode_record(&mut out, &RecordHeader::default(), &command.expect("zeros are a body"));
    }
    out
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let records = records();
    let mut core = CoreEnd::new(&WELCOME);
    core.own(5);
    core.drop_void(6);
    let told = Told { first_seq: 4, last_seq: 6, hash: [7; 16], records: &records };
    core.tell(&told).expect("room");
    core.tell_room(LogRoom::WaysOut);
    core.give_sessions(99);
    let mut worker = WorkerEnd::default();
    worker.ask_for_sessions();
    let length = u32::try_from(records.len()).expect("short").to_le_bytes();
    let commands = [length.as_slice(), &[1], &records].concat();
    vec![
        [&[1], core.out().pending()].concat(),
        [&[0], worker.pending()].concat(),
        [[0].as_slice(), &commands].concat(),
    ]
}
