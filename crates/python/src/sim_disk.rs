//! The journal crate's disk in memory, for tests of durability written in Python.

use crate::cell::GilCell;
use crate::failure::failed;
use coulisse_journal::{CrashMode, SimDisk as Disk, Storage as _};
use pyo3::prelude::*;
use std::collections::BTreeMap;

/// A disk in memory that loses what was not synced.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct SimDisk {
    disk: GilCell<Disk>,
    lie_on_sync: bool,
}

impl SimDisk {
    /// The disk as it is now: a handle to the same one.
    pub(crate) fn handle(&self, py: Python<'_>) -> Disk {
        self.disk.borrow_mut(py).clone()
    }
}

#[pymethods]
impl SimDisk {
    #[new]
    #[pyo3(signature = (*, lie_on_sync=false))]
    fn new(lie_on_sync: bool) -> Self {
        let disk = Disk::new();
        disk.lie_on_sync(lie_on_sync);
        Self { disk: GilCell::new(disk), lie_on_sync }
    }

    #[pyo3(signature = (seed=None))]
    fn crash(&self, py: Python<'_>, seed: Option<u64>) {
        let mode = seed.map_or(CrashMode::DropAll, |seed| CrashMode::Torn { seed });
        let mut disk = self.disk.borrow_mut(py);
        let after = disk.crash(mode);
        after.lie_on_sync(self.lie_on_sync);
        *disk = after;
    }

    fn flip_bit(&self, py: Python<'_>, file: &str, offset: u64, bit: u8) -> PyResult<()> {
        let at = offset.checked_mul(8).and_then(|bits| bits.checked_add(u64::from(bit & 7)));
        let disk = self.disk.borrow_mut(py);
        if at.is_some_and(|at| disk.flip_bit(file, at)) {
            return Ok(());
        }
        Err(failed("INVALID_VALUE", format!("{file:?} has no byte {offset}")))
    }

    fn fail_next_sync(&self, py: Python<'_>) {
        self.disk.borrow_mut(py).fail_next_sync();
    }

    fn files(&self, py: Python<'_>) -> PyResult<BTreeMap<String, usize>> {
        let disk = self.disk.borrow_mut(py);
        let names = disk.list().map_err(|error| failed("JOURNAL_IO", error.to_string()))?;
        let size = |name: &String| disk.file_bytes(name).map_or(0, |bytes| bytes.len());
        Ok(names.into_iter().map(|name| (name.clone(), size(&name))).collect())
    }
}
