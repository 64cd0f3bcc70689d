//! Rows as tagged cells in one buffer for each table: databases' own forms are made of them at the end.
//!
//! Invariant: a part holds whole rows, of as many cells as it has columns.

use crate::tables::{ColumnSpec, Growth, TABLES, TableId, TableSpec};

const KEEP: u8 = 0;
const INT: u8 = 1;
const MINOR: u8 = 2;
const TEXT: u8 = 3;
const FLAG: u8 = 4;

/// A value in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// What is there stays.
    Keep,
    /// A number of 64 bits.
    Int(i64),
    /// A number of 128 bits.
    Minor(i128),
    /// Text.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
}

/// Rows of one table that are written alike.
#[derive(Clone, Debug)]
pub struct Part {
    table: &'static TableSpec,
    is_change: bool,
    rows: usize,
    bytes: Vec<u8>,
}

impl Part {
    fn new(table: &'static TableSpec, is_change: bool) -> Self {
        Self { table, is_change, rows: 0, bytes: Vec::new() }
    }

    /// The table.
    pub fn table(&self) -> &'static TableSpec {
        self.table
    }

    /// Whether the rows are changes to some that exist: they have the key and the columns that may change.
    pub fn is_change(&self) -> bool {
        self.is_change
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of its rows.
    pub fn columns(&self) -> impl Iterator<Item = &'static ColumnSpec> + use<> {
        let TableSpec { key, growth, columns, .. } = self.table;
        let fixed = match growth {
            Growth::Changes { fixed } if self.is_change => *fixed,
            _ => *key,
        };
        columns[..*key].iter().chain(&columns[fixed..])
    }

    /// How many cells a row has.
    pub fn width(&self) -> usize {
        self.columns().count()
    }

    /// The cells of all rows, one after the other.
    pub fn cells(&self) -> Cells<'_> {
        self.cells_behind(0)
    }

    /// The cells behind so many bytes, which are a whole number of cells.
    pub fn cells_behind(&self, bytes: usize) -> Cells<'_> {
        Cells { rest: &self.bytes[bytes..] }
    }

    /// How many bytes the cells took that an iteration over them has had, when these are left.
    pub fn bytes_before(&self, left: &Cells<'_>) -> usize {
        self.bytes.len() - left.rest.len()
    }

    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.width(), "a row of {}", self.table().name);
        for cell in cells {
            self.put(*cell);
        }
        self.rows += 1;
    }

    fn put(&mut self, cell: Cell<'_>) {
        let out = &mut self.bytes;
        match cell {
            Cell::Keep => out.push(KEEP),
            Cell::Int(value) => {
                out.push(INT);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Minor(value) => {
                out.push(MINOR);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Text(text) => {
                out.push(TEXT);
                let length = u32::try_from(text.len()).expect("a text of an event is short");
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
            Cell::Flag(value) => out.extend_from_slice(&[FLAG, u8::from(value)]),
        }
    }
}

/// Cells in order.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    rest: &'a [u8],
}

impl Cells<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.rest.split_first_chunk().expect("a part holds whole cells");
        self.rest = rest;
        *head
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        let (tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match *tag {
            INT => Cell::Int(i64::from_le_bytes(self.take())),
            MINOR => Cell::Minor(i128::from_le_bytes(self.take())),
            TEXT => {
                let length = u32::from_le_bytes(self.take()) as usize;
                let (text, rest) = self.rest.split_at(length);
                self.rest = rest;
                Cell::Text(std::str::from_utf8(text).expect("it was a str"))
            }
            FLAG => Cell::Flag(self.take::<1>() != [0]),
            _ => Cell::Keep,
        })
    }
}

/// What a batch of records does to the tables.
#[derive(Clone, Debug)]
pub struct Rows {
    /// For each table the rows to add or to write over.
    whole: Vec<Part>,
    /// For each table what changes in rows that exist.
    changes: Vec<Part>,
    /// The records that were folded.
    pub records: u64,
    /// Their events.
    pub events: u64,
}

impl Default for Rows {
    fn default() -> Self {
        Self::of(TABLES)
    }
}

impl Rows {
    /// None yet, of these tables.
    pub(crate) fn of(tables: &'static [TableSpec]) -> Self {
        let all = |is_change| tables.iter().map(|table| Part::new(table, is_change)).collect();
        Self { whole: all(false), changes: all(true), records: 0, events: 0 }
    }

    /// The parts that have rows: of each table, in the order of their list, what is added before what
    /// changes.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let both = self.whole.iter().zip(&self.changes);
        both.flat_map(|(whole, changes)| [whole, changes]).filter(|part| part.rows > 0)
    }

    /// How many rows there are in all.
    pub fn count(&self) -> usize {
        self.parts().map(Part::rows).sum()
    }

    /// How many bytes they take here.
    pub fn bytes(&self) -> usize {
        self.parts().map(|part| part.bytes.len()).sum()
    }

    /// Whether nothing was folded.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(crate) fn add(&mut self, table: TableId, cells: &[Cell<'_>]) {
        self.whole[table as usize].add(cells);
    }

    /// Adds a row of the table at this place of the list.
    pub(crate) fn add_at(&mut self, table: usize, cells: &[Cell<'_>]) {
        self.whole[table].add(cells);
    }

    pub(crate) fn change(&mut self, table: TableId, cells: &[Cell<'_>]) {
        self.changes[table as usize].add(cells);
    }
}
