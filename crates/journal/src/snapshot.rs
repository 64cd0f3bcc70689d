//! Snapshot files beside the journal: written whole or not at all, and believed only if whole.
//!
//! ```text
//! snapshot-00000000000000041234.snap   the state after seq 41234
//! snapshot.tmp                         one that is being written
//!
//! header (512 bytes) · payload
//! ```
//!
//! The payload is the caller's. The header carries its length and SHA-256, the journal's genesis and
//! chain hash at the seq, and the hashes of the state, so that whoever reads it can tell whether it is
//! whole, of this journal, of this history, and what it says it is.
//!
//! Invariants
//! - A file has its name only once all its bytes are synced; a crash at any point leaves either no new
//!   snapshot or a whole one, and never takes an older one that was to be kept.
//! - Any flipped bit of a snapshot is found by [`SnapshotReader`], at the latest at its end.
//!
//! Cost of writing: one SHA-256 pass, one sync of the file, one or two of the directory. Of reading: one
//! SHA-256 pass, and the memory of the caller's slice.

use std::io;

use sha2::{Digest, Sha256};

use crate::error::{Fault, IoOp, JournalError, JournalFile};
use crate::format::{ChainHash, FORMAT_VERSION, array_at, put_u32, put_u64, u32_at, u64_at};
use crate::limits::{SNAPSHOT_BYTES_MAX, SNAPSHOT_CHUNK_BYTES, SNAPSHOTS_KEPT_MAX};
use crate::storage::{Storage, StorageFile};

const SNAPSHOT_MAGIC: [u8; 8] = *b"COULSNAP";
/// Bytes of a snapshot's header: one sector.
pub const SNAPSHOT_HEADER_BYTES: usize = 512;
const TEMPORARY_NAME: &str = "snapshot.tmp";
const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".snap";

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotMark {
    /// The journal's genesis id.
    pub genesis: [u8; 16],
    /// The history's epoch when it was written.
    pub epoch: u32,
    /// The last seq that is in it.
    pub seq: u64,
    /// The chain hash at `seq`.
    pub chain: ChainHash,
    /// The running event hash at `seq`.
    pub event_hash: [u8; 32],
    /// The hash of the whole state at `seq`.
    pub state_hash: [u8; 32],
    /// The time of the record at `seq`, in ns since the epoch.
    pub time_ns: i64,
}

/// The first sector of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    mark: SnapshotMark,
    payload_bytes: u64,
    payload_hash: [u8; 32],
}

impl Header {
    fn encode(&self) -> [u8; SNAPSHOT_HEADER_BYTES] {
        let Self { mark, payload_bytes, payload_hash } = self;
        let SnapshotMark { genesis, epoch, seq, chain, event_hash, state_hash, time_ns } = mark;
        let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
        bytes[..8].copy_from_slice(&SNAPSHOT_MAGIC);
        put_u32(&mut bytes, 12, FORMAT_VERSION);
        bytes[16..32].copy_from_slice(genesis);
        put_u32(&mut bytes, 32, *epoch);
        put_u64(&mut bytes, 40, *seq);
        bytes[48..56].copy_from_slice(&time_ns.to_le_bytes());
        put_u64(&mut bytes, 56, *payload_bytes);
        bytes[64..96].copy_from_slice(&chain.0);
        bytes[96..128].copy_from_slice(event_hash);
        bytes[128..160].copy_from_slice(state_hash);
        bytes[160..192].copy_from_slice(payload_hash);
        let crc = crc32c::crc32c(&bytes[12..]);
        put_u32(&mut bytes, 8, crc);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() < SNAPSHOT_HEADER_BYTES {
            return Err(Fault::Truncated);
        }
        let bytes = &bytes[..SNAPSHOT_HEADER_BYTES];
        if bytes[..8] != SNAPSHOT_MAGIC {
            return Err(Fault::Magic);
        }
        if crc32c::crc32c(&bytes[12..]) != u32_at(bytes, 8) {
            return Err(Fault::HeaderChecksum);
        }
        let found = u32_at(bytes, 12);
        if found != FORMAT_VERSION {
            return Err(Fault::Version { found });
        }
        Ok(Self {
            mark: SnapshotMark {
                genesis: array_at(bytes, 16),
                epoch: u32_at(bytes, 32),
                seq: u64_at(bytes, 40),
                time_ns: i64::from_le_bytes(array_at(bytes, 48)),
                chain: ChainHash(array_at(bytes, 64)),
                event_hash: array_at(bytes, 96),
                state_hash: array_at(bytes, 128),
            },
            payload_bytes: u64_at(bytes, 56),
            payload_hash: array_at(bytes, 160),
        })
    }
}

/// The file name of the snapshot at `seq`.
pub fn snapshot_name(seq: u64) -> String {
    format!("{PREFIX}{seq:020}{SUFFIX}")
}

/// The seq in a snapshot's file name; `None` if it is no snapshot's name.
pub fn snapshot_seq(name: &str) -> Option<u64> {
    let seq = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()?;
    (snapshot_name(seq) == name).then_some(seq)
}

/// The seqs of the snapshots in a directory, newest first. Whether they are whole is not looked at.
///
/// # Errors
/// [`JournalError::Io`].
pub fn list_snapshots(storage: &dyn Storage) -> Result<Vec<u64>, JournalError> {
    let names = storage
        .list()
        .map_err(|error| JournalError::io(IoOp::List, JournalFile::Directory, &error))?;
    // Names are of fixed width, so their order is that of the seqs.
    Ok(names.iter().rev().filter_map(|name| snapshot_seq(name)).collect())
}

/// A snapshot that is being read, slice by slice. What it gives is not to be believed before
/// [`Self::finish`]. Whether it is of the journal beside it the caller checks by its mark.
pub struct SnapshotReader {
    file: Box<dyn StorageFile>,
    header: Header,
    hash: Sha256,
    read_bytes: u64,
}

impl SnapshotReader {
    /// Opens the snapshot at `seq`, whose header and length must be whole.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] where they are not, [`JournalError::Io`].
    pub fn open(storage: &dyn Storage, seq: u64) -> Result<Self, JournalError> {
        let file_id = JournalFile::Snapshot(seq);
        let fail = |op| move |error: io::Error| JournalError::io(op, file_id, &error);
        let corrupt = |offset, fault| JournalError::Corrupt { file: file_id, offset, fault };
        let file = storage.open_read(&snapshot_name(seq)).map_err(fail(IoOp::Open))?;
        let mut head = [0; SNAPSHOT_HEADER_BYTES];
        let count = file.read_at(&mut head, 0).map_err(fail(IoOp::Read))?;
        let header = Header::decode(&head[..count]).map_err(|fault| corrupt(0, fault))?;
        if header.mark.seq != seq {
            return Err(corrupt(0, Fault::FirstSeq { expected: seq, found: header.mark.seq }));
        }
        let bytes = header.payload_bytes;
        let length = file.len().map_err(fail(IoOp::Read))?;
        let expected = bytes.checked_add(SNAPSHOT_HEADER_BYTES as u64);
        if bytes > SNAPSHOT_BYTES_MAX || expected != Some(length) {
            return Err(corrupt(SNAPSHOT_HEADER_BYTES as u64, Fault::Length { bytes }));
        }
        Ok(Self { file, header, hash: Sha256::new(), read_bytes: 0 })
    }

    /// What it says that it is of.
    pub fn mark(&self) -> &SnapshotMark {
        &self.header.mark
    }

    /// Bytes of the payload that have not been read.
    pub fn left_bytes(&self) -> u64 {
        self.header.payload_bytes - self.read_bytes
    }

    /// Reads the next bytes of the payload into the front of `into`; how many, none at its end.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] where the file has become shorter, [`JournalError::Io`].
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, JournalError> {
        let left = usize::try_from(self.left_bytes()).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let file = JournalFile::Snapshot(self.header.mark.seq);
        let offset = SNAPSHOT_HEADER_BYTES as u64 + self.read_bytes;
        let count = self
            .file
            .read_at(&mut into[..wanted], offset)
            .map_err(|error| JournalError::io(IoOp::Read, file, &error))?;
        if count == 0 {
            return Err(JournalError::Corrupt { file, offset, fault: Fault::Truncated });
        }
        self.hash.update(&into[..count]);
        self.read_bytes += count as u64;
        Ok(count)
    }

    /// Reads to the end and checks that the payload is what was written.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] where it is not, [`JournalError::Io`].
    pub fn finish(mut self) -> Result<SnapshotMark, JournalError> {
        let mut rest = vec![0; SNAPSHOT_CHUNK_BYTES];
        while self.read(&mut rest)? > 0 {}
        if <[u8; 32]>::from(self.hash.finalize()) != self.header.payload_hash {
            return Err(JournalError::Corrupt {
                file: JournalFile::Snapshot(self.header.mark.seq),
                offset: SNAPSHOT_HEADER_BYTES as u64,
                fault: Fault::PayloadChecksum,
            });
        }
        Ok(self.header.mark)
    }
}

/// A snapshot that is being written; it has no name until [`Self::finish`].
pub struct SnapshotWriter<'s> {
    storage: &'s dyn Storage,
    file: Box<dyn StorageFile>,
    seq: u64,
    hash: Sha256,
    chunk: Vec<u8>,
    written_bytes: u64,
    needed_seq: Option<u64>,
}

impl<'s> SnapshotWriter<'s> {
    /// Begins a snapshot at `seq`. There is one writer a directory: what another left unfinished is
    /// written over.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn create(storage: &'s dyn Storage, seq: u64) -> Result<Self, JournalError> {
        let file = storage
            .create(TEMPORARY_NAME)
            .map_err(|error| JournalError::io(IoOp::Open, JournalFile::Snapshot(seq), &error))?;
        let chunk = Vec::with_capacity(2 * SNAPSHOT_CHUNK_BYTES);
        let hash = Sha256::new();
        Ok(Self { storage, file, seq, hash, chunk, written_bytes: 0, needed_seq: None })
    }

    /// Keeps, besides those that are kept anyway, the newest snapshot at or below `seq`: somebody has
    /// read the log up to there only, and will go on from it.
    pub fn keep_for(&mut self, seq: u64) {
        self.needed_seq = Some(seq);
    }

    /// Takes the next bytes of the payload.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the snapshot is given up.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() < SNAPSHOT_CHUNK_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        self.hash.update(&self.chunk);
        let at = SNAPSHOT_HEADER_BYTES as u64 + self.written_bytes;
        self.file.write_at(&self.chunk, at).map_err(self.fail(IoOp::Write))?;
        self.written_bytes += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }

    fn fail(&self, op: IoOp) -> impl Fn(io::Error) -> JournalError + use<> {
        let file = JournalFile::Snapshot(self.seq);
        move |error| JournalError::io(op, file, &error)
    }

    /// Makes it durable, gives it its name, and removes all but the newest `keep` (at least this one)
    /// and those of a history that was lost; returns the bytes of the file.
    ///
    /// # Errors
    /// [`JournalError::Io`]; there is no new snapshot then, or a whole one.
    pub fn finish(mut self, mark: &SnapshotMark, keep: usize) -> Result<u64, JournalError> {
        self.flush()?;
        let header = Header {
            mark: *mark,
            payload_bytes: self.written_bytes,
            payload_hash: self.hash.clone().finalize().into(),
        };
        self.file.write_at(&header.encode(), 0).map_err(self.fail(IoOp::Write))?;
        self.file.sync_data().map_err(self.fail(IoOp::Sync))?;
        let name = snapshot_name(mark.seq);
        self.storage.rename(TEMPORARY_NAME, &name).map_err(self.fail(IoOp::Rename))?;
        self.storage.sync_dir().map_err(self.fail(IoOp::Sync))?;
        // Only now, since until here the older ones may be all there is.
        remove_others(self.storage, mark.seq, keep, self.needed_seq)?;
        Ok(SNAPSHOT_HEADER_BYTES as u64 + self.written_bytes)
    }
}

/// Removes what the snapshot at `newest_seq`, which is the newest of this history, makes superfluous.
fn remove_others(
    storage: &dyn Storage,
    newest_seq: u64,
    keep: usize,
    needed_seq: Option<u64>,
) -> Result<(), JournalError> {
    // Ahead of the newest one there is only what belongs to a history that was lost.
    let (older, lost): (Vec<u64>, Vec<u64>) =
        list_snapshots(storage)?.into_iter().partition(|seq| *seq <= newest_seq);
    let spared = older.iter().copied().find(|seq| needed_seq.is_some_and(|needed| *seq <= needed));
    let superfluous = older
        .into_iter()
        .skip(keep.clamp(1, SNAPSHOTS_KEPT_MAX))
        .filter(|seq| Some(*seq) != spared);
    let doomed: Vec<u64> = superfluous.chain(lost).collect();
    for seq in &doomed {
        storage
            .remove(&snapshot_name(*seq))
            .map_err(|error| JournalError::io(IoOp::Remove, JournalFile::Snapshot(*seq), &error))?;
    }
    if doomed.is_empty() {
        return Ok(());
    }
    storage.sync_dir().map_err(|error| JournalError::io(IoOp::Sync, JournalFile::Directory, &error))
}

/// Removes what a writer that died left unfinished. The caller is the one writer.
///
/// # Errors
/// [`JournalError::Io`].
pub fn remove_unfinished(storage: &dyn Storage) -> Result<(), JournalError> {
    match storage.remove(TEMPORARY_NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::io(IoOp::Remove, JournalFile::Directory, &error))
        }
        _ => Ok(()),
    }
}
