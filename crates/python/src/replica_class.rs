//! The replica, as the projector process drives it.

use crate::cell::GilCell;
use crate::failure::{Note, failed, guard, journal_failed, record_failed};
use crate::following::{FollowError, Wanted};
use crate::open::{files, too_many_voids};
use crate::replica::{Replica as Inner, ReplicaError};
use crate::rows_class::Rows;
use crate::sim_disk::SimDisk;
use coulisse_journal::{Storage, read_watermark};
use coulisse_types::RecordHeader;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

/// A replica of the core that follows its journal and writes snapshots.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Replica {
    inner: GilCell<Inner>,
}

impl Replica {
    /// Runs `act`; a panic below it ends the process, which is not the node's.
    fn with<T>(&self, py: Python<'_>, act: impl FnOnce(&mut Inner) -> T) -> T {
        let inner = &mut *self.inner.borrow_mut(py);
        let seq = inner.seq() + 1;
        guard(|| Note { dir: None, seq, log: None }, || act(inner))
    }
}

#[pymethods]
impl Replica {
    #[new]
    #[pyo3(signature = (*, data_dir=None, disk=None, newest_seq=u64::MAX, only_one=true))]
    fn new(
        py: Python<'_>,
        data_dir: Option<&str>,
        disk: Option<&SimDisk>,
        newest_seq: u64,
        only_one: bool,
    ) -> PyResult<Self> {
        let storage: Arc<dyn Storage> = match (data_dir, disk) {
            (Some(dir), None) => files(dir)?,
            (None, Some(disk)) => Arc::new(disk.handle(py)),
            _ => {
                return Err(failed("INVALID_VALUE", "give either data_dir or disk".to_string()));
            }
        };
        let open = || Inner::open(storage, newest_seq, only_one);
        let inner = guard(|| Note { dir: None, seq: 0, log: None }, open);
        Ok(Self { inner: GilCell::new(inner.map_err(|error| told(&error))?) })
    }

    fn ahead(&self, py: Python<'_>) -> PyResult<Self> {
        let inner = self.with(py, |inner| inner.ahead()).map_err(|error| told(&error))?;
        Ok(Self { inner: GilCell::new(inner) })
    }

    fn catch_up(&self, py: Python<'_>, limit: u64) -> PyResult<u64> {
        self.with(py, |inner| inner.catch_up(limit)).map_err(|error| told(&error))
    }

    #[getter]
    fn seq(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).seq()
    }

    #[getter]
    fn compared_seq(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).compared_seq()
    }

    #[getter]
    fn snapshot_seq(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).snapshot_seq
    }

    #[getter]
    fn passed_over(&self, py: Python<'_>) -> Vec<(String, String)> {
        let all = &self.inner.borrow_mut(py).passed_over;
        all.iter().map(|one| (one.file.clone(), one.reason.clone())).collect()
    }

    fn event_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.borrow_mut(py).engine().event_hash())
    }

    fn state_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.borrow_mut(py).engine().state_hash())
    }

    #[pyo3(signature = (keep=2, needed_seq=None))]
    fn write_snapshot(
        &self,
        py: Python<'_>,
        keep: usize,
        needed_seq: Option<u64>,
    ) -> PyResult<u64> {
        self.with(py, |inner| inner.write_snapshot(keep, needed_seq)).map_err(|error| told(&error))
    }

    #[getter]
    fn genesis<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.borrow_mut(py).genesis())
    }

    #[pyo3(signature = (seq, chain, *, keep_events=false, series=false))]
    fn follow(
        &self,
        py: Python<'_>,
        seq: u64,
        chain: [u8; 32],
        keep_events: bool,
        series: bool,
    ) -> PyResult<()> {
        let wanted = if series {
            Wanted::Series { keeps_events: keep_events }
        } else {
            Wanted::Store { keeps_events: keep_events }
        };
        self.with(py, |inner| inner.follow(seq, chain, wanted)).map_err(|error| told(&error))
    }

    fn unfollow(&self, py: Python<'_>) {
        self.with(py, Inner::unfollow);
    }

    fn take_rows(&self, py: Python<'_>) -> Option<Rows> {
        let (rows, seq, chain) = self.with(py, Inner::take_rows)?;
        Some(Rows::new(rows, seq, chain.0))
    }

    #[getter]
    fn waiting_events(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).waiting_events()
    }

    fn take_events<'py>(
        &self,
        py: Python<'py>,
    ) -> Vec<(u64, i64, u32, u32, u16, Bound<'py, PyBytes>)> {
        let kept = self.with(py, Inner::take_events);
        let of = |(header, events): (RecordHeader, Vec<u8>)| {
            let RecordHeader { seq, time_ns, origin, account, key, .. } = header;
            (seq.0, time_ns, account.0, key.0, origin.node, PyBytes::new(py, &events))
        };
        kept.into_iter().map(of).collect()
    }

    fn listen(&self, py: Python<'_>, account: &str) -> PyResult<usize> {
        let session = self.with(py, |inner| inner.listen(account));
        session.ok_or_else(|| failed("UNKNOWN_ACCOUNT", format!("there is no account {account:?}")))
    }

    fn ask(&self, py: Python<'_>, session: usize, text: &[u8]) {
        self.with(py, |inner| inner.ask(session, text));
    }

    fn hear<'py>(&self, py: Python<'py>) -> Vec<(usize, String, Bound<'py, PyBytes>)> {
        let told = self.with(py, Inner::hear).into_iter();
        told.map(|(session, channel, text)| (session, channel, PyBytes::new(py, &text))).collect()
    }

    fn deafen(&self, py: Python<'_>) {
        self.with(py, Inner::deafen);
    }

    fn account_names(&self, py: Python<'_>, skip: usize, count: usize) -> Vec<String> {
        self.with(py, |inner| inner.account_names(skip, count))
    }

    fn symbols(&self, py: Python<'_>, skip: usize) -> Vec<String> {
        self.with(py, |inner| inner.symbols(skip))
    }

    fn instruments_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.with(py, Inner::instruments_json))
    }

    fn book_json<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
        depth: usize,
    ) -> Option<Bound<'py, PyBytes>> {
        self.with(py, |inner| inner.book_json(symbol, depth)).map(|text| PyBytes::new(py, &text))
    }

    fn balances(&self, py: Python<'_>) -> Vec<(u32, u32, String, String)> {
        let inner = self.inner.borrow_mut(py);
        let engine = inner.engine();
        let mut all = Vec::new();
        for account in engine.accounts() {
            all.extend(engine.balances(account.id).map(|(asset, balance)| {
                let (available, held) = (balance.available.minor(), balance.held.minor());
                (account.id.0, asset.id.0, available.to_string(), held.to_string())
            }));
        }
        all
    }

    fn open_orders(&self, py: Python<'_>) -> Vec<(u64, u32, u32, i64, i64, i64, &'static str)> {
        let inner = self.inner.borrow_mut(py);
        let engine = inner.engine();
        let mut all = Vec::new();
        for account in engine.accounts() {
            all.extend(engine.open_orders(account.id).map(|order| {
                (
                    order.order_id.0,
                    order.account.0,
                    order.instrument.0,
                    order.qty.lots(),
                    order.filled.lots(),
                    order.remaining.lots(),
                    order.state.name(),
                )
            }));
        }
        all
    }

    #[getter]
    fn durable_seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |inner| inner.durable_seq()).map_err(|error| told(&error))
    }

    #[getter]
    fn dead_orders(&self, py: Python<'_>) -> u32 {
        self.inner.borrow_mut(py).engine().dead_orders()
    }

    #[cfg(feature = "planted")]
    fn plant(&self, py: Python<'_>, fault: &str) -> PyResult<()> {
        let wanted = coulisse_engine::Fault::ALL.iter().find(|(name, _)| *name == fault);
        let Some((_, fault)) = wanted else {
            return Err(failed("INVALID_VALUE", format!("no fault is called {fault:?}")));
        };
        self.inner.borrow_mut(py).engine_mut().plant(Some(*fault));
        Ok(())
    }

    #[cfg(not(feature = "planted"))]
    fn plant(&self, fault: &str) -> PyResult<()> {
        let _ = self;
        Err(failed("INVALID_VALUE", format!("this build has no faults to plant, not {fault:?}")))
    }
}

fn told(error: &ReplicaError) -> PyErr {
    match error {
        ReplicaError::Locked => {
            failed("REPLICA_LOCKED", "another projector works in this directory".to_string())
        }
        ReplicaError::Void => {
            failed("JOURNAL_VOID", "no node has opened this journal since the boot".to_string())
        }
        ReplicaError::Diverged { seq, mine, published } => failed(
            "REPLICA_DIVERGED",
            format!(
                "at seq {seq} the core's event hash is {}, this replica's is {}",
                hex(published),
                hex(mine)
            ),
        ),
        ReplicaError::Record { seq, reason } => record_failed(*seq, reason),
        ReplicaError::Follow(FollowError::Ahead { seq, durable_seq }) => failed(
            "STORE_AHEAD",
            format!("the store has come to seq {seq}, the log to {durable_seq}"),
        ),
        ReplicaError::Follow(FollowError::Other { seq }) => failed(
            "STORE_DIFFERS",
            format!("at seq {seq} the log has another history than the store was filled from"),
        ),
        ReplicaError::Follow(FollowError::Passed { seq, at }) => {
            failed("REPLICA_PASSED", format!("the replica is at seq {at}, past {seq}"))
        }
        ReplicaError::TooManyVoids => failed("JOURNAL_POISONED", too_many_voids()),
        ReplicaError::NotCompared { seq } => failed(
            "REPLICA_NOT_COMPARED",
            format!("the state at seq {seq} was not compared with the core's"),
        ),
        ReplicaError::Journal(error) => journal_failed(error),
    }
}

/// Which journal is in a data directory, and how far it is durable: cheaper than a replica.
#[pyfunction]
pub(crate) fn log_end<'py>(
    py: Python<'py>,
    data_dir: &str,
) -> PyResult<(Bound<'py, PyBytes>, u64)> {
    match read_watermark(&files(data_dir)?) {
        Ok(Some(end)) => Ok((PyBytes::new(py, &end.genesis), end.durable_seq)),
        Ok(None) => Err(told(&ReplicaError::Void)),
        Err(error) => Err(journal_failed(&error)),
    }
}

/// The sixteen bytes that an event hash has.
fn hex(wide: &[u8; 32]) -> String {
    let (hash, _) = wide.split_first_chunk().unwrap_or((&[0; 16], &[]));
    format!("{:032x}", u128::from_be_bytes(*hash))
}
