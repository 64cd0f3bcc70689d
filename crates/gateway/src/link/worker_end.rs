//! A worker's end of its link to the core.

use super::VERSION;
use super::frames::{Frames, LinkFault, Out, get};
use crate::batch::Batch;
use crate::limits::{LINK_COMMANDS_MAX, LINK_DOWN_BYTES_MAX, LINK_FRAME_BYTES};
use coulisse_types::codec::{Field, Reader};
use coulisse_types::{AccountId, RecordHeader};
use coulisse_wire::record::encode_record;

pub(super) const UP_COMMANDS: u8 = 1;
pub(super) const UP_ARMED: u8 = 2;
pub(super) const UP_SESSIONS: u8 = 3;
pub(super) const DOWN_WELCOME: u8 = 1;
pub(super) const DOWN_RECORDS: u8 = 2;
pub(super) const DOWN_SESSIONS: u8 = 3;

/// What the core says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The node's number.
    pub node: u16,
    /// Which start of the node.
    pub incarnation: u32,
    /// The records behind this seq come down the link; those before it are in the journal.
    pub durable_seq: u64,
    /// The first of the numbers for sessions: [`crate::limits::LINK_SESSIONS`] of them.
    pub first_session: u64,
}

/// Records that are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    /// The seq of the last.
    pub last_seq: u64,
    /// The core's event hash behind the last.
    pub hash: [u8; 16],
    /// Whether the log takes no more orders for now.
    pub log_full: bool,
    /// Four bytes for each record that is this worker's: which one it is, from the first.
    owned: &'a [u8],
    /// The records as in the log.
    pub records: &'a [u8],
}

impl Records<'_> {
    /// Which of the records, from the first, are answers to what this worker sent; ascending.
    pub fn owned(&self) -> impl Iterator<Item = u32> + '_ {
        self.owned.chunks_exact(4).map(|four| four.try_into().map_or(0, u32::from_le_bytes))
    }
}

/// What comes from the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down<'a> {
    /// The link is open.
    Welcome(Welcome),
    /// What is durable.
    Records(Records<'a>),
    /// More numbers for sessions, from this one on.
    Sessions(u64),
}

/// The core, as a worker has it.
#[derive(Debug, Default)]
pub struct WorkerEnd {
    frames: Frames,
    out: Out,
    /// Commands that have no answer yet.
    unanswered: usize,
    /// Bytes of `out` in front of the end of the last word about a session's orders.
    armed_bytes: usize,
    asked_for_sessions: bool,
}

impl WorkerEnd {
    /// Whether the commands of a batch may be sent now.
    pub fn has_room_for(&self, batch: &Batch) -> bool {
        self.unanswered + batch.len() <= LINK_COMMANDS_MAX
    }

    /// Sends the commands of a batch.
    pub fn send(&mut self, batch: &Batch) {
        let mut entries = batch.entries().iter();
        while !entries.as_slice().is_empty() {
            self.out.frame(UP_COMMANDS, |out| {
                let most = out.len() + LINK_FRAME_BYTES;
                for entry in entries.by_ref() {
                    let header = RecordHeader {
                        account: entry.account,
                        key: entry.key,
                        session: entry.session(),
                        request_id: entry.request_id,
                        ..RecordHeader::default()
                    };
                    encode_record(out, &header, &entry.command);
                    if out.len() >= most {
                        break;
                    }
                }
            });
        }
        self.unanswered += batch.len();
    }

    /// Says whether the orders of a session are to be cancelled when it, or this worker, is gone.
    pub fn arm(&mut self, account: AccountId, session: u64, is_on: bool) {
        self.out.frame(UP_ARMED, |out| {
            account.encode(out);
            session.encode(out);
            is_on.encode(out);
        });
        self.armed_bytes = self.out.pending().len();
    }

    /// Asks for more numbers for sessions; once for each time that they come.
    pub fn ask_for_sessions(&mut self) {
        if !std::mem::replace(&mut self.asked_for_sessions, true) {
            self.out.frame(UP_SESSIONS, |_| {});
        }
    }

    /// What is to be written to the core next.
    pub fn pending(&self) -> &[u8] {
        self.out.pending()
    }

    /// So much of it was written.
    pub fn wrote(&mut self, count: usize) {
        self.out.wrote(count);
        self.armed_bytes = self.armed_bytes.saturating_sub(count);
    }

    /// Whether the core may not know yet whose orders are to be cancelled: nobody may be told that
    /// before.
    pub fn has_unsaid_arms(&self) -> bool {
        self.armed_bytes > 0
    }

    /// Commands that have no answer yet.
    pub fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// One of them has its answer.
    ///
    /// # Errors
    /// [`LinkFault`] where none waits.
    pub fn answered(&mut self) -> Result<(), LinkFault> {
        let left = self.unanswered.checked_sub(1);
        self.unanswered = left.ok_or(LinkFault::Frame("an answer that nobody asked for"))?;
        Ok(())
    }

    /// Bytes have come from the core.
    pub fn push(&mut self, read: &[u8]) {
        self.frames.push(read);
    }

    /// The next thing that the core says, once it is whole.
    ///
    /// # Errors
    /// [`LinkFault`]; the link is then of no use.
    pub fn next_down(&mut self) -> Result<Option<Down<'_>>, LinkFault> {
        let Some((kind, body)) = self.frames.next(LINK_DOWN_BYTES_MAX)? else { return Ok(None) };
        let mut reader = Reader::new(self.frames.body(body));
        let down = match kind {
            DOWN_WELCOME => Down::Welcome(welcome(&mut reader)?),
            DOWN_RECORDS => {
                let short = LinkFault::Frame("records that end early");
                let last_seq = get(&mut reader)?;
                let hash = reader.take(16).and_then(|hash| hash.try_into().ok()).ok_or(short)?;
                let log_full = get(&mut reader)?;
                let count: u32 = get(&mut reader)?;
                let owned = (count as usize).checked_mul(4).and_then(|bytes| reader.take(bytes));
                let owned = owned.ok_or(short)?;
                let records = reader.take(reader.len()).unwrap_or_default();
                Down::Records(Records { last_seq, hash, log_full, owned, records })
            }
            DOWN_SESSIONS => {
                self.asked_for_sessions = false;
                Down::Sessions(get(&mut reader)?)
            }
            _ => return Err(LinkFault::Frame("no such kind")),
        };
        Ok(Some(down))
    }
}

fn welcome(reader: &mut Reader<'_>) -> Result<Welcome, LinkFault> {
    let version: u16 = get(reader)?;
    let length: u8 = get(reader)?;
    let build = reader.take(usize::from(length));
    if version != VERSION || build != Some(env!("CARGO_PKG_VERSION").as_bytes()) {
        return Err(LinkFault::Frame("the core is of another build"));
    }
    Ok(Welcome {
        node: get(reader)?,
        incarnation: get(reader)?,
        durable_seq: get(reader)?,
        first_session: get(reader)?,
    })
}
