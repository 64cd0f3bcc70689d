//! The request head that opens a connection (HTTP/1.1), and whose request it is.
//!
//! - [`HeadReader`] gathers a head over reads; [`parse_head`] judges one that lies in a slice.
//! - [`Head::route`] says whether the request is ours. Where it is not, [`Arrived::bytes`] are all
//!   bytes since the request began, untouched, to be handed to another HTTP server.
//! - [`HttpFault`] and [`error_response`] are the answers to what is refused here.
//!
//! Stricter than most servers, because another HTTP server stands behind this one and the two must
//! never read the same bytes differently (request smuggling, RFC 9112 section 11.2): lines end in
//! CR LF, no obsolete folding, one Host, one Content-Length, never both lengths.
//!
//! Source: RFC 9110 and RFC 9112 (2022).

mod fault;
mod head;
mod reader;
mod route;

pub(crate) use fault::reason_phrase;
pub use fault::{HttpFault, error_response};
pub use head::{Body, Head, HeadStep, Method, Version, parse_head};
pub use reader::{Arrived, HeadReader, ReadStep};
pub use route::Route;
