//! When each key was last seen: in a record of the log, or at this node's door.
//!
//! Cost: eight bytes a key, up to the highest index that was seen.

use crate::hub::FeedsFault;
use crate::hub::snapshot::get;
use coulisse_types::KeyIndex;
use coulisse_types::codec::{Field, Reader};
use coulisse_types::limits::KEYS_MAX;

/// Times in µs since the epoch, by the index of the key; 0 for never.
#[derive(Debug, Default)]
pub(crate) struct KeyUse {
    seen_us: Vec<i64>,
}

impl KeyUse {
    /// A key was seen.
    #[inline]
    pub(crate) fn note(&mut self, key: KeyIndex, now_us: i64) {
        let index = key.0 as usize;
        if key.0 == 0 || key.0 > KEYS_MAX {
            return;
        }
        if index >= self.seen_us.len() {
            self.seen_us.resize(index + 1, 0);
        }
        self.seen_us[index] = self.seen_us[index].max(now_us);
    }

    /// When a key was last seen; 0 for never.
    pub(crate) fn last_us(&self, key: KeyIndex) -> i64 {
        self.seen_us.get(key.0 as usize).copied().unwrap_or(0)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        u32::try_from(self.seen_us.len()).unwrap_or(u32::MAX).encode(out);
        self.seen_us.iter().for_each(|us| us.encode(out));
    }

    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        let count: u32 = get(reader)?;
        if reader.len() < count as usize * size_of::<i64>() {
            return Err(FeedsFault { reason: "more keys than bytes" });
        }
        self.seen_us = (0..count).map(|_| get(reader)).collect::<Result<_, _>>()?;
        Ok(())
    }
}
