//! `durable.seq`: how far readers may go.
//!
//! One sector, overwritten in place after every group **without a sync**. That is sound because the file
//! is void after a boot: within one boot every process reads it from the page cache, where the newest
//! write is; and whatever value did reach the disk was true when it was written, since it is written
//! only after the group's own sync. So a sync of it could only make an old truth newer, and it would
//! double the cost of a group.
//!
//! Invariants
//! - Within a boot the seq in it only rises, and every group up to it was acknowledged as durable.
//! - After another boot a reader treats it as absent until recovery has synced and published again.
//! - Recovery uses an older boot's value for one thing only: as a proof that what was acknowledged
//!   under `fsync` must be there.
//!
//! Cost: one write of 192 bytes to the page cache, about 1 µs.

use std::io;
use std::sync::Arc;

use crate::error::{IoOp, JournalError, JournalFile};
use crate::format::{ChainHash, Durability, array_at, put_u32, put_u64, u32_at, u64_at};
use crate::limits::WATERMARK_READS_MAX;
use crate::segment::{DURABLE_NAME, DURABLE_TEMPORARY_NAME};
use crate::storage::{Storage, StorageFile};

const WATERMARK_MAGIC: [u8; 8] = *b"COULDSEQ";
const WATERMARK_BYTES: usize = 192;
const FLAG_OS: u32 = 1;
const FLAG_CLOSED: u32 = 2;

/// What `durable.seq` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The boot in which it was written.
    pub boot_id: [u8; 16],
    /// The journal's genesis id.
    pub genesis: [u8; 16],
    /// The history's epoch.
    pub epoch: u32,
    /// What "durable" meant to the writer.
    pub durability: Durability,
    /// Whether the writer closed the journal after this, with everything synced. A new writer takes it
    /// back durably before it writes.
    pub closed: bool,
    /// The last durable seq; 0 if there is none.
    pub durable_seq: u64,
    /// The chain hash at that seq.
    pub chain: ChainHash,
    /// The seq at which the core computed `event_hash`; 0 if it has not yet.
    pub event_seq: u64,
    /// The core's running event hash at `event_seq`.
    pub event_hash: [u8; 32],
}

impl Watermark {
    fn encode(&self) -> [u8; WATERMARK_BYTES] {
        let mut bytes = [0; WATERMARK_BYTES];
        bytes[..8].copy_from_slice(&WATERMARK_MAGIC);
        put_u32(&mut bytes, 12, self.epoch);
        bytes[16..32].copy_from_slice(&self.boot_id);
        bytes[32..48].copy_from_slice(&self.genesis);
        put_u64(&mut bytes, 48, self.durable_seq);
        bytes[56..88].copy_from_slice(&self.chain.0);
        put_u64(&mut bytes, 88, self.event_seq);
        bytes[96..128].copy_from_slice(&self.event_hash);
        let os = if self.durability == Durability::Os { FLAG_OS } else { 0 };
        let closed = if self.closed { FLAG_CLOSED } else { 0 };
        put_u32(&mut bytes, 128, os | closed);
        let crc = crc32c::crc32c(&bytes[12..]);
        put_u32(&mut bytes, 8, crc);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < WATERMARK_BYTES || bytes[..8] != WATERMARK_MAGIC {
            return None;
        }
        if crc32c::crc32c(&bytes[12..WATERMARK_BYTES]) != u32_at(bytes, 8) {
            return None;
        }
        let flags = u32_at(bytes, 128);
        let durability = if flags & FLAG_OS == 0 { Durability::Fsync } else { Durability::Os };
        Some(Self {
            boot_id: array_at(bytes, 16),
            genesis: array_at(bytes, 32),
            epoch: u32_at(bytes, 12),
            durability,
            closed: flags & FLAG_CLOSED != 0,
            durable_seq: u64_at(bytes, 48),
            chain: ChainHash(array_at(bytes, 56)),
            event_seq: u64_at(bytes, 88),
            event_hash: array_at(bytes, 96),
        })
    }
}

/// Reads the watermark of whatever boot; `None` if there is none or it is damaged.
pub(crate) fn read_any(storage: &dyn Storage) -> Result<Option<Watermark>, JournalError> {
    match storage.open_read(DURABLE_NAME) {
        Ok(file) => read_from(file.as_ref()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io(IoOp::Open, JournalFile::Watermark, &error)),
    }
}

fn read_from(file: &dyn StorageFile) -> Result<Option<Watermark>, JournalError> {
    let mut bytes = [0; WATERMARK_BYTES];
    // Another process may be in the middle of its write: a torn read fails its CRC and is read again.
    for _ in 0..WATERMARK_READS_MAX {
        let count = file
            .read_at(&mut bytes, 0)
            .map_err(|error| JournalError::io(IoOp::Read, JournalFile::Watermark, &error))?;
        if let Some(watermark) = Watermark::decode(&bytes[..count]) {
            return Ok(Some(watermark));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

/// Reads `durable.seq`; `None` while it is void: absent, damaged, or written in another boot.
///
/// # Errors
/// [`JournalError::Io`].
pub fn read_watermark(storage: &Arc<dyn Storage>) -> Result<Option<Watermark>, JournalError> {
    let boot_id = boot_id(storage.as_ref())?;
    Ok(read_any(storage.as_ref())?.filter(|watermark| watermark.boot_id == boot_id))
}

pub(crate) fn boot_id(storage: &dyn Storage) -> Result<[u8; 16], JournalError> {
    storage
        .boot_id()
        .map_err(|error| JournalError::io(IoOp::BootId, JournalFile::Watermark, &error))
}

/// The open `durable.seq` of a writer.
pub(crate) struct Publisher {
    file: Box<dyn StorageFile>,
}

impl Publisher {
    /// Opens the file, or creates it durably so that its name outlives a power cut.
    pub(crate) fn open(storage: &dyn Storage) -> Result<Self, JournalError> {
        let fail =
            |op| move |error: io::Error| JournalError::io(op, JournalFile::Watermark, &error);
        let file = match storage.open(DURABLE_NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = storage.create(DURABLE_TEMPORARY_NAME).map_err(fail(IoOp::Open))?;
                file.write_at(&[0; WATERMARK_BYTES], 0).map_err(fail(IoOp::Write))?;
                file.sync_data().map_err(fail(IoOp::Sync))?;
                storage.rename(DURABLE_TEMPORARY_NAME, DURABLE_NAME).map_err(fail(IoOp::Rename))?;
                storage.sync_dir().map_err(fail(IoOp::Sync))?;
                file
            }
            Err(error) => return Err(fail(IoOp::Open)(error)),
        };
        Ok(Self { file })
    }

    /// Publishes; the caller has made `watermark.durable_seq` durable before.
    pub(crate) fn publish(&self, watermark: &Watermark) -> Result<(), JournalError> {
        self.file
            .write_at(&watermark.encode(), 0)
            .map_err(|error| JournalError::io(IoOp::Write, JournalFile::Watermark, &error))
    }

    /// Makes the last publication itself outlive a power cut.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.file
            .sync_data()
            .map_err(|error| JournalError::io(IoOp::Sync, JournalFile::Watermark, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::{WATERMARK_BYTES, Watermark};
    use crate::format::{ChainHash, Durability};

    #[test]
    fn any_flipped_bit_makes_a_watermark_void() {
        let watermark = Watermark {
            boot_id: [1; 16],
            genesis: [2; 16],
            epoch: 3,
            durability: Durability::Os,
            closed: true,
            durable_seq: 4,
            chain: ChainHash([5; 32]),
            event_seq: 6,
            event_hash: [7; 32],
        };
        let bytes = watermark.encode();
        assert_eq!(Watermark::decode(&bytes), Some(watermark));
        for bit in 0..WATERMARK_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Watermark::decode(&flipped), None, "bit {bit}");
        }
    }
}
