//! The port on a real directory.
//!
//! Cost: one system call per operation. `create`, `rename` and `remove` do not sync the directory by
//! themselves; the journal calls `sync_dir` where its order of steps needs it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation, OFlags};

use crate::limits::PAGE_BYTES;
use crate::storage::{Storage, StorageFile, StorageLock, zero_in_pieces};

/// Where Linux tells its boot id, also inside containers.
const BOOT_ID_PATH: &str = "/proc/sys/kernel/random/boot_id";

/// Journal files hold orders and key material of others: only their owner reads them.
const FILE_MODE: u32 = 0o600;

/// A directory of the local file system.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    directory: File,
}

impl FileStorage {
    /// Opens the directory at `path`, creating it and its missing parents durably.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::create_dir_all(path)?;
            // The new entries live in the parents: without this a power cut takes the journal along.
            for parent in path.ancestors().skip(1) {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                match File::open(parent) {
                    Ok(parent) => parent.sync_all()?,
                    // A parent that we may pass but not read existed before us.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { path: path.to_path_buf(), directory: File::open(path)? })
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_with(&self, name: &str, options: &OpenOptions) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(RealFile(options.open(self.path.join(name))?)))
    }
}

impl Storage for FileStorage {
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        self.open_with(name, &options)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.open_with(name, File::options().read(true).write(true))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.open_with(name, File::options().read(true))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn StorageLock>> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(self.path.join(name))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn boot_id(&self) -> io::Result<[u8; 16]> {
        let text = fs::read_to_string(BOOT_ID_PATH)?;
        parse_boot_id(&text).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }
}

/// Reads the 32 hexadecimal digits of a UUID, whatever stands between them.
fn parse_boot_id(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    let mut digits = text.chars().filter_map(|c| c.to_digit(16));
    for byte in &mut id {
        let (high, low) = (digits.next()?, digits.next()?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

/// The lock is the open file: the kernel releases it with the last descriptor.
struct RealLock {
    _file: File,
}

impl StorageLock for RealLock {}

struct RealFile(File);

impl StorageFile for RealFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match self.0.read_at(&mut into[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn preallocate(&self, bytes: u64) -> io::Result<()> {
        if self.len()? >= bytes {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // File systems without reservation: the length alone must do.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.0.set_len(bytes),
            Err(error) => Err(error.into()),
        }
    }

    fn write_zeros(&self, from: u64, to: u64, stops: &dyn Fn() -> bool) -> io::Result<()> {
        let cached = &|zeros: &[u8], at| {
            self.write_at(zeros, at)?;
            self.sync_data()
        };
        let page = PAGE_BYTES as u64;
        let direct =
            self.past_the_cache().filter(|_| from.is_multiple_of(page) && to.is_multiple_of(page));
        let Some(direct) = direct else { return zero_in_pieces(from, to, stops, cached) };
        match zero_in_pieces(from, to, stops, &|zeros, at| direct.write_all_at(zeros, at)) {
            // The file system takes only larger pieces, or none.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                zero_in_pieces(from, to, stops, cached)
            }
            written => written.and_then(|()| self.sync_data()),
        }
    }
}

impl RealFile {
    /// The same file, written to past the kernel's cache; `None` where the file system has no such thing.
    fn past_the_cache(&self) -> Option<File> {
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        let flags = i32::try_from(OFlags::DIRECT.bits()).ok()?;
        File::options().write(true).custom_flags(flags).open(path).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{FileStorage, parse_boot_id};
    use crate::storage::Storage as _;
    use std::cell::Cell;
    use std::io;

    #[test]
    fn zeros_go_where_they_belong_past_the_cache_or_through_it_until_they_are_stopped() {
        let path = std::env::temp_dir().join(format!("coulisse-zeros-{}", std::process::id()));
        let storage = FileStorage::new(&path).unwrap();
        let file = storage.create("zeros").unwrap();
        for (from, to) in [(0, 300 << 10), (4_096, 8_192), (512, 5_000), (4_096, 4_096)] {
            let before = vec![7; 400 << 10];
            file.write_at(&before, 0).unwrap();
            file.write_zeros(from, to, &|| false).unwrap();
            let mut wanted = before;
            wanted[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].fill(0);
            let mut read = vec![1; 400 << 10];
            assert_eq!(file.read_at(&mut read, 0).unwrap(), wanted.len());
            assert!(read == wanted, "{from} to {to}");
        }
        let asked = Cell::new(0);
        let stops = || asked.replace(asked.get() + 1) == 1;
        let stopped = file.write_zeros(0, 1 << 20, &stops);
        assert_eq!(stopped.map_err(|error| error.kind()), Err(io::ErrorKind::Interrupted));
        assert_eq!(file.len().unwrap(), 400 << 10, "the second piece was not written");
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_boot_id_is_read_from_a_uuid_line() {
        let id = parse_boot_id("00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(id[0], 0x00);
        assert_eq!(id[15], 0xff);
        assert_eq!(parse_boot_id("0011"), None);
    }
}
