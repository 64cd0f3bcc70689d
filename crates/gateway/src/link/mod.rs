//! The link between a gateway worker and the core process: a stream of frames each way, without the socket.
//!
//! A worker holds sessions, subscriptions and a replica of the core. Up go the commands of its sessions, a
//! turn of its loop at a time; down comes every record of the log once it is durable, whoever sent its
//! command, and with it which of them are answers to this worker. So what a worker tells its clients is
//! what the core's own hub would tell them, from the same records by the same code.
//!
//! ```text
//! frame: length of the body u32 · kind u8 · body
//! up     1 commands   records as in the log, without seq and checksum; their time is when the command is
//!                     void, in ns since the epoch, and 0 for never
//!        2 sessions   nothing: more numbers for sessions are wanted
//! down   1 welcome    version u16 · build · node u16 · incarnation u32 · durable seq u64 · first session u64
//!        2 records    last seq u64 · event hash there · count u32 · that many u32: which of the records,
//!                     from the first, answers this worker's next command; with the top bit set none
//!                     does: the command was void when the log stamped what stands there · the records
//!                     as in the log, none where void commands are all there is to tell
//!        3 sessions   first session u64
//!        4 room       what the log has room for u8: 0 whatever comes, 1 ways out alone, 2 nothing
//! ```
//!
//! Invariants
//! - Commands of one worker enter the log in the order in which it sent them, and are answered in that
//!   order: the n-th of its own is the answer to the n-th that it sent. What was void before the log
//!   stamped it has its answer in the same order, and no record.
//! - What waits is bounded: a worker has at most [`crate::limits::LINK_COMMANDS_MAX`] commands without an
//!   answer, and a link whose worker does not read is ended past [`crate::limits::LINK_BYTES_MAX`].
//! - Bytes that are no frame of ours end the link.

mod core_end;
mod frames;
mod worker_end;

pub use core_end::{Asked, CoreEnd, Told};
pub use frames::{LinkFault, Out};
pub use worker_end::{Answered, Down, Records, Welcome, WorkerEnd};

/// The version of these frames; a worker of another build is sent away.
pub const VERSION: u16 = 2;
