//! What a session is told: replies, and reports of the channel `orders`.

use super::record::{ACCEPTED, CLOSED};
use crate::load::report::{Outcome, read_reply};
use crate::sockets::times::number;

/// A message, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// The reply to a request.
    Reply(Reply<'a>),
    /// What happened to orders of the account: the seq, that of the message before (none of an image), and
    /// the items.
    Orders { seq: u64, prev: Option<u64>, items: &'a str },
    /// The node is going to stop.
    GoingAway,
}

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    pub(super) id: usize,
    pub(super) outcome: Outcome<'a>,
    /// The order that was placed or cancelled.
    pub(super) order_id: Option<u64>,
    /// It stood already.
    pub(super) is_duplicate: bool,
    pub(super) seq: u64,
}

/// Reads a message; `None` where it is none that was asked for.
pub(super) fn read(text: &str) -> Option<Told<'_>> {
    if let Some((id, outcome)) = read_reply(text) {
        return Some(Told::Reply(Reply {
            id,
            outcome,
            order_id: number(text, "\"order_id\":\""),
            is_duplicate: text.contains("\"duplicate\":true"),
            seq: number(text, "\"seq\":").unwrap_or_default(),
        }));
    }
    if text.starts_with("{\"ch\":\"orders\"") {
        let (head, items) = text.split_once("\"items\":[")?;
        let seq = number(head, "\"seq\":")?;
        let prev = number(head, "\"prev\":");
        let is_image = head.contains("\"type\":\"image\"");
        // A delta without what it goes on from would hide a gap.
        return (is_image == prev.is_none()).then_some(Told::Orders { seq, prev, items });
    }
    text.contains("\"type\":\"going_away\"").then_some(Told::GoingAway)
}

/// One item that says that an order was accepted, or closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// `ACCEPTED` or `CLOSED`.
    pub(super) event: u32,
    pub(super) order_id: u64,
    /// Its client order id.
    pub(super) number: u64,
    pub(super) filled_lots: u32,
}

/// Those among the items of a message.
pub(super) fn items(text: &str) -> impl Iterator<Item = Item> {
    text.split("{\"event\":\"").filter_map(item)
}

fn item(text: &str) -> Option<Item> {
    let event = match text.split_once('"')?.0 {
        "accepted" => ACCEPTED,
        "closed" => CLOSED,
        _ => return None,
    };
    Some(Item {
        event,
        order_id: number(text, "\"order_id\":\"")?,
        number: number(text, "\"client_order_id\":\"")?,
        filled_lots: if event == CLOSED { lots(text)? } else { 0 },
    })
}

/// What is filled, in lots of the instrument: its five decimals are all written out.
fn lots(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("\"filled\":\"")?;
    let (digits, _) = rest.split_once('"')?;
    digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0_u32, |sum, digit| sum.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_reports_and_farewells_are_told_apart() {
        let reply = r#"{"id":1000000003,"ok":true,"result":{"order_id":"88123","state":"open","duplicate":true,"first_seq":88123,"seq":90000,"t_in":1}}"#;
        let Some(Told::Reply(reply)) = read(reply) else { panic!("a reply") };
        assert_eq!((reply.id, reply.order_id, reply.seq), (1_000_000_003, Some(88_123), 90_000));
        assert!(reply.is_duplicate && reply.outcome == Outcome::Accepted);
        let delta = r#"{"ch":"orders","account":"a","type":"delta","prev":7,"seq":9,"time":1,"items":[{"event":"accepted"}]}"#;
        let items = r#"{"event":"accepted"}]}"#;
        assert_eq!(read(delta), Some(Told::Orders { seq: 9, prev: Some(7), items }));
        let image = r#"{"ch":"orders","account":"a","type":"image","seq":9,"items":[]}"#;
        assert_eq!(read(image), Some(Told::Orders { seq: 9, prev: None, items: "]}" }));
        let bad = r#"{"ch":"orders","account":"a","type":"delta","seq":9,"items":[]}"#;
        assert_eq!(read(bad), None, "a delta that goes on from nothing");
        let away = r#"{"ch":"session","type":"going_away","reason":"x","seq":9}"#;
        assert_eq!(read(away), Some(Told::GoingAway));
    }

    #[test]
    fn acceptance_and_end_are_found_among_the_items() {
        let text = r#"{"event":"accepted","order_id":"5","client_order_id":"000000000007","qty":"0.00400"},{"event":"filled","order_id":"5","client_order_id":"000000000007","filled":"0.00400"},{"event":"closed","order_id":"5","client_order_id":"000000000007","state":"filled","filled":"1.00400","remaining":"0.00000"}]}"#;
        let found: Vec<Item> = items(text).collect();
        let about = |event, filled_lots| Item { event, order_id: 5, number: 7, filled_lots };
        assert_eq!(found, [about(ACCEPTED, 0), about(CLOSED, 100_400)]);
    }
}
