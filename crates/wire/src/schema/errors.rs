//! The page of error codes.

use alloc::string::String;

use coulisse_types::RejectCode;
use coulisse_types::reject::Origin;

use super::{json_block, line, samples};
use crate::native::spec::ERROR;

pub(super) fn page() -> String {
    let mut page = String::from("# Errors\n\nAn error in a reply:\n\n");
    page.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
    for field in ERROR {
        line(&mut page, format_args!("| `{}` | {} | {} |", field.name, field.type_name, field.doc));
    }
    page.push_str(
        "\nA type with `?` may be absent. Syntax is looked at first: a message that is no strict \
         JSON is refused as such, whatever else is wrong with it. The connection lives on.\n\n",
    );
    for (request, reply) in samples::refusals() {
        json_block(&mut page, &[request, &reply]);
    }
    codes(&mut page, Origin::Gateway, "Refused at the edge: `state` is `not_sent`");
    codes(&mut page, Origin::Core, "Refused by the core: `state` is `rejected`");
    page.push_str(
        "`UNKNOWN_ACCOUNT`, `UNKNOWN_ASSET` and `NOT_PERMITTED` are also answered at the edge, with \
         `not_sent`, where it can tell already; so are `PRICE_OUT_OF_RANGE` and `NOTIONAL_BELOW_MIN` \
         for a 0. An account that a key may not act for is answered \
         as one that does not exist.\n\n\
         What is no sound HTTP request, or no upgrade for this server, is in [http.md](http.md).\n",
    );
    page
}

fn codes(page: &mut String, origin: Origin, title: &str) {
    line(page, format_args!("## {title}\n\n| number | code | meaning |\n| --- | --- | --- |"));
    for code in RejectCode::ALL.iter().filter(|code| code.origin() == origin) {
        line(page, format_args!("| {} | `{}` | {} |", code.number(), code.name(), code.doc()));
    }
    page.push('\n');
}
