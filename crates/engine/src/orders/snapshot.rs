//! Live orders written down: account by account, each account's oldest first.
//!
//! Where an order stands in its book the book says, which is read after this.

use super::{List, Order, Orders};
use crate::hash_index::KeyHash;
use crate::paged::{NONE, index};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use crate::terms::Terms;
use alloc::vec::Vec;
use coulisse_book::Handle;
use coulisse_types::{AccountId, OrderId};

/// Orders that are read together: their cache misses overlap.
pub(crate) const TOGETHER: u32 = 32;

row!(Order {
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
    client_order_id,
} derived {
    terms: NONE,
    hash: KeyHash::default(),
    handle: Handle::from_index(NONE),
});

impl Orders {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            // Read by the lists.
            arena: _,
            terms: _,
            links: _,
            lists,
            // Made of the orders.
            ids: _,
            client_ids: _,
            named: _,
            // A limit.
            max: _,
        } = self;
        out.put(&self.live());
        for account in 1..=lists.len() {
            for place in self.open(AccountId(account)) {
                self.at(place).encode_row(out);
                let terms = self.terms_at(place);
                out.put(&terms.is_some());
                if let Some(terms) = terms {
                    terms.encode_row(out);
                }
            }
        }
    }

    /// Reads the orders into an empty table; none rests on a book yet.
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
        let mut left = count;
        while left > 0 {
            batch.clear();
            for _ in 0..left.min(TOGETHER) {
                let mut order = Order::decode_row(from)?;
                let is_known = (1..=account_count).contains(&order.account.0);
                from.agree(is_known, "an order of no account")?;
                order.hash = hash(&order);
                if from.get()? {
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
                from.agree(self.find(order.id).is_none(), "two orders of one id")?;
                let named = !order.client_order_id.is_empty();
                let twin = self.find_client(order.hash, order.account, &order.client_order_id);
                from.agree(!named || twin.is_none(), "two orders of one client order id")?;
                self.insert(order);
            }
            left = left.saturating_sub(TOGETHER);
        }
        Ok(())
    }

    /// Reads where these orders stand; the value means nothing.
    pub(crate) fn peek_all(&self, ids: impl Iterator<Item = OrderId> + Clone) -> u64 {
        let found = ids.clone().fold(0, |read, id| read ^ self.ids.peek(id.0));
        let places = ids.filter_map(|id| self.guess(id));
        places.fold(found, |read, place| read ^ self.at(place).id.0)
    }
}
