//! The opening handshake of a WebSocket, server side (RFC 6455 section 4.2) and the key's answer,
//! which a client checks (section 4.1).
//!
//! Which paths have sockets, which names and origins are good (`site`) and which subprotocol is
//! spoken are the caller's rules; this room knows only the RFC's, and the words for a refusal.

use crate::deflate::Offer;
use crate::http::{Body, Head, Method, Version, error_response};
use core::fmt;

/// The version of the protocol, the only one.
const VERSION: &str = "13";

/// What a key is joined with before it is hashed (section 1.3).
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a Sec-WebSocket-Key: 16 bytes in base64.
const KEY_TEXT_BYTES: usize = 24;

/// Bytes of a Sec-WebSocket-Accept: 20 bytes in base64.
const ACCEPT_TEXT_BYTES: usize = 28;

/// Why an upgrade was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeFault {
    /// Not GET.
    MethodNotGet,
    /// HTTP/1.0.
    VersionTooOld,
    /// Upgrade does not name `websocket`, or Connection does not name `upgrade`.
    NotAnUpgrade,
    /// A request with a body.
    BodyPresent,
    /// Sec-WebSocket-Key is missing or is not 16 bytes in base64.
    KeyInvalid,
    /// Sec-WebSocket-Version is missing or is not 13.
    WebSocketVersionUnsupported,
    /// Sec-WebSocket-Extensions is not of the form that it must have.
    ExtensionsInvalid,
    /// Host names another server.
    HostUnknown,
    /// A page of another site.
    OriginNotAllowed,
}

impl UpgradeFault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::MethodNotGet,
        Self::VersionTooOld,
        Self::NotAnUpgrade,
        Self::BodyPresent,
        Self::KeyInvalid,
        Self::WebSocketVersionUnsupported,
        Self::ExtensionsInvalid,
        Self::HostUnknown,
        Self::OriginNotAllowed,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::MethodNotGet => 405,
            Self::HostUnknown | Self::OriginNotAllowed => 403,
            Self::WebSocketVersionUnsupported | Self::NotAnUpgrade => 426,
            Self::VersionTooOld
            | Self::BodyPresent
            | Self::KeyInvalid
            | Self::ExtensionsInvalid => 400,
        }
    }

    /// The code in the body of the response.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MethodNotGet => "UPGRADE_METHOD_NOT_GET",
            Self::VersionTooOld => "UPGRADE_NEEDS_HTTP_1_1",
            Self::NotAnUpgrade => "UPGRADE_REQUIRED",
            Self::BodyPresent => "UPGRADE_BODY_PRESENT",
            Self::KeyInvalid => "UPGRADE_KEY_INVALID",
            Self::WebSocketVersionUnsupported => "UPGRADE_VERSION_UNSUPPORTED",
            Self::ExtensionsInvalid => "UPGRADE_EXTENSIONS_INVALID",
            Self::HostUnknown => "UPGRADE_HOST_UNKNOWN",
            Self::OriginNotAllowed => "UPGRADE_ORIGIN_NOT_ALLOWED",
        }
    }

    /// The whole response: status line, headers, JSON body; it announces the close.
    pub fn response(self) -> Vec<u8> {
        let more_headers = match self {
            Self::MethodNotGet => "Allow: GET\r\n",
            Self::NotAnUpgrade | Self::WebSocketVersionUnsupported => {
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            }
            Self::VersionTooOld
            | Self::BodyPresent
            | Self::KeyInvalid
            | Self::ExtensionsInvalid
            | Self::HostUnknown
            | Self::OriginNotAllowed => "",
        };
        error_response(self.status(), self.code(), &self.to_string(), more_headers)
    }
}

impl fmt::Display for UpgradeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MethodNotGet => "a WebSocket is opened with GET",
            Self::VersionTooOld => "a WebSocket is opened with HTTP/1.1",
            Self::NotAnUpgrade => "send Upgrade: websocket and Connection: Upgrade",
            Self::BodyPresent => "an upgrade has no body",
            Self::KeyInvalid => "Sec-WebSocket-Key must be 16 bytes in base64",
            Self::WebSocketVersionUnsupported => "Sec-WebSocket-Version must be 13",
            Self::ExtensionsInvalid => "Sec-WebSocket-Extensions is malformed",
            Self::HostUnknown => {
                "the Host header is no name of this server; gateway.names may hold more"
            }
            Self::OriginNotAllowed => {
                "pages of this origin may not connect; gateway.origins may hold it"
            }
        })
    }
}

impl core::error::Error for UpgradeFault {}

/// Checks an upgrade and returns the 101 response.
///
/// `protocol` is the subprotocol that the caller picked of [`Head::websocket_protocol`], if any;
/// it must be one of those names. `deflate` is what may be agreed of [`Head::deflate`]; an extension is
/// declined by not being named.
///
/// # Errors
/// The first rule that the request breaks; [`UpgradeFault::response`] is its answer.
pub fn accept(
    head: &Head<'_>,
    protocol: Option<&str>,
    deflate: Offer,
) -> Result<Vec<u8>, UpgradeFault> {
    if head.method != Method::Get {
        return Err(UpgradeFault::MethodNotGet);
    }
    if head.version != Version::Http11 {
        return Err(UpgradeFault::VersionTooOld);
    }
    if !head.upgrade_websocket || !head.connection_upgrade {
        return Err(UpgradeFault::NotAnUpgrade);
    }
    if !matches!(head.body, Body::None | Body::Length(0)) {
        return Err(UpgradeFault::BodyPresent);
    }
    if head.websocket_version != Some(VERSION) {
        return Err(UpgradeFault::WebSocketVersionUnsupported);
    }
    let key = head.websocket_key.filter(|key| is_key(key)).ok_or(UpgradeFault::KeyInvalid)?;
    if deflate == Offer::Malformed {
        return Err(UpgradeFault::ExtensionsInvalid);
    }
    let accept = accept_text(key);
    let accept = core::str::from_utf8(&accept).unwrap_or_default();
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    );
    if let Some(name) = protocol {
        response.push_str("Sec-WebSocket-Protocol: ");
        response.push_str(name);
        response.push_str("\r\n");
    }
    if let Offer::Taken(agreed) = deflate {
        response.push_str("Sec-WebSocket-Extensions: ");
        response.push_str(agreed.text());
        response.push_str("\r\n");
    }
    response.push_str("\r\n");
    Ok(response.into_bytes())
}

/// The Sec-WebSocket-Accept that answers `key`, in ASCII. A client compares it with what came.
pub fn accept_text(key: &str) -> [u8; ACCEPT_TEXT_BYTES] {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(KEY_SUFFIX);
    base64_of_digest(hash.digest().bytes())
}

/// Whether `key` is base64 of 16 bytes: 22 letters of the alphabet and `==`.
fn is_key(key: &str) -> bool {
    key.len() == KEY_TEXT_BYTES
        && key
            .strip_suffix("==")
            .is_some_and(|letters| letters.bytes().all(|letter| BASE64_ALPHABET.contains(&letter)))
}

const BASE64_ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 of the 20 bytes of a SHA-1: six whole groups of three, and one of two.
fn base64_of_digest(digest: [u8; 20]) -> [u8; ACCEPT_TEXT_BYTES] {
    let mut text = [b'='; ACCEPT_TEXT_BYTES];
    for (group, letters) in digest.chunks(3).zip(text.chunks_exact_mut(4)) {
        let (a, b, c) = match *group {
            [a, b, c] => (a, b, Some(c)),
            [a, b] => (a, b, None),
            _ => continue,
        };
        let last = c.unwrap_or_default();
        let sextets = [a >> 2, (a << 4) | (b >> 4), (b << 2) | (last >> 6), last];
        let written = if c.is_some() { 4 } else { 3 };
        for (letter, sextet) in letters.iter_mut().zip(sextets).take(written) {
            let index = usize::from(sextet & 0x3F);
            *letter = BASE64_ALPHABET.get(index).copied().unwrap_or(b'=');
        }
    }
    text
}
