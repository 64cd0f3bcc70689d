//! The examples of RFC 6455 section 5.7, byte for byte, and of section 1.3.

use crate::seen::{Seen, read_at_once};
use coulisse_gateway::frame::{FrameHead, Opcode, Role, write_frame};
use coulisse_gateway::upgrade::accept_text;

fn hello() -> Vec<Seen> {
    vec![Seen::Text("Hello".to_owned())]
}

#[test]
fn an_unmasked_text_message_in_one_frame() {
    let stream = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(read_at_once(Role::Client, &stream), hello());
    let mut out = Vec::new();
    write_frame(&mut out, FrameHead::whole(Opcode::Text), b"Hello");
    assert_eq!(out, stream);
}

#[test]
fn a_masked_text_message_in_one_frame() {
    let stream = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(read_at_once(Role::Server, &stream), hello());
    let mut out = Vec::new();
    write_frame(&mut out, FrameHead::masked(Opcode::Text, [0x37, 0xfa, 0x21, 0x3d]), b"Hello");
    assert_eq!(out, stream);
}

#[test]
fn a_fragmented_unmasked_text_message() {
    let stream = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(read_at_once(Role::Client, &stream), hello());
}

#[test]
fn an_unmasked_ping_and_its_masked_pong() {
    let asked = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(read_at_once(Role::Client, &asked), [Seen::Ping(b"Hello".to_vec())]);
    let answered = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(read_at_once(Role::Server, &answered), [Seen::Pong(b"Hello".to_vec())]);
}

#[test]
fn a_binary_message_of_256_bytes() {
    let payload: Vec<u8> = (0..=255).collect();
    let stream = [&[0x82, 0x7e, 0x01, 0x00], payload.as_slice()].concat();
    assert_eq!(read_at_once(Role::Client, &stream), [Seen::Binary(payload)]);
}

#[test]
fn a_binary_message_of_64_kib_is_the_longest_there_is() {
    let payload = vec![7; 65_536];
    let header = [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0];
    let stream = [&header, payload.as_slice()].concat();
    assert_eq!(read_at_once(Role::Client, &stream), [Seen::Binary(payload)]);
}

#[test]
fn the_key_of_section_1_3_has_the_answer_of_section_1_3() {
    assert_eq!(&accept_text("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn pings_between_fragments_come_before_the_message() {
    let stream =
        [0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x01, 0x21, 0x80, 0x02, 0x6c, 0x6f, 0x8a, 0x00];
    assert_eq!(
        read_at_once(Role::Client, &stream),
        [Seen::Ping(b"!".to_vec()), Seen::Text("Hello".to_owned()), Seen::Pong(Vec::new())]
    );
}
