//! Fields in, fields out, section by section; and [`row!`], which takes a struct apart whole.

use super::error::{Section, SnapshotError, SnapshotFault};
use crate::paged::index;
use alloc::vec::Vec;
use coulisse_types::codec::{Field, Reader};

/// Bytes gathered before they are handed on.
const CHUNK_BYTES: usize = 1 << 16;

/// Takes fields and hands them on in chunks.
pub(crate) struct Encoder<'s> {
    chunk: Vec<u8>,
    out: &'s mut dyn FnMut(&[u8]),
}

impl<'s> Encoder<'s> {
    fn run(out: &'s mut dyn FnMut(&[u8]), encode: &dyn Fn(&mut Encoder<'_>)) {
        let mut encoder = Encoder { chunk: Vec::with_capacity(CHUNK_BYTES.saturating_mul(2)), out };
        encode(&mut encoder);
        (encoder.out)(&encoder.chunk);
    }

    pub(crate) fn put(&mut self, field: &impl Field) {
        field.encode(&mut self.chunk);
        if self.chunk.len() >= CHUNK_BYTES {
            (self.out)(&self.chunk);
            self.chunk.clear();
        }
    }

    /// How many rows follow.
    pub(crate) fn count(&mut self, count: usize) {
        self.put(&u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Bytes that say how many they are: the body of a message.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.chunk.extend_from_slice(bytes);
    }
}

/// Writes one section: its head, then its body.
pub(crate) fn write_section(
    out: &mut dyn FnMut(&[u8]),
    section: Section,
    encode: &dyn Fn(&mut Encoder<'_>),
) {
    let mut bytes = 0_u64;
    let mut measure = |chunk: &[u8]| {
        bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    };
    Encoder::run(&mut measure, encode);
    let mut head = Vec::new();
    section.number().encode(&mut head);
    section.version().encode(&mut head);
    bytes.encode(&mut head);
    out(&head);
    Encoder::run(out, encode);
}

/// Takes sections off the front, in their order.
pub(crate) struct Sections<'b> {
    reader: Reader<'b>,
    section: Section,
}

impl<'b> Sections<'b> {
    pub(crate) fn new(bytes: &'b [u8], magic: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new(bytes);
        let section = Section::Core;
        if reader.take(magic.len()) != Some(magic) {
            return Err(SnapshotError { section, at: 0, fault: SnapshotFault::Magic });
        }
        Ok(Self { reader, section })
    }

    /// Opens the section that is due.
    pub(crate) fn open(&mut self, section: Section) -> Result<Decoder<'b>, SnapshotError> {
        self.section = section;
        let malformed = SnapshotError { section, at: 0, fault: SnapshotFault::Malformed };
        let found = <u16 as Field>::decode(&mut self.reader).ok_or(malformed)?;
        if found != section.number() {
            return Err(SnapshotError { fault: SnapshotFault::Section { found }, ..malformed });
        }
        let found = <u16 as Field>::decode(&mut self.reader).ok_or(malformed)?;
        if found != section.version() {
            return Err(SnapshotError { fault: SnapshotFault::Version { found }, ..malformed });
        }
        let bytes = <u64 as Field>::decode(&mut self.reader).ok_or(malformed)?;
        let bytes = usize::try_from(bytes).ok().and_then(|bytes| self.reader.take(bytes));
        let bytes = bytes.ok_or(malformed)?;
        Ok(Decoder { section, bytes: bytes.len(), reader: Reader::new(bytes) })
    }

    /// Reads the whole section that is due.
    pub(crate) fn read(
        &mut self,
        section: Section,
        decode: impl FnOnce(&mut Decoder<'b>) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let mut from = self.open(section)?;
        decode(&mut from)?;
        from.end()
    }

    /// Whether nothing follows.
    pub(crate) fn end(&self) -> Result<(), SnapshotError> {
        if self.reader.is_empty() {
            return Ok(());
        }
        let Self { section, .. } = *self;
        Err(SnapshotError { section, at: 0, fault: SnapshotFault::Trailing })
    }
}

/// Reads the body of one section.
pub(crate) struct Decoder<'b> {
    section: Section,
    bytes: usize,
    reader: Reader<'b>,
}

impl<'b> Decoder<'b> {
    /// The next field.
    pub(crate) fn get<T: Field>(&mut self) -> Result<T, SnapshotError> {
        match T::decode(&mut self.reader) {
            Some(value) => Ok(value),
            None => Err(self.fault(SnapshotFault::Malformed)),
        }
    }

    /// How many rows follow, which is no more than `max`.
    pub(crate) fn count(&mut self, max: u32) -> Result<u32, SnapshotError> {
        let count = self.get()?;
        self.check(count <= max, SnapshotFault::Count { count, max })?;
        Ok(count)
    }

    /// Bytes that say how many they are.
    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], SnapshotError> {
        let count: u32 = self.get()?;
        match self.reader.take(index(count)) {
            Some(bytes) => Ok(bytes),
            None => Err(self.fault(SnapshotFault::Malformed)),
        }
    }

    /// The error of what is wrong here.
    pub(crate) fn fault(&self, fault: SnapshotFault) -> SnapshotError {
        let at = self.bytes.saturating_sub(self.reader.len());
        SnapshotError { section: self.section, at, fault }
    }

    /// An error unless `holds`.
    pub(crate) fn check(&self, holds: bool, fault: SnapshotFault) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(self.fault(fault)) }
    }

    /// An error with a reason unless `holds`.
    pub(crate) fn agree(&self, holds: bool, reason: &'static str) -> Result<(), SnapshotError> {
        self.check(holds, SnapshotFault::Contradiction(reason))
    }

    /// An error unless the whole body was read.
    pub(crate) fn end(&self) -> Result<(), SnapshotError> {
        self.check(self.reader.is_empty(), SnapshotFault::Trailing)
    }
}

/// Writes and reads a struct field by field, in the order given.
///
/// A field of the struct that is named neither among the fields nor, with its value at reading,
/// behind `derived`, does not compile.
macro_rules! row {
    ($name:ident { $($field:ident),+ $(,)? } $(derived { $($derived:ident: $value:expr),+ $(,)? })?) => {
        impl $name {
            pub(crate) fn encode_row(&self, out: &mut $crate::snapshot::codec::Encoder<'_>) {
                let Self { $($field,)+ $($($derived: _,)+)? } = self;
                $(out.put($field);)+
            }

            pub(crate) fn decode_row(
                from: &mut $crate::snapshot::codec::Decoder<'_>,
            ) -> Result<Self, $crate::snapshot::SnapshotError> {
                Ok(Self { $($field: from.get()?,)+ $($($derived: $value,)+)? })
            }
        }
    };
}
pub(crate) use row;
