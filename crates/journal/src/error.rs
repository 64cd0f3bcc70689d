//! What can go wrong with a journal, as values that carry their own numbers.
//!
//! Invariant: after any [`JournalError::Io`] or [`JournalError::Poisoned`] from a writer, that writer
//! accepts nothing more. Argument errors (`Record…`, `Group…`, `Batches`) change nothing.

use crate::format::FORMAT_VERSION;
use core::fmt;
use std::io;

/// A file of the journal's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalFile {
    /// The segment whose first record has this seq.
    Segment(u64),
    /// A segment that is being prepared and has no name yet.
    Prepared,
    /// The snapshot at this seq.
    Snapshot(u64),
    /// `durable.seq`.
    Watermark,
    /// `journal.lock`.
    Lock,
    /// The directory itself.
    Directory,
}

impl fmt::Display for JournalFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(first_seq) => write!(f, "journal-{first_seq:020}.seg"),
            Self::Prepared => f.write_str("the segment in preparation"),
            Self::Snapshot(seq) => write!(f, "snapshot-{seq:020}.snap"),
            Self::Watermark => f.write_str("durable.seq"),
            Self::Lock => f.write_str("journal.lock"),
            Self::Directory => f.write_str("the journal directory"),
        }
    }
}

/// The storage operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoOp {
    /// Opening or creating a file, or taking the lock.
    Open,
    /// Listing the directory.
    List,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// `fdatasync`, or syncing the directory.
    Sync,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Reading the machine's boot id.
    BootId,
}

/// What is wrong with the bytes at one place of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing but zeros where something was due.
    Empty,
    /// The file ends before the structure does.
    Truncated,
    /// The first bytes are none of ours.
    Magic,
    /// The header does not match its CRC.
    HeaderChecksum,
    /// A format version that this build does not read.
    Version {
        /// The version found.
        found: u32,
    },
    /// An unknown kind of group, or flags that contradict the segment's.
    Kind,
    /// Another journal's genesis id.
    Genesis,
    /// The segment's header names another first seq than its file name does.
    SegmentName {
        /// The first seq in the header.
        found: u64,
    },
    /// A group with another number than the one due.
    GroupNumber {
        /// The number due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A group or segment that starts at another seq than the one due.
    FirstSeq {
        /// The seq due.
        expected: u64,
        /// The seq found.
        found: u64,
    },
    /// The chain hash before the group or segment is not the one reached.
    ChainBefore,
    /// The chain hash after the group is not the one computed.
    ChainAfter,
    /// A length that is impossible or passes the segment's end.
    Length {
        /// The length found, in bytes.
        bytes: u64,
    },
    /// The group's content does not match its CRC.
    PayloadChecksum,
    /// The group's padding is not zero.
    Padding,
    /// The batch table does not fit the records.
    Batches,
    /// A record inside the group is wrong.
    Record {
        /// Which record of the group, from 0.
        index: u32,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// No segment holds this seq although later ones, or the watermark, say that it was written.
    Missing {
        /// The seq due.
        expected: u64,
    },
}

/// What is wrong with one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// Its length is below [`crate::limits::RECORD_BYTES_MIN`], above
    /// [`crate::limits::RECORD_BYTES_MAX`], or passes the end of the buffer.
    Length {
        /// The length found, in bytes.
        bytes: u64,
    },
    /// It does not match its CRC.
    Checksum,
    /// Its seq is not the one due.
    Seq {
        /// The seq due.
        expected: u64,
        /// The seq found.
        found: u64,
    },
}

/// Why a journal operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalError {
    /// The storage failed. From a writer this is fatal: nothing is retried.
    Io {
        /// The operation.
        op: IoOp,
        /// The file.
        file: JournalFile,
        /// The kind that std gave it.
        kind: io::ErrorKind,
        /// The operating system's number, where there is one.
        code: Option<i32>,
    },
    /// Another process, or another writer in this one, holds this journal.
    Locked,
    /// A node has the journal open, and has published nothing that may be read yet.
    NotPublished,
    /// The journal is damaged in a way that no crash explains; nothing was changed.
    Corrupt {
        /// The damaged file.
        file: JournalFile,
        /// Where in it the damaged structure starts, in bytes.
        offset: u64,
        /// What is wrong there.
        fault: Fault,
    },
    /// `durable.seq` proves that more was durable than the segments hold; nothing was changed. See
    /// [`crate::LostTail`].
    LostDurable {
        /// The seq that was durable.
        durable_seq: u64,
        /// The last seq found.
        found_seq: u64,
    },
    /// An earlier failure of this writer was fatal.
    Poisoned,
    /// A record handed to the writer is malformed; nothing was written.
    Record {
        /// Which record, from 0.
        index: u32,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// The batch table handed to the writer does not end on record boundaries, is not increasing, or
    /// does not cover the records exactly; nothing was written.
    Batches,
    /// The group is empty or larger than [`crate::Writer::group_bytes_max`]; nothing was written.
    GroupSize {
        /// The size of the records, in bytes.
        bytes: u64,
        /// The largest accepted, in bytes.
        max_bytes: u64,
    },
    /// An option is out of its range.
    Options {
        /// The option's name.
        name: &'static str,
        /// The value given.
        value: u64,
    },
    /// The wanted seq is older than what the directory still holds.
    TooOld {
        /// The seq wanted.
        wanted_seq: u64,
        /// The oldest seq held.
        first_seq: u64,
    },
    /// History was lost and rewritten while a reader was under way: it starts again from nothing.
    Epoch {
        /// The epoch the reader began in.
        expected: u32,
        /// The epoch now.
        found: u32,
    },
    /// The wanted seq does not exist yet: reading can start at most one past the durable seq.
    TooNew {
        /// The seq wanted.
        wanted_seq: u64,
        /// The last seq that may be read.
        last_seq: u64,
    },
}

impl JournalError {
    /// Wraps an operating system error with what was attempted.
    pub(crate) fn io(op: IoOp, file: JournalFile, error: &io::Error) -> Self {
        Self::Io { op, file, kind: error.kind(), code: error.raw_os_error() }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { op, file, kind, code } => {
                write!(f, "{op:?} of {file} failed: {kind}")?;
                code.map_or(Ok(()), |code| write!(f, " (os error {code})"))
            }
            Self::Locked => f.write_str("the journal is open in another process"),
            Self::NotPublished => f.write_str("its node has published nothing yet"),
            Self::Corrupt { file, fault: Fault::Version { found }, .. } => {
                write!(
                    f,
                    "{file} is of format version {found}, and this build reads {FORMAT_VERSION}"
                )
            }
            Self::Corrupt { file, offset, fault } => {
                write!(f, "{file} is damaged at byte {offset}: {fault:?}")
            }
            Self::LostDurable { durable_seq, found_seq } => {
                write!(f, "seq {durable_seq} was durable, but the segments end at seq {found_seq}")
            }
            Self::Poisoned => f.write_str("the writer stopped at an earlier storage error"),
            Self::Record { index, fault } => write!(f, "record {index} of the group: {fault:?}"),
            Self::Batches => f.write_str("the batch table does not fit the records"),
            Self::GroupSize { bytes, max_bytes } => {
                write!(f, "a group of {bytes} bytes; 1 to {max_bytes} are accepted")
            }
            Self::Options { name, value } => write!(f, "option {name} is out of range: {value}"),
            Self::TooOld { wanted_seq, first_seq } => {
                write!(f, "seq {wanted_seq} is gone; the oldest is {first_seq}")
            }
            Self::Epoch { expected, found } => {
                write!(f, "history of epoch {expected} was lost; this is epoch {found}")
            }
            Self::TooNew { wanted_seq, last_seq } => {
                write!(f, "seq {wanted_seq} does not exist; the last is {last_seq}")
            }
        }
    }
}

impl std::error::Error for JournalError {}
