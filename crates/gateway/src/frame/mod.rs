//! RFC 6455 framing, for servers and for clients.
//!
//! - [`FrameReader`] turns the bytes of reads into [`Message`]s, in place and without a copy
//!   where a frame lies whole in one read.
//! - [`begin_frame`], [`write_text_frame`] and [`write_frame`] append frames to an out buffer.
//!
//! Where permessage-deflate was agreed ([`crate::deflate`]), RSV1 on the first frame of a data message says
//! that it is compressed. Every other use of a reserved bit is refused.
//!
//! Source: RFC 6455 (2011), sections 5 to 8; close codes from the IANA registry it founded.

mod close;
mod fault;
mod header;
mod mask;
mod reader;
mod writer;

pub use close::{Close, CloseCode};
pub use fault::FrameFault;
pub use header::{Opcode, Role};
pub use mask::apply_mask;
pub use reader::{Fed, Flow, FrameReader, Message};
pub use writer::{
    FrameHead, FrameStart, begin_frame, write_close_answer, write_close_frame, write_frame,
    write_packed_frame, write_pong_frame, write_text_frame,
};
