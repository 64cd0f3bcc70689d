//! Tokens that stand for a person for some minutes: JSON Web Tokens, signed with HMAC-SHA256.
//!
//! The key is derived from the master key, so all workers of a node write and read the same tokens. A token
//! is read by one form only, the one in which it was written: header and claims byte for byte, in their
//! order. There is no choice of algorithm to confuse, and nothing of a token is looked at before its
//! signature.
//!
//! Claims: `iss` (`coulisse`), `aud` (whose tokens are taken here), `sub` (the `key_id`), `key` (its index in
//! the log), `sid` (the session, which lives on over refreshes), `jti` (this token), `auth_time`, `iat`, `exp`
//! (seconds), `pwd` (of which password: the hash of what the log holds of it), then, for whoever reads it,
//! `account` and `permissions`, which the node itself takes from the log.
//!
//! Source: RFC 7519 (JWT), RFC 7515 (JWS compact form), RFC 8725 (what goes wrong with them).

use crate::secrets::Secret;
use crate::view::KeyView;
use coulisse_types::keys::KeyMaterial;
use coulisse_types::{KeyId, KeyIndex};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MAC_BYTES: usize = 32;
/// How long a claim's text may be: more than any of ours.
const DIGITS_MAX: usize = 19;

/// What the node reads of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) key_id: KeyId,
    pub(super) key: KeyIndex,
    pub(super) session: u64,
    pub(super) token: u128,
    /// When the password was proved, when the token was written, and when it is over: s since the epoch.
    pub(super) begun_s: i64,
    pub(super) issued_s: i64,
    pub(super) expire_s: i64,
    pub(super) password: u64,
}

/// Which password a token was given for: changes with it, and tells nothing of it.
pub(super) fn mark_of(material: &KeyMaterial) -> u64 {
    let digest = Sha256::digest(material.as_slice());
    digest.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Writes a token.
pub(super) fn write(
    key: &Secret,
    audience: &str,
    claims: &Claims,
    account: &str,
    permissions: &str,
) -> Option<String> {
    let Claims { key_id, key: index, session, token, begun_s, issued_s, expire_s, password } =
        claims;
    let (key_id, index) = (key_id.as_str(), index.0);
    let payload = format!(
        "{{\"iss\":\"coulisse\",\"aud\":\"{audience}\",\"sub\":\"{key_id}\",\"key\":{index},\
         \"sid\":\"{session:016x}\",\"jti\":\"{token:032x}\",\"auth_time\":{begun_s},\
         \"iat\":{issued_s},\"exp\":{expire_s},\"pwd\":\"{password:016x}\",\
         \"account\":\"{account}\",\"permissions\":[{permissions}]}}"
    );
    let mut text = String::from(HEADER);
    text.push('.');
    encode(&mut text, payload.as_bytes());
    let mac = mac(key, text.as_bytes())?.finalize().into_bytes();
    text.push('.');
    encode(&mut text, &mac);
    Some(text)
}

/// Reads a token of ours; `None` for anything else, whatever is wrong with it.
pub(super) fn read(key: &Secret, audience: &str, text: &[u8]) -> Option<Claims> {
    let text = std::str::from_utf8(text).ok()?;
    let (signed, signature) = text.rsplit_once('.')?;
    let signature = decode(signature).filter(|bytes| bytes.len() == MAC_BYTES)?;
    mac(key, signed.as_bytes())?.verify_slice(&signature).ok()?;
    let payload = decode(signed.strip_prefix(HEADER)?.strip_prefix('.')?)?;
    claims(std::str::from_utf8(&payload).ok()?, audience)
}

fn claims(payload: &str, audience: &str) -> Option<Claims> {
    let rest = payload.strip_prefix("{\"iss\":\"coulisse\",\"aud\":\"")?.strip_prefix(audience)?;
    let (key_id, rest) = rest.strip_prefix("\",\"sub\":\"")?.split_once('"')?;
    let (index, rest) = number(rest.strip_prefix(",\"key\":")?)?;
    let (session, rest) = rest.strip_prefix(",\"sid\":\"")?.split_once('"')?;
    let (token, rest) = rest.strip_prefix(",\"jti\":\"")?.split_once('"')?;
    let (begun_s, rest) = number(rest.strip_prefix(",\"auth_time\":")?)?;
    let (issued_s, rest) = number(rest.strip_prefix(",\"iat\":")?)?;
    let (expire_s, rest) = number(rest.strip_prefix(",\"exp\":")?)?;
    let (password, _) = rest.strip_prefix(",\"pwd\":\"")?.split_once('"')?;
    Some(Claims {
        key_id: KeyId::new(key_id.as_bytes())?,
        key: KeyIndex(u32::try_from(index).ok()?),
        session: u64::from_str_radix(session, 16).ok()?,
        token: u128::from_str_radix(token, 16).ok()?,
        begun_s,
        issued_s,
        expire_s,
        password: u64::from_str_radix(password, 16).ok()?,
    })
}

fn number(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    if digits == 0 || digits > DIGITS_MAX {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// Names of permissions as JSON texts with commas between.
pub(super) fn permission_names(key: &KeyView) -> String {
    let names = coulisse_wire::native::keys::PERMISSION_NAMES;
    let held = names.iter().filter(|(_, bit)| key.permissions & bit != 0);
    let quoted: Vec<String> = held.map(|(name, _)| format!("\"{name}\"")).collect();
    quoted.join(",")
}

fn mac(key: &Secret, text: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice()).ok()?;
    mac.update(text);
    Some(mac)
}

/// Appends base64url without padding (RFC 4648, section 5).
fn encode(out: &mut String, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let mut all = [0; 4];
        for (place, byte) in all.iter_mut().skip(1).zip(group) {
            *place = *byte;
        }
        let bits = u32::from_be_bytes(all);
        for letter in 0..=group.len() {
            let index = (bits >> (18 - 6 * letter)) & 0x3F;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
}

/// Reads it; `None` where it is not in its one spelling.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for letter in group {
            let index = ALPHABET.iter().position(|known| known == letter)?;
            bits = (bits << 6) | u32::try_from(index).ok()?;
        }
        let missing = 4 - group.len();
        let whole = (bits << (6 * missing)).to_be_bytes();
        let count = 3_usize.checked_sub(missing).filter(|count| *count > 0)?;
        // What is left over must be zeros, or two texts would say the same.
        let is_tidy = whole.iter().skip(1 + count).all(|byte| *byte == 0);
        bytes.extend(whole.iter().skip(1).take(count).filter(|_| is_tidy));
        is_tidy.then_some(())?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn some() -> Claims {
        Claims {
            key_id: KeyId::new(b"ann").expect("short"),
            key: KeyIndex(7),
            session: 0xAB,
            token: 0xCD,
            begun_s: 1_800_000_000,
            issued_s: 1_800_000_100,
            expire_s: 1_800_001_000,
            password: 0xEF,
        }
    }

    fn key(byte: u8) -> Secret {
        Zeroizing::new([byte; 32])
    }

    fn token() -> String {
        write(&key(1), "here", &some(), "desk", "\"read\"").expect("a key")
    }

    /// The token with these header and payload, signed with the right key.
    fn forged(header: &str, payload: &str) -> String {
        let mut text = String::new();
        encode(&mut text, header.as_bytes());
        text.push('.');
        encode(&mut text, payload.as_bytes());
        let mac = mac(&key(1), text.as_bytes()).expect("a key").finalize().into_bytes();
        text.push('.');
        encode(&mut text, &mac);
        text
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        assert_eq!(read(&key(1), "here", token().as_bytes()), Some(some()));
    }

    #[test]
    fn a_token_of_another_key_or_audience_is_none() {
        assert_eq!(read(&key(2), "here", token().as_bytes()), None);
        for other in ["there", "her", "here2", ""] {
            assert_eq!(read(&key(1), other, token().as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn no_byte_of_a_token_can_be_another() {
        let token = token().into_bytes();
        for at in 0..token.len() {
            for other in [b'A', b'.', b'_', b'=', 0xFF] {
                let mut changed = token.clone();
                changed[at] = other;
                let is_same = changed == token;
                assert_eq!(read(&key(1), "here", &changed).is_some(), is_same, "{at} {other}");
            }
            assert_eq!(read(&key(1), "here", &token[..at]), None, "cut at {at}");
        }
        assert_eq!(read(&key(1), "here", &[&token[..], b"A"].concat()), None);
    }

    #[test]
    fn another_algorithm_is_none_even_with_a_right_signature() {
        let payload = token();
        let payload = payload.split('.').nth(1).expect("three parts");
        let payload = String::from_utf8(decode(payload).expect("base64")).expect("text");
        let good = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
        assert!(read(&key(1), "here", forged(good, &payload).as_bytes()).is_some());
        for bad in [
            "{\"alg\":\"none\",\"typ\":\"JWT\"}",
            "{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
            "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
            "{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
            "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"x\"}",
            "",
        ] {
            assert_eq!(read(&key(1), "here", forged(bad, &payload).as_bytes()), None, "{bad}");
        }
        let unsigned = format!(
            "{}.",
            forged("{\"alg\":\"none\"}", &payload).rsplit_once('.').expect("parts").0
        );
        assert_eq!(read(&key(1), "here", unsigned.as_bytes()), None);
    }

    #[test]
    fn base64url_is_that_of_rfc_4648() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"\xFB\xFF", "-_8"),
        ] {
            let mut out = String::new();
            encode(&mut out, bytes);
            assert_eq!(out, text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        for bad in ["Z", "Zh", "Zg==", "Zm9", "Zm+v"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
