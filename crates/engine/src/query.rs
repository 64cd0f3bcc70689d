//! What can be read: everything the gateway answers from. Nothing here changes anything.

use crate::accounts::{Account, Membership};
use crate::closing::NOWHERE;
use crate::configure::Trading;
use crate::engine::Engine;
use crate::groups::Group;
use crate::instruments::Instrument;
use crate::keys::Key;
use crate::ledger::{Asset, Balance};
use crate::orders::Order;
use crate::paged::NONE;
use crate::terms::OrderTerms;
use coulisse_book::{Level, OrderView};
use coulisse_types::command::Genesis;
use coulisse_types::event::{OrderState, OrderTermsSet};
use coulisse_types::limits::WITHDRAWALS_WAITING_MAX;
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, GroupId, InstrumentId, KeyIndex, OrderId, OrderType,
    Price, Qty, RequestId, Seq, Side, TimeInForce, TradingState,
};

/// A live order, with all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its id.
    pub order_id: OrderId,
    /// The client's id; empty for none.
    pub client_order_id: ClientOrderId,
    /// Whose.
    pub account: AccountId,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Limit, or market where it waits for its trigger.
    pub order_type: OrderType,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Whether it rests or waits.
    pub state: OrderState,
    /// Whether it may only make.
    pub post_only: bool,
    /// Its limit, in ticks; the collar price of a market order that waits for its trigger.
    pub price: Price,
    /// Where it stands on the book, in ticks; 0 where it waits.
    pub book_price: Price,
    /// Its total, in lots.
    pub qty: Qty,
    /// What is filled, in lots.
    pub filled: Qty,
    /// What is left, in lots.
    pub remaining: Qty,
    /// What the book shows of it, in lots.
    pub displayed: Qty,
    /// Notional of its fills, in quote minor units.
    pub notional: Amount,
    /// What its fills were charged, in quote minor units.
    pub charged: Amount,
    /// The seq at which it was accepted.
    pub first_seq: Seq,
    /// What it asked for beyond the plain; all defaults for a plain order.
    pub terms: OrderTerms,
    /// Where it triggers now, in ticks; 0 for an order without a trigger.
    pub trigger_price: Price,
    /// When it expires, in ns since the epoch; 0 for never.
    pub expire_ns: i64,
    /// The order id of leg 0 of the list it is in; 0 for none.
    pub list_id: OrderId,
}

/// How full a table is, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// What is in it.
    pub name: &'static str,
    /// How many there are.
    pub used: u32,
    /// How many there may be.
    pub max: u32,
}

impl OpenOrder {
    /// The event that said its terms; `None` where all are at their defaults.
    pub fn terms_set(&self) -> Option<OrderTermsSet> {
        let is_plain = self.terms == OrderTerms::DEFAULT;
        (!is_plain).then(|| self.terms.set(self.order_id, self.account, self.instrument))
    }
}

impl Engine {
    fn open_order(&self, order: &Order) -> OpenOrder {
        let terms = (order.terms != NONE).then(|| self.orders.terms(order));
        let resting = (order.handle != NOWHERE)
            .then(|| self.instruments.at(order.instrument).book.order(order.handle));
        let list = terms.map(|terms| terms.list).filter(|list| *list != NONE);
        OpenOrder {
            order_id: order.id,
            client_order_id: order.client_order_id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            state: self.state_of(order),
            post_only: order.post_only,
            price: Price::from_ticks(order.price_ticks),
            book_price: resting.map_or(Price::from_ticks(0), |resting| resting.price),
            qty: Qty::from_lots(order.qty_lots),
            filled: Qty::from_lots(order.filled_lots),
            remaining: order.remaining(),
            displayed: resting.map_or(Qty::ZERO, |resting| resting.qty),
            notional: Amount::from_minor(order.traded_minor),
            charged: Amount::from_minor(order.charged_minor),
            first_seq: order.first_seq,
            terms: terms.map_or(OrderTerms::DEFAULT, |terms| terms.asked),
            trigger_price: Price::from_ticks(terms.map_or(0, |terms| terms.trigger_ticks)),
            expire_ns: terms.map_or(0, |terms| terms.expire_ns),
            list_id: list.map_or(OrderId(0), |list| self.lists.at(list).id),
        }
    }

    /// The seq of the last record applied; 0 before the first.
    pub const fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// The time of the last record applied, in ns since the epoch.
    pub const fn time_ns(&self) -> i64 {
        self.time_ns
    }

    /// The running hash of all events: a little-endian integer; zero before the first record.
    pub fn event_hash(&self) -> [u8; 16] {
        self.event_hash.bytes()
    }

    /// What the log began with.
    pub const fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The newest start of a node; 0 if it never started.
    pub fn node_incarnation(&self, node: u16) -> u32 {
        self.incarnation(node)
    }

    /// Orders accepted so far.
    pub const fn order_count(&self) -> u64 {
        self.order_counter
    }

    /// Trades so far, over all instruments.
    pub const fn trade_count(&self) -> u64 {
        self.trade_count
    }

    /// Orders that live.
    pub const fn live_orders(&self) -> u32 {
        self.orders.live()
    }

    /// How full each table is.
    pub fn tables(&self) -> [TableUse; 9] {
        let table = |name, used, max| TableUse { name, used, max };
        let ids = self.client_ids.count().saturating_add(self.orders.named());
        [
            table("assets", self.ledger.asset_count(), self.limits.assets_max),
            table("instruments", self.instruments.count(), self.instruments.max()),
            table("accounts", self.accounts.count(), self.accounts.max()),
            table("groups", self.groups.count(), self.groups.max()),
            table("keys", self.keys.count(), self.keys.max()),
            table("live_orders", self.orders.live(), self.orders.max()),
            table("client_order_ids", ids, self.client_ids.max()),
            table("request_ids", self.request_ids.count(), self.request_ids.max()),
            table("withdrawals", self.withdrawals.count(), WITHDRAWALS_WAITING_MAX),
        ]
    }

    /// All assets, by id.
    pub fn assets(&self) -> impl Iterator<Item = &Asset> {
        self.ledger.assets()
    }

    /// An asset.
    pub fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.ledger.asset(id)
    }

    /// The asset of this name. Cost: one step per asset.
    pub fn asset_by_name(&self, name: &[u8]) -> Option<&Asset> {
        self.ledger.assets().find(|asset| asset.name.as_bytes() == name)
    }

    /// All instruments, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().map(|listing| &listing.rules)
    }

    /// An instrument.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id).map(|listing| &listing.rules)
    }

    /// The instrument of this symbol, `BASE-QUOTE`. Cost: one step per instrument.
    pub fn instrument_by_symbol(&self, symbol: &[u8]) -> Option<&Instrument> {
        self.instruments().find(|rules| rules.symbol.as_bytes() == symbol)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// An account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account of this name.
    pub fn account_by_name(&self, name: &[u8]) -> Option<&Account> {
        self.accounts.get(self.accounts.by_name(name)?)
    }

    /// The groups that an account is in; `None` for no such account.
    pub fn membership(&self, id: AccountId) -> Option<Membership> {
        self.accounts.exists(id).then(|| self.accounts.membership(id))
    }

    /// All groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// A group.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// The group of this name.
    pub fn group_by_name(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(self.groups.by_name(name)?)
    }

    /// All keys, by index.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// A key.
    pub fn key(&self, index: KeyIndex) -> Option<&Key> {
        self.keys.get(index)
    }

    /// The key of this public name.
    pub fn key_by_id(&self, key_id: &[u8]) -> Option<&Key> {
        self.keys.by_key_id(key_id)
    }

    /// What an account has of an asset; `None` if there is no such account or asset.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Option<Balance> {
        let exists = self.accounts.exists(account) && self.ledger.asset(asset).is_some();
        exists.then(|| self.ledger.balance(account, asset))
    }

    /// What an account has of each asset of which it has any, by asset.
    pub fn balances(&self, account: AccountId) -> impl Iterator<Item = (&Asset, Balance)> {
        let exists = self.accounts.exists(account);
        let assets = self.ledger.assets().filter(move |_| exists);
        let balances = assets.map(move |asset| (asset, self.ledger.balance(account, asset.id)));
        balances.filter(|(_, balance)| *balance != Balance::default())
    }

    /// Whether a request with this id was done; `None` where that may have been forgotten.
    pub fn request_done(&self, account: AccountId, request_id: RequestId) -> Option<bool> {
        let known = self.request_ids.find(account, request_id).is_some();
        let forgets = self.request_ids.count() >= self.request_ids.max();
        (known || !forgets).then_some(known)
    }

    /// The order at a place, unless it is dead.
    fn alive(&self, place: u32) -> Option<OpenOrder> {
        let order = self.orders.at(place);
        (!self.is_dead(order)).then(|| self.open_order(order))
    }

    /// When the call of an instrument's auction ends, and when its next one begins and ends, in ns
    /// since the epoch, 0 for never; `None` for no such instrument.
    pub fn auction_times(&self, instrument: InstrumentId) -> Option<(i64, i64, i64)> {
        let auction = &self.instruments.get(instrument)?.auction;
        Some((auction.until_ns, auction.start_ns, auction.end_ns))
    }

    /// A live order.
    pub fn order(&self, order_id: OrderId) -> Option<OpenOrder> {
        self.alive(self.orders.find(order_id)?)
    }

    /// The live order of an account's client order id.
    pub fn order_by_client_id(&self, account: AccountId, id: &ClientOrderId) -> Option<OpenOrder> {
        let hash = self.client_ids.hash(account, id);
        self.alive(self.orders.find_client(hash, account, id)?)
    }

    /// How many orders of an account live; 0 for no such account.
    pub fn open_order_count(&self, account: AccountId) -> u32 {
        if self.accounts.exists(account) { self.living_of(account) } else { 0 }
    }

    /// The live orders of an account, by ascending order id; none for no such account.
    pub fn open_orders(&self, account: AccountId) -> impl Iterator<Item = OpenOrder> + '_ {
        let account = self.accounts.exists(account).then_some(account);
        let places = account.into_iter().flat_map(|account| self.orders.open(account));
        places.filter_map(|place| self.alive(place))
    }

    /// The levels of a side of a book, best first; none for no such instrument.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.instruments.get(instrument).into_iter().flat_map(move |l| l.book.levels(side))
    }

    /// The level at a price.
    pub fn level(&self, instrument: InstrumentId, side: Side, price: Price) -> Option<Level> {
        self.instruments.get(instrument)?.book.level(side, price)
    }

    /// The best level of a side.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Level> {
        self.instruments.get(instrument)?.book.best_level(side)
    }

    /// The orders of a side as the book shows them, best price first, then first come; none for no such
    /// instrument.
    pub fn resting(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = OrderView> + '_ {
        self.instruments.get(instrument).into_iter().flat_map(move |l| l.book.side_orders(side))
    }

    /// An order as the book shows it; `None` where it is on no book.
    pub fn resting_order(&self, order_id: OrderId) -> Option<OrderView> {
        let order = self.orders.at(self.orders.find(order_id)?);
        let book = &self.instruments.at(order.instrument).book;
        (order.handle != NOWHERE).then(|| book.order(order.handle))
    }

    /// How many levels a book has, both sides; 0 for no such instrument.
    pub fn level_count(&self, instrument: InstrumentId) -> u32 {
        self.instruments.get(instrument).map_or(0, |listing| listing.book.level_count())
    }

    /// How many orders rest in an instrument; 0 for no such instrument.
    pub fn resting_count(&self, instrument: InstrumentId) -> u32 {
        self.instruments.get(instrument).map_or(0, |listing| listing.book.len())
    }

    /// The id of an instrument's last trade, which is how many there were.
    pub fn last_trade_id(&self, instrument: InstrumentId) -> Option<u64> {
        self.instruments.get(instrument).map(|listing| listing.last_trade_id)
    }

    /// How an instrument is traded.
    pub fn trading(&self, instrument: InstrumentId) -> Option<&Trading> {
        self.instruments.get(instrument).map(|listing| &listing.config)
    }

    /// What an instrument takes now.
    pub fn trading_state(&self, instrument: InstrumentId) -> Option<TradingState> {
        self.instruments.get(instrument).map(|listing| listing.state)
    }

    /// When an instrument's state ends by itself, in ns since the epoch; `None` for never.
    pub fn trading_until_ns(&self, instrument: InstrumentId) -> Option<i64> {
        let until_ns = self.instruments.get(instrument)?.auction.until_ns;
        (until_ns != 0).then_some(until_ns)
    }

    /// When an instrument's next scheduled call begins and ends, or the one that has begun, in ns
    /// since the epoch; `None` for none.
    pub fn auction_schedule_ns(&self, instrument: InstrumentId) -> Option<(i64, i64)> {
        let auction = &self.instruments.get(instrument)?.auction;
        (auction.start_ns != 0).then_some((auction.start_ns, auction.end_ns))
    }

    /// The price of an instrument's last trade; `None` before the first.
    pub fn last_price(&self, instrument: InstrumentId) -> Option<Price> {
        a_price(self.instruments.get(instrument)?.last_price_ticks)
    }

    /// An instrument's mark price; `None` before the first.
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        a_price(self.instruments.get(instrument)?.mark_ticks)
    }

    /// What an instrument's prices are measured against; `None` where there is nothing yet.
    pub fn reference(&self, instrument: InstrumentId) -> Option<Price> {
        a_price(self.instruments.get(instrument)?.reference())
    }
}

/// A price in ticks, of which 0 means none.
const fn a_price(ticks: i64) -> Option<Price> {
    if ticks == 0 { None } else { Some(Price::from_ticks(ticks)) }
}
