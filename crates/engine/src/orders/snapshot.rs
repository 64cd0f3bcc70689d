//! Live orders written down, by order id. Their number in that order is how others name them.
//!
//! What is zero in most orders is written where it is not. Where an order stands in its book the
//! book says, which is read after this.

use super::{List, Order, Orders};
use crate::hash_index::KeyHash;
use crate::paged::{NONE, index};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};
use crate::terms::{Terms, Wait};
use alloc::vec;
use alloc::vec::Vec;
use coulisse_book::Handle;
use coulisse_types::codec::{Field, Reader, Writer};

/// Orders that are read together: their cache misses overlap.
pub(crate) const TOGETHER: u32 = 32;

// What an order has beside what every order has, bit by bit.
const FILLED: u8 = 1;
const CHARGED: u8 = 1 << 1;
const TRADED: u8 = 1 << 2;
const FEE: u8 = 1 << 3;
const SESSION: u8 = 1 << 4;
const POST_ONLY: u8 = 1 << 5;
const REDUCE_ONLY: u8 = 1 << 6;
const TERMS: u8 = 1 << 7;

/// `bit` if `is_set`.
const fn flag(is_set: bool, bit: u8) -> u8 {
    if is_set { bit } else { 0 }
}

/// Writes what an order has beside what every order has, and the numbers that are not zero.
fn put_some(out: &mut Writer<'_>, flags: u8, traded: [&i128; 3], filled_lots: i64, session: u64) {
    let bits = [CHARGED, TRADED, FEE];
    let some = || traded.into_iter().zip(bits).filter(|(number, _)| **number != 0);
    let has = some().fold(flags, |has, (_, bit)| has | bit);
    (has | flag(filled_lots != 0, FILLED) | flag(session != 0, SESSION)).put(out);
    for (number, _) in some() {
        number.put(out);
    }
    if filled_lots != 0 {
        filled_lots.put(out);
    }
    if session != 0 {
        session.put(out);
    }
}

/// Takes a field that is there if `bit` is among `has`, and then is not zero.
fn some<T: Field + Default + PartialEq>(from: &mut Reader<'_>, has: u8, bit: u8) -> Option<T> {
    if has & bit == 0 {
        return Some(T::default());
    }
    T::decode(from).filter(|value| *value != T::default())
}

impl Order {
    fn put(&self, out: &mut Writer<'_>) {
        let Self {
            id,
            account,
            instrument,
            price_ticks,
            qty_lots,
            filled_lots,
            charged_minor,
            traded_minor,
            fee_parts,
            maker_ppm,
            taker_ppm,
            first_seq,
            body,
            side,
            order_type,
            time_in_force,
            post_only,
            session,
            node,
            reduce_only,
            client_order_id,
            // Follow it.
            terms,
            // Made anew.
            row: _,
            hash: _,
            handle: _,
        } = self;
        id.put(out);
        account.put(out);
        instrument.put(out);
        price_ticks.put(out);
        qty_lots.put(out);
        maker_ppm.put(out);
        taker_ppm.put(out);
        first_seq.put(out);
        body.put(out);
        side.put(out);
        order_type.put(out);
        time_in_force.put(out);
        node.put(out);
        client_order_id.put(out);
        let flags = flag(*post_only, POST_ONLY)
            | flag(*reduce_only, REDUCE_ONLY)
            | flag(*terms != NONE, TERMS);
        let traded = [charged_minor, traded_minor, fee_parts];
        put_some(out, flags, traded, *filled_lots, *session);
    }

    /// The order, and whether it has terms, which follow.
    fn take(from: &mut Reader<'_>) -> Option<(Self, bool)> {
        let (id, account) = (Field::decode(from)?, Field::decode(from)?);
        let (instrument, price_ticks) = (Field::decode(from)?, Field::decode(from)?);
        let (qty_lots, maker_ppm) = (Field::decode(from)?, Field::decode(from)?);
        let (taker_ppm, first_seq) = (Field::decode(from)?, Field::decode(from)?);
        let (body, side) = (Field::decode(from)?, Field::decode(from)?);
        let (order_type, time_in_force) = (Field::decode(from)?, Field::decode(from)?);
        let (node, client_order_id) = (Field::decode(from)?, Field::decode(from)?);
        let has = <u8 as Field>::decode(from)?;
        let order = Self {
            id,
            account,
            instrument,
            price_ticks,
            qty_lots,
            maker_ppm,
            taker_ppm,
            first_seq,
            body,
            side,
            order_type,
            time_in_force,
            node,
            client_order_id,
            charged_minor: some(from, has, CHARGED)?,
            traded_minor: some(from, has, TRADED)?,
            fee_parts: some(from, has, FEE)?,
            filled_lots: some(from, has, FILLED)?,
            session: some(from, has, SESSION)?,
            post_only: has & POST_ONLY != 0,
            reduce_only: has & REDUCE_ONLY != 0,
            terms: NONE,
            row: NONE,
            hash: KeyHash::default(),
            handle: Handle::from_index(NONE),
        };
        Some((order, has & TERMS != 0))
    }
}

impl Orders {
    /// Writes the orders at `places`, which are all of them by id.
    pub(crate) fn encode(&self, places: &[u32], out: &mut Encoder<'_>) {
        let Self {
            // Read by their places.
            slots: _,
            terms: _,
            // Made of the orders.
            links: _,
            free: _,
            live: _,
            lists: _,
            ids: _,
            client_ids: _,
            named: _,
            // A limit.
            max: _,
        } = self;
        out.count(places.len());
        for place in places {
            out.row(|out| self.at(*place).put(out));
            if let Some(terms) = self.terms_at(*place) {
                terms.encode_row(out);
            }
        }
    }

    /// By place: the number of the order among `places`.
    pub(crate) fn numbers(&self, places: &[u32]) -> Vec<u32> {
        let mut numbers = vec![NONE; index(self.links.len())];
        for (number, place) in (0..).zip(places) {
            if let Some(at) = numbers.get_mut(index(*place)) {
                *at = number;
            }
        }
        numbers
    }

    /// Reads the orders into an empty table; none rests on a book yet. Each stands at its number.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        account_count: u32,
        hash: impl Fn(&Order) -> KeyHash,
    ) -> Result<(), SnapshotError> {
        for _ in 0..account_count {
            self.lists.push(List { oldest: NONE, newest: NONE, count: 0 });
        }
        let count = from.count(self.max)?;
        // Grown bit by bit, each table would be searched twice for each order.
        self.ids.reserve(count);
        self.client_ids.reserve(count);
        let mut batch = Vec::with_capacity(index(TOGETHER));
        let (mut left, mut last_id) = (count, None);
        while left > 0 {
            batch.clear();
            for _ in 0..left.min(TOGETHER) {
                let (mut order, has_terms) = from.row(Order::take)?;
                from.agree(last_id < Some(order.id), "orders that are not by id")?;
                last_id = Some(order.id);
                let is_known = (1..=account_count).contains(&order.account.0);
                from.agree(is_known, "an order of no account")?;
                let is_left = (0..order.qty_lots).contains(&order.filled_lots);
                from.agree(is_left, "a live order with nothing left of it")?;
                order.hash = hash(&order);
                if has_terms {
                    let terms = Terms::decode_row(from)?;
                    order.terms = self.add_terms(terms);
                }
                batch.push(order);
            }
            // A first pass that only reads has all its cache misses under way at once.
            let read = batch.iter().fold(0, |read, order: &Order| {
                read ^ self.ids.peek(order.id.0) ^ self.client_ids.peek(order.hash)
            });
            core::hint::black_box(read);
            for order in &batch {
                let named = !order.client_order_id.is_empty();
                let twin = self.find_client(order.hash, order.account, &order.client_order_id);
                from.agree(!named || twin.is_none(), "two orders of one client order id")?;
                self.insert(order);
            }
            left = left.saturating_sub(TOGETHER);
        }
        Ok(())
    }

    /// The places of orders that were just read, by ascending order id.
    pub(crate) fn just_read(&self) -> core::ops::Range<u32> {
        0..self.live()
    }

    /// Of orders that were just read: those that are on no book because they wait.
    pub(crate) fn waiting_count(&self) -> u32 {
        let waits = |place: &u32| self.terms_at(*place).is_some_and(|terms| terms.wait != Wait::No);
        u32::try_from(self.just_read().filter(waits).count()).unwrap_or(u32::MAX)
    }

    /// Reads the orders at these places; the value means nothing.
    pub(crate) fn peek_all(&self, places: impl Iterator<Item = u32>) -> u64 {
        places.fold(0, |read, place| {
            let order = self.at(place);
            // One field of each of its cache lines.
            let money = u64::from(order.charged_minor == 0);
            read ^ money ^ order.first_seq.0 ^ order.session ^ u64::from(order.node)
        })
    }
}
