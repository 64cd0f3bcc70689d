//! A connection's socket as the core writes to it: straight to the kernel where that takes all of it,
//! through the transport where it does not.
//!
//! A transport makes an object of every write, queues it and writes it at the end of the loop's turn. To
//! ten thousand subscribers that costs as much as the kernel does. What the kernel does not take goes to
//! the transport, which writes it when there is room and tells when it has too much.
//!
//! Invariant: bytes leave in the order in which they were given: nothing is written past what the
//! transport has not written.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::os::fd::{BorrowedFd, RawFd};

/// A transport that the loop has opened.
#[derive(Debug)]
pub(crate) struct Socket {
    transport: Py<PyAny>,
    /// Its descriptor; `None` where what is written is not what leaves, as with TLS.
    fd: Option<RawFd>,
    /// The round in which the transport was given bytes last, until it is seen that it has written all.
    given_in: Option<u64>,
}

/// What became of bytes that were to be sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The kernel has them.
    All,
    /// These are the transport's.
    Rest(Py<PyBytes>),
    /// The connection is broken.
    Broken,
}

impl Socket {
    /// What writes to `transport`. It may have written before, and not be done with it.
    pub(crate) fn of(transport: &Bound<'_, PyAny>) -> Self {
        Self { fd: fd_of(transport), transport: transport.clone().unbind(), given_in: Some(0) }
    }

    /// The transport.
    pub(crate) fn transport(&self, py: Python<'_>) -> Py<PyAny> {
        self.transport.clone_ref(py)
    }

    /// Sends bytes. What is left of them is to be given to the transport before the round is over; a
    /// round has a number that no other had before it.
    pub(crate) fn send(&mut self, py: Python<'_>, round: u64, bytes: &[u8]) -> Sent {
        let taken = match self.fd.filter(|_| self.is_next(py, round)) {
            None => 0,
            Some(fd) => {
                // SAFETY: the loop keeps the descriptor open until it has called `connection_lost`,
                // which takes this socket away from whoever could write to it.
                let fd = unsafe { BorrowedFd::borrow_raw(fd) };
                match send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                    Ok(count) => count,
                    Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => 0,
                    Err(_) => return Sent::Broken,
                }
            }
        };
        if taken == bytes.len() {
            return Sent::All;
        }
        self.given_in = Some(round);
        Sent::Rest(PyBytes::new(py, &bytes[taken..]).unbind())
    }

    /// Whether what is sent now is next on the wire.
    fn is_next(&mut self, py: Python<'_>, round: u64) -> bool {
        let Some(given_in) = self.given_in else { return true };
        // What it was given in this round it may be given only later.
        let has_written = given_in != round && self.waiting_bytes(py) == Some(0);
        if has_written {
            self.given_in = None;
        }
        has_written
    }

    /// Bytes that the transport has not written; it calls nobody back for that.
    fn waiting_bytes(&self, py: Python<'_>) -> Option<usize> {
        let size = self.transport.call_method0(py, intern!(py, "get_write_buffer_size"));
        size.ok()?.extract(py).ok()
    }
}

/// The descriptor of a transport whose bytes leave as they are written.
fn fd_of(transport: &Bound<'_, PyAny>) -> Option<RawFd> {
    let py = transport.py();
    let info = |name: &str| transport.call_method1(intern!(py, "get_extra_info"), (name,)).ok();
    if !info("sslcontext")?.is_none() {
        return None;
    }
    let fd = info("socket")?.call_method0(intern!(py, "fileno")).ok()?.extract().ok()?;
    (fd >= 0).then_some(fd)
}

/// Whether something that the loop listens to has come. `fd` is the loop's own set.
pub(crate) fn has_news(fd: RawFd) -> bool {
    // SAFETY: it is the loop's for as long as the loop runs, and only a running loop calls the core.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&now))
        .is_ok_and(|count| count > 0)
}
