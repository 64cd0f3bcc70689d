//! The batch of one loop tick: the commands that came in, and who waits for what they cause.
//!
//! Invariant: a reply finds its session by the record's origin (batch and index), never by call
//! order: entry `i` of a batch is the record with `origin.index == i`.

use crate::limits::{BATCH_CANCELS_RESERVED, BATCH_COMMANDS_MAX, BATCH_FULL};
use crate::secrets::Secret;
use coulisse_types::record::NONCE_BIT;
use coulisse_types::{AccountId, ClientOrderId, Command, InstrumentId, KeyIndex, RequestId};

/// A connection, or a session inside the process: slot and number, so that a reply to one that is
/// gone never reaches the next one in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// The slot in the table of connections.
    pub slot: u32,
    /// Its number in the headers of its records: never 0, and no other session of this node has or
    /// had it, whenever it was started.
    pub session: u64,
}

/// Whether a command only takes risk away: there is room for it when there is none for orders.
pub(crate) fn is_way_out(command: &Command) -> bool {
    matches!(
        command,
        Command::OrderCancel(_)
            | Command::OrderCancelAll(_)
            | Command::CancelAfter(_)
            | Command::CancelOnDisconnect(_)
            | Command::KillSwitch(_)
            | Command::RiskStateSet(_)
            | Command::TradingStateSet(_)
    )
}

/// Whether a command is one that whoever trades may send.
pub(crate) fn is_traders(command: &Command) -> bool {
    matches!(
        command,
        Command::OrderPlace(_)
            | Command::OrderPlaceTerms(_)
            | Command::OrderReplace(_)
            | Command::OrderListPlace(_)
            | Command::OrderCancel(_)
            | Command::OrderAmend(_)
            | Command::OrderCancelAll(_)
            | Command::CancelAfter(_)
            | Command::CancelOnDisconnect(_)
    )
}

/// The instrument and the client's id of the order that a command places.
pub(crate) fn placed_by(command: &Command) -> Option<(InstrumentId, ClientOrderId)> {
    match command {
        Command::OrderPlace(place) => Some((place.instrument, place.client_order_id)),
        Command::OrderPlaceTerms(place) => Some((place.instrument, place.client_order_id)),
        Command::OrderReplace(place) => Some((place.instrument, place.client_order_id)),
        Command::OrderListPlace(list) => Some((list.instrument, list.client_order_id)),
        _ => None,
    }
}

/// Who waits for the outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// A session; the reply echoes the request's id.
    Session(ConnId),
    /// The process itself, by the number it gave.
    Ticket(u64),
    /// Nobody: a tick of the node's own.
    Nobody,
    /// A session of another process, whose link has this number: what its record's header says of it.
    Link {
        /// The link.
        link: u32,
        /// The session, or the nonce of a request that was signed on its own.
        session: u64,
    },
}

/// One command of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What is asked.
    pub command: Command,
    /// For whom.
    pub account: AccountId,
    /// The instrument it concerns, whose rules its reply's numbers are written by; 0 for none.
    pub instrument: InstrumentId,
    /// By which key; 0 is the node itself.
    pub key: KeyIndex,
    /// The client's idempotency id for what is not an order.
    pub request_id: RequestId,
    /// The nonce of a request that was signed on its own; 0 for none.
    pub nonce: u64,
    /// Who waits.
    pub waiter: Waiter,
    /// When it was read, in µs since the epoch.
    pub received_us: i64,
    /// Where the request's id, as it came, stands in the batch's text.
    id_start: u32,
    id_len: u32,
}

impl Entry {
    /// The session of its record's header: with [`NONCE_BIT`] the nonce of a request that was signed on
    /// its own.
    pub fn session(&self) -> u64 {
        match self.waiter {
            _ if self.nonce != 0 => self.nonce | NONCE_BIT,
            Waiter::Session(conn) => conn.session,
            Waiter::Link { session, .. } => session,
            Waiter::Ticket(_) | Waiter::Nobody => 0,
        }
    }
}

/// What a command comes with.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is asked.
    pub command: Command,
    /// For whom.
    pub account: AccountId,
    /// The instrument it concerns; 0 for none.
    pub instrument: InstrumentId,
    /// By which key.
    pub key: KeyIndex,
    /// The idempotency id.
    pub request_id: RequestId,
    /// The nonce of a request that was signed on its own; 0 for none.
    pub nonce: u64,
    /// Who waits.
    pub waiter: Waiter,
    /// When it was read, in µs since the epoch.
    pub received_us: i64,
    /// The JSON text of the request's id; empty for none.
    pub id: &'a [u8],
}

/// An order of `order.place_batch`: whose results it is one of, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of the request.
    pub gather: u64,
    /// The place among its orders.
    pub item: usize,
}

/// A command whose deadline is over.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) entry: Entry,
    pub(crate) id: Vec<u8>,
    pub(crate) part: Option<Part>,
    pub(crate) deadline_us: i64,
    /// How many commands before it in its batch stay there.
    pub(crate) before: usize,
}

/// The batch is full: nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The commands of one loop tick, in the order they came.
#[derive(Default)]
pub struct Batch {
    entries: Vec<Entry>,
    ids: Vec<u8>,
    /// Secrets to be shown in the reply, with the places of their commands.
    secrets: Vec<(usize, Secret)>,
    /// Commands that were asked for together, by their places.
    parts: Vec<(usize, Part)>,
    /// When commands are void, in µs since the epoch, by their places.
    deadlines: Vec<(usize, i64)>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Batch {
    /// Adds a command at the end.
    ///
    /// # Errors
    /// [`Full`] past [`BATCH_COMMANDS_MAX`], of which [`BATCH_CANCELS_RESERVED`] are for ways
    /// out alone: the caller answers `OVERLOADED`.
    pub fn push(&mut self, request: &Request<'_>) -> Result<(), Full> {
        let reserved = if is_way_out(&request.command) { 0 } else { BATCH_CANCELS_RESERVED };
        if self.entries.len() >= BATCH_COMMANDS_MAX - reserved {
            return Err(Full);
        }
        let id_start = u32::try_from(self.ids.len()).map_err(|_| Full)?;
        let id_len = u32::try_from(request.id.len()).map_err(|_| Full)?;
        self.ids.extend_from_slice(request.id);
        self.entries.push(Entry {
            command: request.command,
            account: request.account,
            instrument: request.instrument,
            key: request.key,
            request_id: request.request_id,
            nonce: request.nonce,
            waiter: request.waiter,
            received_us: request.received_us,
            id_start,
            id_len,
        });
        Ok(())
    }

    /// The commands, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The JSON text of an entry's request id; empty for none.
    pub fn id(&self, entry: &Entry) -> &[u8] {
        let start = entry.id_start as usize;
        &self.ids[start..start + entry.id_len as usize]
    }

    /// Keeps the secret that the command just added made.
    pub(crate) fn keep_secret(&mut self, secret: Secret) {
        self.secrets.push((self.entries.len() - 1, secret));
    }

    /// The secret that the command at this place made.
    pub(crate) fn secret(&self, index: usize) -> Option<&Secret> {
        self.secrets.iter().find(|(at, _)| *at == index).map(|(_, secret)| secret)
    }

    /// Says what the command just added was asked for with.
    pub(crate) fn keep_part(&mut self, part: Part) {
        self.parts.push((self.entries.len() - 1, part));
    }

    /// What the command at this place was asked for with; nothing for most.
    #[inline]
    pub(crate) fn part(&self, index: usize) -> Option<Part> {
        let found = self.parts.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        self.parts.get(found).map(|(_, part)| *part)
    }

    /// Says when the command just added is void.
    pub(crate) fn keep_deadline(&mut self, deadline_us: i64) {
        self.deadlines.push((self.entries.len() - 1, deadline_us));
    }

    /// When the command at this place is void, in µs since the epoch; nothing for most.
    #[inline]
    pub(crate) fn deadline_us(&self, index: usize) -> Option<i64> {
        let found = self.deadlines.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        self.deadlines.get(found).map(|(_, deadline_us)| *deadline_us)
    }

    /// The command at this place as one that is void; `None` where it has no deadline.
    pub(crate) fn late(&self, index: usize) -> Option<Late> {
        let (deadline_us, entry) = (self.deadline_us(index)?, *self.entries.get(index)?);
        let (id, part) = (self.id(&entry).to_vec(), self.part(index));
        Some(Late { entry, id, part, deadline_us, before: index })
    }

    /// Takes out what is void at this time. The others keep their order.
    ///
    /// Cost: nothing where nothing has a deadline.
    pub(crate) fn take_late(&mut self, now_us: i64) -> Vec<Late> {
        let mut late = Vec::new();
        for (at, deadline_us) in &self.deadlines {
            if *deadline_us < now_us {
                let before = *at - late.len();
                late.extend(self.late(*at).map(|one| (*at, Late { before, ..one })));
            }
        }
        if late.is_empty() {
            return Vec::new();
        }
        let is_late = |at: usize| late.binary_search_by_key(&at, |(at, _)| *at).is_ok();
        // Where those that stay stand then: so many fewer come before them.
        let moved = |at: usize| at - late.partition_point(|(gone, _)| *gone < at);
        let mut at = 0..;
        self.entries.retain(|_| at.next().is_some_and(|at| !is_late(at)));
        self.secrets.retain(|(at, _)| !is_late(*at));
        self.parts.retain(|(at, _)| !is_late(*at));
        self.secrets.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.parts.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.deadlines.clear();
        late.into_iter().map(|(_, late)| late).collect()
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it should be taken at once, and not with the end of the turn.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_FULL
    }

    /// How many came.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.ids.clear();
        self.secrets.clear();
        self.parts.clear();
        self.deadlines.clear();
    }
}
