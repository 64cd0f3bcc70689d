//! One public book feed: an instrument at one depth, the same deltas for all its subscribers.
//!
//! Whoever calls [`BookFeed::advance`] decides how often: with each record, or from time to time. Each
//! delta leads from the seq of the last one to the seq it was made at, so `prev` and `seq` chain for
//! everyone who was sent an image or a delta at `prev`.
//!
//! Invariant: image + deltas is the top `depth` levels of the book at the last delta's seq. A level
//! that leaves the top because better ones came is sent with qty 0.
//! Cost: linear in the depth, whatever changed; [`BookFeed::change`] finds each level by halving.

use coulisse_types::{Price, Qty, Seq, Side};
use coulisse_wire::limits::BOOK_LEVELS_MAX;

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

    /// Moves a feed of all levels to `seq` by what one record changed, `(side, price, qty)` in the order
    /// in which it did, without reading the book. `None` as in [`BookFeed::advance`].
    ///
    /// # Errors
    /// [`NeedsBook`]: which levels are the first so many now, only the book knows.
    pub fn change(
        &mut self,
        seq: Seq,
        changes: &[(Side, Price, Qty)],
    ) -> Result<Option<Seq>, NeedsBook> {
        let room = |levels: &Vec<(Price, Qty)>| levels.len() + changes.len() <= BOOK_LEVELS_MAX;
        if !room(&self.sent.bids) || !room(&self.sent.asks) {
            return Err(NeedsBook);
        }
        self.delta.clear();
        let place = |change: &(Side, Price, Qty)| (change.0 == Side::Sell, change.1);
        let mut changes = changes.to_vec();
        // Stable: of what one level became, the last stays last.
        changes.sort_by_key(place);
        for of_one_level in changes.chunk_by(|one, next| place(one) == place(next)) {
            if let Some(&(side, price, qty)) = of_one_level.last() {
                self.set(side, price, qty);
            }
        }
        self.delta.bids.sort_unstable_by_key(|(price, _)| core::cmp::Reverse(*price));
        self.delta.asks.sort_unstable_by_key(|(price, _)| *price);
        let is_same = self.delta.bids.is_empty() && self.delta.asks.is_empty();
        Ok((!is_same).then(|| core::mem::replace(&mut self.seq, seq)))
    }

    fn set(&mut self, side: Side, price: Price, qty: Qty) {
        let (levels, delta) = match side {
            Side::Buy => (&mut self.sent.bids, &mut self.delta.bids),
            Side::Sell => (&mut self.sent.asks, &mut self.delta.asks),
        };
        let at = levels.partition_point(|level| better(side, level.0, price));
        match levels.get_mut(at).filter(|level| level.0 == price) {
            Some(level) if level.1 == qty => return,
            Some(_) if qty.is_zero() => drop(levels.remove(at)),
            Some(level) => level.1 = qty,
            None if qty.is_zero() => return,
            None => levels.insert(at, (price, qty)),
        }
        delta.push((price, qty));
    }
}

/// A change cannot be told without a look at the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedsBook;

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
    fn levels_changed_one_by_one_are_what_the_whole_book_gives() {
        let all = || levels(&[(10, 1), (9, 2), (8, 3)], &[(11, 1)]);
        let (mut by_change, mut by_book) =
            (BookFeed::new(all(), Seq(3)), BookFeed::new(all(), Seq(3)));
        let to = |side, ticks, lots| (side, Price::from_ticks(ticks), Qty::from_lots(lots));
        let changes = [
            to(Side::Buy, 7, 1),
            to(Side::Buy, 9, 0),
            to(Side::Buy, 9, 5),
            to(Side::Sell, 12, 2),
            to(Side::Sell, 12, 0),
            to(Side::Sell, 11, 1),
            to(Side::Buy, 8, 0),
        ];
        let after = levels(&[(10, 1), (9, 5), (7, 1)], &[(11, 1)]);
        assert_eq!(by_change.change(Seq(7), &changes), Ok(Some(Seq(3))));
        assert_eq!(by_book.advance(Seq(7), |next| *next = after.clone()), Some(Seq(3)));
        assert_eq!((by_change.sent(), by_change.delta()), (by_book.sent(), by_book.delta()));
        assert_eq!(by_change.change(Seq(8), &changes[4..6]), Ok(None));
        assert_eq!(by_change.seq(), Seq(7));
    }

    #[test]
    fn a_book_with_more_levels_than_are_shown_has_to_be_read() {
        let many: Vec<(i64, i64)> =
            (1..=i64::try_from(BOOK_LEVELS_MAX).expect("small")).map(|p| (p, 1)).collect();
        let mut feed = BookFeed::new(levels(&[], &many), Seq(3));
        let change = [(Side::Sell, Price::from_ticks(5), Qty::ZERO)];
        assert_eq!(feed.change(Seq(4), &change), Err(NeedsBook));
        assert_eq!(feed.seq(), Seq(3));
    }

    #[test]
    fn an_unchanged_top_sends_nothing_and_keeps_its_seq() {
        let same = levels(&[(10, 1)], &[(11, 1)]);
        let mut feed = BookFeed::new(same.clone(), Seq(3));
        assert_eq!(feed.advance(Seq(9), |next| *next = same), None);
        assert_eq!(feed.seq(), Seq(3));
    }
}
