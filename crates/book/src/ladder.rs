//! One side's levels in order of price, and its best one.
//!
//! A price becomes a *rank*, an unsigned number that is smaller where the price is better, so that
//! both sides run the same code.
//!
//! Invariant: `best` is the level of the smallest rank, or none; it changes in the same step as
//! the directory.

use crate::arena::NONE;
use crate::pages::Pages;
use coulisse_types::{Price, Side};

/// The rank of a price: asks in order of price, bids in the opposite order.
#[inline]
#[expect(clippy::as_conversions, clippy::cast_sign_loss, reason = "turns the sign bit, on purpose")]
pub(crate) const fn rank(side: Side, price: Price) -> u64 {
    let ordered = (price.ticks() as u64) ^ (1 << 63);
    match side {
        Side::Buy => !ordered,
        Side::Sell => ordered,
    }
}

/// One side.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    pages: Pages,
    best: u32,
    best_rank: u64,
}

impl Ladder {
    pub(crate) fn new(levels_max: u32) -> Self {
        Self { pages: Pages::new(levels_max), best: NONE, best_rank: u64::MAX }
    }

    pub(crate) fn reserve(&mut self, levels: u32) {
        self.pages.reserve(levels);
    }

    /// The best level, or [`NONE`].
    #[inline]
    pub(crate) const fn best(&self) -> u32 {
        self.best
    }

    /// The best rank; the largest there is where there is no level.
    #[inline]
    pub(crate) const fn best_rank(&self) -> u64 {
        self.best_rank
    }

    /// The level at `rank`.
    #[inline]
    pub(crate) fn level(&self, rank: u64) -> Option<u32> {
        self.pages.level(rank)
    }

    /// The level at `rank`, for an insertion.
    #[inline]
    pub(crate) fn level_to_fill(&mut self, rank: u64) -> Option<u32> {
        self.pages.level_to_fill(rank)
    }

    /// Puts a level at a rank that has none.
    #[inline]
    pub(crate) fn insert(&mut self, rank: u64, level: u32) {
        self.pages.insert(rank, level);
        // "Or none": the rank of no level is also that of one real price.
        if rank < self.best_rank || self.best == NONE {
            self.best = level;
            self.best_rank = rank;
        }
    }

    /// Takes away the level at `rank`. `rank_of` tells the rank of a level.
    #[inline]
    pub(crate) fn remove(&mut self, rank: u64, rank_of: impl FnOnce(u32) -> u64) {
        let in_leaf = self.pages.remove(rank);
        if rank == self.best_rank {
            // The best was the first of its leaf, so what is first there now comes next.
            let next = in_leaf.or_else(|| self.pages.first());
            self.best = next.unwrap_or(NONE);
            self.best_rank = next.map_or(u64::MAX, rank_of);
        }
    }

    /// The first level behind `rank`.
    #[inline]
    pub(crate) fn after(&self, rank: u64) -> Option<u32> {
        self.pages.after(rank)
    }

    /// The first level, found in the directory and not in the cached best.
    pub(crate) fn first(&self) -> Option<u32> {
        self.pages.first()
    }

    /// Pages in use.
    pub(crate) fn pages(&self) -> u32 {
        self.pages.live()
    }
}
