//! The protocol object of a connection, as asyncio sees it.

use crate::cell::GilCell;
use crate::core_class::{Core, Read};
use crate::outbox::Peer;
use crate::socket::Socket;
use coulisse_gateway::batch::ConnId;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use std::net::IpAddr;

/// Base of the protocol object of one TCP connection.
#[pyclass(module = "coulisse._core", subclass, frozen, weakref)]
pub(crate) struct Conn {
    core: Py<Core>,
    state: GilCell<ConnState>,
}

#[derive(Debug, Default)]
struct ConnState {
    id: Option<ConnId>,
    transport: Option<Py<PyAny>>,
    plain: bool,
}

#[pymethods]
impl Conn {
    #[new]
    fn new(core: Py<Core>) -> Self {
        Self { core, state: GilCell::default() }
    }

    /// The transport, while there is one.
    #[getter]
    fn transport(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.borrow_mut(py).transport.as_ref().map(|transport| transport.clone_ref(py))
    }

    fn connection_made(&self, py: Python<'_>, transport: Py<PyAny>) -> PyResult<()> {
        let address = address_of(transport.bind(py));
        let peer = Peer::Socket(Socket::of(transport.bind(py)));
        let Some(id) = self.core.get().open(py, peer, address)? else {
            return transport.call_method0(py, intern!(py, "abort")).map(drop);
        };
        let mut state = self.state.borrow_mut(py);
        state.id = Some(id);
        state.transport = Some(transport);
        Ok(())
    }

    fn get_buffer(&self, py: Python<'_>, sizehint: isize) -> Py<PyMemoryView> {
        let _ = sizehint;
        self.core.get().read_buffer(py)
    }

    fn buffer_updated(slf: &Bound<'_, Self>, nbytes: usize) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let id = this.state.borrow_mut(py).id;
        let Some(id) = id else { return Ok(()) };
        let Read { received, waits } = Core::receive(this.core.bind(py), id, nbytes)?;
        if waits && received.hand_over.is_none() {
            this.wait(py)?;
        }
        if let Some(bytes) = received.hand_over {
            // The subclass needs the transport; after it, the connection is no longer ours.
            let handed = slf.call_method1("hand_over", (PyBytes::new(py, &bytes),));
            this.forget(py)?;
            handed?;
            return Ok(());
        }
        if received.plain_opened {
            this.state.borrow_mut(py).plain = true;
            slf.call_method0("plain_opened")?;
        }
        for text in received.plain_texts {
            slf.call_method1("plain_message", (PyBytes::new(py, &text),))?;
        }
        Ok(())
    }

    /// The peer sends no more: the transport closes.
    #[expect(clippy::unused_self, reason = "asyncio calls it as a method")]
    fn eof_received(&self) -> bool {
        false
    }

    #[expect(clippy::needless_pass_by_value, reason = "Python gives it away")]
    fn connection_lost(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        let _ = exc;
        let this = slf.get();
        let plain = std::mem::take(&mut this.state.borrow_mut(slf.py()).plain);
        this.forget(slf.py())?;
        if plain {
            slf.call_method0("plain_closed")?;
        }
        Ok(())
    }

    fn pause_writing(&self, py: Python<'_>) -> PyResult<()> {
        self.set_paused(py, true)
    }

    fn resume_writing(&self, py: Python<'_>) -> PyResult<()> {
        self.set_paused(py, false)
    }

    fn send_text(&self, py: Python<'_>, text: &[u8]) -> PyResult<()> {
        let id = self.state.borrow_mut(py).id;
        id.map_or(Ok(()), |id| Core::send_plain(self.core.bind(py), id, text))
    }

    fn hand_over(&self, data: &[u8]) {
        let _ = (self, data);
    }

    fn plain_opened(&self) {
        let _ = self;
    }

    fn plain_message(&self, text: &[u8]) {
        let _ = (self, text);
    }

    fn plain_closed(&self) {
        let _ = self;
    }
}

impl Conn {
    fn forget(&self, py: Python<'_>) -> PyResult<()> {
        let id = {
            let mut state = self.state.borrow_mut(py);
            state.transport = None;
            state.id.take()
        };
        id.map_or(Ok(()), |id| Core::forget(self.core.bind(py), id))
    }

    /// Has the transport read no more: the core says when it goes on.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let transport = self.transport(py);
        let pause = |transport: Py<PyAny>| transport.call_method0(py, intern!(py, "pause_reading"));
        transport.map_or(Ok(()), |transport| pause(transport).map(drop))
    }

    fn set_paused(&self, py: Python<'_>, paused: bool) -> PyResult<()> {
        let id = self.state.borrow_mut(py).id;
        if let Some(id) = id {
            Core::set_paused(self.core.bind(py), id, paused)?;
        }
        Ok(())
    }
}

/// Where a transport's peer is, if it says so: a Unix socket's has no address.
fn address_of(transport: &Bound<'_, PyAny>) -> Option<IpAddr> {
    let peer = transport.call_method1(intern!(transport.py(), "get_extra_info"), ("peername",));
    let host = peer.ok()?.get_item(0).ok()?;
    host.extract::<&str>().ok()?.parse().ok()
}

/// A logged-on session inside the process.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct LocalSession {
    core: Py<Core>,
    id: GilCell<Option<ConnId>>,
}

impl LocalSession {
    pub(crate) fn new(core: Py<Core>, id: ConnId) -> Self {
        Self { core, id: GilCell::new(Some(id)) }
    }
}

#[pymethods]
impl LocalSession {
    fn request(&self, py: Python<'_>, text: &[u8]) -> PyResult<()> {
        let id = *self.id.borrow_mut(py);
        id.map_or(Ok(()), |id| Core::receive_local(self.core.bind(py), id, text))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let id = self.id.borrow_mut(py).take();
        id.map_or(Ok(()), |id| Core::forget(self.core.bind(py), id))
    }
}
