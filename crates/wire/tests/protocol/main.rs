//! What the wire must keep, seen from outside.

mod bad_input;
mod fuzz;
mod market;
mod messages;
mod records;
mod requests;
