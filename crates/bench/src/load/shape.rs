//! The shape of a load: how many connections, and what makes them send.

use crate::Failure;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Connections of an open loop.
const OPEN_CONNECTIONS: usize = 100;
/// Most rows a second that a closed loop is given frames for: above what one processor can send.
const CLOSED_RATE_MAX: u64 = 2_000_000;

/// How the rows that build the book are sent.
pub const PREFILL: Shape = Shape::Closed { connections: 100, in_flight: 8 };

/// What makes connections send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each connection keeps so many requests in flight: a reply lets the next one go.
    Closed {
        /// Connections.
        connections: usize,
        /// Requests of each.
        in_flight: usize,
    },
    /// Requests go at their times, whatever has been answered.
    Open {
        /// Requests a second, over all connections.
        rate: u64,
        /// Requests that a connection sends at a time.
        per_write: usize,
    },
    /// As an open loop, but what a connection does not take is held back and not sent; rows are used
    /// again and again.
    Flood {
        /// Requests a second that are offered, over all connections.
        rate: u64,
    },
}

impl Shape {
    /// How many connections it has.
    pub const fn connections(self) -> usize {
        match self {
            Self::Closed { connections, .. } => connections,
            Self::Open { .. } | Self::Flood { .. } => OPEN_CONNECTIONS,
        }
    }

    /// The most rows that it can send within `limit`.
    pub fn rows_max(self, limit: Duration) -> usize {
        let rate = match self {
            Self::Closed { .. } => CLOSED_RATE_MAX,
            Self::Open { rate, .. } | Self::Flood { rate } => rate,
        };
        usize::try_from(limit.as_secs().saturating_mul(rate)).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { connections, in_flight } => write!(f, "{connections}x{in_flight}"),
            Self::Open { rate, per_write: 1 } => write!(f, "open_{rate}"),
            Self::Open { rate, per_write } => write!(f, "open_{rate}x{per_write}"),
            Self::Flood { rate } => write!(f, "flood_{rate}"),
        }
    }
}

impl FromStr for Shape {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let number = |part: &str| part.parse().ok().filter(|number: &usize| *number > 0);
        let rate = |part: &str| part.parse().ok().filter(|rate: &u64| *rate > 0);
        let shape = if let Some(offered) = text.strip_prefix("flood_") {
            rate(offered).map(|rate| Self::Flood { rate })
        } else if let Some(asked) = text.strip_prefix("open_") {
            let (per_s, per_write) = asked.split_once('x').unwrap_or((asked, "1"));
            rate(per_s)
                .zip(number(per_write))
                .map(|(rate, per_write)| Self::Open { rate, per_write })
        } else {
            let (connections, in_flight) = text.split_once('x').unwrap_or_default();
            number(connections)
                .zip(number(in_flight))
                .map(|(connections, in_flight)| Self::Closed { connections, in_flight })
        };
        let wanted = "a shape is 50x32, open_20000, open_50000x10 or flood_100000";
        shape.ok_or_else(|| Failure(format!("{wanted}, not {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_as_they_are_printed() {
        for text in ["50x32", "100x1", "open_20000", "open_50000x10", "flood_7"] {
            assert_eq!(text.parse::<Shape>().expect("a shape").to_string(), text);
        }
        let bad = ["", "x", "50", "0x1", "50x0", "open_0", "open_", "-1x2", "open_5x0", "flood_"];
        for bad in bad {
            assert!(bad.parse::<Shape>().is_err(), "{bad}");
        }
    }
}
