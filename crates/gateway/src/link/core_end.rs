//! The core's end of one worker's link.

use super::VERSION;
use super::frames::{Frames, LinkFault, Out};
use super::worker_end::{DOWN_RECORDS, DOWN_ROOM, DOWN_SESSIONS, DOWN_WELCOME, VOID_BIT, Welcome};
use super::worker_end::{UP_COMMANDS, UP_SESSIONS};
use crate::hub::LogRoom;
use crate::limits::{LINK_BYTES_MAX, LINK_COMMANDS_MAX, LINK_UP_BYTES_MAX};
use coulisse_types::codec::Field;
use coulisse_types::{AccountId, Command, KeyIndex, RequestId};
use coulisse_wire::record::{decode_unsealed, record_length};
use std::collections::VecDeque;

/// What a session of a worker asks the core.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// What is asked.
    pub command: Command,
    /// For whom.
    pub account: AccountId,
    /// By which key.
    pub key: KeyIndex,
    /// The idempotency id.
    pub request_id: RequestId,
    /// The session of its record's header, or its nonce.
    pub session: u64,
    /// When it is void, in µs since the epoch, if ever.
    pub deadline_us: Option<i64>,
}

/// Records that have become durable, to be told to every worker.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The seq of the first.
    pub first_seq: u64,
    /// The seq of the last.
    pub last_seq: u64,
    /// The core's event hash behind the last.
    pub hash: [u8; 16],
    /// The records as in the log; none where there is only to tell what was void.
    pub records: &'a [u8],
}

/// One worker, as the core has it.
#[derive(Debug, Default)]
pub struct CoreEnd {
    frames: Frames,
    /// The frame of commands that is being taken: where its next record stands, and its end.
    taking: std::ops::Range<usize>,
    out: Out,
    /// The seqs of its own records that it was not told yet.
    owned: VecDeque<u64>,
    /// The same for those that were void: the seq that the log gave next.
    void: VecDeque<u64>,
    /// What it was told that the log has room for.
    room: LogRoom,
    /// Its commands that have no answer yet.
    unanswered: usize,
    wants_sessions: bool,
}

impl CoreEnd {
    /// A worker that has just come.
    pub fn new(welcome: &Welcome) -> Self {
        let mut end = Self::default();
        end.out.frame(DOWN_WELCOME, |out| {
            VERSION.encode(out);
            let build = env!("CARGO_PKG_VERSION").as_bytes();
            u8::try_from(build.len()).unwrap_or(u8::MAX).encode(out);
            out.extend_from_slice(build);
            welcome.node.encode(out);
            welcome.incarnation.encode(out);
            welcome.durable_seq.encode(out);
            welcome.first_session.encode(out);
        });
        end
    }

    /// Bytes have come from it.
    pub fn push(&mut self, read: &[u8]) {
        debug_assert!(self.taking.is_empty(), "what came before was taken");
        self.frames.push(read);
    }

    /// The next command that it sent, whole.
    ///
    /// # Errors
    /// [`LinkFault`]; the link is then of no use.
    pub fn next_command(&mut self) -> Result<Option<Asked>, LinkFault> {
        loop {
            if !self.taking.is_empty() {
                return self.take_record().map(Some);
            }
            let Some((kind, body)) = self.frames.next(LINK_UP_BYTES_MAX)? else { return Ok(None) };
            match kind {
                UP_COMMANDS => self.taking = body,
                UP_SESSIONS => self.wants_sessions = true,
                _ => return Err(LinkFault::Frame("no such kind")),
            }
        }
    }

    fn take_record(&mut self) -> Result<Asked, LinkFault> {
        let bad = LinkFault::Frame("no record");
        let rest = self.frames.body(self.taking.clone());
        let length = record_length(rest).map_err(|_| bad)?;
        let record = rest.get(..length).ok_or(bad)?;
        let (header, command) = decode_unsealed(record).map_err(|_| bad)?;
        self.taking.start += length;
        self.unanswered += 1;
        if self.unanswered > LINK_COMMANDS_MAX {
            return Err(LinkFault::Frame("more commands than may wait for an answer"));
        }
        Ok(Asked {
            command,
            account: header.account,
            key: header.key,
            request_id: header.request_id,
            session: header.session,
            deadline_us: (header.time_ns != 0).then(|| header.time_ns.div_euclid(1_000)),
        })
    }

    /// One of its commands has become the record at this seq.
    pub fn own(&mut self, seq: u64) {
        self.owned.push_back(seq);
    }

    /// One of its commands was void, and is not in the log: this seq went to what came next.
    pub fn drop_void(&mut self, next_seq: u64) {
        self.void.push_back(next_seq);
    }

    /// Whether there is a void command to tell where the log is told up to this seq.
    pub fn has_void(&self, told_seq: u64) -> bool {
        self.void.front().is_some_and(|next_seq| *next_seq <= told_seq + 1)
    }

    /// Tells it what is durable.
    ///
    /// # Errors
    /// [`LinkFault::Slow`] where too much waits already.
    pub fn tell(&mut self, told: &Told<'_>) -> Result<(), LinkFault> {
        if self.out.pending().len() + told.records.len() > LINK_BYTES_MAX {
            return Err(LinkFault::Slow);
        }
        let owned = self.owned.iter().take_while(|seq| **seq <= told.last_seq).count();
        let void = self.void.iter().take_while(|seq| **seq <= told.last_seq + 1).count();
        self.unanswered = self.unanswered.saturating_sub(owned + void);
        let mut owned = self.owned.drain(..owned).peekable();
        let mut void = self.void.drain(..void).peekable();
        self.out.frame(DOWN_RECORDS, |out| {
            told.last_seq.encode(out);
            out.extend_from_slice(&told.hash);
            u32::try_from(owned.len() + void.len()).unwrap_or(u32::MAX).encode(out);
            let place =
                |seq: u64| u32::try_from(seq.saturating_sub(told.first_seq)).unwrap_or(u32::MAX);
            while owned.peek().is_some() || void.peek().is_some() {
                // What was void came before whatever was given the seq that stood next then.
                let before = owned.peek().copied().unwrap_or(u64::MAX);
                match void.next_if(|next_seq| *next_seq <= before) {
                    Some(next_seq) => (place(next_seq) | VOID_BIT).encode(out),
                    None => owned.next().map_or(0, place).encode(out),
                }
            }
            out.extend_from_slice(told.records);
        });
        Ok(())
    }

    /// Tells it what the log has room for, where that is news.
    pub fn tell_room(&mut self, room: LogRoom) {
        if std::mem::replace(&mut self.room, room) != room {
            self.out.frame(DOWN_ROOM, |out| room.number().encode(out));
        }
    }

    /// Whether it wants more numbers for sessions; asked once for each time.
    pub fn takes_sessions(&mut self) -> bool {
        std::mem::take(&mut self.wants_sessions)
    }

    /// Gives it numbers for sessions.
    pub fn give_sessions(&mut self, first_session: u64) {
        self.out.frame(DOWN_SESSIONS, |out| first_session.encode(out));
    }

    /// What waits to be written to it.
    pub fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}
