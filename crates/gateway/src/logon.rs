//! Proof of a key: a signature over what the session was greeted with, Ed25519 or HMAC-SHA256.
//!
//! The text is `coulisse-logon-v1|host|key_id|nonce`, the nonce in lower-case hexadecimal digits.
//! Cost: about 0.1 ms for one verification.
//! Source: RFC 8032 (Ed25519), verified strictly (no small-order keys).

use crate::batch::ConnId;
use crate::conn::Conn;
use crate::frame::CloseCode;
use crate::hub::Hub;
use crate::secrets::is_hmac;
use crate::view::KeyView;
use coulisse_types::event::SessionEnded;
use coulisse_types::{Event, KeyIndex, KeyScheme, KeyState, RecordHeader, RejectCode, Seq};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

/// Whether these 32 bytes are a key that a signature can prove: a point of the curve in its one
/// spelling (RFC 8032 section 5.1.3), and not one of the few that prove anything.
pub fn is_public_key(public_key: &[u8; 32]) -> bool {
    // The coordinate, without the sign bit, is below 2^255 - 19.
    let [least, middle @ .., most] = public_key;
    let beyond = *least >= 0xED && middle.iter().all(|byte| *byte == 0xFF) && most & 0x7F == 0x7F;
    !beyond && VerifyingKey::from_bytes(public_key).is_ok_and(|key| !key.is_weak())
}

/// The public key of a private one, which is any 32 bytes that nobody can guess.
pub fn public_key(private_key: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(private_key).verifying_key().to_bytes()
}

/// Whether `signature` over `text` is that of an Ed25519 key.
pub(crate) fn is_signed(public_key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let (Ok(public_key), Ok(signature)) = (public_key.try_into(), signature.try_into()) else {
        return false;
    };
    VerifyingKey::from_bytes(public_key)
        .is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}

/// Whether a key works at this time.
pub(crate) fn check_works(key: &KeyView, now_us: i64) -> Result<(), RejectCode> {
    match key.state {
        KeyState::Revoked => return Err(RejectCode::KeyRevoked),
        KeyState::Waits => return Err(RejectCode::KeyNotBound),
        KeyState::Active => {}
    }
    let is_over = key.expire_ns != 0 && now_us.saturating_mul(1_000) >= key.expire_ns;
    if is_over { Err(RejectCode::KeyExpired) } else { Ok(()) }
}

impl Hub {
    /// Whether `signature` over `text` proves a key.
    pub(crate) fn is_proved(&self, key: &KeyView, text: &[u8], signature: &[u8]) -> bool {
        match key.scheme {
            KeyScheme::Ed25519 => is_signed(key.material.as_slice(), text, signature),
            // Nobody signs with a password.
            KeyScheme::Password => false,
            KeyScheme::HmacSha256 => {
                let secrets = self.secrets.as_ref();
                let secret = secrets
                    .and_then(|secrets| secrets.open(&key.key_id, key.account, &key.material));
                secret.is_some_and(|secret| is_hmac(&secret, text, signature))
            }
        }
    }

    /// Takes a key away from its sessions, as a record says.
    pub(crate) fn note_key(&mut self, event: &Event, header: &RecordHeader) {
        let seq = header.seq;
        match event {
            Event::KeyRevoked(revoked) => {
                self.end_sessions_of(revoked.key, seq, "the key was revoked");
                self.ended.forget(revoked.key);
                if let Some(secrets) = self.secrets.as_mut() {
                    secrets.shred(&revoked.key_id);
                }
            }
            Event::KeyBound(bound) => {
                self.end_sessions_of(bound.key, seq, "the key was bound anew: log on again");
            }
            Event::PasswordChanged(changed) => {
                let reason = "the password was changed: log on again";
                self.end_sessions_of(changed.key, seq, reason);
                // No token of the old password is good any more.
                self.ended.forget(changed.key);
            }
            Event::SessionEnded(ended) => {
                let SessionEnded { key, session, until_ns } = *ended;
                self.ended.note(key, session, until_ns, header.time_ns);
                let is_over = |conn: &Conn| {
                    let of = conn.identity.filter(|who| who.key == key).and_then(|who| who.session);
                    of.is_some_and(|of| self.ended.is_over(key, of.number, of.begun_s))
                };
                let over = self.conns().filter(|conn| is_over(conn)).map(|conn| conn.id);
                let ids: Vec<ConnId> = over.collect();
                self.end_all(&ids, seq, "the session was ended");
            }
            _ => {}
        }
    }

    /// Ends the sessions of a key that no longer works, or works otherwise than when they logged on.
    fn end_sessions_of(&mut self, key: KeyIndex, seq: Seq, reason: &'static str) {
        let is_its = |conn: &&Conn| conn.identity.is_some_and(|who| who.key == key);
        let ids: Vec<ConnId> = self.conns().filter(is_its).map(|conn| conn.id).collect();
        self.end_all(&ids, seq, reason);
    }

    /// Nobody is logged on there from here on; they close once this turn's replies are written.
    fn end_all(&mut self, ids: &[ConnId], seq: Seq, reason: &'static str) {
        for id in ids {
            if let Some(conn) = self.conn(*id) {
                conn.over = Some((seq, reason));
            }
        }
        self.over.extend_from_slice(ids);
    }

    /// Closes the connections whose sessions were ended.
    pub(crate) fn close_over(&mut self) {
        for id in std::mem::take(&mut self.over) {
            if let Some((seq, reason)) = self.conn(id).and_then(|conn| conn.over) {
                self.fail(id, seq, CloseCode::PolicyViolation, reason);
            }
        }
    }

    /// Ends the sessions whose keys' time is over. To be called every second or oftener.
    pub fn end_expired(&mut self, now_us: i64, seq: Seq) {
        if !self.some_expire {
            return;
        }
        self.some_expire = false;
        for id in self.conn_ids() {
            let who = self.conn(id).filter(|conn| !conn.closing).and_then(|conn| conn.identity);
            let Some(expire_ns) = who.map(|who| who.expire_ns).filter(|at| *at != 0) else {
                continue;
            };
            self.some_expire = true;
            if now_us.saturating_mul(1_000) >= expire_ns {
                let reason = match who.and_then(|who| who.session) {
                    Some(_) => "the token's time is over",
                    None => "the key's time is over",
                };
                self.fail(id, seq, CloseCode::PolicyViolation, reason);
            }
        }
    }
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
