//! The core of a node, as Python drives it on its loop.

use crate::candles_class::{Latest, Page};
use crate::cell::GilCell;
use crate::clock::Leap;
use crate::conn_class::LocalSession;
use crate::failure::{Note, failed, guard};
use crate::node_core::{NodeCore, Outcome};
use crate::node_metrics::shown;
use crate::open::{Arguments, listed, nonce, open_core, open_worker};
use crate::outbox::{Mail, Outbox, Peer};
use crate::sim_disk::SimDisk;
use crate::sync::{LogEnd, SyncThread};
use coulisse_gateway::address::Network;
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::hub::Received;
use coulisse_gateway::people::{HashCost, PeopleRules};
use coulisse_gateway::quota::{Rate, Rates};
use coulisse_gateway::rules::Rules;
use coulisse_types::{AccountId, Command, KeyIndex, RequestId, Seq};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of one read of a connection; all connections share the buffer, which is empty between
/// reads.
const READ_BYTES: usize = coulisse_gateway::limits::READ_BYTES_MAX;

/// What a read came to.
pub(crate) struct Read {
    pub(crate) received: Received,
    /// Nothing more is to be read of the connection until its peer is told to.
    pub(crate) waits: bool,
}

/// The core of a node: engine, journal with its sync thread, sessions and feeds.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Core {
    state: GilCell<State>,
    buffer: Py<PyMemoryView>,
    bytes: PyBuffer<u8>,
    dir: Option<String>,
    /// The seq being applied, for the note of a broken invariant.
    applying: Arc<AtomicU64>,
    /// The end of its journal; a worker has none.
    log_end: Option<LogEnd>,
}

struct State {
    /// `None` once the core is closed.
    node: Option<NodeCore>,
    peers: Vec<Option<(ConnId, Peer)>>,
    waiting: VecDeque<(u64, Py<PyAny>)>,
    holds: VecDeque<(Seq, Py<PyAny>)>,
    call_soon: Option<Py<PyAny>>,
    /// What the loop listens to, where it says.
    loop_fd: Option<RawFd>,
    /// How many times all that may leave was let out.
    rounds: u64,
    on_fatal: Option<Py<PyAny>>,
    scheduled: bool,
    dead: bool,
}

impl Core {
    /// Runs `act` on the open core; a panic below it ends the process.
    pub(crate) fn with<T>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut NodeCore, &mut Vec<Option<(ConnId, Peer)>>) -> T,
    ) -> PyResult<T> {
        let mut state = self.state.borrow_mut(py);
        let State { node, peers, .. } = &mut *state;
        let Some(node) = node.as_mut() else {
            return Err(failed("SHUTTING_DOWN", "the core is closed".to_string()));
        };
        let last_words = || Note {
            dir: self.dir.clone(),
            seq: self.applying.load(Ordering::Relaxed),
            log: self.log_end.clone(),
        };
        Ok(guard(last_words, || act(node, peers)))
    }

    /// Sees to it that the tick's end is called once.
    pub(crate) fn schedule(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let call = {
            let mut state = slf.get().state.borrow_mut(py);
            let Some(call_soon) = state.call_soon.as_ref().map(|call| call.clone_ref(py)) else {
                return Ok(());
            };
            if state.scheduled {
                return Ok(());
            }
            state.scheduled = true;
            call_soon
        };
        // Made anew each time: a kept one would hold the core that keeps it, for ever.
        call.call1(py, (slf.getattr(intern!(py, "flush"))?,)).map(drop)
    }

    /// Whether the core is closed: what the loop still calls then has nothing to do.
    pub(crate) fn is_closed(&self, py: Python<'_>) -> bool {
        self.state.borrow_mut(py).node.is_none()
    }

    /// A connection was accepted; `None` where the core is closed.
    pub(crate) fn open(
        &self,
        py: Python<'_>,
        peer: Peer,
        address: Option<IpAddr>,
    ) -> PyResult<Option<ConnId>> {
        if self.is_closed(py) {
            return Ok(None);
        }
        let nonce = nonce()?;
        self.with(py, |node, peers| {
            if node.hub.sessions_left() == 0 {
                // The core gives a worker more long before; it gives no more.
                return None;
            }
            let id = node.hub.open(nonce);
            if let Some(address) = address {
                node.hub.set_address(id, address);
            }
            place(peers, id, peer);
            Some(id)
        })
    }

    /// The buffer that a transport reads into.
    pub(crate) fn read_buffer(&self, py: Python<'_>) -> Py<PyMemoryView> {
        self.buffer.clone_ref(py)
    }

    /// A transport has read `count` bytes into the buffer.
    pub(crate) fn receive(slf: &Bound<'_, Self>, id: ConnId, count: usize) -> PyResult<Read> {
        let py = slf.py();
        let this = slf.get();
        if this.is_closed(py) {
            return Ok(Read { received: Received::default(), waits: false });
        }
        let count = count.min(READ_BYTES);
        // SAFETY: the buffer is a bytearray of READ_BYTES that this object alone hands out, and
        // only to transports, which write into it before they call `buffer_updated` and not during
        // it; the export held by `bytes` keeps it from being resized or freed.
        let read =
            unsafe { std::slice::from_raw_parts_mut(this.bytes.buf_ptr().cast::<u8>(), count) };
        let (taken, busy) = this.with(py, |node, _| {
            let taken = node.receive(id, read);
            (taken, node.has_work())
        })?;
        if busy {
            Self::schedule(slf)?;
        }
        match taken {
            Ok((received, waits)) => Ok(Read { received, waits }),
            Err(leap) => {
                this.leapt(py, leap)?;
                Ok(Read { received: Received::default(), waits: false })
            }
        }
    }

    /// A session inside the process asks.
    pub(crate) fn receive_local(slf: &Bound<'_, Self>, id: ConnId, text: &[u8]) -> PyResult<()> {
        if slf.get().is_closed(slf.py()) {
            return Ok(());
        }
        let mut text = text.to_vec();
        if let Err(leap) = slf.get().with(slf.py(), |node, _| node.receive(id, &mut text))? {
            return slf.get().leapt(slf.py(), leap);
        }
        Self::schedule(slf)
    }

    /// A connection is gone.
    pub(crate) fn forget(slf: &Bound<'_, Self>, id: ConnId) -> PyResult<()> {
        // A closed core has forgotten it already.
        let gone = slf.get().with(slf.py(), |node, peers| {
            node.hub.close(id);
            (take(peers, id), node.has_work())
        });
        let busy = gone.is_ok_and(|(_, busy)| busy);
        // What it has placed may have to be cancelled.
        if busy { Self::schedule(slf) } else { Ok(()) }
    }

    /// The transport is full, or no longer.
    pub(crate) fn set_paused(slf: &Bound<'_, Self>, id: ConnId, paused: bool) -> PyResult<()> {
        // A closed core has nothing to pause.
        let open = slf.get().with(slf.py(), |node, _| node.hub.set_paused(id, paused)).is_ok();
        // What was kept back meanwhile may leave now.
        if open && !paused { Self::schedule(slf) } else { Ok(()) }
    }

    /// Sends a text on a plain WebSocket.
    pub(crate) fn send_plain(slf: &Bound<'_, Self>, id: ConnId, text: &[u8]) -> PyResult<()> {
        if slf.get().is_closed(slf.py()) {
            return Ok(());
        }
        slf.get().with(slf.py(), |node, _| {
            let seq = node.engine.last_seq();
            node.hub.send_plain(id, seq, text);
        })?;
        Self::schedule(slf)
    }

    /// Lets out all that may leave now; comes again soon where more is left than one turn does.
    fn let_out(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        slf.get().collect(py)?.empty(py);
        let more = slf.get().with(py, |node, _| node.goes_on()).unwrap_or(false);
        if more { Self::schedule(slf) } else { Ok(()) }
    }

    /// Collects all that may leave now.
    fn collect(&self, py: Python<'_>) -> PyResult<Outbox> {
        let mut outbox = Outbox::default();
        let (round, loop_fd) = {
            let mut state = self.state.borrow_mut(py);
            state.rounds += 1;
            (state.rounds, state.loop_fd)
        };
        let outcomes = self.with(py, |node, peers| {
            node.release(&mut Mail { py, peers, outbox: &mut outbox, round, loop_fd });
            let outcomes: Vec<Outcome> = node.durable_outcomes().collect();
            (outcomes, node.durable_seq())
        })?;
        let (outcomes, durable) = outcomes;
        let mut state = self.state.borrow_mut(py);
        for outcome in outcomes {
            while let Some((ticket, done)) = state.waiting.pop_front() {
                if ticket == outcome.ticket {
                    outbox.outcome(done, outcome.seq.0, outcome.events);
                    break;
                }
            }
        }
        while state.holds.front().is_some_and(|(seq, _)| *seq <= durable) {
            outbox.ready_all(state.holds.pop_front().map(|(_, done)| done));
        }
        Ok(outbox)
    }

    /// The clock ran away from the log: that ends the node.
    fn leapt(&self, py: Python<'_>, leap: Leap) -> PyResult<()> {
        let ahead_s = leap.ahead_ns / 1_000_000_000;
        self.fatal(
            py,
            &format!(
                "CLOCK_LEAP: the clock is {ahead_s} s further ahead than the log may follow; \
                 set it right and start again"
            ),
        )
    }

    /// Tells Python, once, that the journal has failed.
    fn fatal(&self, py: Python<'_>, message: &str) -> PyResult<()> {
        // Nothing that comes now can become durable.
        self.with(py, |node, _| node.hub.stop())?;
        let call = {
            let mut state = self.state.borrow_mut(py);
            let first = !std::mem::replace(&mut state.dead, true);
            state.on_fatal.as_ref().filter(|_| first).map(|call| call.clone_ref(py))
        };
        call.map_or(Ok(()), |call| call.call1(py, (message,)).map(drop))
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (*, data_dir=None, disk=None, durability="fsync", segment_bytes=67_108_864,
                        node=1, host="localhost", origins="", hash_seed=0,
                        master_key=None))]
    #[expect(clippy::too_many_arguments, reason = "they are Python keywords, each with its name")]
    fn new(
        py: Python<'_>,
        data_dir: Option<String>,
        disk: Option<&SimDisk>,
        durability: &str,
        segment_bytes: u64,
        node: u16,
        host: &str,
        origins: &str,
        hash_seed: u64,
        master_key: Option<[u8; 32]>,
    ) -> PyResult<Self> {
        let applying = Arc::new(AtomicU64::new(0));
        let last_words =
            || Note { dir: data_dir.clone(), seq: applying.load(Ordering::Relaxed), log: None };
        let arguments = Arguments {
            data_dir: data_dir.as_deref(),
            disk: disk.map(|disk| disk.handle(py)),
            durability,
            segment_bytes,
            node,
            host,
            origins,
            hash_seed,
            master_key,
            applying: Arc::clone(&applying),
        };
        let core = guard(last_words, || open_core(&arguments))?;
        Self::around(py, core, data_dir, applying)
    }

    /// A worker of the core process whose journal is in `data_dir`.
    #[staticmethod]
    #[pyo3(signature = (*, data_dir, node=1, number=1, host="localhost", origins="",
                        master_key=None))]
    fn worker(
        py: Python<'_>,
        data_dir: &str,
        node: u16,
        number: u16,
        host: &str,
        origins: &str,
        master_key: Option<[u8; 32]>,
    ) -> PyResult<Self> {
        let applying = Arc::new(AtomicU64::new(0));
        let last_words = || Note { dir: None, seq: applying.load(Ordering::Relaxed), log: None };
        let open = || open_worker(data_dir, (node, number), host, origins, master_key, &applying);
        let core = guard(last_words, open)?;
        // What breaks a worker is noted by the core, if it breaks that too.
        Self::around(py, core, None, applying)
    }

    #[pyo3(signature = (call_soon, on_fatal, loop_fd=None))]
    fn attach(
        slf: &Bound<'_, Self>,
        call_soon: Py<PyAny>,
        on_fatal: Py<PyAny>,
        loop_fd: Option<RawFd>,
    ) -> PyResult<()> {
        {
            let mut state = slf.get().state.borrow_mut(slf.py());
            state.call_soon = Some(call_soon);
            state.loop_fd = loop_fd;
            state.on_fatal = Some(on_fatal);
        }
        Self::schedule(slf)
    }

    #[pyo3(signature = (*, echo=false, deflate=false, logon_s=0, key_rate=(0, 0),
                        account_rate=(0, 0), address_rate=(0, 0), proxies=""))]
    #[expect(clippy::too_many_arguments, reason = "they are Python keywords, each with its name")]
    fn set_rules(
        &self,
        py: Python<'_>,
        echo: bool,
        deflate: bool,
        logon_s: u32,
        key_rate: (u32, u32),
        account_rate: (u32, u32),
        address_rate: (u32, u32),
        proxies: &str,
    ) -> PyResult<()> {
        let rate = |(per_s, burst)| Rate { per_s, burst };
        let rates =
            Rates { key: rate(key_rate), account: rate(account_rate), address: rate(address_rate) };
        let bad = |text: &str| failed("INVALID_VALUE", format!("{text:?} is no network"));
        let proxies = listed(proxies)
            .iter()
            .map(|text| Network::parse(text).ok_or_else(|| bad(text)))
            .collect::<PyResult<Vec<Network>>>()?;
        let rules = Rules { echo, deflate, logon_s, rates, proxies };
        self.with(py, |node, _| node.hub.set_rules(rules))
    }

    #[pyo3(signature = (*, threads, waiting_max, memory_kib, passes, password_min, token_s, session_s,
                        audience))]
    #[expect(clippy::too_many_arguments, reason = "they are Python keywords, each with its name")]
    fn set_people(
        &self,
        py: Python<'_>,
        threads: usize,
        waiting_max: usize,
        memory_kib: u32,
        passes: u8,
        password_min: usize,
        token_s: i64,
        session_s: i64,
        audience: String,
    ) -> PyResult<()> {
        let cost = HashCost { memory_kib, passes };
        let rules = PeopleRules { cost, waiting_max, password_min, token_s, session_s, audience };
        self.with(py, |node, _| node.set_people(rules, threads))
    }

    /// Readable when passwords were hashed: then [`Core::on_people`] is to be called.
    #[getter]
    fn people_fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |node, _| node.pool.fd())
    }

    fn on_people(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().is_closed(slf.py()) {
            return Ok(());
        }
        slf.get().with(slf.py(), |node, _| node.finish_slow())?;
        Self::schedule(slf)
    }

    #[getter]
    fn eventfd(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |node, _| node.source.fd())
    }

    #[getter]
    fn seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |node, _| node.engine.last_seq().0)
    }

    #[getter]
    fn durable_seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |node, _| node.durable_seq().0)
    }

    #[getter]
    fn recovery<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = self.with(py, |node, _| node.recovery)?;
        let dict = PyDict::new(py);
        dict.set_item("records", found.records)?;
        dict.set_item("replayed", found.replayed)?;
        dict.set_item("snapshot_seq", found.snapshot_seq)?;
        dict.set_item("snapshot_us", found.snapshot_us)?;
        dict.set_item("groups", found.groups)?;
        dict.set_item("segments", found.segments)?;
        dict.set_item("cut_bytes", found.cut_bytes)?;
        dict.set_item("replay_us", found.replay_us)?;
        dict.set_item("incarnation", found.incarnation)?;
        dict.set_item("epoch", found.epoch)?;
        Ok(dict)
    }

    #[getter]
    fn snapshots_passed_over(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.with(py, |node, _| {
            let all = node.passed_over.iter();
            all.map(|one| (one.file.clone(), one.reason.clone())).collect()
        })
    }

    #[getter]
    fn voided(&self, py: Python<'_>) -> PyResult<Vec<(u64, Option<String>, bool)>> {
        self.with(py, |node, _| {
            let symbol = |id| {
                let rules = node.engine.instrument(id)?;
                Some(String::from_utf8_lossy(rules.symbol.as_bytes()).into_owned())
            };
            let all = node.voids.iter();
            all.map(|record| (record.seq, symbol(record.instrument), record.is_new)).collect()
        })
    }

    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        {
            let mut state = this.state.borrow_mut(py);
            state.scheduled = false;
            if state.node.is_none() {
                return Ok(());
            }
        }
        if let Err(leap) = this.with(py, |node, _| node.flush())? {
            return this.leapt(py, leap);
        }
        Self::let_out(slf)
    }

    fn tick(&self, py: Python<'_>) -> PyResult<bool> {
        // The driver's timer may still fire when the core is closed.
        if self.state.borrow_mut(py).node.is_none() {
            return Ok(false);
        }
        match self.with(py, |node, _| node.tick())? {
            Ok(more) => Ok(more),
            Err(leap) => self.leapt(py, leap).map(|()| false),
        }
    }

    fn on_durable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        if this.is_closed(py) {
            return Ok(());
        }
        if let Some(message) = this.with(py, |node, _| node.hear())? {
            return this.fatal(py, &message);
        }
        Self::let_out(slf)
    }

    /// Listens for workers; the descriptor that is readable when they have news.
    fn serve_workers(&self, py: Python<'_>) -> PyResult<i32> {
        let Some(dir) = self.dir.as_deref() else {
            return Err(failed("INVALID_VALUE", "workers need a data directory".to_string()));
        };
        let opened = self.with(py, |node, _| node.serve_links(dir))?;
        opened.map_err(|error| failed("LINK", format!("{dir}: {error}")))
    }

    fn on_workers(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        if this.is_closed(py) {
            return Ok(());
        }
        if let Err(leap) = this.with(py, |node, _| node.hear_links())? {
            return this.leapt(py, leap);
        }
        Self::schedule(slf)
    }

    /// Commands that were sent to the core process and have no answer yet.
    #[getter]
    fn unanswered(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |node, _| node.unanswered())
    }

    fn publish(slf: &Bound<'_, Self>) -> PyResult<()> {
        let busy = slf.get().with(slf.py(), |node, _| {
            node.publish();
            node.has_work()
        })?;
        if busy { Self::schedule(slf) } else { Ok(()) }
    }

    #[pyo3(signature = (kind, body, done, *, account=0, key=0, request_id=0))]
    fn command(
        slf: &Bound<'_, Self>,
        kind: u16,
        body: &[u8],
        done: Py<PyAny>,
        account: u32,
        key: u32,
        request_id: u128,
    ) -> PyResult<()> {
        let Some(command) = Command::decode_body(kind, body) else {
            return Err(failed("INVALID_VALUE", format!("no command {kind} has this body")));
        };
        if matches!(command, Command::Void(_)) {
            // What it names was applied here already; elsewhere it would not be.
            return Err(failed("INVALID_VALUE", "a start alone makes records void".to_string()));
        }
        let py = slf.py();
        let this = slf.get();
        let ticket = this.with(py, |node, _| {
            if node.hub.is_stopping() {
                return Err(failed("SHUTTING_DOWN", "the node is stopping".to_string()));
            }
            node.submit(command, AccountId(account), KeyIndex(key), RequestId(request_id))
                .ok_or_else(|| failed("OVERLOADED", "the batch is full; try again".to_string()))
        })??;
        this.state.borrow_mut(py).waiting.push_back((ticket, done));
        Self::schedule(slf)
    }

    fn hold(slf: &Bound<'_, Self>, done: Py<PyAny>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let seq = this.with(py, |node, _| node.engine.last_seq())?;
        this.state.borrow_mut(py).holds.push_back((seq, done));
        Self::schedule(slf)
    }

    fn session(
        slf: &Bound<'_, Self>,
        account: &str,
        on_message: Py<PyAny>,
    ) -> PyResult<LocalSession> {
        let id = slf.get().with(slf.py(), |node, peers| {
            let id = node.open_local(account)?;
            place(peers, id, Peer::Local(on_message));
            Some(id)
        })?;
        match id {
            Some(id) => Ok(LocalSession::new(slf.clone().unbind(), id)),
            None => Err(failed("UNKNOWN_ACCOUNT", format!("account {account:?} does not exist"))),
        }
    }

    fn account_id(&self, py: Python<'_>, name: &str) -> PyResult<Option<u32>> {
        self.with(py, |node, _| node.account_id(name).map(|account| account.0))
    }

    fn key(&self, py: Python<'_>, key_id: &str) -> PyResult<Option<(u32, Py<PyBytes>)>> {
        let found = self.with(py, |node, _| node.key(key_id))?;
        Ok(found.map(|(account, key)| (account.0, PyBytes::new(py, &key).unbind())))
    }

    fn request_done(
        &self,
        py: Python<'_>,
        account: u32,
        request_id: u128,
    ) -> PyResult<Option<bool>> {
        self.with(py, |node, _| node.engine.request_done(AccountId(account), RequestId(request_id)))
    }

    fn asset(&self, py: Python<'_>, name: &str) -> PyResult<Option<(u32, u8)>> {
        self.with(py, |node, _| node.asset(name))
    }

    fn has_limit(
        &self,
        py: Python<'_>,
        scope: &str,
        scope_id: u32,
        kind: &str,
        subject: u32,
    ) -> PyResult<bool> {
        self.with(py, |node, _| node.has_limit(scope, scope_id, kind, subject))
    }

    fn instrument_id(&self, py: Python<'_>, symbol: &str) -> PyResult<Option<u32>> {
        self.with(py, |node, _| node.instrument_id(symbol))
    }

    fn instrument_json(&self, py: Python<'_>, symbol: &str) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| node.instrument_json(symbol, out))
    }

    fn instruments_json(&self, py: Python<'_>) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| {
            node.instruments_json(out);
            Some(())
        })
    }

    fn book_json(
        &self,
        py: Python<'_>,
        symbol: &str,
        depth: usize,
    ) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| node.book_json(symbol, depth, out))
    }

    fn trades_json(
        &self,
        py: Python<'_>,
        symbol: &str,
        limit: usize,
    ) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| node.trades_json(symbol, limit, out))
    }

    fn latest_candles(&self, py: Python<'_>, symbol: &str, interval: &str) -> PyResult<Latest> {
        self.with(py, |node, _| node.latest_candles(symbol, interval))?
    }

    fn candles_page(
        &self,
        py: Python<'_>,
        symbol: &str,
        interval: &str,
        page: Page,
    ) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| node.candles_page(symbol, interval, page, out))
    }

    fn balances_json(&self, py: Python<'_>, account: &str) -> PyResult<Option<Py<PyBytes>>> {
        self.read(py, |node, out| node.balances_json(account, out))
    }

    fn event_hash(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let hash = self.with(py, |node, _| node.engine.event_hash())?;
        Ok(PyBytes::new(py, &hash).unbind())
    }

    fn state_hash(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let hash = self.with(py, |node, _| node.engine.state_hash())?;
        Ok(PyBytes::new(py, &hash).unbind())
    }

    fn check_invariants(&self, py: Python<'_>) -> PyResult<()> {
        let broken = self.with(py, |node, _| node.engine.check_invariants())?;
        broken.map_err(|broken| failed("BROKEN_INVARIANT", format!("{broken:?}")))
    }

    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = self.with(py, |node, _| node.metrics())?;
        shown(py, &values)
    }

    /// What was asked for since the last call, and how many more there was no room for.
    fn take_audit<'py>(&self, py: Python<'py>) -> PyResult<(Vec<Bound<'py, PyDict>>, u64)> {
        if self.is_closed(py) {
            return Ok((Vec::new(), 0));
        }
        let (audited, lost) = self.with(py, |node, _| node.hub.take_audit())?;
        let rows = audited.iter().map(|one| {
            let row = PyDict::new(py);
            row.set_item("what", one.what)?;
            row.set_item("method", one.method)?;
            row.set_item("key_id", one.key_id.as_str())?;
            row.set_item("account", one.account.as_str())?;
            row.set_item("address", one.address.map(|address| address.to_string()))?;
            row.set_item("session", one.session)?;
            row.set_item("seq", one.seq)?;
            row.set_item("outcome", one.outcome)?;
            Ok(row)
        });
        Ok((rows.collect::<PyResult<Vec<_>>>()?, lost))
    }

    #[pyo3(signature = (reason, *, is_now=true))]
    fn go_away(slf: &Bound<'_, Self>, reason: &str, is_now: bool) -> PyResult<()> {
        slf.get().with(slf.py(), |node, _| node.go_away(reason, is_now))?;
        Self::schedule(slf)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_closed(py) {
            return Ok(());
        }
        if let Err(leap) = self.with(py, |node, _| node.flush_at_end())? {
            self.leapt(py, leap)?;
        }
        let stopped = self.with(py, |node, _| node.stop())?;
        self.collect(py)?.empty(py);
        let (node, peers) = {
            let mut state = self.state.borrow_mut(py);
            (state.node.take(), std::mem::take(&mut state.peers))
        };
        drop((node, peers));
        stopped.map_or(Ok(()), |message| Err(PyRuntimeError::new_err(message)))
    }
}

impl Core {
    fn around(
        py: Python<'_>,
        core: NodeCore,
        dir: Option<String>,
        applying: Arc<AtomicU64>,
    ) -> PyResult<Self> {
        let log_end = core.source.journal().map(SyncThread::log_end);
        let array = PyByteArray::new(py, &vec![0; READ_BYTES]);
        let bytes = PyBuffer::get(&array)?;
        let buffer = PyMemoryView::from(&array)?.unbind();
        let state = State {
            node: Some(core),
            peers: Vec::new(),
            waiting: VecDeque::new(),
            holds: VecDeque::new(),
            call_soon: None,
            loop_fd: None,
            rounds: 0,
            on_fatal: None,
            scheduled: false,
            dead: false,
        };
        Ok(Self { state: GilCell::new(state), buffer, bytes, dir, applying, log_end })
    }

    fn read(
        &self,
        py: Python<'_>,
        write: impl FnOnce(&NodeCore, &mut Vec<u8>) -> Option<()>,
    ) -> PyResult<Option<Py<PyBytes>>> {
        let mut out = Vec::new();
        let found = self.with(py, |node, _| write(node, &mut out))?;
        Ok(found.map(|()| PyBytes::new(py, &out).unbind()))
    }
}

fn place(peers: &mut Vec<Option<(ConnId, Peer)>>, id: ConnId, peer: Peer) {
    let slot = id.slot as usize;
    if slot >= peers.len() {
        peers.resize_with(slot + 1, || None);
    }
    peers[slot] = Some((id, peer));
}

/// Takes a peer out, to be dropped when no borrow is held: its end may run Python code.
fn take(peers: &mut [Option<(ConnId, Peer)>], id: ConnId) -> Option<(ConnId, Peer)> {
    peers.get_mut(id.slot as usize)?.take_if(|(owner, _)| *owner == id)
}
