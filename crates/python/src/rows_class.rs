//! Rows and the fold that makes them, as Python moves them into databases.

use crate::cell::GilCell;
use crate::failure::failed;
use coulisse_projections::series::SERIES;
use coulisse_projections::{Cell, Fold as Inner, Growth, Part, Rows as InnerRows, TABLES};
use coulisse_wire::record::{decode_events, decode_unsealed};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use std::collections::HashMap;
use std::fmt::Write as _;

/// What a batch of records does to the tables of a store.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Rows {
    inner: InnerRows,
    seq: u64,
    chain: [u8; 32],
}

impl Rows {
    pub(crate) fn new(inner: InnerRows, seq: u64, chain: [u8; 32]) -> Self {
        Self { inner, seq, chain }
    }

    fn part(&self, table: &str, is_change: bool) -> PyResult<&Part> {
        let mut parts = self.inner.parts();
        parts
            .find(|part| part.table().name == table && part.is_change() == is_change)
            .ok_or_else(|| failed("INVALID_VALUE", format!("there are no such rows of {table:?}")))
    }
}

#[pymethods]
impl Rows {
    #[getter]
    fn seq(&self) -> u64 {
        self.seq
    }

    #[getter]
    fn chain<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.chain)
    }

    #[getter]
    fn records(&self) -> u64 {
        self.inner.records
    }

    #[getter]
    fn events(&self) -> u64 {
        self.inner.events
    }

    #[getter]
    fn count(&self) -> usize {
        self.inner.count()
    }

    fn parts(&self) -> Vec<(&'static str, bool, usize)> {
        let parts = self.inner.parts();
        parts.map(|part| (part.table().name, part.is_change(), part.rows())).collect()
    }

    fn copy<'py>(
        &self,
        py: Python<'py>,
        table: &str,
        is_change: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.part(table, is_change)?.to_copy()))
    }

    fn tuples(slf: Bound<'_, Self>, table: &str, is_change: bool) -> PyResult<Tuples> {
        let rows = slf.get();
        let width = rows.part(table, is_change)?.width();
        let place = rows
            .inner
            .parts()
            .position(|part| part.table().name == table && part.is_change() == is_change);
        let place = place.expect("the part that was found");
        Ok(Tuples { rows: slf.unbind(), place, width, bytes: 0, names: HashMap::new() })
    }
}

/// Makes the rows of a part one by one, as they are asked for: no burst of work, however many there are.
#[pyclass(module = "coulisse._core")]
pub(crate) struct Tuples {
    rows: Py<Rows>,
    /// Which of the parts.
    place: usize,
    width: usize,
    /// How many bytes of the part were made into rows.
    bytes: usize,
    names: HashMap<String, Py<PyString>>,
}

#[pymethods]
impl Tuples {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let part = self.rows.get().inner.parts().nth(self.place).expect("rows never change");
        let mut cells = part.cells_behind(self.bytes);
        let mut row = Vec::with_capacity(self.width);
        while row.len() < self.width {
            let Some(cell) = cells.next() else { return Ok(None) };
            row.push(object(py, cell, &mut self.names)?);
        }
        self.bytes = part.bytes_before(&cells);
        PyTuple::new(py, row).map(Some)
    }
}

/// Most texts that are kept for the next rows: those of enums, mostly.
const NAMES_MAX: usize = 256;

fn object<'py>(
    py: Python<'py>,
    cell: Cell<'_>,
    names: &mut HashMap<String, Py<PyString>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match cell {
        Cell::Keep => py.None().into_bound(py),
        Cell::Int(value) => value.into_pyobject(py)?.into_any(),
        Cell::Minor(value) => PyString::new(py, &value.to_string()).into_any(),
        Cell::Flag(value) => i64::from(value).into_pyobject(py)?.into_any(),
        Cell::Text(text) => {
            if let Some(known) = names.get(text) {
                return Ok(known.bind(py).clone().into_any());
            }
            let made = PyString::new(py, text);
            if names.len() < NAMES_MAX {
                names.insert(text.to_owned(), made.clone().unbind());
            }
            made.into_any()
        }
    })
}

/// The fold from events to rows, without a log.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Fold {
    inner: GilCell<Inner>,
}

#[pymethods]
impl Fold {
    #[new]
    fn new() -> Self {
        Self { inner: GilCell::new(Inner::default()) }
    }

    fn take(&self, py: Python<'_>, record: &[u8], events: &[u8]) -> PyResult<()> {
        let (header, _) = decode_unsealed(record)
            .map_err(|error| failed("INVALID_VALUE", format!("not a record: {error:?}")))?;
        let events = decode_events(events)
            .ok_or_else(|| failed("INVALID_VALUE", "not a list of events".to_string()))?;
        self.inner.borrow_mut(py).take(&header, &events);
        Ok(())
    }

    fn take_rows(&self, py: Python<'_>) -> Rows {
        Rows::new(self.inner.borrow_mut(py).take_rows(), 0, [0; 32])
    }
}

/// The tables of the store, or of the time series, as JSON.
#[pyfunction]
#[pyo3(signature = (*, series=false))]
pub(crate) fn tables_json(series: bool) -> String {
    let mut out = String::from("[");
    let tables = if series { SERIES } else { TABLES };
    for (at, table) in tables.iter().enumerate() {
        let (growth, fixed) = match table.growth {
            Growth::Adds => ("adds", table.columns.len()),
            Growth::Writes => ("writes", table.key),
            Growth::Changes { fixed } => ("changes", fixed),
        };
        let comma = if at > 0 { "," } else { "" };
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let (name, kind, doc) = (column.name, column.kind.name(), column.doc);
                format!("{{\"name\":{name:?},\"kind\":{kind:?},\"doc\":{doc:?}}}")
            })
            .collect();
        write!(
            out,
            "{comma}{{\"name\":{:?},\"doc\":{:?},\"key\":{},\"growth\":{growth:?},\"fixed\":{fixed},\
             \"columns\":[{}]}}",
            table.name,
            table.doc.trim(),
            table.key,
            columns.join(",")
        )
        .expect("a String takes all text");
    }
    out.push(']');
    out
}
