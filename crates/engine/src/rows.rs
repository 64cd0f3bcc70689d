//! Rows of fields, gathered in one chunk until there are enough to be hashed or written together.

use alloc::vec;
use alloc::vec::Vec;
use coulisse_types::codec::Writer;

/// Bytes gathered before they are to be taken.
pub(crate) const CHUNK_BYTES: usize = 1 << 16;
/// No row is longer.
pub(crate) const ROW_BYTES_MAX: usize = 4_096;

/// The chunk.
pub(crate) struct Rows {
    /// What waits is at its front; behind that there is always room for a row.
    chunk: Vec<u8>,
    waiting: usize,
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self { chunk: vec![0; CHUNK_BYTES.saturating_add(ROW_BYTES_MAX)], waiting: 0 }
    }

    /// Takes what `put` writes, at most [`ROW_BYTES_MAX`] bytes; whether the chunk is to be taken now.
    #[inline]
    #[must_use]
    pub(crate) fn row(&mut self, put: impl FnOnce(&mut Writer<'_>)) -> bool {
        let all = self.chunk.len();
        let mut writer = Writer::new(self.chunk.get_mut(self.waiting..).unwrap_or_default());
        put(&mut writer);
        self.waiting = all.saturating_sub(writer.left());
        self.waiting >= CHUNK_BYTES
    }

    /// How many bytes wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// What was gathered. The chunk begins anew.
    pub(crate) fn take(&mut self) -> &[u8] {
        let waiting = core::mem::take(&mut self.waiting);
        self.chunk.get(..waiting).unwrap_or_default()
    }
}
