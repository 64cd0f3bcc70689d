//! Request ids: what was done under which, so that a repeat changes nothing.
//!
//! Invariant: the last `max` are remembered, oldest forgotten first; kept in a ring in their order.

use crate::hash_index::{HashIndex, KeyHash};
use crate::paged::Paged;
use coulisse_types::{AccountId, Command, RequestId, Seq};

mod snapshot;

/// Bytes of a hashed key: the account's four and the id's sixteen.
const KEY_BYTES: usize = 4 + 16;

/// One remembered request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) account: AccountId,
    pub(crate) id: RequestId,
    pub(crate) first_seq: Seq,
    /// What was asked for.
    pub(crate) command: Command,
}

/// The remembered requests.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    ring: Paged<Request, 256>,
    /// Where the next one goes once the ring is full: where the oldest stands.
    oldest: u32,
    index: HashIndex,
    max: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "places stay below max, which is not zero there"
)]
impl RequestIds {
    pub(crate) fn new(max: u32, seed: u64) -> Self {
        Self { ring: Paged::new(max), oldest: 0, index: HashIndex::new(max, seed), max }
    }

    pub(crate) const fn count(&self) -> u32 {
        self.ring.len()
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    fn hash(&self, account: AccountId, request_id: RequestId) -> KeyHash {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&account.0.to_le_bytes());
        key[4..].copy_from_slice(&request_id.0.to_le_bytes());
        self.index.hash(&key)
    }

    /// What was asked for under this id.
    pub(crate) fn find(&self, account: AccountId, request_id: RequestId) -> Option<&Request> {
        let is_it = |place| {
            let request: &Request = self.ring.at(place);
            request.account == account && request.id == request_id
        };
        let place = self.index.find(self.hash(account, request_id), is_it)?;
        Some(self.ring.at(place))
    }

    /// Remembers a request that succeeded.
    pub(crate) fn remember(&mut self, request: Request) {
        if self.max == 0 {
            return;
        }
        let hash = self.hash(request.account, request.id);
        let place = if self.ring.len() < self.max {
            self.ring.push(request)
        } else {
            let place = self.oldest;
            let forgotten = *self.ring.at(place);
            let old_hash = self.hash(forgotten.account, forgotten.id);
            self.index.remove(old_hash, place);
            *self.ring.at_mut(place) = request;
            self.oldest = (place + 1) % self.max;
            place
        };
        self.index.add(hash, place);
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Request> {
        let places = (self.oldest..self.ring.len()).chain(0..self.oldest);
        places.map(|place| self.ring.at(place))
    }
}
