//! Replies to what is answered without the log: sessions, subscriptions, lists; and to batches and
//! tests of orders.
//!
//! Each ends with the three times, as those of commands do: when the request was read, when the log
//! took the record that the answer is true at, when it left.

use alloc::vec::Vec;

use coulisse_types::event::PositionChanged;
use coulisse_types::keys::{KeyLabel, NetworkList};
use coulisse_types::{AccountName, InstrumentId, KeyId, KeyScheme, KeyState};

use super::cursors;
use super::feed::{self, Balance, FillRow, OpenOrder};
use super::keys::PERMISSION_NAMES;
use super::outcome::{CommandOutcome, OrderOutcome};
use super::rejects::write_error_object;
use super::reply::{
    OK_START, Stamps, Units, separate, write_id, write_number, write_order_outcome, write_stamps,
    write_times,
};
use super::spec::{Channel, Op};
use crate::digits;
use crate::instruments::InstrumentTable;

/// What every answer begins and ends with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The request's id as it came; empty for none.
    pub id_raw: &'a [u8],
    /// What was asked for.
    pub op: Op,
    /// What the request took of the quotas.
    pub weight: u32,
    /// The seq that it is true at, and the times.
    pub stamps: Stamps,
}

impl Answer<'_> {
    /// Appends `{"id":…` and what follows until the result. A weight of 1 is not said.
    pub(super) fn open(&self, out: &mut Vec<u8>) {
        write_id(out, self.id_raw);
        if self.weight == 1 {
            out.extend_from_slice(OK_START);
            return;
        }
        out.extend_from_slice(b",\"ok\":true,\"weight\":");
        digits::unsigned(out, u64::from(self.weight));
        out.extend_from_slice(b",\"result\":{");
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows, in the list's order.
    pub rows: Vec<T>,
    /// The key of the last of them, where more follow.
    pub next: Option<u64>,
    /// What would follow is no longer kept.
    pub is_cut: bool,
}

/// Appends the reply to `session.logoff` and whatever has an empty result.
pub fn write_done(out: &mut Vec<u8>, answer: &Answer<'_>) {
    answer.open(out);
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `ping`, with what is left of the quotas where that is limited and asked for.
pub fn write_pong(out: &mut Vec<u8>, answer: &Answer<'_>, quota_left: Option<u32>) {
    answer.open(out);
    if let Some(left) = quota_left {
        write_number(out, b"quota_left", u64::from(left));
    }
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `time`.
pub fn write_time(out: &mut Vec<u8>, answer: &Answer<'_>) {
    answer.open(out);
    out.extend_from_slice(b"\"time\":");
    digits::signed(out, answer.stamps.in_us);
    out.push(b',');
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Who logged on, and what the key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedOn {
    /// The account of the key.
    pub account: AccountName,
    /// The key.
    pub key_id: KeyId,
    /// Permission bits, as in [`coulisse_types::command::permission`].
    pub permissions: u8,
}

/// Appends the reply to `session.logon`.
pub fn write_logged_on(out: &mut Vec<u8>, answer: &Answer<'_>, who: &LoggedOn) {
    answer.open(out);
    out.extend_from_slice(b"\"account\":\"");
    out.extend_from_slice(who.account.as_bytes());
    out.extend_from_slice(b"\",\"key_id\":\"");
    out.extend_from_slice(who.key_id.as_bytes());
    out.extend_from_slice(b"\",\"permissions\":[");
    write_permissions(out, who.permissions);
    out.extend_from_slice(b"],\"time\":");
    digits::signed(out, answer.stamps.in_us);
    out.push(b',');
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// A token, and how long it and its session may last.
#[derive(Clone, Copy)]
pub struct Issued<'a> {
    /// The token; never printed.
    pub token: &'a [u8],
    /// When it is over, in µs since the epoch.
    pub expire_us: i64,
    /// When its session is, however often it is refreshed.
    pub session_expire_us: i64,
    /// Whose it is; `None` where that is known.
    pub who: Option<LoggedOn>,
}

/// Appends the reply to `session.open` and `session.refresh`.
pub fn write_issued(out: &mut Vec<u8>, answer: &Answer<'_>, issued: &Issued<'_>) {
    answer.open(out);
    out.extend_from_slice(b"\"token\":\"");
    out.extend_from_slice(issued.token);
    out.extend_from_slice(b"\",\"expire_time\":");
    digits::signed(out, issued.expire_us);
    out.extend_from_slice(b",\"session_expire_time\":");
    digits::signed(out, issued.session_expire_us);
    if let Some(who) = &issued.who {
        out.extend_from_slice(b",\"account\":\"");
        out.extend_from_slice(who.account.as_bytes());
        out.extend_from_slice(b"\",\"key_id\":\"");
        out.extend_from_slice(who.key_id.as_bytes());
        out.extend_from_slice(b"\",\"permissions\":[");
        write_permissions(out, who.permissions);
        out.push(b']');
    }
    out.push(b',');
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

fn write_permissions(out: &mut Vec<u8>, permissions: u8) {
    let mut first = true;
    for (name, bit) in PERMISSION_NAMES {
        if permissions & bit != 0 {
            separate(out, &mut first);
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.push(b'"');
        }
    }
}

/// A key as `keys.get` shows it, each name and network as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its public name.
    pub key_id: KeyId,
    /// How it is proved.
    pub scheme: KeyScheme,
    /// Permission bits.
    pub permissions: u8,
    /// Whether it works.
    pub state: KeyState,
    /// What it is for; empty for nothing in particular.
    pub label: KeyLabel,
    /// From when on it is refused, in µs since the epoch; 0 for never.
    pub expire_us: i64,
    /// The accounts that it may act for beside its own.
    pub accounts: Vec<AccountName>,
    /// The only instruments that it may trade.
    pub instruments: Vec<InstrumentId>,
    /// The only networks that it may come from.
    pub networks: NetworkList,
    /// When it was last seen, in µs since the epoch; 0 for not.
    pub last_used_us: i64,
}

/// Appends the reply to `keys.get`.
pub fn write_keys(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<KeyRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "keys", page, |out| {
        let mut first = true;
        for key in &page.rows {
            separate(out, &mut first);
            write_key(out, key, table);
        }
    });
}

fn write_key(out: &mut Vec<u8>, key: &KeyRow, table: &InstrumentTable) {
    out.extend_from_slice(b"{\"key_id\":\"");
    out.extend_from_slice(key.key_id.as_bytes());
    out.extend_from_slice(b"\",\"scheme\":\"");
    out.extend_from_slice(key.scheme.name().as_bytes());
    out.extend_from_slice(b"\",\"permissions\":[");
    write_permissions(out, key.permissions);
    out.extend_from_slice(b"],\"state\":\"");
    out.extend_from_slice(key.state.name().as_bytes());
    out.push(b'"');
    if !key.label.is_empty() {
        out.extend_from_slice(b",\"label\":\"");
        out.extend_from_slice(key.label.as_bytes());
        out.push(b'"');
    }
    for (name, time_us) in [(&b"expire_time"[..], key.expire_us), (b"last_used", key.last_used_us)]
    {
        if time_us != 0 {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name);
            out.extend_from_slice(b"\":");
            digits::signed(out, time_us);
        }
    }
    let accounts = key.accounts.iter().map(|name| name.as_bytes().to_vec()).collect();
    let symbols = key.instruments.iter().filter_map(|id| table.instrument(*id));
    let symbols = symbols.map(|info| info.symbol.as_bytes().to_vec()).collect();
    let networks = super::keys::network_texts(&key.networks);
    for (name, texts) in [("accounts", accounts), ("symbols", symbols), ("networks", networks)] {
        write_texts(out, name, &texts);
    }
    out.push(b'}');
}

/// Appends `,"name":["text",…]`; nothing where there is no text.
fn write_texts(out: &mut Vec<u8>, name: &str, texts: &[Vec<u8>]) {
    if texts.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
    let mut first = true;
    for text in texts {
        separate(out, &mut first);
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    }
    out.push(b']');
}

/// Appends the reply to `subscribe` and `unsubscribe`.
pub fn write_subscribed(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    channel: Channel,
    instruments: &[InstrumentId],
    is_resumed: bool,
    table: &InstrumentTable,
) {
    answer.open(out);
    out.extend_from_slice(b"\"channel\":\"");
    out.extend_from_slice(channel.name().as_bytes());
    out.extend_from_slice(b"\",");
    if !channel.is_private() {
        out.extend_from_slice(b"\"symbols\":[");
        let mut first = true;
        for info in instruments.iter().filter_map(|id| table.instrument(*id)) {
            separate(out, &mut first);
            out.push(b'"');
            out.extend_from_slice(info.symbol.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"],");
    }
    if is_resumed {
        out.extend_from_slice(b"\"resumed\":true,");
    }
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `session.resume`.
pub fn write_resumed(out: &mut Vec<u8>, answer: &Answer<'_>, channels: &[(Channel, u64)]) {
    answer.open(out);
    out.extend_from_slice(b"\"channels\":[");
    let mut first = true;
    for (channel, _) in channels {
        separate(out, &mut first);
        out.push(b'"');
        out.extend_from_slice(channel.name().as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"],");
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `orders.open`.
pub fn write_open_orders(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<OpenOrder>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "orders", page, |out| {
        feed::write_open_order_items(out, page.rows.iter().copied(), table);
    });
}

/// Appends the reply to `balances.get`.
pub fn write_balances(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<Balance>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "balances", page, |out| {
        feed::write_balance_items(out, page.rows.iter().copied(), table);
    });
}

/// Appends the reply to `positions.get`.
pub fn write_positions(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<PositionChanged>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "positions", page, |out| {
        feed::write_position_items(out, &page.rows, table);
    });
}

/// Appends the reply to `fills.get`.
pub fn write_fills(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<FillRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "fills", page, |out| {
        feed::write_fill_rows(out, &page.rows, table);
    });
}

/// Appends the reply to `order.test` of an order that would be taken; `duplicate` is the order that
/// stands under its id already.
pub fn write_tested(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    duplicate: Option<&OrderOutcome>,
    units: &Units<'_>,
) {
    answer.open(out);
    if let Some(order) = duplicate {
        write_order_outcome(out, order, units);
    }
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `order.place_batch`: `results` are what became of its orders, each an object, joined by commas.
pub fn write_batch(out: &mut Vec<u8>, answer: &Answer<'_>, results: &[&[u8]]) {
    answer.open(out);
    out.extend_from_slice(b"\"orders\":[");
    let mut first = true;
    for result in results {
        separate(out, &mut first);
        out.extend_from_slice(result);
    }
    out.extend_from_slice(b"],");
    write_stamps(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}

/// Appends what became of one order of a batch: its fields and its seq, or `{"error":{…}}`.
pub fn write_batch_result(
    out: &mut Vec<u8>,
    outcome: &CommandOutcome,
    seq: u64,
    units: &Units<'_>,
) {
    out.push(b'{');
    match outcome {
        CommandOutcome::Order(order) => {
            write_order_outcome(out, order, units);
            out.extend_from_slice(b"\"seq\":");
            digits::unsigned(out, seq);
        }
        CommandOutcome::Rejected(rejected) => {
            out.extend_from_slice(b"\"error\":");
            write_error_object(out, rejected, units);
        }
        _ => {}
    }
    out.push(b'}');
}

/// Appends a list with its seq, where it goes on, and the times.
pub(super) fn write_page<T>(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    name: &str,
    page: &Page<T>,
    write_rows: impl FnOnce(&mut Vec<u8>),
) {
    write_versioned_page(out, answer, name, (page, None), write_rows);
}

/// The same for a list that has a version.
pub(super) fn write_versioned_page<T>(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    name: &str,
    (page, version): (&Page<T>, Option<u32>),
    write_rows: impl FnOnce(&mut Vec<u8>),
) {
    answer.open(out);
    if let Some(version) = version {
        write_number(out, b"version", u64::from(version));
    }
    write_number(out, b"seq", answer.stamps.seq);
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
    write_rows(out);
    out.extend_from_slice(b"],");
    if let Some(key) = page.next {
        out.extend_from_slice(b"\"next_cursor\":\"");
        cursors::write(out, answer.op, key);
        out.extend_from_slice(b"\",");
    }
    if page.is_cut {
        out.extend_from_slice(b"\"cut\":true,");
    }
    write_times(out, &answer.stamps);
    out.extend_from_slice(b"}}");
}
