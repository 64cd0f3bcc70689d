//! Proof of a key: an Ed25519 signature over what the session was greeted with.
//!
//! The text is `coulisse-logon-v1|host|key_id|nonce`, the nonce in lower-case hexadecimal digits.
//! Cost: about 0.1 ms for one verification.
//! Source: RFC 8032 (Ed25519), verified strictly (no small-order keys).

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `host`, as it stood in the request's `Host` header, is a name of this server.
///
/// `hosts` holds names without a port; `*` stands for any.
pub(crate) fn is_host(hosts: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    hosts.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(name))
}

/// Whether `signature` proves the key for this session.
pub(crate) fn is_signed(
    public_key: &[u8; 32],
    host: &str,
    key_id: &[u8],
    nonce: &[u8; 16],
    signature: &[u8; 64],
) -> bool {
    let mut text = Vec::with_capacity(128);
    coulisse_wire::native::reply::write_logon_text(&mut text, host.as_bytes(), key_id, nonce);
    VerifyingKey::from_bytes(public_key)
        .is_ok_and(|key| key.verify_strict(&text, &Signature::from_bytes(signature)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_this_server_are_its_host() {
        let hosts = ["localhost".to_string(), "127.0.0.1".to_string(), "[::1]".to_string()];
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080"] {
            assert!(is_host(&hosts, good), "{good}");
        }
        for bad in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil:80"] {
            assert!(!is_host(&hosts, bad), "{bad}");
        }
        assert!(is_host(&["*".to_string()], "anything:1"));
    }
}
