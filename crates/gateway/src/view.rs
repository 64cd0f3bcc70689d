//! What the edge reads of the core: kept behind a trait, so that this crate knows no engine.

use coulisse_types::event::OrderState;
use coulisse_types::{
    AccountId, AccountName, Amount, AssetId, ClientOrderId, InstrumentId, KeyIndex, OrderId,
    OrderType, Price, Qty, Seq, Side, TimeInForce,
};

/// A key as the logon needs it.
#[derive(Clone, Copy, Debug)]
pub struct KeyView {
    /// Its index in the log.
    pub key: KeyIndex,
    /// The account it acts for.
    pub account: AccountId,
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// Permission bits.
    pub permissions: u8,
}

/// A live order.
#[derive(Clone, Copy, Debug)]
pub struct OrderView {
    /// Its id.
    pub order_id: OrderId,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Whether it may only make.
    pub post_only: bool,
    /// Its limit.
    pub price: Price,
    /// Its total.
    pub qty: Qty,
    /// What is filled of it.
    pub filled: Qty,
    /// Where it stands.
    pub state: OrderState,
    /// The client's id.
    pub client_order_id: ClientOrderId,
}

/// A balance.
#[derive(Clone, Copy, Debug)]
pub struct BalanceView {
    /// Of which asset.
    pub asset: AssetId,
    /// What may be spent.
    pub available: Amount,
    /// What open orders hold.
    pub held: Amount,
}

/// The core as the edge reads it, at one seq.
pub trait CoreView {
    /// The last seq applied.
    fn seq(&self) -> Seq;
    /// The key with this public name.
    fn key(&self, key_id: &[u8]) -> Option<KeyView>;
    /// The account with this name.
    fn account_id(&self, name: &[u8]) -> Option<AccountId>;
    /// The name of an account.
    fn account_name(&self, account: AccountId) -> Option<AccountName>;
    /// Appends the best `depth` levels (0: all) of one side, best first.
    fn levels(&self, instrument: InstrumentId, side: Side, depth: usize, out: &mut Vec<(Price, Qty)>);
    /// Appends an account's live orders (in one instrument, or all), by ascending id.
    fn open_orders(&self, account: AccountId, instrument: Option<InstrumentId>, out: &mut Vec<OrderView>);
    /// Appends an account's balances, by ascending asset.
    fn balances(&self, account: AccountId, out: &mut Vec<BalanceView>);
}
