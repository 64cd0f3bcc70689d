//! A worker's end of its link to the core.

use super::VERSION;
use super::frames::{Frames, LinkFault, Out, get};
use crate::batch::Batch;
use crate::hub::LogRoom;
use crate::limits::{LINK_COMMANDS_MAX, LINK_DOWN_BYTES_MAX, LINK_FRAME_BYTES};
use coulisse_types::RecordHeader;
use coulisse_types::codec::Reader;
use coulisse_wire::record::encode_record;

pub(super) const UP_COMMANDS: u8 = 1;
pub(super) const UP_SESSIONS: u8 = 2;
pub(super) const DOWN_WELCOME: u8 = 1;
pub(super) const DOWN_RECORDS: u8 = 2;
pub(super) const DOWN_SESSIONS: u8 = 3;
pub(super) const DOWN_ROOM: u8 = 4;
/// Set where a command has no record: it was void.
pub(super) const VOID_BIT: u32 = 1 << 31;

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
    /// Four bytes for each command that is answered.
    answers: &'a [u8],
    /// The records as in the log.
    pub records: &'a [u8],
}

/// What became of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is the record at this place, from the first.
    Record(u32),
    /// It was void when the log stamped what stands at this place.
    Void(u32),
}

impl Records<'_> {
    /// The answers to what this worker sent, in the order in which it did.
    pub fn answers(&self) -> impl Iterator<Item = Answered> + '_ {
        let words =
            self.answers.chunks_exact(4).map(|four| four.try_into().map_or(0, u32::from_le_bytes));
        words.map(|word| match word & VOID_BIT {
            0 => Answered::Record(word),
            _ => Answered::Void(word & !VOID_BIT),
        })
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
    /// What the log has room for.
    Room(LogRoom),
}

/// The core, as a worker has it.
#[derive(Debug, Default)]
pub struct WorkerEnd {
    frames: Frames,
    out: Out,
    /// Commands that have no answer yet.
    unanswered: usize,
    asked_for_sessions: bool,
}

impl WorkerEnd {
    /// Whether the commands of a batch may be sent now.
    pub fn has_room_for(&self, batch: &Batch) -> bool {
        self.unanswered + batch.len() <= LINK_COMMANDS_MAX
    }

    /// Sends the commands of a batch.
    pub fn send(&mut self, batch: &Batch) {
        let mut at = 0;
        while at < batch.len() {
            self.out.frame(UP_COMMANDS, |out| {
                let most = out.len() + LINK_FRAME_BYTES;
                while let Some(entry) = batch.entries().get(at) {
                    let deadline_us = batch.deadline_us(at).unwrap_or_default();
                    at += 1;
                    let header = RecordHeader {
                        time_ns: deadline_us.saturating_mul(1_000),
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
                let count: u32 = get(&mut reader)?;
                let answers = (count as usize).checked_mul(4).and_then(|bytes| reader.take(bytes));
                let answers = answers.ok_or(short)?;
                let records = reader.take(reader.len()).unwrap_or_default();
                Down::Records(Records { last_seq, hash, answers, records })
            }
            DOWN_SESSIONS => {
                self.asked_for_sessions = false;
                Down::Sessions(get(&mut reader)?)
            }
            DOWN_ROOM => {
                let room = LogRoom::of_number(get(&mut reader)?);
                Down::Room(room.ok_or(LinkFault::Frame("no such room"))?)
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
