//! `OpenAPI` 3.1 of the private routes: each is one operation of the table.
//!
//! Source: the `OpenAPI` Specification 3.1.0 (2021).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use super::example::value_of;
use super::json::{Json, object, texts};
use super::shapes::{integer, items_name, named_text, of_fields, of_param, of_params, schema};
use crate::native::spec::{Access, Channel, ERROR, Op, OpSpec, ParamSpec, ROUTES, RestRoute};

/// The tag of what must be signed, or asked for with a token.
const SIGNED: &str = "signed";
/// The tag of what everyone may ask for.
const OPEN: &str = "open";
/// The name of the scheme of tokens.
const BEARER: &str = "Bearer";

/// The account of the examples.
const ACCOUNT: &str = "alice";

/// What the edge alone knows of its routes.
#[derive(Clone, Copy, Debug)]
pub struct Door<'d> {
    /// The headers of a signed request, with what they hold; the first stands for all of them.
    pub headers: &'d [(&'static str, &'static str)],
    /// Of these the ones that are never left out.
    pub always: &'d [&'static str],
    /// Of these the ones that are left out where nothing is changed.
    pub changing: &'d [&'static str],
    /// The statuses of refusals, with what they say.
    pub statuses: &'d [(u16, &'static str)],
    /// Longest body.
    pub body_bytes_max: usize,
}

/// The document: `paths` and `components` of the private routes.
///
/// Parameters of a route that has a body stand in it; of one that has none, in the query.
pub fn openapi_json(door: &Door<'_>) -> String {
    let mut paths: Vec<(String, Json)> = Vec::new();
    for route in ROUTES {
        let operation = (route.method.to_ascii_lowercase(), operation(route, door));
        match paths.iter_mut().find(|(path, _)| path == route.path) {
            Some((_, Json::Object(item))) => item.push(operation),
            _ => paths.push((route.path.into(), Json::Object(vec![operation]))),
        }
    }
    object([
        ("openapi", "3.1.0".into()),
        ("info", object([("title", "Coulisse: private REST".into()), ("version", "1".into())])),
        ("paths", Json::Object(paths)),
        ("components", components(door)),
    ])
    .print()
}

fn components(door: &Door<'_>) -> Json {
    let scheme = |(name, what): &(&'static str, &'static str)| {
        let fields = [("type", "apiKey"), ("in", "header"), ("name", name), ("description", what)];
        (name.to_string(), object(fields.map(|(key, value)| (key, value.into()))))
    };
    let bearer = [
        ("type", "http"),
        ("scheme", "bearer"),
        ("bearerFormat", "JWT"),
        ("description", "A token of `session.open`, instead of a signature."),
    ];
    let bearer = (BEARER.to_string(), object(bearer.map(|(key, value)| (key, value.into()))));
    let locks = door.headers.iter().filter(|(name, _)| is_demanded(door, name)).map(scheme);
    // What is turned away at the door has no id.
    let mut schemas = vec![("refusal".to_string(), refusal(&["ok", "error"]))];
    for channel in Channel::ALL.iter().filter(|channel| channel.is_private()) {
        schemas.push((items_name(*channel), of_fields(channel.spec().item)));
    }
    object([
        ("schemas", Json::Object(schemas)),
        ("securitySchemes", Json::Object(locks.chain([bearer]).collect())),
    ])
}

fn is_demanded(door: &Door<'_>, name: &str) -> bool {
    door.always.contains(&name) || door.changing.contains(&name)
}

/// What a request that was refused is answered with.
pub(super) fn refusal(required: &'static [&'static str]) -> Json {
    answer(false, [("error", of_fields(ERROR))], required)
}

/// What a request that was taken is answered with.
pub(super) fn reply(spec: &OpSpec) -> Json {
    let rest = [("weight", integer()), ("result", of_fields(spec.result))];
    answer(true, rest, &["id", "ok", "result"])
}

fn answer<const N: usize>(
    ok: bool,
    rest: [(&'static str, Json); N],
    required: &'static [&'static str],
) -> Json {
    let id = object([("description", "As it came; null over REST.".into())]);
    let ok = object([("type", "boolean".into()), ("const", ok.into())]);
    let properties = object([("id", id), ("ok", ok)]);
    let properties = rest.into_iter().fold(properties, |all, (name, of)| all.with(name, of));
    object([
        ("type", "object".into()),
        ("properties", properties),
        ("required", texts(required.iter().copied())),
    ])
}

fn operation(route: &RestRoute, door: &Door<'_>) -> Json {
    let spec = route.op.spec();
    let (summary, description) = told(spec);
    let has_body = matches!(route.method, "POST" | "PATCH") && !spec.params.is_empty();
    let tag = if spec.access == Access::Open { OPEN } else { SIGNED };
    let operation = object([
        ("operationId", Json::from(operation_id(route))),
        ("summary", summary),
        ("description", description),
        ("tags", texts([spec.name.split('.').next().unwrap_or_default(), tag])),
        ("security", security(route, door)),
        ("parameters", parameters(route, has_body)),
    ]);
    let operation =
        if has_body { operation.with("requestBody", body(route, door)) } else { operation };
    operation.with("responses", responses(spec, door))
}

fn told(spec: &OpSpec) -> (Json, Json) {
    let doc = spec.doc.trim();
    let summary = doc.split_inclusive(". ").next().unwrap_or(doc).trim_end();
    let who = match spec.access {
        Access::Open => "everyone".to_string(),
        Access::LoggedOn => "any key".to_string(),
        Access::Person => "whoever has a token".to_string(),
        access => format!("a key that may `{}`", access.name()),
    };
    let text = format!("{doc}\n\nThe operation `{}`, for {who}.", spec.name);
    (summary.into(), text.into())
}

/// The operation's name, with the part of the path where it has several routes.
fn operation_id(route: &RestRoute) -> String {
    let name = route.op.spec().name;
    let first = ROUTES.iter().find(|one| one.op == route.op);
    match (first == Some(route), part_of(route.path)) {
        (false, Some(part)) => format!("{name}.by_{part}"),
        _ => name.into(),
    }
}

/// The part of a path that is a parameter.
fn part_of(path: &'static str) -> Option<&'static str> {
    path.split_once('{')?.1.split_once('}').map(|(part, _)| part)
}

/// All of these headers together, or a token.
fn security(route: &RestRoute, door: &Door<'_>) -> Json {
    if route.op.spec().access == Access::Open {
        return Json::List(Vec::new());
    }
    let changes = route.method != "GET";
    let mut wanted = Vec::new();
    for (name, _) in door.headers {
        let is_wanted = door.always.contains(name) || (changes && door.changing.contains(name));
        if is_wanted {
            wanted.push((name.to_string(), Json::List(Vec::new())));
        }
    }
    let token = Json::Object(vec![(BEARER.to_string(), Json::List(Vec::new()))]);
    if route.op.spec().access == Access::Person {
        return Json::List(vec![token]);
    }
    Json::List(vec![Json::Object(wanted), token])
}

fn parameters(route: &RestRoute, has_body: bool) -> Json {
    let part = part_of(route.path);
    let mut listed = Vec::new();
    for param in route.op.spec().params {
        if part == Some(param.name) {
            listed.push(parameter(route, param, "path"));
        } else if !has_body && !is_other_id(part, param.name) {
            listed.push(parameter(route, param, "query"));
        }
    }
    let account = "For which account, where the key may act for several.";
    let shape = named_text("account");
    listed.push(if part == Some("account") {
        own("account", "path", true, shape, account).with("example", ACCOUNT)
    } else {
        own("account", "query", false, shape, account)
    });
    let deadline = "Microseconds since the epoch: after it the request is refused.";
    listed.push(own("deadline", "query", false, integer(), deadline));
    Json::List(listed)
}

fn own(name: &str, place: &str, required: bool, shape: Json, doc: &str) -> Json {
    object([
        ("name", name.into()),
        ("in", place.into()),
        ("required", required.into()),
        ("description", doc.into()),
        ("schema", shape),
    ])
}

fn parameter(route: &RestRoute, param: &ParamSpec, place: &str) -> Json {
    let required = place == "path" || param.required;
    let listed = own(param.name, place, required, of_param(param), param.doc);
    // An operation's own example names an order in one of two ways.
    let of = |op: Op| value_of(op.spec(), param.name);
    let example = of(route.op).or_else(|| of(Op::Cancel)).or_else(|| of(Op::Amend));
    // The seq of an example is one that no other node has reached.
    match example.filter(|_| param.name != "min_seq") {
        Some(json) => listed.with("example", Json::Written(json.into())),
        None => listed,
    }
}

fn body(route: &RestRoute, door: &Door<'_>) -> Json {
    let part = part_of(route.path);
    let params = route.op.spec().params.iter();
    let params: Vec<&ParamSpec> =
        params.filter(|param| part != Some(param.name) && !is_other_id(part, param.name)).collect();
    let is_required = params.iter().any(|param| param.required);
    let mut example = Vec::new();
    for param in &params {
        if let Some(json) = value_of(route.op.spec(), param.name) {
            example.push((param.name.to_string(), Json::Written(json.into())));
        }
    }
    let media = object([("schema", of_params(params)), ("example", Json::Object(example))]);
    let content = object([("application/json", media)]);
    let what = format!("At most {} bytes, with a `Content-Length`.", door.body_bytes_max);
    object([("description", what.into()), ("required", is_required.into()), ("content", content)])
}

/// Whichever id names the order, the path has it already.
fn is_other_id(part: Option<&str>, name: &str) -> bool {
    let is_id = |name: &str| matches!(name, "order_id" | "client_order_id");
    part.is_some_and(is_id) && is_id(name)
}

fn responses(spec: &OpSpec, door: &Door<'_>) -> Json {
    let of = |shape: Json| object([("application/json", object([("schema", shape)]))]);
    let done = object([("description", "It was taken.".into()), ("content", of(reply(spec)))]);
    let mut listed = vec![("200".to_string(), done)];
    for (status, what) in door.statuses {
        let refused = object([("description", (*what).into()), ("content", of(schema("refusal")))]);
        listed.push((status.to_string(), refused));
    }
    Json::Object(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    const DOOR: Door<'_> = Door {
        headers: &[("Key", "whose"), ("Nonce", "once"), ("Window", "how old")],
        always: &["Key"],
        changing: &["Nonce"],
        statuses: &[(400, "refused")],
        body_bytes_max: 1,
    };

    fn document() -> Value {
        serde_json::from_str(&openapi_json(&DOOR)).expect("JSON")
    }

    #[test]
    fn every_route_is_in_the_document_under_an_id_of_its_own() {
        let document = document();
        let mut ids = BTreeSet::new();
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
            let id = operation["operationId"].as_str().expect(route.path);
            assert!(ids.insert(id.to_string()), "{id} stands twice");
            let parts: Vec<&Value> = operation["parameters"]
                .as_array()
                .expect("list")
                .iter()
                .filter(|one| one["in"] == "path")
                .collect();
            assert_eq!(parts.len(), route.path.matches('{').count(), "{}", route.path);
            let wanted = operation["security"].as_array().expect("list");
            assert_eq!(wanted.is_empty(), route.op.spec().access == Access::Open);
            if let [signed, token] = wanted.as_slice() {
                assert_eq!(signed.get("Nonce").is_some(), route.method != "GET");
                assert!(token.get("Bearer").is_some());
            }
        }
        assert_eq!(ids.len(), ROUTES.len());
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let document = document();
        let text = document.to_string();
        let known = document["components"]["schemas"].as_object().expect("object");
        for name in text.split("#/components/schemas/").skip(1) {
            let name = name.split('"').next().expect("a name");
            assert!(known.contains_key(name), "{name}");
        }
    }
}
