//! Client order ids: which are remembered, of which orders, and which are forgotten.
//!
//! Invariants
//! - The id of a live order is never forgotten.
//! - Of closed orders each account's last `closed_per_account_max` ids are remembered, and all ids
//!   together are at most `max`; what closed longest ago is forgotten first.
//!
//! All closed ones form one list by time of closing, those of each account another. What an
//! account closed first comes first among its own in both, so the second list needs one direction.

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

/// One remembered id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) order_id: OrderId,
    pub(crate) first_seq: Seq,
    /// What was filled when it closed. While it lives, the order knows.
    pub(crate) filled_lots: i64,
    body: Body,
    pub(crate) account: AccountId,
    instrument: InstrumentId,
    /// The order's place while it lives and rests, else [`NONE`].
    pub(crate) order: u32,
    /// What closed before it. In a free place: the next free one.
    closed_before: u32,
    /// What closed after it.
    closed_after: u32,
    /// What the same account closed after it.
    closed_next: u32,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) state: OrderState,
}

impl Entry {
    /// Whether the same was asked for.
    pub(crate) fn is_same(&self, place: &OrderPlace) -> bool {
        self.instrument == place.instrument && Body::of(place) == Some(self.body)
    }
}

impl Slot for Entry {
    fn set_next_free(&mut self, next: u32) {
        self.closed_before = next;
    }

    fn next_free(&self) -> u32 {
        self.closed_before
    }
}

/// The closed ones of one account.
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
    entries: Arena<Entry, 1_024>,
    index: HashIndex,
    by_account: Paged<List, 1_024>,
    closed: List,
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
            entries: Arena::new(max),
            index: HashIndex::new(max, seed),
            by_account: Paged::new(accounts_max),
            closed: EMPTY,
            max,
            closed_per_account_max,
        }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.by_account.push(EMPTY);
    }

    /// Ids remembered.
    pub(crate) const fn count(&self) -> u32 {
        self.entries.live()
    }

    /// Those of closed orders.
    pub(crate) const fn closed_count(&self) -> u32 {
        self.closed.count
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Whether one more can be remembered, if need be by forgetting a closed one.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.entries.live() < self.max || self.closed.count > 0
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the buffer is as long as the longest key")]
    pub(crate) fn hash(&self, account: AccountId, id: &ClientOrderId) -> KeyHash {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&account.0.to_le_bytes());
        let len = 4 + id.as_bytes().len();
        key[4..len].copy_from_slice(id.as_bytes());
        self.index.hash(&key[..len])
    }

    /// The entry of an account's id, by its hash.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        account: AccountId,
        id: &ClientOrderId,
    ) -> Option<u32> {
        self.index.find(hash, |place| {
            let entry = self.entries.at(place);
            entry.account == account && entry.client_order_id == *id
        })
    }

    #[inline]
    pub(crate) fn at(&self, place: u32) -> &Entry {
        self.entries.at(place)
    }

    /// The id at a place; empty for none.
    #[inline]
    pub(crate) fn id_at(&self, place: u32) -> ClientOrderId {
        if place == NONE {
            ClientOrderId::default()
        } else {
            self.entries.at(place).client_order_id
        }
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
        if self.entries.live() >= self.max {
            self.forget(self.closed.oldest);
        }
        let entry = self.entries.insert(Entry {
            order_id,
            first_seq,
            filled_lots: 0,
            body: Body::of(place).unwrap_or(Body([0; 2])),
            account,
            instrument: place.instrument,
            order: NONE,
            closed_before: NONE,
            closed_after: NONE,
            closed_next: NONE,
            client_order_id: place.client_order_id,
            state: OrderState::Open,
        });
        self.index.add(hash, entry);
        entry
    }

    /// The order of an id rests at this place.
    #[inline]
    pub(crate) fn rests(&mut self, place: u32, order: u32) {
        if place != NONE {
            self.entries.at_mut(place).order = order;
        }
    }

    /// The order of an id closed: from here on it is one of the last of its account.
    #[inline]
    pub(crate) fn close(&mut self, place: u32, state: OrderState, filled_lots: i64, bug: Planted) {
        if place == NONE {
            return;
        }
        let before = self.closed.newest;
        let entry = self.entries.at_mut(place);
        entry.state = state;
        entry.filled_lots = filled_lots;
        entry.order = NONE;
        entry.closed_before = before;
        entry.closed_after = NONE;
        entry.closed_next = NONE;
        let list = self.by_account.at_mut(entry.account.0 - 1);
        let account_before = core::mem::replace(&mut list.newest, place);
        list.count += 1;
        let (oldest, too_many) = (list.oldest, list.count > self.closed_per_account_max);
        if account_before == NONE {
            list.oldest = place;
        } else {
            self.entries.at_mut(account_before).closed_next = place;
        }
        if before == NONE {
            self.closed.oldest = place;
        } else {
            self.entries.at_mut(before).closed_after = place;
        }
        self.closed.newest = place;
        self.closed.count += 1;
        if too_many || bug.is(Fault::ClientIdForgotten) {
            self.forget(if oldest == NONE { place } else { oldest });
        }
    }

    /// Forgets a closed id, the oldest of its account.
    fn forget(&mut self, place: u32) {
        let Entry { account, client_order_id, closed_before, closed_after, closed_next, .. } =
            *self.entries.at(place);
        let list = self.by_account.at_mut(account.0 - 1);
        assert!(list.oldest == place, "an id was to be forgotten before its elder");
        list.oldest = closed_next;
        list.count -= 1;
        if closed_next == NONE {
            list.newest = NONE;
        }
        if closed_before == NONE {
            self.closed.oldest = closed_after;
        } else {
            self.entries.at_mut(closed_before).closed_after = closed_after;
        }
        if closed_after == NONE {
            self.closed.newest = closed_before;
        } else {
            self.entries.at_mut(closed_after).closed_before = closed_before;
        }
        self.closed.count -= 1;
        let hash = self.hash(account, &client_order_id);
        self.index.remove(hash, place);
        self.entries.free(place);
    }

    /// The entries of closed orders, oldest close first.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &Entry> {
        let first = (self.closed.oldest != NONE).then(|| self.entries.at(self.closed.oldest));
        core::iter::successors(first, |entry| {
            (entry.closed_after != NONE).then(|| self.entries.at(entry.closed_after))
        })
    }

    /// How many closed ones of an account are remembered.
    pub(crate) fn closed_of(&self, account: AccountId) -> u32 {
        self.by_account.at(account.0 - 1).count
    }
}
