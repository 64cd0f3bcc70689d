//! `AsyncAPI` 3.0 of the socket at `/v1/ws`, as the node sees it: what it receives and what it sends.
//!
//! Source: the `AsyncAPI` Specification 3.0.0 (2023).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use super::json::{Json, object, reference, texts};
use super::openapi::{refusal, reply};
use super::shapes::{items_name, of_fields, of_message, of_params};
use crate::native::spec::{Access, BodyField, Channel, ENVELOPE, HELLO, NOTICE, Op};

const SOCKET: &str = "#/channels/socket";

/// The document.
pub fn asyncapi_json() -> String {
    let names: Vec<String> = messages().into_iter().map(|(name, _)| name).collect();
    let socket = object([
        ("address", "/v1/ws".into()),
        ("description", "One JSON object in each text message.".into()),
        (
            "messages",
            Json::Object(names.iter().map(|name| (name.clone(), component(name))).collect()),
        ),
    ]);
    let server = object([
        ("host", "localhost:8080".into()),
        ("protocol", "ws".into()),
        ("description", "A node, or whatever stands in front of it.".into()),
    ]);
    let info = object([
        ("title", "Coulisse: the native protocol".into()),
        ("version", "1".into()),
        (
            "description",
            "Decimals are text in strings; times are microseconds since the epoch. The pages of \
             docs/protocol say what no schema can."
                .into(),
        ),
    ]);
    object([
        ("asyncapi", "3.0.0".into()),
        ("info", info),
        ("defaultContentType", "application/json".into()),
        ("servers", object([("node", server)])),
        ("channels", object([("socket", socket)])),
        ("operations", operations()),
        ("components", components()),
    ])
    .print()
}

fn component(name: &str) -> Json {
    reference(&format!("#/components/messages/{name}"))
}

fn on_socket(names: &[&str]) -> Json {
    Json::List(names.iter().map(|name| reference(&format!("{SOCKET}/messages/{name}"))).collect())
}

fn operations() -> Json {
    let mut listed = Vec::new();
    for op in Op::ALL {
        let spec = op.spec();
        let answer = format!("{}.reply", spec.name);
        let answers = object([
            ("channel", reference(SOCKET)),
            ("messages", on_socket(&[&answer, "refusal"])),
        ]);
        let who = match spec.access {
            Access::Open => "Everyone may.".to_string(),
            Access::LoggedOn => "Whoever is logged on may.".to_string(),
            Access::Person => "Whoever is logged on with a token may.".to_string(),
            access => format!("Whoever is logged on with a key that may `{}`.", access.name()),
        };
        let operation = object([
            ("action", "receive".into()),
            ("channel", reference(SOCKET)),
            ("summary", Json::from(spec.doc.trim())),
            ("description", who.into()),
            ("messages", on_socket(&[spec.name])),
            ("reply", answers),
        ]);
        listed.push((spec.name.to_string(), operation));
    }
    for (name, doc) in told() {
        let operation = object([
            ("action", "send".into()),
            ("channel", reference(SOCKET)),
            ("summary", doc.into()),
            ("messages", on_socket(&[name])),
        ]);
        listed.push((format!("{name}.told"), operation));
    }
    Json::Object(listed)
}

/// What is sent though nobody asked for just that.
fn told() -> Vec<(&'static str, &'static str)> {
    let mut names = vec![
        ("hello", "The first message on a connection."),
        ("going_away", "Before the node stops."),
    ];
    names.extend(Channel::ALL.iter().map(|channel| (channel.name(), channel.spec().doc.trim())));
    names
}

/// Every message, by its name.
fn messages() -> Vec<(String, Json)> {
    let mut listed = Vec::new();
    for op in Op::ALL {
        let spec = op.spec();
        listed.push((spec.name.to_string(), request(*op)));
        listed.push((format!("{}.reply", spec.name), reply(spec)));
    }
    listed.push(("refusal".into(), refusal(&["id", "ok", "error"])));
    listed.push(("hello".into(), of_session("hello", HELLO)));
    listed.push(("going_away".into(), of_session("going_away", NOTICE)));
    for channel in Channel::ALL {
        listed.push((channel.name().into(), of_message(*channel)));
    }
    listed
}

fn of_session(kind: &'static str, fields: &[BodyField]) -> Json {
    let is = |name: &str, value: &str| {
        object([(
            "properties",
            object([(name, object([("type", "string".into()), ("const", value.into())]))]),
        )])
    };
    let both = Json::List(vec![is("ch", "session"), is("type", kind)]);
    of_fields(fields).with("allOf", both)
}

fn request(op: Op) -> Json {
    let spec = op.spec();
    let Json::Object(mut envelope) = of_fields(ENVELOPE) else { return object::<&str, 0>([]) };
    let needs_params = spec.params.iter().any(|param| param.required);
    for (key, properties) in &mut envelope {
        let Json::Object(fields) = properties else { continue };
        if key != "properties" {
            continue;
        }
        for (name, shape) in fields {
            match name.as_str() {
                "op" => *shape = object([("const", spec.name.into())]),
                "params" => *shape = of_params(spec.params),
                _ => {}
            }
        }
    }
    envelope.retain(|(key, _)| key != "required");
    let required: &[&str] = if needs_params { &["op", "params"] } else { &["op"] };
    Json::Object(envelope)
        .with("required", texts(required.iter().copied()))
        .with("additionalProperties", false)
}

fn components() -> Json {
    let message = |(name, shape): (String, Json)| {
        let title = name.clone();
        (name, object([("name", Json::from(title)), ("payload", shape)]))
    };
    let with_items = Channel::ALL.iter().filter(|channel| !channel.spec().item.is_empty());
    let schemas = with_items.map(|channel| (items_name(*channel), of_fields(channel.spec().item)));
    object([
        ("messages", Json::Object(messages().into_iter().map(message).collect())),
        ("schemas", Json::Object(schemas.collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_and_channel_is_there() {
        let document: Value = serde_json::from_str(&asyncapi_json()).expect("JSON");
        let text = document.to_string();
        let mut count = 0;
        for place in text.split("\"$ref\":\"#").skip(1) {
            let place = place.split('"').next().expect("a place");
            assert!(document.pointer(place).is_some(), "{place} is nowhere");
            count += 1;
        }
        assert!(count > 100, "{count}");
        for op in Op::ALL {
            assert!(document["operations"][op.spec().name].is_object());
        }
        for channel in Channel::ALL {
            assert!(document["components"]["messages"][channel.name()].is_object());
        }
    }
}
