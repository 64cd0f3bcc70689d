//! The journal crate's disk in memory, for tests of durability written in Python.

use crate::cell::GilCell;
use coulisse_journal::{CrashMode, SimDisk as Disk};
use pyo3::prelude::*;

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

    fn flip_bit(&self, py: Python<'_>, file: &str, bit: u64) {
        self.disk.borrow_mut(py).flip_bit(file, bit);
    }
}
