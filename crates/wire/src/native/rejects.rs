//! How a refusal of the core is said: code, field, value and limit in the client's own words.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use coulisse_types::command::OrderReplace;
use coulisse_types::event::Rejected;
use coulisse_types::reject::{Field, Origin, Unit};
use coulisse_types::{
    Amount, Command, InstrumentId, OrderType, Peg, Price, Qty, RejectCode, RequestId, RiskState,
    Scope, SelfTrade, TimeInForce, TradingState, Trigger, TriggerOn, decimal,
};

use super::bounds::{Measure, Subject, measure};
use super::reply::{Units, open_error};
use super::spec::type_name;
use crate::digits;
use crate::instruments::AssetInfo;

/// Nanoseconds in a microsecond.
const NS_PER_US: i128 = 1_000;
/// Nanoseconds in a millisecond.
const NS_PER_MS: i128 = 1_000_000;
/// Decimals of a nanosecond in seconds.
const NS_DECIMALS: u8 = 9;

/// Appends the start of an error object, up to the text of its message behind the code.
pub(super) fn open_error_object(out: &mut Vec<u8>, code: RejectCode) {
    out.extend_from_slice(br#"{"code":""#);
    out.extend_from_slice(code.name().as_bytes());
    out.extend_from_slice(br#"","message":""#);
    out.extend_from_slice(code.name().as_bytes());
    out.extend_from_slice(b": ");
}

/// Appends the reply to a command that the core refused.
pub fn write_rejected(out: &mut Vec<u8>, id_raw: &[u8], rejected: &Rejected, units: &Units<'_>) {
    open_error(out, id_raw, rejected.code);
    finish_error_object(out, rejected, units, state_of(rejected));
    out.push(b'}');
}

/// Appends the reply to a test of an order that the core would refuse: it was never sent to the log.
pub fn write_would_reject(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    rejected: &Rejected,
    units: &Units<'_>,
) {
    open_error(out, id_raw, rejected.code);
    finish_error_object(out, rejected, units, "not_sent");
    out.push(b'}');
}

/// Appends the error object of a refusal.
pub(super) fn write_error_object(out: &mut Vec<u8>, rejected: &Rejected, units: &Units<'_>) {
    open_error_object(out, rejected.code);
    finish_error_object(out, rejected, units, state_of(rejected));
}

const fn state_of(rejected: &Rejected) -> &'static str {
    match rejected.code.origin() {
        Origin::Core => "rejected",
        Origin::Gateway => "not_sent",
    }
}

fn finish_error_object(out: &mut Vec<u8>, rejected: &Rejected, units: &Units<'_>, state: &str) {
    let message = out.len();
    write_reject_message(out, rejected, units);
    // The text is ours and the numbers are digits: nothing in it needs an escape.
    debug_assert!(!out.get(message..).unwrap_or_default().contains(&b'"'), "text needs escapes");
    out.push(b'"');
    let field = field_name(rejected, units);
    if !field.is_empty() {
        out.extend_from_slice(b",\"field\":\"");
        out.extend_from_slice(field.as_bytes());
        out.push(b'"');
    }
    if let Some(text) = sent_text(rejected, rejected.value, units) {
        out.extend_from_slice(b",\"value\":\"");
        out.extend_from_slice(&text);
        out.push(b'"');
    } else if rejected.unit != Unit::None {
        out.extend_from_slice(b",\"value\":\"");
        write_number(out, rejected, rejected.value, units);
        out.push(b'"');
    }
    if rejected.unit != Unit::None && has_limit(rejected) {
        out.extend_from_slice(b",\"limit\":\"");
        match sent_text(rejected, rejected.limit, units) {
            Some(text) => out.extend_from_slice(&text),
            None => write_number(out, rejected, rejected.limit, units),
        }
        out.push(b'"');
    }
    out.extend_from_slice(b",\"state\":\"");
    out.extend_from_slice(state.as_bytes());
    out.extend_from_slice(b"\"}");
}

/// What a reject says to people, without its code: `available 10.00 USD is less than …`.
pub fn write_reject_message(out: &mut Vec<u8>, rejected: &Rejected, units: &Units<'_>) {
    if write_own_sentence(out, rejected, units) {
        return;
    }
    let field = match rejected.code {
        RejectCode::RiskDailyLoss => "loss",
        RejectCode::RiskDrawdown => "drawdown",
        _ => field_name(rejected, units),
    };
    if !field.is_empty() {
        out.extend_from_slice(field.as_bytes());
        if let Some(text) = sent_text(rejected, rejected.value, units) {
            out.push(b' ');
            out.extend_from_slice(&text);
        } else if rejected.unit != Unit::None {
            out.push(b' ');
            write_for_people(out, rejected, rejected.value, units);
        }
        out.extend_from_slice(b": ");
    }
    write_meaning(out, rejected.code);
    if let Some(form) = form_of_name(rejected, units) {
        out.extend_from_slice(b": ");
        out.extend_from_slice(form);
    }
    if rejected.unit != Unit::None && has_limit(rejected) {
        out.extend_from_slice(b"; limit ");
        match sent_text(rejected, rejected.limit, units) {
            Some(text) => out.extend_from_slice(&text),
            None => write_for_people(out, rejected, rejected.limit, units),
        }
    }
}

/// Refusals that `field value: meaning; limit` would say badly.
fn write_own_sentence(out: &mut Vec<u8>, rejected: &Rejected, units: &Units<'_>) -> bool {
    let (before, between, after): (&[u8], &[u8], &[u8]) = match rejected.code {
        RejectCode::InsufficientBalance => {
            out.extend_from_slice(b"available ");
            write_for_people(out, rejected, rejected.limit, units);
            out.extend_from_slice(b" is less than ");
            write_for_people(out, rejected, rejected.value, units);
            out.extend_from_slice(b" needed");
            return true;
        }
        RejectCode::RiskOrderRate => (b"orders come faster than ", b" a second, ", b" at once"),
        RejectCode::RiskMessageRate => (b"messages come faster than ", b" a second, ", b" at once"),
        RejectCode::RiskDuplicateOrder => (b"the same order came ", b" ago; limit ", b""),
        _ => return false,
    };
    out.extend_from_slice(before);
    write_for_people(out, rejected, rejected.value, units);
    out.extend_from_slice(between);
    write_for_people(out, rejected, rejected.limit, units);
    out.extend_from_slice(after);
    true
}

/// What the protocol calls a field.
fn field_name(rejected: &Rejected, units: &Units<'_>) -> &'static str {
    match rejected.field {
        // Amounts of money are sent as `qty`.
        Field::Amount => Field::Qty.name(),
        Field::OrderId if to_cancel(rejected, units).is_some() => "cancel_order_id",
        Field::ClientOrderId if to_cancel(rejected, units).is_some() => "cancel_client_order_id",
        Field::Trigger if names_trigger_on(rejected) => "trigger_on",
        // An order's trigger is sent with its type.
        Field::Trigger => Field::OrderType.name(),
        Field::Trail if trigger_of(units) == Some(Trigger::TrailBp) => "trail_bp",
        field => field.name(),
    }
}

/// Whether the reject is about which price an order without a trigger would look at.
fn names_trigger_on(rejected: &Rejected) -> bool {
    rejected.code == RejectCode::InvalidCombination
}

/// The replacement whose old order the reject is about. Its `client_order_id` is the new one's.
fn to_cancel<'t>(rejected: &Rejected, units: &Units<'t>) -> Option<&'t OrderReplace> {
    let Some(Command::OrderReplace(replace)) = units.command else { return None };
    let is_old = match rejected.code {
        RejectCode::OrderNotFound => true,
        RejectCode::InvalidCombination => {
            matches!(rejected.field, Field::OrderId | Field::ClientOrderId)
        }
        _ => false,
    };
    is_old.then_some(replace)
}

const fn trigger_of(units: &Units<'_>) -> Option<Trigger> {
    match units.command {
        Some(Command::OrderPlaceTerms(order)) => Some(order.trigger),
        Some(Command::OrderReplace(order)) => Some(order.trigger),
        _ => None,
    }
}

/// What stood in the field as the client sent it, where the reject's number says it otherwise or
/// not at all: a client's own id, or a value that the log keeps as a number.
fn sent_text<'a>(rejected: &'a Rejected, value: i128, units: &Units<'a>) -> Option<Cow<'a, [u8]>> {
    let number = u8::try_from(value);
    let name = match rejected.field {
        Field::ClientOrderId => return client_id(rejected, units).map(Cow::Borrowed),
        Field::RequestId if units.request_id != RequestId(0) => {
            return Some(Cow::Owned(format!("{:x}", units.request_id.0).into_bytes()));
        }
        Field::PostOnly | Field::ReduceOnly => "true",
        Field::TimeInForce => TimeInForce::from_number(number.ok()?)?.name(),
        Field::OrderType => OrderType::from_number(number.ok()?)?.name(),
        Field::Peg => Peg::from_number(number.ok()?)?.name(),
        Field::SelfTrade => SelfTrade::from_number(number.ok()?)?.name(),
        Field::Scope => Scope::from_number(number.ok()?)?.name(),
        Field::State if rejected.code == RejectCode::LimitBindsAsker => {
            RiskState::from_number(number.ok()?)?.name()
        }
        Field::State => TradingState::from_number(number.ok()?)?.name(),
        Field::Trigger if names_trigger_on(rejected) => {
            TriggerOn::from_number(number.ok()?)?.name()
        }
        Field::Trigger => type_name(OrderType::Market, Trigger::from_number(number.ok()?)?),
        Field::Limit if rejected.code == RejectCode::LimitBindsAsker && value < 0 => "none",
        Field::Name | Field::Key | Field::Symbol if is_about_a_name(rejected.code) => {
            return new_name(units).map(Cow::Borrowed);
        }
        _ => return None,
    };
    Some(Cow::Borrowed(name.as_bytes()))
}

/// The client's id that the reject is about, where it is about the id and not about how many there
/// may be.
fn client_id<'a>(rejected: &'a Rejected, units: &Units<'a>) -> Option<&'a [u8]> {
    let id = match to_cancel(rejected, units) {
        Some(replace) => &replace.cancel_client_order_id,
        None => &rejected.client_order_id,
    };
    (rejected.code != RejectCode::TableFull && !id.is_empty()).then(|| id.as_bytes())
}

const fn is_about_a_name(code: RejectCode) -> bool {
    matches!(code, RejectCode::AlreadyExists | RejectCode::InvalidName)
}

/// The name that a command would have given to something new.
fn new_name<'t>(units: &Units<'t>) -> Option<&'t [u8]> {
    Some(match units.command? {
        Command::AssetCreate(body) => body.name.as_bytes(),
        Command::InstrumentCreate(body) => body.symbol.as_bytes(),
        Command::AccountCreate(body) => body.name.as_bytes(),
        Command::GroupCreate(body) => body.name.as_bytes(),
        Command::KeyCreate(body) => body.key_id.as_bytes(),
        Command::KeyIssue(body) => body.key_id.as_bytes(),
        _ => return None,
    })
}

/// The form of such a name, where it is not of it.
const fn form_of_name(rejected: &Rejected, units: &Units<'_>) -> Option<&'static [u8]> {
    if !matches!(rejected.code, RejectCode::InvalidName) {
        return None;
    }
    Some(match units.command {
        Some(Command::AssetCreate(_)) => b"2 to 12 of A-Z 0-9",
        Some(Command::InstrumentCreate(_)) => b"the names of base and quote with a dash between",
        _ => b"1 to 32 of a-z 0-9 _ -",
    })
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
fn has_limit(rejected: &Rejected) -> bool {
    match rejected.code {
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
        | RejectCode::RiskDrawdown => true,
        RejectCode::LimitBindsAsker => matches!(rejected.field, Field::Limit | Field::State),
        _ => false,
    }
}

/// The unit that a number is in, where the reject only says that it is one.
fn unit_of(rejected: &Rejected, units: &Units<'_>) -> Unit {
    match (rejected.unit, rejected.field) {
        (
            Unit::Number,
            Field::Collar
            | Field::Slippage
            | Field::Band
            | Field::AuctionFee
            | Field::MakerFee
            | Field::TakerFee,
        ) => Unit::Ppm,
        (Unit::Number, Field::AuctionTime) => Unit::Ns,
        (Unit::Number, Field::Trail) if trigger_of(units) == Some(Trigger::TrailTicks) => {
            Unit::Ticks
        }
        (unit, _) => unit,
    }
}

/// Appends a reject's number as it stands on the wire.
fn write_number(out: &mut Vec<u8>, rejected: &Rejected, value: i128, units: &Units<'_>) {
    if let (Field::Limit, Unit::Number, Some(Command::LimitSet(set))) =
        (rejected.field, rejected.unit, units.command)
        && matches!(measure(set.kind), Measure::Lots | Measure::Money | Measure::Time)
        && let Some(subject) = Subject::of(set.kind, set.subject, units.table)
    {
        subject.write(out, set.kind, value);
        return;
    }
    let info = units.info(InstrumentId(0));
    let unit = unit_of(rejected, units);
    match (unit, info, i64::try_from(value)) {
        (Unit::Ticks, Some(info), Ok(ticks)) => info.write_price(out, Price::from_ticks(ticks)),
        (Unit::Lots, Some(info), Ok(lots)) => info.write_qty(out, Qty::from_lots(lots)),
        (Unit::Ppm, _, _) => digits::fixed(out, value, 6),
        (Unit::Ns, _, _) => {
            let unit_ns = if rejected.field == Field::Timeout { NS_PER_MS } else { NS_PER_US };
            digits::fixed(out, value.div_euclid(unit_ns), 0);
        }
        _ => match asset_of(unit, units) {
            Some(asset) => asset.write_amount(out, Amount::from_minor(value)),
            None => decimal::write(out, value, 0, 0),
        },
    }
}

/// The same with the asset's name or `s` for seconds, and with no more decimals than are worth
/// reading.
fn write_for_people(out: &mut Vec<u8>, rejected: &Rejected, value: i128, units: &Units<'_>) {
    match asset_of(rejected.unit, units) {
        Some(asset) => {
            decimal::write(out, value, asset.scale, asset.scale.min(2));
            out.push(b' ');
            out.extend_from_slice(asset.name.as_bytes());
        }
        None if unit_of(rejected, units) == Unit::Ns => {
            decimal::write(out, value, NS_DECIMALS, 0);
            out.extend_from_slice(b" s");
        }
        None => write_number(out, rejected, value, units),
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
