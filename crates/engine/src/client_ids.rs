//! Client order ids of closed orders: which are remembered, and which are forgotten.
//!
//! Invariants
//! - The id of a live order is never forgotten: it stands with the order, in [`crate::orders`].
//! - Of closed orders each account's last `closed_per_account_max` ids are remembered, and all ids
//!   together, with the live ones, are at most `max`; what closed longest ago is forgotten first.
//!
//! All closed ones form one list by time of closing, those of each account another. What an
//! account closed first comes first among its own in both, so the second list needs one direction.
//! Links lie apart from the entries: an entry is written once, when its order closes.

use crate::body::Body;
use crate::closed_index::ClosedIndex;
use crate::hash_index::KeyHash;
use crate::orders::Order;
use crate::paged::{Arena, NONE, Paged, index};
use crate::planted::{Fault, Planted};
use alloc::vec::Vec;
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, ClientOrderId, InstrumentId, OrderId, Seq};

mod snapshot;

/// A hashed key: the id with zeros behind it, and the account's four bytes.
const KEY_BYTES: usize = coulisse_types::limits::CLIENT_ORDER_ID_BYTES_MAX + 4;

/// Forgotten ids that leave the index together.
const LEAVING_MAX: u32 = 32;
/// Whose a forgotten id is.
const NOBODY: AccountId = AccountId(0);

/// The id of a closed order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub(crate) order_id: OrderId,
    pub(crate) first_seq: Seq,
    /// What was filled, in lots.
    pub(crate) filled_lots: i64,
    pub(crate) body: Body,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) state: OrderState,
}

/// Who closed before and after.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
    /// What the same account closed after it.
    next_of_account: u32,
}

/// The ends of a list.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    count: u32,
}

const EMPTY: List = List { oldest: NONE, newest: NONE, count: 0 };

/// All remembered ids of closed orders.
#[derive(Clone, Debug)]
pub(crate) struct ClientIds {
    closed: Arena<Closed, 1_024>,
    links: Paged<Links, 1_024>,
    index: ClosedIndex,
    /// Forgotten ones that still stand in the index: they are of no account.
    leaving: Vec<(KeyHash, u32)>,
    by_time: List,
    by_account: Paged<List, 1_024>,
    max: u32,
    closed_per_account_max: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "accounts exist and are from 1; counts of entries that exist"
)]
impl ClientIds {
    pub(crate) fn new(max: u32, closed_per_account_max: u32, accounts_max: u32, seed: u64) -> Self {
        Self {
            closed: Arena::new(max),
            links: Paged::new(max),
            // Those that leave are still in it.
            index: ClosedIndex::new(max.saturating_add(LEAVING_MAX), seed),
            leaving: Vec::with_capacity(index(LEAVING_MAX)),
            by_time: EMPTY,
            by_account: Paged::new(accounts_max),
            max,
            closed_per_account_max,
        }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.by_account.push(EMPTY);
    }

    /// Ids of closed orders that are remembered.
    #[inline]
    pub(crate) const fn count(&self) -> u32 {
        self.by_time.count
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Whether beside those of `live` orders one more can be remembered, if need be by forgetting.
    #[inline]
    pub(crate) const fn has_room(&self, live: u32) -> bool {
        live + self.count() < self.max || self.count() > 0
    }

    /// Makes room for one more beside those of `live` orders.
    #[inline]
    pub(crate) fn make_room(&mut self, live: u32) {
        if live + self.count() >= self.max {
            self.forget(self.by_time.oldest);
        }
    }

    /// The hash of an account's id.
    ///
    /// All keys are of one length, and written in words that are read again as they were written:
    /// nothing waits for a store.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the last word ends the buffer")]
    pub(crate) fn hash(&self, account: AccountId, id: &ClientOrderId) -> KeyHash {
        let [front @ .., a, b, c, d] = *id.padded();
        let last = u64::from(u32::from_le_bytes([a, b, c, d])) | u64::from(account.0) << 32;
        let mut key = [0; KEY_BYTES];
        key[..front.len()].copy_from_slice(&front);
        key[front.len()..].copy_from_slice(&last.to_le_bytes());
        self.index.hash(&key)
    }

    /// The closed order of an account's id, by its hash.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        account: AccountId,
        id: &ClientOrderId,
    ) -> Option<&Closed> {
        let place = self.index.find(hash, |place| {
            let closed = self.closed.at(place);
            closed.account == account && closed.client_order_id == *id
        })?;
        Some(self.closed.at(place))
    }

    /// Reads where a search for a key begins; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, hash: KeyHash) -> u64 {
        self.index.peek(hash)
    }

    /// Where the last order that an account closed stands, which the next one will follow.
    #[inline]
    pub(crate) fn newest_of(&self, account: AccountId) -> u32 {
        self.by_account.get(account.0.wrapping_sub(1)).map_or(NONE, |list| list.newest)
    }

    /// Reads what a closed order is linked by; the value means nothing.
    #[inline]
    pub(crate) fn peek_links(&self, place: u32) -> u32 {
        self.links.get(place).map_or(0, |links| links.after)
    }

    /// An order closed: from here on its id is one of the last of its account.
    #[inline]
    pub(crate) fn close(&mut self, order: &Order, state: OrderState, bug: Planted) {
        if order.client_order_id.is_empty() {
            return;
        }
        let closed = Closed {
            order_id: order.id,
            first_seq: order.first_seq,
            filled_lots: order.filled_lots,
            body: order.body,
            account: order.account,
            instrument: order.instrument,
            client_order_id: order.client_order_id,
            state,
        };
        let (oldest, count) = self.remember(&closed, order.hash);
        if count > self.closed_per_account_max || bug.is(Fault::ClientIdForgotten) {
            self.forget(oldest);
        }
    }

    /// Takes in the id that closed last; its account's oldest then, and how many the account has.
    #[inline]
    fn remember(&mut self, one: &Closed, hash: KeyHash) -> (u32, u32) {
        let closed = self.closed.insert(*one);
        self.index.add(hash, closed);
        let before = self.by_time.push(closed);
        let links = Links { before, after: NONE, next_of_account: NONE };
        if closed == self.links.len() {
            self.links.push(links);
        } else {
            *self.links.at_mut(closed) = links;
        }
        if before != NONE {
            self.links.at_mut(before).after = closed;
        }
        let list = self.by_account.at_mut(one.account.0 - 1);
        let before_of_account = list.push(closed);
        // Field by field: the whole list read at once would wait for the store to its newest.
        let (oldest, count) = (list.oldest, list.count);
        if before_of_account != NONE {
            self.links.at_mut(before_of_account).next_of_account = closed;
        }
        (oldest, count)
    }

    /// Forgets a closed id, the oldest of its account.
    #[inline(never)]
    fn forget(&mut self, place: u32) {
        let Closed { account, client_order_id, .. } = *self.closed.at(place);
        let Links { before, after, next_of_account } = *self.links.at(place);
        let list = self.by_account.at_mut(account.0 - 1);
        assert!(list.oldest == place, "an id was to be forgotten before its elder");
        list.drop_oldest(next_of_account);
        if before == NONE {
            self.by_time.drop_oldest(after);
        } else {
            self.links.at_mut(before).after = after;
            self.by_time.count -= 1;
            if after == NONE {
                self.by_time.newest = before;
            }
        }
        if after != NONE {
            self.links.at_mut(after).before = before;
        }
        let hash = self.hash(account, &client_order_id);
        self.closed.at_mut(place).account = NOBODY;
        self.leaving.push((hash, place));
        if self.leaving.len() == index(LEAVING_MAX) {
            self.let_go();
        }
    }

    /// Takes the forgotten out of the index, together: their cache misses overlap.
    #[inline(never)]
    fn let_go(&mut self) {
        let read = self.leaving.iter().fold(0, |read, (hash, _)| read ^ self.index.peek(*hash));
        core::hint::black_box(read);
        for (hash, place) in self.leaving.drain(..) {
            self.index.remove(hash, place);
            self.closed.free(place);
        }
    }

    /// The ids of closed orders, oldest close first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Closed> {
        let some = |place: u32| (place != NONE).then_some(place);
        let after = move |place: &u32| some(self.links.at(*place).after);
        core::iter::successors(some(self.by_time.oldest), after).map(|place| self.closed.at(place))
    }

    /// How many closed ones of an account are remembered.
    pub(crate) fn count_of(&self, account: AccountId) -> u32 {
        self.by_account.at(account.0 - 1).count
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "counts of entries that exist")]
impl List {
    /// Takes a new one in; the one that was the newest until then.
    fn push(&mut self, newest: u32) -> u32 {
        self.count += 1;
        if self.oldest == NONE {
            self.oldest = newest;
        }
        core::mem::replace(&mut self.newest, newest)
    }

    /// Lets the oldest go, which `next` followed.
    fn drop_oldest(&mut self, next: u32) {
        self.count -= 1;
        self.oldest = next;
        if next == NONE {
            self.newest = NONE;
        }
    }
}
