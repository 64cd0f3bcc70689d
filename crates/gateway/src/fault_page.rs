//! The page docs/protocol/http.md: what is refused before there is a session.

use crate::http::HttpFault;
use crate::upgrade::UpgradeFault;
use std::fmt::Write as _;

/// The page, from the tables that the answers are made from.
pub fn markdown() -> String {
    let mut page = String::from(
        "<!-- Generated from crates/gateway by `make generate`. -->\n\n\
         # HTTP requests and upgrades that are refused\n\n\
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

fn row(page: &mut String, status: u16, code: &str, meaning: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(page, "| {status} | `{code}` | {meaning} |");
}
