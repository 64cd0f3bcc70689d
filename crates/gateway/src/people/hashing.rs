//! Passwords as argon2id over a peppered HMAC: the work itself, which is done away from the loop.
//!
//! What is hashed is HMAC-SHA256 over the password with a pepper that is derived from the master key, so
//! that a stolen hash is worth nothing without that key; the hash is then sealed like a secret. Its 32 bytes
//! are a tag of 16, a salt of 12, and what it cost: memory in KiB (3 bytes, little-endian) and passes. So
//! settings may change, and what was hashed before is still checked.
//!
//! Invariant: nothing here is printed, and what it holds is overwritten when it is dropped.
//!
//! Cost: some 25 ms of a processor for each 19 MiB and pass.
//! Source: RFC 9106 (argon2id; section 4 for lengths), RFC 2104.

use crate::secrets::{SECRET_BYTES, Secret};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const TAG_BYTES: usize = 16;
/// Random bytes of one hash.
pub(super) const SALT_BYTES: usize = 12;

/// What one hash may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB; below 2^24.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u8,
}

/// HMAC-SHA256 of a password with the pepper.
pub(super) type Peppered = Secret;

/// Peppers a password.
pub(super) fn pepper(key: &Secret, password: &[u8]) -> Option<Peppered> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice()).ok()?;
    mac.update(password);
    Some(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// A hash without its tag: where that is to be made, or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) cost: HashCost,
}

/// The parts of a hash; `None` where the bytes are no hash.
pub(super) fn parts(hash: &Secret) -> Option<(Zeroizing<[u8; TAG_BYTES]>, Recipe)> {
    let (tag, rest) = hash.split_first_chunk::<TAG_BYTES>()?;
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
    let [a, b, c, passes] = *rest.first_chunk::<4>()?;
    let cost = HashCost { memory_kib: u32::from_le_bytes([a, b, c, 0]), passes };
    Some((Zeroizing::new(*tag), Recipe { salt: *salt, cost }))
}

fn whole(tag: &[u8; TAG_BYTES], recipe: &Recipe) -> Secret {
    let mut hash = Zeroizing::new([0; SECRET_BYTES]);
    let [a, b, c, _] = recipe.cost.memory_kib.to_le_bytes();
    let parts = tag.iter().chain(&recipe.salt).copied().chain([a, b, c, recipe.cost.passes]);
    for (place, byte) in hash.iter_mut().zip(parts) {
        *place = byte;
    }
    hash
}

/// The memory that one thread hashes in; kept from one hash to the next.
#[derive(Default)]
pub struct Memory(Vec<Block>);

/// What is to be done for one request: check a password, make a hash, or the one and then the other.
pub struct Work {
    pub(super) check: Option<(Peppered, Recipe, Zeroizing<[u8; TAG_BYTES]>)>,
    pub(super) make: Option<(Peppered, Recipe)>,
}

/// What came of it.
pub struct Done {
    /// Whether the password was the one, if it was to be checked.
    pub(super) is_right: bool,
    /// The hash, if one was to be made.
    pub(super) made: Option<Secret>,
}

impl Done {
    /// What comes of work that could not be done.
    pub const fn failed() -> Self {
        Self { is_right: false, made: None }
    }
}

impl Work {
    /// Does it. Takes long: away from the loop.
    pub fn run(&self, memory: &mut Memory) -> Done {
        let is_right = self.check.as_ref().is_none_or(|(peppered, recipe, tag)| {
            let made = tag_of(peppered, recipe, memory);
            made.is_some_and(|made| bool::from(made.ct_eq(tag.as_slice())))
        });
        let wanted = self.make.as_ref().filter(|_| is_right);
        let made = wanted.and_then(|(peppered, recipe)| {
            tag_of(peppered, recipe, memory).map(|tag| whole(&tag, recipe))
        });
        Done { is_right, made }
    }
}

fn tag_of(
    peppered: &Peppered,
    recipe: &Recipe,
    memory: &mut Memory,
) -> Option<Zeroizing<[u8; TAG_BYTES]>> {
    let HashCost { memory_kib, passes } = recipe.cost;
    let params = Params::new(memory_kib, u32::from(passes), 1, Some(TAG_BYTES)).ok()?;
    let blocks = params.block_count();
    if memory.0.len() != blocks {
        memory.0 = vec![Block::default(); blocks];
    }
    let mut tag = Zeroizing::new([0; TAG_BYTES]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (password, salt) = (peppered.as_slice(), recipe.salt.as_slice());
    argon.hash_password_into_with_memory(password, salt, tag.as_mut_slice(), &mut memory.0).ok()?;
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: HashCost = HashCost { memory_kib: 64, passes: 1 };

    fn made(password: &[u8], salt: u8) -> Secret {
        let peppered = pepper(&Zeroizing::new([7; 32]), password).expect("a key");
        let recipe = Recipe { salt: [salt; SALT_BYTES], cost: COST };
        let work = Work { check: None, make: Some((peppered, recipe)) };
        work.run(&mut Memory::default()).made.expect("a hash")
    }

    fn is_right(hash: &Secret, pepper_key: u8, password: &[u8]) -> bool {
        let (tag, recipe) = parts(hash).expect("a hash");
        let peppered = pepper(&Zeroizing::new([pepper_key; 32]), password).expect("a key");
        Work { check: Some((peppered, recipe, tag)), make: None }
            .run(&mut Memory::default())
            .is_right
    }

    #[test]
    fn a_hash_is_proved_by_its_password_under_its_pepper_and_by_nothing_else() {
        let hash = made(b"correct horse", 1);
        assert!(is_right(&hash, 7, b"correct horse"));
        assert!(!is_right(&hash, 7, b"correct horsf"));
        assert!(!is_right(&hash, 7, b""));
        assert!(!is_right(&hash, 8, b"correct horse"));
        assert_ne!(*hash, *made(b"correct horse", 2));
    }

    #[test]
    fn what_a_hash_cost_is_kept_in_it() {
        let hash = made(b"x", 3);
        let (_, recipe) = parts(&hash).expect("a hash");
        assert_eq!(recipe, Recipe { salt: [3; SALT_BYTES], cost: COST });
    }

    #[test]
    fn no_hash_is_made_where_the_old_password_is_wrong() {
        let (tag, recipe) = parts(&made(b"old", 1)).expect("a hash");
        let key = Zeroizing::new([7; 32]);
        let wrong = pepper(&key, b"odl").expect("a key");
        let new = pepper(&key, b"new").expect("a key");
        let work = Work { check: Some((wrong, recipe, tag)), make: Some((new, recipe)) };
        let done = work.run(&mut Memory::default());
        assert!(!done.is_right);
        assert!(done.made.is_none());
    }

    #[test]
    fn a_cost_that_no_hash_can_have_proves_nothing() {
        let cost = HashCost { memory_kib: 1, passes: 0 };
        let recipe = Recipe { salt: [0; SALT_BYTES], cost };
        let peppered = pepper(&Zeroizing::new([7; 32]), b"x").expect("a key");
        let check = Some((peppered, recipe, Zeroizing::new([0; TAG_BYTES])));
        assert!(!Work { check, make: None }.run(&mut Memory::default()).is_right);
    }
}
