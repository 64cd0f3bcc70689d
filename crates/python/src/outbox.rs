//! What is to be said to Python once no borrow is held any more.
//!
//! Code that holds a borrow of the core's state may only fill the outbox; whoever borrowed empties
//! it after the borrow has ended, since a transport or a callback may call back into the core.

use crate::socket::{Sent, Socket, has_news};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::conn::LOCAL_PREFIX_BYTES;
use coulisse_gateway::hub::Sink;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use std::os::fd::RawFd;

/// Where the bytes of a connection go.
#[derive(Debug)]
pub(crate) enum Peer {
    /// An asyncio transport.
    Socket(Socket),
    /// A callback that takes one message at a time.
    Local(Py<PyAny>),
}

/// One thing to do.
#[derive(Debug)]
enum Item {
    Write {
        transport: Py<PyAny>,
        bytes: Py<PyBytes>,
    },
    /// A method of a transport that takes nothing.
    Turn {
        transport: Py<PyAny>,
        method: Py<PyString>,
    },
    Messages {
        callback: Py<PyAny>,
        bytes: Vec<u8>,
    },
    Outcome {
        done: Py<PyAny>,
        seq: u64,
        events: Vec<u8>,
    },
    Ready(Py<PyAny>),
}

/// What is to be said, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    items: Vec<Item>,
}

impl Outbox {
    /// A callback gets the events of its command.
    pub(crate) fn outcome(&mut self, done: Py<PyAny>, seq: u64, events: Vec<u8>) {
        self.items.push(Item::Outcome { done, seq, events });
    }

    /// Callbacks are called without arguments.
    pub(crate) fn ready_all(&mut self, done: impl IntoIterator<Item = Py<PyAny>>) {
        self.items.extend(done.into_iter().map(Item::Ready));
    }

    /// Says everything. An exception of a callback is reported as unraisable and stops nothing else.
    pub(crate) fn empty(self, py: Python<'_>) {
        for item in self.items {
            let said = match item {
                Item::Write { transport, bytes } => {
                    transport.call_method1(py, intern!(py, "write"), (bytes,)).map(drop)
                }
                Item::Turn { transport, method } => {
                    transport.call_method0(py, method.bind(py)).map(drop)
                }
                Item::Messages { callback, bytes } => say_each(py, &callback, &bytes),
                Item::Outcome { done, seq, events } => {
                    done.call1(py, (seq, PyBytes::new(py, &events))).map(drop)
                }
                Item::Ready(done) => done.call0(py).map(drop),
            };
            if let Err(error) = said {
                error.write_unraisable(py, None);
            }
        }
    }
}

fn say_each(py: Python<'_>, callback: &Py<PyAny>, mut bytes: &[u8]) -> PyResult<()> {
    while let Some((prefix, rest)) = bytes.split_first_chunk::<LOCAL_PREFIX_BYTES>() {
        let len = (u32::from_le_bytes(*prefix) as usize).min(rest.len());
        let (message, rest) = rest.split_at(len);
        callback.call1(py, (PyBytes::new(py, message),))?;
        bytes = rest;
    }
    Ok(())
}

/// Sends what the hub lets out, and fills an outbox with what only Python can do.
pub(crate) struct Mail<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) peers: &'a mut [Option<(ConnId, Peer)>],
    pub(crate) outbox: &'a mut Outbox,
    /// The number of this time that the hub lets out: the outbox is emptied before the next one.
    pub(crate) round: u64,
    /// What the loop listens to, as one descriptor; where it has none, nothing is ever urgent.
    pub(crate) loop_fd: Option<RawFd>,
}

impl Mail<'_, '_> {
    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer> {
        let (id, peer) = self.peers.get_mut(conn.slot as usize)?.as_mut()?;
        (*id == conn).then_some(peer)
    }

    fn turn(&mut self, conn: ConnId, method: &Bound<'_, PyString>) {
        let py = self.py;
        if let Some(Peer::Socket(socket)) = self.peer(conn) {
            let transport = socket.transport(py);
            self.outbox.items.push(Item::Turn { transport, method: method.clone().unbind() });
        }
    }
}

impl Sink for Mail<'_, '_> {
    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        let (py, round) = (self.py, self.round);
        let item = match self.peer(conn) {
            None => return,
            Some(Peer::Socket(socket)) => match socket.send(py, round, bytes) {
                Sent::All => return,
                Sent::Rest(bytes) => Item::Write { transport: socket.transport(py), bytes },
                Sent::Broken => return self.abort(conn),
            },
            Some(Peer::Local(callback)) => {
                Item::Messages { callback: callback.clone_ref(py), bytes: bytes.to_vec() }
            }
        };
        self.outbox.items.push(item);
    }

    fn close(&mut self, conn: ConnId) {
        self.turn(conn, intern!(self.py, "close"));
    }

    fn abort(&mut self, conn: ConnId) {
        self.turn(conn, intern!(self.py, "abort"));
    }

    fn read(&mut self, conn: ConnId) {
        self.turn(conn, intern!(self.py, "resume_reading"));
    }

    fn is_urged(&mut self) -> bool {
        self.loop_fd.is_some_and(has_news)
    }
}
