//! The gateway's protocol rooms from outside: bytes in, messages and bytes out.
//!
//! One binary for all of them, so that one link serves. `seen` writes down what a reader said,
//! `seeded` is the only source of chance, and every test of it prints nothing but its seed.

mod fault_table;
mod fuzz;
mod http_heads;
mod packed;
mod peer;
mod rfc_examples;
mod seeded;
mod seen;
mod split_law;
mod stop_and_memory;
mod upgrades;
mod writing;
