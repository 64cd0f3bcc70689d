//! The little-endian codec of records: one trait, implemented once per field type.
//!
//! Cost: encoding appends to a caller's buffer and allocates only when that buffer grows.

use alloc::vec::Vec;

/// A value that stands in a record.
pub trait Field: Sized {
    /// The type's name in the schema table.
    const TYPE: &'static str;

    /// Appends the value.
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes the value from the front; `None` if there are too few bytes or they mean nothing.
    fn decode(reader: &mut Reader<'_>) -> Option<Self>;
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
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn decode(reader: &mut Reader<'_>) -> Option<Self> {
                const SIZE: usize = core::mem::size_of::<$type>();
                let bytes: [u8; SIZE] = reader.take(SIZE)?.try_into().ok()?;
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
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
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
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        reader.take(32)?.try_into().ok()
    }
}
