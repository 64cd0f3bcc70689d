//! Rows that change, gathered over a batch: each is written once, as it is in the end.

use crate::rows::{Cell, Rows};
use crate::tables::TableId;
use std::collections::HashMap;

/// What a column of a row becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Value {
    /// What it is.
    #[default]
    Keep,
    /// A number.
    Int(i64),
    /// One of few words.
    Name(&'static str),
    /// Text.
    Text(String),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Keep => Cell::Keep,
            Self::Int(value) => Cell::Int(*value),
            Self::Name(name) => Cell::Text(name),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

/// The columns of a row that never change.
pub(crate) trait Fixed {
    /// Appends them, the key first.
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>);
}

/// A row of which something is said in this batch.
#[derive(Clone, Debug)]
struct Row<F, const N: usize> {
    key: i64,
    /// What it was born with, if it was born in this batch.
    fixed: Option<F>,
    values: [Value; N],
}

/// The rows of one table whose last `N` columns change.
#[derive(Clone, Debug)]
pub(crate) struct Changes<F, const N: usize> {
    table: TableId,
    places: HashMap<i64, usize>,
    rows: Vec<Row<F, N>>,
}

impl<F: Fixed, const N: usize> Changes<F, N> {
    pub(crate) fn new(table: TableId) -> Self {
        Self { table, places: HashMap::new(), rows: Vec::new() }
    }

    /// A row comes to be.
    pub(crate) fn born(&mut self, key: i64, fixed: F, values: [Value; N]) {
        self.places.insert(key, self.rows.len());
        self.rows.push(Row { key, fixed: Some(fixed), values });
    }

    /// The values of a row, to be set; those that are not stay as they are.
    pub(crate) fn of(&mut self, key: i64) -> &mut [Value; N] {
        let rows = &mut self.rows;
        let place = *self.places.entry(key).or_insert_with(|| {
            rows.push(Row { key, fixed: None, values: std::array::from_fn(|_| Value::Keep) });
            rows.len() - 1
        });
        &mut rows[place].values
    }

    /// Writes all rows and forgets them.
    pub(crate) fn write(&mut self, out: &mut Rows) {
        for row in &self.rows {
            let mut cells = Vec::with_capacity(32);
            match &row.fixed {
                Some(fixed) => fixed.cells(&mut cells),
                None => cells.push(Cell::Int(row.key)),
            }
            cells.extend(row.values.iter().map(Value::cell));
            if row.fixed.is_some() {
                out.add(self.table, &cells);
            } else {
                out.change(self.table, &cells);
            }
        }
        self.places.clear();
        self.rows.clear();
    }
}

/// Facts of which the last one for a key counts.
#[derive(Clone, Debug)]
pub(crate) struct Latest<T> {
    places: HashMap<(u32, u32), usize>,
    facts: Vec<T>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), facts: Vec::new() }
    }
}

impl<T> Latest<T> {
    pub(crate) fn set(&mut self, key: (u32, u32), fact: T) {
        if let Some(place) = self.places.get(&key) {
            self.facts[*place] = fact;
        } else {
            self.places.insert(key, self.facts.len());
            self.facts.push(fact);
        }
    }

    /// Takes all facts, in the order in which their keys were first met.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = T> + '_ {
        self.places.clear();
        self.facts.drain(..)
    }
}
