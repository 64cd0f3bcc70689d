//! JSON Schemas of parameters, of results and of messages.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::json::{Json, object, reference, texts};
use crate::limits::INTEGER_MAX;
use crate::native::spec::{BodyField, Channel, ParamKind, ParamSpec};

/// Where the schemas that many use are.
const SCHEMAS: &str = "#/components/schemas/";
/// A decimal number in text.
const DECIMAL: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$";

/// What texts of these names look like, and no others.
const FORMS: &[(&[&str], &str)] = &[
    (&["symbol"], "^[A-Z0-9]{2,12}-[A-Z0-9]{2,12}$"),
    (&["asset"], "^[A-Z0-9]{2,12}$"),
    (&["account", "group", "key_id"], "^[a-z0-9_-]{1,32}$"),
    (&["request_id"], "^[0-9a-fA-F]{1,32}$"),
    (&["order_id", "cancel_order_id", "withdrawal_id"], "^[0-9]{1,16}$"),
    (&["client_order_id", "cancel_client_order_id"], r"^[!#-\[\]-~]{1,36}$"),
    (&["public_key"], "^[0-9a-fA-F]{64}$"),
];

/// The name of the schema of a channel's items.
pub(super) fn items_name(channel: Channel) -> String {
    format!("{}_item", channel.name())
}

/// A schema that stands among the components.
pub(super) fn schema(name: &str) -> Json {
    reference(&format!("{SCHEMAS}{name}"))
}

fn typed(name: &str) -> Json {
    object([("type", name.into())])
}

pub(super) fn integer() -> Json {
    typed("integer").with("minimum", 0).with("maximum", INTEGER_MAX)
}

pub(super) fn decimal() -> Json {
    typed("string").with("pattern", DECIMAL)
}

/// A text of that name.
pub(super) fn named_text(name: &str) -> Json {
    let text = typed("string").with("minLength", 1);
    match FORMS.iter().find(|(names, _)| names.contains(&name)) {
        Some((_, form)) => text.with("pattern", *form),
        None => text,
    }
}

/// What a parameter must be.
pub(super) fn of_param(param: &ParamSpec) -> Json {
    let shape = match param.kind {
        ParamKind::Text => named_text(param.name),
        ParamKind::OneOf(names) => typed("string").with("enum", texts(names.iter().copied())),
        ParamKind::Decimal => decimal(),
        ParamKind::Integer => integer(),
        ParamKind::UpTo(most) => {
            typed("integer").with("minimum", 1).with("maximum", u64::from(most))
        }
        ParamKind::Flag => typed("boolean"),
        ParamKind::TextList => typed("array").with("items", typed("string")),
        ParamKind::ObjectList(keys) => typed("array").with("items", of_params(keys)),
    };
    shape.with("description", param.doc)
}

/// An object of parameters, and of nothing else.
pub(super) fn of_params<'p>(params: impl IntoIterator<Item = &'p ParamSpec>) -> Json {
    let (mut properties, mut required) = (Vec::new(), Vec::new());
    for param in params {
        properties.push((param.name.to_string(), of_param(param)));
        if param.required {
            required.push(Json::from(param.name));
        }
    }
    typed("object")
        .with("properties", Json::Object(properties))
        .with("required", Json::List(required))
        .with("additionalProperties", false)
}

/// An object of fields that are sent. A later version may send more.
pub(super) fn of_fields(fields: &[BodyField]) -> Json {
    let of = |field: &BodyField| (field.name.to_string(), of_field(field));
    let required = fields.iter().filter(|field| !is_optional(field));
    typed("object")
        .with("properties", Json::Object(fields.iter().map(of).collect()))
        .with("required", texts(required.map(|field| field.name)))
}

fn is_optional(field: &BodyField) -> bool {
    field.type_name.ends_with('?')
}

fn of_field(field: &BodyField) -> Json {
    let name = field.type_name.trim_end_matches('?');
    let shape = match name {
        "decimal" => decimal(),
        "integer" => integer(),
        "array of strings" => typed("array").with("items", typed("string")),
        "integer, string or null" => object([("type", texts(["integer", "string", "null"]))]),
        _ => match name.strip_prefix("array of items of ").map(|name| name.trim_matches('`')) {
            Some(channel) => typed("array").with("items", schema(&format!("{channel}_item"))),
            None => typed(name),
        },
    };
    shape.with("description", field.doc)
}

/// A message of a channel, its items in a schema of their own where it has some.
pub(super) fn of_message(channel: Channel) -> Json {
    let spec = channel.spec();
    let mut message = of_fields(spec.fields);
    let Json::Object(pairs) = &mut message else { return message };
    for (key, properties) in pairs {
        let Json::Object(fields) = properties else { continue };
        if key != "properties" {
            continue;
        }
        for (name, shape) in fields {
            if name == "ch" {
                *shape = typed("string").with("const", spec.name);
            }
            if name == "items" {
                *shape = typed("array").with("items", schema(&items_name(channel)));
            }
        }
    }
    message
}
