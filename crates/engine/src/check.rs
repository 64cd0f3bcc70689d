//! The invariants of the engine, verified by walking all of it.

use crate::engine::Engine;
use crate::orders::Order;
use alloc::collections::BTreeMap;
use coulisse_types::event::OrderState;
use coulisse_types::{AccountId, AssetId, InstrumentId, OrderId, Side, TradingState};

/// Which invariant does not hold, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A book is broken.
    Book {
        /// Whose.
        instrument: InstrumentId,
        /// How.
        broken: coulisse_book::Broken,
    },
    /// A live order and the book do not agree about it, or its id does not find it.
    Order {
        /// The order.
        order_id: OrderId,
    },
    /// An order waits that should rest, rests that should wait, or shows what it should not.
    Terms {
        /// The order.
        order_id: OrderId,
    },
    /// What an instrument's prices are watched for is not what waits there.
    Watch {
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// What an instrument knows of its auctions, or of its way of matching, is not so.
    Auction {
        /// Which instrument; 0 for what is known of all.
        instrument: InstrumentId,
    },
    /// A list and its legs do not agree.
    List {
        /// The order id of its leg 0.
        list_id: OrderId,
    },
    /// What is due at a time is not what orders and accounts say.
    Timers {
        /// Expiries in the tree.
        expiries: u32,
        /// Dead men's switches in the tree.
        switches: u32,
    },
    /// The nodes of all trees are not those in use.
    Nodes {
        /// How many there are.
        count: u32,
    },
    /// Not as many orders rest on the books, or wait, as live, or as the accounts list.
    OrderCount {
        /// On the books.
        resting: u64,
        /// In the table.
        live: u32,
        /// In the accounts' lists.
        listed: u64,
    },
    /// What an account holds is not what its orders need and its withdrawals wait for.
    Held {
        /// Whose.
        account: AccountId,
        /// Of which asset.
        asset: AssetId,
        /// What it holds, in minor units.
        held_minor: i128,
        /// What its orders and its withdrawals need, in minor units.
        need_minor: i128,
    },
    /// A balance is negative.
    Negative {
        /// Whose.
        account: AccountId,
        /// Of which asset.
        asset: AssetId,
    },
    /// Balances and fees of an asset are not what was deposited and not withdrawn.
    Money {
        /// Which asset.
        asset: AssetId,
        /// Balances and fees less net deposits, in minor units.
        excess_minor: i128,
    },
    /// A position is not of one piece, or its open lots are not those of its live orders.
    Position {
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
    },
    /// Lots of a group, or of the firm, are not those of its accounts, or the firm's are not even.
    Sums {
        /// Whose; 0 for the firm.
        group: u32,
        /// In which instrument.
        instrument: InstrumentId,
    },
    /// What lots are worth at most, or what limits surely let pass, is not what it follows from.
    Worth {
        /// Whose; 0 for the firm or a group.
        account: AccountId,
        /// In which instrument; 0 for what is known of an asset.
        instrument: InstrumentId,
    },
    /// Live orders are counted wrongly: by group, dead ones, or those that may only reduce.
    LiveCount,
    /// A client order id is remembered wrongly.
    ClientId {
        /// The order it belongs to.
        order_id: OrderId,
    },
    /// More client order ids are remembered than may be.
    ClientIdCount {
        /// How many there are.
        count: u32,
        /// Those of closed orders.
        closed: u32,
    },
}

/// Sums of needs, in minor units, by account and asset.
pub(crate) type Needs = BTreeMap<(u32, u32), i128>;

#[expect(clippy::arithmetic_side_effects, reason = "sums and counts of what exists")]
impl Engine {
    /// Verifies every invariant.
    ///
    /// Cost: one step per order, level, balance and remembered id. For tests.
    ///
    /// # Errors
    /// [`Broken`], the first that does not hold.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        let mut needs = Needs::new();
        let mut resting = 0_u64;
        for listing in self.instruments.iter() {
            let instrument = listing.rules.id;
            let book = match listing.state {
                TradingState::Auction | TradingState::Halted => listing.book.check_structure(),
                _ => listing.book.check(),
            };
            book.map_err(|broken| Broken::Book { instrument, broken })?;
            for side in [Side::Buy, Side::Sell] {
                for on_book in listing.book.side_orders(side) {
                    let order = self.orders.at(on_book.owner);
                    let is_same = order.id == on_book.order_id
                        && order.handle == on_book.handle
                        && order.side == side
                        && self.rests_rightly(order, &on_book)
                        && order.instrument == instrument
                        && self.orders.find(order.id) == Some(on_book.owner);
                    if !is_same {
                        return Err(Broken::Order { order_id: on_book.order_id });
                    }
                    let asset = order.held_asset(&listing.rules);
                    *needs.entry((order.account.0, asset)).or_default() +=
                        order.need(&listing.rules);
                    resting += 1;
                }
            }
        }
        let waiting = self.check_waiting(&mut needs)?;
        self.check_lists(resting + waiting)?;
        self.check_watched()?;
        self.check_auctions()?;
        for one in self.waiting_withdrawals() {
            *needs.entry((one.account.0, one.asset.0)).or_default() += one.amount.minor();
        }
        self.check_money(&needs)?;
        self.check_risk()?;
        self.check_client_ids()
    }

    fn check_lists(&self, resting: u64) -> Result<(), Broken> {
        let (live, mut listed) = (self.orders.live(), 0_u64);
        for account in self.accounts.iter() {
            let mut last = OrderId(0);
            let before = listed;
            for place in self.orders.open(account.id) {
                let order = self.orders.at(place);
                if order.account != account.id || order.id <= last {
                    return Err(Broken::Order { order_id: order.id });
                }
                last = order.id;
                listed += 1;
            }
            if listed - before != u64::from(self.orders.open_count(account.id)) {
                return Err(Broken::OrderCount { resting, live, listed });
            }
        }
        if resting != u64::from(live) || listed != resting {
            return Err(Broken::OrderCount { resting, live, listed });
        }
        Ok(())
    }

    fn check_money(&self, needs: &Needs) -> Result<(), Broken> {
        for row in self.ledger.assets() {
            let asset = row.id;
            let mut sum_minor = row.fees.minor() + row.rounding.minor() - row.net_deposits.minor();
            for account in self.accounts.iter() {
                let balance = self.ledger.balance(account.id, asset);
                let (available_minor, held_minor) =
                    (balance.available.minor(), balance.held.minor());
                if available_minor < 0 || held_minor < 0 {
                    return Err(Broken::Negative { account: account.id, asset });
                }
                let need_minor = needs.get(&(account.id.0, asset.0)).copied().unwrap_or(0);
                if need_minor != held_minor {
                    let account = account.id;
                    return Err(Broken::Held { account, asset, held_minor, need_minor });
                }
                sum_minor += available_minor + held_minor;
            }
            if sum_minor != 0 {
                return Err(Broken::Money { asset, excess_minor: sum_minor });
            }
        }
        Ok(())
    }

    fn check_client_ids(&self) -> Result<(), Broken> {
        let ids = &self.client_ids;
        let (mut closed, mut live) = (0_u32, 0_u32);
        for (account, entry) in ids.iter() {
            let found = ids.find(account, entry.hash());
            if entry.state() == OrderState::Open
                || found.is_none_or(|found| found.order_id() != entry.order_id())
            {
                return Err(Broken::ClientId { order_id: entry.order_id() });
            }
            closed += 1;
        }
        for account in self.accounts.iter() {
            for place in self.orders.open(account.id) {
                let order = self.orders.at(place);
                live += self.check_live_client_id(order, place)?;
            }
            if ids.count_of(account.id) > self.limits.closed_ids_per_account_max {
                return Err(Broken::ClientIdCount { count: ids.count(), closed });
            }
        }
        let count = ids.count() + self.orders.named();
        if closed != ids.count() || closed + live != count || count > ids.max() {
            return Err(Broken::ClientIdCount { count, closed });
        }
        Ok(())
    }

    /// How many ids a live order has: one or none.
    fn check_live_client_id(&self, order: &Order, place: u32) -> Result<u32, Broken> {
        if order.client_order_id.is_empty() {
            return Ok(0);
        }
        let hash = self.client_ids.hash(order.account, &order.client_order_id);
        let found = self.orders.find_client(hash, order.account, &order.client_order_id);
        if found != Some(place) || hash != order.hash {
            return Err(Broken::ClientId { order_id: order.id });
        }
        Ok(1)
    }
}
