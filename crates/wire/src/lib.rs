//! The wire: records as they stand in the log, and the native JSON protocol, both ways.
//!
//! Invariants
//! - Bytes from outside are read strictly: what is not exactly of the form is refused with a code,
//!   the field and the value; nothing is guessed, rounded or skipped.
//! - Reading never panics and never recurses deeper than [`limits::DEPTH_MAX`].
//! - The documentation in `docs/protocol` is printed from the tables that the decoders work by.
//!
//! Cost: reading an order and writing its reply allocate nothing but the output's growth.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test that goes wrong must panic"
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod crc;
pub mod digits;
pub mod instruments;
pub mod json;
pub mod limits;
pub mod native;
pub mod record;
pub mod schema;

pub use instruments::{AssetInfo, InstrumentInfo, InstrumentTable, Symbols};
pub use record::{
    RecordError, RecordFault, Stamp, decode_record, encode_record, records, stamp, stamp_by,
};
