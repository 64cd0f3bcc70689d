//! The kept corpus: for each target one file of inputs, each behind its length (u32, little-endian).

use std::path::PathBuf;

/// Longest input that is kept, and that libFuzzer is allowed.
pub const INPUT_BYTES_MAX: usize = 4_096;

/// Where the corpus of a target is.
#[must_use]
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{name}.corpus"))
}

/// The inputs of a corpus file.
///
/// # Errors
/// The byte at which it breaks off.
pub fn unpack(mut bytes: &[u8]) -> Result<Vec<&[u8]>, usize> {
    let whole = bytes.len();
    let mut inputs = Vec::new();
    while !bytes.is_empty() {
        let at = whole - bytes.len();
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(at)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| at)?;
        let (input, rest) = rest.split_at_checked(length).ok_or(at)?;
        inputs.push(input);
        bytes = rest;
    }
    Ok(inputs)
}
