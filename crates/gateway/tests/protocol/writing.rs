//! Frames out.

use crate::seen::{Seen, read_at_once};
use coulisse_gateway::frame::{
    Close, CloseCode, Flow, FrameReader, Message, Opcode, Role, apply_mask, begin_frame,
    write_close_answer, write_close_frame, write_pong_frame, write_text_frame,
};

/// Lengths at each border of the header's three forms.
const LENGTHS: [usize; 10] = [0, 1, 124, 125, 126, 127, 300, 65_535, 65_536, 70_000];

#[test]
fn a_frame_begun_and_finished_is_the_frame_written_at_once() {
    for length in LENGTHS {
        let payload = vec![b'x'; length];
        let mut at_once = b"before".to_vec();
        write_text_frame(&mut at_once, &payload);

        let mut in_steps = b"before".to_vec();
        let frame = begin_frame(&mut in_steps, Opcode::Text);
        in_steps.extend_from_slice(&payload);
        frame.finish(&mut in_steps);

        assert_eq!(in_steps, at_once, "{length} bytes");
        let shortest = match length {
            0..=125 => 2,
            126..=65_535 => 4,
            _ => 10,
        };
        assert_eq!(at_once.len(), 6 + shortest + length);
    }
}

#[test]
fn frames_begun_one_after_another_share_a_buffer() {
    let mut out = Vec::new();
    for payload in ["a", &"b".repeat(200), "", &"c".repeat(125)] {
        let frame = begin_frame(&mut out, Opcode::Text);
        out.extend_from_slice(payload.as_bytes());
        frame.finish(&mut out);
    }
    let texts = ["a".to_owned(), "b".repeat(200), String::new(), "c".repeat(125)];
    assert_eq!(read_at_once(Role::Client, &out), texts.map(Seen::Text));
}

#[test]
fn an_abandoned_frame_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let frame = begin_frame(&mut out, Opcode::Text);
    out.extend_from_slice(b"half a rep");
    frame.abandon(&mut out);
    assert_eq!(out, b"before");
}

#[test]
fn a_close_reason_is_cut_between_characters() {
    let mut out = Vec::new();
    write_close_frame(&mut out, CloseCode::GoingAway, &format!("a{}", "€".repeat(50)));
    assert_eq!(
        read_at_once(Role::Client, &out),
        [Seen::Close(Some(1001), format!("a{}", "€".repeat(40)))],
        "there is room for 123 bytes; the forty-first character would end at 124"
    );
}

#[test]
fn every_close_code_of_ours_may_be_sent() {
    use CloseCode as C;
    for (code, number) in [
        (C::Normal, 1000),
        (C::GoingAway, 1001),
        (C::ProtocolError, 1002),
        (C::Unsupported, 1003),
        (C::InvalidPayload, 1007),
        (C::PolicyViolation, 1008),
        (C::MessageTooBig, 1009),
        (C::InternalError, 1011),
        (C::ServiceRestart, 1012),
        (C::TryAgainLater, 1013),
    ] {
        let mut out = Vec::new();
        write_close_frame(&mut out, code, "");
        assert_eq!(read_at_once(Role::Client, &out), [Seen::Close(Some(number), String::new())]);
    }
}

#[test]
fn a_close_is_answered_with_its_own_code() {
    let answer_to = |stream: &[u8]| {
        let mut out = Vec::new();
        let mut answer = |close: Close<'_>| write_close_answer(&mut out, &close);
        let fed = FrameReader::new(Role::Client).feed(&mut stream.to_vec(), &mut |message| {
            if let Message::Close(close) = message {
                answer(close);
            }
            Flow::Continue
        });
        assert!(fed.is_ok());
        out
    };
    assert_eq!(answer_to(b"\x88\x05\x0f\xa0bye"), b"\x88\x02\x0f\xa0");
    assert_eq!(answer_to(b"\x88\x00"), b"\x88\x00");
}

#[test]
fn a_pong_carries_the_bytes_of_its_ping() {
    let mut out = Vec::new();
    write_pong_frame(&mut out, &[7; 125]);
    assert_eq!(read_at_once(Role::Client, &out), [Seen::Pong(vec![7; 125])]);
}

#[test]
fn masks_of_every_length_equal_the_bytewise_definition() {
    let key = [0x12, 0x34, 0x56, 0x78];
    for length in 0..200 {
        let mut masked: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let expected: Vec<u8> =
            masked.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        apply_mask(&mut masked, key);
        assert_eq!(masked, expected, "{length} bytes");
    }
}
