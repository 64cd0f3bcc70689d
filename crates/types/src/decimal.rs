//! Decimals as text: the only way money enters from and leaves to the wire and screens.
//!
//! Cost: one pass, no allocation but the caller's buffer.

use alloc::vec::Vec;

/// Most digits a decimal may have in all: beyond this no value of ours fits.
pub const DIGITS_MAX: usize = 38;

/// Why text is not a decimal of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not `[-]digits[.digits]`.
    Syntax,
    /// Too many digits, or past an `i128`.
    Range,
    /// It has non-zero digits beyond the scale.
    TooFine,
}

/// Reads `[-]digits[.digits]` as a whole number of `10^-scale`.
///
/// No exponent, no sign but a leading `-`, no white space, no digitless part; leading zeros only as
/// `0` or `0.…`; trailing zeros beyond the scale are allowed, since they change nothing.
///
/// # Errors
/// [`DecimalError`] says which rule was broken.
pub fn parse(text: &[u8], scale: u8) -> Result<i128, DecimalError> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let point = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(point);
    let fraction = match fraction.split_first() {
        Some((_, [])) => return Err(DecimalError::Syntax),
        Some((_, rest)) => rest,
        None => fraction,
    };
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(DecimalError::Syntax);
    }
    if whole.len() > 1 && whole.first() == Some(&b'0') {
        return Err(DecimalError::Syntax);
    }
    let magnitude = scaled(whole, fraction, usize::from(scale))?;
    if negative { magnitude.checked_neg().ok_or(DecimalError::Range) } else { Ok(magnitude) }
}

fn scaled(whole: &[u8], fraction: &[u8], scale: usize) -> Result<i128, DecimalError> {
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale));
    if beyond.iter().any(|b| *b != b'0') {
        return Err(DecimalError::TooFine);
    }
    let zeros = scale.checked_sub(kept.len()).ok_or(DecimalError::Range)?;
    let digits = whole.len().checked_add(scale).ok_or(DecimalError::Range)?;
    if digits > DIGITS_MAX {
        return Err(DecimalError::Range);
    }
    if digits <= 18 {
        return narrow(whole, kept, zeros).map(i128::from);
    }
    let mut value = 0_i128;
    for byte in whole.iter().chain(kept).copied().chain(core::iter::repeat_n(b'0', zeros)) {
        value = push_digit(value, byte).ok_or(DecimalError::Range)?;
    }
    Ok(value)
}

fn push_digit(value: i128, byte: u8) -> Option<i128> {
    value.checked_mul(10)?.checked_add(i128::from(byte.checked_sub(b'0')?))
}

/// The common case: at most 18 digits, in 64-bit arithmetic.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "at most 18 decimal digits, checked by the caller, stay below 2^63"
)]
fn narrow(whole: &[u8], kept: &[u8], zeros: usize) -> Result<i64, DecimalError> {
    const POWERS: [i64; 19] = {
        let mut powers = [1_i64; 19];
        let mut i = 1;
        #[expect(clippy::indexing_slicing, reason = "constant bounds, evaluated by the compiler")]
        while i < 19 {
            powers[i] = powers[i - 1] * 10;
            i += 1;
        }
        powers
    };
    let mut value = 0_i64;
    for byte in whole.iter().chain(kept) {
        value = value * 10 + i64::from(byte - b'0');
    }
    POWERS.get(zeros).map(|power| value * power).ok_or(DecimalError::Range)
}

/// Appends `value` × 10^-scale as text with exactly `decimals` decimals, which must suffice.
///
/// Digits beyond `decimals` are dropped only where they are zero; otherwise all of `scale` is shown.
pub fn write(out: &mut Vec<u8>, value: i128, scale: u8, decimals: u8) {
    let mut digits = [b'0'; 64];
    let mut rest = value.unsigned_abs();
    let mut start = digits.len();
    let scale_len = usize::from(scale);
    // At least one digit before the point.
    let least = scale_len.saturating_add(1);
    while rest > 0 || digits.len().saturating_sub(start) < least {
        start = start.saturating_sub(1);
        if let (Some(slot), Ok(digit)) = (digits.get_mut(start), u8::try_from(rest % 10)) {
            *slot = b'0'.saturating_add(digit);
        }
        rest /= 10;
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale_len));
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(whole.get(start..).unwrap_or_default());
    let (shown, dropped) = fraction.split_at(usize::from(decimals.min(scale)));
    let fraction = if dropped.iter().any(|b| *b != b'0') { fraction } else { shown };
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// Appends a whole number.
pub fn write_integer(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    let mut rest = value;
    loop {
        start = start.saturating_sub(1);
        if let (Some(slot), Ok(digit)) = (digits.get_mut(start), u8::try_from(rest % 10)) {
            *slot = b'0'.saturating_add(digit);
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn text(value: i128, scale: u8, decimals: u8) -> String {
        let mut out = Vec::new();
        write(&mut out, value, scale, decimals);
        String::from_utf8(out).expect("ascii")
    }

    #[test]
    fn decimals_read_exactly_or_not_at_all() {
        assert_eq!(parse(b"60000.00", 2), Ok(6_000_000));
        assert_eq!(parse(b"0.01", 8), Ok(1_000_000));
        assert_eq!(parse(b"-1.5", 1), Ok(-15));
        assert_eq!(parse(b"1.000", 2), Ok(100));
        assert_eq!(parse(b"1.001", 2), Err(DecimalError::TooFine));
        assert_eq!(parse(b"170141183460469231731687303715884105728", 0), Err(DecimalError::Range));
        assert_eq!(
            parse(b"99999999999999999999", 18),
            Ok(99_999_999_999_999_999_999 * 10_i128.pow(18))
        );
        for bad in
            [&b""[..], b".", b"1.", b".5", b"+1", b"1e4", b"NaN", b" 1", b"01", b"--1", b"1.2.3"]
        {
            assert_eq!(parse(bad, 8), Err(DecimalError::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn decimals_print_what_was_read() {
        assert_eq!(text(6_000_000, 2, 2), "60000.00");
        assert_eq!(text(1, 8, 8), "0.00000001");
        assert_eq!(text(-15, 1, 1), "-1.5");
        assert_eq!(text(0, 0, 0), "0");
        assert_eq!(text(150_000_000, 8, 2), "1.50");
        assert_eq!(text(150_000_001, 8, 2), "1.50000001");
        assert_eq!(text(i128::MAX, 0, 0), "170141183460469231731687303715884105727");
    }
}
