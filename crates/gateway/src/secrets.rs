//! Secrets of HMAC keys and hashes of passwords: sealed where the log holds them, opened where they are checked.
//!
//! Each secret is encrypted with a data key of its own (ChaCha20-Poly1305, RFC 8439); the log holds the
//! result. The data keys are encrypted with the node's master key, and lie in a small file outside the
//! log: without its data key a secret is gone, whatever holds the log. Both are bound to the key's id and
//! its account as associated data, so that none opens in another's place.
//!
//! Invariants
//! - Nothing here is printed, and what was opened is overwritten when it is dropped.
//! - A data key is drawn for one key, and encrypts its secret alone; of a person's key each password that it
//!   gets, under a nonce that is drawn for it.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use coulisse_types::keys::KeyMaterial;
use coulisse_types::limits::KEY_SEALED_BYTES;
use coulisse_types::{AccountId, KeyId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Bytes of a secret, of a data key and of a master key.
pub const SECRET_BYTES: usize = 32;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Random bytes that one key asks for: secret, data key, and a nonce for each of the two.
pub const DRAWN_BYTES: usize = 2 * SECRET_BYTES + 2 * NONCE_BYTES;
const SEALED_FOR: &str = "coulisse-secret-v1";
const WRAPPED_FOR: &str = "coulisse-data-key-v1";

/// A secret that is overwritten when it is dropped.
pub type Secret = Zeroizing<[u8; SECRET_BYTES]>;

/// What is drawn for one key, overwritten when it is dropped.
pub type Drawn = Zeroizing<[u8; DRAWN_BYTES]>;

/// Puts a secret that is given in the place of the one that was drawn.
pub fn put_given(drawn: &mut Drawn, given: &Secret) {
    if let Some(place) = drawn.first_chunk_mut() {
        *place = **given;
    }
}

/// Where the edge gets secrets from, and what keeps their data keys.
pub trait Secrets: Send {
    /// Draws a secret for a key that does not exist yet, and seals it. Its data key is on disk when this
    /// returns. `None` where that failed, or where there is a data key of that id already.
    fn issue(&mut self, key_id: &KeyId, account: AccountId) -> Option<(Secret, KeyMaterial)>;
    /// Opens a secret; `None` where its data key is gone, or is another's.
    fn open(&self, key_id: &KeyId, account: AccountId, sealed: &KeyMaterial) -> Option<Secret>;
    /// Seals a secret that is given, for a key that does not exist yet, as `issue` does one that is drawn.
    fn seal(&mut self, key_id: &KeyId, account: AccountId, secret: &Secret) -> Option<KeyMaterial>;
    /// Seals another secret of a key that exists, under its data key: nothing on disk changes, so what the
    /// log holds so far opens until the record is there.
    fn seal_again(
        &self,
        key_id: &KeyId,
        account: AccountId,
        secret: &Secret,
    ) -> Option<KeyMaterial>;
    /// Destroys a data key.
    fn shred(&mut self, key_id: &KeyId);
    /// A key that follows from the master key and a purpose, and says nothing of either.
    fn derive(&self, purpose: &str) -> Secret;
    /// Fills bytes with what nobody can guess.
    fn draw(&self, bytes: &mut [u8]) -> Option<()>;
}

/// What a file of data keys holds, without the file.
pub struct Vault {
    master: Secret,
    wrapped: BTreeMap<KeyId, (AccountId, [u8; KEY_SEALED_BYTES])>,
}

/// A line of the file that is none of ours, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine(pub usize);

impl Vault {
    /// Reads the lines of a file of data keys, as [`Vault::text`] writes them.
    ///
    /// # Errors
    /// [`BadLine`], also where a data key was wrapped by another master key.
    pub fn read(master: Secret, text: &str) -> Result<Self, BadLine> {
        let mut vault = Self { master, wrapped: BTreeMap::new() };
        for (line, number) in text.lines().zip(1..) {
            let (key_id, account, wrapped) = entry(line).ok_or(BadLine(number))?;
            vault.wrapped.insert(key_id, (account, wrapped));
            vault.data_key(&key_id, account).ok_or(BadLine(number))?;
        }
        Ok(vault)
    }

    /// The file: a line `key_id account_id hex` for each data key.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (key_id, (account, wrapped)) in &self.wrapped {
            // Writing to a String does not fail.
            let _ = write!(text, "{} {} ", key_id.as_str(), account.0);
            for byte in wrapped {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// The ids that there are data keys of.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.wrapped.keys()
    }

    /// Whether there is a data key of this id.
    pub fn has(&self, key_id: &KeyId) -> bool {
        self.wrapped.contains_key(key_id)
    }

    /// Makes a secret of what was drawn, and seals it under a data key of its own.
    pub fn issue(
        &mut self,
        key_id: &KeyId,
        account: AccountId,
        drawn: &Drawn,
    ) -> Option<(Secret, KeyMaterial)> {
        let (secret, rest) = drawn.split_first_chunk::<SECRET_BYTES>()?;
        let (data_key, rest) = rest.split_first_chunk::<SECRET_BYTES>()?;
        let (one, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let two = rest.first_chunk::<NONCE_BYTES>()?;
        let wrapped = seal(&self.master, one, data_key, WRAPPED_FOR, key_id, account)?;
        let sealed = seal(data_key, two, secret, SEALED_FOR, key_id, account)?;
        self.wrapped.insert(*key_id, (account, wrapped));
        Some((Zeroizing::new(*secret), KeyMaterial::new(&sealed)?))
    }

    /// Seals another secret under the data key that there is, with a nonce that was drawn for it.
    pub fn seal_again(
        &self,
        key_id: &KeyId,
        account: AccountId,
        secret: &Secret,
        nonce: &[u8; NONCE_BYTES],
    ) -> Option<KeyMaterial> {
        let data_key = self.data_key(key_id, account)?;
        KeyMaterial::new(&seal(&data_key, nonce, secret, SEALED_FOR, key_id, account)?)
    }

    /// HKDF-Expand (RFC 5869, section 2.3) of the master key, one block: it is drawn evenly, so there is
    /// nothing to extract.
    pub fn derive(&self, purpose: &str) -> Secret {
        let mut derived = Zeroizing::new([0; SECRET_BYTES]);
        if let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(self.master.as_slice()) {
            mac.update(purpose.as_bytes());
            mac.update(&[1]);
            derived.copy_from_slice(&mac.finalize().into_bytes());
        }
        derived
    }

    /// Opens a sealed secret.
    pub fn open(&self, key_id: &KeyId, account: AccountId, sealed: &KeyMaterial) -> Option<Secret> {
        let data_key = self.data_key(key_id, account)?;
        open(&data_key, sealed.as_slice(), SEALED_FOR, key_id, account)
    }

    /// Forgets a data key; whether there was one.
    pub fn forget(&mut self, key_id: &KeyId) -> bool {
        self.wrapped.remove(key_id).is_some()
    }

    fn data_key(&self, key_id: &KeyId, account: AccountId) -> Option<Secret> {
        let (owner, wrapped) = self.wrapped.get(key_id)?;
        (*owner == account).then_some(())?;
        open(&self.master, wrapped, WRAPPED_FOR, key_id, account)
    }
}

fn entry(line: &str) -> Option<(KeyId, AccountId, [u8; KEY_SEALED_BYTES])> {
    let mut words = line.split(' ');
    let (key_id, account, hex) = (words.next()?, words.next()?, words.next()?);
    let mut wrapped = [0; KEY_SEALED_BYTES];
    let is_whole = words.next().is_none() && hex.len() == 2 * KEY_SEALED_BYTES && hex.is_ascii();
    for (byte, at) in wrapped.iter_mut().zip((0..).step_by(2)).filter(|_| is_whole) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    let account = AccountId(account.parse().ok()?);
    is_whole.then_some((KeyId::new(key_id.as_bytes())?, account, wrapped))
}

fn associated(purpose: &str, key_id: &KeyId, account: AccountId) -> Vec<u8> {
    format!("{purpose}|{}|{}", key_id.as_str(), account.0).into_bytes()
}

/// Nonce, ciphertext and tag.
fn seal(
    key: &[u8; SECRET_BYTES],
    nonce: &[u8; NONCE_BYTES],
    secret: &[u8; SECRET_BYTES],
    purpose: &str,
    key_id: &KeyId,
    account: AccountId,
) -> Option<[u8; KEY_SEALED_BYTES]> {
    let aad = associated(purpose, key_id, account);
    let payload = Payload { msg: secret, aad: &aad };
    let cipher = ChaCha20Poly1305::new(Key::from_slice(key));
    let sealed = cipher.encrypt(Nonce::from_slice(nonce), payload).ok()?;
    [nonce.as_slice(), &sealed].concat().try_into().ok()
}

fn open(
    key: &[u8; SECRET_BYTES],
    sealed: &[u8],
    purpose: &str,
    key_id: &KeyId,
    account: AccountId,
) -> Option<Secret> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let aad = associated(purpose, key_id, account);
    let payload = Payload { msg: sealed, aad: &aad };
    let cipher = ChaCha20Poly1305::new(Key::from_slice(key));
    let opened = Zeroizing::new(cipher.decrypt(Nonce::from_slice(nonce), payload).ok()?);
    opened.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Whether `signature` is HMAC-SHA256 over `text`. Compared in constant time.
pub(crate) fn is_hmac(secret: &Secret, text: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_slice()) else {
        return false;
    };
    mac.update(text);
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> KeyId {
        KeyId::new(name.as_bytes()).expect("short")
    }

    fn drawn(seed: u8) -> Zeroizing<[u8; DRAWN_BYTES]> {
        let mut bytes = [0; DRAWN_BYTES];
        for (byte, at) in bytes.iter_mut().zip(0_u8..) {
            *byte = at.wrapping_mul(31).wrapping_add(seed);
        }
        Zeroizing::new(bytes)
    }

    const ALICE: AccountId = AccountId(1);

    #[test]
    fn a_secret_opens_for_its_key_and_account_and_no_other() {
        let mut vault = Vault::read(Zeroizing::new([7; 32]), "").expect("empty");
        let (secret, sealed) = vault.issue(&id("a"), ALICE, &drawn(1)).expect("sealed");
        let (_, other) = vault.issue(&id("b"), ALICE, &drawn(2)).expect("sealed");
        assert!(!sealed.as_slice().windows(8).any(|part| secret.starts_with(part)));
        assert_eq!(vault.open(&id("a"), ALICE, &sealed).as_deref(), Some(&*secret));
        assert!(vault.open(&id("a"), AccountId(2), &sealed).is_none());
        assert!(vault.open(&id("a"), ALICE, &other).is_none());
        assert!(vault.open(&id("b"), ALICE, &sealed).is_none());
    }

    #[test]
    fn what_is_written_is_read_with_the_same_master_key_and_a_forgotten_data_key_is_gone() {
        let mut vault = Vault::read(Zeroizing::new([7; 32]), "").expect("empty");
        let (secret, sealed) = vault.issue(&id("a"), ALICE, &drawn(1)).expect("sealed");
        let text = vault.text();
        let again = Vault::read(Zeroizing::new([7; 32]), &text).expect("our own");
        assert_eq!(again.open(&id("a"), ALICE, &sealed).as_deref(), Some(&*secret));
        assert!(matches!(Vault::read(Zeroizing::new([8; 32]), &text), Err(BadLine(1))));
        for bad in ["a 1", "a x 00", "a 1 zz", &format!("{} x", text.trim())] {
            assert!(Vault::read(Zeroizing::new([7; 32]), bad).is_err(), "{bad}");
        }
        assert!(vault.forget(&id("a")));
        assert!(vault.open(&id("a"), ALICE, &sealed).is_none());
        assert_eq!(vault.text(), "");
    }

    #[test]
    fn another_secret_of_a_key_opens_as_the_first_did_and_both_go_with_the_data_key() {
        let mut vault = Vault::read(Zeroizing::new([7; 32]), "").expect("empty");
        let (one, two) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        let mut drawn = drawn(1);
        put_given(&mut drawn, &one);
        let (_, first) = vault.issue(&id("ann"), ALICE, &drawn).expect("sealed");
        let text = vault.text();
        let second = vault.seal_again(&id("ann"), ALICE, &two, &[9; 12]).expect("sealed");
        assert_eq!(vault.text(), text);
        assert_eq!(vault.open(&id("ann"), ALICE, &first).as_deref(), Some(&*one));
        assert_eq!(vault.open(&id("ann"), ALICE, &second).as_deref(), Some(&*two));
        assert!(vault.seal_again(&id("bob"), ALICE, &two, &[9; 12]).is_none());
        vault.forget(&id("ann"));
        assert!(vault.open(&id("ann"), ALICE, &second).is_none());
    }

    #[test]
    fn keys_for_two_purposes_have_nothing_in_common() {
        let vault = Vault::read(Zeroizing::new([7; 32]), "").expect("empty");
        let other = Vault::read(Zeroizing::new([8; 32]), "").expect("empty");
        assert_ne!(*vault.derive("a"), *vault.derive("b"));
        assert_ne!(*vault.derive("a"), *other.derive("a"));
        assert_eq!(*vault.derive("a"), *vault.derive("a"));
    }

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // Test case 2 has a key shorter than ours: case 1 with its 20 bytes padded by zeros, which HMAC
        // does itself.
        let mut secret = [0; 32];
        secret[..20].fill(0x0b);
        let wanted = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b,
            0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c,
            0x2e, 0x32, 0xcf, 0xf7,
        ];
        let secret = Zeroizing::new(secret);
        assert!(is_hmac(&secret, b"Hi There", &wanted));
        assert!(!is_hmac(&secret, b"Hi there", &wanted));
        assert!(!is_hmac(&secret, b"Hi There", &wanted[..31]));
    }
}
