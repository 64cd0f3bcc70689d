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
use coulisse_types::{
    AccountId, ClientOrderId, Command, InstrumentId, OrderId, Price, RecordHeader, Side,
};

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
            *level = placed(command);
        }
        let read = named.iter().fold(0, |read, named| match named {
            Named::New(hash) | Named::Client(hash) => read ^ self.orders.peek_client(*hash),
            Named::Order(id) => read ^ u64::from(self.orders.guess(*id).unwrap_or(0)),
            Named::Nothing => read,
        });
        black_box(read);
        black_box(accounts.iter().fold(0, |read, account| {
            let closed = self.client_ids.peek(*account);
            read ^ self.ledger.peek(*account) ^ self.risk.peek(account.0) ^ closed
        }));
        black_box(accounts.iter().zip(&named).fold(0, |read, (account, named)| match named {
            Named::New(hash) => read ^ self.client_ids.peek_hash(*account, *hash),
            _ => read,
        }));
        // Where an order closes, its id goes into its account's table. What one session sends at a time
        // stands together: each of its commands may close one more.
        let (mut last, mut before) = (AccountId(0), 0_u32);
        black_box(accounts.iter().fold(0, |read, one| {
            before = if *one == last { before.wrapping_add(1) } else { 0 };
            last = *one;
            read ^ self.client_ids.peek_close(*one, before)
        }));
        self.warm_placed(&accounts, &levels);
        let places = named.map(|named| match named {
            Named::Client(hash) => self.orders.guess_client(hash),
            Named::Order(id) => self.orders.guess(id),
            Named::New(_) | Named::Nothing => None,
        });
        let orders = || places.iter().flatten().map(|place| self.orders.at(*place));
        black_box(orders().fold(0, |read, order| read ^ order.peek()));
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
        // They may go: what they are to be taken out of, and who gets back what they hold.
        black_box(places.iter().flatten().fold(0, |read, place| {
            let order = self.orders.at(*place);
            let balance = self.peek_balance(order.account, (order.instrument, order.side));
            let closed = self.client_ids.peek_hash(order.account, order.hash);
            read ^ self.orders.peek_out(*place) ^ u64::from(closed) ^ u64::from(balance)
        }));
    }

    /// The same for what is to be placed: its level, where its id will stand, what it is paid with.
    fn warm_placed(
        &self,
        accounts: &[AccountId; WARM_MAX],
        placed: &[Option<(InstrumentId, Side, Price)>; WARM_MAX],
    ) {
        black_box(placed.iter().flatten().fold(0, |read, (instrument, side, price)| {
            let level = self.level(*instrument, *side, *price);
            read ^ level.map_or(0, |level| level.count)
        }));
        let mut number = self.order_counter;
        black_box(accounts.iter().zip(placed).fold(0, |read, (account, placed)| {
            let Some((instrument, side, _)) = *placed else { return read };
            number = number.wrapping_add(1);
            let exists = self.accounts.exists(*account);
            let balance = exists && self.peek_balance(*account, (instrument, side));
            read ^ self.orders.peek(self.order_id(number)) ^ u64::from(balance)
        }));
    }

    /// Reads the balance that an order is paid with; the value means nothing.
    #[inline]
    fn peek_balance(&self, account: AccountId, (instrument, side): (InstrumentId, Side)) -> bool {
        self.instruments.get(instrument).is_some_and(|listing| {
            let asset = match side {
                Side::Buy => listing.rules.quote,
                Side::Sell => listing.rules.base,
            };
            self.ledger.peek_in(account, asset)
        })
    }

    /// Reads what the next fill on a side will need: the order that comes first there, which no
    /// record names. Nothing waits for it until then.
    #[inline]
    pub(crate) fn warm_maker(&self, instrument: InstrumentId, makers: Side) {
        let book = &self.instruments.at(instrument).book;
        let Some(front) = book.front(makers) else { return };
        let order = self.orders.at(book.order(front).owner);
        black_box(order.peek());
        black_box(self.orders.peek_out(book.order(front).owner));
        black_box(self.ledger.peek(order.account) ^ self.risk.peek_row(order.row));
        black_box(self.client_ids.peek_hash(order.account, order.hash));
    }

    #[inline]
    fn named(&self, header: &RecordHeader, command: &Command) -> Named {
        let hash = |id: &ClientOrderId| self.client_ids.hash(header.account, id);
        match command {
            Command::OrderPlace(body) if !body.client_order_id.is_empty() => {
                Named::New(hash(&body.client_order_id))
            }
            Command::OrderPlaceTerms(body) if !body.client_order_id.is_empty() => {
                Named::New(hash(&body.client_order_id))
            }
            Command::OrderReplace(body) if body.cancel_client_order_id.is_empty() => {
                Named::Order(body.cancel_order_id)
            }
            Command::OrderReplace(body) => Named::Client(hash(&body.cancel_client_order_id)),
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

/// Where a command places an order.
#[inline]
const fn placed(command: &Command) -> Option<(InstrumentId, Side, Price)> {
    match command {
        Command::OrderPlace(body) => Some((body.instrument, body.side, body.price)),
        Command::OrderPlaceTerms(body) => Some((body.instrument, body.side, body.price)),
        Command::OrderReplace(body) => Some((body.instrument, body.side, body.price)),
        _ => None,
    }
}
