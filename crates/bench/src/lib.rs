//! What `coulisse-bench` measures: the core, a server under load, and the floor below it.
//!
//! Rooms
//! - [`workload`]: the order flow that every engine is compared on, read from its CSV.
//! - [`core`]: the flow through the bare book and through the engine.
//! - [`load`]: the flow over WebSocket, closed and open loop, from one thread that blocks in epoll.
//! - [`floor`]: a bare epoll server with the same frames and parser, and nothing behind them but, where
//!   it is asked for, a bare group commit.
//! - [`sockets`]: many connections, idle and subscribed, beside a load.
//! - [`soak`]: both for as long as is asked, over restarts of the node, with a record of every order.
//! - [`histogram`], [`json`], [`args`]: latencies counted, results printed, flags read.
//! - [`huge_pages`]: the node's own allocator, so that tables lie as they do there; [`urgency`]: what its
//!   sync thread asks of the kernel, so that the floor's does too.
//!
//! Invariants
//! - Rates and percentiles are integers: what is printed was counted, not rounded twice.
//! - Nothing here reads the result that a workload's generator wrote beside it.

pub mod args;
pub mod core;
pub mod floor;
pub mod histogram;
#[path = "../../python/src/huge_pages.rs"]
pub mod huge_pages;
pub mod json;
pub mod load;
pub mod rest;
pub mod soak;
mod socket;
pub mod sockets;
#[path = "../../python/src/urgency.rs"]
pub mod urgency;
pub mod workload;

/// Why a benchmark could not be run, in a sentence.
#[derive(Debug)]
pub struct Failure(pub String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self(error.to_string())
    }
}

/// A failure with this text.
///
/// # Errors
/// Always.
pub fn failure<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(text.into()))
}
