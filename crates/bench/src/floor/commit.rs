//! A bare group commit: what has gathered is written and synced by a thread of its own, and nothing else.
//!
//! What comes while one group is on its way to the disk is the next group. No records, no checksums, no
//! chain: the least that any journal does. The file is written beforehand and used round and round, so a
//! sync has no blocks to allocate and no size to note.

use crate::urgency::be_urgent;
use crate::{Failure, failure};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of the file.
const FILE_BYTES: usize = 64 * 1_024 * 1_024;
/// Bytes that are written at a time: whole sectors.
const BLOCK_BYTES: usize = 4_096;

/// How far what was written is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// From a power cut.
    Fsync,
    /// From the death of the process.
    Os,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Entries that were ever put in.
    count: u64,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    gathered: Condvar,
    durable: AtomicU64,
    moved: OwnedFd,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loop's end of the thread, which runs as long as the process.
#[derive(Debug)]
pub(crate) struct GroupCommit {
    shared: Arc<Shared>,
}

impl GroupCommit {
    /// Makes the file in `directory` and starts the thread.
    pub(crate) fn start(directory: &Path, durability: Durability) -> Result<Self, Failure> {
        let path = directory.join("floor");
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| Failure(format!("{}: {error}", path.display())))?;
        let zeros = vec![0; BLOCK_BYTES * 256];
        for at in (0..FILE_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, at as u64)?;
        }
        file.sync_all()?;
        let moved = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            gathered: Condvar::new(),
            durable: AtomicU64::new(0),
            moved,
        });
        let theirs = Arc::clone(&shared);
        let run = move || {
            if let Err(error) = run(&theirs, &file, durability) {
                eprintln!("coulisse-bench: the floor's file: {error}");
                std::process::exit(1);
            }
        };
        std::thread::Builder::new().name("floor-sync".to_owned()).spawn(run)?;
        Ok(Self { shared })
    }

    /// Puts an entry in; returns its number, from 1.
    pub(crate) fn append(&self, entry: &[u8]) -> Result<u64, Failure> {
        let mut queue = self.shared.queue();
        if queue.bytes.len() + entry.len() > FILE_BYTES {
            return failure("the disk takes less than is sent");
        }
        queue.bytes.extend_from_slice(entry);
        queue.count += 1;
        Ok(queue.count)
    }

    /// Wakes the thread: a turn's entries are in.
    pub(crate) fn gather(&self) {
        self.shared.gathered.notify_one();
    }

    /// The last entry that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Readable once that has moved.
    pub(crate) fn moved(&self) -> &OwnedFd {
        &self.shared.moved
    }

    /// Takes the signal.
    pub(crate) fn acknowledge(&self) {
        // Nothing to read means that an earlier call took it.
        let _ = rustix::io::read(&self.shared.moved, &mut [0_u8; 8]);
    }
}

fn run(shared: &Shared, file: &File, durability: Durability) -> std::io::Result<()> {
    // As the sync thread of a node.
    be_urgent(true);
    let (mut group, mut at) = (Vec::new(), 0);
    loop {
        let mut queue = shared.queue();
        while queue.bytes.is_empty() {
            queue = shared.gathered.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        group.clear();
        std::mem::swap(&mut group, &mut queue.bytes);
        let count = queue.count;
        drop(queue);
        group.resize(group.len().next_multiple_of(BLOCK_BYTES), 0);
        if at + group.len() > FILE_BYTES {
            at = 0;
        }
        file.write_all_at(&group, at as u64)?;
        at += group.len();
        if durability == Durability::Fsync {
            file.sync_data()?;
        }
        shared.durable.store(count, Ordering::Release);
        // The only failure is a counter at its maximum, and then there is news anyway.
        let _ = rustix::io::write(&shared.moved, &1_u64.to_ne_bytes());
    }
}
