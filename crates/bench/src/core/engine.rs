//! The workload through the engine: accounts, holds, fees, idempotency, events and their hash.
//!
//! Account = id mod 1,000, all funded on both sides and each acting by its own key; maker 2 bp,
//! taker 5 bp; every order has a client order id, and cancels name it.

use super::outcome::Outcome;
use super::said::Said;
use super::world::{self, EVENTS_ROOM, HASH_SEED, SCALE, STEP_NS, account_name};
use super::{Pass, Stopwatch, batches};
use crate::histogram::Histogram;
use crate::workload::{Kind, Row};
use crate::{Failure, failure};
use coulisse_engine::{Engine, WARM_MAX, default_genesis};
use coulisse_types::command::{AccountCreate, AssetCreate, Genesis, OrderCancel, OrderPlace};
use coulisse_types::{
    AccountId, Amount, AssetId, AssetName, Command, Event, InstrumentId, KeyIndex, OrderId,
    OrderType, RecordHeader, Seq, Side, TimeInForce,
};
use std::time::Instant;

/// Accounts that the orders are spread over.
pub const ACCOUNTS: u64 = 1_000;

const INSTRUMENT: InstrumentId = InstrumentId(1);
const BASE: AssetId = AssetId(1);
const QUOTE: AssetId = AssetId(2);

/// An engine with its event buffer.
#[derive(Debug)]
pub struct Whole {
    engine: Engine,
    header: RecordHeader,
    events: Vec<Event>,
    /// Commands that are applied together, as a node applies those of one loop tick.
    batch: Vec<(RecordHeader, Command)>,
    said: Said,
}

impl Whole {
    /// An engine with its instrument and its funded accounts.
    ///
    /// # Errors
    /// A command of the set-up was rejected.
    pub fn new() -> Result<Self, Failure> {
        Self::with(default_genesis(HASH_SEED, 0))
    }

    /// The same under other limits.
    ///
    /// # Errors
    /// A command of the set-up was rejected.
    pub fn with(genesis: Genesis) -> Result<Self, Failure> {
        let mut whole = Self {
            engine: Engine::new(),
            header: RecordHeader::default(),
            events: Vec::with_capacity(EVENTS_ROOM),
            batch: Vec::with_capacity(WARM_MAX),
            said: Said::default(),
        };
        whole.do_command(0, &Command::Genesis(genesis));
        whole.list_instrument();
        for account in 1..=u32::try_from(ACCOUNTS).unwrap_or(u32::MAX) {
            whole.open_account(account);
        }
        whole.read_back();
        match whole.said.reject.take() {
            Some(reject) => failure(format!("set-up: {reject}")),
            None => Ok(whole),
        }
    }

    fn list_instrument(&mut self) {
        for name in [&b"BTC"[..], b"USD"] {
            let name = AssetName::new(name).unwrap_or_default();
            self.do_command(0, &Command::AssetCreate(AssetCreate { name, scale: SCALE }));
        }
        let instrument = world::instrument("BTC-USD", BASE, QUOTE);
        self.do_command(0, &Command::InstrumentCreate(instrument));
    }

    fn open_account(&mut self, account: u32) {
        let text = format!("a{account}");
        self.do_command(0, &Command::AccountCreate(AccountCreate { name: account_name(&text) }));
        self.do_command(account, &Command::KeyCreate(world::key(&text)));
        for asset in [BASE, QUOTE] {
            self.do_command(account, &Command::Deposit(world::funds(asset)));
        }
    }

    /// A command of the node itself.
    fn do_command(&mut self, account: u32, command: &Command) {
        self.header.account = AccountId(account);
        self.header.key = KeyIndex(0);
        self.step(command);
    }

    #[inline]
    fn step(&mut self, command: &Command) {
        self.stamp();
        self.engine.apply(&self.header, command, &mut self.events);
    }

    /// Makes the header that of the next record.
    #[inline]
    fn stamp(&mut self) {
        self.header.seq = Seq(self.header.seq.0 + 1);
        self.header.time_ns += STEP_NS;
        self.header.origin.batch += 1;
    }

    /// Makes the header that of a row's account, and returns the row's command.
    #[inline]
    fn command(&mut self, row: &Row) -> Command {
        // Below 1,000, so it fits.
        let account = u32::try_from(row.id.0 % ACCOUNTS).unwrap_or_default() + 1;
        self.header.account = AccountId(account);
        // Keys were made in the order of the accounts, one for each.
        self.header.key = KeyIndex(account);
        let client_order_id = row.client_order_id;
        match row.kind {
            Kind::Cancel => {
                Command::OrderCancel(OrderCancel { order_id: OrderId(0), client_order_id })
            }
            Kind::Add | Kind::Cross => Command::OrderPlace(OrderPlace {
                instrument: INSTRUMENT,
                side: row.side,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                qty: row.qty,
                price: row.price,
                notional: Amount::ZERO,
                client_order_id,
            }),
        }
    }

    /// Does what one row asks for; its events are appended, and hashed by the engine.
    #[inline]
    pub fn apply(&mut self, row: &Row) {
        let command = self.command(row);
        self.step(&command);
    }

    /// The same for rows that are there together: the engine may look ahead.
    #[inline]
    pub fn apply_all(&mut self, rows: &[Row]) {
        for chunk in rows.chunks(WARM_MAX) {
            self.batch.clear();
            for row in chunk {
                let command = self.command(row);
                self.stamp();
                self.batch.push((self.header, command));
            }
            self.engine.warm(self.batch.iter().map(|(header, command)| (header, command)));
            for (header, command) in &self.batch {
                self.engine.apply(header, command, &mut self.events);
            }
        }
    }

    /// Reads back what was said since the last time.
    #[inline]
    pub fn read_back(&mut self) {
        self.said.read(&mut self.events);
    }

    /// Rests the rows that are not timed.
    ///
    /// # Errors
    /// One was rejected.
    pub fn fill(prefill: &[Row]) -> Result<Self, Failure> {
        let mut whole = Self::new()?;
        for row in prefill {
            whole.apply(row);
            whole.read_back();
        }
        if let Some(reject) = &whole.said.reject {
            return failure(format!("the engine rejected a row of the prefill: {reject}"));
        }
        whole.said = Said::default();
        Ok(whole)
    }

    /// The result so far.
    ///
    /// # Errors
    /// A row was turned away.
    pub fn finish(self) -> Result<Outcome, Failure> {
        let Said { tally, folded, events, rejected, reject, .. } = self.said;
        if let Some(reject) = reject {
            return failure(format!("the engine rejected {rejected} rows, the first: {reject}"));
        }
        let engine = &self.engine;
        Ok(Outcome {
            tally,
            resting: u64::from(engine.live_orders()),
            levels: [Side::Buy, Side::Sell]
                .map(|side| engine.levels(INSTRUMENT, side).map(Into::into).collect()),
            folded,
            events,
        })
    }
}

/// One pass for the rate: the clock is read twice.
///
/// # Errors
/// A row was rejected.
pub fn timed(prefill: &[Row], rows: &[Row]) -> Result<Pass, Failure> {
    let mut whole = Whole::fill(prefill)?;
    let watch = Stopwatch::start();
    for batch in batches(rows) {
        whole.apply_all(batch);
        whole.read_back();
    }
    let (took, on_cpu) = watch.stop();
    Ok(Pass { took, on_cpu, outcome: whole.finish()? })
}

/// One pass for the latencies: the clock is read after each row.
///
/// # Errors
/// A row was rejected.
pub fn latencies(prefill: &[Row], rows: &[Row]) -> Result<Histogram, Failure> {
    let mut whole = Whole::fill(prefill)?;
    let mut histogram = Histogram::new();
    let mut before = Instant::now();
    for row in rows {
        whole.apply(row);
        whole.read_back();
        let after = Instant::now();
        histogram.record(u64::try_from((after - before).as_nanos()).unwrap_or(u64::MAX));
        before = after;
    }
    whole.finish().map(|_| histogram)
}
