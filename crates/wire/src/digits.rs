//! Numbers and texts into JSON, fast: eight digits a step in 64 bits, no `format!`.

use alloc::vec::Vec;
use coulisse_types::decimal;

use crate::limits::EXCERPT_BYTES_MAX;

/// What eight digits make at most, and one more.
const EIGHT: u64 = 100_000_000;
/// The digit `0` in each of eight bytes.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below 10^8 as the bytes of a word, the first digit in its lowest
/// byte: halves, then quarters, then digits, all lanes of a step at once.
///
/// In each lane `x / 100` is `x * 10486 >> 20` (exact below 10^4) and `x / 10` is `x * 103 >> 10` (exact
/// below 10^2), and no product leaves its lane.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "no lane's product reaches the next lane, and no part is larger than its whole"
)]
const fn eight_digits(value: u64) -> u64 {
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let quarters = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((quarters * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((quarters - tens * 10) << 8)
}

/// Appends the last `places` of the eight digits of a number below 10^8.
///
/// All eight bytes are written, then those that are too many are taken away: what is written is a word
/// that was shifted, never a copy of bytes that have just been written.
#[inline]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "there are at most eight places, and as many bytes were just appended"
)]
fn last_of_eight(out: &mut Vec<u8>, digits: u64, places: usize) {
    let skipped = 8 - places.clamp(1, 8);
    out.extend_from_slice(&((digits | ZEROS) >> (8 * skipped)).to_le_bytes());
    out.truncate(out.len() - skipped);
}

/// Appends exactly `places` digits, 1 to 18, of a number that has no more.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "by constants that are not 0, and what is subtracted was compared"
)]
fn padded(out: &mut Vec<u8>, value: u64, places: usize) {
    if places <= 8 {
        last_of_eight(out, eight_digits(value), places);
    } else {
        padded(out, value / EIGHT, places - 8);
        last_of_eight(out, eight_digits(value % EIGHT), 8);
    }
}

/// Appends a whole number.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "by constants that are not 0; a word has at most 64 zero bits at its end"
)]
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    if value >= EIGHT {
        unsigned(out, value / EIGHT);
        last_of_eight(out, eight_digits(value % EIGHT), 8);
    } else {
        let digits = eight_digits(value);
        let zeros = (digits.trailing_zeros() / 8).min(7) as usize;
        last_of_eight(out, digits, 8 - zeros);
    }
}

/// Appends a whole number with its sign.
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(out, value.unsigned_abs());
}

/// Appends `value` × 10^-`decimals` with exactly that many decimals.
pub fn fixed(out: &mut Vec<u8>, value: i128, decimals: u8) {
    let (Ok(magnitude), 0..=18) = (u64::try_from(value.unsigned_abs()), decimals) else {
        decimal::write(out, value, decimals, decimals);
        return;
    };
    if value < 0 {
        out.push(b'-');
    }
    let scale = 10_u64.pow(u32::from(decimals));
    let (whole, part) = (magnitude.checked_div(scale), magnitude.checked_rem(scale));
    unsigned(out, whole.unwrap_or_default());
    if decimals > 0 {
        out.push(b'.');
        padded(out, part.unwrap_or_default(), usize::from(decimals));
    }
}

/// Appends bytes as the inside of a JSON string: escaped, and what is no UTF-8 as U+FFFD.
pub fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape_one(out, character);
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escape_one(out: &mut Vec<u8>, character: char) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\0'..='\u{1f}' | '\u{7f}' => {
            let code = u32::from(character);
            out.extend_from_slice(b"\\u00");
            for shift in [4_u32, 0] {
                let digit = usize::try_from((code >> shift) & 15).unwrap_or_default();
                out.extend(HEX.get(digit));
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Appends at most [`EXCERPT_BYTES_MAX`] of `bytes`, escaped, with `…` where more was there.
pub fn excerpt(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.split_at_checked(EXCERPT_BYTES_MAX) {
        Some((shown, rest)) if !rest.is_empty() => {
            // A character that the cut went through is not shown in part.
            let torn = shown.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
            let whole = shown.len().saturating_sub(torn);
            escaped(out, shown.get(..whole).unwrap_or_default());
            out.extend_from_slice("…".as_bytes());
        }
        _ => escaped(out, bytes),
    }
}

/// Appends bytes as lower-case hexadecimal digits.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend(HEX.get(usize::from(byte >> 4)));
        out.extend(HEX.get(usize::from(byte & 15)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use core::fmt::Write as _;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn fixed_decimals_equal_the_slow_writer_on_every_width() {
        let mut value = 1_i128;
        for _ in 0..120 {
            value = value.wrapping_mul(7).wrapping_add(3) % 10_i128.pow(30);
            for sign in [1, -1] {
                for decimals in 0..=20 {
                    let mut slow = Vec::new();
                    decimal::write(&mut slow, value * sign, decimals, decimals);
                    assert_eq!(
                        text(|out| fixed(out, value * sign, decimals)).as_bytes(),
                        slow,
                        "{value} {decimals}"
                    );
                }
            }
        }
        assert_eq!(text(|out| fixed(out, 0, 2)), "0.00");
        assert_eq!(text(|out| fixed(out, 1, 18)), "0.000000000000000001");
        assert_eq!(text(|out| fixed(out, i128::from(u64::MAX), 18)), "18.446744073709551615");
        assert_eq!(text(|out| fixed(out, i128::MIN, 0)), i128::MIN.to_string());
    }

    #[test]
    fn integers_print_to_their_ends() {
        let ends = (0..20).flat_map(|power| {
            let power = 10_u64.pow(power);
            [power - 1, power, power + 1, power / 7 * 9]
        });
        let some =
            (0..2_000_000_u64).map(|turn| turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (turn % 64));
        let small = (0..100_000).chain(99_900_000..100_000_100);
        let mut expected = String::new();
        for value in ends.chain(some).chain(small).chain([u64::MAX]) {
            expected.clear();
            write!(expected, "{value}").expect("memory");
            assert_eq!(text(|out| unsigned(out, value)), expected);
        }
        assert_eq!(text(|out| signed(out, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn text_of_any_bytes_becomes_a_json_string() {
        assert_eq!(
            text(|out| escaped(out, b"a\"b\\c\n\xff\x7f")),
            "a\\\"b\\\\c\\u000a\u{fffd}\\u007f"
        );
        let long = [b'x'; 100];
        assert_eq!(text(|out| excerpt(out, &long)).chars().count(), EXCERPT_BYTES_MAX + 1);
        let cut = "é".repeat(40).into_bytes();
        let odd: Vec<u8> = core::iter::once(b'a').chain(cut).collect();
        assert!(!text(|out| excerpt(out, &odd)).contains('\u{fffd}'));
    }
}
