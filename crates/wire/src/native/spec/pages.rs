//! What lists are asked for with, and what pages of them say beside their rows.

use super::{BodyField, ParamKind, ParamSpec, field, optional};
use crate::limits::PAGE_ROWS_MAX;

pub(super) const NEXT_CURSOR: BodyField =
    field("next_cursor", "string?", "More follow: ask again with this as `cursor`.");
pub(super) const LIMIT: ParamSpec = optional(
    "limit",
    ParamKind::UpTo(PAGE_ROWS_MAX),
    "How many at most: 1 to 500, and 500 if absent.",
);
pub(super) const CURSOR: ParamSpec = optional(
    "cursor",
    ParamKind::Text,
    "The `next_cursor` of the page before. Between two pages the list may change: what was there all the time is told once.",
);
pub(super) const MIN_SEQ: ParamSpec = optional(
    "min_seq",
    ParamKind::Integer,
    "Answer once this seq has been applied here, that of an order for instance, whichever node took it; after 2 seconds the answer is `SEQ_NOT_REACHED`.",
);
pub(super) const HISTORY_SEQ: BodyField = field(
    "seq",
    "integer",
    "The seq that the list is true at: what it has of later records is left out.",
);
pub(super) const STORE_SEQ: BodyField = field(
    "store_seq",
    "integer",
    "The seq that the store had come to; up to `seq` the node knew the rest itself.",
);
pub(super) const HISTORY_NEXT: BodyField = field(
    "next_cursor",
    "string?",
    "There may be older ones: ask again with this as `cursor`. A page may have fewer rows than `limit`, or none, and still a `next_cursor`.",
);
pub(super) const HISTORY_CURSOR: ParamSpec = optional(
    "cursor",
    ParamKind::Text,
    "The `next_cursor` of the page before. What is written meanwhile moves no row: each is told once.",
);
pub(super) const HISTORY_MIN_SEQ: ParamSpec = optional(
    "min_seq",
    ParamKind::Integer,
    "Answer once the list is true at this seq, that of an order for instance; after 2 seconds the answer is `SEQ_NOT_REACHED`.",
);
pub(super) const FROM_TIME: ParamSpec = optional(
    "from_time",
    ParamKind::Integer,
    "Only what happened at this time or later, in microseconds since the epoch.",
);
pub(super) const TO_TIME: ParamSpec =
    optional("to_time", ParamKind::Integer, "Only what happened before this time.");
pub(super) const FROM_SEQ: ParamSpec = optional(
    "from_seq",
    ParamKind::Integer,
    "Only what happened after this seq: the last one that was received on a channel, for instance.",
);
