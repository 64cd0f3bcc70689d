//! The state hash: SHA-256 over the canonical content of the state, section 7 of the rules.
//!
//! Ordered by id, by price and time, or by age: never by where something happens to stand.
//!
//! Cost: one pass over all that exists. On demand, not on the hot path.

use crate::accounts::Membership;
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::orders::Order;
use alloc::vec::Vec;
use coulisse_types::codec::Field;
use coulisse_types::{AssetId, Command, Event, Side};
use sha2::{Digest, Sha256};

/// What a content of this form starts with.
const MAGIC: &[u8] = b"coulisse-state-0";
/// Bytes gathered before they are hashed.
const CHUNK_BYTES: usize = 1 << 16;

pub(crate) struct Hasher {
    sha: Sha256,
    chunk: Vec<u8>,
}

impl Hasher {
    pub(crate) fn put(&mut self, field: &impl Field) {
        field.encode(&mut self.chunk);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.put(&u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// The body of an event that begins with an id which is the place in a list already.
    fn body_after_id(&mut self, event: &Event) {
        let mut body = Vec::new();
        event.encode_body(&mut body);
        self.chunk.extend_from_slice(body.get(size_of::<u32>()..).unwrap_or_default());
    }

    fn flush(&mut self) {
        self.sha.update(&self.chunk);
        self.chunk.clear();
    }
}

impl Engine {
    /// SHA-256 of the canonical content of the state: equal states have equal hashes, whatever way
    /// they came about.
    ///
    /// Cost: one pass over all that exists.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut out =
            Hasher { sha: Sha256::new(), chunk: Vec::with_capacity(CHUNK_BYTES.saturating_mul(2)) };
        out.chunk.extend_from_slice(MAGIC);
        out.put(&self.last_seq);
        if let Some(genesis) = self.genesis {
            Command::Genesis(genesis).encode_body(&mut out.chunk);
            self.hash_assets(&mut out);
            self.hash_accounts(&mut out);
            self.hash_keys(&mut out);
            out.count(self.instruments.iter().count());
            for listing in self.instruments.iter() {
                self.hash_listing(&mut out, listing);
            }
            out.put(&self.order_counter);
            self.hash_remembered(&mut out);
            self.hash_nodes(&mut out);
            self.hash_groups(&mut out);
            self.hash_trading(&mut out);
            self.hash_terms(&mut out);
            self.hash_auctions(&mut out);
            self.hash_risk(&mut out);
            self.hash_key_terms(&mut out);
        }
        out.flush();
        out.sha.finalize().into()
    }

    fn hash_assets(&self, out: &mut Hasher) {
        out.put(&self.ledger.asset_count());
        for asset in self.ledger.assets() {
            out.put(&asset.name);
            out.put(&asset.scale);
            out.put(&asset.net_deposits);
            out.put(&asset.fees);
            out.put(&asset.rounding);
        }
    }

    fn hash_accounts(&self, out: &mut Hasher) {
        out.put(&self.accounts.count());
        let assets: Vec<AssetId> = self.ledger.assets().map(|asset| asset.id).collect();
        for account in self.accounts.iter() {
            out.put(&account.name);
            let balances = || {
                let all =
                    assets.iter().map(|asset| (asset, self.ledger.balance(account.id, *asset)));
                all.filter(|(_, balance)| *balance != crate::Balance::default())
            };
            out.count(balances().count());
            for (asset, balance) in balances() {
                out.put(asset);
                out.put(&balance.available);
                out.put(&balance.held);
            }
        }
    }

    fn hash_keys(&self, out: &mut Hasher) {
        out.put(&self.keys.count());
        for key in self.keys.iter() {
            out.put(&key.key_id);
            out.put(&key.public_key());
            out.put(&key.account);
            out.put(&key.permissions);
        }
    }

    fn hash_listing(&self, out: &mut Hasher, listing: &Listing) {
        out.body_after_id(&Event::InstrumentCreated(listing.rules.created()));
        out.put(&listing.last_trade_id);
        for side in [Side::Buy, Side::Sell] {
            out.count(listing.book.side_orders(side).count());
            for resting in listing.book.side_orders(side) {
                Self::hash_order(out, self.orders.at(resting.owner));
            }
        }
    }

    /// What every live order has.
    pub(crate) fn hash_order(out: &mut Hasher, order: &Order) {
        out.put(&order.id);
        out.put(&order.account);
        out.put(&order.price_ticks);
        out.put(&order.qty_lots);
        out.put(&order.filled_lots);
        out.put(&order.charged_minor);
        out.put(&order.traded_minor);
        out.put(&order.fee_parts);
        out.put(&order.post_only);
        out.put(&order.maker_ppm);
        out.put(&order.taker_ppm);
        out.put(&order.first_seq);
        out.put(&order.client_order_id);
    }

    fn hash_remembered(&self, out: &mut Hasher) {
        out.put(&self.client_ids.count());
        for entry in self.client_ids.iter() {
            out.put(&entry.account);
            out.put(&entry.client_order_id);
            out.put(&entry.order_id);
            out.put(&entry.first_seq);
            out.put(&entry.state);
            out.put(&entry.filled_lots);
        }
        out.put(&self.request_ids.count());
        for request in self.request_ids.iter() {
            out.put(&request.account);
            out.put(&request.id);
            out.put(&request.first_seq);
        }
    }

    fn hash_nodes(&self, out: &mut Hasher) {
        let started = || (0..=u16::MAX).zip(&self.incarnations).filter(|(_, newest)| **newest != 0);
        out.count(started().count());
        for (node, newest) in started() {
            out.put(&node);
            out.put(newest);
        }
    }

    fn hash_groups(&self, out: &mut Hasher) {
        out.put(&self.groups.count());
        for group in self.groups.iter() {
            out.put(&group.name);
        }
        for account in self.accounts.iter() {
            let Membership { group, trade_group } = self.accounts.membership(account.id);
            out.put(&group);
            out.put(&trade_group);
        }
    }

    fn hash_trading(&self, out: &mut Hasher) {
        for listing in self.instruments.iter() {
            let configured = listing.config.configured(listing.rules.id);
            out.body_after_id(&Event::InstrumentConfigured(configured));
            out.put(&listing.last_price_ticks);
            out.put(&listing.mark_ticks);
            out.put(&listing.state);
        }
    }
}
