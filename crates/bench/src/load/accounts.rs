//! The accounts that orders are sent for, with the keys that prove them.

use crate::{Failure, failure};
use std::path::Path;

/// An account and a key that may act for it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account's name.
    pub name: String,
    /// The key's public name.
    pub key_id: String,
    /// The Ed25519 private key.
    pub private_key: [u8; 32],
}

/// Reads a file of `account key_id private_key` lines, the last in hexadecimal digits.
///
/// # Errors
/// The file cannot be read, or a line means nothing: it is named, but not shown.
pub fn read(path: &Path) -> Result<Vec<Account>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    let mut accounts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(account) = parse(line) else {
            return failure(format!("{}: line {} means nothing", path.display(), index + 1));
        };
        accounts.push(account);
    }
    if accounts.is_empty() {
        failure(format!("{}: no accounts", path.display()))
    } else {
        Ok(accounts)
    }
}

fn parse(line: &str) -> Option<Account> {
    let mut words = line.split_whitespace();
    let (name, key_id) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut private_key = [0; 32];
    unhex(words.next()?.as_bytes(), &mut private_key)?;
    words.next().is_none().then_some(Account { name, key_id, private_key })
}

/// Reads exactly as many hexadecimal digits as fill `bytes`.
pub(crate) fn unhex(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != bytes.len() * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_an_account_its_key_and_the_private_key() {
        let account = parse(&format!("bench-0 key-0 {}", "0f".repeat(32))).expect("a line");
        assert_eq!((account.name.as_str(), account.key_id.as_str()), ("bench-0", "key-0"));
        assert_eq!(account.private_key, [15; 32]);
        for bad in ["", "bench-0 key-0", "bench-0 key-0 0f"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(parse(&format!("a b {} more", "0f".repeat(32))).is_none());
        assert!(parse(&format!("a b {}", "zz".repeat(32))).is_none());
    }
}
