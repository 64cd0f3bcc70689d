//! What keys are made of: the scheme of their signatures, and short runs of bytes.

use crate::codec::{Field, Reader, Writer};
use crate::money::byte_enum;

byte_enum! {
    /// How the holder of a key proves it.
    KeyScheme, "key_scheme" {
        /// An Ed25519 signature (RFC 8032); only the public key is kept.
        Ed25519 = 0 => "ed25519",
        /// HMAC-SHA256 (RFC 2104) with a secret of 32 bytes; its ciphertext is kept.
        HmacSha256 = 1 => "hmac_sha256",
        /// A person's password; the ciphertext of its hash is kept.
        Password = 2 => "password",
    }
}

byte_enum! {
    /// Whether a key works.
    KeyState, "key_state" {
        /// It does.
        Active = 0 => "active",
        /// Not until it is bound.
        Waits = 1 => "waits",
        /// Never again.
        Revoked = 2 => "revoked",
    }
}

/// At most `N` bytes, held in place: `Copy`, no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self { len: 0, bytes: [0; N] }
    }
}

impl<const N: usize> Bytes<N> {
    /// Takes bytes that fit; `None` otherwise.
    pub fn new(from: &[u8]) -> Option<Self> {
        let len = u8::try_from(from.len()).ok()?;
        let mut bytes = [0; N];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self { len, bytes })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The ids that a list of ids holds, each four bytes, little-endian.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        let ids = self.as_slice().chunks_exact(size_of::<u32>());
        ids.map(|id| u32::from_le_bytes(id.try_into().unwrap_or_default()))
    }
}

impl<const N: usize> Field for Bytes<N> {
    const TYPE: &'static str = "bytes";
    const BYTES_MAX: usize = 1_usize.saturating_add(N);
    #[inline]
    fn put(&self, out: &mut Writer<'_>) {
        self.len.put(out);
        out.put_padded(self.bytes, usize::from(self.len));
    }
    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let len = <u8 as Field>::decode(reader)?;
        Self::new(reader.take(usize::from(len))?)
    }
}

/// What proves a key: the 32 bytes of an Ed25519 public key, or the sealed secret of an HMAC key or hash of a password.
pub type KeyMaterial = Bytes<{ crate::limits::KEY_MATERIAL_BYTES_MAX }>;
/// Ids of accounts or instruments, four bytes each, little-endian, strictly ascending.
pub type IdList = Bytes<{ crate::limits::KEY_ID_LIST_BYTES_MAX }>;
/// Networks: for each an IPv6 address of 16 bytes (IPv4 as `::ffff:a.b.c.d`) and the bits that count.
pub type NetworkList = Bytes<{ crate::limits::KEY_NETWORKS_BYTES_MAX }>;
/// What a key is for, in its owner's words.
pub type KeyLabel = crate::text::Text<{ crate::limits::KEY_ID_BYTES_MAX }>;
