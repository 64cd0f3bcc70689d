//! Cursors: where a list goes on, as text that means nothing to a client.
//!
//! A cursor holds the operation and the key of the last row that was told, so that what comes and goes
//! between two pages moves none of the others: a row is told once or not at all. It is no secret and
//! opens nothing: whoever asks is asked again who they are. Its checksum tells one that was cut or
//! typed from one that was given.

use alloc::vec::Vec;

use super::bodies::unhex;
use super::spec::Op;
use crate::crc::crc32;
use crate::digits;

/// The place of the operation in the table, and the key.
const BODY_BYTES: usize = 9;
const CRC_BYTES: usize = 4;
const BYTES: usize = BODY_BYTES + CRC_BYTES;
/// The length of a cursor in hexadecimal digits.
pub const CURSOR_DIGITS: usize = 2 * BYTES;

fn body(op: Op, key: u64) -> [u8; BODY_BYTES] {
    let place =
        Op::ALL.iter().position(|one| *one == op).and_then(|place| u8::try_from(place).ok());
    let mut body = [place.unwrap_or(u8::MAX); BODY_BYTES];
    if let Some(digits) = body.get_mut(1..) {
        digits.copy_from_slice(&key.to_be_bytes());
    }
    body
}

/// Appends the cursor behind the row of this key.
pub fn write(out: &mut Vec<u8>, op: Op, key: u64) {
    let body = body(op, key);
    digits::hex(out, &body);
    digits::hex(out, &crc32(&body).to_be_bytes());
}

/// The key of a cursor that this operation gave.
pub(super) fn read(text: &[u8], op: Op) -> Option<u64> {
    let mut bytes = [0; BYTES];
    unhex(text, &mut bytes)?;
    let key = bytes.get(1..BODY_BYTES)?.try_into().ok().map(u64::from_be_bytes)?;
    let mut told = Vec::with_capacity(CURSOR_DIGITS);
    write(&mut told, op, key);
    told.eq_ignore_ascii_case(text).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_the_operation_that_gave_it_and_whole_or_not_at_all() {
        for key in [0, 1, 88_123, (1 << 53) - 1, u64::MAX] {
            let mut text = Vec::new();
            write(&mut text, Op::OrdersOpen, key);
            assert_eq!(text.len(), CURSOR_DIGITS);
            assert_eq!(read(&text, Op::OrdersOpen), Some(key));
            assert_eq!(read(&text, Op::FillsGet), None, "another list's");
            for at in 0..text.len() {
                let mut spoilt = text.clone();
                spoilt[at] = if spoilt[at] == b'0' { b'1' } else { b'0' };
                assert_eq!(read(&spoilt, Op::OrdersOpen), None, "digit {at} was changed");
                assert_eq!(read(&text[..at], Op::OrdersOpen), None, "cut at {at}");
            }
        }
    }
}
