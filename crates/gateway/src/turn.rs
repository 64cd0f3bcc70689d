//! What one turn of the loop takes of each connection, and when a connection is read again.
//!
//! A connection *waits* while it has enough: its peer has not been told yet what it asked for before,
//! because the log is behind or because the peer does not read, or it has had its share of the turn.
//! Nothing is read of it then, the kernel's buffers fill, and its peer waits as well: what is not read
//! costs nothing. It goes on once there is room, or with the next turn.
//!
//! Turns that are full make the share of each connection smaller, until what all send fits one turn.
//! Where that goes on, orders beyond the share are refused (`OVERLOADED`) before anything of them is
//! looked up: one for each [`TURN_REFUSALS_PART`] that are taken, since a refusal is not free either.
//!
//! Invariants
//! - A connection that waits for its turn is in `goes_on`; one that waits for room has something held,
//!   and is moved there as that leaves. So none is forgotten.
//! - What a connection can make the node keep of what it sent is one read and one unfinished frame.
//! - Nobody's way out is refused for a share.

use crate::batch::ConnId;
use crate::conn::{Conn, Reading, Stage};
use crate::frame::Flow;
use crate::hub::{Hub, LogRoom, Sink};
use crate::limits::{
    BEHIND_STOP_BYTES, HELD_GO_BYTES, HELD_STOP_BYTES, TURN_MESSAGES, TURN_REFUSALS_PART,
    TURN_SHARE_MAX, TURN_SHARE_MIN, TURNS_FULL,
};
use crate::view::CoreView;

/// The turn under way, and what the last ones came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    number: u32,
    /// Messages that all connections brought so far.
    messages: u32,
    /// Messages that it takes of one connection.
    share: u32,
    /// How many turns in a row were full.
    full: u32,
}

impl Default for Turn {
    fn default() -> Self {
        Self { number: 0, messages: 0, share: TURN_SHARE_MAX, full: 0 }
    }
}

impl Turn {
    /// The next turn: takes of each connection as much more or less as this one had room.
    fn next(self) -> Self {
        let messages = self.messages.max(1);
        let is_full = messages >= TURN_MESSAGES - TURN_MESSAGES / 4;
        let fitting = u64::from(self.share) * u64::from(TURN_MESSAGES) / u64::from(messages);
        // A turn that was short by chance opens no door at once.
        let most = TURN_SHARE_MAX.min(self.share + self.share / 4 + 1);
        let share = u32::try_from(fitting).unwrap_or(most).clamp(TURN_SHARE_MIN, most);
        let full = if is_full { self.full.saturating_add(1) } else { 0 };
        Self { number: self.number.wrapping_add(1), messages: 0, share, full }
    }

    /// Whether turns have been full for long: what exceeds a share is refused.
    const fn is_pressed(self) -> bool {
        self.full >= TURNS_FULL
    }

    /// Messages of one connection that are looked at, those that may be refused included.
    const fn limit(self) -> u32 {
        if self.is_pressed() {
            self.share + self.share.div_ceil(TURN_REFUSALS_PART)
        } else {
            self.share
        }
    }
}

impl Conn {
    /// Messages that this turn has taken of it.
    const fn taken_in(&self, turn: u32) -> u32 {
        if self.turn == turn { self.taken } else { 0 }
    }
}

impl Hub {
    /// Counts a message of a connection; says whether the next one of the same read is taken now.
    pub(crate) fn count_message(&mut self, id: ConnId) -> Flow {
        self.turn.messages = self.turn.messages.saturating_add(1);
        let (turn, is_full) = (self.turn, self.batch.is_full());
        let Some(conn) = self.conn(id).filter(|conn| !conn.closing) else { return Flow::Stop };
        (conn.taken, conn.turn) = (conn.taken_in(turn.number) + 1, turn.number);
        // Plain texts are Python's, which bounds them: nothing of them may stay here.
        let may_wait = !matches!(conn.stage, Stage::Plain);
        let has_enough = is_full || conn.taken >= turn.limit() || is_told_late(conn);
        if may_wait && has_enough { Flow::Stop } else { Flow::Continue }
    }

    /// Counts what reading a connection's messages took, beside looking at them.
    pub(crate) fn count_work(&mut self, id: ConnId, messages: u32) {
        self.turn.messages = self.turn.messages.saturating_add(messages);
        let number = self.turn.number;
        if let Some(conn) = self.conn(id) {
            (conn.taken, conn.turn) = (conn.taken_in(number).saturating_add(messages), number);
        }
    }

    /// Whether an order of a session would be refused now, whatever it is.
    pub(crate) fn takes_no_order(&mut self, id: ConnId) -> bool {
        self.log_room != LogRoom::Free || self.is_beyond_share(id)
    }

    /// Whether an order of this connection is one too many.
    fn is_beyond_share(&mut self, id: ConnId) -> bool {
        let turn = self.turn;
        turn.is_pressed()
            && self.conn(id).is_some_and(|conn| conn.taken_in(turn.number) >= turn.share)
    }

    /// Lets a connection wait that has enough.
    pub(crate) fn settle(&mut self, id: ConnId) {
        let turn = self.turn;
        let Some(conn) = self.conn(id) else { return };
        let is_over = conn.closing || matches!(conn.stage, Stage::Local | Stage::Handed);
        if is_over || conn.reading != Reading::On {
            return;
        }
        if is_told_late(conn) {
            conn.reading = Reading::WaitsForRoom;
        } else if conn.reader.is_stopped()
            || conn.behind.len() >= BEHIND_STOP_BYTES
            || conn.taken_in(turn.number) >= turn.limit()
        {
            conn.reading = Reading::WaitsForTurn;
            self.goes_on.push_back(id);
        }
    }

    /// Something that was held for a connection has left: it may go on.
    pub(crate) fn note_room(&mut self, id: ConnId) {
        let Some(conn) = self.conn(id) else { return };
        if conn.reading == Reading::WaitsForRoom && conn.held.len() <= HELD_GO_BYTES {
            conn.reading = Reading::WaitsForTurn;
            self.goes_on.push_back(id);
        }
    }

    /// Whether a connection waits: then its transport is not read.
    pub fn waits(&self, id: ConnId) -> bool {
        let conn = self.conn_at(id.slot as usize).filter(|conn| conn.id == id);
        conn.is_some_and(|conn| conn.reading != Reading::On)
    }

    /// Whether some that wait go on with the next turn: then the loop should come again soon.
    pub fn some_go_on(&self) -> bool {
        !self.goes_on.is_empty() || !self.going_on.is_empty()
    }

    /// Ends a turn. Those that wait for the next one go on with it: see [`Hub::let_go_on`].
    pub fn end_turn(&mut self) {
        self.turn = self.turn.next();
        self.going_on.append(&mut self.goes_on);
    }

    /// Takes what was kept of those that waited for this turn, and has them read again that have nothing
    /// more. Gives `true` where the batch is full before all have had their share: take it, and go on.
    pub fn let_go_on(&mut self, now_us: i64, view: &impl CoreView) -> bool {
        self.close_over();
        while let Some(id) = self.going_on.pop_front() {
            self.go_on_with(id, now_us, view);
            if self.batch.is_full() && !self.going_on.is_empty() {
                return true;
            }
        }
        false
    }

    fn go_on_with(&mut self, id: ConnId, now_us: i64, view: &impl CoreView) {
        let ticks = self.ticks;
        let may = |conn: &&mut Conn| conn.reading != Reading::On && !conn.closing;
        let Some(conn) = self.conn(id).filter(may) else { return };
        conn.reading = Reading::On;
        // What it said meanwhile was not read.
        (conn.heard, conn.pinged) = (ticks, None);
        if conn.reader.is_stopped() {
            self.resume_frames(id, now_us, view);
        }
        self.settle(id);
        if !self.waits(id) {
            self.read_again.push(id);
        }
    }

    /// Has those read again that have nothing more to wait for.
    pub(crate) fn read_again(&mut self, sink: &mut impl Sink) {
        for id in std::mem::take(&mut self.read_again) {
            if self.conn(id).is_some() && !self.waits(id) {
                sink.read(id);
            }
        }
    }
}

/// Whether so much waits to leave on a connection that nothing more is read of it.
fn is_told_late(conn: &Conn) -> bool {
    conn.held.len() >= HELD_STOP_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(turns: u32, share: u32, connections: u32, mut turn: Turn) -> Turn {
        for _ in 0..turns {
            turn.messages = connections * share.min(turn.share);
            turn = turn.next();
        }
        turn
    }

    #[test]
    fn a_share_shrinks_until_what_all_send_fits_a_turn_and_grows_again() {
        let pressed = after(8, u32::MAX, 100, Turn::default());
        assert_eq!(pressed.share, TURN_MESSAGES / 100);
        assert!(pressed.is_pressed());
        // Half of them fall silent: the others get what those left.
        let uneven = after(12, u32::MAX, 50, pressed);
        assert_eq!(uneven.share, TURN_MESSAGES / 50);
        let calm = after(30, 1, 100, pressed);
        assert_eq!((calm.share, calm.full), (TURN_SHARE_MAX, 0));
    }

    #[test]
    fn a_full_turn_or_two_refuse_nothing() {
        let turn = after(TURNS_FULL - 1, u32::MAX, 1_000, Turn::default());
        assert!(!turn.is_pressed() && turn.limit() == turn.share);
        let turn = after(1, u32::MAX, 1_000, turn);
        assert!(turn.is_pressed() && turn.limit() > turn.share);
        assert!(!after(1, 1, 1_000, turn).is_pressed());
    }

    #[test]
    fn however_many_send_each_has_a_share() {
        let turn = after(20, u32::MAX, 60_000, Turn::default());
        assert_eq!((turn.share, turn.limit()), (TURN_SHARE_MIN, TURN_SHARE_MIN + 1));
    }
}
