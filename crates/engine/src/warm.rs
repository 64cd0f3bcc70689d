//! Reading ahead: what the next records will need is fetched for all of them at once.
//!
//! A command spends most of its time waiting for memory: its client order id leads to an entry in a
//! table, that to an order, that to a place in the book, each a cache miss that has to be over before
//! the next can begin. Over a batch the misses of one step are independent of each other, so the
//! processor has many under way at once (group prefetching: Chen, Ailamaki, Gibbons and Mowry,
//! Improving Hash Join Performance through Prefetching, 2004).
//!
//! Invariant: nothing is changed, and a wrong guess costs nothing but time.

use crate::closing::NOWHERE;
use crate::engine::Engine;
use crate::hash_index::KeyHash;
use core::hint::black_box;
use coulisse_types::{AccountId, ClientOrderId, Command, OrderId, RecordHeader};

/// Most records that are read ahead for: what they need stays in the nearest caches until then.
pub const WARM_MAX: usize = 32;

/// What a record names.
#[derive(Clone, Copy)]
enum Named {
    Nothing,
    /// A client order id of a placement.
    New(KeyHash),
    /// A client order id of an order that should live.
    Client(KeyHash),
    /// An order that should live.
    Order(OrderId),
}

impl Engine {
    /// Reads what the first [`WARM_MAX`] of these records will need when they are applied next.
    ///
    /// Changes nothing. Worth it from a handful of records on.
    pub fn warm<'a>(&self, records: impl Iterator<Item = (&'a RecordHeader, &'a Command)>) {
        // Hashes first: between two reads there must be little work, or few are under way at once.
        let mut named = [Named::Nothing; WARM_MAX];
        let mut accounts = [AccountId(0); WARM_MAX];
        let mut levels = [None; WARM_MAX];
        let slots = named.iter_mut().zip(&mut accounts).zip(&mut levels);
        for (((named, account), level), (header, command)) in slots.zip(records) {
            *named = self.named(header, command);
            *account = header.account;
            if let Command::OrderPlace(body) = command {
                *level = Some((body.instrument, body.side, body.price));
            }
        }
        let read = named.iter().fold(0, |read, named| match named {
            Named::New(hash) | Named::Client(hash) => {
                read ^ self.client_ids.peek(*hash) ^ self.orders.peek_client(*hash)
            }
            Named::Order(id) => read ^ u64::from(self.orders.guess(*id).unwrap_or(0)),
            Named::Nothing => read,
        });
        black_box(read);
        black_box(accounts.iter().fold(0, |read, account| {
            read ^ self.ledger.peek(*account) ^ self.risk.peek(account.0)
        }));
        black_box(levels.iter().flatten().fold(0, |read, (instrument, side, price)| {
            let level = self.level(*instrument, *side, *price);
            read ^ level.map_or(0, |level| level.count)
        }));
        let places = named.map(|named| match named {
            Named::Client(hash) => self.orders.guess_client(hash),
            Named::Order(id) => self.orders.guess(id),
            Named::New(_) | Named::Nothing => None,
        });
        let orders = || places.iter().flatten().map(|place| self.orders.at(*place));
        black_box(orders().fold(0, |read, order| {
            read ^ order.handle.index() ^ u32::from(order.client_order_id.is_empty())
        }));
        black_box(accounts.iter().zip(&levels).fold(0, |read, (account, level)| {
            let instrument = level.map_or(0, |(instrument, ..)| instrument.0);
            read ^ self.risk.peek_in(account.0, instrument)
        }));
        black_box(orders().fold(0, |read, order| read ^ self.risk.peek_row(order.row)));
        black_box(accounts.iter().zip(&levels).fold(0, |read, (account, level)| {
            let instrument = level.map_or(0, |(instrument, ..)| instrument.0);
            let limits = self.risk.peek_limits(account.0);
            read ^ limits ^ self.risk.peek_money(account.0, instrument)
        }));
        black_box(orders().fold(0, |read, order| read ^ self.risk.peek_money_of(order.row)));
        // What waits stands nowhere on a book.
        let resting = || orders().filter(|order| order.handle != NOWHERE);
        black_box(resting().fold(0, |read, order| {
            let listing = self.instruments.get(order.instrument);
            read ^ listing.map_or(0, |listing| listing.book.level_of(order.handle).count)
        }));
    }

    #[inline]
    fn named(&self, header: &RecordHeader, command: &Command) -> Named {
        let hash = |id: &ClientOrderId| self.client_ids.hash(header.account, id);
        match command {
            Command::OrderPlace(body) if !body.client_order_id.is_empty() => {
                Named::New(hash(&body.client_order_id))
            }
            Command::OrderCancel(body) if body.client_order_id.is_empty() => {
                Named::Order(body.order_id)
            }
            Command::OrderCancel(body) => Named::Client(hash(&body.client_order_id)),
            Command::OrderAmend(body) if body.client_order_id.is_empty() => {
                Named::Order(body.order_id)
            }
            Command::OrderAmend(body) => Named::Client(hash(&body.client_order_id)),
            _ => Named::Nothing,
        }
    }
}
