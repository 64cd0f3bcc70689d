//! The few file operations a journal needs, as a port: a real directory or a simulated disk.
//!
//! Invariants an implementation keeps
//! - A write is durable only after `sync_data` on its file returned `Ok`; a file's name, rename or
//!   removal only after `sync_dir`. A file's bytes and its name are durable independently.
//! - A sector ([`crate::limits::SECTOR_BYTES`]) is written wholly or not at all.
//! - Bytes of a file that were never written read as zero.

use std::io;

use crate::limits::{PAGE_BYTES, ZERO_CHUNK_BYTES};

/// A directory that holds one journal.
///
/// Shared by the writer, its preparing thread and readers, so every method takes `&self`.
pub trait Storage: Send + Sync {
    /// Creates `name` for reading and writing; an existing file of that name is emptied.
    ///
    /// # Errors
    /// What the operating system says.
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Opens the existing file `name` for reading and writing.
    ///
    /// # Errors
    /// What the operating system says; `NotFound` if there is none.
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Opens the existing file `name` for reading alone.
    ///
    /// # Errors
    /// What the operating system says; `NotFound` if there is none.
    fn open_read(&self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// The names of all files, in ascending order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Removes `name`.
    ///
    /// # Errors
    /// What the operating system says; `NotFound` if there is none.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Renames `from` to `to`, replacing a file of that name in one step. Open handles stay valid.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes all creations, renames and removals so far durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_dir(&self) -> io::Result<()>;

    /// Takes the exclusive lock `name`; it is released when the guard is dropped or the process ends.
    ///
    /// # Errors
    /// `WouldBlock` if it is held, in this process or another.
    fn lock(&self, name: &str) -> io::Result<Box<dyn StorageLock>>;

    /// An id that is new after every boot of the machine and the same between two boots.
    ///
    /// # Errors
    /// Where the machine does not tell (anything but Linux).
    fn boot_id(&self) -> io::Result<[u8; 16]>;
}

/// One open file.
pub trait StorageFile: Send {
    /// Reads up to `into.len()` bytes at `offset`; fewer only at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, extending the file where needed.
    ///
    /// # Errors
    /// What the operating system says; some of the bytes may then have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes this file's bytes and length durable (`fdatasync`).
    ///
    /// # Errors
    /// What the operating system says. Nothing is known about any unsynced byte then, and a second
    /// call proves nothing: the caller stops.
    fn sync_data(&self) -> io::Result<()>;

    /// The length in bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file is empty.
    ///
    /// # Errors
    /// What the operating system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Makes the file at least `bytes` long, with disk space reserved where the file system can; new
    /// bytes read as zero.
    ///
    /// # Errors
    /// What the operating system says, above all `StorageFull`.
    fn preallocate(&self, bytes: u64) -> io::Result<()>;

    /// Writes zeros over `from..to` and makes them durable; in pieces, before each of which `stops` is
    /// asked.
    ///
    /// # Errors
    /// What the operating system says; `Interrupted` where it was stopped.
    fn write_zeros(&self, from: u64, to: u64, stops: &dyn Fn() -> bool) -> io::Result<()> {
        zero_in_pieces(from, to, stops, &|zeros, at| {
            self.write_at(zeros, at)?;
            self.sync_data()
        })
    }
}

/// Gives `write` zeros for `from..to`, piece by piece, each where a page of memory begins.
pub(crate) fn zero_in_pieces(
    from: u64,
    to: u64,
    stops: &dyn Fn() -> bool,
    write: &dyn Fn(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let zeros = vec![0; ZERO_CHUNK_BYTES + PAGE_BYTES];
    let start = zeros.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
    let mut at = from;
    while at < to {
        if stops() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let bytes = usize::try_from(to - at).unwrap_or(ZERO_CHUNK_BYTES).min(ZERO_CHUNK_BYTES);
        write(&zeros[start..start + bytes], at)?;
        at += bytes as u64;
    }
    Ok(())
}

/// Holds a lock until it is dropped.
pub trait StorageLock: Send + Sync {}
