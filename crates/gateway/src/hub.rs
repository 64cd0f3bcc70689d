//! The hub: every connection of a process, the batch they fill, and what becomes of it.
//!
//! The caller reads bytes and calls [`Hub::receive`]; at the end of its loop's tick it takes the
//! batch, gives it to the log, and calls [`Hub::deliver`] for every record that the log delivers;
//! when the log is durable further, [`Hub::release`] lets out what waited for it.
//!
//! Invariants
//! - Whatever is written for a peer is marked with the seq that it was read at and leaves only when
//!   the durable seq has reached it.
//! - A full batch answers `OVERLOADED` and grows no further; but it is to be taken before it is full
//!   ([`Batch::is_full`]).
//! - The hub applies nothing: it sees the core through [`CoreView`] and learns of changes from
//!   events alone, live and on replay.

use crate::address::origin_of;
use crate::armed::{Armed, Due};
use crate::audit::Audit;
use crate::batch::{Batch, ConnId};
use crate::conn::{Conn, Stage};
use crate::deflate::Offer;
use crate::fan::{FanId, Fans};
use crate::fills::Fills;
use crate::flight::Flight;
use crate::frame::{CloseCode, FrameReader, Role, write_close_frame};
use crate::gather::Gather;
use crate::held::Departure;
use crate::history::HistoryDesk;
use crate::http::{Body, Head, HeadReader, HttpFault, ReadStep, Route, error_response};
use crate::key_use::KeyUse;
use crate::limits::{
    BODY_BYTES_MAX, ECHO_BYTES_MAX, HELD_BYTES_MAX, LINGER_PUBLICATIONS_MAX, MESSAGE_BYTES_MAX,
    PUBLICATIONS_PER_S,
};
use crate::people::{Desk, Ended};
use crate::private_feed::{PrivateFeeds, Touched};
use crate::public_feed::InstrumentFeeds;
use crate::quota::{Asker, Quotas};
use crate::reads::WaitingRead;
use crate::resume::Resume;
use crate::ring::{Link, Ring};
use crate::rules::Rules;
use crate::secrets::Secrets;
use crate::site;
use crate::tally::Tally;
use crate::trials::Trial;
use crate::turn::Turn;
use crate::upgrade;
use crate::view::CoreView;
use coulisse_types::{InstrumentId, Seq};
use coulisse_wire::InstrumentTable;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::ops::Range;

mod awaited;
mod frames;
mod packing;
pub(crate) mod snapshot;

pub(crate) use packing::Image;
pub use packing::PackingCounters;
pub use snapshot::FeedsFault;

/// What the caller must do after a read.
#[derive(Debug, Default)]
pub struct Received {
    /// Give the connection, with these bytes, to the HTTP server; the hub has forgotten it.
    pub hand_over: Option<Vec<u8>>,
    /// A plain WebSocket is open.
    pub plain_opened: bool,
    /// Texts that came on it.
    pub plain_texts: Vec<Vec<u8>>,
}

/// What leaves.
pub trait Sink {
    /// Write these bytes to the peer.
    fn send(&mut self, conn: ConnId, bytes: &[u8]);
    /// Close the connection once what was sent is out.
    fn close(&mut self, conn: ConnId);
    /// End the connection now: its peer takes nothing more.
    fn abort(&mut self, conn: ConnId);
    /// Read from the connection again, which was told to wait ([`Hub::waits`]).
    fn read(&mut self, conn: ConnId);
    /// Whether something has come that is to be taken before more of the public streams is sent.
    fn is_urged(&mut self) -> bool {
        false
    }
}

/// What the hub counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Requests read.
    pub requests: u64,
    /// Requests refused before the log.
    pub refused: u64,
    /// Requests refused because a queue was full.
    pub overloaded: u64,
    /// Sessions closed because they read too slowly.
    pub slow_closed: u64,
    /// Connections opened.
    pub opened: u64,
    /// Requests refused because a key, an account or an address asks for too much.
    pub limited: u64,
    /// Sessions closed because they left a ping unanswered.
    pub silent_closed: u64,
    /// Sessions closed because they neither logged on nor subscribed in time.
    pub strangers_closed: u64,
}

/// What the backlog of the log has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogRoom {
    /// Whatever comes.
    #[default]
    Free,
    /// What only takes risk away.
    WaysOut,
    /// Nothing: the disk stands still.
    None,
}

/// A connection that was closed and whose peer has not taken the end of what it was sent.
#[derive(Clone, Copy, Debug)]
struct Lingering {
    conn: ConnId,
    publications: u32,
}

/// Every connection of a process.
pub struct Hub {
    slots: Vec<Option<Conn>>,
    free: Vec<u32>,
    pub(crate) batch: Batch,
    pub(crate) instruments: InstrumentTable,
    pub(crate) feeds: Vec<InstrumentFeeds>,
    /// The public streams that somebody listens to.
    pub(crate) fans: Fans,
    pub(crate) instruments_fan: Option<FanId>,
    /// The last seq that listed an instrument.
    pub(crate) instruments_seq: Seq,
    /// The time of the last record.
    pub(crate) time_us: i64,
    /// When the request that is being answered was read.
    pub(crate) asked_us: i64,
    /// More listeners wait for their turn than one turn of the loop serves.
    pub(crate) sweeps_on: bool,
    pub(crate) private: PrivateFeeds,
    pub(crate) key_use: KeyUse,
    /// What operators will want to read, until the process takes it.
    pub(crate) audit: Audit,
    pub(crate) fills: Fills,
    /// Orders to be tested at the end of the turn.
    pub(crate) trials: Vec<Trial>,
    /// Reads that wait for a seq.
    pub(crate) waiting: Vec<WaitingRead>,
    /// Questions of history.
    pub(crate) history: HistoryDesk,
    /// Orders that were placed together and are not all answered, by the number of their request.
    pub(crate) gathers: BTreeMap<u64, Gather>,
    pub(crate) gathers_begun: u64,
    /// Secrets of HMAC keys, where this hub has them.
    pub(crate) secrets: Option<Box<dyn Secrets>>,
    /// People's passwords and tokens, and which of their sessions were ended.
    pub(crate) desk: Desk,
    pub(crate) ended: Ended,
    /// Connections to be closed behind the replies of this turn.
    pub(crate) over: Vec<ConnId>,
    /// A session's key expires at some time.
    pub(crate) some_expire: bool,
    /// Connections with something behind a REST request that is answered.
    pub(crate) resumable: Vec<ConnId>,
    pub(crate) hosts: Vec<String>,
    origins: Vec<String>,
    pub(crate) rules: Rules,
    pub(crate) quotas: Quotas,
    /// Publications of the feeds since the start, and the connection that was looked at last.
    pub(crate) ticks: u32,
    pub(crate) patrolled: usize,
    pub(crate) server: String,
    pub(crate) node: String,
    pub(crate) counters: Counters,
    pub(crate) tally: Tally,
    pub(crate) stopping: bool,
    /// What the backlog of the log has room for.
    pub(crate) log_room: LogRoom,
    /// Changes when history was lost; said with every image of a book.
    pub(crate) epoch: u64,
    /// Memory that is used again for every record.
    pub(crate) touched: Vec<Touched>,
    pub(crate) moved: Vec<InstrumentId>,
    pub(crate) links: Vec<Link>,
    /// What the latest records said.
    pub(crate) ring: Ring,
    /// Listeners that are being told what they missed.
    pub(crate) resumes: VecDeque<Resume>,
    pub(crate) message: Vec<u8>,
    queued: Vec<ConnId>,
    pub(crate) turn: Turn,
    /// Connections that go on with the next turn, and those that have not yet in this one.
    pub(crate) goes_on: VecDeque<ConnId>,
    pub(crate) going_on: VecDeque<ConnId>,
    /// Connections whose transports are to be read again.
    pub(crate) read_again: Vec<ConnId>,
    /// Sessions whose orders are cancelled when they end.
    pub(crate) armed: Armed,
    /// What is to be written of those that ended.
    pub(crate) cancels_due: VecDeque<Due>,
    /// The sessions of workers that are gone: the first of each, and the first behind.
    pub(crate) gone: Vec<Range<u64>>,
    /// What is under way to a core in another process.
    pub(crate) flight: Flight,
    /// What compresses and inflates, where connections agreed to that.
    packing: packing::Packing,
    lingering: Vec<Lingering>,
    awaited: Vec<awaited::Awaited>,
    open: usize,
    /// The number of the latest session, the first that is not ours, and where those after that begin.
    pub(crate) sessions: u64,
    pub(crate) sessions_end: u64,
    pub(crate) sessions_then: Option<u64>,
}

impl Hub {
    /// A hub that accepts sockets and logons for the host names `hosts` (`*` for any), and no pages
    /// but its own: see [`Hub::allow_origins`].
    #[expect(clippy::too_many_lines, reason = "a line for each field, and nothing else")]
    pub fn new(hosts: Vec<String>, server: String, node: String, epoch: u64) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            batch: Batch::default(),
            instruments: InstrumentTable::default(),
            feeds: Vec::new(),
            fans: Fans::default(),
            instruments_fan: None,
            instruments_seq: Seq(0),
            time_us: 0,
            asked_us: 0,
            sweeps_on: false,
            private: PrivateFeeds::default(),
            key_use: KeyUse::default(),
            audit: Audit::default(),
            fills: Fills::default(),
            trials: Vec::new(),
            waiting: Vec::new(),
            history: HistoryDesk::default(),
            gathers: BTreeMap::new(),
            gathers_begun: 0,
            secrets: None,
            desk: Desk::default(),
            ended: Ended::default(),
            over: Vec::new(),
            some_expire: false,
            resumable: Vec::new(),
            hosts,
            origins: Vec::new(),
            rules: Rules::default(),
            quotas: Quotas::default(),
            ticks: 0,
            patrolled: 0,
            server,
            node,
            counters: Counters::default(),
            tally: Tally::default(),
            stopping: false,
            log_room: LogRoom::Free,
            epoch,
            touched: Vec::new(),
            moved: Vec::new(),
            links: Vec::new(),
            ring: Ring::default(),
            resumes: VecDeque::new(),
            message: Vec::new(),
            queued: Vec::new(),
            turn: Turn::default(),
            goes_on: VecDeque::new(),
            going_on: VecDeque::new(),
            read_again: Vec::new(),
            armed: Armed::default(),
            cancels_due: VecDeque::new(),
            gone: Vec::new(),
            flight: Flight::default(),
            packing: packing::Packing::default(),
            lingering: Vec::new(),
            awaited: Vec::new(),
            open: 0,
            sessions: 0,
            sessions_end: u64::MAX,
            sessions_then: None,
        }
    }

    /// Lets the pages of these origins (`https://desk.example`; `*` for any) open sockets.
    pub fn allow_origins(&mut self, origins: Vec<String>) {
        self.origins = origins;
    }

    /// Sets the rules of the door, before it opens.
    pub fn set_rules(&mut self, rules: Rules) {
        self.quotas.set_rates(rules.rates);
        self.rules = rules;
    }

    /// Keeps what the latest records said in so many bytes, so that clients can go on from a seq; without
    /// it, none can.
    pub fn keep_history(&mut self, bytes: usize) {
        self.ring = Ring::new(bytes);
    }

    /// Records whose messages are kept, and the bytes that they may take.
    pub fn history_used(&self) -> (usize, usize) {
        self.ring.used()
    }

    /// Checks the signatures of HMAC keys and people's passwords, and makes such keys, with these secrets.
    pub fn keep_secrets(&mut self, secrets: Box<dyn Secrets>) {
        self.desk.derive(secrets.as_ref());
        self.secrets = Some(secrets);
    }

    /// Numbers sessions apart from those of every earlier start of this node: an order's session
    /// stands in the log.
    pub fn number_sessions(&mut self, incarnation: u32) {
        self.sessions = u64::from(incarnation) << u32::BITS;
    }

    /// A connection was accepted; `nonce` is what its logon must sign.
    pub fn open(&mut self, nonce: [u8; 16]) -> ConnId {
        let id = self.insert(Stage::Head(HeadReader::new()), nonce);
        self.await_head(id);
        id
    }

    pub(crate) fn insert(&mut self, stage: Stage, nonce: [u8; 16]) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = ConnId { slot, session: self.next_session() };
        let mut conn = Conn::new(id, stage, nonce);
        (conn.opened, conn.heard) = (self.ticks, self.ticks);
        self.slots[slot as usize] = Some(conn);
        self.open += 1;
        self.counters.opened += 1;
        id
    }

    /// A connection is gone. What it asked for stays in the log; nobody waits for it any more. The batch
    /// may have the cancelling of its orders.
    pub fn close(&mut self, id: ConnId) {
        self.cancel_at_end(id);
        let Some(place) = self.slots.get_mut(id.slot as usize) else { return };
        let Some(conn) = place.take_if(|conn| conn.id == id) else { return };
        self.free.push(id.slot);
        self.open -= 1;
        for subscription in conn.subscriptions {
            self.drop_subscription(id, subscription);
        }
    }

    /// Connections and sessions there are.
    pub fn open_count(&self) -> usize {
        self.open
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The instruments and assets as the events made them.
    pub fn instruments(&self) -> &InstrumentTable {
        &self.instruments
    }

    /// The commands that came since the batch was last taken.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Takes the batch, leaving `spare` to be filled.
    pub fn take_batch(&mut self, mut spare: Batch) -> Batch {
        spare.clear();
        std::mem::replace(&mut self.batch, spare)
    }

    /// Says what the log's backlog has room for; what it has none for is answered `OVERLOADED`.
    pub fn set_log_room(&mut self, room: LogRoom) {
        self.log_room = room;
    }

    /// What it has room for.
    pub fn log_room(&self) -> LogRoom {
        self.log_room
    }

    /// Takes no more commands (`SHUTTING_DOWN`).
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether the hub takes no more commands.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn conn(&mut self, id: ConnId) -> Option<&mut Conn> {
        let place = self.slots.get_mut(id.slot as usize)?;
        place.as_mut().filter(|conn| conn.id == id)
    }

    /// How many places there are for connections.
    pub(crate) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The connection at a place.
    pub(crate) fn conn_at(&self, place: usize) -> Option<&Conn> {
        self.slots.get(place)?.as_ref()
    }

    /// Takes the memory of the connection at a place for what waits, if it has said nothing for a second.
    pub(crate) fn let_rest(&mut self, place: usize) {
        let ticks = self.ticks;
        let quiet = |conn: &&mut Conn| ticks.wrapping_sub(conn.heard) >= PUBLICATIONS_PER_S;
        if let Some(conn) = self.slots.get_mut(place).and_then(Option::as_mut).filter(quiet) {
            conn.held.rest();
        }
    }

    /// Says where a connection comes from, before anything is read of it.
    pub fn set_address(&mut self, id: ConnId, address: IpAddr) {
        if let Some(conn) = self.conn(id) {
            (conn.peer, conn.address) = (Some(address), Some(address));
        }
    }

    /// All connections, by slot.
    pub(crate) fn conns(&self) -> impl Iterator<Item = &Conn> {
        self.slots.iter().flatten()
    }

    /// Their ids.
    pub(crate) fn conn_ids(&self) -> Vec<ConnId> {
        self.conns().map(|conn| conn.id).collect()
    }

    /// The transport wants no more bytes for now, or wants them again.
    pub fn set_paused(&mut self, id: ConnId, paused: bool) {
        let ticks = self.ticks;
        if let Some(conn) = self.conn(id) {
            if conn.paused && !paused {
                // The peer took what filled the transport: it is there, though a ping may be far behind.
                (conn.heard, conn.pinged) = (ticks, None);
            }
            conn.paused = paused;
        }
    }

    /// Writes one message made at `seq`; it leaves when the log is durable up to there.
    pub(crate) fn write(&mut self, id: ConnId, seq: Seq, body: impl FnOnce(&mut Vec<u8>)) {
        self.write_departing(id, seq, None, body);
    }

    /// The same for a reply with a `t_out`.
    pub(crate) fn write_departing(
        &mut self,
        id: ConnId,
        seq: Seq,
        departure: Option<Departure>,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some(conn) = self.conn(id) else { return };
        if conn.closing {
            return;
        }
        if conn.held.len() >= HELD_BYTES_MAX && !matches!(conn.stage, Stage::Local) {
            self.cut_off(id, seq);
            return;
        }
        if conn.packs.is_some() {
            let mut text = Vec::new();
            body(&mut text);
            self.write_packed(id, seq, departure, &text);
            return;
        }
        conn.write(seq.0, body);
        if let Some(departure) = departure {
            conn.held.departs(departure);
        }
        let waits = matches!(conn.stage, Stage::Head(_));
        let is_behind = !conn.behind.is_empty();
        self.enqueue(id);
        if waits {
            self.await_head(id);
            self.resumable.extend(is_behind.then_some(id));
        }
    }

    /// Ends a session that takes less than it asks for. What it is not told, the log still holds.
    ///
    /// A session inside the process is never cut off: it takes all that is durable at once, and
    /// what it can ask for is bounded by the batch and the log's backlog.
    pub(crate) fn cut_off(&mut self, id: ConnId, seq: Seq) {
        self.counters.slow_closed += 1;
        if let Some(conn) = self.conn(id).filter(|conn| conn.paused) {
            // Whole messages wait here, so leaving them out cuts none in two.
            conn.held.clear();
        }
        self.fail(id, seq, CloseCode::TryAgainLater, "the session reads too slowly");
    }

    pub(crate) fn enqueue(&mut self, id: ConnId) {
        let Some(conn) = self.conn(id) else { return };
        if !conn.queued {
            conn.queued = true;
            self.queued.push(id);
        }
    }

    /// Whether something waits to leave, to be ended, or to be read again.
    pub fn has_held(&self) -> bool {
        !self.queued.is_empty()
            || !self.goes_on.is_empty()
            || !self.read_again.is_empty()
            || self.fans.active_count() > 0
            || !self.resumes.is_empty()
            || self.has_trials()
            || !self.over.is_empty()
            || self.waiting.iter().any(WaitingRead::is_overdue)
            || self.lingering.iter().any(is_overdue)
    }

    /// Ends a WebSocket with a close frame, behind what it was told before.
    pub(crate) fn fail(&mut self, id: ConnId, seq: Seq, code: CloseCode, reason: &str) {
        let Some(conn) = self.conn(id) else { return };
        if conn.closing {
            return;
        }
        conn.closing = true;
        if matches!(conn.stage, Stage::Native | Stage::Plain | Stage::Echo) {
            write_close_frame(conn.held.buffer(), code, reason);
        }
        conn.held.mark(seq.0);
        self.enqueue(id);
    }

    /// Lets out what the log is durable for, replies and private messages first, then a slice of the
    /// public streams. `now_us` is the `t_out` of replies.
    pub fn release(
        &mut self,
        durable: Seq,
        now_us: i64,
        view: &impl CoreView,
        sink: &mut impl Sink,
    ) {
        self.close_over();
        self.answer_waiting(view);
        self.let_out(durable, now_us, sink);
        self.sweep(durable, now_us, view, sink);
        self.go_on_resuming(view);
    }

    fn let_out(&mut self, durable: Seq, now_us: i64, sink: &mut impl Sink) {
        let mut queued = std::mem::take(&mut self.queued);
        let mut replied = std::mem::take(&mut self.tally.replied);
        queued.retain(|id| {
            let Some(conn) = self.conn(*id) else { return false };
            if conn.paused && !conn.closing {
                // The transport has as much as it may keep; the rest waits here, where it is bounded.
                return true;
            }
            conn.held.release(durable.0, now_us, &mut replied, |bytes| sink.send(*id, bytes));
            let (is_empty, closing) = (conn.held.is_empty(), conn.closing);
            conn.queued = !is_empty;
            self.note_room(*id);
            if is_empty && closing {
                sink.close(*id);
                self.lingering.push(Lingering { conn: *id, publications: 0 });
            }
            !is_empty
        });
        // Nothing is enqueued while the list is out: `sink` cannot reach the hub.
        (self.queued, self.tally.replied) = (queued, replied);
        self.end_overdue(sink);
        self.read_again(sink);
    }

    /// Ends connections whose peers have not taken the end of what they were sent for long.
    fn end_overdue(&mut self, sink: &mut impl Sink) {
        let mut lingering = std::mem::take(&mut self.lingering);
        lingering.retain(|one| {
            let waits = self.conn(one.conn).is_some();
            if waits && is_overdue(one) {
                sink.abort(one.conn);
            }
            waits && !is_overdue(one)
        });
        self.lingering = lingering;
    }

    /// Counts one publication of the feeds: the only measure of time that the hub has.
    pub(crate) fn age(&mut self) {
        self.enter_cancels();
        for one in &mut self.lingering {
            one.publications += 1;
        }
        self.age_waiting();
        self.ask_again();
        self.patrol();
        self.age_heads();
    }

    /// Takes what a connection sent. `now_us` is the time of the read.
    pub fn receive(
        &mut self,
        id: ConnId,
        read: &mut [u8],
        now_us: i64,
        view: &impl CoreView,
    ) -> Received {
        self.close_over();
        let mut received = Received::default();
        let ticks = self.ticks;
        let Some(conn) = self.conn(id) else { return received };
        if conn.closing {
            return received;
        }
        (conn.heard, conn.pinged) = (ticks, None);
        match &mut conn.stage {
            Stage::Head(_) => self.receive_head(id, read, now_us, view, &mut received),
            Stage::Native | Stage::Plain | Stage::Echo => {
                self.receive_frames(id, read, now_us, view, &mut received);
            }
            Stage::Local => self.request(id, read, now_us, view),
            Stage::Body { .. } => self.receive_body(id, read, now_us, view, &mut received),
            Stage::Call { .. } => self.keep_behind(id, read, view),
            Stage::Handed => {}
        }
        self.settle(id);
        received
    }

    fn receive_head(
        &mut self,
        id: ConnId,
        read: &[u8],
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        let Some(conn) = self.conn(id) else { return };
        let Stage::Head(mut reader) = std::mem::replace(&mut conn.stage, Stage::Handed) else {
            return;
        };
        match reader.feed(read) {
            ReadStep::NeedMore => conn.stage = Stage::Head(reader),
            ReadStep::Fault(fault) => {
                self.answer_http(id, &fault.response());
            }
            ReadStep::Arrived(arrived) => {
                if let Some(response) = self.turn_away(id, &arrived.head, now_us) {
                    self.answer_http(id, &response);
                    return;
                }
                if let Route::Private(found) = arrived.head.route() {
                    self.begin_call(id, found, &arrived, now_us, view, received);
                    return;
                }
                let native = arrived.head.path == "/v1/ws";
                let plain = arrived.head.path == "/ws";
                let echo = self.rules.echo && arrived.head.path == "/v1/echo";
                if arrived.head.route() != Route::WebSocket || !(native || plain || echo) {
                    if self.conn(id).is_some_and(|conn| !conn.held.is_empty()) {
                        // An answer of ours is still on its way: nobody else may write before it.
                        self.misplaced(id, view);
                        return;
                    }
                    received.hand_over = Some(arrived.bytes.to_vec());
                    return;
                }
                let may_pack = self.rules.deflate && !plain;
                let offer = if may_pack { arrived.head.deflate } else { Offer::None };
                let answer = upgrade::accept(&arrived.head, None, offer).and_then(|answer| {
                    site::admit(&arrived.head, &self.hosts, &self.origins).map(|()| answer)
                });
                let answer = match answer {
                    Err(fault) => return self.answer_http(id, &fault.response()),
                    Ok(answer) => answer,
                };
                let stage = match (native, echo) {
                    (true, _) => Stage::Native,
                    (_, true) => Stage::Echo,
                    _ => Stage::Plain,
                };
                self.begin_socket(id, stage, &arrived.head, offer);
                if let Some(conn) = self.conn(id) {
                    conn.held.buffer().extend_from_slice(&answer);
                    conn.held.mark(0);
                }
                let mut rest = arrived.rest().to_vec();
                self.enqueue(id);
                received.plain_opened = plain;
                if native {
                    self.hello(id, now_us, view);
                }
                if !rest.is_empty() {
                    self.receive_frames(id, &mut rest, now_us, view, received);
                }
            }
        }
    }

    /// A connection goes on as a WebSocket, with compressed messages where an offer of them is taken.
    fn begin_socket(&mut self, id: ConnId, stage: Stage, head: &Head<'_>, offer: Offer) {
        let Some(conn) = self.conn(id) else { return };
        conn.host = head.host.unwrap_or_default().to_string();
        let is_echo = matches!(stage, Stage::Echo);
        let limit = if is_echo { ECHO_BYTES_MAX } else { MESSAGE_BYTES_MAX };
        conn.stage = stage;
        conn.reader = FrameReader::with_messages_of(Role::Server, limit);
        if let Offer::Taken(agreed) = offer {
            conn.reader.inflate();
            conn.packs = Some(agreed.window);
            self.packing.note_agreed();
        }
    }

    /// The answer to a request that is too long, or one too many of its address.
    fn turn_away(&mut self, id: ConnId, head: &Head<'_>, now_us: i64) -> Option<Vec<u8>> {
        if matches!(head.body, Body::Length(bytes) if bytes > BODY_BYTES_MAX) {
            return Some(HttpFault::BodyTooLarge.response());
        }
        // A proxy's connection carries the requests of many.
        let peer = self.conn(id)?.peer?;
        let address = Some(origin_of(peer, head.forwarded_for, &self.rules.proxies));
        if let Some(conn) = self.conn(id) {
            conn.address = address;
        }
        let exceeded = self.quotas.take(&Asker { identity: None, address }, 1, false, now_us);
        exceeded.err().map(|exceeded| {
            self.counters.limited += 1;
            let retry_s = exceeded.wait_us.div_euclid(1_000_000) + 1;
            let fault = HttpFault::RateLimited;
            let headers =
                format!("Retry-After: {retry_s}\r\nX-RateLimit-Limit: {}\r\n", exceeded.per_s);
            error_response(fault.status(), fault.code(), &fault.to_string(), &headers)
        })
    }

    /// Answers a request that is refused at the door, and closes.
    pub(crate) fn answer_http(&mut self, id: ConnId, response: &[u8]) {
        if let Some(conn) = self.conn(id) {
            conn.held.buffer().extend_from_slice(response);
            conn.held.mark(0);
            conn.closing = true;
        }
        self.enqueue(id);
    }

    /// Sends one text on a plain WebSocket, once all that was applied is durable.
    pub fn send_plain(&mut self, id: ConnId, seq: Seq, text: &[u8]) {
        self.write(id, seq, |out| out.extend_from_slice(text));
    }
}

fn is_overdue(one: &Lingering) -> bool {
    one.publications >= LINGER_PUBLICATIONS_MAX
}
