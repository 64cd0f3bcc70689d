//! The whole state as bytes, and back. Format version 0: may change until it is frozen as 1.
//!
//! ```text
//! magic (8 bytes) · section · section · …        little endian
//! section: number u16 · version u16 · bytes u64 · body
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
//! version when its body changes once version 1 is frozen; until then nothing is kept readable.
//!
//! Cost: writing walks the state twice (a section says its length first) and allocates one chunk;
//! reading inserts every order, balance and id once.

pub(crate) mod codec;
mod error;

pub use error::{Section, SnapshotError, SnapshotFault, SnapshotSink};

use crate::admin::set_incarnation;
use crate::engine::{Engine, NODES};
use crate::limits::{NOTHING, bounded};
use alloc::vec::Vec;
use codec::{Decoder, Encoder, Sections, write_section};
use coulisse_types::Command;
use coulisse_types::command::Genesis;

/// What a snapshot of this form starts with.
const MAGIC: &[u8; 8] = b"COULSTAT";

impl Engine {
    /// Writes the whole state to `out`, in chunks.
    ///
    /// Cost: two passes over all that exists; allocates one chunk.
    ///
    /// # Errors
    /// The sink's, at once.
    pub fn write_snapshot<S: SnapshotSink>(&self, out: &mut S) -> Result<(), S::Error> {
        let mut failed = None;
        self.encode(&mut |bytes| {
            if failed.is_none() {
                failed = out.write(bytes).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn encode(&self, out: &mut dyn FnMut(&[u8])) {
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
            order_counter,
            trade_count,
            // Of a test, never of the state.
            planted: _,
        } = self;
        out(MAGIC);
        write_section(out, Section::Core, &|out| {
            encode_genesis(genesis.as_ref(), out);
            out.put(last_seq);
            out.put(time_ns);
            event_hash.encode(out);
            out.put(order_counter);
            out.put(trade_count);
            encode_incarnations(incarnations, out);
        });
        write_section(out, Section::Groups, &|out| groups.encode(out));
        write_section(out, Section::Accounts, &|out| accounts.encode(out));
        write_section(out, Section::Keys, &|out| keys.encode(out));
        write_section(out, Section::Ledger, &|out| ledger.encode(out));
        write_section(out, Section::Orders, &|out| orders.encode(out));
        write_section(out, Section::Instruments, &|out| instruments.encode(out));
        write_section(out, Section::Timers, &|out| timers.encode(out));
        write_section(out, Section::Lists, &|out| self.encode_lists(out));
        write_section(out, Section::Risk, &|out| self.encode_risk(out));
        write_section(out, Section::ClientIds, &|out| client_ids.encode(out));
        write_section(out, Section::RequestIds, &|out| request_ids.encode(out));
    }

    /// Reads back what [`Engine::write_snapshot`] wrote.
    ///
    /// # Errors
    /// [`SnapshotError`]: what is wrong, in which section, at which byte of it.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut sections = Sections::new(bytes, MAGIC)?;
        let mut core = sections.open(Section::Core)?;
        let genesis = decode_genesis(&mut core)?;
        let limits = genesis.as_ref().map_or(NOTHING, bounded);
        let mut engine = Self::with_tables(genesis, limits);
        let Self {
            last_seq,
            time_ns,
            event_hash,
            genesis: _,
            limits: _,
            incarnations,
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
            order_counter,
            trade_count,
            planted: _,
        } = &mut engine;
        *last_seq = core.get()?;
        *time_ns = core.get()?;
        event_hash.decode(&mut core)?;
        *order_counter = core.get()?;
        *trade_count = core.get()?;
        decode_incarnations(incarnations, &mut core)?;
        core.end()?;
        sections.read(Section::Groups, |from| groups.decode(from))?;
        let group_count = groups.count();
        sections.read(Section::Accounts, |from| accounts.decode(from, group_count))?;
        let account_count = accounts.count();
        sections.read(Section::Keys, |from| keys.decode(from, account_count))?;
        sections.read(Section::Ledger, |from| ledger.decode(from, account_count))?;
        let hash =
            |order: &crate::orders::Order| client_ids.hash(order.account, &order.client_order_id);
        sections.read(Section::Orders, |from| orders.decode(from, account_count, hash))?;
        sections.read(Section::Instruments, |from| {
            instruments.decode(from, ledger.asset_count(), orders)
        })?;
        engine.read_rest(&mut sections)?;
        Ok(engine)
    }

    /// What is read where the whole engine is at hand.
    fn read_rest(&mut self, sections: &mut Sections<'_>) -> Result<(), SnapshotError> {
        self.watch_again();
        self.call_again();
        sections.read(Section::Timers, |from| self.decode_timers(from))?;
        sections.read(Section::Lists, |from| self.decode_lists(from))?;
        sections.read(Section::Risk, |from| self.decode_risk(from))?;
        let account_count = self.accounts.count();
        let Self { orders, client_ids, request_ids, .. } = self;
        let room = client_ids.max().saturating_sub(orders.named());
        sections.read(Section::ClientIds, |from| client_ids.decode(from, account_count, room))?;
        sections.read(Section::RequestIds, |from| request_ids.decode(from))?;
        sections.end()
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
