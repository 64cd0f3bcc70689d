//! Short ASCII text of a bounded length, held in place: names and client ids never allocate.

use crate::codec::{Field, Reader, Writer};
use crate::limits;

/// At most `N` bytes of printable ASCII without spaces or quotes; `Copy`, no allocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

/// A client's own order id: 1 to 36 characters; empty is "none".
pub type ClientOrderId = Text<{ limits::CLIENT_ORDER_ID_BYTES_MAX }>;
/// The name of an instrument on the wire, as `BTC-USD`.
pub type Symbol = Text<{ limits::SYMBOL_BYTES_MAX }>;
/// The name of an asset, as `BTC`.
pub type AssetName = Text<{ limits::ASSET_NAME_BYTES_MAX }>;
/// The name of an account.
pub type AccountName = Text<{ limits::ACCOUNT_NAME_BYTES_MAX }>;
/// The public name of a key.
pub type KeyId = Text<{ limits::KEY_ID_BYTES_MAX }>;

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> core::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> Text<N> {
    /// Without a character.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    /// Takes text that fits and is `[!-~]` without `"` and `\`; `None` otherwise.
    ///
    /// Such text stands in JSON as it is.
    pub fn new(text: &[u8]) -> Option<Self> {
        let len = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let plain = |b: &u8| b.is_ascii_graphic() && *b != b'"' && *b != b'\\';
        text.iter().all(plain).then_some(Self { len, bytes })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The bytes with zeros behind them: no two texts have the same.
    #[inline]
    pub const fn padded(&self) -> &[u8; N] {
        &self.bytes
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Field for Text<N> {
    const TYPE: &'static str = "text";
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

/// Whether `name` may name an asset: 2 to 12 of `[A-Z0-9]`.
pub fn is_asset_name(name: &[u8]) -> bool {
    (limits::ASSET_NAME_BYTES_MIN..=limits::ASSET_NAME_BYTES_MAX).contains(&name.len())
        && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether `name` may name an account or a key: 1 to 32 of `[a-z0-9_-]`.
pub fn is_plain_name(name: &[u8]) -> bool {
    (1..=limits::ACCOUNT_NAME_BYTES_MAX).contains(&name.len())
        && name
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_need_escaping_in_json_is_refused() {
        assert!(ClientOrderId::new(b"a-1:x").is_some());
        for bad in [&b"a b"[..], b"a\"b", b"a\\b", b"\n", "é".as_bytes(), &[b'a'; 37]] {
            assert!(ClientOrderId::new(bad).is_none());
        }
    }
}
