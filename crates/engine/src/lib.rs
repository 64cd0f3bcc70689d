//! The core: a pure fold of commands into state and events. Same records in, same events out.
//!
//! The rules are in `docs/internals/core-rules.md`. [`Engine::apply`] takes one record and appends
//! its events; [`Engine`]'s other methods only read.
//!
//! Invariants ([`Engine::check_invariants`] verifies them all)
//! - All money moves through `Ledger::post`, which takes as much as it gives; after each command the
//!   changes of every asset sum to zero, always checked. No balance is ever negative.
//! - What an account holds of an asset is the sum of the needs of its live orders; two of a list of
//!   which one cancels the other hold the larger need, and legs that wait for another hold nothing.
//! - A rejected command changes nothing but the last seq and the event hash: every check comes
//!   before the first change, and what comes after the checks cannot fail.
//! - No clock, no randomness, no float, and no order that depends on a hash.
//!
//! A broken invariant panics with a message. The caller ends the process.
//!
//! Cost: constant per order and per fill, but for finding a level's page in the book; a logarithm of
//! their number for what waits for a price or a time. In steady state nothing is allocated: arenas
//! are paged and grow only with the most there has ever been.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

extern crate alloc;

mod accounts;
mod admin;
mod admit;
mod amend;
mod amend_terms;
mod arriving;
mod auction;
mod auction_price;
mod band;
mod body;
mod bounds;
mod charges;
mod check;
mod check_auctions;
mod check_order;
mod check_terms;
mod client_ids;
mod closed_window;
mod closing;
mod conditional;
mod configure;
mod engine;
mod follow_up;
mod forest;
mod gate;
mod groups;
mod hash;
mod hash_index;
mod instruments;
mod interrupt;
mod key_admin;
mod keys;
mod kill;
mod ledger;
mod limit_use;
mod limits;
mod lists;
mod live;
mod matching;
mod meet;
mod nonces;
mod orders;
mod paged;
mod pegs;
mod place;
mod place_list;
mod planted;
mod positions;
mod pro_rata;
mod query;
mod reject;
mod release;
mod replace;
mod request_ids;
mod risk;
mod risk_check;
mod risk_hash;
mod risk_query;
mod rows;
mod self_trade;
mod snapshot;
mod state_hash;
mod state_hash_auctions;
mod state_hash_terms;
mod states;
mod terms;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
mod tests;
mod tiers;
mod timers;
mod trial;
mod uncross;
mod value;
mod void;
mod walk;
mod warm;
mod watch;
mod withdrawals;
mod worth;

pub use accounts::{Account, Membership};
pub use check::Broken;
pub use configure::Trading;
pub use coulisse_book::OrderView;
pub use engine::Engine;
pub use groups::Group;
pub use instruments::Instrument;
pub use keys::Key;
pub use ledger::{Asset, Balance};
pub use limits::default_genesis;
#[cfg(feature = "planted")]
pub use planted::Fault;
pub use query::{OpenOrder, TableUse};
pub use risk_query::{LimitInForce, Position, Profit, RiskControl};
pub use snapshot::{Section, SnapshotError, SnapshotFault, SnapshotSink, SnapshotSource};
pub use terms::OrderTerms;
pub use tiers::Tier;
pub use warm::WARM_MAX;
pub use withdrawals::{Withdrawal, WithdrawalCap};
