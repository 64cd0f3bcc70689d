//! A glance at a request that will be refused whatever it says: it must cost next to nothing.

/// What stands between a request's id and the rest, of an order and of a batch of them.
const ORDER_PLACE: [&[u8]; 2] = [br#","op":"order.place","#, br#","op":"order.place_batch","#];
/// Longest id that a glance finds.
const ID_BYTES_MAX: usize = 64;

/// The id, as it came, of a request that begins as clients commonly write the placing of an order or of
/// several: `{"id":…,"op":"order.place",` or `order.place_batch`, with an id of plain letters or digits.
/// `None` for all else, which takes a whole look.
///
/// What follows is not read: it may be no JSON at all.
///
/// Cost: a few ns; the id's length.
#[must_use]
pub fn glance_at_order(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(br#"{"id":"#)?;
    let (inside, quotes): (_, usize) = match rest.strip_prefix(b"\"") {
        Some(inside) => (inside, 1),
        None => (rest, 0),
    };
    let is_plain = |byte: &u8| match quotes {
        0 => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'),
    };
    let len = inside.iter().take(ID_BYTES_MAX + 1).take_while(|byte| is_plain(byte)).count();
    // A number of JSON has no leading zero, and not more digits than are exact everywhere.
    let is_id = match quotes {
        0 => (1..=15).contains(&len) && (len == 1 || inside.first() != Some(&b'0')),
        _ => (1..=ID_BYTES_MAX).contains(&len) && inside.get(len) == Some(&b'"'),
    };
    let (id_raw, tail) = rest.split_at_checked(len.saturating_add(quotes.saturating_mul(2)))?;
    (is_id && ORDER_PLACE.iter().any(|op| tail.starts_with(op))).then_some(id_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_known_by_its_first_words_and_its_id_is_as_it_came() {
        let of = |text: &'static str| glance_at_order(text.as_bytes());
        assert_eq!(of(r#"{"id":17,"op":"order.place","params":{}}"#), Some(&b"17"[..]));
        assert_eq!(of(r#"{"id":0,"op":"order.place","#), Some(&b"0"[..]));
        assert_eq!(of(r#"{"id":"a-1","op":"order.place","x"#), Some(&b"\"a-1\""[..]));
        assert_eq!(of(r#"{"id":17,"op":"order.place_batch","params":{}}"#), Some(&b"17"[..]));
        for other in [
            r#"{"id":17,"op":"order.place_list","params":{}}"#,
            r#"{"id":17,"op":"order.cancel","params":{}}"#,
            r#"{"op":"order.place","id":17}"#,
            r#"{"id":017,"op":"order.place","#,
            r#"{"id":-1,"op":"order.place","#,
            r#"{"id":1234567890123456,"op":"order.place","#,
            r#"{"id":"","op":"order.place","#,
            r#"{"id":"a\"b","op":"order.place","#,
            r#"{"id":"a,"op":"order.place","#,
            r#"{"id":null,"op":"order.place","#,
            r#"{"id": 1,"op":"order.place","#,
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
