//! The log's file on one node: segments of checksummed, hash-chained groups, one sync per group.
//!
//! ```text
//! journal.lock                      held by the one writer
//! durable.seq                       how far readers may go (see [`Watermark`])
//! journal-00000000000000000001.seg  records from seq 1 on
//! journal-00000000000000041234.seg  records from seq 41234 on
//! snapshot-00000000000000041000.snap the state after seq 41000 (see [`SnapshotWriter`])
//! ```
//!
//! A record is opaque but for its frame, little endian: length u32 (of the whole record), CRC-32C u32
//! (over the bytes from 8 on), eight bytes of the writer's own, seq u64. Seqs start at 1 and have no gap.
//! The caller gathers batches of records, hands them over as one group, and acknowledges once
//! [`Writer::append_group`] has returned. [`open`] recovers; [`Reader`] replays and tails.
//!
//! Invariants
//! - What `append_group` acknowledged under [`Durability::Fsync`] is found by every later [`open`], or
//!   `open` refuses: a torn last group is cut, anything else that is not whole is an error with its place.
//! - Nothing is ever found that was not handed to `append_group`, in that order.
//! - A reader in another process never sees what a power cut could still take back.
//! - After a storage error the writer is poisoned; nothing is retried.
//!
//! All I/O goes through [`Storage`]: [`FileStorage`] is a directory, [`SimDisk`] a disk in memory that
//! crashes, tears and lies on request. Format version 0: may change until it is frozen as 1.
#![forbid(unsafe_code)]

pub mod copy;
mod error;
mod file_storage;
mod format;
pub mod limits;
mod reader;
mod record;
mod recovery;
mod scan;
mod segment;
mod sim_disk;
mod snapshot;
mod storage;
mod watermark;
mod writer;

/// CRC-32C (Castagnoli), by the processor where it can.
pub use crc32c::crc32c;
pub use error::{Fault, IoOp, JournalError, JournalFile, RecordFault};
pub use file_storage::FileStorage;
pub use format::{ChainHash, Durability, FORMAT_VERSION, GROUP_HEADER_BYTES, SEGMENT_HEADER_BYTES};
pub use reader::{Group, Reader};
pub use record::Records;
pub use recovery::{LostTail, Options, Recovery, Report, open};
pub use segment::{Preparer, segment_first_seq, segment_name};
pub use sim_disk::{CrashMode, SimDisk};
pub use snapshot::{
    SNAPSHOT_HEADER_BYTES, SnapshotMark, SnapshotReader, SnapshotWriter, list_snapshots,
    remove_unfinished, snapshot_name, snapshot_seq,
};
pub use storage::{Storage, StorageFile, StorageLock};
pub use watermark::{Watermark, read_watermark};
pub use writer::{Synced, Writer, WriterStats};
