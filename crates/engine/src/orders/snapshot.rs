//! Live orders written down: account by account, each account's oldest first.
//!
//! Where an order stands in its book the book says, which is read after this.

use super::{List, Order, Orders};
use crate::hash_index::KeyHash;
use crate::paged::NONE;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_book::Handle;
use coulisse_types::AccountId;

row!(Order {
    id,
    account,
    instrument,
    price_ticks,
    qty_lots,
    filled_lots,
    charged_minor,
    made_minor,
    taken_minor,
    maker_ppm,
    taker_ppm,
    first_seq,
    body,
    side,
    order_type,
    time_in_force,
    post_only,
    client_order_id,
} derived {
    hash: KeyHash::default(),
    handle: Handle::from_index(NONE),
});

impl Orders {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            // Read by the lists.
            arena: _,
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
        for _ in 0..count {
            let mut order = Order::decode_row(from)?;
            from.agree((1..=account_count).contains(&order.account.0), "an order of no account")?;
            from.agree(self.find(order.id).is_none(), "two orders of one id")?;
            order.hash = hash(&order);
            let named = !order.client_order_id.is_empty();
            let twin = self.find_client(order.hash, order.account, &order.client_order_id);
            from.agree(!named || twin.is_none(), "two orders of one client order id")?;
            self.insert(&order);
        }
        Ok(())
    }
}
