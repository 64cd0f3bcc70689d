//! Signed requests of the private REST, as a client of its own would write them.

use crate::load::accounts::Account;
use coulisse_wire::native::reply::write_rest_text;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt::Write as _;
use std::io::Write as _;

/// The route that places an order.
const TARGET: &str = "/v1/orders";

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// One digit of the signature is another.
    Signature,
    /// It was signed with another key's secret.
    Secret,
    /// The body is another than the one that was signed.
    Body,
    /// It was signed an hour ago.
    Late,
    /// It was sent before, and accepted.
    Replayed,
    /// Its key was revoked.
    Revoked,
    /// The time of its key is over.
    Expired,
}

impl Spoil {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Signature,
        Self::Secret,
        Self::Body,
        Self::Late,
        Self::Replayed,
        Self::Revoked,
        Self::Expired,
    ];

    /// What it is called in the figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Secret => "secret",
            Self::Body => "body",
            Self::Late => "late",
            Self::Replayed => "replayed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// How a request is signed.
pub(crate) struct Signing<'a> {
    pub(crate) host: &'a str,
    pub(crate) key_id: &'a str,
    pub(crate) secret: &'a [u8; 32],
    pub(crate) timestamp_us: u64,
    pub(crate) nonce: u64,
}

impl<'a> Signing<'a> {
    /// As the account's key signs now.
    pub(crate) fn of(host: &'a str, account: &'a Account, timestamp_us: u64, nonce: u64) -> Self {
        let Account { key_id, private_key, .. } = account;
        Self { host, key_id, secret: private_key, timestamp_us, nonce }
    }

    /// The signature over a body, in hexadecimal digits.
    fn sign(&self, body: &[u8]) -> String {
        let (timestamp, nonce) = (self.timestamp_us.to_string(), self.nonce.to_string());
        let parts = [self.key_id, &timestamp, &nonce, "", "POST", TARGET].map(str::as_bytes);
        let mut text = Vec::with_capacity(256 + body.len());
        write_rest_text(&mut text, self.host.as_bytes(), parts);
        text.extend_from_slice(body);
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(self.secret)
            .expect("a secret of any length will do");
        mac.update(&text);
        let mut digits = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    /// Appends the request that places what `body` says.
    pub(crate) fn write(&self, out: &mut Vec<u8>, body: &[u8]) {
        self.write_as(out, body, &self.sign(body));
    }

    /// The same, spoiled; what spoils a replay or a key is not in the request.
    pub(crate) fn write_spoiled(&self, out: &mut Vec<u8>, body: &[u8], spoil: Spoil) {
        let mut signature = match spoil {
            Spoil::Body => self.sign(&[body, b" "].concat()),
            _ => self.sign(body),
        };
        if spoil == Spoil::Signature {
            let place = usize::try_from(self.nonce % 64).unwrap_or(0);
            let other = if signature.as_bytes().get(place) == Some(&b'0') { "1" } else { "0" };
            signature.replace_range(place..=place, other);
        }
        self.write_as(out, body, &signature);
    }

    fn write_as(&self, out: &mut Vec<u8>, body: &[u8], signature: &str) {
        let Self { host, key_id, timestamp_us, nonce, .. } = self;
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            "POST {TARGET} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nCoulisse-Key: {key_id}\r\nCoulisse-Timestamp: {timestamp_us}\r\n\
             Coulisse-Nonce: {nonce}\r\nCoulisse-Signature: {signature}\r\n\r\n",
            body.len()
        );
        out.extend_from_slice(body);
    }
}

/// Reads one whole answer at the front: its length, its status, and its reject code, if it has one.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<(usize, u16, Option<&str>)> {
    let head_bytes = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_bytes]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let end = head_bytes + length.unwrap_or(0_usize);
    let body = std::str::from_utf8(bytes.get(head_bytes..end)?).ok()?;
    let code = body.split_once(r#""code":""#).and_then(|(_, rest)| rest.split_once('"'));
    Some((end, status, code.map(|(code, _)| code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account { name: "a".to_owned(), key_id: "a-1".to_owned(), private_key: [7; 32] }
    }

    fn written(spoil: Option<Spoil>) -> String {
        let (account, mut out) = (account(), Vec::new());
        let signing = Signing::of("localhost:8080", &account, 1_700_000_000_000_000, 5);
        match spoil {
            None => signing.write(&mut out, b"{}"),
            Some(spoil) => signing.write_spoiled(&mut out, b"{}", spoil),
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_request_is_signed_over_its_line_and_body() {
        let request = written(None);
        // `openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…` of
        // coulisse-rest-v1|localhost:8080|a-1|1700000000000000|5||POST|/v1/orders, a line feed and {}.
        let signature = "eb95a72c2bcdac8d6928b1a998ed08c17f193e6a2761bb619393ec188bf21c3e";
        let (_, rest) = request.split_once("Coulisse-Signature: ").expect("signed");
        assert_eq!(rest, format!("{signature}\r\n\r\n{{}}"));
        assert!(request.starts_with("POST /v1/orders HTTP/1.1\r\nHost: localhost:8080\r\n"));
    }

    #[test]
    fn a_spoiled_signature_is_another() {
        let good = written(None);
        assert_ne!(written(Some(Spoil::Signature)), good);
        assert_ne!(written(Some(Spoil::Body)), good);
        assert_eq!(written(Some(Spoil::Revoked)), good);
    }

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let text = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 25\r\n\r\n\
                    {\"error\":{\"code\":\"NOPE\"}}HTTP";
        let whole = text.len() - "HTTP".len();
        assert_eq!(read_answer(text.as_bytes()), Some((whole, 401, Some("NOPE"))));
        assert_eq!(read_answer(&text.as_bytes()[..whole - 1]), None);
        assert_eq!(read_answer(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((27, 204, None)));
    }
}
