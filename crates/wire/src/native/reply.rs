//! Replies to requests, and the messages of the session itself.
//!
//! Every writer appends to the caller's buffer. An `id_raw` is what stood in the request, echoed as
//! it came; where it is empty, `null` stands.
//!
//! Cost: no allocation but the buffer's growth, no `format!`; refusals are a little slower.

use alloc::vec::Vec;

use coulisse_types::event::OrderState;
use coulisse_types::{AssetId, Command, InstrumentId, RejectCode, RequestId, Seq};

use super::outcome::{CommandOutcome, OrderOutcome, Part};
use super::rejects::{open_error_object, write_error_object, write_meaning};
pub use super::rejects::{write_reject_message, write_rejected, write_would_reject};
use crate::digits;
use crate::instruments::{InstrumentInfo, InstrumentTable};
use crate::limits::LEGS_MAX;

/// When a command was read, logged and answered, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Its seq.
    pub seq: u64,
    /// When its request was read, in µs since the epoch.
    pub in_us: i64,
    /// When the log stamped it, in µs since the epoch.
    pub log_us: i64,
    /// When its reply is made, in µs since the epoch.
    pub out_us: i64,
}

/// What the numbers of a reply mean.
#[derive(Clone, Copy, Debug)]
pub struct Units<'t> {
    /// The node's assets and instruments.
    pub table: &'t InstrumentTable,
    /// The instrument of the command; 0 where it has none.
    pub instrument: InstrumentId,
    /// The asset of the command; 0 where it has none.
    pub asset: AssetId,
    /// The client's idempotency id; 0 where it gave none.
    pub request_id: RequestId,
    /// The command, where its reply needs more of it.
    pub command: Option<&'t Command>,
    /// The secret of the key that it made, to be shown this once.
    pub secret: Option<Secret<'t>>,
}

/// Bytes that are never printed.
#[derive(Clone, Copy)]
pub struct Secret<'t>(pub &'t [u8]);

impl core::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'t> Units<'t> {
    /// Of a command about one instrument; 0 for none.
    pub const fn of(table: &'t InstrumentTable, instrument: InstrumentId) -> Self {
        let (asset, request_id) = (AssetId(0), RequestId(0));
        Self { table, instrument, asset, request_id, command: None, secret: None }
    }

    pub(super) fn info(&self, instrument: InstrumentId) -> Option<&'t InstrumentInfo> {
        let id = if instrument.0 == 0 { self.instrument } else { instrument };
        self.table.instrument(id)
    }
}

/// Appends `{"id":…` and what follows until the result.
fn open_ok(out: &mut Vec<u8>, id_raw: &[u8]) {
    write_id(out, id_raw);
    out.extend_from_slice(OK_START);
}

/// What stands between the id and the result.
pub(super) const OK_START: &[u8] = br#","ok":true,"result":{"#;

pub(super) fn write_id(out: &mut Vec<u8>, id_raw: &[u8]) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(if id_raw.is_empty() { b"null" } else { id_raw });
}

/// Appends an error up to the start of its message: the code has been written into it.
pub(super) fn open_error(out: &mut Vec<u8>, id_raw: &[u8], code: RejectCode) {
    write_id(out, id_raw);
    out.extend_from_slice(br#","ok":false,"error":"#);
    open_error_object(out, code);
}

pub(super) fn write_stamps(out: &mut Vec<u8>, stamps: &Stamps) {
    out.extend_from_slice(b"\"seq\":");
    digits::unsigned(out, stamps.seq);
    out.push(b',');
    write_times(out, stamps);
}

/// Appends the three times.
#[inline]
pub(super) fn write_times(out: &mut Vec<u8>, stamps: &Stamps) {
    write_times_of(out, stamps.in_us, Some(stamps.log_us), stamps.out_us);
}

/// Appends those times that there are: what was never in the log has no `log_us`.
#[inline]
pub(super) fn write_times_of(out: &mut Vec<u8>, in_us: i64, log_us: Option<i64>, out_us: i64) {
    out.extend_from_slice(b"\"t_in\":");
    digits::signed(out, in_us);
    if let Some(log_us) = log_us {
        out.extend_from_slice(b",\"t_log\":");
        digits::signed(out, log_us);
    }
    out.extend_from_slice(b",\"t_out\":");
    digits::signed(out, out_us);
}

/// Puts the times that there are at the end of a refusal.
pub fn write_refusal_times(out: &mut Vec<u8>, in_us: i64, log_us: Option<i64>, out_us: i64) {
    debug_assert!(out.ends_with(b"}}"), "the reply to what was refused");
    out.truncate(out.len().saturating_sub(2));
    out.push(b',');
    write_times_of(out, in_us, log_us, out_us);
    out.extend_from_slice(b"}}");
}

/// Appends the reply to a command: its result or its reject.
pub fn write_outcome(
    out: &mut Vec<u8>,
    id_raw: &[u8],
    outcome: &CommandOutcome,
    stamps: &Stamps,
    units: &Units<'_>,
) {
    if let CommandOutcome::Rejected(rejected) = outcome {
        write_rejected(out, id_raw, rejected, units);
        write_refusal_times(out, stamps.in_us, Some(stamps.log_us), stamps.out_us);
        return;
    }
    open_ok(out, id_raw);
    match outcome {
        CommandOutcome::Order(order) => write_order_outcome(out, order, units),
        CommandOutcome::Replaced { cancel, place } => {
            for (key, part) in [(&b"cancel"[..], cancel.as_ref()), (b"place", Some(place))] {
                write_part(out, key, part, units);
            }
        }
        CommandOutcome::List(legs) => write_list(out, legs, units),
        CommandOutcome::Cancelled { count, .. } => {
            write_number(out, b"count", u64::from(*count));
        }
        CommandOutcome::CancelAfter { deadline_ns } if *deadline_ns != 0 => {
            out.extend_from_slice(b"\"deadline\":");
            digits::signed(out, deadline_ns.div_euclid(1_000));
            out.push(b',');
        }
        CommandOutcome::RequestDuplicate { first_seq } => {
            write_duplicate(out, first_seq.0);
        }
        CommandOutcome::Versioned { version } => {
            write_number(out, b"version", u64::from(*version));
        }
        CommandOutcome::Killed { last_order_id } => {
            out.extend_from_slice(b"\"last_order_id\":\"");
            digits::unsigned(out, last_order_id.0);
            out.extend_from_slice(b"\",");
        }
        CommandOutcome::Withdrawal { id, state, expire_ns } => {
            write_withdrawal(out, *id, state, *expire_ns);
        }
        CommandOutcome::Capped { version } => {
            let state: &[u8] = if version.is_some() { b"set" } else { b"proposed" };
            out.extend_from_slice(b"\"state\":\"");
            out.extend_from_slice(state);
            out.extend_from_slice(b"\",");
            if let Some(version) = version {
                write_number(out, b"version", u64::from(*version));
            }
        }
        CommandOutcome::Done => {
            if let Some(Secret(secret)) = units.secret {
                out.extend_from_slice(b"\"secret\":\"");
                digits::hex(out, secret);
                out.extend_from_slice(b"\",");
            }
        }
        CommandOutcome::Rejected(_) | CommandOutcome::CancelAfter { .. } => {}
    }
    write_stamps(out, stamps);
    out.extend_from_slice(b"}}");
}

fn write_withdrawal(out: &mut Vec<u8>, id: Option<Seq>, state: &str, expire_ns: i64) {
    if let Some(id) = id {
        out.extend_from_slice(b"\"withdrawal_id\":\"");
        digits::unsigned(out, id.0);
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"state\":\"");
    out.extend_from_slice(state.as_bytes());
    out.extend_from_slice(b"\",");
    if expire_ns != 0 {
        out.extend_from_slice(b"\"expire_time\":");
        digits::signed(out, expire_ns.div_euclid(1_000));
        out.push(b',');
    }
}

/// Appends `"key":number,`.
pub(super) fn write_number(out: &mut Vec<u8>, key: &[u8], number: u64) {
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":");
    digits::unsigned(out, number);
    out.push(b',');
}

/// Appends one of the two results of a replacement.
fn write_part(out: &mut Vec<u8>, key: &[u8], part: Option<&Part>, units: &Units<'_>) {
    let Some(part) = part else { return };
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":{");
    match part {
        Ok(order) => {
            write_order_outcome(out, order, units);
            // Every field of an order is written with the comma that follows it.
            out.pop();
        }
        Err(rejected) => {
            out.extend_from_slice(b"\"error\":");
            write_error_object(out, rejected, units);
        }
    }
    out.extend_from_slice(b"},");
}

fn write_list(out: &mut Vec<u8>, legs: &[Option<OrderOutcome>; LEGS_MAX], units: &Units<'_>) {
    let mut first = true;
    for order in legs.iter().flatten() {
        if first {
            out.extend_from_slice(b"\"list_id\":\"");
            digits::unsigned(out, order.order_id.0);
            out.extend_from_slice(b"\",\"orders\":[");
        }
        separate(out, &mut first);
        out.push(b'{');
        write_order_outcome(out, order, units);
        out.pop();
        out.push(b'}');
    }
    if !first {
        out.extend_from_slice(b"],");
    }
    if let Some(OrderOutcome { first_seq: Some(first_seq), .. }) = legs[0] {
        write_duplicate(out, first_seq.0);
    }
}

fn write_duplicate(out: &mut Vec<u8>, first_seq: u64) {
    out.extend_from_slice(b"\"duplicate\":true,");
    write_number(out, b"first_seq", first_seq);
}

pub(super) fn write_order_outcome(out: &mut Vec<u8>, order: &OrderOutcome, units: &Units<'_>) {
    out.extend_from_slice(b"\"order_id\":\"");
    digits::unsigned(out, order.order_id.0);
    out.extend_from_slice(b"\",");
    if !order.client_order_id.is_empty() {
        out.extend_from_slice(b"\"client_order_id\":\"");
        out.extend_from_slice(order.client_order_id.as_bytes());
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"state\":\"");
    out.extend_from_slice(order.state.name().as_bytes());
    out.extend_from_slice(b"\",");
    if let (Some(reason), true) = (order.reason, order.state != OrderState::Open) {
        out.extend_from_slice(b"\"reason\":\"");
        out.extend_from_slice(reason.name().as_bytes());
        out.extend_from_slice(b"\",");
    }
    if let Some(info) = units.info(order.instrument) {
        out.extend_from_slice(b"\"filled\":\"");
        info.write_qty(out, order.filled);
        out.extend_from_slice(b"\",");
    }
    if let Some(first_seq) = order.first_seq {
        write_duplicate(out, first_seq.0);
    }
}

/// Appends the reply to a command whose outcome is not known here: `state` is `unknown`.
pub fn write_unknown(out: &mut Vec<u8>, id_raw: &[u8], code: RejectCode) {
    open_error(out, id_raw, code);
    write_meaning(out, code);
    out.extend_from_slice(br#"","state":"unknown"}}"#);
}

/// Appends what a client signs to ask over REST, up to the body: one line
/// `coulisse-rest-v1|host|key_id|timestamp|nonce|window|METHOD|target`, then a line feed.
pub fn write_rest_text(out: &mut Vec<u8>, host: &[u8], parts: [&[u8]; 6]) {
    out.extend_from_slice(b"coulisse-rest-v1|");
    out.extend_from_slice(host);
    for part in parts {
        out.push(b'|');
        out.extend_from_slice(part);
    }
    out.push(b'\n');
}

/// Appends the first message on a connection. `server` and `node` are plain text.
pub fn write_hello(out: &mut Vec<u8>, nonce: &[u8], server: &str, node: &str, time_us: i64) {
    out.extend_from_slice(br#"{"ch":"session","type":"hello","nonce":""#);
    digits::hex(out, nonce);
    out.extend_from_slice(br#"","server":""#);
    digits::escaped(out, server.as_bytes());
    out.extend_from_slice(br#"","node":""#);
    digits::escaped(out, node.as_bytes());
    out.extend_from_slice(br#"","time":"#);
    digits::signed(out, time_us);
    out.push(b'}');
}

/// Appends the notice that the node stops; `seq` is where `from_seq` resumes.
pub fn write_going_away(out: &mut Vec<u8>, reason: &str, seq: u64) {
    out.extend_from_slice(br#"{"ch":"session","type":"going_away","reason":""#);
    digits::escaped(out, reason.as_bytes());
    out.extend_from_slice(b"\",\"seq\":");
    digits::unsigned(out, seq);
    out.push(b'}');
}

/// Appends what a client signs to log on: `coulisse-logon-v1|host|key_id|nonce`, the nonce in
/// hexadecimal digits.
pub fn write_logon_text(out: &mut Vec<u8>, host: &[u8], key_id: &[u8], nonce: &[u8]) {
    out.extend_from_slice(b"coulisse-logon-v1|");
    out.extend_from_slice(host);
    out.push(b'|');
    out.extend_from_slice(key_id);
    out.push(b'|');
    digits::hex(out, nonce);
}

/// Appends a comma, but not before the first.
pub(super) fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if *first {
        *first = false;
    } else {
        out.push(b',');
    }
}
