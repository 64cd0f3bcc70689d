//! The port on a disk in memory that loses, tears, flips and lies as told.
//!
//! The same operations, crash point and seed always give the same disk. Every handle is a view of one
//! shared disk; [`SimDisk::fork`] makes an independent one, so that one run can be crashed in many ways.
//!
//! Invariants
//! - Written bytes are volatile until their file is synced; names are volatile until the directory is.
//! - A crash keeps, of what is volatile: nothing, or sectors chosen by the seed; of the name changes,
//!   a prefix (file systems journal them in order).
//! - After a crash or a [`SimDisk::restart`], handles from before fail: the process that held them died.
//!
//! Cost: everything is copied in memory; made for journals of some hundred kilobytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::SECTOR_BYTES;
use crate::storage::{Storage, StorageFile, StorageLock};

/// What a crash leaves of everything that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashMode {
    /// Nothing: the disk as of the last syncs.
    DropAll,
    /// A prefix or an arbitrary subset of the unsynced sectors of each file.
    Torn {
        /// Chooses them.
        seed: u64,
    },
}

/// An unsynced change of a file.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

/// One file's bytes, as read now and as they would survive.
#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

/// An unsynced change of the directory.
#[derive(Clone, Debug)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

/// Faults that are planted and still to come.
#[derive(Clone, Debug, Default)]
struct Faults {
    stop_after_ops: Option<u64>,
    fail_at_op: Option<u64>,
    fail_next_sync: bool,
    lie_on_sync: bool,
}

#[derive(Clone, Debug, Default)]
struct Disk {
    ops: u64,
    boot: u64,
    generation: u64,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    locks: BTreeSet<String>,
    faults: Faults,
}

/// A simulated disk holding one directory. Clones are handles of the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    disk: Arc<Mutex<Disk>>,
    generation: u64,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An independent copy of the disk, volatile layer included, with no faults planted; the handle
    /// returned belongs to the same process life as this one.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut copy = self.disk().clone();
        copy.faults = Faults::default();
        Self { disk: Arc::new(Mutex::new(copy)), generation: self.generation }
    }

    /// Cuts the power and boots again; returns a handle for the new life. All planted faults are over.
    #[must_use]
    pub fn crash(&self, mode: CrashMode) -> Self {
        let mut disk = self.disk();
        disk.crash(mode);
        disk.boot += 1;
        Self { disk: Arc::clone(&self.disk), generation: disk.generation }
    }

    /// Kills the process and starts another without a power cut: nothing written is lost, nothing
    /// becomes durable by it. Returns a handle for the new life.
    #[must_use]
    pub fn restart(&self) -> Self {
        let mut disk = self.disk();
        disk.end_process();
        Self { disk: Arc::clone(&self.disk), generation: disk.generation }
    }

    /// How many operations this disk has performed.
    pub fn ops(&self) -> u64 {
        self.disk().ops
    }

    /// Lets `ops` more operations happen; every later one fails and changes nothing, as if the machine
    /// had stopped there.
    pub fn stop_after(&self, ops: u64) {
        let mut disk = self.disk();
        disk.faults.stop_after_ops = Some(disk.ops + ops);
    }

    /// Lets `ops` more operations happen and fails the one after them, once, without effect.
    pub fn fail_once_after(&self, ops: u64) {
        let mut disk = self.disk();
        disk.faults.fail_at_op = Some(disk.ops + ops);
    }

    /// Makes the next sync of a file fail, once. As on Linux, the bytes it should have made durable
    /// count as clean afterwards: a later sync does not save them, though they can still be read.
    pub fn fail_next_sync(&self) {
        self.disk().faults.fail_next_sync = true;
    }

    /// From now on, syncs return `Ok` and make nothing durable. A planted fault: whatever checks that
    /// no acknowledged record is lost must find it.
    pub fn lie_on_sync(&self, lie: bool) {
        self.disk().faults.lie_on_sync = lie;
    }

    /// The bytes of `name` as read now.
    pub fn file_bytes(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.disk();
        let inode = *disk.names.get(name)?;
        Some(disk.inodes[inode].live.clone())
    }

    /// Puts a file there, durably: for planting and for cutting.
    pub fn put_file(&self, name: &str, bytes: &[u8]) {
        let mut disk = self.disk();
        let inode = disk.add_inode();
        disk.inodes[inode].live = bytes.to_vec();
        disk.inodes[inode].durable = bytes.to_vec();
        disk.names.insert(name.to_owned(), inode);
        disk.durable_names.insert(name.to_owned(), inode);
    }

    /// Takes a file away, durably.
    pub fn take_file(&self, name: &str) {
        let mut disk = self.disk();
        disk.names.remove(name);
        disk.durable_names.remove(name);
    }

    /// Flips one bit of `name`, on the disk and in the cache; false if the file has no such bit.
    pub fn flip_bit(&self, name: &str, bit: u64) -> bool {
        let mut disk = self.disk();
        let Some(&inode) = disk.names.get(name) else {
            return false;
        };
        let Ok(at) = usize::try_from(bit / 8) else {
            return false;
        };
        let mask = 1_u8 << (bit % 8);
        let Inode { live, durable, .. } = &mut disk.inodes[inode];
        let Some(byte) = live.get_mut(at) else {
            return false;
        };
        *byte ^= mask;
        if let Some(byte) = durable.get_mut(at) {
            *byte ^= mask;
        }
        true
    }
}

impl Disk {
    /// Counts one operation and says whether it may happen.
    fn step(&mut self, generation: u64) -> io::Result<()> {
        if generation != self.generation {
            return Err(io::Error::other("this handle's process has died"));
        }
        if self.faults.stop_after_ops.is_some_and(|stop| self.ops >= stop) {
            return Err(io::Error::other("the machine has stopped"));
        }
        self.ops += 1;
        if self.faults.fail_at_op.is_some_and(|at| self.ops > at) {
            self.faults.fail_at_op = None;
            return Err(io::Error::other("a planted failure"));
        }
        Ok(())
    }

    fn add_inode(&mut self) -> usize {
        self.inodes.push(Inode::default());
        self.inodes.len() - 1
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn end_process(&mut self) {
        self.generation += 1;
        self.locks.clear();
        self.faults = Faults::default();
    }

    fn crash(&mut self, mode: CrashMode) {
        self.end_process();
        let mut choice = match mode {
            CrashMode::DropAll => Choice::nothing(),
            CrashMode::Torn { seed } => Choice::seeded(seed),
        };
        for inode in &mut self.inodes {
            inode.crash(&mut choice);
        }
        let unsynced = std::mem::take(&mut self.unsynced_names);
        let kept_count = choice.below(unsynced.len() + 1);
        for change in unsynced.into_iter().take(kept_count) {
            apply_name_change(&mut self.durable_names, change);
        }
        self.names = self.durable_names.clone();
    }

    fn change_names(&mut self, change: NameChange) {
        apply_name_change(&mut self.names, change.clone());
        self.unsynced_names.push(change);
    }
}

fn apply_name_change(names: &mut BTreeMap<String, usize>, change: NameChange) {
    match change {
        NameChange::Link(name, inode) => {
            names.insert(name, inode);
        }
        NameChange::Unlink(name) => {
            names.remove(&name);
        }
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(&from) {
                names.insert(to, inode);
            }
        }
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        apply_change(&mut self.live, &change);
        self.unsynced.push(change);
    }

    /// Applies the part of the unsynced changes that survives, sector by sector.
    fn crash(&mut self, choice: &mut Choice) {
        let mut sectors = Vec::new();
        for change in std::mem::take(&mut self.unsynced) {
            split_at_sectors(change, &mut sectors);
        }
        let kept = choice.subset(sectors.len());
        for (change, kept) in sectors.iter().zip(kept) {
            if kept {
                apply_change(&mut self.durable, change);
            }
        }
        self.live = self.durable.clone();
    }
}

fn apply_change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(memory_index(*length), 0),
        Change::Write { offset, bytes: written } => {
            let start = memory_index(*offset);
            let end = start + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[start..end].copy_from_slice(written);
        }
    }
}

/// An offset of a file that is in memory.
fn memory_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn split_at_sectors(change: Change, into: &mut Vec<Change>) {
    let (mut offset, bytes) = match change {
        Change::Length(_) => return into.push(change),
        Change::Write { offset, bytes } => (offset, bytes),
    };
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let room = memory_index(SECTOR_BYTES - offset % SECTOR_BYTES);
        let (sector, after) = rest.split_at(room.min(rest.len()));
        into.push(Change::Write { offset, bytes: sector.to_vec() });
        offset += sector.len() as u64;
        rest = after;
    }
}

/// Seeded choices (`SplitMix64`, Steele, Lea and Flood 2014), or always the smallest.
struct Choice {
    state: Option<u64>,
}

impl Choice {
    fn nothing() -> Self {
        Self { state: None }
    }

    fn seeded(seed: u64) -> Self {
        Self { state: Some(seed) }
    }

    fn next(&mut self) -> u64 {
        let Some(state) = &mut self.state else {
            return 0;
        };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        memory_index(self.next() % (bound as u64))
    }

    /// Which of `count` changes survive: half the time a prefix, else each by itself.
    fn subset(&mut self, count: usize) -> Vec<bool> {
        if self.state.is_none() {
            return vec![false; count];
        }
        if self.next().is_multiple_of(2) {
            let kept = self.below(count + 1);
            return (0..count).map(|index| index < kept).collect();
        }
        (0..count).map(|_| self.next().is_multiple_of(2)).collect()
    }
}

impl Storage for SimDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        let inode = disk.add_inode();
        disk.change_names(NameChange::Link(name.to_owned(), inode));
        drop(disk);
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        let inode = disk.find(name)?;
        drop(disk);
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.open(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        disk.find(name)?;
        disk.change_names(NameChange::Unlink(name.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        disk.find(from)?;
        disk.change_names(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        if !disk.faults.lie_on_sync {
            disk.unsynced_names.clear();
            disk.durable_names = disk.names.clone();
        }
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn StorageLock>> {
        let mut disk = self.disk();
        disk.step(self.generation)?;
        if !disk.locks.insert(name.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(disk);
        Ok(Box::new(SimLock { disk: self.clone(), name: name.to_owned() }))
    }

    fn boot_id(&self) -> io::Result<[u8; 16]> {
        let mut id = [0xb0; 16];
        id[..8].copy_from_slice(&self.disk().boot.to_le_bytes());
        Ok(id)
    }
}

struct SimLock {
    disk: SimDisk,
    name: String,
}

impl StorageLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = self.disk.disk();
        if disk.generation == self.disk.generation {
            disk.locks.remove(&self.name);
        }
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl SimFile {
    fn begin(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.disk.disk();
        disk.step(self.disk.generation)?;
        Ok(disk)
    }
}

impl StorageFile for SimFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.begin()?;
        let live = &disk.inodes[self.inode].live;
        let from = live.get(memory_index(offset)..).unwrap_or_default();
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let change = Change::Write { offset, bytes: bytes.to_vec() };
        self.begin()?.inodes[self.inode].change(change);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.begin()?;
        if std::mem::take(&mut disk.faults.fail_next_sync) {
            disk.inodes[self.inode].unsynced.clear();
            return Err(io::Error::other("a planted sync failure"));
        }
        if !disk.faults.lie_on_sync {
            let inode = &mut disk.inodes[self.inode];
            for change in std::mem::take(&mut inode.unsynced) {
                apply_change(&mut inode.durable, &change);
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.begin()?.inodes[self.inode].live.len() as u64)
    }

    fn preallocate(&self, bytes: u64) -> io::Result<()> {
        let mut disk = self.begin()?;
        let inode = &mut disk.inodes[self.inode];
        if (inode.live.len() as u64) < bytes {
            inode.change(Change::Length(bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CrashMode, SimDisk};
    use crate::storage::Storage;

    #[test]
    fn what_was_not_synced_is_gone_after_a_crash() {
        let disk = SimDisk::new();
        let file = disk.create("a").unwrap();
        file.write_at(b"kept", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir().unwrap();
        file.write_at(b"lost", 4).unwrap();
        disk.create("b").unwrap().sync_data().unwrap();
        assert_eq!(disk.file_bytes("a").unwrap(), b"keptlost");

        let disk = disk.crash(CrashMode::DropAll);

        assert_eq!(disk.file_bytes("a").unwrap(), b"kept");
        assert_eq!(disk.list().unwrap(), ["a"]);
        assert!(file.write_at(b"x", 0).is_err(), "a dead process writes nothing");
    }

    #[test]
    fn a_torn_write_keeps_whole_sectors_and_some_seed_keeps_a_later_one_alone() {
        let disk = SimDisk::new();
        let file = disk.create("a").unwrap();
        file.write_at(&[0; 1024], 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir().unwrap();
        file.write_at(&[7; 1024], 0).unwrap();
        let mut second_alone_count = 0;
        for seed in 0..32 {
            let bytes = disk.fork().crash(CrashMode::Torn { seed }).file_bytes("a").unwrap();
            for sector in bytes.chunks(512) {
                assert!(sector.iter().all(|byte| *byte == sector[0]));
            }
            if bytes[0] == 0 && bytes[512] == 7 {
                second_alone_count += 1;
            }
        }
        assert!(second_alone_count > 0);
    }

    #[test]
    fn a_lying_sync_and_a_failing_one_both_lose_the_bytes() {
        let disk = SimDisk::new();
        let file = disk.create("a").unwrap();
        disk.sync_dir().unwrap();
        file.write_at(b"x", 0).unwrap();
        disk.fail_next_sync();
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        disk.lie_on_sync(true);
        file.write_at(b"y", 1).unwrap();
        file.sync_data().unwrap();
        assert_eq!(disk.file_bytes("a").unwrap(), b"xy");

        let disk = disk.crash(CrashMode::DropAll);

        assert_eq!(disk.file_bytes("a").unwrap(), b"");
    }
}
