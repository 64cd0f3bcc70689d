//! The whole state as bytes, and back. Each section has a version, and may change until part 6.
//!
//! ```text
//! magic (8 bytes) · section · section · …        little endian
//! section: number u16 · version u16 · body · bytes of the body u64
//! ```
//!
//! Invariants
//! - An engine read back answers every record with the events and hashes of the one written, and
//!   writes the same bytes again: what it holds is in the snapshot, or follows from what is.
//! - Equal states give equal bytes: ordered by id, by price and time or by age, never by where
//!   something happens to stand.
//! - Whatever the bytes, reading returns a state or says what is wrong and where. No count is
//!   believed before it is compared with the limit of its table.
//!
//! How a new field gets in: every struct of the state is taken apart here or in its table's
//! `snapshot` module without `..`, by hand or by [`row!`], so a field that is not written down and
//! read back, or named as one that follows from others, does not compile. Bump the section's
//! version when its body changes; a build reads its own versions and no others, so what an older
//! one wrote is passed over, and the log is replayed.
//!
//! Cost: both ways one pass over the state and one chunk of memory: the length of a section stands
//! behind it, so that it is written without being measured and read without being held.

pub(crate) mod codec;
mod error;

pub use error::{Section, SnapshotError, SnapshotFault, SnapshotSink, SnapshotSource};

use crate::admin::set_incarnation;
use crate::engine::{Engine, NODES};
use crate::limits::{NOTHING, bounded};
use alloc::vec::Vec;
use codec::{Decoder, Encoder};
use coulisse_types::Command;
use coulisse_types::command::Genesis;

/// What a snapshot of this form starts with.
const MAGIC: &[u8; 8] = b"COULSTAT";

impl Engine {
    /// Writes the whole state to `out`, in chunks.
    ///
    /// Cost: one pass over all that exists; allocates one chunk and the places of all orders.
    ///
    /// # Errors
    /// The sink's, at once.
    pub fn write_snapshot<S: SnapshotSink>(&self, out: &mut S) -> Result<(), S::Error> {
        let mut failed = None;
        let mut hand_on = |bytes: &[u8]| {
            if failed.is_none() {
                failed = out.write(bytes).err();
            }
        };
        hand_on(MAGIC);
        let mut out = Encoder::new(&mut hand_on);
        self.encode(&mut out);
        out.flush();
        failed.map_or(Ok(()), Err)
    }

    fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            last_seq,
            time_ns,
            event_hash,
            genesis,
            // Follow from the genesis.
            limits: _,
            incarnations,
            groups,
            accounts,
            keys,
            instruments,
            ledger,
            orders,
            // Follow from the orders, the lists and the instruments; empty between commands.
            forest: _,
            attention: _,
            touched: _,
            next_auction_ns: _,
            shares: _,
            timers,
            // Written as the engine's own.
            lists: _,
            risk: _,
            client_ids,
            request_ids,
            withdrawals,
            order_counter,
            trade_count,
            // Of a test, never of the state.
            planted: _,
            is_trial: _,
        } = self;
        let places = orders.by_id();
        out.section(Section::Core, &|out| {
            encode_genesis(genesis.as_ref(), out);
            out.put(last_seq);
            out.put(time_ns);
            event_hash.encode(out);
            out.put(order_counter);
            out.put(trade_count);
            encode_incarnations(incarnations, out);
        });
        out.section(Section::Groups, &|out| groups.encode(out));
        out.section(Section::Accounts, &|out| accounts.encode(out));
        out.section(Section::Keys, &|out| keys.encode(out));
        out.section(Section::Ledger, &|out| ledger.encode(out));
        out.section(Section::Orders, &|out| orders.encode(&places, out));
        out.section(Section::Instruments, &|out| instruments.encode(orders, &places, out));
        out.section(Section::Timers, &|out| timers.encode(out));
        out.section(Section::Lists, &|out| self.encode_lists(out));
        out.section(Section::Risk, &|out| self.encode_risk(out));
        out.section(Section::ClientIds, &|out| client_ids.encode(out));
        out.section(Section::RequestIds, &|out| request_ids.encode(out));
        out.section(Section::Withdrawals, &|out| withdrawals.encode(out));
    }

    /// Reads back what [`Engine::write_snapshot`] wrote.
    ///
    /// # Errors
    /// As [`Self::read_snapshot`].
    pub fn from_snapshot(mut bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::read_snapshot(&mut bytes)
    }

    /// The same from any source, to its end.
    ///
    /// Cost: one pass; allocates the state and one chunk.
    ///
    /// # Errors
    /// [`SnapshotError`]: what is wrong, in which section, at which byte of it.
    pub fn read_snapshot(source: &mut dyn SnapshotSource) -> Result<Self, SnapshotError> {
        let mut from = Decoder::new(source, MAGIC)?;
        let mut engine = Self::new();
        from.section(Section::Core, |from| {
            let genesis = decode_genesis(from)?;
            let limits = genesis.as_ref().map_or(NOTHING, bounded);
            engine = Self::with_tables(genesis, limits);
            engine.decode_core(from)
        })?;
        engine.decode(&mut from)?;
        from.end()?;
        Ok(engine)
    }

    fn decode_core(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        self.last_seq = from.get()?;
        self.time_ns = from.get()?;
        self.event_hash.decode(from)?;
        self.order_counter = from.get()?;
        self.trade_count = from.get()?;
        decode_incarnations(&mut self.incarnations, from)
    }

    fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let Self {
            // Read with the core.
            last_seq: _,
            time_ns: _,
            event_hash: _,
            genesis: _,
            limits: _,
            incarnations: _,
            order_counter: _,
            trade_count: _,
            groups,
            accounts,
            keys,
            instruments,
            ledger,
            orders,
            forest: _,
            attention: _,
            touched: _,
            next_auction_ns: _,
            shares: _,
            timers: _,
            lists: _,
            risk: _,
            client_ids,
            request_ids: _,
            withdrawals: _,
            planted: _,
            is_trial: _,
        } = self;
        from.section(Section::Groups, |from| groups.decode(from))?;
        let group_count = groups.count();
        from.section(Section::Accounts, |from| accounts.decode(from, group_count))?;
        let account_count = accounts.count();
        from.section(Section::Keys, |from| keys.decode(from, account_count))?;
        from.section(Section::Ledger, |from| ledger.decode(from, account_count))?;
        let hash =
            |order: &crate::orders::Order| client_ids.hash(order.account, &order.client_order_id);
        from.section(Section::Orders, |from| orders.decode(from, account_count, hash))?;
        from.section(Section::Instruments, |from| {
            instruments.decode(from, ledger.asset_count(), orders)
        })?;
        self.decode_rest(from)
    }

    /// What is read where the whole engine is at hand.
    fn decode_rest(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        self.watch_again();
        self.call_again();
        from.section(Section::Timers, |from| self.decode_timers(from))?;
        from.section(Section::Lists, |from| self.decode_lists(from))?;
        from.section(Section::Risk, |from| self.decode_risk(from))?;
        let account_count = self.accounts.count();
        let Self { orders, client_ids, request_ids, .. } = self;
        let room = client_ids.max().saturating_sub(orders.named());
        from.section(Section::ClientIds, |from| client_ids.decode(from, account_count, room))?;
        from.section(Section::RequestIds, |from| request_ids.decode(from))?;
        let counts = (account_count, self.ledger.asset_count());
        let Self { withdrawals, .. } = self;
        from.section(Section::Withdrawals, |from| withdrawals.decode(from, counts))
    }
}

fn encode_genesis(genesis: Option<&Genesis>, out: &mut Encoder<'_>) {
    out.put(&genesis.is_some());
    if let Some(genesis) = genesis {
        let mut body = Vec::new();
        Command::Genesis(*genesis).encode_body(&mut body);
        out.bytes(&body);
    }
}

fn decode_genesis(from: &mut Decoder<'_>) -> Result<Option<Genesis>, SnapshotError> {
    if !from.get::<bool>()? {
        return Ok(None);
    }
    let kind = coulisse_types::CommandKind::Genesis.number();
    match Command::decode_body(kind, from.bytes()?) {
        Some(Command::Genesis(genesis)) => Ok(Some(genesis)),
        _ => Err(from.fault(SnapshotFault::Malformed)),
    }
}

fn encode_incarnations(incarnations: &[u32], out: &mut Encoder<'_>) {
    let started = || (0..=u16::MAX).zip(incarnations).filter(|(_, newest)| **newest != 0);
    out.count(started().count());
    for (node, newest) in started() {
        out.put(&node);
        out.put(newest);
    }
}

fn decode_incarnations(
    incarnations: &mut Vec<u32>,
    from: &mut Decoder<'_>,
) -> Result<(), SnapshotError> {
    let count = from.count(u32::try_from(NODES).unwrap_or(u32::MAX))?;
    for _ in 0..count {
        let node: u16 = from.get()?;
        let newest = from.get()?;
        set_incarnation(incarnations, node, newest);
    }
    Ok(())
}
