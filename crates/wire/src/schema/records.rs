//! The pages of records and events.

use alloc::string::String;

use coulisse_types::event::{CloseReason, OrderState, Role, WithdrawalEnd};
use coulisse_types::message::MessageSpec;
use coulisse_types::record::{HEADER_BYTES, SCHEMA_VERSION};
use coulisse_types::{
    Command, Event, Field, KeyScheme, LimitKind, ListKind, MatchingMode, OrderType, Peg,
    ReferenceKind, RiskState, Scope, SelfTrade, Side, SideFilter, StateReason, TimeInForce,
    TradingState, Trigger, TriggerOn, Unit,
};

use super::line;
use crate::record::HEADER_FIELDS;

/// The names of field types, what their bytes are, and what they mean. All little-endian.
const TYPES: &[(&str, &str, &str)] = &[
    ("u8", "1", "unsigned"),
    ("u16", "2", "unsigned"),
    ("u32", "4", "unsigned"),
    ("u64", "8", "unsigned"),
    ("u128", "16", "unsigned"),
    ("i32", "4", "signed"),
    ("i64", "8", "signed"),
    ("i128", "16", "signed"),
    ("bool", "1", "0 or 1, nothing else"),
    ("bytes32", "32", "as they are"),
    ("bytes", "1 + n", "a length byte, then that many bytes"),
    (
        "text",
        "1 + n",
        "a length byte, then that many bytes of printable ASCII without space, `\"` and `\\`",
    ),
    ("price_ticks", "8", "signed; whole ticks of the instrument"),
    ("qty_lots", "8", "signed; whole lots of the instrument"),
    ("amount_minor", "16", "signed; minor units of the asset"),
    ("rate_ppm", "4", "signed; parts per million of the notional"),
    ("seq", "8", "unsigned; position in the log"),
    ("account_id", "4", "unsigned; from 1 in order of creation, 0 for none"),
    ("group_id", "4", "unsigned; from 1 in order of creation, 0 for none"),
    ("asset_id", "4", "unsigned; from 1 in order of creation, 0 for none"),
    ("instrument_id", "4", "unsigned; from 1 in order of creation, 0 for none"),
    ("key_index", "4", "unsigned; from 1 in order of creation, 0 for the node itself"),
    ("order_id", "8", "unsigned; below 2^53, 0 for none"),
    ("trade_id", "8", "unsigned; consecutive per instrument, from 1"),
    ("request_id", "16", "unsigned; 0 for none"),
    ("reject_code", "2", "unsigned; a number of [errors.md](errors.md)"),
    ("side", "1", "enum"),
    ("order_type", "1", "enum"),
    ("time_in_force", "1", "enum"),
    ("order_state", "1", "enum"),
    ("close_reason", "1", "enum"),
    ("role", "1", "enum"),
    ("field", "1", "enum"),
    ("unit", "1", "enum"),
    ("self_trade", "1", "enum"),
    ("trigger", "1", "enum"),
    ("trigger_on", "1", "enum"),
    ("peg", "1", "enum"),
    ("list_kind", "1", "enum"),
    ("side_filter", "1", "enum"),
    ("matching_mode", "1", "enum"),
    ("reference_kind", "1", "enum"),
    ("trading_state", "1", "enum"),
    ("state_reason", "1", "enum"),
    ("scope", "1", "enum"),
    ("risk_state", "1", "enum"),
    ("withdrawal_end", "1", "enum"),
    ("limit_kind", "1", "enum"),
    ("key_scheme", "1", "enum"),
];

pub(super) fn commands_page() -> String {
    let mut page = String::from("# Records\n\n");
    line(
        &mut page,
        format_args!(
            "A record is one command as it stands in the log: a header of {HEADER_BYTES} bytes, \
             then the fields of the command, one after the other, without padding. Integers are \
             little-endian. This is schema version {SCHEMA_VERSION}.\n\n## Header\n\n\
             | offset | bytes | field | meaning |\n| --- | --- | --- | --- |"
        ),
    );
    for field in HEADER_FIELDS {
        line(
            &mut page,
            format_args!(
                "| {} | {} | `{}` | {} |",
                field.offset, field.bytes, field.name, field.doc
            ),
        );
    }
    types_and_enums(&mut page);
    page.push_str("\n## Commands\n");
    messages(&mut page, Command::SCHEMA);
    page
}

pub(super) fn events_page() -> String {
    let mut page = String::from(
        "# Events\n\n\
         A list of events is, for each event, its kind (`u16`), the length of its body (`u16`) and \
         its body: the fields, one after the other, without padding, little-endian. Types are as \
         in [records.md](records.md#types). An event has the seq and the time of its record; \
         which events follow from which command, and in which order, is in \
         [the rules of the core](../internals/core-rules.md).\n",
    );
    messages(&mut page, Event::SCHEMA);
    page
}

fn messages(page: &mut String, table: &[MessageSpec]) {
    for spec in table {
        line(page, format_args!("\n### {} {}\n\n{}", spec.number, spec.name, spec.doc.trim()));
        if spec.fields.is_empty() {
            continue;
        }
        page.push_str("\n| field | type | meaning |\n| --- | --- | --- |\n");
        for field in spec.fields {
            line(
                page,
                format_args!("| `{}` | {} | {} |", field.name, field.type_name, field.doc.trim()),
            );
        }
    }
}

fn types_and_enums(page: &mut String) {
    page.push_str("\n## Types\n\n| type | bytes | meaning |\n| --- | --- | --- |\n");
    for (name, bytes, meaning) in TYPES {
        line(page, format_args!("| {name} | {bytes} | {meaning} |"));
    }
    page.push_str("\n## Enums\n\n| type | values |\n| --- | --- |\n");
    macro_rules! each {
        ($($name:literal $type:ty;)+) => {
            $(
                page.push_str(concat!("| ", $name, " | "));
                for (index, value) in <$type>::ALL.iter().enumerate() {
                    let (gap, name) = (if index == 0 { "" } else { ", " }, value.name());
                    let name = if name.is_empty() { "none" } else { name };
                    page.push_str(gap);
                    let _ = core::fmt::Write::write_fmt(
                        page,
                        format_args!("{} `{name}`", value.number()),
                    );
                }
                page.push_str(" |\n");
            )+
        };
    }
    each!(
        "side" Side; "order_type" OrderType; "time_in_force" TimeInForce;
        "order_state" OrderState; "close_reason" CloseReason; "role" Role;
        "field" Field; "unit" Unit; "self_trade" SelfTrade; "trigger" Trigger; "trigger_on" TriggerOn;
        "peg" Peg; "list_kind" ListKind; "side_filter" SideFilter;
        "matching_mode" MatchingMode; "reference_kind" ReferenceKind; "trading_state" TradingState;
        "state_reason" StateReason; "scope" Scope; "risk_state" RiskState;
        "withdrawal_end" WithdrawalEnd;
        "limit_kind" LimitKind;
        "key_scheme" KeyScheme;
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_a_field_is_explained() {
        for spec in Command::SCHEMA.iter().chain(Event::SCHEMA) {
            for field in spec.fields {
                let known = TYPES.iter().any(|(name, _, _)| *name == field.type_name);
                assert!(known, "{} of {}.{}", field.type_name, spec.name, field.name);
            }
        }
    }
}
