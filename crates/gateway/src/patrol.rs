//! Who is still there: pings with a deadline, and an end for those who never say who they are.
//!
//! A peer whose machine has gone sends nothing, not even that it has gone: without a question it
//! would be kept for ever. And a stranger who opens a socket and asks for nothing keeps a place that
//! others want.
//!
//! Whoever reads slowly is no such peer: its transport takes bytes again from time to time, and that
//! counts as a word of it. A ping of ours waits behind all that it was sent before. A connection that
//! waits (see `turn`) cannot be heard: it is ended only where it takes nothing of what it is told.
//!
//! Time is counted in publications of the feeds, as everywhere in the hub. One publication looks at a part
//! of the connections, so that twenty thousand of them cost no turn of the loop much.

use crate::batch::ConnId;
use crate::conn::{Conn, Reading, Stage};
use crate::frame::{CloseCode, FrameHead, Opcode, write_frame};
use crate::hub::Hub;
use crate::limits::{
    PATROL_PUBLICATIONS, PING_PUBLICATIONS, PONG_PUBLICATIONS, PUBLICATIONS_PER_S,
    SLOW_PUBLICATIONS,
};
use crate::tally::Seen;
use coulisse_types::Seq;

/// What is due of one connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Ping,
    EndSilent,
    EndStranger,
    EndSlow,
}

impl Hub {
    /// Looks at a part of the connections; all have been looked at after
    /// [`PATROL_PUBLICATIONS`].
    pub(crate) fn patrol(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        let count = self.slot_count();
        let part = count.div_ceil(PATROL_PUBLICATIONS);
        for _ in 0..part {
            self.patrolled = if self.patrolled + 1 < count { self.patrolled + 1 } else { 0 };
            self.look_at(self.patrolled);
            let (ticks, logon) = (self.ticks, self.rules.logon_s * PUBLICATIONS_PER_S);
            let due = self
                .conn_at(self.patrolled)
                .and_then(|conn| due_of(conn, ticks, logon).map(|due| (conn.id, due)));
            if let Some((id, due)) = due {
                self.act(id, due);
            }
            self.let_rest(self.patrolled);
        }
    }

    /// Notes how the connection at a place is; the first place begins a round.
    fn look_at(&mut self, place: usize) {
        if place == 0 {
            self.tally.begin_round();
        }
        if let Some(one) = self.conn_at(place).map(Seen::of) {
            self.tally.see(one);
        }
    }

    fn act(&mut self, id: ConnId, due: Due) {
        match due {
            Due::Ping => {
                let ticks = self.ticks;
                if let Some(conn) = self.conn(id) {
                    conn.pinged = Some(ticks);
                    write_frame(conn.held.buffer(), FrameHead::whole(Opcode::Ping), b"");
                    conn.held.mark(0);
                }
                self.enqueue(id);
            }
            Due::EndSilent => {
                self.counters.silent_closed += 1;
                self.fail(id, Seq(0), CloseCode::PolicyViolation, "a ping was not answered");
            }
            Due::EndSlow => self.cut_off(id, Seq(0)),
            Due::EndStranger => {
                self.counters.strangers_closed += 1;
                let reason = "neither logon nor subscription in time";
                self.fail(id, Seq(0), CloseCode::PolicyViolation, reason);
            }
        }
    }
}

fn due_of(conn: &Conn, ticks: u32, logon_publications: u32) -> Option<Due> {
    if !conn.closing && conn.reading != Reading::On {
        // What it says is not read, so its silence is none. It waits for the log, which is not its
        // doing, or it takes nothing of what it is told.
        let is_slow = conn.paused && ticks.wrapping_sub(conn.heard) >= SLOW_PUBLICATIONS;
        return is_slow.then_some(Due::EndSlow);
    }
    let is_native = matches!(conn.stage, Stage::Native);
    if conn.closing || !(is_native || matches!(conn.stage, Stage::Plain)) {
        return None;
    }
    let asks_nothing = conn.identity.is_none() && conn.subscriptions.is_empty();
    let open = ticks.wrapping_sub(conn.opened);
    if is_native && asks_nothing && logon_publications > 0 && open >= logon_publications {
        return Some(Due::EndStranger);
    }
    match conn.pinged {
        Some(at) => (ticks.wrapping_sub(at) >= PONG_PUBLICATIONS).then_some(Due::EndSilent),
        None => (ticks.wrapping_sub(conn.heard) >= PING_PUBLICATIONS).then_some(Due::Ping),
    }
}
