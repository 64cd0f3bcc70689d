//! One connection: how far it is, what it may do, what waits to leave on it.

use crate::batch::ConnId;
use crate::call;
use crate::deflate::Window;
use crate::fan::Topic;
use crate::frame::{FrameReader, Opcode, begin_frame};
use crate::held::Held;
use crate::http::HeadReader;
use crate::view::KeyView;
use coulisse_types::command::permission;
use coulisse_types::keys::IdList;
use coulisse_types::{AccountId, KeyId, KeyIndex, Seq};
use coulisse_wire::native::Channel;
use std::net::IpAddr;

/// How far a connection is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It has not sent a whole request head yet.
    Head(HeadReader),
    /// The native protocol over a WebSocket.
    Native,
    /// Plain texts over a WebSocket.
    Plain,
    /// A WebSocket that sends every message back.
    Echo,
    /// A session inside the process: messages without frames.
    Local,
    /// A private REST request whose body is not whole: its bytes so far, and how many they will be.
    Body { bytes: Vec<u8>, whole: usize },
    /// A private REST request that is not answered yet.
    Call {
        /// The connection ends with the response.
        close: bool,
    },
    /// Somebody else's: an HTTP request that is not for the core.
    Handed,
}

/// Whether a connection's transport is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is.
    #[default]
    On,
    /// Not before the next turn of the loop.
    WaitsForTurn,
    /// Not before what is held for it has left.
    WaitsForRoom,
}

/// Whom a session acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) account: AccountId,
    pub(crate) key: KeyIndex,
    pub(crate) permissions: u8,
    /// The accounts that the key may act for beside its own.
    pub(crate) accounts: IdList,
    /// From when on the key, or its token, is refused, in ns since the epoch; 0 for never.
    pub(crate) expire_ns: i64,
    /// The session of the token that proved it; a signature has none.
    pub(crate) session: Option<TokenSession>,
}

/// A session that a password began and that tokens stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenSession {
    /// Whose: the key's public name.
    pub(crate) key_id: KeyId,
    /// Its number, drawn.
    pub(crate) number: u64,
    /// When the password was proved, in s since the epoch.
    pub(crate) begun_s: i64,
}

impl Identity {
    pub(crate) fn of(key: &KeyView) -> Self {
        let KeyView { account, key, permissions, accounts, expire_ns, .. } = *key;
        Self { account, key, permissions, accounts, expire_ns, session: None }
    }

    /// Whether it may act for an account.
    pub(crate) fn acts_for(&self, account: AccountId) -> bool {
        self.account == account
            || self.permissions & permission::ADMIN != 0
            || self.accounts.ids().any(|id| id == account.0)
    }
}

/// What a connection listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    Public(Topic),
    Private { account: AccountId, channel: Channel },
}

impl Subscription {
    /// Whether both are of one channel: an `unsubscribe` does not say which book it is.
    pub(crate) fn is_same_channel(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Public(Topic::Book { instrument: one, .. }),
                Self::Public(Topic::Book { instrument: two, .. }),
            ) => one == two,
            _ => self == other,
        }
    }
}

/// A connection's state.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a connection")]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    pub(crate) stage: Stage,
    pub(crate) reader: FrameReader,
    /// What it is sent may be compressed, with this window.
    pub(crate) packs: Option<Window>,
    pub(crate) held: Held,
    pub(crate) identity: Option<Identity>,
    pub(crate) nonce: [u8; 16],
    /// The name in the `Host` header, which a logon signs.
    pub(crate) host: String,
    pub(crate) subscriptions: Vec<Subscription>,
    /// The orders that it has placed are cancelled when it ends.
    pub(crate) cancels_at_end: bool,
    /// The transport asked to write no more for now.
    pub(crate) paused: bool,
    /// Whether it is read, or why not.
    pub(crate) reading: Reading,
    /// The turn that last took something of it, and how many messages that took.
    pub(crate) turn: u32,
    pub(crate) taken: u32,
    /// It stands in the hub's list of connections with something held.
    pub(crate) queued: bool,
    /// Its other end, if that is known: a proxy's, perhaps.
    pub(crate) peer: Option<IpAddr>,
    /// Where its latest request comes from: whom a trusted proxy spoke for, or its other end.
    pub(crate) address: Option<IpAddr>,
    /// The publication at which it was opened, and the one at which it last sent something, or took again.
    pub(crate) opened: u32,
    pub(crate) heard: u32,
    /// The publication at which it was sent the ping that it has not answered.
    pub(crate) pinged: Option<u32>,
    /// The nonce of the REST request that is being looked at; 0 for none.
    pub(crate) nonce_used: u64,
    /// Of a call: what its quotas have left behind it.
    pub(crate) quota_left: Option<u32>,
    /// What came behind a REST request that is not answered yet.
    pub(crate) behind: Vec<u8>,
    /// How many REST requests were answered.
    pub(crate) calls: u32,
    /// It stands in the hub's list of connections whose next request is awaited.
    pub(crate) awaited: bool,
    /// Whoever it was is no longer: it closes, for this reason, behind the reply to what ended it.
    pub(crate) over: Option<(Seq, &'static str)>,
    /// Nothing more is read; it closes once what is held has left.
    pub(crate) closing: bool,
}

impl Conn {
    pub(crate) fn new(id: ConnId, stage: Stage, nonce: [u8; 16]) -> Self {
        Self {
            id,
            stage,
            reader: FrameReader::new(crate::frame::Role::Server),
            packs: None,
            held: Held::default(),
            identity: None,
            nonce,
            host: String::new(),
            subscriptions: Vec::new(),
            cancels_at_end: false,
            paused: false,
            reading: Reading::On,
            turn: 0,
            taken: 0,
            queued: false,
            peer: None,
            address: None,
            opened: 0,
            heard: 0,
            pinged: None,
            nonce_used: 0,
            quota_left: None,
            behind: Vec::new(),
            calls: 0,
            awaited: false,
            over: None,
            closing: false,
        }
    }

    /// Appends one message made at `seq`, framed as the connection's stage wants it.
    pub(crate) fn write(&mut self, seq: u64, body: impl FnOnce(&mut Vec<u8>)) {
        let out = self.held.buffer();
        if let Stage::Call { close } = self.stage {
            call::write_response(out, (close, self.quota_left.take()), body);
            self.closing |= close;
            self.stage = call::next_request();
            self.calls = self.calls.wrapping_add(1);
        } else if matches!(self.stage, Stage::Local) {
            let start = out.len();
            out.extend_from_slice(&[0; LOCAL_PREFIX_BYTES]);
            body(out);
            let len = u32::try_from(out.len() - start - LOCAL_PREFIX_BYTES).unwrap_or(u32::MAX);
            out[start..start + LOCAL_PREFIX_BYTES].copy_from_slice(&len.to_le_bytes());
        } else {
            let frame = begin_frame(out, Opcode::Text);
            body(out);
            frame.finish(out);
        }
        self.held.mark(seq);
    }

    /// Appends messages that were framed for sockets, true at `seq`.
    pub(crate) fn write_frames(&mut self, seq: u64, bytes: &[u8]) {
        if matches!(self.stage, Stage::Local) {
            let mut rest = bytes;
            while let Some((payload, tail)) = first_payload(rest) {
                self.write(seq, |out| out.extend_from_slice(payload));
                rest = tail;
            }
        } else {
            self.held.buffer().extend_from_slice(bytes);
            self.held.mark(seq);
        }
    }
}

/// The payload of the first of some frames of ours, and the frames behind it.
pub(crate) fn first_payload(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, body) = match frames {
        [_, 126, high, low, body @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), body),
        [_, 127, rest @ ..] => {
            let (len, body) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*len)).ok()?, body)
        }
        [_, len, body @ ..] => (usize::from(*len), body),
        _ => return None,
    };
    body.split_at_checked(len)
}

/// A session inside the process gets each message behind its length, a little-endian u32.
pub const LOCAL_PREFIX_BYTES: usize = 4;
