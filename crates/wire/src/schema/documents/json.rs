//! JSON as a value, printed so that people can read a difference.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// A value; an object keeps the order in which it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Text(String),
    Number(u64),
    Flag(bool),
    /// JSON as it stands in a table.
    Written(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// An object of these keys.
pub(super) fn object<K: Into<String>, const N: usize>(pairs: [(K, Json); N]) -> Json {
    Json::Object(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// A list of texts.
pub(super) fn texts<'t>(items: impl IntoIterator<Item = &'t str>) -> Json {
    Json::List(items.into_iter().map(Json::from).collect())
}

/// `{"$ref":"…"}`.
pub(super) fn reference(place: &str) -> Json {
    object([("$ref", place.into())])
}

impl Json {
    /// The same object with one more key.
    pub(super) fn with(mut self, key: impl Into<String>, value: impl Into<Self>) -> Self {
        if let Self::Object(pairs) = &mut self {
            pairs.push((key.into(), value.into()));
        }
        self
    }

    /// The text, each key and item on a line of its own, one space deeper.
    pub(super) fn print(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Text(text) => quote(out, text),
            // Writing to a String cannot fail.
            Self::Number(number) => drop(write!(out, "{number}")),
            Self::Flag(flag) => drop(write!(out, "{flag}")),
            Self::Written(json) => out.push_str(json),
            Self::List(items) => {
                let deeper = depth.saturating_add(1);
                let rows = items.iter().map(|item| |out: &mut String| item.write(out, deeper));
                block(out, ['[', ']'], depth, rows);
            }
            Self::Object(pairs) => {
                let deeper = depth.saturating_add(1);
                let rows = pairs.iter().map(|(key, value)| {
                    move |out: &mut String| {
                        quote(out, key);
                        out.push_str(": ");
                        value.write(out, deeper);
                    }
                });
                block(out, ['{', '}'], depth, rows);
            }
        }
    }
}

fn block<W: FnOnce(&mut String)>(
    out: &mut String,
    [open, close]: [char; 2],
    depth: usize,
    rows: impl Iterator<Item = W>,
) {
    out.push(open);
    let mut is_empty = true;
    for row in rows {
        out.push_str(if is_empty { "\n" } else { ",\n" });
        is_empty = false;
        indent(out, depth.saturating_add(1));
        row(out);
    }
    if !is_empty {
        out.push('\n');
        indent(out, depth);
    }
    out.push(close);
}

fn indent(out: &mut String, depth: usize) {
    out.extend(core::iter::repeat_n(' ', depth));
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for symbol in text.chars() {
        match symbol {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            symbol if symbol < ' ' => drop(write!(out, "\\u{:04x}", u32::from(symbol))),
            symbol => out.push(symbol),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_printed_is_the_same_value_to_every_reader() {
        let list = Json::List(vec![Json::Number(7), Json::Flag(true), Json::List(vec![])]);
        let value = object([("say \"hi\"\\\n\u{1}é", list)]).with("empty", object::<&str, 0>([]));
        let text = value.print();
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, serde_json::json!({"say \"hi\"\\\n\u{1}é": [7, true, []], "empty": {}}));
        assert!(text.starts_with("{\n \"say"), "{text}");
    }
}
