//! What is to be said to Python once no borrow is held any more.
//!
//! Code that holds a borrow of the core's state may only fill the outbox; whoever borrowed empties
//! it after the borrow has ended, since a transport or a callback may call back into the core.

use coulisse_gateway::batch::ConnId;
use coulisse_gateway::conn::LOCAL_PREFIX_BYTES;
use coulisse_gateway::hub::Sink;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Where the bytes of a connection go.
#[derive(Debug)]
pub(crate) enum Peer {
    /// An asyncio transport: its bound `write`, `close`, `abort` and `resume_reading`.
    Socket { write: Py<PyAny>, close: Py<PyAny>, abort: Py<PyAny>, read: Py<PyAny> },
    /// A callback that takes one message at a time.
    Local(Py<PyAny>),
}

/// One thing to do.
#[derive(Debug)]
enum Item {
    Write {
        write: Py<PyAny>,
        bytes: Py<PyBytes>,
    },
    /// The transport's `close`, `abort` or `resume_reading`.
    Turn(Py<PyAny>),
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
                Item::Write { write, bytes } => write.call1(py, (bytes,)).map(drop),
                Item::Turn(act) => act.call0(py).map(drop),
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

/// Fills an outbox with what the hub lets out.
pub(crate) struct Mail<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) peers: &'a [Option<(ConnId, Peer)>],
    pub(crate) outbox: &'a mut Outbox,
}

impl Mail<'_, '_> {
    fn peer(&self, conn: ConnId) -> Option<&Peer> {
        let (id, peer) = self.peers.get(conn.slot as usize)?.as_ref()?;
        (*id == conn).then_some(peer)
    }
}

impl Sink for Mail<'_, '_> {
    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        let item = match self.peer(conn) {
            None => return,
            Some(Peer::Socket { write, .. }) => Item::Write {
                write: write.clone_ref(self.py),
                bytes: PyBytes::new(self.py, bytes).unbind(),
            },
            Some(Peer::Local(callback)) => {
                Item::Messages { callback: callback.clone_ref(self.py), bytes: bytes.to_vec() }
            }
        };
        self.outbox.items.push(item);
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(Peer::Socket { close, .. }) = self.peer(conn) {
            let close = close.clone_ref(self.py);
            self.outbox.items.push(Item::Turn(close));
        }
    }

    fn abort(&mut self, conn: ConnId) {
        if let Some(Peer::Socket { abort, .. }) = self.peer(conn) {
            let abort = abort.clone_ref(self.py);
            self.outbox.items.push(Item::Turn(abort));
        }
    }

    fn read(&mut self, conn: ConnId) {
        if let Some(Peer::Socket { read, .. }) = self.peer(conn) {
            let read = read.clone_ref(self.py);
            self.outbox.items.push(Item::Turn(read));
        }
    }
}
