//! Sessions inside a replica, for whoever hands on what its feeds tell.
//!
//! What a replica has applied is durable, so all that its feeds say may leave at once.

use crate::engine_view::EngineView;
use crate::replica::Replica;
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::book_feed::Levels;
use coulisse_gateway::conn::LOCAL_PREFIX_BYTES;
use coulisse_gateway::hub::Sink;
use coulisse_gateway::market::read_levels;
use coulisse_types::{AccountId, Seq};
use coulisse_wire::Symbols as _;
use coulisse_wire::native::rest;
use std::collections::BTreeMap;

/// What a session was told: the session, the channel (of candles with the interval behind a colon), and
/// messages with line feeds between.
pub(crate) type Told = (usize, String, Vec<u8>);

/// Where sessions' messages go.
#[derive(Default)]
pub(crate) struct Listening {
    sessions: Vec<ConnId>,
    mail: Vec<(ConnId, Vec<u8>)>,
}

impl Sink for Listening {
    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.mail.push((conn, bytes.to_vec()));
    }

    // A session inside the process has no transport that could be closed or wait.
    fn close(&mut self, _: ConnId) {}
    fn abort(&mut self, _: ConnId) {}
    fn read(&mut self, _: ConnId) {}
}

impl Replica {
    /// Opens a session for an account, or for nobody in particular without a name; `None` where there is
    /// no account of that name.
    pub(crate) fn listen(&mut self, account: &str) -> Option<usize> {
        let (engine, hub, listening) = self.listening();
        let account = match account {
            "" => AccountId(0),
            name => engine.account_by_name(name.as_bytes())?.id,
        };
        listening.sessions.push(hub.open_local(account));
        Some(listening.sessions.len() - 1)
    }

    /// Gives a session a request; what is answered is not an event of a channel, and is told as `reply`.
    pub(crate) fn ask(&mut self, session: usize, text: &[u8]) {
        let now_us = crate::clock::wall_us();
        let (engine, hub, listening) = self.listening();
        if let Some(id) = listening.sessions.get(session) {
            hub.receive(*id, &mut text.to_vec(), now_us, &EngineView(engine));
        }
    }

    /// Closes all sessions.
    pub(crate) fn deafen(&mut self) {
        let (_, hub, listening) = self.listening();
        listening.mail.clear();
        for id in listening.sessions.drain(..) {
            hub.close(id);
        }
    }

    /// All that the sessions were told since the last time, the feeds that conflate as they are now.
    pub(crate) fn hear(&mut self) -> Vec<Told> {
        let now_us = crate::clock::wall_us();
        let (engine, hub, listening) = self.listening();
        let (view, seq) = (EngineView(engine), engine.last_seq());
        hub.publish(&view);
        loop {
            let before = listening.mail.len();
            hub.release(seq, now_us, &view, listening);
            // A sweep ends after so many sends; what it has left comes with the next.
            if listening.mail.len() == before && !hub.sweeps_on() {
                break;
            }
        }
        let mut told: BTreeMap<(usize, String), Vec<u8>> = BTreeMap::new();
        let places: BTreeMap<_, _> =
            listening.sessions.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        for (conn, bytes) in listening.mail.drain(..) {
            let Some(session) = places.get(&conn) else { continue };
            for message in messages(&bytes) {
                let lines = told.entry((*session, channel_of(message))).or_default();
                if !lines.is_empty() {
                    lines.push(b'\n');
                }
                lines.extend_from_slice(message);
            }
        }
        told.into_iter().map(|((session, channel), lines)| (session, channel, lines)).collect()
    }

    /// The names of some accounts, by id, without the first ones.
    pub(crate) fn account_names(&self, skip: usize, count: usize) -> Vec<String> {
        let accounts = self.engine().accounts().skip(skip).take(count);
        accounts.map(|account| account.name.as_str().to_string()).collect()
    }

    /// The symbols of instruments, by id, without the first ones.
    pub(crate) fn symbols(&mut self, skip: usize) -> Vec<String> {
        let (_, hub, _) = self.listening();
        let infos = hub.instruments().instruments().iter().skip(skip);
        infos.map(|info| info.symbol.as_str().to_string()).collect()
    }

    /// The body of `GET /v1/instruments`.
    pub(crate) fn instruments_json(&mut self) -> Vec<u8> {
        let (engine, hub, _) = self.listening();
        let mut out = Vec::new();
        rest::write_instruments(&mut out, engine.last_seq().0, hub.instruments());
        out
    }

    /// The body of `GET /v1/book/{symbol}`.
    pub(crate) fn book_json(&mut self, symbol: &str, depth: usize) -> Option<Vec<u8>> {
        let epoch = u64::from(self.epoch());
        let (engine, hub, _) = self.listening();
        let info = hub.instruments().find(symbol.as_bytes())?;
        let (mut levels, mut out) = (Levels::default(), Vec::new());
        read_levels(&EngineView(engine), info.id, depth, &mut levels);
        let Seq(seq) = engine.last_seq();
        rest::write_book(&mut out, info, epoch, seq, &levels.bids, &levels.asks);
        Some(out)
    }
}

/// Messages that stand behind their lengths.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<LOCAL_PREFIX_BYTES>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else { break };
        found.push(message);
        bytes = rest;
    }
    found
}

/// The text behind `"key":"`, up to its end.
fn text_of<'m>(message: &'m [u8], key: &[u8]) -> Option<&'m str> {
    let at = message.windows(key.len()).position(|window| window == key)?;
    let rest = &message[at + key.len()..];
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// The channel of a message: it stands first; of candles with the interval.
fn channel_of(message: &[u8]) -> String {
    let head = &message[..message.len().min(160)];
    let Some(channel) = head.strip_prefix(b"{\"ch\":\"").and_then(|_| text_of(head, b"\"ch\":\""))
    else {
        return "reply".to_string();
    };
    match text_of(head, b"\"interval\":\"") {
        Some(interval) if channel == "candles" => format!("candles:{interval}"),
        _ => channel.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_of_the_channel_that_it_begins_with() {
        let candles =
            br#"{"ch":"candles","symbol":"BTC-USD","type":"image","interval":"1m","seq":1}"#;
        assert_eq!(channel_of(candles), "candles:1m");
        assert_eq!(channel_of(br#"{"ch":"book","symbol":"BTC-USD"}"#), "book");
        assert_eq!(channel_of(br#"{"id":1,"ok":true,"result":{"ch":"book"}}"#), "reply");
    }
}
