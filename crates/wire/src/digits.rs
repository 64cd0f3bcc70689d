//! Numbers and texts into JSON, fast: two digits a step in 64 bits, no `format!`.

use alloc::vec::Vec;
use coulisse_types::decimal;

use crate::limits::EXCERPT_BYTES_MAX;

/// `00` to `99`, one after the other.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Writes the digits of a number, the last one at the end, over as much of `places` as they take.
///
/// They go to where they stay: a copy of bytes that were written just now one by one would wait for them.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the callers give as many places as there are digits, and a remainder of 100 is below 100"
)]
fn write_digits(places: &mut [u8], value: u64) {
    let mut start = places.len();
    let mut rest = value;
    while rest >= 100 {
        let pair = (rest % 100) as usize * 2;
        rest /= 100;
        start -= 2;
        places[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if rest >= 10 {
        let pair = rest as usize * 2;
        start -= 2;
        places[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        places[start - 1] = b'0' + rest as u8;
    }
}

/// How many digits a number has.
fn digit_count(value: u64) -> usize {
    let more = value.checked_ilog10().unwrap_or(0);
    usize::try_from(more).unwrap_or_default().saturating_add(1)
}

/// Appends a number with as many places as are asked for or as it has digits, zeros in front.
fn padded(out: &mut Vec<u8>, value: u64, places: usize) {
    let start = out.len();
    out.resize(start.saturating_add(places.max(digit_count(value))), b'0');
    if let Some(places) = out.get_mut(start..) {
        write_digits(places, value);
    }
}

/// Appends a whole number.
pub fn unsigned(out: &mut Vec<u8>, value: u64) {
    padded(out, value, 1);
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
        for value in [0, 9, 10, 99, 100, 101, u64::MAX] {
            assert_eq!(text(|out| unsigned(out, value)), value.to_string());
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
