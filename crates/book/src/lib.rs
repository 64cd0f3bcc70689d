//! One instrument's order book: levels, time priority, match, cancel, reduce. Knows no accounts.
//!
//! [`Book`] is what the engine drives: orders are named by dense [`Handle`]s, so that the engine
//! keeps its own data of an order in a parallel arena. [`IndexedBook`] adds a table from order id
//! to handle, for a book that stands alone.
//!
//! Invariants
//! - A fill is at the maker's price, in price-time order, and never of zero lots.
//! - The cached best of a side is the best level of that side, or "none"; no price means "none".
//! - Prices may be any `i64`: a price far away costs a page, never an array that spans the gap.
//! - Nothing is allocated per order: arenas grow by chunks, up to the limit given at construction,
//!   and what is freed is used again. Nothing is ever moved or rehashed.
//! - No iteration order depends on a hash.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

extern crate alloc;

mod arena;
mod book;
mod check;
mod id_table;
mod indexed;
mod iter;
mod ladder;
mod pages;
mod snapshot;
mod view;

pub use book::Book;
pub use check::Broken;
pub use id_table::{IdTable, Vacancy};
pub use indexed::{AddError, Added, Ahead, IndexedBook, WARM_MAX};
pub use iter::{Levels, Orders};
pub use snapshot::Resting;
pub use view::{BookError, Handle, Level, MakerFill, Matched, OrderView, Stop, Top};
