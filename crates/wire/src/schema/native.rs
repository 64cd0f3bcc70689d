//! The page of the native protocol.

use alloc::string::String;

use super::{json_block, line, samples};
use crate::limits;
use crate::native::spec::{
    Access, BodyField, CHANNEL_NAMES, Channel, ENVELOPE, HELLO, NOTICE, Op, ParamKind, ParamSpec,
    REPLY, Weight,
};

pub(super) fn page() -> String {
    let mut page = String::from("# Native protocol\n\n");
    line(
        &mut page,
        format_args!(
            "One WebSocket at `/v1/ws`, one JSON object per text message. Numbers that are prices, \
             quantities or money are decimal text in strings; times are integers, microseconds \
             since the epoch, and lengths of time are microseconds too, but for `timeout`, which is \
             in milliseconds; a seq is an integer. The `value` and `limit` of an error are in the \
             unit of the request, as text. Reading is strict: unknown fields, keys that \
             stand twice, JSON that nests deeper than {} and numbers where a string is wanted are \
             refused. Whatever is sent was durable before. A node whose settings allow it \
             (`gateway.deflate`) agrees to permessage-deflate (RFC 7692), always without a context \
             between messages: `server_no_context_takeover; client_no_context_takeover`.\n\n## Session\n\n\
             The first message on a connection:\n",
            limits::DEPTH_MAX
        ),
    );
    fields(&mut page, HELLO);
    json_block(&mut page, &[&samples::hello()]);
    page.push_str("Before the node stops:\n\n");
    fields(&mut page, NOTICE);
    json_block(&mut page, &[&samples::notice()]);
    page.push_str(
        "A session that the node ends by itself is told so by the close frame alone. Its code is \
         1002, 1003, 1007 or 1009 for frames that break RFC 6455, are not text or are too long, and \
         1013 for a session that reads too slowly: what it was not told, the log still holds. \
         Connect again and subscribe with `from_seq`, the last `seq` that was received.\n\n",
    );
    page.push_str("## Requests\n\n");
    fields(&mut page, ENVELOPE);
    page.push_str("A reply:\n\n");
    fields(&mut page, REPLY);
    page.push_str(
        "Replies come in the order of the requests that reach the log; what is refused or answered \
         at the edge may overtake them. The `deadline` of a request is looked at when it comes in, \
         and again when the log stamps it: what would be stamped later than its deadline is refused \
         and never in the log.\n\n\
         Lists come in pages: `next_cursor` says that there is more. A list that must know of a \
         command of one's own says its seq as `min_seq`, on whichever node it asks.\n\n",
    );
    for op in Op::ALL {
        operation(&mut page, *op);
    }
    page.push_str(
        "## Channels\n\n\
         Every message has `seq`, every delta also `prev`: one message per channel and seq with \
         all its items. After a gap, subscribe again, with `from_seq` or without.\n\n",
    );
    for channel in Channel::ALL {
        channel_section(&mut page, *channel);
    }
    rest(&mut page);
    page
}

fn operation(page: &mut String, op: Op) {
    let spec = op.spec();
    line(page, format_args!("### {}\n\n{}", spec.name, spec.doc.trim()));
    page.push_str(match spec.access {
        Access::Open => "\n",
        Access::LoggedOn => "\nNeeds a logon.\n\n",
        Access::Person => "\nNeeds a logon with a token.\n\n",
        Access::Read => "\nNeeds a logon with a key that may `read`.\n\n",
        Access::Trade => "\nNeeds a logon with a key that may `trade`.\n\n",
        Access::Withdraw => "\nNeeds a logon with a key that may `withdraw`.\n\n",
        Access::Admin => "\nNeeds a logon with a key that may `admin`.\n\n",
    });
    match op.weight() {
        Weight { units: 1, each_of: None } => {}
        Weight { units, each_of } => {
            let each =
                each_of.map_or(String::new(), |list| alloc::format!(" for each of `{list}`"));
            line(page, format_args!("Takes {units} of the quotas{each}.\n"));
        }
    }
    if spec.params.is_empty() {
        page.push_str("No parameters.\n\n");
    } else {
        page.push_str("| parameter | type | required | meaning |\n| --- | --- | --- | --- |\n");
        for param in spec.params {
            parameter(page, param);
        }
        page.push('\n');
        for param in spec.params {
            if let ParamKind::ObjectList(keys) = param.kind {
                line(page, format_args!("Each of `{}`:\n", param.name));
                page.push_str("| key | type | required | meaning |\n| --- | --- | --- | --- |\n");
                for key in keys {
                    parameter(page, key);
                }
                page.push('\n');
            }
        }
    }
    if spec.result.is_empty() {
        page.push_str("The result is empty.\n\n");
    } else {
        page.push_str("Result:\n\n");
        fields(page, spec.result);
    }
    json_block(page, &[&samples::request(op), &samples::reply(op)]);
}

fn parameter(page: &mut String, param: &ParamSpec) {
    let mut kind = String::from(param.kind.name());
    if let ParamKind::OneOf(texts) = param.kind {
        for text in texts {
            line_part(&mut kind, text);
        }
    }
    let required = if param.required { "yes" } else { "no" };
    line(page, format_args!("| `{}` | {kind} | {required} | {} |", param.name, param.doc));
}

fn line_part(kind: &mut String, text: &str) {
    kind.push_str(" `");
    kind.push_str(text);
    kind.push('`');
}

fn fields(page: &mut String, fields: &[BodyField]) {
    page.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        line(page, format_args!("| `{}` | {} | {} |", field.name, field.type_name, field.doc));
    }
    page.push('\n');
}

fn channel_section(page: &mut String, channel: Channel) {
    let spec = channel.spec();
    line(page, format_args!("### {}\n\n{}\n", spec.name, spec.doc.trim()));
    page.push_str(if spec.private {
        "Private: of the logged-on account.\n\n"
    } else {
        "Public: for each of the subscribed `symbols`.\n\n"
    });
    fields(page, spec.fields);
    if !spec.item.is_empty() {
        page.push_str("Each of `items`:\n\n");
        fields(page, spec.item);
    }
    for message in samples::channel(channel) {
        json_block(page, &[&message]);
    }
}

fn rest(page: &mut String) {
    line(
        page,
        format_args!(
            "## Public REST\n\n\
             The same numbers in the same spelling as on the channels ({}).\n",
            CHANNEL_NAMES.join(", ")
        ),
    );
    for (route, body) in samples::rest() {
        line(page, format_args!("`GET {route}`\n"));
        json_block(page, &[&body]);
    }
}
