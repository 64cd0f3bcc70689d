//! Rows in the binary form of `PostgreSQL`'s `COPY … FROM STDIN (FORMAT binary)`.
//!
//! Source: the `PostgreSQL` documentation, `COPY`, "Binary Format"; of `numeric`: `numeric_recv` in
//! `src/backend/utils/adt/numeric.c`: digits of four decimals, weight of the first, sign, scale.

use crate::rows::{Cell, Part};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;
const NUMERIC_BASE: u128 = 10_000;
/// Digits of four decimals that 128 bits can have.
const NUMERIC_DIGITS_MAX: usize = 10;
const NUMERIC_POSITIVE: u16 = 0;
const NUMERIC_NEGATIVE: u16 = 0x4000;

impl Part {
    /// All its rows, with header and trailer.
    ///
    /// # Panics
    /// If a table has more than 32,767 columns.
    pub fn to_copy(&self) -> Vec<u8> {
        let width = self.width();
        let mut out = Vec::with_capacity(self.rows() * width * 12 + SIGNATURE.len() + 10);
        out.extend_from_slice(SIGNATURE);
        out.extend_from_slice(&[0; 8]);
        let fields = i16::try_from(width).expect("a table has few columns").to_be_bytes();
        for (at, cell) in self.cells().enumerate() {
            if at % width == 0 {
                out.extend_from_slice(&fields);
            }
            put(&mut out, cell);
        }
        out.extend_from_slice(&TRAILER.to_be_bytes());
        out
    }
}

fn put(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Keep => out.extend_from_slice(&NULL.to_be_bytes()),
        Cell::Int(value) => {
            out.extend_from_slice(&[0, 0, 0, 8]);
            out.extend_from_slice(&value.to_be_bytes());
        }
        Cell::Flag(value) => out.extend_from_slice(&[0, 0, 0, 1, u8::from(value)]),
        Cell::Text(text) => {
            let length = i32::try_from(text.len()).expect("a text of an event is short");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Minor(value) => put_numeric(out, value),
    }
}

fn put_numeric(out: &mut Vec<u8>, value: i128) {
    // The least significant digit first.
    let mut digits = [0_u16; NUMERIC_DIGITS_MAX];
    let mut rest = value.unsigned_abs();
    let mut count = 0;
    while rest > 0 {
        digits[count] = u16::try_from(rest % NUMERIC_BASE).expect("below 10,000");
        rest /= NUMERIC_BASE;
        count += 1;
    }
    let weight = u16::try_from(count.saturating_sub(1)).expect("ten at most");
    // Digits of zero at the end are not written.
    let first = digits[..count].iter().take_while(|digit| **digit == 0).count();
    let shown = &digits[first..count];
    let length = u16::try_from(shown.len()).expect("ten at most");
    out.extend_from_slice(&(8 + 2 * i32::from(length)).to_be_bytes());
    let sign = if value < 0 { NUMERIC_NEGATIVE } else { NUMERIC_POSITIVE };
    for head in [length, weight, sign, 0] {
        out.extend_from_slice(&head.to_be_bytes());
    }
    for digit in shown.iter().rev() {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(value: i128) -> Vec<u16> {
        let mut out = Vec::new();
        put_numeric(&mut out, value);
        let length = u32::from_be_bytes(out[..4].try_into().expect("four bytes")) as usize;
        assert_eq!(out.len(), 4 + length);
        out[4..]
            .chunks(2)
            .map(|two| u16::from_be_bytes(two.try_into().expect("two bytes")))
            .collect()
    }

    #[test]
    fn a_numeric_has_its_digits_of_four_decimals_without_zeros_at_the_end() {
        assert_eq!(numeric(0), [0, 0, 0, 0]);
        assert_eq!(numeric(1), [1, 0, 0, 0, 1]);
        assert_eq!(numeric(-9_999), [1, 0, 0x4000, 0, 9_999]);
        assert_eq!(numeric(10_000), [1, 1, 0, 0, 1]);
        assert_eq!(numeric(12_345_678), [2, 1, 0, 0, 1_234, 5_678]);
        assert_eq!(numeric(500_000_001), [3, 2, 0, 0, 5, 0, 1]);
        let most = numeric(i128::MAX);
        assert_eq!((most[0], most[1], most[4], most[13]), (10, 9, 170, 5_727));
        assert_eq!(numeric(i128::MIN)[2..5], [0x4000, 0, 170]);
    }
}
