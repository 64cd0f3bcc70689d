//! An event as JSON, for the audit trail: its fields by name, enums by theirs.
//!
//! Numbers that may have 128 bits are text, as whoever reads JSON may know 53 only. Bytes are in
//! hexadecimal.

use coulisse_types::codec::{Field as Encoded, Reader};
use coulisse_types::event::{CloseReason, OrderState, Role, WithdrawalEnd};
use coulisse_types::message::{FieldSpec, Visitor};
use coulisse_types::{
    Event, Field, KeyScheme, LimitKind, ListKind, MatchingMode, OrderType, Peg, ReferenceKind,
    RejectCode, RiskState, Scope, SelfTrade, Side, SideFilter, StateReason, TimeInForce,
    TradingState, Trigger, TriggerOn, Unit,
};
use std::fmt::Write as _;

/// The fields of an event.
pub(crate) fn json(event: &Event) -> String {
    let mut fields = Fields { out: String::from("{"), is_first: true };
    event.visit(&mut fields);
    fields.out.push('}');
    fields.out
}

struct Fields {
    out: String,
    is_first: bool,
}

impl Visitor for Fields {
    fn field(&mut self, spec: &FieldSpec, bytes: &[u8]) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(',');
        }
        write!(self.out, "\"{}\":", spec.name).expect("a String takes all text");
        let said = value(&mut self.out, spec.type_name, bytes);
        assert!(
            said.is_some(),
            "a field of type {} has no form in the audit trail",
            spec.type_name
        );
    }
}

fn read<T: Encoded>(bytes: &[u8]) -> Option<T> {
    T::decode(&mut Reader::new(bytes))
}

fn value(out: &mut String, type_name: &str, bytes: &[u8]) -> Option<()> {
    match type_name {
        "u8" => plain(out, read::<u8>(bytes)?),
        "u16" => plain(out, read::<u16>(bytes)?),
        "i32" | "rate_ppm" => plain(out, read::<i32>(bytes)?),
        "u32" | "account_id" | "group_id" | "asset_id" | "instrument_id" | "key_index" => {
            plain(out, read::<u32>(bytes)?);
        }
        "u64" | "seq" | "order_id" | "trade_id" => plain(out, read::<u64>(bytes)?),
        "i64" | "price_ticks" | "qty_lots" => plain(out, read::<i64>(bytes)?),
        "i128" | "amount_minor" => quoted(out, &read::<i128>(bytes)?.to_string()),
        "u128" | "request_id" => quoted(out, &read::<u128>(bytes)?.to_string()),
        "bool" => plain(out, read::<bool>(bytes)?),
        "text" => quoted(out, std::str::from_utf8(bytes.get(1..)?).ok()?),
        "bytes" => quoted(out, &hex(bytes.get(1..)?)),
        "bytes32" => quoted(out, &hex(bytes)),
        _ => quoted(out, name(type_name, bytes)?),
    }
    Some(())
}

fn plain(out: &mut String, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a String takes all text");
}

/// Text in quotes. What events carry is printable ASCII.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for one in text.chars() {
        if matches!(one, '"' | '\\') {
            out.push('\\');
        }
        out.push(one);
    }
    out.push('"');
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes all text");
        out
    })
}

/// The name of an enum's value.
fn name(type_name: &str, bytes: &[u8]) -> Option<&'static str> {
    if type_name == RejectCode::TYPE {
        return Some(read::<RejectCode>(bytes)?.name());
    }
    macro_rules! each {
        ($($type:ty),+) => {
            $( if type_name == <$type as Encoded>::TYPE {
                return Some(read::<$type>(bytes)?.name());
            } )+
        };
    }
    each!(
        Side,
        OrderType,
        TimeInForce,
        OrderState,
        CloseReason,
        Role,
        Field,
        Unit,
        SelfTrade,
        Trigger,
        TriggerOn,
        Peg,
        ListKind,
        SideFilter,
        MatchingMode,
        ReferenceKind,
        TradingState,
        StateReason,
        Scope,
        RiskState,
        LimitKind,
        KeyScheme,
        WithdrawalEnd
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::event::{KeyCreated, LimitChanged};
    use coulisse_types::{AccountId, KeyId, KeyIndex};

    #[test]
    fn every_type_of_an_events_field_has_a_form() {
        for spec in Event::SCHEMA {
            for field in spec.fields {
                // Zeros are a value of every type but those of enums that begin later.
                let known = value(&mut String::new(), field.type_name, &[0; 32]).is_some()
                    || (1..=u8::MAX).any(|one| name(field.type_name, &[one, 0]).is_some())
                    || field.type_name == RejectCode::TYPE;
                assert!(known, "{}.{}: {}", spec.name, field.name, field.type_name);
            }
        }
    }

    #[test]
    fn numbers_of_128_bits_are_text_and_bytes_hexadecimal() {
        let limit = LimitChanged {
            scope: Scope::Account,
            scope_id: 3,
            kind: LimitKind::Position,
            subject: 1,
            value: -1,
            burst: 0,
            version: 7,
        };
        assert_eq!(
            json(&limit.into()),
            "{\"scope\":\"account\",\"scope_id\":3,\"kind\":\"position\",\"subject\":1,\
             \"value\":\"-1\",\"burst\":0,\"version\":7}"
        );
        let key = KeyCreated {
            key: KeyIndex(1),
            key_id: KeyId::new(b"k").expect("a name"),
            account: AccountId(2),
            public_key: [0xab; 32],
            permissions: 3,
        };
        assert!(json(&key.into()).contains(&"ab".repeat(32)));
    }
}
