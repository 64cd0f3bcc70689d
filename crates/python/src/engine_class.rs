//! The deterministic engine without a log, for models, replays and tests.

use crate::cell::GilCell;
use crate::failure::{failed, text_of};
use crate::node_core::encoded;
use coulisse_engine::Engine as Core;
use coulisse_types::{Command, Event, RecordHeader};
use coulisse_wire::record::decode_unsealed;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The deterministic core alone.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Engine {
    state: GilCell<(Core, Vec<Event>)>,
}

/// One of the ways to take a record.
type Apply = fn(&mut Core, &RecordHeader, &Command, &mut Vec<Event>);

impl Engine {
    fn take<'py>(
        &self,
        py: Python<'py>,
        record: &[u8],
        apply: Apply,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (core, events) = &mut *self.state.borrow_mut(py);
        let (header, command) = decode_unsealed(record)
            .map_err(|error| failed("INVALID_VALUE", format!("not a record: {error:?}")))?;
        let next = core.last_seq().0 + 1;
        if header.seq.0 != next {
            let seq = header.seq.0;
            return Err(failed("INVALID_VALUE", format!("seq {seq} is not the next, {next}")));
        }
        events.clear();
        // A node ends here. A test wants to know which command did it, and goes on without this
        // engine: what a panic has left half-changed is thrown away.
        let applied = catch_unwind(AssertUnwindSafe(|| apply(core, &header, &command, events)));
        if let Err(panic) = applied {
            *core = Core::new();
            return Err(failed("PANIC", format!("seq {next}: {}", text_of(&*panic))));
        }
        Ok(PyBytes::new(py, &encoded(events)))
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new() -> Self {
        Self { state: GilCell::new((Core::new(), Vec::new())) }
    }

    fn copy(&self, py: Python<'_>) -> Self {
        Self { state: GilCell::new((self.state.borrow_mut(py).0.clone(), Vec::new())) }
    }

    fn apply<'py>(&self, py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, record, Core::apply)
    }

    fn try_order<'py>(&self, py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, record, Core::try_order)
    }

    fn void<'py>(&self, py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, record, Core::apply_void)
    }
    #[expect(clippy::needless_pass_by_value, reason = "Python gives a list of its own")]
    fn apply_many<'py>(
        &self,
        py: Python<'py>,
        records: Vec<Bound<'py, PyBytes>>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        records.iter().map(|record| self.apply(py, record.as_bytes())).collect()
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bytes = Vec::new();
        let Ok(()) = self.state.borrow_mut(py).0.write_snapshot(&mut bytes);
        PyBytes::new(py, &bytes)
    }

    #[staticmethod]
    fn from_snapshot(bytes: &[u8]) -> PyResult<Self> {
        let core = Core::from_snapshot(bytes)
            .map_err(|error| failed("SNAPSHOT_REFUSED", error.to_string()))?;
        Ok(Self { state: GilCell::new((core, Vec::new())) })
    }

    fn event_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.state.borrow_mut(py).0.event_hash())
    }

    fn state_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.state.borrow_mut(py).0.state_hash())
    }

    fn check_invariants(&self, py: Python<'_>) -> PyResult<()> {
        let broken = self.state.borrow_mut(py).0.check_invariants();
        broken.map_err(|broken| failed("BROKEN_INVARIANT", format!("{broken:?}")))
    }

    #[cfg(feature = "planted")]
    fn plant(&self, py: Python<'_>, fault: &str) -> PyResult<()> {
        let wanted = coulisse_engine::Fault::ALL.iter().find(|(name, _)| *name == fault);
        let Some((_, fault)) = wanted else {
            return Err(failed("INVALID_VALUE", format!("no fault is called {fault:?}")));
        };
        self.state.borrow_mut(py).0.plant(Some(*fault));
        Ok(())
    }

    #[cfg(not(feature = "planted"))]
    fn plant(&self, fault: &str) -> PyResult<()> {
        let _ = self;
        Err(failed("INVALID_VALUE", format!("this build has no faults to plant, not {fault:?}")))
    }
}

/// Plants a fault in every engine, core and replica that this process makes from here on.
#[pyfunction]
pub(crate) fn plant_everywhere(fault: &str) -> PyResult<()> {
    #[cfg(feature = "planted")]
    if let Some((_, fault)) = coulisse_engine::Fault::ALL.iter().find(|(name, _)| *name == fault) {
        fault.plant_everywhere();
        return Ok(());
    }
    Err(failed("INVALID_VALUE", format!("this build has no fault {fault:?} to plant")))
}

/// The faults that this build can plant.
#[pyfunction]
pub(crate) fn planted_faults() -> Vec<String> {
    #[cfg(feature = "planted")]
    let names = coulisse_engine::Fault::ALL.iter().map(|(name, _)| (*name).to_string()).collect();
    #[cfg(not(feature = "planted"))]
    let names = Vec::new();
    names
}
