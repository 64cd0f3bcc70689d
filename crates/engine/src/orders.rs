//! Live orders: what the engine knows of an order that rests, beside what the book knows.
//!
//! The book's tag of an order (its `owner`) is the order's place here. Each account's orders form a
//! list, oldest first, which is by ascending order id: an amended order keeps its id and its place.

use crate::paged::{Arena, NONE, Paged, Slot};
use coulisse_book::{Handle, IdTable};
use coulisse_types::{AccountId, InstrumentId, OrderId, OrderType, Seq, Side, TimeInForce};

/// An order, live or arriving.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
#[expect(clippy::struct_field_names, reason = "the glossary's words")]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    /// 0 for a market order.
    pub(crate) price_ticks: i64,
    /// The total; 0 for a market order by notional.
    pub(crate) qty_lots: i64,
    pub(crate) filled_lots: i64,
    /// What its fills were charged, in quote minor units.
    pub(crate) charged_minor: i128,
    /// Notional of its fills as maker, in quote minor units.
    pub(crate) made_minor: i128,
    /// Notional of its fills as taker, in quote minor units.
    pub(crate) taken_minor: i128,
    pub(crate) maker_ppm: i32,
    pub(crate) taker_ppm: i32,
    pub(crate) first_seq: Seq,
    /// Where its client order id is remembered, or [`NONE`].
    pub(crate) client: u32,
    /// Where it stands in its book. Void while it does not rest.
    pub(crate) handle: Handle,
    /// The account's order before it. In a free place: the next free one.
    pub(crate) older: u32,
    /// The account's order after it.
    pub(crate) newer: u32,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) post_only: bool,
}

/// An order without anything, to be filled in.
pub(crate) const BLANK: Order = Order {
    id: OrderId(0),
    account: AccountId(0),
    instrument: InstrumentId(0),
    price_ticks: 0,
    qty_lots: 0,
    filled_lots: 0,
    charged_minor: 0,
    made_minor: 0,
    taken_minor: 0,
    maker_ppm: 0,
    taker_ppm: 0,
    first_seq: Seq(0),
    client: NONE,
    handle: Handle::from_index(NONE),
    older: NONE,
    newer: NONE,
    side: Side::Buy,
    order_type: OrderType::Limit,
    time_in_force: TimeInForce::Gtc,
    post_only: false,
};

impl Slot for Order {
    fn set_next_free(&mut self, next: u32) {
        self.older = next;
    }

    fn next_free(&self) -> u32 {
        self.older
    }
}

/// One account's orders.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    count: u32,
}

/// All live orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    arena: Arena<Order, 1_024>,
    ids: IdTable,
    lists: Paged<List, 1_024>,
    max: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "accounts exist and are from 1; counts of orders that exist"
)]
impl Orders {
    pub(crate) fn new(max: u32, accounts_max: u32) -> Self {
        let (arena, lists) = (Arena::new(max), Paged::new(accounts_max));
        Self { arena, ids: IdTable::new(max), lists, max }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.lists.push(List { oldest: NONE, newest: NONE, count: 0 });
    }

    /// Orders that live.
    pub(crate) const fn live(&self) -> u32 {
        self.arena.live()
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Orders of an account that live.
    #[inline]
    pub(crate) fn open_count(&self, account: AccountId) -> u32 {
        self.lists.at(account.0 - 1).count
    }

    #[inline]
    pub(crate) fn at(&self, place: u32) -> &Order {
        self.arena.at(place)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut Order {
        self.arena.at_mut(place)
    }

    /// The place of a live order.
    #[inline]
    pub(crate) fn find(&self, id: OrderId) -> Option<u32> {
        self.ids.get(id.0, |place| self.arena.at(place).id.0)
    }

    /// Reads an account's newest order; the value means nothing.
    #[inline]
    pub(crate) fn peek_newest(&self, account: AccountId) -> u32 {
        match self.lists.get(account.0.wrapping_sub(1)) {
            Some(list) if list.newest != NONE => self.arena.at(list.newest).newer,
            _ => 0,
        }
    }

    /// Where an order probably stands, without a look at it.
    #[inline]
    pub(crate) fn guess(&self, id: OrderId) -> Option<u32> {
        self.ids.get(id.0, |_| id.0)
    }

    /// Places an order as its account's newest. That there is room is the caller's to check.
    #[inline]
    pub(crate) fn insert(&mut self, order: Order) -> u32 {
        let list = self.lists.at_mut(order.account.0 - 1);
        let before = list.newest;
        let place = self.arena.insert(Order { older: before, newer: NONE, ..order });
        list.newest = place;
        list.count += 1;
        if before == NONE {
            list.oldest = place;
        } else {
            self.arena.at_mut(before).newer = place;
        }
        if let Ok(vacancy) = self.ids.vacancy(order.id.0, |place| self.arena.at(place).id.0) {
            self.ids.fill(vacancy, place);
        }
        place
    }

    /// Puts an order's changed content back, in its place among its account's.
    #[inline]
    pub(crate) fn replace(&mut self, place: u32, order: Order) {
        let slot = self.arena.at_mut(place);
        *slot = Order { older: slot.older, newer: slot.newer, ..order };
    }

    /// Takes an order out. It may be read until the next insertion.
    #[inline]
    pub(crate) fn remove(&mut self, place: u32) {
        let Order { id, account, older, newer, .. } = *self.arena.at(place);
        self.ids.remove(id.0, place);
        let list = self.lists.at_mut(account.0 - 1);
        list.count -= 1;
        if older == NONE {
            list.oldest = newer;
        } else {
            self.arena.at_mut(older).newer = newer;
        }
        if newer == NONE {
            list.newest = older;
        } else {
            self.arena.at_mut(newer).older = older;
        }
        self.arena.free(place);
    }

    /// The place of the account's order with the lowest id.
    pub(crate) fn oldest(&self, account: AccountId) -> Option<u32> {
        let place = self.lists.at(account.0 - 1).oldest;
        (place != NONE).then_some(place)
    }

    /// The place of the same account's next order.
    pub(crate) fn newer(&self, place: u32) -> Option<u32> {
        let newer = self.arena.at(place).newer;
        (newer != NONE).then_some(newer)
    }

    /// The places of an account's orders, by ascending order id.
    pub(crate) fn open(&self, account: AccountId) -> impl Iterator<Item = u32> + '_ {
        core::iter::successors(self.oldest(account), |place| self.newer(*place))
    }
}
