//! What the wire must keep, seen from outside.

mod bad_input;
mod channels;
mod fuzz;
mod lists_and_batches;
mod market;
mod messages;
mod operators;
mod outcomes;
mod people;
mod records;
mod requests;
mod terms;
