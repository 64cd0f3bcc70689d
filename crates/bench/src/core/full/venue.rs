//! An engine with its event buffer, and what was read back from that.

use super::row::Row;
use super::set_up;
use crate::core::said::Said;
use crate::core::world::{EVENTS_ROOM, HASH_SEED, STEP_NS};
use crate::{Failure, failure};
use coulisse_engine::{Engine, WARM_MAX, default_genesis};
use coulisse_types::{AccountId, Command, Event, KeyIndex, RecordHeader, Seq};

/// Some afternoon.
const START_NS: i64 = 1_764_000_000_000_000_000;
/// From then to the first row: longer than any set-up takes, so that a row meets the same time, and
/// the same orders, with limits as without.
const SET_UP_NS: i64 = 1_000_000_000;

/// The engine.
#[derive(Debug)]
pub struct Venue {
    engine: Engine,
    header: RecordHeader,
    events: Vec<Event>,
    /// Commands that are applied together, as a node applies those of one loop tick.
    batch: Vec<(RecordHeader, Command)>,
    said: Said,
}

impl Venue {
    /// One with its instruments and accounts, and its limits where they are wanted.
    ///
    /// # Errors
    /// A command of the set-up was refused.
    pub fn new(with_limits: bool) -> Result<Self, Failure> {
        let header = RecordHeader { time_ns: START_NS, ..RecordHeader::default() };
        let mut venue = Self {
            engine: Engine::new(),
            header,
            events: Vec::with_capacity(EVENTS_ROOM),
            batch: Vec::with_capacity(WARM_MAX),
            said: Said::default(),
        };
        venue.command(0, &Command::Genesis(default_genesis(HASH_SEED, 0)));
        for (account, command) in set_up::commands(with_limits) {
            venue.command(account, &command);
            venue.read_back();
            if let Some(reject) = &venue.said.reject {
                return failure(format!("set-up, {command:?}: {reject}"));
            }
        }
        venue.header.time_ns = START_NS + SET_UP_NS;
        venue.said = Said::default();
        Ok(venue)
    }

    /// A command of the node itself.
    fn command(&mut self, account: u32, command: &Command) {
        self.stamp(account);
        self.header.key = KeyIndex(0);
        self.engine.apply(&self.header, command, &mut self.events);
    }

    /// Makes the header that of the next record. Each account acts by its own key, the node by none.
    #[inline]
    fn stamp(&mut self, account: u32) {
        self.header.account = AccountId(account);
        self.header.key = KeyIndex(account);
        self.header.seq = Seq(self.header.seq.0 + 1);
        self.header.time_ns += STEP_NS;
        self.header.origin.batch += 1;
    }

    /// Does what one row asks for; its events are appended, and hashed by the engine.
    #[inline]
    pub fn apply(&mut self, row: &Row) {
        let command = row.command();
        self.stamp(row.account);
        self.engine.apply(&self.header, &command, &mut self.events);
    }

    /// The same for rows that are there together: the engine may look ahead.
    #[inline]
    pub fn apply_all(&mut self, rows: &[Row]) {
        for chunk in rows.chunks(WARM_MAX) {
            self.batch.clear();
            for row in chunk {
                let command = row.command();
                self.stamp(row.account);
                self.batch.push((self.header, command));
            }
            self.engine.warm(self.batch.iter().map(|(header, command)| (header, command)));
            for (header, command) in &self.batch {
                self.engine.apply(header, command, &mut self.events);
            }
        }
    }

    /// What was said since it was last read back.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Reads back what was said since the last time.
    #[inline]
    pub fn read_back(&mut self) {
        self.said.read(&mut self.events);
    }

    /// What was read back so far.
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// Forgets what was read back so far.
    pub fn begin_anew(&mut self) {
        self.said = Said::default();
    }

    /// The time of the last record, in ns since the epoch.
    pub const fn time_ns(&self) -> i64 {
        self.header.time_ns
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets the engine look at the placement of a row, by [`Engine::check_order`]; whether it passes.
    #[inline]
    pub fn passes(&mut self, row: &Row) -> bool {
        if let Command::OrderPlace(body) = row.command() {
            self.header.account = AccountId(row.account);
            self.header.key = KeyIndex(row.account);
            return self.engine.check_order(&self.header, &body).is_ok();
        }
        false
    }
}
