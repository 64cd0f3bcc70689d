//! Rows of fields, gathered in one chunk until there are enough to be hashed or written together.

use alloc::vec;
use alloc::vec::Vec;
use coulisse_types::codec::{Field, Writer};

/// Bytes gathered before they are taken.
pub(crate) const CHUNK_BYTES: usize = 1 << 16;
/// No row is longer.
pub(crate) const ROW_BYTES_MAX: usize = 4_096;

/// What takes the chunks.
pub(crate) trait Sink {
    fn take(&mut self, bytes: &[u8]);
}

/// Rows on their way to a sink.
pub(crate) struct Rows<S> {
    pub(crate) sink: S,
    /// What waits is at its front; behind that there is always room for a row.
    chunk: Vec<u8>,
    waiting: usize,
}

impl<S: Sink> Rows<S> {
    pub(crate) fn to(sink: S) -> Self {
        Self { sink, chunk: vec![0; CHUNK_BYTES.saturating_add(ROW_BYTES_MAX)], waiting: 0 }
    }

    /// Takes what `put` writes, at most [`ROW_BYTES_MAX`] bytes.
    #[inline]
    pub(crate) fn row(&mut self, put: impl FnOnce(&mut Writer<'_>)) {
        let all = self.chunk.len();
        let mut writer = Writer::new(self.chunk.get_mut(self.waiting..).unwrap_or_default());
        put(&mut writer);
        self.waiting = all.saturating_sub(writer.left());
        if self.waiting >= CHUNK_BYTES {
            self.flush();
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, field: &impl Field) {
        self.row(|writer| field.put(writer));
    }

    /// How many rows follow.
    pub(crate) fn count(&mut self, count: usize) {
        self.put(&u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// How many bytes wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Hands on what waits.
    pub(crate) fn flush(&mut self) {
        let waiting = core::mem::take(&mut self.waiting);
        self.sink.take(self.chunk.get(..waiting).unwrap_or_default());
    }
}
