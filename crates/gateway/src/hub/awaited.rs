//! Connections whose next request has not come, or not whole: how long they may take.

use super::Hub;
use crate::batch::ConnId;
use crate::conn::{Conn, Stage};
use crate::http::HttpFault;
use crate::limits::{HEAD_PUBLICATIONS_MAX, IDLE_PUBLICATIONS_MAX};

/// A connection whose request head has not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    conn: ConnId,
    publications: u32,
    /// The head has begun; `publications` counts from there.
    begun: bool,
    /// How many REST requests were answered before it.
    calls: u32,
}

impl Hub {
    /// The next request on a connection may take only so long.
    pub(super) fn await_head(&mut self, id: ConnId) {
        let Some(conn) = self.conn(id) else { return };
        if !std::mem::replace(&mut conn.awaited, true) {
            let calls = conn.calls;
            self.awaited.push(Awaited { conn: id, publications: 0, begun: false, calls });
        }
    }

    /// Counts one publication of the feeds for each of them.
    pub(super) fn age_heads(&mut self) {
        let mut awaited = std::mem::take(&mut self.awaited);
        awaited.retain_mut(|one| {
            let stays = self.is_awaited(one);
            if let Some(conn) = self.conn(one.conn).filter(|_| !stays) {
                conn.awaited = false;
            }
            stays
        });
        self.awaited = awaited;
    }

    /// Whether a head may still come; ends the connection where it has taken too long.
    fn is_awaited(&mut self, one: &mut Awaited) -> bool {
        let is_answered_late = |conn: &Conn| !conn.held.is_empty() && !conn.paused;
        if self.conn(one.conn).is_some_and(|conn| !conn.closing && is_answered_late(conn)) {
            // An answer waits for the log: its peer cannot be expected to ask again.
            (one.begun, one.publications) = (false, 0);
            return true;
        }
        let kept_bytes = match self.conn(one.conn) {
            Some(Conn { stage: Stage::Head(reader), closing: false, .. }) => reader.kept_bytes(),
            Some(Conn { stage: Stage::Body { bytes, .. }, closing: false, .. }) => bytes.len(),
            _ => return false,
        };
        let calls = self.conn(one.conn).map_or(0, |conn| conn.calls);
        if one.calls != calls {
            // Another request was answered meanwhile: the time of the next begins anew.
            (one.calls, one.begun, one.publications) = (calls, false, 0);
        }
        one.publications += 1;
        if kept_bytes > 0 && !one.begun {
            (one.begun, one.publications) = (true, 0);
        }
        match one.begun {
            true if one.publications >= HEAD_PUBLICATIONS_MAX => {
                self.answer_http(one.conn, &HttpFault::HeadTooSlow.response());
                false
            }
            false if one.publications >= IDLE_PUBLICATIONS_MAX => {
                self.answer_http(one.conn, &[]);
                false
            }
            _ => true,
        }
    }
}
