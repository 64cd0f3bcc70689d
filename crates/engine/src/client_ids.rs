//! Client order ids of closed orders: which are remembered, and which are forgotten.
//!
//! Invariants
//! - The id of a live order is never forgotten: it stands with the order, in [`crate::orders`].
//! - Of closed orders each account's last `closed_per_account_max` ids are remembered, and all ids
//!   together, with the live ones, are at most `max`. Where one more would be too many together, the
//!   account that places forgets the first that it closed; one that has none takes the place of
//!   the next account's that has one. So nobody's flood forgets what others did.
//!
//! There may be as many of them as there are orders in seconds, so each is kept small: of an id and
//! of what was asked for only a hash of 64 bits. An order whose id has the hash of another one of its
//! account's last 4,096 is refused as a conflict: by chance one in 4.5 * 10^15, and only who knows the
//! seed could make one, for its own account.

use crate::body::Body;
use crate::closed_window::{CHUNK, Window};
use crate::hash_index::KeyHash;
use crate::orders::Order;
use crate::paged::{Arena, Paged, index};
use crate::planted::{Fault, Planted};
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, ClientOrderId, InstrumentId, OrderId, Seq};

mod snapshot;

/// A hashed key: the id with zeros behind it, and the account's four bytes.
const KEY_BYTES: usize = coulisse_types::limits::CLIENT_ORDER_ID_BYTES_MAX + 4;
/// Where in a word of [`Closed`] the state stands, above an order id.
const STATE_SHIFT: u32 = 56;

/// What is remembered of a closed order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Closed {
    hash: KeyHash,
    /// The order's id, below 2^53, and its state.
    order: u64,
    first_seq: Seq,
    /// What was filled, in lots.
    filled_lots: i64,
    /// A hash of what was asked for, and in which instrument.
    asked: u64,
}

impl Closed {
    fn of(order: &Order, state: OrderState) -> Self {
        Self {
            hash: order.hash,
            order: order.id.0 | u64::from(state.number()) << STATE_SHIFT,
            first_seq: order.first_seq,
            filled_lots: order.filled_lots,
            asked: order.body.hash_in(order.instrument),
        }
    }

    pub(crate) const fn order_id(&self) -> OrderId {
        OrderId(self.order & ((1 << STATE_SHIFT) - 1))
    }

    /// How it ended. `Open` never: an entry is made when an order ends.
    pub(crate) fn state(&self) -> OrderState {
        let number = u8::try_from(self.order >> STATE_SHIFT).ok();
        number.and_then(OrderState::from_number).unwrap_or(OrderState::Open)
    }

    /// The hash of its client order id.
    pub(crate) const fn hash(&self) -> KeyHash {
        self.hash
    }

    pub(crate) const fn first_seq(&self) -> Seq {
        self.first_seq
    }

    pub(crate) const fn filled_lots(&self) -> i64 {
        self.filled_lots
    }

    /// Whether this was asked for.
    pub(crate) fn is_of(&self, instrument: InstrumentId, body: &Body) -> bool {
        self.asked == body.hash_in(instrument)
    }
}

/// All remembered ids of closed orders.
#[derive(Clone, Debug)]
pub(crate) struct ClientIds {
    /// The entries, in chunks of one account each.
    closed: Arena<[Closed; index(CHUNK)], 128>,
    by_account: Paged<Window, 1_024>,
    count: u32,
    max: u32,
    closed_per_account_max: u32,
    seed: u64,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "accounts exist and are from 1; counts of entries that exist"
)]
impl ClientIds {
    pub(crate) fn new(max: u32, closed_per_account_max: u32, accounts_max: u32, seed: u64) -> Self {
        Self {
            // No chunk is without an entry.
            closed: Arena::new(max),
            by_account: Paged::new(accounts_max),
            count: 0,
            max,
            closed_per_account_max,
            seed,
        }
    }

    /// Adds room for the next account.
    pub(crate) fn add_account(&mut self) {
        self.by_account.push(Window::default());
    }

    /// Ids of closed orders that are remembered.
    #[inline]
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    /// Whether beside those of `live` orders one more can be remembered, if need be by forgetting.
    #[inline]
    pub(crate) const fn has_room(&self, live: u32) -> bool {
        live + self.count < self.max || self.count > 0
    }

    /// Makes room for one more of an account beside those of `live` orders.
    #[inline]
    pub(crate) fn make_room(&mut self, account: AccountId, live: u32) {
        if live + self.count >= self.max {
            self.forget_for(account);
        }
    }

    /// Forgets the oldest of the account, or else of the next one that has one, the first after the
    /// last.
    #[cold]
    #[inline(never)]
    fn forget_for(&mut self, account: AccountId) {
        let all = self.by_account.len();
        let mut from_it = (account.0..=all).chain(1..account.0).map(AccountId);
        if let Some(whose) = from_it.find(|one| self.count_of(*one) > 0) {
            self.forget(whose);
        }
    }

    /// The hash of an account's id.
    #[inline]
    pub(crate) fn hash(&self, account: AccountId, id: &ClientOrderId) -> KeyHash {
        KeyHash::of(&key(account, id), self.seed)
    }

    /// The closed order of an account's id, by its hash.
    #[inline]
    pub(crate) fn find(&self, account: AccountId, hash: KeyHash) -> Option<&Closed> {
        let window = self.by_account.get(account.0.wrapping_sub(1))?;
        let number = window.find(hash, |number| self.at(window.entry(number)).hash == hash)?;
        Some(self.at(window.entry(number)))
    }

    /// Reads what an account's window is found by; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, account: AccountId) -> u32 {
        self.by_account.get(account.0.wrapping_sub(1)).map_or(0, Window::count)
    }

    /// Reads where a search for a hash begins; the value means nothing.
    #[inline]
    pub(crate) fn peek_hash(&self, account: AccountId, hash: KeyHash) -> u32 {
        self.by_account.get(account.0.wrapping_sub(1)).map_or(0, |window| window.peek(hash))
    }

    /// Reads what closing an order of the account will need when so many close before it; the value means
    /// nothing.
    #[inline]
    pub(crate) fn peek_close(&self, account: AccountId, before: u32) -> u32 {
        let window = self.by_account.get(account.0.wrapping_sub(1));
        window.map_or(0, |window| window.peek_swept(before))
    }

    /// An order closed: from here on its id is one of the last of its account.
    #[inline]
    pub(crate) fn close(&mut self, order: &Order, state: OrderState, bug: Planted) {
        if order.client_order_id.is_empty() || self.closed_per_account_max == 0 {
            return;
        }
        let account = order.account;
        if self.count_of(account) == self.closed_per_account_max {
            self.forget(account);
        }
        self.remember(account, Closed::of(order, state));
        if bug.is(Fault::ClientIdForgotten) {
            self.forget(account);
        }
    }

    #[inline]
    fn remember(&mut self, account: AccountId, one: Closed) {
        let Self { closed, by_account, .. } = self;
        let window = by_account.at_mut(account.0 - 1);
        let empty = [Closed::default(); index(CHUNK)];
        window.push(one.hash, || closed.insert(empty));
        let place = window.newest_entry();
        if let Some(entry) = closed.at_mut(place / CHUNK).get_mut(index(place % CHUNK)) {
            *entry = one;
        }
        self.count += 1;
    }

    /// Forgets the first that an account closed; it has one.
    #[inline]
    fn forget(&mut self, account: AccountId) {
        if let Some(chunk) = self.by_account.at_mut(account.0 - 1).pop() {
            self.closed.free(chunk);
        }
        self.count -= 1;
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a remainder is within a chunk")]
    fn at(&self, place: u32) -> &Closed {
        &self.closed.at(place / CHUNK)[index(place % CHUNK)]
    }

    /// The closed orders by account, of each the first closed first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (AccountId, &Closed)> {
        (1..).map(AccountId).zip(self.by_account.iter()).flat_map(move |(account, window)| {
            window.numbers().map(move |number| (account, self.at(window.entry(number))))
        })
    }

    /// How many closed ones of an account are remembered.
    #[inline]
    pub(crate) fn count_of(&self, account: AccountId) -> u32 {
        self.by_account.at(account.0 - 1).count()
    }
}

/// What is hashed.
///
/// All keys are of one length, and written in words that are read again as they were written:
/// nothing waits for a store.
#[inline]
#[expect(clippy::indexing_slicing, reason = "the last word ends the buffer")]
fn key(account: AccountId, id: &ClientOrderId) -> [u8; KEY_BYTES] {
    let [front @ .., a, b, c, d] = *id.padded();
    let last = u64::from(u32::from_le_bytes([a, b, c, d])) | u64::from(account.0) << 32;
    let mut key = [0; KEY_BYTES];
    key[..front.len()].copy_from_slice(&front);
    key[front.len()..].copy_from_slice(&last.to_le_bytes());
    key
}
