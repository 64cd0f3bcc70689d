//! The page docs/protocol/http.md: private REST, and what is refused before there is a session.

use crate::http::HttpFault;
use crate::limits::{CALL_BODY_BYTES_MAX, CALL_WINDOW_DEFAULT_MS, CALL_WINDOW_MAX_MS};
use crate::upgrade::UpgradeFault;
use coulisse_types::RejectCode;
use coulisse_types::limits::NONCE_WINDOW;
use coulisse_wire::native::spec::{Access, ROUTES};
use coulisse_wire::schema::documents::{Door, openapi_json};
use std::fmt::Write as _;

/// A signed order by hand; a test runs it.
const EXAMPLE: &str = r#"```sh
HOST=127.0.0.1:8080 KEY=alice-2 SECRET=…64 hexadecimal digits…
BODY='{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"10.00"}'
NOW=$(date +%s%6N)
LINE="coulisse-rest-v1|$HOST|$KEY|$NOW|$NOW||POST|/v1/orders"
SIGNATURE=$(printf '%s\n%s' "$LINE" "$BODY" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$SECRET" -r | cut -d ' ' -f 1)
curl -s "http://$HOST/v1/orders" --data-raw "$BODY" -H 'Content-Type: application/json' \
  -H "Coulisse-Key: $KEY" -H "Coulisse-Timestamp: $NOW" -H "Coulisse-Nonce: $NOW" \
  -H "Coulisse-Signature: $SIGNATURE"
```
"#;

/// What the headers of a signed request hold.
const HEADERS: &[(&str, &str)] = &[
    ("Coulisse-Key", "The key's public name."),
    ("Coulisse-Timestamp", "When it was signed, in microseconds since the epoch."),
    (
        "Coulisse-Nonce",
        "1 to 2^63 - 1, never used by this key before, not further behind its highest than the \
         window; may be absent where nothing is changed. The time in microseconds will do.",
    ),
    ("Coulisse-Window", "How old the request may be when it is read, in ms; may be absent."),
    ("Coulisse-Signature", "Hexadecimal digits: 128 of Ed25519, 64 of HMAC-SHA256."),
];

/// What the statuses of refusals say; what they say of each code is on the page.
const STATUSES: &[(u16, &str)] = &[
    (400, "The request breaks a rule of the edge; nothing was done."),
    (401, "Who asks is not proved."),
    (403, "The key may not do this, or not from here."),
    (404, "There is no such thing, or it is another's."),
    (409, "It is there already, or its id or nonce was used for something else."),
    (413, "The body is too long."),
    (422, "The core refused it: it stands in the log and changed nothing."),
    (429, "Too much is asked for; Retry-After says when to come again."),
    (503, "A queue is full, or the node stops; Retry-After says when to come again."),
];

/// The `OpenAPI` document of the private routes.
pub fn openapi() -> String {
    openapi_json(&Door {
        headers: HEADERS,
        always: &["Coulisse-Key", "Coulisse-Timestamp", "Coulisse-Signature"],
        changing: &["Coulisse-Nonce"],
        statuses: STATUSES,
        body_bytes_max: CALL_BODY_BYTES_MAX,
    })
}

/// The page, from the tables that the answers are made from.
pub fn markdown() -> String {
    let mut page = String::from(
        "<!-- Generated from crates/gateway by `make generate`. -->\n\n\
         # HTTP\n\n",
    );
    private(&mut page);
    page.push_str(
        "## Requests and upgrades that are refused at the door\n\n\
         The answer has the status below and a body of the form that every \
         [error](errors.md) has: `{\"ok\":false,\"error\":{\"code\":…,\"message\":…,\"state\":\"not_sent\"}}`. \
         Then the connection is closed.\n\n\
         | status | code | meaning |\n| --- | --- | --- |\n",
    );
    for fault in HttpFault::ALL {
        row(&mut page, fault.status(), fault.code(), &fault.to_string());
    }
    for fault in UpgradeFault::ALL {
        row(&mut page, fault.status(), fault.code(), &fault.to_string());
    }
    page.push_str(
        "\nREST and `/ws` answer with the codes of the other [errors](errors.md), and with `INTERNAL` \
         and `state` `unknown` where the node, or the handler of an event, is at fault.\n",
    );
    page
}

/// How a request is signed, the routes, and the statuses.
fn private(page: &mut String) {
    let _ = write!(
        page,
        "## Private REST\n\n\
         Each route is one operation of the [native protocol](native.md): the body is a JSON object \
         of its parameters, of at most {CALL_BODY_BYTES_MAX} bytes with a `Content-Length`, read as \
         strictly; what has no body takes them from the query, not encoded. `account` and `deadline` \
         stand in the query. The answer is the operation's reply.\n\n\
         A request is signed by a key over this text, a line and then the body as it is sent:\n\n\
         ```\ncoulisse-rest-v1|host|key|timestamp|nonce|window|METHOD|target\n```\n\n\
         `host` is the Host header, `target` the path and, behind `?`, the query; the others are \
         the headers as sent, empty where absent. A request is read within its window, \
         {CALL_WINDOW_DEFAULT_MS} ms where it does not say, {CALL_WINDOW_MAX_MS} at most, and at \
         most one second before its time. Its nonce goes into the log with it: whatever becomes of \
         the request, the same nonce is refused from then on, by every node. The window of nonces \
         is {NONCE_WINDOW}. A batch of orders takes a nonce for each: its own and those that follow.\n\n\
         | header | what |\n| --- | --- |\n"
    );
    for (name, what) in HEADERS {
        let _ = writeln!(page, "| `{name}` | {what} |");
    }
    page.push_str("\nAn order by hand, with an HMAC key:\n\n");
    page.push_str(EXAMPLE);
    page.push_str(
        "\nA person has no key to sign with. `POST /v1/sessions` takes name and password, unsigned, and \
         answers with a token; `Authorization: Bearer` with it stands for all the headers above on every \
         route ([people](../operating/people.md)). Such a request has no nonce, and no signature beside it.\n",
    );
    page.push_str("\n| route | operation | who may |\n| --- | --- | --- |\n");
    for route in ROUTES {
        let spec = route.op.spec();
        let anchor = spec.name.replace('.', "");
        let who = match spec.access {
            Access::Open => "everyone",
            Access::LoggedOn => "any key",
            Access::Person => "a token",
            other => other.name(),
        };
        let (method, path, name) = (route.method, route.path, spec.name);
        let link = format!("[`{name}`](native.md#{anchor})");
        let _ = writeln!(page, "| `{method} {path}` | {link} | `{who}` |");
    }
    page.push_str("\nThe status says what the code says:\n\n| status | codes |\n| --- | --- |\n");
    for status in [401, 403, 404, 405, 409, 422, 429, 503] {
        let codes =
            RejectCode::ALL.iter().filter(|code| crate::call::status_of_code(**code) == status);
        let codes: Vec<String> = codes.map(|code| format!("`{}`", code.name())).collect();
        let codes =
            if status == 422 { "every other refusal of the core".into() } else { codes.join(", ") };
        let _ = writeln!(page, "| {status} | {codes} |");
    }
    page.push_str(
        "| 400 | every other refusal of the edge |\n\n\
         A batch of orders is answered with 200, whatever became of them: each has its own result, with a \
         code where it was refused.\n\n\
         `X-RateLimit-Weight` says what the request took of its quotas, `X-RateLimit-Remaining` what is left \
         in the emptiest of them; it is absent where nothing is limited, and where who asks is not \
         proved.\n\n",
    );
}

fn row(page: &mut String, status: u16, code: &str, meaning: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(page, "| {status} | `{code}` | {meaning} |");
}
