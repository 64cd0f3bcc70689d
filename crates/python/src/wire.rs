//! One end of a Unix socket that never blocks, in an epoll set: bytes in, bytes out.

use coulisse_gateway::link::{Out, WorkerEnd};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use std::fs::{File, Permissions};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The socket's name in the data directory.
const NAME: &str = "workers.sock";
/// Bytes of one read.
pub(crate) const READ_BYTES: usize = 64 * 1_024;
/// What is looked at in one turn of the loop; more is found in the next.
const EVENTS_MAX: usize = 64;

/// What waits to be written to the other end.
pub(crate) trait Outgoing {
    /// What is to be written next.
    fn pending(&self) -> &[u8];
    /// So much of it was written.
    fn wrote(&mut self, count: usize);
}

impl Outgoing for Out {
    fn pending(&self) -> &[u8] {
        self.pending()
    }
    fn wrote(&mut self, count: usize) {
        self.wrote(count);
    }
}

impl Outgoing for WorkerEnd {
    fn pending(&self) -> &[u8] {
        self.pending()
    }
    fn wrote(&mut self, count: usize) {
        self.wrote(count);
    }
}

/// A set of descriptors, itself a descriptor that is readable when one of them has news.
#[derive(Debug)]
pub(crate) struct Poll(OwnedFd);

impl Poll {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    pub(crate) fn add(&self, fd: impl AsFd, token: u64) -> Result<()> {
        Ok(epoll::add(&self.0, fd, EventData::new_u64(token), EventFlags::IN)?)
    }

    /// The tokens of those that have news; never waits.
    pub(crate) fn news(&self) -> Result<Vec<u64>> {
        let mut events = [const { MaybeUninit::<Event>::uninit() }; EVENTS_MAX];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(&self.0, &mut events, Some(&now)) {
            Ok((events, _)) => Ok(events.iter().map(|event| event.data.u64()).collect()),
            Err(rustix::io::Errno::INTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
    token: u64,
    /// Whether the set was asked to say when there is room.
    waits_for_room: bool,
}

impl Wire {
    pub(crate) fn new(stream: UnixStream, poll: &Poll, token: u64) -> Result<Self> {
        stream.set_nonblocking(true)?;
        poll.add(&stream, token)?;
        Ok(Self { stream, token, waits_for_room: false })
    }

    /// Reads what there is, at most a buffer full; `None` for nothing.
    ///
    /// # Errors
    /// `UnexpectedEof` where the other end is gone.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        match self.stream.read(buffer) {
            Ok(0) => Err(Error::from(ErrorKind::UnexpectedEof)),
            Ok(count) => Ok(Some(&buffer[..count])),
            Err(error) if is_for_later(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what the kernel takes; the set says when it takes the rest.
    pub(crate) fn write(&mut self, poll: &Poll, out: &mut impl Outgoing) -> Result<()> {
        while !out.pending().is_empty() {
            match self.stream.write(out.pending()) {
                Ok(count) => out.wrote(count),
                Err(error) if is_for_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        let waits = !out.pending().is_empty();
        if waits != self.waits_for_room {
            let room = if waits { EventFlags::OUT } else { EventFlags::empty() };
            let data = EventData::new_u64(self.token);
            epoll::modify(&poll.0, &self.stream, data, EventFlags::IN | room)?;
            self.waits_for_room = waits;
        }
        Ok(())
    }
}

fn is_for_later(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Listens for workers in a data directory. What an earlier core left there is removed: whoever holds
/// the journal's lock is the only core.
pub(crate) fn listen(dir: &str) -> Result<UnixListener> {
    within(dir, |path| {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    })
}

/// Removes the socket, as far as it is there.
pub(crate) fn forget(dir: &str) {
    // What is left behind is removed by the next start.
    let _ = std::fs::remove_file(Path::new(dir).join(NAME));
}

/// Connects to the core of a data directory.
pub(crate) fn connect(dir: &str) -> Result<UnixStream> {
    within(dir, |path| UnixStream::connect(path))
}

/// Gives `act` a path of the socket that is short, however deep the directory lies: an address holds 108
/// bytes.
fn within<T>(dir: &str, act: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let opened = File::open(dir)?;
    act(Path::new(&format!("/proc/self/fd/{}/{NAME}", opened.as_raw_fd())))
}
