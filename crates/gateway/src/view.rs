//! What the edge reads of the core: kept behind a trait, so that this crate knows no engine.

use coulisse_types::event::{FeeTierChanged, PositionChanged};
use coulisse_types::keys::{IdList, KeyLabel, KeyMaterial, NetworkList};
use coulisse_types::{
    AccountId, AccountName, ClientOrderId, Event, GroupId, InstrumentId, KeyId, KeyIndex,
    KeyScheme, KeyState, OrderId, Price, Qty, Seq, Side,
};
use coulisse_wire::native::feed::{Balance, BookOrder, InstrumentStatus, OpenOrder};
use coulisse_wire::native::venue::{AccountRow, LimitRow};
use coulisse_wire::native::withdrawals::{CapRow, WithdrawalRow};

/// A key as the edge needs it.
#[derive(Clone, Copy, Debug)]
pub struct KeyView {
    /// Its index in the log.
    pub key: KeyIndex,
    /// Its public name.
    pub key_id: KeyId,
    /// The account it acts for.
    pub account: AccountId,
    /// How it is proved.
    pub scheme: KeyScheme,
    /// The Ed25519 public key, or the sealed HMAC secret.
    pub material: KeyMaterial,
    /// Permission bits.
    pub permissions: u8,
    /// Whether it works.
    pub state: KeyState,
    /// What it is for.
    pub label: KeyLabel,
    /// From when on it is refused, in ns since the epoch; 0 for never.
    pub expire_ns: i64,
    /// The accounts that it may act for beside its own.
    pub accounts: IdList,
    /// The only instruments that it may trade.
    pub instruments: IdList,
    /// The only networks that it may come from.
    pub networks: NetworkList,
}

/// The core as the edge reads it, at one seq.
pub trait CoreView {
    /// The last seq applied.
    fn seq(&self) -> Seq;
    /// The key with this public name.
    fn key(&self, key_id: &[u8]) -> Option<KeyView>;
    /// The public name of a key.
    fn key_id(&self, key: KeyIndex) -> Option<KeyId>;
    /// Appends the keys of an account, by index.
    fn keys(&self, account: AccountId, out: &mut Vec<KeyView>);
    /// Appends the withdrawals that wait for a second person, of an account or of all, by id.
    fn withdrawals(&self, account: Option<AccountId>, out: &mut Vec<WithdrawalRow>);
    /// Appends the withdrawal cap of each asset, by asset.
    fn withdrawal_caps(&self, out: &mut Vec<CapRow>);
    /// Appends the accounts behind this number, at most so many, by number.
    fn accounts(&self, after: u64, count: usize, out: &mut Vec<AccountRow>);
    /// Appends all groups, by id.
    fn groups(&self, out: &mut Vec<(GroupId, AccountName)>);
    /// Appends the limits behind this place, at most so many, by place; returns how often one was set.
    fn limits(&self, after: Option<u64>, count: usize, out: &mut Vec<LimitRow>) -> u32;
    /// Appends the fee tiers, by asset and number.
    fn fee_tiers(&self, out: &mut Vec<FeeTierChanged>);
    /// The account with this name.
    fn account_id(&self, name: &[u8]) -> Option<AccountId>;
    /// The name of an account.
    fn account_name(&self, account: AccountId) -> Option<AccountName>;
    /// Appends the best `depth` levels (0: all) of one side, best first.
    fn levels(
        &self,
        instrument: InstrumentId,
        side: Side,
        depth: usize,
        out: &mut Vec<(Price, Qty)>,
    );
    /// Appends the orders of a book as it shows them: bids, then asks, best first, then first come.
    fn book_orders(&self, instrument: InstrumentId, out: &mut Vec<BookOrder>);
    /// An order as the book shows it; `None` where it is on no book.
    fn book_order(&self, order_id: OrderId) -> Option<BookOrder>;
    /// How many orders are on a book.
    fn book_order_count(&self, instrument: InstrumentId) -> usize;
    /// Appends an account's live orders (in one instrument, or all), by ascending id.
    fn open_orders(
        &self,
        account: AccountId,
        instrument: Option<InstrumentId>,
        out: &mut Vec<OpenOrder>,
    );
    /// Appends an account's balances, by ascending asset.
    fn balances(&self, account: AccountId, out: &mut Vec<Balance>);
    /// The instrument of an account's live order, by its id or else by the client's.
    fn order_instrument(
        &self,
        account: AccountId,
        order_id: OrderId,
        client_order_id: &ClientOrderId,
    ) -> Option<InstrumentId>;
    /// Whether a live order is on no book: it waits for its trigger, its peg's reference or its list.
    fn is_waiting(&self, order_id: OrderId) -> bool;
    /// Appends an account's positions that are not all zero, by ascending instrument.
    fn positions(&self, account: AccountId, out: &mut Vec<PositionChanged>);
    /// Appends what binds an account now, as the events that would say so: `RiskStateChanged` where
    /// the state is not `active` and `KillSwitchSet` where one is on, for the firm, its group and
    /// itself, and `LimitUsed` of each limit that is used to 80 % or more.
    fn risk(&self, account: AccountId, out: &mut Vec<Event>);
    /// How an instrument stands.
    fn status(&self, instrument: InstrumentId) -> InstrumentStatus;
}
