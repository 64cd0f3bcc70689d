//! One public book feed: an instrument at one depth, the same deltas for all its subscribers.
//!
//! The feed is conflated: whoever calls [`BookFeed::advance`] decides how often. Each delta leads
//! from the seq of the last one to the seq it was made at, so `prev` and `seq` chain for everyone
//! who was sent an image or a delta at `prev`.
//!
//! Invariant: image + deltas is the top `depth` levels of the book at the last delta's seq. A level
//! that leaves the top because better ones came is sent with qty 0.
//! Cost: linear in the depth, whatever changed.

use coulisse_types::{Price, Qty, Seq, Side};

/// The levels of both sides, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Bids, highest first.
    pub bids: Vec<(Price, Qty)>,
    /// Asks, lowest first.
    pub asks: Vec<(Price, Qty)>,
}

impl Levels {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }
}

/// The state that all subscribers of one feed share.
#[derive(Debug, Default)]
pub struct BookFeed {
    sent: Levels,
    next: Levels,
    delta: Levels,
    seq: Seq,
}

impl BookFeed {
    /// A feed whose first image is `levels` at `seq`.
    pub fn new(levels: Levels, seq: Seq) -> Self {
        Self { sent: levels, seq, ..Self::default() }
    }

    /// The levels as the subscribers have them.
    pub fn sent(&self) -> &Levels {
        &self.sent
    }

    /// The seq that the subscribers are at.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// What changed in the last [`BookFeed::advance`]; qty 0 where a level is gone.
    pub fn delta(&self) -> &Levels {
        &self.delta
    }

    /// Moves to the book at `seq`, as `read` fills it in; returns the seq it came from, or `None`
    /// where nothing changed that this feed shows (then it stays where it was).
    pub fn advance(&mut self, seq: Seq, read: impl FnOnce(&mut Levels)) -> Option<Seq> {
        self.next.clear();
        read(&mut self.next);
        self.delta.clear();
        difference(Side::Buy, &self.sent.bids, &self.next.bids, &mut self.delta.bids);
        difference(Side::Sell, &self.sent.asks, &self.next.asks, &mut self.delta.asks);
        if self.delta.bids.is_empty() && self.delta.asks.is_empty() {
            return None;
        }
        core::mem::swap(&mut self.sent, &mut self.next);
        Some(core::mem::replace(&mut self.seq, seq))
    }
}

/// Whether `a` is nearer to the touch than `b`.
fn better(side: Side, a: Price, b: Price) -> bool {
    match side {
        Side::Buy => a > b,
        Side::Sell => a < b,
    }
}

/// Appends what leads from `old` to `new`, best first; both are best first.
fn difference(side: Side, old: &[(Price, Qty)], new: &[(Price, Qty)], out: &mut Vec<(Price, Qty)>) {
    let mut old = old.iter().peekable();
    for &(price, qty) in new {
        while let Some(&(gone, _)) = old.next_if(|level| better(side, level.0, price)) {
            out.push((gone, Qty::ZERO));
        }
        match old.next_if(|level| level.0 == price) {
            Some(&(_, before)) if before == qty => {}
            _ => out.push((price, qty)),
        }
    }
    out.extend(old.map(|&(gone, _)| (gone, Qty::ZERO)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Levels {
        let of = |side: &[(i64, i64)]| {
            side.iter().map(|(p, q)| (Price::from_ticks(*p), Qty::from_lots(*q))).collect()
        };
        Levels { bids: of(bids), asks: of(asks) }
    }

    #[test]
    fn a_delta_names_what_came_changed_and_went_best_first() {
        let before = levels(&[(10, 1), (9, 2), (8, 3)], &[(11, 1)]);
        let after = levels(&[(10, 1), (9, 5), (7, 1)], &[]);
        let mut feed = BookFeed::new(before, Seq(3));
        assert_eq!(feed.advance(Seq(7), |next| *next = after.clone()), Some(Seq(3)));
        assert_eq!(feed.delta(), &levels(&[(9, 5), (8, 0), (7, 1)], &[(11, 0)]));
        assert_eq!((feed.seq(), feed.sent()), (Seq(7), &after));
    }

    #[test]
    fn an_unchanged_top_sends_nothing_and_keeps_its_seq() {
        let same = levels(&[(10, 1)], &[(11, 1)]);
        let mut feed = BookFeed::new(same.clone(), Seq(3));
        assert_eq!(feed.advance(Seq(9), |next| *next = same), None);
        assert_eq!(feed.seq(), Seq(3));
    }
}
