//! The edge of a node, without a socket: bytes in, messages and bytes out.
//!
//! Whoever owns the transport (the protocol object in `crates/python`, the load generator in
//! `crates/bench`, a test) reads bytes, hands them in, and writes the bytes that come back. So the
//! same code runs under uvloop, under epoll and under a table of byte strings.
//!
//! Invariants
//! - **No I/O.** Nothing here opens, reads, writes or closes anything.
//! - **No clock.** Times are arguments; a timeout is the caller's, who drops the reader.
//! - **No threads, no locks, no globals.** Each reader belongs to one connection.
//! - **No Python.** Only `crates/python` names pyo3.
//! - **No panic on any input.** Whatever the bytes, a reader returns a message, asks for more, or
//!   returns a fault that carries what to tell the peer.
//! - **Split law.** How the transport cuts a byte stream into reads changes no message.
//! - **Bounded.** What a peer can make a connection keep is named in [`limits`]; an idle
//!   connection keeps no more than [`limits::CARRY_BYTES_KEPT_MAX`].
//!
//! Rooms, from the wire inwards
//! - [`http`]: the first bytes of a connection: is this a WebSocket upgrade, an order route, or
//!   somebody else's request?
//! - [`upgrade`]: the answer to an upgrade (RFC 6455 section 4.2).
//! - [`frame`]: RFC 6455 framing, both directions and both roles.
//! - [`deflate`]: permessage-deflate (RFC 7692), where a client asks for it.
//! - [`hub`]: every connection of a process, with `requests` (what sessions ask for),
//!   [`outcomes`] (what becomes of it), [`market`] (the public streams) and `resume` (what a client
//!   missed), `turn` (how much of each is taken, and when), [`call`] (private REST), `reads` (lists),
//!   `gather` (orders placed together), [`trials`] (orders only tested), [`people`] (passwords and tokens)
//!   and [`flight`] (a core in another process); [`secrets`], `fills`, [`batch`], [`held`], `fan`, `ring`,
//!   [`book_feed`], `l3`, [`candles`], [`public_feed`], [`private_feed`], [`tally`] and [`times`] (what is
//!   counted) are its parts, [`view`] is what it sees of the core.
//! - [`link`]: what such a process and the core say to each other.
//!
//! The rooms that read strangers' bytes ([`http`], [`upgrade`], [`frame`], [`deflate`]) may not even index or add
//! unchecked; the others work on tables of their own.
#![forbid(unsafe_code)]

pub mod address;
mod armed;
pub mod audit;
pub mod batch;
pub mod book_feed;
pub mod call;
pub mod candles;
pub mod conn;
#[deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
pub mod deflate;
mod fan;
pub mod fault_page;
mod fills;
pub mod flight;
#[deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
pub mod frame;
mod gather;
pub mod held;
pub mod history;
#[deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
pub mod http;
pub mod hub;
mod key_use;
mod l3;
pub mod limits;
pub mod link;
pub mod logon;
pub mod market;
pub mod outcomes;
mod patrol;
pub mod people;
pub mod private_feed;
pub mod public_feed;
pub mod quota;
mod reads;
mod requests;
mod resume;
mod ring;
pub mod rules;
pub mod secrets;
#[deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
mod site;
pub mod tally;
pub mod times;
pub mod trials;
mod turn;
#[deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
pub mod upgrade;
pub mod view;
