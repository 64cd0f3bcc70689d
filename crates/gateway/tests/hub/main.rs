//! The hub as its caller drives it: bytes in, a batch out, events in, bytes out.
//!
//! The core behind it is a table with a seq: what the hub asks of a core is a port.

mod armed;
mod door;
mod durable_first;
mod feeds;
mod fuzz;
mod history;
mod limits;
mod links;
mod lists_and_batches;
mod packed;
mod pressure;
mod restart;
mod resume;
mod risk_and_status;
mod slices;
mod slow_readers;
mod streams;
mod tally;
mod world;
