//! The state hash: SHA-256 over the canonical content of the state, section 7 of the rules.
//!
//! Ordered by id, by price and time, or by age: never by where something happens to stand.
//!
//! Cost: one pass over all that exists. On demand, not on the hot path.

use crate::accounts::Membership;
use crate::engine::Engine;
use crate::instruments::Listing;
use crate::orders::Order;
use crate::rows::{Rows, Sink};
use alloc::vec::Vec;
use coulisse_types::codec::Field;
use coulisse_types::{AssetId, Command, Event, Side};
use sha2::{Digest, Sha256};

/// What a content of this form starts with.
const MAGIC: &[u8] = b"coulisse-state-0";
/// Orders that are read together.
const TOGETHER: usize = 16;

impl Sink for Sha256 {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Takes fields and hashes them in chunks.
pub(crate) type Hasher = Rows<Sha256>;

impl Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.flush();
        self.sink.update(bytes);
    }

    /// The body of an event that begins with an id which is the place in a list already.
    fn body_after_id(&mut self, event: &Event) {
        let mut body = Vec::new();
        event.encode_body(&mut body);
        self.bytes(body.get(size_of::<u32>()..).unwrap_or_default());
    }
}

impl Engine {
    /// SHA-256 of the canonical content of the state: equal states have equal hashes, whatever way
    /// they came about.
    ///
    /// Cost: one pass over all that exists.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut out = Hasher::to(Sha256::new());
        out.bytes(MAGIC);
        out.put(&self.last_seq);
        if let Some(genesis) = self.genesis {
            out.row(|out| Command::Genesis(genesis).put_body(out));
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
            self.hash_withdrawals(&mut out);
        }
        out.flush();
        out.sink.finalize().into()
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
            let mut owners = listing.book.side_orders(side).map(|resting| resting.owner);
            let mut batch = Vec::with_capacity(TOGETHER);
            loop {
                batch.clear();
                batch.extend(owners.by_ref().take(TOGETHER));
                if batch.is_empty() {
                    break;
                }
                // Memory is in the order of ids: read first, their cache misses overlap.
                core::hint::black_box(self.orders.peek_all(batch.iter().copied()));
                for place in &batch {
                    Self::hash_order(out, self.orders.at(*place));
                }
            }
        }
    }

    /// What every live order has.
    pub(crate) fn hash_order(out: &mut Hasher, order: &Order) {
        out.row(|out| {
            order.id.put(out);
            order.account.put(out);
            order.price_ticks.put(out);
            order.qty_lots.put(out);
            order.filled_lots.put(out);
            order.charged_minor.put(out);
            order.traded_minor.put(out);
            order.fee_parts.put(out);
            order.post_only.put(out);
            order.maker_ppm.put(out);
            order.taker_ppm.put(out);
            order.first_seq.put(out);
            order.client_order_id.put(out);
        });
    }

    fn hash_remembered(&self, out: &mut Hasher) {
        out.put(&self.client_ids.count());
        for (account, entry) in self.client_ids.iter() {
            out.row(|out| {
                account.put(out);
                entry.hash().put(out);
                entry.order_id().put(out);
                entry.first_seq().put(out);
                entry.state().put(out);
                entry.filled_lots().put(out);
            });
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
