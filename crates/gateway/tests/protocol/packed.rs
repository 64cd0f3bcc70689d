//! Compressed messages (RFC 7692): what is read, what is refused, and that nothing grows past its limit.

use crate::seeded::Seeded;
use crate::seen::Seen;
use coulisse_gateway::frame::{
    CloseCode, Fed, Flow, FrameFault, FrameHead, FrameReader, Opcode, Role, write_frame,
};
use coulisse_gateway::limits::MESSAGE_BYTES_MAX;
use flate2::{Compress, Compression, FlushCompress};

const RSV1: u8 = 0x40;

/// What a sender makes of a message: flushed, without the tail.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_024);
    Compress::new(Compression::best(), false)
        .compress_vec(bytes, &mut out, FlushCompress::Sync)
        .expect("it compresses");
    out.truncate(out.len() - 4);
    out
}

/// A client's frame; `rsv` are its reserved bits.
fn frame(rsv: u8, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, FrameHead { fin, opcode, mask: Some([9, 8, 7, 6]) }, payload);
    out[0] |= rsv;
    out
}

fn read_in(role: Role, agreed: bool, reads: &[&[u8]]) -> Vec<Seen> {
    let mut reader = FrameReader::new(role);
    if agreed {
        reader.inflate();
    }
    let mut seen = Vec::new();
    for read in reads {
        let fed = reader.feed(&mut read.to_vec(), &mut |message| {
            seen.push(message.into());
            Flow::Continue
        });
        if let Err(fault) = fed {
            seen.push(Seen::Fault(fault));
        }
    }
    seen
}

fn read(stream: &[u8]) -> Vec<Seen> {
    read_in(Role::Server, true, &[stream])
}

fn text(text: &str) -> Vec<Seen> {
    vec![Seen::Text(text.to_owned())]
}

fn refused(stream: &[u8], fault: FrameFault, code: CloseCode) {
    assert_eq!(read(stream), [Seen::Fault(fault)], "{:02x?}", &stream[..stream.len().min(40)]);
    assert_eq!(fault.close_code(), code);
    assert!(fault.reason().len() <= 123);
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // Section 7.2.3, as a server sends them.
    for (bytes, said) in [
        (&[0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], "Hello"),
        (&[0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
        (&[0xc1, 0x0b, 0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0], "Hello"),
        (&[0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "Hello"),
        (&[0xc1, 0x0d, 0xf2, 0x48, 5, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
        (&[0xc1, 0x01, 0x00], ""),
    ] {
        assert_eq!(read_in(Role::Client, true, &[bytes]), text(said), "{bytes:02x?}");
    }
    // The second Hello of section 7.2.3.2 refers to the first: no context was agreed.
    let again = [0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00];
    let first = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let both = read_in(Role::Client, true, &[&[&first[..], &again].concat()]);
    assert_eq!(both, [text("Hello"), vec![Seen::Fault(FrameFault::PackedInvalid)]].concat());
}

/// Plain, compressed, fragmented, empty, with control frames between.
fn a_stream_of_everything() -> (Vec<u8>, Vec<Seen>) {
    let long = "60000.00 €, ".repeat(100);
    let parts = packed(long.as_bytes());
    let (left, right) = parts.split_at(parts.len() / 2);
    let stream = [
        frame(0, true, Opcode::Text, b"plain"),
        frame(RSV1, true, Opcode::Text, &packed(long.as_bytes())),
        frame(RSV1, false, Opcode::Text, left),
        frame(0, true, Opcode::Ping, b"there?"),
        frame(0, false, Opcode::Continuation, b""),
        frame(0, true, Opcode::Continuation, right),
        frame(RSV1, true, Opcode::Binary, &packed(&[0xff; 300])),
        frame(RSV1, false, Opcode::Text, b""),
        frame(0, true, Opcode::Continuation, &packed(b"")),
        frame(0, false, Opcode::Text, b"plain "),
        frame(0, true, Opcode::Continuation, b"again"),
    ];
    let said = vec![
        Seen::Text("plain".to_owned()),
        Seen::Text(long.clone()),
        Seen::Ping(b"there?".to_vec()),
        Seen::Text(long),
        Seen::Binary(vec![0xff; 300]),
        Seen::Text(String::new()),
        Seen::Text("plain again".to_owned()),
    ];
    (stream.concat(), said)
}

#[test]
fn however_the_stream_is_cut_the_messages_are_the_same() {
    let (stream, said) = a_stream_of_everything();
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(read_in(Role::Server, true, &[left, right]), said, "cut at {at}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read_in(Role::Server, true, &bytes), said);
}

#[test]
fn a_reserved_bit_means_a_compressed_message_only_where_it_was_agreed_and_where_one_begins() {
    let hello = packed(b"Hello");
    let fault = |bits| FrameFault::ReservedBits { bits };
    let unasked = frame(RSV1, true, Opcode::Text, &hello);
    assert_eq!(read_in(Role::Server, false, &[&unasked]), [Seen::Fault(fault(RSV1))]);
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        refused(&frame(RSV1, true, opcode, b""), fault(RSV1), CloseCode::ProtocolError);
    }
    for bits in [0x10, 0x20, 0x50, 0x60, 0x70] {
        refused(&frame(bits, true, Opcode::Text, &hello), fault(bits), CloseCode::ProtocolError);
    }
    let (left, right) = hello.split_at(2);
    for first in [0, RSV1] {
        let stream = [
            frame(first, false, Opcode::Binary, left),
            frame(RSV1, true, Opcode::Continuation, right),
        ]
        .concat();
        refused(&stream, fault(RSV1), CloseCode::ProtocolError);
    }
}

#[test]
fn a_message_grows_to_its_limit_and_no_further() {
    let at = "a".repeat(MESSAGE_BYTES_MAX);
    assert_eq!(read(&frame(RSV1, true, Opcode::Text, &packed(at.as_bytes()))), text(&at));
    for past in [MESSAGE_BYTES_MAX + 1, 2 * MESSAGE_BYTES_MAX, 1 << 20, 16 << 20] {
        let bomb = packed(&vec![0; past]);
        assert!(bomb.len() < MESSAGE_BYTES_MAX, "{} bytes come", bomb.len());
        // One byte past it, it is given up.
        let (bytes, limit) = (MESSAGE_BYTES_MAX as u64 + 1, MESSAGE_BYTES_MAX);
        let fault = FrameFault::MessageTooBig { bytes, limit };
        refused(&frame(RSV1, true, Opcode::Binary, &bomb), fault, CloseCode::MessageTooBig);
        let pieces: Vec<u8> = bomb
            .chunks(100)
            .enumerate()
            .flat_map(|(at, piece)| {
                let (rsv, opcode) =
                    if at == 0 { (RSV1, Opcode::Binary) } else { (0, Opcode::Continuation) };
                frame(rsv, (at + 1) * 100 >= bomb.len(), opcode, piece)
            })
            .collect();
        refused(&pieces, fault, CloseCode::MessageTooBig);
    }
}

#[test]
fn what_comes_is_bounded_as_well_as_what_it_grows_to() {
    // Stored blocks of random bytes are longer than the bytes.
    let random = Seeded::new(7).bytes(MESSAGE_BYTES_MAX - 100);
    let came = packed(&random);
    assert!(came.len() > random.len() && came.len() <= MESSAGE_BYTES_MAX);
    assert_eq!(read(&frame(RSV1, true, Opcode::Binary, &came)), [Seen::Binary(random)]);
    let came = packed(&Seeded::new(7).bytes(MESSAGE_BYTES_MAX));
    let (bytes, limit) = (came.len() as u64, MESSAGE_BYTES_MAX);
    assert!(came.len() > limit);
    let fault = FrameFault::MessageTooBig { bytes, limit };
    refused(&frame(RSV1, true, Opcode::Binary, &came), fault, CloseCode::MessageTooBig);
    let (left, right) = came.split_at(40_000);
    let stream =
        [frame(RSV1, false, Opcode::Binary, left), frame(0, true, Opcode::Continuation, right)]
            .concat();
    refused(&stream, fault, CloseCode::MessageTooBig);
}

#[test]
fn what_is_not_exactly_one_message_is_1007() {
    let invalid = |payload: &[u8]| {
        let stream = frame(RSV1, true, Opcode::Text, payload);
        refused(&stream, FrameFault::PackedInvalid, CloseCode::InvalidPayload);
    };
    let sound = packed("60000.00, 60000.50, 60000.00".repeat(3).as_bytes());
    for cut in 0..sound.len() {
        invalid(&sound[..cut]);
    }
    invalid(&[&sound[..], b"\xff"].concat());
    invalid(&[&sound[..], &[0, 0, 0xff, 0xff]].concat());
    invalid(b"{\"op\":\"ping\"}");
    // A block that says it is the last ends the message; but for the byte that its sender must add.
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(read(&frame(RSV1, true, Opcode::Text, &[&last[..], &[0]].concat())), text("Hello"));
    invalid(&last);
    invalid(&[&last[..], &[0, 0]].concat());
    invalid(&[&last[..], &[1]].concat());
    invalid(&[&last[..], &last, &[0]].concat());
    // A distance that reaches before the message's first byte.
    invalid(&[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let random = Seeded::new(3);
    let mut random = random;
    for _ in 0..2_000 {
        let count = random.below(60);
        let garbage = random.bytes(count);
        let seen = read(&frame(RSV1, true, Opcode::Binary, &garbage));
        let invalid = [Seen::Fault(FrameFault::PackedInvalid)];
        assert!(seen == invalid || matches!(seen[..], [Seen::Binary(_)]), "{garbage:02x?}");
    }
}

#[test]
fn text_that_is_not_utf8_once_inflated_is_1007() {
    let stream = frame(RSV1, true, Opcode::Text, &packed(b"caf\xe9"));
    refused(&stream, FrameFault::TextNotUtf8, CloseCode::InvalidPayload);
}

#[test]
fn a_connection_keeps_nothing_between_messages() {
    let (stream, said) = a_stream_of_everything();
    let mut reader = FrameReader::new(Role::Server);
    reader.inflate();
    reader.lend_inflater(Box::default());
    let mut count = 0;
    let fed = reader.feed(&mut stream.clone(), &mut |_| {
        count += 1;
        Flow::Continue
    });
    assert_eq!((fed, count), (Ok(Fed::Drained), said.len()));
    assert!(reader.take_inflater().is_some() && reader.take_inflater().is_none());
    assert_eq!(reader.kept_bytes(), 0);
    assert!(reader.allocated_bytes() <= 512, "{}", reader.allocated_bytes());
}

#[test]
fn a_reader_stops_when_it_has_worked_enough_and_goes_on_where_it_was() {
    let long = "60000.00 ".repeat(1_000);
    let one = frame(RSV1, true, Opcode::Text, &packed(long.as_bytes()));
    let mut stream = one.repeat(10);
    let mut reader = FrameReader::new(Role::Server);
    reader.inflate();
    let mut counts = Vec::new();
    let lend = |reader: &mut FrameReader| {
        let mut inflater = reader.take_inflater().unwrap_or_default();
        inflater.measure(3 * long.len());
        reader.lend_inflater(inflater);
    };
    lend(&mut reader);
    let mut count = 0;
    let mut fed = reader.feed(&mut stream, &mut |_| {
        count += 1;
        Flow::Continue
    });
    counts.push(count);
    while fed == Ok(Fed::Stopped) {
        lend(&mut reader);
        count = 0;
        fed = reader.resume(&mut |_| {
            count += 1;
            Flow::Continue
        });
        counts.push(count);
    }
    assert_eq!((fed, counts), (Ok(Fed::Drained), vec![3, 3, 3, 1]));
    let work = reader.take_inflater().expect("it was lent").take_work();
    assert_eq!((work.messages, work.bytes), (10, 10 * long.len() as u64));
    assert_eq!(work.packed_bytes, 10 * (one.len() as u64 - 6 - 2 * u64::from(one.len() > 131)));
}
