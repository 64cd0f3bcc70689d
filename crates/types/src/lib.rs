//! The vocabulary of Coulisse: money as integers, ids, commands, events, rejects, limits.
//!
//! Everything here is `no_std`: there is no clock, no file, no thread and no random hasher to
//! reach for, so a value computed here is the same on every replica.
//!
//! Invariants
//! - A price is a whole number of ticks and a quantity a whole number of lots; both are integers.
//! - No operation rounds, unless its name says in which direction.
//! - Each command and each event is defined once, in [`command`] and [`event`], by one macro that
//!   gives its struct, its number, its field table and its little-endian codec.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

extern crate alloc;

pub mod candle;
pub mod codec;
pub mod command;
pub mod decimal;
pub mod ends;
pub mod event;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod message;
pub mod money;
pub mod record;
pub mod reject;
pub mod terms;
pub mod text;

pub use command::{Command, CommandKind};
pub use event::{Event, EventKind};
pub use ids::{
    AccountId, AssetId, GroupId, InstrumentId, KeyIndex, OrderId, RequestId, Seq, TradeId,
};
pub use keys::{KeyScheme, KeyState};
pub use money::{Amount, FeeRate, OrderType, Price, Qty, Side, TickLotValue, TimeInForce};
pub use record::{Origin, RecordHeader};
pub use reject::{Field, RejectCode, Unit};
pub use terms::{
    LimitKind, ListKind, MatchingMode, Peg, ReferenceKind, RiskState, Scope, SelfTrade, SideFilter,
    StateReason, TradingState, Trigger, TriggerOn,
};
pub use text::{AccountName, AssetName, ClientOrderId, KeyId, Symbol, Text};
