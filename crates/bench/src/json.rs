//! One JSON object, written field by field.

use std::fmt::{Display, Write};

/// An object being written. Fields come out in the order they are put in.
#[derive(Debug)]
pub struct Object {
    text: String,
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    /// An object without fields.
    pub fn new() -> Self {
        Self { text: String::from("{") }
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        let _ = write!(self.text, "\"{name}\":");
    }

    /// Puts in what JSON writes as `value` prints: a number, `true`, `false`, `null`.
    #[must_use]
    pub fn plain(mut self, name: &str, value: impl Display) -> Self {
        self.name(name);
        let _ = write!(self.text, "{value}");
        self
    }

    /// Puts in text of ours, which needs no escapes.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        let _ = write!(self.text, "\"{value}\"");
        self
    }

    /// Puts in a duration of `value_ns` as microseconds, with all its decimals.
    #[must_use]
    pub fn us(self, name: &str, value_ns: u64) -> Self {
        self.plain(name, format_args!("{}.{:03}", value_ns / 1_000, value_ns % 1_000))
    }

    /// Puts in a list of numbers.
    #[must_use]
    pub fn list(mut self, name: &str, values: &[u64]) -> Self {
        self.name(name);
        let _ = write!(self.text, "{values:?}");
        self
    }

    /// Puts in an object.
    #[must_use]
    pub fn object(self, name: &str, value: Self) -> Self {
        self.plain(name, value.finish())
    }

    /// The text.
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_as_json() {
        let inner = Object::new().us("p50_us", 1_007);
        let text =
            Object::new().plain("a", -1).text("b", "x").list("c", &[1, 2]).object("d", inner);
        assert_eq!(text.finish(), r#"{"a":-1,"b":"x","c":[1, 2],"d":{"p50_us":1.007}}"#);
        assert_eq!(Object::new().finish(), "{}");
    }
}
