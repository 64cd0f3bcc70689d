//! Events of the log folded into rows: what the store holds, as a function of the log alone.
//!
//! ```text
//! record header + events ─▶ Fold ─▶ Rows: for each table rows to add, rows to write over, rows to change
//! ```
//!
//! [`series`] makes the time series in the same way.
//!
//! The fold keeps nothing of an order, a balance or an account between two batches: each event carries
//! what a row needs. It begins at any seq, given the instruments that there are by then.
//!
//! Invariants
//! - Every kind of event makes rows here or is named as one that makes none: a new one does not compile.
//! - Rows are a function of the records from where the fold began, however they are cut into batches: what
//!   is in the tables in the end is the same.
//! - No secret is in any row: what proves a key is in no event.
//!
//! Cost: a few writes to growing buffers for each event; one step in a hash table for an order's, a
//! balance's or a position's.
#![forbid(unsafe_code)]

mod audit;
mod changes;
mod copy;
mod fold;
mod ledger;
mod orders;
mod rows;
pub mod series;
mod tables;

pub use fold::{Fold, Instrument};
pub use ledger::{EXTERNAL, FEES};
pub use rows::{Cell, Part, Rows};
pub use tables::{ColumnSpec, Growth, Kind, TABLES, TableId, TableSpec};
