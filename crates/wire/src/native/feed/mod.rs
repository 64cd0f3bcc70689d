//! Messages of the channels.
//!
//! A delta of a private channel holds all that one record did to one account on that channel: one
//! message per channel and seq. What `prev` and `seq` are is the caller's knowledge.

mod account;
mod candles;
mod closed;
mod item;
mod market;
mod orders;
mod public;
mod status;
mod withdrawals;

use alloc::vec::Vec;

use coulisse_types::event::PositionChanged;
use coulisse_types::{AccountId, Event, GroupId, Scope};

pub use self::account::Balance;
use self::account::{Bound, bound_by, write_balance, write_position, write_risk};
pub(super) use self::account::{write_balance_items, write_limit, write_position_items};
pub(super) use self::candles::write_candle_items;
pub use self::candles::write_candles;
pub use self::closed::ClosedOrder;
pub(super) use self::closed::write_closed_order_items;
pub(super) use self::item::Item;
pub use self::market::{
    BookOrder, OrderChange, Ticker, write_instruments, write_l3_delta, write_l3_image, write_ticker,
};
pub(super) use self::orders::write_open_order_items;
pub use self::orders::{FillRow, OpenOrder, write_fill_rows};
use self::orders::{write_fill, write_order_event};
pub use self::public::{
    Level, TradeRow, book_crc, write_book_delta, write_book_image, write_trades,
};
pub(super) use self::public::{write_sides, write_trade_items};
pub use self::status::{InstrumentStatus, status_of, write_status_delta, write_status_image};
use self::withdrawals::{is_of_withdrawal, write_withdrawals};
use super::reply::separate;
use super::spec::Channel;
use crate::digits;
use crate::instruments::InstrumentTable;
pub use coulisse_types::candle::{Candle, CandleInterval};

/// Whose delta it is, and where it stands in its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaHead<'a> {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: &'a str,
    /// The group whose limits bind it; 0 for none.
    pub group: GroupId,
    /// The seq of the message before on this channel of this account.
    pub prev: u64,
    /// The seq of the record.
    pub seq: u64,
    /// When the log took it, in µs since the epoch.
    pub time_us: i64,
}

/// Whom an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One account.
    Account(AccountId),
    /// The accounts of a group.
    Group(GroupId),
    /// Every account.
    Everyone,
}

/// Which private channels an event is told on, and to whom. The terms of an order are told with the
/// event that accepts it.
#[inline]
pub fn private_channels(event: &Event) -> Option<(Audience, &'static [Channel])> {
    const ORDERS: &[Channel] = &[Channel::Orders];
    let (account, channels) = match event {
        Event::OrderAccepted(event) => (event.account, ORDERS),
        Event::OrderRested(event) => (event.account, ORDERS),
        Event::OrderAmended(event) => (event.account, ORDERS),
        Event::OrderClosed(event) => (event.account, ORDERS),
        Event::OrderFilled(event) => (event.account, &[Channel::Orders, Channel::Fills][..]),
        Event::BalanceChanged(event) => (event.account, &[Channel::Balances][..]),
        Event::Withdrawn(event) => (event.account, &[Channel::Balances][..]),
        Event::WithdrawalHeld(event) => (event.account, &[Channel::Balances][..]),
        Event::WithdrawalEnded(event) => (event.account, &[Channel::Balances][..]),
        Event::PositionChanged(event) => (event.account, &[Channel::Positions][..]),
        Event::OrderTriggered(event) => (event.account, ORDERS),
        Event::OrderRefreshed(event) => (event.account, ORDERS),
        Event::OrderRepriced(event) => (event.account, ORDERS),
        Event::OrderDecremented(event) => (event.account, ORDERS),
        Event::OrderListPlaced(event) => (event.account, ORDERS),
        _ => return risk_audience(event),
    };
    Some((Audience::Account(account), channels))
}

fn risk_audience(event: &Event) -> Option<(Audience, &'static [Channel])> {
    let audience = match bound_by(event)? {
        (Scope::Firm, _) => Audience::Everyone,
        (Scope::Group, group) => Audience::Group(GroupId(group)),
        (Scope::Account, account) => Audience::Account(AccountId(account)),
        (Scope::Instrument, _) => return None,
    };
    Some((audience, &[Channel::Risk]))
}

/// Appends the delta of one private channel, made of the events of one record.
///
/// Gives `false` and appends nothing if none of them is told on it.
pub fn write_private_delta(
    out: &mut Vec<u8>,
    channel: Channel,
    head: &DeltaHead<'_>,
    events: &[Event],
    table: &InstrumentTable,
) -> bool {
    let start = out.len();
    open_private(out, channel, head.account_name);
    out.extend_from_slice(b"\"delta\",\"prev\":");
    digits::unsigned(out, head.prev);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, head.seq);
    out.extend_from_slice(b",\"time\":");
    digits::signed(out, head.time_us);
    out.extend_from_slice(b",\"items\":[");
    let bound = Bound { account: head.account, name: head.account_name, group: head.group };
    let mut first = true;
    let mut rest = events;
    while let Some((event, tail)) = rest.split_first() {
        rest = tail;
        let told = private_channels(event);
        let is_item = told.is_some_and(|(who, on)| concerns(who, &bound) && on.contains(&channel));
        if is_item && !is_of_withdrawal(event) {
            separate(out, &mut first);
            write_item(out, channel, (event, tail), &bound, table);
        }
    }
    out.push(b']');
    if channel == Channel::Balances {
        write_withdrawals(out, head.account, events, table);
    }
    out.push(b'}');
    if first {
        out.truncate(start);
    }
    !first
}

const fn concerns(audience: Audience, bound: &Bound<'_>) -> bool {
    match audience {
        Audience::Account(account) => account.0 == bound.account.0,
        Audience::Group(group) => bound.is_in(Scope::Group, group.0),
        Audience::Everyone => true,
    }
}

fn open_private(out: &mut Vec<u8>, channel: Channel, account: &str) {
    out.extend_from_slice(b"{\"ch\":\"");
    out.extend_from_slice(channel.name().as_bytes());
    out.extend_from_slice(b"\",\"account\":\"");
    out.extend_from_slice(account.as_bytes());
    out.extend_from_slice(b"\",\"type\":");
}

fn write_item(
    out: &mut Vec<u8>,
    channel: Channel,
    (event, rest): (&Event, &[Event]),
    bound: &Bound<'_>,
    table: &InstrumentTable,
) {
    match event {
        Event::OrderFilled(fill) if channel == Channel::Fills => write_fill(out, fill, table),
        Event::BalanceChanged(changed) => {
            let (available, held) = (changed.available, changed.held);
            write_balance(out, &Balance { asset: changed.asset, available, held }, table);
        }
        Event::PositionChanged(position) => write_position(out, position, table),
        _ if channel == Channel::Risk => write_risk(out, event, bound, table),
        _ => write_order_event(out, event, rest, table),
    }
}

fn open_private_image(out: &mut Vec<u8>, channel: Channel, account: &str, seq: u64) {
    open_private(out, channel, account);
    out.extend_from_slice(b"\"image\",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
}

/// Appends the image of `orders`: all open orders of the account, by order id.
pub fn write_orders_image(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    orders: impl IntoIterator<Item = OpenOrder>,
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Orders, account, seq);
    write_open_order_items(out, orders, table);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `fills`: none, only where the channel stands; older ones are history.
pub fn write_fills_image(out: &mut Vec<u8>, account: &str, seq: u64) {
    open_private_image(out, Channel::Fills, account, seq);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `balances`: all of the account, by asset.
pub fn write_balances_image(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    balances: impl IntoIterator<Item = Balance>,
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Balances, account, seq);
    write_balance_items(out, balances, table);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `positions`: all of the account, by instrument.
pub fn write_positions_image(
    out: &mut Vec<u8>,
    account: &str,
    seq: u64,
    positions: &[PositionChanged],
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Positions, account, seq);
    write_position_items(out, positions, table);
    out.extend_from_slice(b"]}");
}

/// Appends the image of `risk`: what would be said now of what binds the account. `head.seq` is where
/// the channel stands.
pub fn write_risk_image(
    out: &mut Vec<u8>,
    head: &DeltaHead<'_>,
    events: &[Event],
    table: &InstrumentTable,
) {
    open_private_image(out, Channel::Risk, head.account_name, head.seq);
    let bound = Bound { account: head.account, name: head.account_name, group: head.group };
    let mut first = true;
    for event in events {
        let binds = bound_by(event).is_some_and(|(scope, id)| bound.is_in(scope, id));
        if binds {
            separate(out, &mut first);
            write_risk(out, event, &bound, table);
        }
    }
    out.extend_from_slice(b"]}");
}
