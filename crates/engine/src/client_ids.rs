//! Client order ids: which are remembered, of which orders, and which are forgotten.
//!
//! Invariants
//! - The id of a live order is never forgotten.
//! - Of closed orders each account's last `closed_per_account_max` ids are remembered, and all ids
//!   together are at most `max`; what closed longest ago is forgotten first.
//!
//! Live and closed ids stand apart: the live ones are few and stay in the processor's caches, where
//! a cancel finds its order; of the closed ones, up to a million, a command only asks whether one
//! is there, and nothing waits for the answer.
//!
//! All closed ones form one list by time of closing, those of each account another. What an
//! account closed first comes first among its own in both, so the second list needs one direction.

use crate::closed_index::ClosedIndex;
use crate::hash_index::{HashIndex, KeyHash};
use crate::paged::{Arena, NONE, Paged, Slot};
use crate::planted::{Fault, Planted};
use coulisse_types::command::OrderPlace;
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, ClientOrderId, InstrumentId, OrderId, OrderType, Seq};

/// Longest hashed key: the account's four bytes and the id.
const KEY_BYTES: usize = 4 + coulisse_types::limits::CLIENT_ORDER_ID_BYTES_MAX;

/// What was asked for in an accepted placement, but for the instrument, in two words.
///
/// The first word is the qty, or the low half of the notional; the second the price, or the high
/// half, with side, type, time in force and flags in its top byte. Accepted values leave that free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body([u64; 2]);

impl Body {
    const FLAGS_SHIFT: u32 = 56;

    /// `None` for a placement that could never have been accepted.
    #[inline]
    pub(crate) fn of(place: &OrderPlace) -> Option<Self> {
        let by_notional = place.notional.minor() != 0;
        let (low, high) = if by_notional {
            let market = place.order_type == OrderType::Market;
            if !market || !place.qty.is_zero() || place.price.ticks() != 0 {
                return None;
            }
            let minor = u128::try_from(place.notional.minor()).ok()?;
            (u64::try_from(minor & u128::from(u64::MAX)).ok()?, u64::try_from(minor >> 64).ok()?)
        } else {
            let lots = u64::try_from(place.qty.lots()).ok()?;
            (lots, u64::try_from(place.price.ticks()).ok()?)
        };
        if high >> Self::FLAGS_SHIFT != 0 {
            return None;
        }
        let flags = u64::from(place.side.number())
            | u64::from(place.order_type.number()) << 1
            | u64::from(place.time_in_force.number()) << 2
            | u64::from(place.post_only) << 4
            | u64::from(by_notional) << 5;
        Some(Self([low, high | flags << Self::FLAGS_SHIFT]))
    }
}

/// The id of a live order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) order_id: OrderId,
    pub(crate) first_seq: Seq,
    body: Body,
    hash: KeyHash,
    account: AccountId,
    instrument: InstrumentId,
    /// The order's place while it rests. In a free place: the next free one.
    pub(crate) order: u32,
    pub(crate) client_order_id: ClientOrderId,
}

impl Slot for Live {
    fn set_next_free(&mut self, next: u32) {
        self.order = next;
    }

    fn next_free(&self) -> u32 {
        self.order
    }
}

/// The id of a closed order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub(crate) order_id: OrderId,
    pub(crate) first_seq: Seq,
    pub(crate) filled_lots: i64,
    body: Body,
    pub(crate) account: AccountId,
    instrument: InstrumentId,
    /// What closed before it. In a free place: the next free one.
    before: u32,
    /// What closed after it.
    after: u32,
    /// What the same account closed after it.
    next_of_account: u32,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) state: OrderState,
}

impl Slot for Closed {
    fn set_next_free(&mut self, next: u32) {
        self.before = next;
    }

    fn next_free(&self) -> u32 {
        self.before
    }
}

/// What is known of an id that was used before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) order_id: OrderId,
    pub(crate) first_seq: Seq,
    /// Whether the same was asked for.
    pub(crate) is_same: bool,
    pub(crate) standing: Standing,
}

/// Where the order of an id stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// On the book; its place among the live orders.
    Live(u32),
    /// Nowhere; how it ended and what was filled, in lots.
    Closed(OrderState, i64),
}

/// The ends of a list of closed ones.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    count: u32,
}

const EMPTY: List = List { oldest: NONE, newest: NONE, count: 0 };

/// All remembered ids.
#[derive(Clone, Debug)]
pub(crate) struct ClientIds {
    live: Arena<Live, 1_024>,
    live_index: HashIndex,
    closed: Arena<Closed, 1_024>,
    closed_index: ClosedIndex,
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
            live: Arena::new(max),
            live_index: HashIndex::new(max, seed),
            closed: Arena::new(max),
            closed_index: ClosedIndex::new(max, seed),
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

    /// Ids remembered.
    #[inline]
    pub(crate) const fn count(&self) -> u32 {
        self.live.live() + self.closed.live()
    }

    /// Those of closed orders.
    pub(crate) const fn closed_count(&self) -> u32 {
        self.closed.live()
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Whether one more can be remembered, if need be by forgetting a closed one.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.count() < self.max || self.closed.live() > 0
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the buffer is as long as the longest key")]
    pub(crate) fn hash(&self, account: AccountId, id: &ClientOrderId) -> KeyHash {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&account.0.to_le_bytes());
        let len = 4 + id.as_bytes().len();
        key[4..len].copy_from_slice(id.as_bytes());
        self.live_index.hash(&key[..len])
    }

    /// The place of an account's live id, by its hash.
    #[inline]
    pub(crate) fn find_live(
        &self,
        hash: KeyHash,
        account: AccountId,
        id: &ClientOrderId,
    ) -> Option<u32> {
        self.live_index.find(hash, |place| {
            let live = self.live.at(place);
            live.account == account && live.client_order_id == *id
        })
    }

    /// The closed order of an account's id, by its hash.
    #[inline]
    pub(crate) fn find_closed(
        &self,
        hash: KeyHash,
        account: AccountId,
        id: &ClientOrderId,
    ) -> Option<&Closed> {
        let place = self.closed_index.find(hash, |place| {
            let closed = self.closed.at(place);
            closed.account == account && closed.client_order_id == *id
        })?;
        Some(self.closed.at(place))
    }

    /// What is known of the id that a placement carries.
    #[inline]
    pub(crate) fn known(
        &self,
        hash: KeyHash,
        account: AccountId,
        place: &OrderPlace,
    ) -> Option<Known> {
        let is_same =
            |instrument, body| place.instrument == instrument && Body::of(place) == Some(body);
        if let Some(live) = self.find_live(hash, account, &place.client_order_id) {
            let Live { order_id, first_seq, body, instrument, order, .. } = *self.live.at(live);
            let (is_same, standing) = (is_same(instrument, body), Standing::Live(order));
            return Some(Known { order_id, first_seq, is_same, standing });
        }
        let closed = self.find_closed(hash, account, &place.client_order_id)?;
        let Closed { order_id, first_seq, body, instrument, state, filled_lots, .. } = *closed;
        let standing = Standing::Closed(state, filled_lots);
        Some(Known { order_id, first_seq, is_same: is_same(instrument, body), standing })
    }

    /// Reads where the look-ups of a key begin; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, hash: KeyHash) -> u64 {
        self.closed_index.peek(hash) ^ self.live_index.peek(hash)
    }

    /// Reads what an account closed last; the value means nothing.
    #[inline]
    pub(crate) fn peek_last_closed(&self, account: AccountId) -> u32 {
        match self.by_account.get(account.0.wrapping_sub(1)) {
            Some(list) if list.newest != NONE => self.closed.at(list.newest).next_of_account,
            _ => 0,
        }
    }

    /// Where a live id probably stands, without a look at it.
    #[inline]
    pub(crate) fn guess(&self, hash: KeyHash) -> Option<u32> {
        self.live_index.find(hash, |_| true)
    }

    /// A live id by its place.
    #[inline]
    pub(crate) fn live_at(&self, place: u32) -> &Live {
        self.live.at(place)
    }

    /// The id at a place; empty for none.
    #[inline]
    pub(crate) fn id_at(&self, place: u32) -> ClientOrderId {
        if place == NONE { ClientOrderId::default() } else { self.live.at(place).client_order_id }
    }

    /// Remembers the id of an accepted placement; its place. Makes room if it must.
    #[inline]
    pub(crate) fn remember(
        &mut self,
        hash: KeyHash,
        place: &OrderPlace,
        account: AccountId,
        order_id: OrderId,
        first_seq: Seq,
    ) -> u32 {
        if self.count() >= self.max {
            self.forget(self.by_time.oldest);
        }
        let live = self.live.insert(Live {
            order_id,
            first_seq,
            body: Body::of(place).unwrap_or(Body([0; 2])),
            hash,
            account,
            instrument: place.instrument,
            order: NONE,
            client_order_id: place.client_order_id,
        });
        self.live_index.add(hash, live);
        live
    }

    /// The order of an id rests at this place.
    #[inline]
    pub(crate) fn rests(&mut self, place: u32, order: u32) {
        if place != NONE {
            self.live.at_mut(place).order = order;
        }
    }

    /// The order of an id closed: from here on it is one of the last of its account.
    #[inline]
    pub(crate) fn close(&mut self, place: u32, state: OrderState, filled_lots: i64, bug: Planted) {
        if place == NONE {
            return;
        }
        let live = self.live.at(place);
        let (hash, account) = (live.hash, live.account);
        let list = self.by_account.at_mut(account.0 - 1);
        let before = self.by_time.newest;
        let closed = self.closed.insert(Closed {
            order_id: live.order_id,
            first_seq: live.first_seq,
            filled_lots,
            body: live.body,
            account,
            instrument: live.instrument,
            before,
            after: NONE,
            next_of_account: NONE,
            client_order_id: live.client_order_id,
            state,
        });
        self.live_index.remove(hash, place);
        self.live.free(place);
        self.closed_index.add(hash, closed);
        let before_of_account = list.push(closed);
        let (oldest, too_many) = (list.oldest, list.count > self.closed_per_account_max);
        self.by_time.push(closed);
        if before_of_account != NONE {
            self.closed.at_mut(before_of_account).next_of_account = closed;
        }
        if before != NONE {
            self.closed.at_mut(before).after = closed;
        }
        if too_many || bug.is(Fault::ClientIdForgotten) {
            self.forget(oldest);
        }
    }

    /// Forgets a closed id, the oldest of its account.
    #[inline(never)]
    fn forget(&mut self, place: u32) {
        let Closed { account, client_order_id, before, after, next_of_account, .. } =
            *self.closed.at(place);
        let list = self.by_account.at_mut(account.0 - 1);
        assert!(list.oldest == place, "an id was to be forgotten before its elder");
        list.drop_oldest(next_of_account);
        if before == NONE {
            self.by_time.drop_oldest(after);
        } else {
            self.closed.at_mut(before).after = after;
            self.by_time.count -= 1;
            if after == NONE {
                self.by_time.newest = before;
            }
        }
        if after != NONE {
            self.closed.at_mut(after).before = before;
        }
        let hash = self.hash(account, &client_order_id);
        self.closed_index.remove(hash, place);
        self.closed.free(place);
    }

    /// The ids of closed orders, oldest close first.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &Closed> {
        let at = |place: u32| (place != NONE).then(|| self.closed.at(place));
        core::iter::successors(at(self.by_time.oldest), move |closed| at(closed.after))
    }

    /// How many closed ones of an account are remembered.
    pub(crate) fn closed_of(&self, account: AccountId) -> u32 {
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
