//! Copies of a journal, as the commands that make and take backups use them.
//!
//! Invariant: what is said of a copy was computed from its bytes alone, by an engine that begins with
//! nothing, or with the snapshot in the copy where the log's beginning is in the archive.

use crate::cell::GilCell;
use crate::failure::{Note, guard, journal_failed};
use crate::open::{files, open_failed};
use crate::replica::new_hub;
use crate::start::{Fit, Start, chain_at};
use crate::voids::{AheadError, Voids};
use coulisse_engine::Engine;
use coulisse_journal::copy::{Extent, copy, inspect, reader};
use coulisse_journal::{Options, Reader, SnapshotReader, Storage, list_snapshots, open};
use coulisse_types::Event;
use coulisse_wire::record::decode_record;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::Arc;

/// Copies the journal of one directory to another, up to what is durable.
#[pyfunction]
pub(crate) fn copy_journal<'py>(
    py: Python<'py>,
    from_dir: &str,
    into_dir: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let (from, into) = (files(from_dir)?, files(into_dir)?);
    let copied = copy(&from, into.as_ref()).map_err(|error| journal_failed(&error))?;
    let said = extent_of(py, &copied.extent)?;
    let told = copied.told.map(|(seq, hash)| (seq, PyBytes::new(py, &hash[..16])));
    said.set_item("told", told)?;
    Ok(said)
}

/// Lets a copy go on as a journal of its own, in a new epoch.
#[pyfunction]
pub(crate) fn renew_journal(dir: &str) -> PyResult<u32> {
    let storage = files(dir)?;
    inspect(storage.as_ref()).map_err(|error| journal_failed(&error))?;
    let options = Options { is_restored: true, ..Options::new([0; 16]) };
    let recovery = open(storage, options).map_err(|error| journal_failed(&error))?;
    recovery.writer.close().map_err(|error| journal_failed(&error))?;
    Ok(recovery.report.epoch)
}

/// Seq, event hash and state hash.
type Mark<'py> = (u64, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// The newest snapshot of a directory whose bytes are whole: seq, event hash, state hash.
#[pyfunction]
pub(crate) fn newest_snapshot<'py>(
    py: Python<'py>,
    dir: &str,
    up_to_seq: u64,
) -> PyResult<Option<Mark<'py>>> {
    let storage = files(dir)?;
    let seqs = list_snapshots(storage.as_ref()).map_err(|error| journal_failed(&error))?;
    for seq in seqs.into_iter().filter(|seq| *seq <= up_to_seq) {
        let read = SnapshotReader::open(storage.as_ref(), seq).and_then(SnapshotReader::finish);
        if let Ok(mark) = read {
            let (events, state) = (&mark.event_hash[..16], &mark.state_hash);
            return Ok(Some((seq, PyBytes::new(py, events), PyBytes::new(py, state))));
        }
    }
    Ok(None)
}

/// A copy that is replayed, from its first record if that is the log's.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct CopyReplay {
    inner: GilCell<Replaying>,
}

struct Replaying {
    extent: Extent,
    reader: Reader,
    voids: Voids,
    engine: Engine,
    /// Where the engine began: 0, or the snapshot's seq.
    start_seq: u64,
    /// The group under way, and where its next record begins.
    group: Vec<Vec<u8>>,
    at: usize,
    events: Vec<Event>,
}

impl Replaying {
    fn open(storage: &Arc<dyn Storage>) -> Result<Self, AheadError> {
        let extent = inspect(storage.as_ref())?;
        let from = |seq| reader(Arc::clone(storage), &extent, seq);
        let fit = Fit {
            storage: storage.as_ref(),
            genesis: extent.genesis,
            last_seq: extent.last_seq,
            newest_seq: if extent.first_seq == 1 { 0 } else { extent.last_seq },
            chain_at: &|seq| chain_at(&extent.genesis, seq, || from(seq)),
            new_hub: &|| new_hub(extent.epoch),
        };
        let Start { state, voids, .. } = fit.start(&mut Vec::new(), &from)?;
        let start_seq = state.engine.last_seq().0;
        let mut replaying = Self {
            extent,
            reader: from(start_seq + 1)?,
            voids,
            engine: state.engine,
            start_seq,
            group: Vec::new(),
            at: 0,
            events: Vec::new(),
        };
        replaying.enter_group()?;
        Ok(replaying)
    }

    /// Goes to the record behind the snapshot, which may stand within a group.
    fn enter_group(&mut self) -> Result<(), AheadError> {
        let next_seq = self.start_seq + 1;
        if self.start_seq == 0 || self.extent.last_seq < next_seq {
            return Ok(());
        }
        if let Some(group) = self.reader.next_group()? {
            let records = group.records();
            self.group = records
                .filter(|(seq, _)| *seq >= next_seq)
                .map(|(_, bytes)| bytes.to_vec())
                .collect();
        }
        Ok(())
    }

    /// Applies the next records, at most so many and none past `last_seq`; returns how many.
    fn advance(&mut self, limit: u64, last_seq: u64) -> Result<u64, AheadError> {
        let mut done = 0;
        while done < limit && self.engine.last_seq().0 < last_seq {
            if self.at == self.group.len() {
                let Some(group) = self.reader.next_group()? else { break };
                self.group = group.records().map(|(_, bytes)| bytes.to_vec()).collect();
                self.at = 0;
            }
            let seq = self.engine.last_seq().0 + 1;
            let (header, command) = decode_record(&self.group[self.at])
                .map_err(|error| AheadError::Record { seq, reason: error.to_string() })?;
            self.events.clear();
            self.voids.apply(&mut self.engine, &header, &command, &mut self.events);
            self.at += 1;
            done += 1;
        }
        Ok(done)
    }
}

impl CopyReplay {
    fn with<T>(&self, py: Python<'_>, act: impl FnOnce(&mut Replaying) -> T) -> T {
        let inner = &mut *self.inner.borrow_mut(py);
        let seq = inner.engine.last_seq().0 + 1;
        guard(|| Note { dir: None, seq, log: None }, || act(inner))
    }
}

#[pymethods]
impl CopyReplay {
    #[new]
    fn new(dir: &str) -> PyResult<Self> {
        let inner = Replaying::open(&files(dir)?).map_err(ahead)?;
        Ok(Self { inner: GilCell::new(inner) })
    }

    fn advance(&self, py: Python<'_>, limit: u64, last_seq: u64) -> PyResult<u64> {
        self.with(py, |inner| inner.advance(limit, last_seq)).map_err(ahead)
    }

    #[getter]
    fn start_seq(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).start_seq
    }

    #[getter]
    fn seq(&self, py: Python<'_>) -> u64 {
        self.inner.borrow_mut(py).engine.last_seq().0
    }

    #[getter]
    fn time_ns(&self, py: Python<'_>) -> i64 {
        self.inner.borrow_mut(py).engine.time_ns()
    }

    fn extent<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extent = self.inner.borrow_mut(py).extent;
        extent_of(py, &extent)
    }

    fn event_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.borrow_mut(py).engine.event_hash())
    }

    fn state_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.borrow_mut(py).engine.state_hash())
    }
}

fn extent_of<'py>(py: Python<'py>, extent: &Extent) -> PyResult<Bound<'py, PyDict>> {
    let Extent { genesis, epoch, first_seq, last_seq, chain, segments, bytes } = extent;
    let said = PyDict::new(py);
    said.set_item("genesis", PyBytes::new(py, genesis))?;
    said.set_item("epoch", epoch)?;
    said.set_item("first_seq", first_seq)?;
    said.set_item("last_seq", last_seq)?;
    said.set_item("chain", PyBytes::new(py, &chain.0))?;
    said.set_item("segments", segments)?;
    said.set_item("bytes", bytes)?;
    Ok(said)
}

fn ahead(error: AheadError) -> PyErr {
    open_failed(&error.into())
}
