//! Cursors: where a list goes on, as text that means nothing to a client.
//!
//! A cursor holds the operation and the key of the last row that was told, so that what comes and goes
//! between two pages moves none of the others: a row is told once or not at all. It is no secret and
//! opens nothing: whoever asks is asked again who they are. Its checksum tells one that was cut or
//! typed from one that was given.

use alloc::vec::Vec;

use super::bodies::unhex;
use super::history::Place;
use super::spec::Op;
use crate::crc::crc32;
use crate::digits;

/// The place of the operation in the table.
const OP_BYTES: usize = 1;
const CRC_BYTES: usize = 4;
/// The key of a row of history: its seq, and which of the record's rows it is.
const PLACE_BYTES: usize = 8 + 4;

/// Appends the cursor of an operation behind the row of a key.
fn write_key(out: &mut Vec<u8>, op: Op, key: &[u8]) {
    let place =
        Op::ALL.iter().position(|one| *one == op).and_then(|place| u8::try_from(place).ok());
    let mut body = Vec::with_capacity(OP_BYTES.saturating_add(key.len()));
    body.push(place.unwrap_or(u8::MAX));
    body.extend_from_slice(key);
    digits::hex(out, &body);
    digits::hex(out, &crc32(&body).to_be_bytes());
}

/// The key, of so many bytes, of a cursor that this operation gave.
fn read_key<const N: usize>(text: &[u8], op: Op) -> Option<[u8; N]> {
    let end = text.len().checked_sub(2 * CRC_BYTES)?;
    let mut key = [0; N];
    unhex(text.get(2 * OP_BYTES..end)?, &mut key)?;
    let mut told = Vec::with_capacity(text.len());
    write_key(&mut told, op, &key);
    told.eq_ignore_ascii_case(text).then_some(key)
}

/// Appends the cursor behind the row of this key.
pub fn write(out: &mut Vec<u8>, op: Op, key: u64) {
    write_key(out, op, &key.to_be_bytes());
}

/// The key of a cursor that this operation gave.
pub(super) fn read(text: &[u8], op: Op) -> Option<u64> {
    read_key(text, op).map(u64::from_be_bytes)
}

/// Appends the cursor behind the row of history at this place.
pub fn write_place(out: &mut Vec<u8>, op: Op, place: Place) {
    let mut key = [0; PLACE_BYTES];
    let (seq, item) = key.split_at_mut(8);
    seq.copy_from_slice(&place.seq.to_be_bytes());
    item.copy_from_slice(&place.item.to_be_bytes());
    write_key(out, op, &key);
}

/// The place of a cursor that this operation gave.
pub(super) fn read_place(text: &[u8], op: Op) -> Option<Place> {
    let key: [u8; PLACE_BYTES] = read_key(text, op)?;
    let (seq, item) = key.split_first_chunk()?;
    let item = item.first_chunk()?;
    Some(Place { seq: u64::from_be_bytes(*seq), item: u32::from_be_bytes(*item) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_the_operation_that_gave_it_and_whole_or_not_at_all() {
        for key in [0, 1, 88_123, (1 << 53) - 1, u64::MAX] {
            let mut text = Vec::new();
            write(&mut text, Op::OrdersOpen, key);
            assert_eq!(read(&text, Op::OrdersOpen), Some(key));
            assert_eq!(read(&text, Op::FillsGet), None, "another list's");
            assert_eq!(read_place(&text, Op::OrdersOpen), None, "a row of another kind");
            for at in 0..text.len() {
                let mut spoilt = text.clone();
                spoilt[at] = if spoilt[at] == b'0' { b'1' } else { b'0' };
                assert_eq!(read(&spoilt, Op::OrdersOpen), None, "digit {at} was changed");
                assert_eq!(read(&text[..at], Op::OrdersOpen), None, "cut at {at}");
            }
        }
    }

    #[test]
    fn a_place_in_history_is_read_as_it_was_written() {
        for (seq, item) in [(1, 0), (88_123, 7), (u64::MAX, u32::MAX)] {
            let mut text = Vec::new();
            write_place(&mut text, Op::FillsHistory, Place { seq, item });
            assert_eq!(read_place(&text, Op::FillsHistory), Some(Place { seq, item }));
            assert_eq!(read_place(&text, Op::LedgerGet), None, "another list's");
            assert_eq!(read(&text, Op::FillsHistory), None, "a row of another kind");
            text.push(b'0');
            assert_eq!(read_place(&text, Op::FillsHistory), None, "too long");
        }
    }
}
