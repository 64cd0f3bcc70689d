//! At which price an auction trades, and how much: section 18 of the rules, step 3.
//!
//! Pure: two ladders and a reference in, a price out. Outside the prices at which bids and asks
//! overlap nothing can trade, so only what lies there is looked at.
//!
//! Invariant: at the price that comes out the most trades that can trade at any one price; so once
//! it has traded, the book is not crossed any more.
//!
//! Cost: a sort of the prices at which the book is crossed. Allocates two lists of that length.

use crate::engine::Engine;
use crate::instruments::Listing;
use crate::paged::NONE;
use crate::planted::Fault;
use alloc::vec::Vec;
use coulisse_types::event::AuctionIndicated;
use coulisse_types::{InstrumentId, Price, Qty, Side};

/// All that rests at a price on one side, hidden parts included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) ticks: i64,
    pub(crate) lots: i128,
}

/// What an auction does at its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clearing {
    /// 0 where nothing trades.
    pub(crate) price_ticks: i64,
    /// What trades.
    pub(crate) lots: i128,
    /// Bids less asks that stay at that price.
    pub(crate) surplus_lots: i128,
}

/// What a candidate is worth: the smallest is the best.
type Worth = (core::cmp::Reverse<i128>, i128, i64, i64);

impl Clearing {
    /// Finds the price. Both sides come best price first; the reference is 0 where there is none.
    #[expect(clippy::arithmetic_side_effects, reason = "sums of lots that rest, and prices")]
    pub(crate) fn of(bids: &[Rung], asks: &[Rung], reference_ticks: i64) -> Self {
        let mut prices: Vec<i64> = bids.iter().chain(asks).map(|rung| rung.ticks).collect();
        if reference_ticks != 0 {
            prices.push(reference_ticks);
        }
        prices.sort_unstable();
        let mut bid_lots: i128 = bids.iter().map(|rung| rung.lots).sum();
        let mut ask_lots = 0;
        let (mut bids, mut asks) = (bids.iter().rev().peekable(), asks.iter().peekable());
        let mut best: Option<(Worth, Self)> = None;
        for ticks in prices {
            while let Some(rung) = bids.next_if(|rung| rung.ticks < ticks) {
                bid_lots -= rung.lots;
            }
            while let Some(rung) = asks.next_if(|rung| rung.ticks <= ticks) {
                ask_lots += rung.lots;
            }
            let (lots, surplus_lots) = (bid_lots.min(ask_lots), bid_lots - ask_lots);
            let away = if reference_ticks == 0 { 0 } else { (ticks - reference_ticks).abs() };
            let worth = (core::cmp::Reverse(lots), surplus_lots.abs(), away, ticks);
            let clearing = Self { price_ticks: ticks, lots, surplus_lots };
            if lots > 0 && best.is_none_or(|(other, _)| worth < other) {
                best = Some((worth, clearing));
            }
        }
        best.map_or(Self::default(), |(_, clearing)| clearing)
    }

    /// What trades, as far as a quantity can say it.
    pub(crate) fn qty(&self) -> Qty {
        said(self.lots)
    }

    /// What is said of it before it happens.
    pub(crate) fn indicated(&self, instrument: InstrumentId) -> AuctionIndicated {
        AuctionIndicated {
            instrument,
            price: Price::from_ticks(self.price_ticks),
            qty: self.qty(),
            surplus: said(self.surplus_lots),
        }
    }
}

/// A sum of lots, or the furthest number in its direction where it is past an `i64`.
fn said(lots: i128) -> Qty {
    let furthest = if lots < 0 { i64::MIN } else { i64::MAX };
    Qty::from_lots(i64::try_from(lots).unwrap_or(furthest))
}

impl Engine {
    /// What would trade if an instrument's auction ended now.
    pub(crate) fn clearing(&self, instrument: InstrumentId) -> Clearing {
        let listing = self.instruments.at(instrument);
        if !listing.book.is_crossed() {
            return Clearing::default();
        }
        let [bids, asks] = [Side::Buy, Side::Sell].map(|side| self.crossed_rungs(listing, side));
        let is_lost = self.planted.is(Fault::AuctionWithoutReference);
        Clearing::of(&bids, &asks, if is_lost { 0 } else { listing.reference() })
    }

    /// The levels of a side that the other side's best price crosses.
    fn crossed_rungs(&self, listing: &Listing, side: Side) -> Vec<Rung> {
        let Some(limit) = listing.book.best(side.opposite()) else { return Vec::new() };
        let is_crossed = |price: Price| match side {
            Side::Buy => price >= limit,
            Side::Sell => price <= limit,
        };
        let levels = listing.book.levels(side).take_while(|level| is_crossed(level.price));
        let rung = |price: Price, shown: Qty| Rung {
            ticks: price.ticks(),
            lots: self.lots_at(listing, side, price, shown),
        };
        levels.map(|level| rung(level.price, level.qty)).collect()
    }

    /// All that rests at a price. Only where orders have terms can some of it be hidden.
    fn lots_at(&self, listing: &Listing, side: Side, price: Price, shown: Qty) -> i128 {
        if self.orders.terms_count() == 0 {
            return shown.lots().into();
        }
        let orders = listing.book.orders(side, price);
        let lots = orders.map(|resting| {
            let order = self.orders.at(resting.owner);
            let all = if order.terms == NONE { resting.qty } else { order.remaining() };
            i128::from(all.lots())
        });
        lots.sum()
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers that a test made")]
mod tests {
    use super::*;

    fn rungs(rows: &[(i64, i128)]) -> Vec<Rung> {
        rows.iter().map(|(ticks, lots)| Rung { ticks: *ticks, lots: *lots }).collect()
    }

    /// Price and lots by trying every candidate, as the rule is written.
    fn by_trying(bids: &[Rung], asks: &[Rung], reference_ticks: i64) -> (i64, i128) {
        let at = |ticks: i64| {
            let bid: i128 = bids.iter().filter(|r| r.ticks >= ticks).map(|r| r.lots).sum();
            let ask: i128 = asks.iter().filter(|r| r.ticks <= ticks).map(|r| r.lots).sum();
            (bid, ask)
        };
        let reference = (reference_ticks != 0).then_some(reference_ticks);
        let candidates = bids.iter().chain(asks).map(|rung| rung.ticks).chain(reference);
        let worth = |ticks: i64| {
            let (bid, ask) = at(ticks);
            let away = reference.map_or(0, |reference| (ticks - reference).abs());
            (-bid.min(ask), (bid - ask).abs(), away, ticks)
        };
        let best = candidates.min_by_key(|ticks| worth(*ticks));
        let lots = best.map_or(0, |ticks| at(ticks).0.min(at(ticks).1));
        if lots == 0 { (0, 0) } else { (best.unwrap_or(0), lots) }
    }

    #[test]
    fn the_price_at_which_the_most_trades_wins() {
        let (bids, asks) = (rungs(&[(105, 2), (100, 2)]), rungs(&[(95, 3)]));
        let clearing = Clearing::of(&bids, &asks, 0);
        assert_eq!(clearing, Clearing { price_ticks: 95, lots: 3, surplus_lots: 1 });
    }

    #[test]
    fn the_reference_decides_between_prices_that_are_as_good() {
        let (bids, asks) = (rungs(&[(105, 2)]), rungs(&[(95, 2)]));
        let price = |reference| Clearing::of(&bids, &asks, reference).price_ticks;
        assert_eq!([price(0), price(94), price(101), price(110)], [95, 95, 101, 105]);
    }

    #[test]
    fn every_price_is_the_one_that_trying_all_finds() {
        let mut state = 7_u64;
        let mut below = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        for _ in 0..3_000 {
            let mut sides = [Vec::new(), Vec::new()];
            for side in &mut sides {
                for ticks in 1..=9_i64 {
                    if below(3) == 0 {
                        let lots = i128::from(below(6)) + 1;
                        side.push(Rung { ticks, lots });
                    }
                }
            }
            sides[0].reverse();
            let reference = i64::try_from(below(12)).expect("small");
            let [bids, asks] = sides;
            let found = Clearing::of(&bids, &asks, reference);
            let expected = by_trying(&bids, &asks, reference);
            assert_eq!((found.price_ticks, found.lots), expected, "{bids:?} {asks:?}");
        }
    }
}
