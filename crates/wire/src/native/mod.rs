//! The native protocol: requests in, replies and channel messages out, all JSON text.
//!
//! [`spec`] is the one table of operations, channels and bodies. The decoder reads requests by it
//! and `docs/protocol/native.md` is printed from it, so neither can know a field that the other
//! does not.

mod admin;
pub mod answers;
mod batches;
mod bodies;
mod bounds;
mod call;
mod creating;
pub mod cursors;
pub mod error;
pub mod feed;
mod glance;
pub mod history;
pub mod keys;
mod orders;
pub mod outcome;
mod params;
pub mod people;
mod reads;
mod rejects;
pub mod reply;
pub mod request;
pub mod rest;
pub mod spec;
pub mod venue;
pub mod withdrawals;

pub use bodies::signature as read_signature;
pub use call::{Call, parse_call};
pub use error::RequestError;
pub use glance::glance_at_order;
pub use history::History;
pub use outcome::CommandOutcome;
pub use people::{Password, People};
pub use reads::Read;
pub use request::{Body, Request, parse_request};
pub use spec::{Channel, Op};
