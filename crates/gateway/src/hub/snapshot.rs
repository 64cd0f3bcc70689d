//! What the hub knows from the log alone, written down: without it a client would notice that a node
//! started from a snapshot and did not replay everything.
//!
//! Kept are the instruments and groups, each instrument's latest trades and candles, the latest fills, the
//! time of the last record, the seqs that its status and each private channel are at, who is in which
//! group, which sessions of people were ended, and whose orders go with their sessions. Connections,
//! subscriptions and counters are of one life of the process and start anew, as they do on replay.
//!
//! Invariants
//! - Reading and then delivering the tail gives the hub that delivering everything gives, as far as any
//!   client can tell; and it writes the same bytes.
//! - Bytes that are none of ours are refused; no count is believed before there are bytes for it.
//!
//! A field that is added to the hub or to a feed has to be named here or in the feed's `snapshot`
//! module: they are taken apart without `..`.

use super::Hub;
use crate::public_feed::InstrumentFeeds;
use coulisse_types::codec::{Field, Reader};
use coulisse_types::event::{AssetCreated, GroupCreated, InstrumentCreated};
use coulisse_types::{Event, limits};
use coulisse_wire::record::{decode_events, encode_events};

/// The version written and read.
const VERSION: u16 = 4;

/// Why bytes are no feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedsFault {
    /// What is wrong.
    pub reason: &'static str,
}

impl std::fmt::Display for FeedsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "feeds: {}", self.reason)
    }
}

impl std::error::Error for FeedsFault {}

/// The next field.
pub(crate) fn get<T: Field>(reader: &mut Reader<'_>) -> Result<T, FeedsFault> {
    T::decode(reader).ok_or(FeedsFault { reason: "a field that ends early or means nothing" })
}

impl Hub {
    /// Appends what the hub knows from the log.
    ///
    /// Cost: one step per kept trade and per account that ever had a private message.
    #[expect(clippy::too_many_lines, reason = "a line for each field, so that none is forgotten")]
    pub fn write_feeds(&self, out: &mut Vec<u8>) {
        let Self {
            instruments,
            feeds,
            private,
            instruments_seq,
            time_us,
            key_use,
            fills,
            ended,
            armed,
            // Of this life of the process.
            slots: _,
            free: _,
            batch: _,
            fans: _,
            instruments_fan: _,
            moved: _,
            links: _,
            ring: _,
            resumes: _,
            sweeps_on: _,
            asked_us: _,
            counters: _,
            audit: _,
            stopping: _,
            log_room: _,
            turn: _,
            goes_on: _,
            going_on: _,
            read_again: _,
            queued: _,
            cancels_due: _,
            gone: _,
            flight: _,
            lingering: _,
            awaited: _,
            open: _,
            sessions: _,
            sessions_end: _,
            sessions_then: _,
            resumable: _,
            some_expire: _,
            over: _,
            trials: _,
            waiting: _,
            history: _,
            gathers: _,
            gathers_begun: _,
            secrets: _,
            desk: _,
            // Given anew at every start.
            hosts: _,
            origins: _,
            server: _,
            node: _,
            epoch: _,
            // Memory.
            touched: _,
            message: _,
            rules: _,
            quotas: _,
            ticks: _,
            patrolled: _,
            packing: _,
            tally: _,
        } = self;
        VERSION.encode(out);
        let mut table = Vec::new();
        encode_events(&mut table, &instruments.events().collect::<Vec<Event>>());
        length(table.len()).encode(out);
        out.extend_from_slice(&table);
        instruments_seq.encode(out);
        time_us.encode(out);
        for feed in feeds.iter().skip(1) {
            feed.write(out);
        }
        private.write(out);
        key_use.encode(out);
        fills.encode(out);
        ended.encode(out);
        armed.encode(out);
    }

    /// Takes what [`Hub::write_feeds`] wrote, into a hub that has delivered nothing yet.
    ///
    /// # Errors
    /// [`FeedsFault`]; the hub is then of no use.
    pub fn read_feeds(&mut self, bytes: &[u8]) -> Result<(), FeedsFault> {
        let mut reader = Reader::new(bytes);
        if get::<u16>(&mut reader)? != VERSION {
            return Err(FeedsFault { reason: "a version that this build does not read" });
        }
        let table_bytes: u32 = get(&mut reader)?;
        let table = reader.take(table_bytes as usize);
        let table = table.and_then(decode_events);
        self.read_table(&table.ok_or(FeedsFault { reason: "a table that means nothing" })?)?;
        self.instruments_seq = get(&mut reader)?;
        self.time_us = get(&mut reader)?;
        let count = self.instruments.instruments().len();
        if count > 0 {
            self.feeds.resize_with(count + 1, InstrumentFeeds::default);
        }
        for feed in self.feeds.iter_mut().skip(1) {
            feed.read(&mut reader)?;
        }
        self.private.read(&mut reader)?;
        self.key_use.decode(&mut reader)?;
        self.fills.decode(&mut reader)?;
        self.ended.decode(&mut reader)?;
        self.armed.decode(&mut reader)?;
        if reader.is_empty() { Ok(()) } else { Err(FeedsFault { reason: "too many bytes" }) }
    }

    fn read_table(&mut self, events: &[Event]) -> Result<(), FeedsFault> {
        let (mut assets, mut listed, mut groups) = (0_u32, 0_u32, 0_u32);
        for event in events {
            let is_next = match event {
                Event::AssetCreated(AssetCreated { asset, .. }) => {
                    assets += 1;
                    asset.0 == assets && assets <= limits::ASSETS_MAX
                }
                Event::InstrumentCreated(InstrumentCreated { instrument, base, quote, .. }) => {
                    listed += 1;
                    let known = (1..=assets).contains(&base.0) && (1..=assets).contains(&quote.0);
                    instrument.0 == listed && known && listed <= limits::INSTRUMENTS_MAX
                }
                Event::GroupCreated(GroupCreated { group, .. }) => {
                    groups += 1;
                    group.0 == groups && groups <= limits::GROUPS_MAX
                }
                _ => false,
            };
            if !is_next {
                return Err(FeedsFault { reason: "a table of something else" });
            }
            self.instruments.apply(event);
        }
        Ok(())
    }
}

/// A length that is bounded far below 4 GB.
pub(crate) fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
