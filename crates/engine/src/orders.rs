//! Live orders: what the engine knows of an order, beside what the book knows of one that rests.
//!
//! The book's tag of an order (its `owner`) is the order's place here. Each account's orders form a
//! list, oldest first, which is by ascending order id: an amended order keeps its id and its place.

use crate::body::Body;
use crate::hash_index::{HashIndex, KeyHash};
use crate::paged::{Arena, NONE, Paged, index};
use crate::terms::Terms;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;
use coulisse_book::{Handle, IdTable};
use coulisse_types::{
    AccountId, ClientOrderId, InstrumentId, OrderId, OrderType, Seq, Side, TimeInForce,
};

mod snapshot;

pub(crate) use snapshot::TOGETHER;

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
    /// Notional of its fills, in quote minor units.
    pub(crate) traded_minor: i128,
    /// Millionths of quote minor units that its fills are charged in all: the sum of rate × notional.
    pub(crate) fee_parts: i128,
    pub(crate) maker_ppm: i32,
    pub(crate) taker_ppm: i32,
    pub(crate) first_seq: Seq,
    /// The hash of its client order id; void where that is empty.
    pub(crate) hash: KeyHash,
    /// What was first asked for.
    pub(crate) body: Body,
    /// Where it stands in its book. Void while it does not rest.
    pub(crate) handle: Handle,
    /// Where its terms stand; void for a plain order.
    pub(crate) terms: u32,
    /// The session that placed it; 0 for none.
    pub(crate) session: u64,
    /// The node through which it was placed.
    pub(crate) node: u16,
    /// The row of its account in its instrument.
    pub(crate) row: u32,
    /// Whether it may only make the account's position smaller.
    pub(crate) reduce_only: bool,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) post_only: bool,
    /// Empty for none.
    pub(crate) client_order_id: ClientOrderId,
}

/// Who stands beside an order among its account's.
#[derive(Clone, Copy, Debug)]
struct Links {
    /// Of a free place: the next free one.
    older: u32,
    newer: u32,
}

/// One account's orders.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    count: u32,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl Order {
    /// Reads each of its cache lines; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self) -> i64 {
        const { assert!(offset_of!(Order, fee_parts) / LINE == 0, "its first line") };
        const { assert!(offset_of!(Order, filled_lots) / LINE == 1, "its second line") };
        const { assert!(offset_of!(Order, client_order_id) / LINE == 2, "its third line") };
        let (is_first, is_third) = (self.fee_parts == 0, self.client_order_id.is_empty());
        i64::from(is_first) ^ self.filled_lots ^ i64::from(is_third)
    }
}

/// All live orders. Places are used again, the one freed last first.
///
/// Links lie apart from the orders: what changes an account's list touches no other order.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    slots: Paged<Order, 1_024>,
    /// The terms of orders that are not plain.
    terms: Arena<Terms, 256>,
    links: Paged<Links, 1_024>,
    free: u32,
    live: u32,
    ids: IdTable,
    client_ids: HashIndex,
    named: u32,
    lists: Paged<List, 1_024>,
    max: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "accounts exist and are from 1; counts of orders that exist"
)]
impl Orders {
    pub(crate) fn new(max: u32, accounts_max: u32, seed: u64) -> Self {
        Self {
            slots: Paged::new(max),
            terms: Arena::new(max),
            links: Paged::new(max),
            free: NONE,
            live: 0,
            ids: IdTable::new(max),
            client_ids: HashIndex::new(max, seed),
            named: 0,
            lists: Paged::new(accounts_max),
            max,
        }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.lists.push(List { oldest: NONE, newest: NONE, count: 0 });
    }

    /// Orders that live.
    pub(crate) const fn live(&self) -> u32 {
        self.live
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
        self.slots.at(place)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut Order {
        self.slots.at_mut(place)
    }

    /// Where the terms of an order about to be inserted will stand.
    pub(crate) fn add_terms(&mut self, terms: Terms) -> u32 {
        self.terms.insert(terms)
    }

    /// Takes terms out, whose order goes.
    pub(crate) fn remove_terms(&mut self, at: u32) {
        self.terms.free(at);
    }

    /// Terms in use.
    pub(crate) const fn terms_count(&self) -> u32 {
        self.terms.live()
    }

    /// The terms of an order that has some.
    pub(crate) fn terms(&self, order: &Order) -> &Terms {
        self.terms.at(order.terms)
    }

    /// The same, to change.
    pub(crate) fn terms_mut(&mut self, order: &Order) -> &mut Terms {
        self.terms.at_mut(order.terms)
    }

    /// The terms of the order at a place, if it has some.
    #[inline]
    pub(crate) fn terms_at(&self, place: u32) -> Option<&Terms> {
        let at = self.slots.at(place).terms;
        (at != NONE).then(|| self.terms.at(at))
    }

    /// The place of a live order.
    #[inline]
    pub(crate) fn find(&self, id: OrderId) -> Option<u32> {
        self.ids.get(id.0, |place| self.slots.at(place).id.0)
    }

    /// The place of the account's live order with this client order id.
    #[inline]
    pub(crate) fn find_client(
        &self,
        hash: KeyHash,
        account: AccountId,
        id: &ClientOrderId,
    ) -> Option<u32> {
        self.client_ids.find(hash, |place| {
            let order = self.slots.at(place);
            order.account == account && order.client_order_id == *id
        })
    }

    /// Orders that live and have a client order id.
    #[inline]
    pub(crate) const fn named(&self) -> u32 {
        self.named
    }

    /// Reads where a search for a client order id begins; the value means nothing.
    #[inline]
    pub(crate) fn peek_client(&self, hash: KeyHash) -> u64 {
        self.client_ids.peek(hash)
    }

    /// Reads where a search for an order id begins; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, id: OrderId) -> u64 {
        self.ids.peek(id.0)
    }

    /// Reads all that an order is to be taken out of when it goes; the value means nothing.
    #[inline]
    pub(crate) fn peek_out(&self, place: u32) -> u64 {
        let order = self.slots.at(place);
        let links = u64::from(self.links.at(place).newer);
        self.ids.peek(order.id.0) ^ self.client_ids.peek(order.hash) ^ links
    }

    /// Where the order of a client order id probably stands, without a look at it.
    #[inline]
    pub(crate) fn guess_client(&self, hash: KeyHash) -> Option<u32> {
        self.client_ids.find(hash, |_| true)
    }

    /// Where an order probably stands, without a look at it.
    #[inline]
    pub(crate) fn guess(&self, id: OrderId) -> Option<u32> {
        self.ids.get(id.0, |_| id.0)
    }

    /// Places an order as its account's newest. That there is room is the caller's to check.
    #[inline]
    pub(crate) fn insert(&mut self, order: &Order) -> u32 {
        let list = self.lists.at_mut(order.account.0 - 1);
        let links = Links { older: list.newest, newer: NONE };
        let place = if self.free == NONE {
            self.links.push(links);
            self.slots.push(*order)
        } else {
            let place = self.free;
            self.free = core::mem::replace(self.links.at_mut(place), links).older;
            *self.slots.at_mut(place) = *order;
            place
        };
        self.live += 1;
        list.newest = place;
        list.count += 1;
        if links.older == NONE {
            list.oldest = place;
        } else {
            self.links.at_mut(links.older).newer = place;
        }
        if let Ok(vacancy) = self.ids.vacancy(order.id.0, |place| self.slots.at(place).id.0) {
            self.ids.fill(vacancy, place);
        }
        if !order.client_order_id.is_empty() {
            self.named += 1;
            self.client_ids.add(order.hash, place);
        }
        place
    }

    /// Takes an order out. It may be read until the next insertion.
    #[inline]
    pub(crate) fn remove(&mut self, place: u32) {
        let order = self.slots.at(place);
        self.ids.remove(order.id.0, place);
        if !order.client_order_id.is_empty() {
            self.named -= 1;
            self.client_ids.remove(order.hash, place);
        }
        let list = self.lists.at_mut(order.account.0 - 1);
        let links = self.links.at_mut(place);
        let Links { older, newer } = *links;
        links.older = core::mem::replace(&mut self.free, place);
        self.live -= 1;
        list.count -= 1;
        if older == NONE {
            list.oldest = newer;
        } else {
            self.links.at_mut(older).newer = newer;
        }
        if newer == NONE {
            list.newest = older;
        } else {
            self.links.at_mut(newer).older = older;
        }
    }

    /// The place of every live order, by ascending order id.
    ///
    /// Cost: two passes in the order of memory, and a sort that is short where orders were placed
    /// in the order of their ids, which is so but for places used again.
    #[expect(clippy::stable_sort_primitive, reason = "the stable sort finds what is in order")]
    pub(crate) fn by_id(&self) -> Vec<u32> {
        let mut is_live = vec![false; index(self.links.len())];
        for place in self.ids.slots() {
            if let Some(is_live) = is_live.get_mut(index(place)) {
                *is_live = true;
            }
        }
        let live = (0_u32..).zip(is_live).filter_map(|(place, is_live)| is_live.then_some(place));
        let mut all: Vec<(u64, u32)> =
            live.map(|place| (self.slots.at(place).id.0, place)).collect();
        all.sort();
        all.into_iter().map(|(_, place)| place).collect()
    }

    /// The place of the account's order with the lowest id.
    pub(crate) fn oldest(&self, account: AccountId) -> Option<u32> {
        let place = self.lists.at(account.0 - 1).oldest;
        (place != NONE).then_some(place)
    }

    /// The place of the same account's next order.
    pub(crate) fn newer(&self, place: u32) -> Option<u32> {
        let newer = self.links.at(place).newer;
        (newer != NONE).then_some(newer)
    }

    /// The places of an account's orders, by ascending order id.
    pub(crate) fn open(&self, account: AccountId) -> impl Iterator<Item = u32> + '_ {
        core::iter::successors(self.oldest(account), |place| self.newer(*place))
    }
}
