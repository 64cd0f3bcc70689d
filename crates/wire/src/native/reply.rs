//! Replies to requests, and the messages of the session itself.
//!
//! Every writer appends to the caller's buffer. An `id_raw` is what stood in the request, echoed as
//! it came; where it is empty, `null` stands.
//!
//! Cost: no allocation but the buffer's growth, no `format!`; refusals are a little slower.

use alloc::vec::Vec;

use coulisse_types::event::{OrderState, Rejected};
use coulisse_types::reject::{Field, Origin, Unit};
use coulisse_types::{
    AccountName, Amount, AssetId, InstrumentId, KeyId, Price, Qty, RejectCode, TimeInForce, decimal,
};

use super::outcome::{CommandOutcome, OrderOutcome};
use super::spec::Channel;
use crate::digits;
use crate::instruments::{AssetInfo, InstrumentInfo, InstrumentTable};

/// Nanoseconds in a microsecond.
const NS_PER_US: i128 = 1_000;
/// Decimals of a nanosecond in seconds.
const NS_DECIMALS: u8 = 9;

/// When a command was read, logged and answered, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Its seq.
    pub seq: u64,
    /// When its request was read, in µs since the epoch.
    pub in_us: i64,
    /// When the log stamped it, in µs since the epoch.
    pub log_us: i64,
    /// When its reply is made, in µs since the epoch.
    pub out_us: i64,
}

/// What the numbers of a reply mean.
#[derive(Clone, Copy, Debug)]
pub struct Units<'t> {
    /// The node's assets and instruments.
    pub table: &'t InstrumentTable,
    /// The instrument of the command; 0 where it has none.
    pub instrument: InstrumentId,
    /// The asset of the command; 0 where it has none.
    pub asset: AssetId,
}

impl<'t> Units<'t> {
    /// Of a command about one instrument; 0 for none.
    pub const fn of(table: &'t InstrumentTable, instrument: InstrumentId) -> Self {
        Self { table, instrument, asset: AssetId(0) }
    }

    fn info(&self, instrument: InstrumentId) -> Option<&'t InstrumentInfo> {
        let id = if instrument.0 == 0 { self.instrument } else { instrument };
        self.table.instrument(id)
    }
}

/// Appends `{"id":…` and what follows until the result.
fn open_ok(out: &mut Vec<u8>, id_raw: &[u8]) {
    write_id(out, id_raw);
    out.extend_from_slice(br#","ok":true,"result":{"#);
}

fn write_id(out: &mut Vec<u8>, id_raw: &[u8]) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(if id_raw.is_empty() { b"null" } else { id_raw });
}

/// Appends an error up to the start of its message: the code has been written into it.
pub(super) fn open_error(out: &mut Vec<u8>, id_raw: &[u8], code: RejectCode) {
    write_id(out, id_raw);
    out.extend_from_slice(br#","ok":false,"error":{"code":""#);
    out.extend_from_slice(code.name().as_bytes());
    out.extend_from_slice(br#"","message":""#);
    out.extend_from_slice(code.name().as_bytes());
    out.extend_from_slice(b": ");
}

fn write_stamps(out: &mut Vec<u8>, stamps: &Stamps) {
    out.extend_from_slice(b"\"seq\":");
    digits::unsigned(out, stamps.seq);
    out.extend_from_slice(b",\"t_in\":");
    digits::signed(out, stamps.in_us);
    out.extend_from_slice(b",\"t_log\":");
    digits::signed(out, stamps.log_us);
    out.extend_from_slice(b",\"t_out\":");
    digits::signed(out, stamps.out_us);
}

/// Appends the reply to a command: its result or its reject.
pub fn write_outcome(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    outcome: &CommandOutcome,
    stamps: &Stamps,
    units: &Units<'_>,
) {
    match outcome {
        CommandOutcome::Rejected(rejected) => {
            write_rejected(out, id_raw, rejected, units);
            return;
        }
        CommandOutcome::Order(order) => {
            open_ok(out, id_raw);
            write_order_outcome(out, order, units);
        }
        CommandOutcome::Cancelled { count, .. } => {
            open_ok(out, id_raw);
            out.extend_from_slice(b"\"count\":");
            digits::unsigned(out, u64::from(*count));
            out.push(b',');
        }
        CommandOutcome::RequestDuplicate { first_seq } => {
            open_ok(out, id_raw);
            out.extend_from_slice(b"\"duplicate\":true,\"first_seq\":");
            digits::unsigned(out, first_seq.0);
            out.push(b',');
        }
        CommandOutcome::Done => open_ok(out, id_raw),
    }
    write_stamps(out, stamps);
    out.extend_from_slice(b"}}");
}

fn write_order_outcome(out: &mut Vec<u8>, order: &OrderOutcome, units: &Units<'_>) {
    out.extend_from_slice(b"\"order_id\":\"");
    digits::unsigned(out, order.order_id.0);
    out.extend_from_slice(b"\",");
    if !order.client_order_id.is_empty() {
        out.extend_from_slice(b"\"client_order_id\":\"");
        out.extend_from_slice(order.client_order_id.as_bytes());
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"state\":\"");
    out.extend_from_slice(order.state.name().as_bytes());
    out.extend_from_slice(b"\",");
    if let (Some(reason), true) = (order.reason, order.state != OrderState::Open) {
        out.extend_from_slice(b"\"reason\":\"");
        out.extend_from_slice(reason.name().as_bytes());
        out.extend_from_slice(b"\",");
    }
    if let Some(info) = units.info(order.instrument) {
        out.extend_from_slice(b"\"filled\":\"");
        info.write_qty(out, order.filled);
        out.extend_from_slice(b"\",");
    }
    if let Some(first_seq) = order.first_seq {
        out.extend_from_slice(b"\"duplicate\":true,\"first_seq\":");
        digits::unsigned(out, first_seq.0);
        out.push(b',');
    }
}

/// Appends the reply to a command that the core refused.
pub fn write_rejected(out: &mut Vec<u8>, id_raw: &[u8], rejected: &Rejected, units: &Units<'_>) {
    open_error(out, id_raw, rejected.code);
    let message = out.len();
    write_reject_message(out, rejected, units);
    // The text is ours and the numbers are digits: nothing in it needs an escape.
    debug_assert!(!out.get(message..).unwrap_or_default().contains(&b'"'), "text needs escapes");
    out.push(b'"');
    let field = field_name(rejected.field);
    if !field.is_empty() {
        out.extend_from_slice(b",\"field\":\"");
        out.extend_from_slice(field.as_bytes());
        out.push(b'"');
    }
    if let Some(text) = sent_text(rejected) {
        out.extend_from_slice(b",\"value\":\"");
        out.extend_from_slice(text);
        out.push(b'"');
    } else if rejected.unit != Unit::None {
        out.extend_from_slice(b",\"value\":\"");
        write_in_unit(out, rejected.value, rejected.unit, units);
        out.push(b'"');
        if has_limit(rejected.code) {
            out.extend_from_slice(b",\"limit\":\"");
            write_in_unit(out, rejected.limit, rejected.unit, units);
            out.push(b'"');
        }
    }
    out.extend_from_slice(match rejected.code.origin() {
        Origin::Core => br#","state":"rejected"}}"#,
        Origin::Gateway => br#","state":"not_sent"}}"#,
    });
}

/// What a reject says to people, without its code: `available 10.00 USD is less than …`.
pub fn write_reject_message(out: &mut Vec<u8>, rejected: &Rejected, units: &Units<'_>) {
    if rejected.code == RejectCode::InsufficientBalance {
        out.extend_from_slice(b"available ");
        write_for_people(out, rejected.limit, rejected.unit, units);
        out.extend_from_slice(b" is less than ");
        write_for_people(out, rejected.value, rejected.unit, units);
        out.extend_from_slice(b" needed");
        return;
    }
    let field = field_name(rejected.field);
    if !field.is_empty() {
        out.extend_from_slice(field.as_bytes());
        if let Some(text) = sent_text(rejected) {
            out.push(b' ');
            out.extend_from_slice(text);
        } else if rejected.unit != Unit::None {
            out.push(b' ');
            write_for_people(out, rejected.value, rejected.unit, units);
        }
        out.extend_from_slice(b": ");
    }
    write_meaning(out, rejected.code);
    if rejected.unit != Unit::None && has_limit(rejected.code) {
        out.extend_from_slice(b"; limit ");
        write_for_people(out, rejected.limit, rejected.unit, units);
    }
}

/// What the protocol calls a field: amounts of money are sent as `qty`.
const fn field_name(field: Field) -> &'static str {
    match field {
        Field::Amount => Field::Qty.name(),
        _ => field.name(),
    }
}

/// What stood in the field as the client sent it, where the reject's number says it otherwise or
/// not at all: a client's own id, or a value that the log keeps as a number.
fn sent_text(rejected: &Rejected) -> Option<&[u8]> {
    match rejected.field {
        Field::ClientOrderId if names_client_id(rejected) => {
            Some(rejected.client_order_id.as_bytes())
        }
        Field::TimeInForce => {
            let number = u8::try_from(rejected.value).ok()?;
            TimeInForce::from_number(number).map(|tif| tif.name().as_bytes())
        }
        Field::PostOnly => Some(b"true"),
        _ => None,
    }
}

/// Whether the reject is about the client's id itself, and not about how many there may be.
fn names_client_id(rejected: &Rejected) -> bool {
    rejected.code != RejectCode::TableFull && !rejected.client_order_id.is_empty()
}

/// Appends what a code means, as the rest of a sentence.
pub(super) fn write_meaning(out: &mut Vec<u8>, code: RejectCode) {
    let start = out.len();
    out.extend_from_slice(code.doc().trim_end_matches('.').as_bytes());
    // The table's sentences all begin with an ordinary word.
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_lowercase();
    }
}

/// Whether the reject's limit says something, also where it is 0.
fn has_limit(code: RejectCode) -> bool {
    matches!(
        code,
        RejectCode::QtyBelowMin
            | RejectCode::QtyAboveMax
            | RejectCode::NotionalBelowMin
            | RejectCode::NotionalAboveMax
            | RejectCode::PriceOutOfRange
            | RejectCode::AmountOutOfRange
            | RejectCode::InsufficientBalance
            | RejectCode::PostOnlyWouldTrade
            | RejectCode::TooManyOpenOrders
            | RejectCode::TableFull
            | RejectCode::InvalidInstrument
            | RejectCode::NotPermitted
            | RejectCode::StaleIncarnation
            | RejectCode::TriggerWouldFire
            | RejectCode::TimeOutOfRange
            | RejectCode::TooManyConditionalOrders
            | RejectCode::TooManyFollowers
            | RejectCode::ReduceOnlyWouldIncrease
            | RejectCode::RiskPriceCollar
            | RejectCode::RiskOrderQty
            | RejectCode::RiskOrderNotional
            | RejectCode::RiskPosition
            | RejectCode::RiskGrossNotional
            | RejectCode::RiskNetNotional
            | RejectCode::RiskOrderRate
            | RejectCode::RiskMessageRate
            | RejectCode::RiskDuplicateOrder
            | RejectCode::RiskDailyLoss
            | RejectCode::RiskDrawdown
    )
}

/// Appends a reject's number as it stands on the wire.
fn write_in_unit(out: &mut Vec<u8>, value: i128, unit: Unit, units: &Units<'_>) {
    let info = units.info(InstrumentId(0));
    match (unit, info, i64::try_from(value)) {
        (Unit::Ticks, Some(info), Ok(ticks)) => info.write_price(out, Price::from_ticks(ticks)),
        (Unit::Lots, Some(info), Ok(lots)) => info.write_qty(out, Qty::from_lots(lots)),
        (Unit::Ppm, _, _) => digits::fixed(out, value, 6),
        // Times are integers of microseconds, as in requests.
        (Unit::Ns, _, _) => decimal::write(out, value.div_euclid(NS_PER_US), 0, 0),
        _ => match asset_of(unit, units) {
            Some(asset) => asset.write_amount(out, Amount::from_minor(value)),
            None => decimal::write(out, value, 0, 0),
        },
    }
}

/// The same with the asset's name or `s` for seconds, and with no more decimals than are worth reading.
fn write_for_people(out: &mut Vec<u8>, value: i128, unit: Unit, units: &Units<'_>) {
    match asset_of(unit, units) {
        Some(asset) => {
            decimal::write(out, value, asset.scale, asset.scale.min(2));
            out.push(b' ');
            out.extend_from_slice(asset.name.as_bytes());
        }
        None if unit == Unit::Ns => {
            decimal::write(out, value, NS_DECIMALS, 0);
            out.extend_from_slice(b" s");
        }
        None => write_in_unit(out, value, unit, units),
    }
}

fn asset_of<'t>(unit: Unit, units: &Units<'t>) -> Option<&'t AssetInfo> {
    match unit {
        Unit::BaseMinor => units.info(InstrumentId(0)).map(|info| &info.base),
        Unit::QuoteMinor => units.info(InstrumentId(0)).map(|info| &info.quote),
        Unit::AssetMinor => units.table.asset(units.asset),
        Unit::None | Unit::Ticks | Unit::Lots | Unit::Number | Unit::Ppm | Unit::Ns => None,
    }
}

/// Appends the reply to a command whose outcome is not known here: `state` is `unknown`.
pub fn write_unknown(out: &mut Vec<u8>, id_raw: &[u8], code: RejectCode) {
    open_error(out, id_raw, code);
    write_meaning(out, code);
    out.extend_from_slice(br#"","state":"unknown"}}"#);
}

/// Appends the reply to `ping`, `session.logoff` and whatever has an empty result.
pub fn write_done(out: &mut Vec<u8>, id_raw: &[u8]) {
    open_ok(out, id_raw);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `time`.
pub fn write_time(out: &mut Vec<u8>, id_raw: &[u8], time_us: i64, seq: u64) {
    open_ok(out, id_raw);
    out.extend_from_slice(b"\"time\":");
    digits::signed(out, time_us);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
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
pub fn write_logged_on(out: &mut Vec<u8>, id_raw: &[u8], who: &LoggedOn, seq: u64, time_us: i64) {
    use coulisse_types::command::permission;
    open_ok(out, id_raw);
    out.extend_from_slice(b"\"account\":\"");
    out.extend_from_slice(who.account.as_bytes());
    out.extend_from_slice(b"\",\"key_id\":\"");
    out.extend_from_slice(who.key_id.as_bytes());
    out.extend_from_slice(b"\",\"permissions\":[");
    let names = [
        (permission::READ, &b"\"read\""[..]),
        (permission::TRADE, b"\"trade\""),
        (permission::WITHDRAW, b"\"withdraw\""),
        (permission::ADMIN, b"\"admin\""),
    ];
    let mut first = true;
    for (bit, name) in names {
        if who.permissions & bit != 0 {
            separate(out, &mut first);
            out.extend_from_slice(name);
        }
    }
    out.extend_from_slice(b"],\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"time\":");
    digits::signed(out, time_us);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `subscribe` and `unsubscribe`.
pub fn write_subscribed(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    channel: Channel,
    instruments: &[InstrumentId],
    seq: u64,
    table: &InstrumentTable,
) {
    open_ok(out, id_raw);
    out.extend_from_slice(b"\"channel\":\"");
    out.extend_from_slice(channel.name().as_bytes());
    out.push(b'"');
    if !channel.is_private() {
        out.extend_from_slice(b",\"symbols\":[");
        let mut first = true;
        for info in instruments.iter().filter_map(|id| table.instrument(*id)) {
            separate(out, &mut first);
            out.push(b'"');
            out.extend_from_slice(info.symbol.as_bytes());
            out.push(b'"');
        }
        out.push(b']');
    }
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to `orders.open`.
pub fn write_open_orders(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    seq: u64,
    orders: impl IntoIterator<Item = super::feed::OpenOrder>,
    table: &InstrumentTable,
) {
    open_ok(out, id_raw);
    out.extend_from_slice(b"\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"orders\":[");
    super::feed::write_open_order_items(out, orders, table);
    out.extend_from_slice(b"]}}");
}

/// Appends the reply to `balances.get`.
pub fn write_balances(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    seq: u64,
    balances: impl IntoIterator<Item = super::feed::Balance>,
    table: &InstrumentTable,
) {
    open_ok(out, id_raw);
    out.extend_from_slice(b"\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"balances\":[");
    super::feed::write_balance_items(out, balances, table);
    out.extend_from_slice(b"]}}");
}

/// Appends the first message on a connection. `server` and `node` are plain text.
pub fn write_hello(out: &mut Vec<u8>, nonce: &[u8], server: &str, node: &str, time_us: i64) {
    out.extend_from_slice(br#"{"ch":"session","type":"hello","nonce":""#);
    digits::hex(out, nonce);
    out.extend_from_slice(br#"","server":""#);
    digits::escaped(out, server.as_bytes());
    out.extend_from_slice(br#"","node":""#);
    digits::escaped(out, node.as_bytes());
    out.extend_from_slice(br#"","time":"#);
    digits::signed(out, time_us);
    out.push(b'}');
}

/// Why a session is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The node stops.
    GoingAway,
    /// This session is ended.
    Closing,
}

/// Appends the notice that a session is about to end; `seq` is where `from_seq` resumes.
pub fn write_notice(out: &mut Vec<u8>, notice: Notice, reason: &str, seq: u64) {
    out.extend_from_slice(match notice {
        Notice::GoingAway => br#"{"ch":"session","type":"going_away","reason":""#,
        Notice::Closing => &br#"{"ch":"session","type":"closing","reason":""#[..],
    });
    digits::escaped(out, reason.as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    digits::unsigned(out, seq);
    out.push(b'}');
}

/// Appends what a client signs to log on: `coulisse-logon-v1|host|key_id|nonce`, the nonce in
/// hexadecimal digits.
pub fn write_logon_text(out: &mut Vec<u8>, host: &[u8], key_id: &[u8], nonce: &[u8]) {
    out.extend_from_slice(b"coulisse-logon-v1|");
    out.extend_from_slice(host);
    out.push(b'|');
    out.extend_from_slice(key_id);
    out.push(b'|');
    digits::hex(out, nonce);
}

/// Appends a comma, but not before the first.
pub(super) fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if *first {
        *first = false;
    } else {
        out.push(b',');
    }
}
