//! Proof of a key: an Ed25519 signature over what the session was greeted with.
//!
//! The text is `coulisse-logon-v1|host|key_id|nonce`, the nonce in lower-case hexadecimal digits.
//! Cost: about 0.1 ms for one verification.
//! Source: RFC 8032 (Ed25519), verified strictly (no small-order keys).

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether these 32 bytes are a key that a signature can prove: a point of the curve in its one
/// spelling (RFC 8032 section 5.1.3), and not one of the few that prove anything.
pub fn is_public_key(public_key: &[u8; 32]) -> bool {
    // The coordinate, without the sign bit, is below 2^255 - 19.
    let [least, middle @ .., most] = public_key;
    let beyond = *least >= 0xED && middle.iter().all(|byte| *byte == 0xFF) && most & 0x7F == 0x7F;
    !beyond && VerifyingKey::from_bytes(public_key).is_ok_and(|key| !key.is_weak())
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
    use super::is_public_key;

    #[test]
    fn what_is_no_point_of_the_curve_or_proves_anything_is_no_key() {
        // RFC 8032 section 7.1, test 1.
        let good = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ];
        assert!(is_public_key(&good));
        let one = [&[1][..], &[0; 31]].concat();
        let two = [&[2][..], &[0; 31]].concat();
        for bad in [&[0xFF; 32][..], &[0; 32], &one, &two] {
            assert!(!is_public_key(bad.try_into().expect("32 bytes")), "{bad:?}");
        }
    }
}
