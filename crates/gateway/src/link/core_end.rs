//! The core's end of one worker's link.

use super::VERSION;
use super::frames::{Frames, LinkFault, Out, get};
use super::worker_end::{DOWN_RECORDS, DOWN_SESSIONS, DOWN_WELCOME, Welcome};
use super::worker_end::{UP_ARMED, UP_COMMANDS, UP_SESSIONS};
use crate::limits::{LINK_BYTES_MAX, LINK_COMMANDS_MAX, LINK_UP_BYTES_MAX};
use coulisse_types::codec::{Field, Reader};
use coulisse_types::{AccountId, Command, KeyIndex, RequestId};
use coulisse_wire::record::{decode_unsealed, record_length};
use std::collections::{BTreeMap, VecDeque};

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
    /// Whether the log takes no more orders for now.
    pub log_full: bool,
    /// The records as in the log.
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
    /// Its commands that have no answer yet.
    unanswered: usize,
    /// Sessions whose orders are cancelled with them, and for whom.
    armed: BTreeMap<u64, AccountId>,
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
                UP_ARMED => {
                    let mut reader = Reader::new(self.frames.body(body));
                    let account = get(&mut reader)?;
                    let session = get(&mut reader)?;
                    if get(&mut reader)? {
                        self.armed.insert(session, account);
                    } else {
                        self.armed.remove(&session);
                    }
                }
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
        })
    }

    /// One of its commands has become the record at this seq.
    pub fn own(&mut self, seq: u64) {
        self.owned.push_back(seq);
    }

    /// Tells it what is durable.
    ///
    /// # Errors
    /// [`LinkFault::Slow`] where too much waits already.
    pub fn tell(&mut self, told: &Told<'_>) -> Result<(), LinkFault> {
        if self.out.pending().len() + told.records.len() > LINK_BYTES_MAX {
            return Err(LinkFault::Slow);
        }
        let count = self.owned.iter().take_while(|seq| **seq <= told.last_seq).count();
        self.unanswered = self.unanswered.saturating_sub(count);
        let owned = self.owned.drain(..count);
        self.out.frame(DOWN_RECORDS, |out| {
            told.last_seq.encode(out);
            out.extend_from_slice(&told.hash);
            told.log_full.encode(out);
            u32::try_from(count).unwrap_or(u32::MAX).encode(out);
            for seq in owned {
                u32::try_from(seq.saturating_sub(told.first_seq)).unwrap_or(u32::MAX).encode(out);
            }
            out.extend_from_slice(told.records);
        });
        Ok(())
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

    /// Its sessions whose orders are to be cancelled now that it is gone.
    pub fn into_armed(self) -> impl Iterator<Item = (AccountId, u64)> {
        self.armed.into_iter().map(|(session, account)| (account, session))
    }
}
