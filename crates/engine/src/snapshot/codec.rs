//! Fields in, fields out, section by section and slice by slice: neither side ever holds the whole.
//! And [`row!`], which takes a struct apart whole.

use super::error::{Section, SnapshotError, SnapshotFault, SnapshotSource};
use crate::paged::index;
use crate::rows::{CHUNK_BYTES, ROW_BYTES_MAX, Rows, Sink};
use alloc::vec;
use alloc::vec::Vec;
use coulisse_types::Command;
use coulisse_types::codec::{Field, Reader};

const _: () = assert!(Command::BYTES_MAX <= ROW_BYTES_MAX, "a request's body is a run of bytes");

/// A length as a number of the format: `usize` has at most 64 bits on every target we build for.
fn bytes_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Hands chunks on.
pub(crate) struct Handed<'s> {
    /// Bytes of the section that were handed on.
    bytes: u64,
    out: &'s mut dyn FnMut(&[u8]),
}

impl Sink for Handed<'_> {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes_of(bytes.len()));
        (self.out)(bytes);
    }
}

/// Takes fields and hands them on in chunks.
pub(crate) type Encoder<'s> = Rows<Handed<'s>>;

impl<'s> Encoder<'s> {
    pub(crate) fn new(out: &'s mut dyn FnMut(&[u8])) -> Self {
        Self::to(Handed { bytes: 0, out })
    }

    /// Bytes that say how many they are: the body of a message.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.row(|writer| {
            for byte in bytes {
                byte.put(writer);
            }
        });
    }

    /// Writes one section: its head, its body, and how long that was.
    pub(crate) fn section(&mut self, section: Section, encode: &dyn Fn(&mut Self)) {
        self.put(&section.number());
        self.put(&section.version());
        self.flush();
        self.sink.bytes = 0;
        encode(self);
        let bytes = self.sink.bytes.saturating_add(bytes_of(self.waiting()));
        self.put(&bytes);
    }
}

/// Reads sections in their order.
pub(crate) struct Decoder<'b> {
    source: &'b mut dyn SnapshotSource,
    section: Section,
    /// Where the body of the section begins, in bytes of the whole.
    body_at: u64,
    /// Where the chunk begins, in bytes of the whole.
    chunk_at: u64,
    /// What was read ahead: from `at` to `end` it has not been taken.
    chunk: Vec<u8>,
    at: usize,
    end: usize,
    /// Whether the source has no more.
    is_dry: bool,
}

impl<'b> Decoder<'b> {
    pub(crate) fn new(
        source: &'b mut dyn SnapshotSource,
        magic: &[u8],
    ) -> Result<Self, SnapshotError> {
        let chunk = vec![0; CHUNK_BYTES.saturating_add(ROW_BYTES_MAX)];
        let section = Section::Core;
        let (body_at, chunk_at, at, end, is_dry) = (0, 0, 0, 0, false);
        let mut from = Self { source, section, body_at, chunk_at, chunk, at, end, is_dry };
        let begins = from.take(magic.len())? == magic;
        from.check(begins, SnapshotFault::Magic)?;
        Ok(from)
    }

    /// Reads the whole section that is due.
    pub(crate) fn section(
        &mut self,
        section: Section,
        decode: impl FnOnce(&mut Self) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        (self.section, self.body_at) = (section, self.position());
        let (number, version) = (self.get()?, self.get()?);
        self.body_at = self.position();
        self.check(number == section.number(), SnapshotFault::Section { found: number })?;
        self.check(version == section.version(), SnapshotFault::Version { found: version })?;
        decode(self)?;
        let bytes = self.position().saturating_sub(self.body_at);
        let written: u64 = self.get()?;
        self.check(written == bytes, SnapshotFault::Length { bytes, written })
    }

    /// An error unless the source has no more.
    pub(crate) fn end(&mut self) -> Result<(), SnapshotError> {
        self.fill(1);
        self.check(self.at == self.end, SnapshotFault::Trailing)
    }

    /// How far it has come, in bytes of the whole.
    fn position(&self) -> u64 {
        self.chunk_at.saturating_add(bytes_of(self.at))
    }

    /// Reads ahead so that `bytes` are there to be taken, or all that there are.
    #[inline]
    fn fill(&mut self, bytes: usize) {
        if self.end.saturating_sub(self.at) < bytes && !self.is_dry {
            self.fill_again();
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_again(&mut self) {
        self.chunk_at = self.position();
        self.chunk.copy_within(self.at..self.end, 0);
        self.end = self.end.saturating_sub(self.at);
        self.at = 0;
        while let Some(room) = self.chunk.get_mut(self.end..).filter(|room| !room.is_empty()) {
            let read = self.source.read(room).min(room.len());
            if read == 0 {
                self.is_dry = true;
                return;
            }
            self.end = self.end.saturating_add(read);
        }
    }

    /// The fields that `decode` takes, at most [`ROW_BYTES_MAX`] bytes.
    #[inline]
    pub(crate) fn row<T>(
        &mut self,
        decode: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Result<T, SnapshotError> {
        self.fill(ROW_BYTES_MAX);
        let mut reader = Reader::new(self.chunk.get(self.at..self.end).unwrap_or_default());
        let Some(value) = decode(&mut reader) else {
            return Err(self.fault(SnapshotFault::Malformed));
        };
        self.at = self.end.saturating_sub(reader.len());
        Ok(value)
    }

    /// The next field.
    #[inline]
    pub(crate) fn get<T: Field>(&mut self) -> Result<T, SnapshotError> {
        self.row(T::decode)
    }

    /// How many rows follow, which is no more than `max`.
    pub(crate) fn count(&mut self, max: u32) -> Result<u32, SnapshotError> {
        let count = self.get()?;
        self.check(count <= max, SnapshotFault::Count { count, max })?;
        Ok(count)
    }

    /// Bytes that say how many they are.
    pub(crate) fn bytes(&mut self) -> Result<&[u8], SnapshotError> {
        let count = index(self.get()?);
        self.check(count <= ROW_BYTES_MAX, SnapshotFault::Malformed)?;
        self.take(count)
    }

    fn take(&mut self, count: usize) -> Result<&[u8], SnapshotError> {
        self.fill(count);
        let (at, end) = (self.at, self.at.saturating_add(count));
        self.check(end <= self.end, SnapshotFault::Malformed)?;
        self.at = end;
        Ok(self.chunk.get(at..end).unwrap_or_default())
    }

    /// The error of what is wrong here.
    pub(crate) fn fault(&self, fault: SnapshotFault) -> SnapshotError {
        let at = self.position().saturating_sub(self.body_at);
        SnapshotError { section: self.section, at, fault }
    }

    /// An error unless `holds`.
    #[inline]
    pub(crate) fn check(&self, holds: bool, fault: SnapshotFault) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(self.fault(fault)) }
    }

    /// An error with a reason unless `holds`.
    #[inline]
    pub(crate) fn agree(&self, holds: bool, reason: &'static str) -> Result<(), SnapshotError> {
        self.check(holds, SnapshotFault::Contradiction(reason))
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
                out.row(|out| { $(coulisse_types::codec::Field::put($field, out);)+ });
            }

            pub(crate) fn decode_row(
                from: &mut $crate::snapshot::codec::Decoder<'_>,
            ) -> Result<Self, $crate::snapshot::SnapshotError> {
                from.row(|from| {
                    let read = from;
                    Some(Self {
                        $($field: coulisse_types::codec::Field::decode(read)?,)+
                        $($($derived: $value,)+)?
                    })
                })
            }
        }
    };
}
pub(crate) use row;
