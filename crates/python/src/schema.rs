//! The one schema, as Python reads it: every message, reject, enum and limit.

use coulisse_types::event::{CloseReason, OrderState, Role, WithdrawalEnd};
use coulisse_types::message::MessageSpec;
use coulisse_types::reject::Origin;
use coulisse_types::{
    Command, Event, Field, KeyScheme, LimitKind, ListKind, MatchingMode, OrderType, Peg,
    ReferenceKind, RejectCode, RiskState, Scope, SelfTrade, Side, SideFilter, StateReason,
    TimeInForce, TradingState, Trigger, TriggerOn, Unit, limits,
};
use pyo3::prelude::*;
use std::fmt::Write as _;

/// The schema as JSON: `commands`, `events`, `rejects`, `enums`, `limits`.
#[pyfunction]
pub(crate) fn schema_json() -> String {
    let mut out = String::from("{\"commands\":");
    messages(&mut out, Command::SCHEMA);
    out.push_str(",\"events\":");
    messages(&mut out, Event::SCHEMA);
    out.push_str(",\"rejects\":");
    list(&mut out, RejectCode::ALL, |out, code| {
        let origin = match code.origin() {
            Origin::Gateway => "gateway",
            Origin::Core => "core",
        };
        say(
            out,
            format_args!(
                "{{\"number\":{},\"name\":{:?},\"origin\":{origin:?},\"doc\":{:?}}}",
                code.number(),
                code.name(),
                code.doc(),
            ),
        );
    });
    out.push_str(",\"enums\":{");
    enums(&mut out);
    out.push_str("},\"limits\":{");
    bounds(&mut out);
    out.push_str("}}");
    out
}

fn say(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes all text");
}

fn list<T>(out: &mut String, items: &[T], mut one: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        one(out, item);
    }
    out.push(']');
}

fn messages(out: &mut String, table: &[MessageSpec]) {
    list(out, table, |out, spec| {
        say(
            out,
            format_args!(
                "{{\"number\":{},\"name\":{:?},\"doc\":{:?},\"fields\":",
                spec.number,
                spec.name,
                spec.doc.trim(),
            ),
        );
        list(out, spec.fields, |out, field| {
            say(
                out,
                format_args!(
                    "{{\"name\":{:?},\"type\":{:?},\"doc\":{:?}}}",
                    field.name,
                    field.type_name,
                    field.doc.trim(),
                ),
            );
        });
        out.push('}');
    });
}

fn enums(out: &mut String) {
    macro_rules! each {
        ($($name:literal $type:ty),+) => {
            let mut first = true;
            $(
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                say(out, format_args!("{:?}:", $name));
                list(out, <$type>::ALL, |out, value| {
                    say(out, format_args!(
                        "{{\"number\":{},\"name\":{:?}}}", value.number(), value.name(),
                    ));
                });
            )+
        };
    }
    each!(
        "side" Side, "order_type" OrderType, "time_in_force" TimeInForce,
        "order_state" OrderState, "close_reason" CloseReason, "role" Role,
        "field" Field, "unit" Unit, "self_trade" SelfTrade, "trigger" Trigger, "trigger_on" TriggerOn,
        "peg" Peg, "list_kind" ListKind, "side_filter" SideFilter,
        "matching_mode" MatchingMode, "reference_kind" ReferenceKind, "trading_state" TradingState,
        "state_reason" StateReason, "scope" Scope, "risk_state" RiskState,
        "withdrawal_end" WithdrawalEnd,
        "limit_kind" LimitKind,
        "key_scheme" KeyScheme
    );
}

fn bounds(out: &mut String) {
    macro_rules! each {
        ($($name:ident),+ $(,)?) => {
            let mut first = true;
            $(
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                say(out, format_args!("{:?}:{}", stringify!($name), limits::$name));
            )+
        };
    }
    each!(
        CLIENT_ORDER_ID_BYTES_MAX,
        ASSET_NAME_BYTES_MIN,
        ASSET_NAME_BYTES_MAX,
        SYMBOL_BYTES_MAX,
        ACCOUNT_NAME_BYTES_MAX,
        KEY_ID_BYTES_MAX,
        ASSET_SCALE_MAX,
        PRICE_TICKS_MAX,
        QTY_LOTS_MAX,
        NOTIONAL_MINOR_MAX,
        ASSET_TOTAL_MINOR_MAX,
        FEE_PPM_MAX,
        SHARD_SHIFT,
        SHARD_MAX,
        ASSETS_MAX,
        INSTRUMENTS_MAX,
        ACCOUNTS_MAX,
        KEYS_MAX,
        LIVE_ORDERS_MAX,
        OPEN_ORDERS_PER_ACCOUNT_MAX,
        FILLS_PER_COMMAND_MAX,
        TRIGGERS_PER_COMMAND_MAX,
        FOLLOWERS_PER_INSTRUMENT_MAX,
        TIMERS_PER_TICK_MAX,
        TICKS_PER_TURN_MAX,
        GROUPS_MAX,
        FEE_TIERS_MAX,
        REBATE_PPM_MAX,
        RISK_LIMITS_MAX,
        DAY_NS,
        FEE_DAYS,
        BOUND_PPM_MAX,
        AHEAD_NS_MAX,
        CLIENT_ORDER_IDS_MAX,
        CLOSED_IDS_PER_ACCOUNT_MAX,
        REQUEST_IDS_MAX,
        PLACE_BATCH_MAX,
        RECORD_BYTES_MAX,
        VOID_RECORDS_MAX,
        POISON_RECORDS_PER_START_MAX,
        STAMP_JUMP_NS_MAX,
    );
}
