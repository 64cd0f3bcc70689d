//! What a reader said, owned, so that two readings can be compared.

use coulisse_gateway::frame::{Fed, Flow, FrameFault, FrameReader, Message, Role};

/// One thing that a reader said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Fault(FrameFault),
}

impl From<Message<'_>> for Seen {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Message::Close(close) => Self::Close(close.code(), close.reason().to_owned()),
        }
    }
}

/// Everything a fresh reader says when `stream` comes in these reads.
pub(crate) fn read_in_pieces<'a>(
    role: Role,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Seen> {
    let mut reader = FrameReader::new(role);
    let mut seen = Vec::new();
    for read in reads {
        let mut read = read.to_vec();
        let fed = reader.feed(&mut read, &mut |message| {
            seen.push(message.into());
            Flow::Continue
        });
        match fed {
            Ok(Fed::Stopped) => unreachable!("the callback never stops"),
            Ok(Fed::Drained | Fed::Closed) => {}
            Err(fault) => seen.push(Seen::Fault(fault)),
        }
    }
    seen
}

/// Everything a fresh reader says when `stream` comes at once.
pub(crate) fn read_at_once(role: Role, stream: &[u8]) -> Vec<Seen> {
    read_in_pieces(role, [stream])
}
