//! The little-endian codec of records: one trait, implemented once per field type.
//!
//! Cost: a message asks once for the room of its longest form; its fields then lie at offsets that
//! the compiler knows. Allocates only when a caller's buffer grows.

use alloc::vec::Vec;

/// A value that stands in a record.
pub trait Field: Sized {
    /// The type's name in the schema table.
    const TYPE: &'static str;

    /// The most bytes that a value takes.
    const BYTES_MAX: usize;

    /// Writes the value.
    fn put(&self, out: &mut Writer<'_>);

    /// Appends the value.
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        append(out, Self::BYTES_MAX, |writer| self.put(writer));
    }

    /// Takes the value from the front; `None` if there are too few bytes or they mean nothing.
    fn decode(reader: &mut Reader<'_>) -> Option<Self>;
}

/// Appends what `put` writes, at most `bytes_max` bytes.
#[inline]
pub(crate) fn append(out: &mut Vec<u8>, bytes_max: usize, put: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    out.resize(start.saturating_add(bytes_max), 0);
    let mut writer = Writer::new(out.get_mut(start..).unwrap_or_default());
    put(&mut writer);
    let left = writer.left();
    out.truncate(out.len().saturating_sub(left));
}

/// Writes fields to the front of a slice, which must have room for the longest form of each.
#[derive(Debug)]
pub struct Writer<'a> {
    rest: &'a mut [u8],
}

#[expect(clippy::expect_used, reason = "a slice shorter than its message: a broken invariant")]
impl<'a> Writer<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Writes all of `bytes`.
    ///
    /// # Panics
    /// If there is no room.
    #[inline]
    pub fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_padded(bytes, N);
    }

    /// Writes `bytes`, of which only the first `len` count: what follows goes over the others.
    ///
    /// # Panics
    /// If there is no room for all of them.
    #[inline]
    pub fn put_padded<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        *self.room::<N>() = bytes;
        self.skip(len);
    }

    /// Lets `put` write at most `N` bytes. Whether there is room is looked at once, here.
    #[inline]
    pub(crate) fn put_within<const N: usize>(&mut self, put: impl FnOnce(&mut Writer<'_>)) {
        let mut writer = Writer::new(self.room::<N>());
        put(&mut writer);
        let left = writer.left();
        self.skip(N.saturating_sub(left));
    }

    /// How many bytes are left to be written.
    #[inline]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        self.rest.first_chunk_mut().expect("room for the longest form of a field")
    }

    #[inline]
    fn skip(&mut self, count: usize) {
        self.rest = core::mem::take(&mut self.rest).get_mut(count..).unwrap_or_default();
    }
}

/// Reads fields from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    /// Bytes that are left.
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been taken.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

macro_rules! integer {
    ($($type:ty, $name:literal;)+) => {
        $(impl Field for $type {
            const TYPE: &'static str = $name;
            const BYTES_MAX: usize = core::mem::size_of::<Self>();
            #[inline]
            fn put(&self, out: &mut Writer<'_>) {
                out.put(self.to_le_bytes());
            }
            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Option<Self> {
                let bytes = reader.take(Self::BYTES_MAX)?.try_into().ok()?;
                Some(<$type>::from_le_bytes(bytes))
            }
        })+
    };
}
integer! {
    u8, "u8";
    u16, "u16";
    u32, "u32";
    u64, "u64";
    u128, "u128";
    i32, "i32";
    i64, "i64";
    i128, "i128";
}

impl Field for bool {
    const TYPE: &'static str = "bool";
    const BYTES_MAX: usize = 1;
    #[inline]
    fn put(&self, out: &mut Writer<'_>) {
        u8::from(*self).put(out);
    }
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        match <u8 as Field>::decode(reader)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Field for [u8; 32] {
    const TYPE: &'static str = "bytes32";
    const BYTES_MAX: usize = 32;
    #[inline]
    fn put(&self, out: &mut Writer<'_>) {
        out.put(*self);
    }
    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        reader.take(Self::BYTES_MAX)?.try_into().ok()
    }
}
