//! Why a request never reached the log, and how that is said.

use alloc::vec::Vec;

use coulisse_types::{RejectCode, Text};

use crate::digits;
use crate::json::SyntaxError;

/// What more there is to say than code, field and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// The JSON broke at this byte, where something else was wanted.
    Syntax {
        /// Offset in the message.
        offset: usize,
        /// What was wanted there.
        wanted: &'static str,
    },
    /// What the field must be.
    Wanted(&'static str),
    /// The field that would do as well as the one that is missing.
    Or(&'static str),
    /// The texts that the field may be.
    OneOf(&'static [&'static str]),
    /// The bound: the tick, the lot, the largest number.
    Limit(Text<40>),
    /// The bound of a rate, and when there is room again.
    Retry {
        /// How much a second.
        per_s: u32,
        /// In how many milliseconds.
        after_ms: u64,
    },
    /// When to come again, in milliseconds.
    Later(u64),
}

/// A request that was refused at the edge: its state is `not_sent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestError<'a> {
    /// The request's id as it came; empty if it had none that can be echoed.
    pub id_raw: &'a [u8],
    /// Why.
    pub code: RejectCode,
    /// Which field; empty for none.
    pub field: &'a [u8],
    /// What stood there, as it came; empty for nothing.
    pub value: &'a [u8],
    /// What more there is to say.
    pub detail: Detail,
}

impl<'a> RequestError<'a> {
    /// A refusal with nothing but a code: `OVERLOADED`, `NOT_LOGGED_ON`, `SHUTTING_DOWN` and such.
    pub const fn new(id_raw: &'a [u8], code: RejectCode) -> Self {
        Self { id_raw, code, field: &[], value: &[], detail: Detail::None }
    }

    /// The same, naming the field and what stood there.
    #[must_use]
    pub const fn about(self, field: &'a [u8], value: &'a [u8]) -> Self {
        Self { field, value, ..self }
    }

    /// The same with a bound, if it is plain text of at most 40 characters.
    #[must_use]
    pub fn with_limit(self, limit: &[u8]) -> Self {
        let detail = Text::new(limit).map_or(self.detail, Detail::Limit);
        Self { detail, ..self }
    }

    /// The same with how much a second may be asked for, and when there is room again.
    #[must_use]
    pub const fn with_retry(self, per_s: u32, after_ms: u64) -> Self {
        Self { detail: Detail::Retry { per_s, after_ms }, ..self }
    }

    /// The same with when to come again.
    #[must_use]
    pub const fn later(self, after_ms: u64) -> Self {
        Self { detail: Detail::Later(after_ms), ..self }
    }

    pub(crate) fn of_syntax(message: &[u8], error: &SyntaxError<'a>) -> Self {
        let offset = message.len().saturating_sub(error.at.len());
        let detail = Detail::Syntax { offset, wanted: error.wanted };
        Self { id_raw: &[], code: error.code, field: error.key, value: error.value, detail }
    }

    /// Appends the reply.
    pub fn write(&self, out: &mut Vec<u8>) {
        super::reply::open_error(out, self.id_raw, self.code);
        self.write_rest(out);
        out.push(b'}');
    }

    /// Appends `{"error":{…}}`, what became of one order of a batch.
    pub fn write_alone(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"error\":");
        super::rejects::open_error_object(out, self.code);
        self.write_rest(out);
        out.push(b'}');
    }

    fn write_rest(&self, out: &mut Vec<u8>) {
        match self.detail {
            Detail::Retry { per_s, after_ms } => self.write_retry(out, per_s, after_ms),
            Detail::Later(after_ms) => {
                super::rejects::write_meaning(out, self.code);
                write_again(out, after_ms);
            }
            _ => self.write_message(out),
        }
        out.push(b'"');
        for (key, text) in [(&b"field"[..], self.field), (b"value", self.value)] {
            if !text.is_empty() {
                text_field(out, key, text);
            }
        }
        match &self.detail {
            Detail::Limit(limit) => text_field(out, b"limit", limit.as_bytes()),
            Detail::Retry { per_s, after_ms } => {
                out.extend_from_slice(b",\"limit\":\"");
                digits::unsigned(out, u64::from(*per_s));
                out.extend_from_slice(b"\",\"retry_after_ms\":");
                digits::unsigned(out, *after_ms);
            }
            Detail::Later(after_ms) => {
                out.extend_from_slice(b",\"retry_after_ms\":");
                digits::unsigned(out, *after_ms);
            }
            _ => {}
        }
        out.extend_from_slice(br#","state":"not_sent"}"#);
    }

    fn write_retry(&self, out: &mut Vec<u8>, per_s: u32, after_ms: u64) {
        digits::excerpt(out, self.field);
        out.extend_from_slice(b": limit ");
        digits::unsigned(out, u64::from(per_s));
        out.extend_from_slice(b" a second");
        write_again(out, after_ms);
    }

    /// Appends what is wrong, for people, as the inside of a JSON string, without the code.
    fn write_message(&self, out: &mut Vec<u8>) {
        let subject = |out: &mut Vec<u8>| {
            digits::excerpt(out, self.field);
            if !self.value.is_empty() {
                out.push(b' ');
                digits::excerpt(out, self.value);
            }
        };
        match (self.code, self.detail) {
            (RejectCode::UnknownField, _) => {
                digits::excerpt(out, self.field);
                out.extend_from_slice(b" is not a field here");
            }
            (RejectCode::DuplicateField, _) => {
                digits::excerpt(out, self.field);
                out.extend_from_slice(b" stands twice in one object");
            }
            (RejectCode::MissingField, detail) => {
                digits::excerpt(out, self.field);
                if let Detail::Or(other) = detail {
                    out.extend_from_slice(b" or ");
                    out.extend_from_slice(other.as_bytes());
                }
                out.extend_from_slice(b" is required");
            }
            (_, Detail::Syntax { offset, wanted }) => {
                out.extend_from_slice(b"at byte ");
                digits::unsigned(out, u64::try_from(offset).unwrap_or_default());
                out.extend_from_slice(b", wanted ");
                digits::escaped(out, wanted.as_bytes());
            }
            (_, Detail::Wanted(wanted)) => {
                subject(out);
                out.extend_from_slice(b" must be: ");
                out.extend_from_slice(wanted.as_bytes());
            }
            (_, Detail::OneOf(texts)) => {
                subject(out);
                out.extend_from_slice(b" must be one of: ");
                out.extend_from_slice(texts.join(", ").as_bytes());
            }
            (_, Detail::Limit(limit)) => {
                subject(out);
                out.extend_from_slice(b": ");
                super::rejects::write_meaning(out, self.code);
                out.extend_from_slice(match self.code {
                    RejectCode::OffTick | RejectCode::OffLot | RejectCode::OffMinorUnit => {
                        &b"; step "[..]
                    }
                    _ => b"; limit ",
                });
                out.extend_from_slice(limit.as_bytes());
            }
            (_, Detail::None | Detail::Or(_) | Detail::Retry { .. } | Detail::Later(_)) => {
                if !self.field.is_empty() {
                    subject(out);
                    out.extend_from_slice(b": ");
                }
                super::rejects::write_meaning(out, self.code);
            }
        }
    }
}

fn write_again(out: &mut Vec<u8>, after_ms: u64) {
    out.extend_from_slice(b"; try again in ");
    digits::unsigned(out, after_ms);
    out.extend_from_slice(b" ms");
}

/// Appends `,"key":"text"` with the text bounded and escaped.
fn text_field(out: &mut Vec<u8>, key: &[u8], text: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":\"");
    digits::excerpt(out, text);
    out.push(b'"');
}
