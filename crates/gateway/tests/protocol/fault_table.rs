//! Malformed frames, each with the fault and the close code that answers it.

use crate::seen::{Seen, read_at_once};
use coulisse_gateway::frame::{CloseCode, FrameFault, FrameHead, Opcode, Role, write_frame};

/// A client's frame with a mask of zeros, so that the payload stays readable.
fn bare(first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut length = length.to_vec();
    length[0] |= 0x80;
    [&[first], length.as_slice(), &[0; 4], payload].concat()
}

fn check(stream: &[u8], fault: FrameFault, code: CloseCode) {
    let seen = read_at_once(Role::Server, stream);
    assert_eq!(seen, [Seen::Fault(fault)], "stream {stream:02x?}");
    assert_eq!(fault.close_code(), code, "{fault}");
    assert!(fault.reason().len() <= 123, "a close frame must hold {fault}");
}

#[test]
fn reserved_bits_are_1002() {
    for bits in [0x10, 0x20, 0x40, 0x70] {
        check(
            &bare(0x81 | bits, &[0], b""),
            FrameFault::ReservedBits { bits },
            CloseCode::ProtocolError,
        );
    }
}

#[test]
fn reserved_opcodes_are_1002() {
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let fault = FrameFault::UnknownOpcode { opcode };
        check(&bare(0x80 | opcode, &[0], b""), fault, CloseCode::ProtocolError);
    }
}

#[test]
fn an_unmasked_frame_of_a_client_is_1002() {
    check(&[0x81, 0x01, b'a'], FrameFault::MaskMissing, CloseCode::ProtocolError);
}

#[test]
fn a_masked_frame_of_a_server_is_1002() {
    let seen = read_at_once(Role::Client, &bare(0x81, &[1], b"a"));
    assert_eq!(seen, [Seen::Fault(FrameFault::MaskForbidden)]);
    assert_eq!(FrameFault::MaskForbidden.close_code(), CloseCode::ProtocolError);
}

#[test]
fn fragmented_and_long_control_frames_are_1002() {
    for opcode in [0x8, 0x9, 0xA] {
        check(&bare(opcode, &[0], b""), FrameFault::ControlFragmented, CloseCode::ProtocolError);
        check(
            &bare(0x80 | opcode, &[126, 0, 126], &[0; 126]),
            FrameFault::ControlTooLong,
            CloseCode::ProtocolError,
        );
    }
}

#[test]
fn a_length_in_too_long_a_form_is_1002() {
    for (length, bytes) in [
        (vec![126, 0, 0], 0),
        (vec![126, 0, 125], 125),
        (vec![127, 0, 0, 0, 0, 0, 0, 0, 0], 0),
        (vec![127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 65_535),
        (vec![127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1 << 63),
    ] {
        check(
            &bare(0x81, &length, b""),
            FrameFault::LengthForm { bytes },
            CloseCode::ProtocolError,
        );
    }
}

#[test]
fn continuations_out_of_place_are_1002() {
    let fault = FrameFault::ContinuationWithoutStart;
    check(&bare(0x80, &[0], b""), fault, CloseCode::ProtocolError);
    check(&bare(0x00, &[0], b""), fault, CloseCode::ProtocolError);
    for first in [0x81, 0x01, 0x82, 0x02] {
        let stream = [bare(0x01, &[1], b"a"), bare(first, &[1], b"b")].concat();
        check(&stream, FrameFault::StartWithinMessage, CloseCode::ProtocolError);
    }
}

#[test]
fn a_declared_length_past_the_limit_is_1009_before_its_payload_comes() {
    for bytes in [65_537_u64, 1 << 32, i64::MAX.unsigned_abs()] {
        let length = [&[127], bytes.to_be_bytes().as_slice()].concat();
        let fault = FrameFault::MessageTooBig { bytes, limit: 65_536 };
        check(&bare(0x82, &length, b""), fault, CloseCode::MessageTooBig);
    }
}

#[test]
fn fragments_that_sum_past_the_limit_are_1009() {
    let first = bare(0x02, &[126, 0xFF, 0xFF], &vec![0; 65_535]);
    let one = bare(0x00, &[1], b"x");
    let fault = FrameFault::MessageTooBig { bytes: 65_537, limit: 65_536 };
    check(&[first.clone(), one.clone(), one].concat(), fault, CloseCode::MessageTooBig);

    let last = bare(0x80, &[1], b"x");
    let at_the_limit = read_at_once(Role::Server, &[first, last].concat());
    assert!(matches!(at_the_limit.as_slice(), [Seen::Binary(bytes)] if bytes.len() == 65_536));
}

/// Byte strings that are no UTF-8: stray and missing continuations, overlong forms, surrogates,
/// past the last character (Kuhn's stress test, by kind).
const NOT_UTF8: [&[u8]; 12] = [
    b"\x80",
    b"\xbf",
    b"a\xc3",
    b"\xc3a",
    b"\xe2\x82",
    b"\xf0\x9f\x8e",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xfe",
    b"\xff",
];

#[test]
fn text_that_is_not_utf8_is_1007_whole_and_in_fragments_of_one_byte() {
    for payload in NOT_UTF8 {
        let length = u8::try_from(payload.len()).expect("short");
        check(&bare(0x81, &[length], payload), FrameFault::TextNotUtf8, CloseCode::InvalidPayload);
        let mut stream = bare(0x01, &[0], b"");
        for byte in payload {
            stream.extend(bare(0x00, &[1], &[*byte]));
        }
        stream.extend(bare(0x80, &[0], b""));
        check(&stream, FrameFault::TextNotUtf8, CloseCode::InvalidPayload);
    }
}

#[test]
fn a_bad_fragment_fails_before_the_message_ends() {
    let stream = [bare(0x01, &[2], b"ok"), bare(0x00, &[1], b"\xff")].concat();
    check(&stream, FrameFault::TextNotUtf8, CloseCode::InvalidPayload);
}

#[test]
fn text_cut_within_a_character_by_fragments_is_whole_again() {
    let text = "é€語🎭";
    let mut stream = bare(0x01, &[0], b"");
    for byte in text.bytes() {
        stream.extend(bare(0x00, &[1], &[byte]));
    }
    stream.extend(bare(0x80, &[0], b""));
    assert_eq!(read_at_once(Role::Server, &stream), [Seen::Text(text.to_owned())]);
}

#[test]
fn binary_messages_may_hold_any_bytes() {
    for payload in NOT_UTF8 {
        let mut stream = Vec::new();
        write_frame(&mut stream, FrameHead::masked(Opcode::Binary, [9, 8, 7, 6]), payload);
        assert_eq!(read_at_once(Role::Server, &stream), [Seen::Binary(payload.to_vec())]);
    }
}

#[test]
fn a_close_body_of_one_byte_is_1002() {
    check(&bare(0x88, &[1], b"\x03"), FrameFault::CloseBodyCut, CloseCode::ProtocolError);
}

#[test]
fn every_close_code_is_judged_as_the_registry_says() {
    for code in 0..=u16::MAX {
        let registered = (1000..=1014).contains(&code) && ![1004, 1005, 1006].contains(&code);
        let free = (3000..=4999).contains(&code);
        let expected = if registered || free {
            Seen::Close(Some(code), "bye".to_owned())
        } else {
            Seen::Fault(FrameFault::CloseCodeInvalid { code })
        };
        let body = [code.to_be_bytes().as_slice(), b"bye"].concat();
        assert_eq!(read_at_once(Role::Server, &bare(0x88, &[5], &body)), [expected]);
    }
    let fault = FrameFault::CloseCodeInvalid { code: 1005 };
    assert_eq!(fault.close_code(), CloseCode::ProtocolError);
}

#[test]
fn a_close_reason_that_is_not_utf8_is_1007() {
    check(
        &bare(0x88, &[3], b"\x03\xe8\xff"),
        FrameFault::CloseReasonNotUtf8,
        CloseCode::InvalidPayload,
    );
}

#[test]
fn a_close_without_a_body_is_sound() {
    assert_eq!(
        read_at_once(Role::Server, &bare(0x88, &[0], b"")),
        [Seen::Close(None, String::new())]
    );
}

#[test]
fn nothing_is_read_behind_a_close_or_a_fault() {
    let text = bare(0x81, &[1], b"a");
    let close = bare(0x88, &[0], b"");
    let broken = bare(0x83, &[0], b"");
    assert_eq!(
        read_at_once(Role::Server, &[text.clone(), close, text.clone(), broken.clone()].concat()),
        [Seen::Text("a".to_owned()), Seen::Close(None, String::new())]
    );
    let reads = [text.as_slice(), &broken, &text, &broken];
    assert_eq!(
        crate::seen::read_in_pieces(Role::Server, reads),
        [Seen::Text("a".to_owned()), Seen::Fault(FrameFault::UnknownOpcode { opcode: 3 })]
    );
}

#[test]
fn a_fault_prints_the_offending_value_and_the_limit() {
    assert_eq!(
        FrameFault::MessageTooBig { bytes: 70_000, limit: 65_536 }.to_string(),
        "message of 70000 bytes; limit 65536"
    );
    assert_eq!(
        FrameFault::CloseCodeInvalid { code: 999 }.to_string(),
        "this close code must not be sent: 999"
    );
    assert_eq!(FrameFault::UnknownOpcode { opcode: 3 }.to_string(), "reserved opcode: 0x3");
}
