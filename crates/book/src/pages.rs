//! The ordered directory of a side's levels: pages of 64 neighbouring ranks in a radix tree.
//!
//! A rank is a price turned so that the smallest is the best (see [`crate::ladder`]). A leaf page
//! holds the levels of 64 ranks; an inner page holds 64 pages. Pages that would have one child are
//! left out, as in a Patricia tree (Morrison 1968), so that the depth follows the number of prices
//! in use and not the width of their range, and one far price costs at most two pages.
//!
//! Invariants
//! - Every inner page has at least two children; every leaf has at least one level.
//! - A leaf found through the cache is the leaf that the tree holds for that rank: the page itself
//!   says which ranks it is for, and a freed page says "none".
//!
//! Cost: at most 11 steps from the root (ranks have 64 bits, a page resolves 6); a rank whose leaf
//! was used lately takes one.

use crate::arena::{Arena, NONE, Slot, index};

/// Bits of a rank that one page resolves.
const BITS: u32 = 6;
/// The low bits of a rank: its place in its leaf. In a page's tag: the page's height.
const LOW: u64 = 63;
/// The tag of a free page. No page in use has it: heights end at 10.
const NO_TAG: u64 = u64::MAX;
/// Leaves remembered: a window of 64 × 64 ranks around the touch without a collision.
const CACHE: usize = 64;
/// Pages made at a time.
const CHUNK: usize = 128;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The ranks it is for, their low bits replaced by its height (0 is a leaf).
    tag: u64,
    /// Which children there are.
    bitmap: u64,
    /// Levels, or pages below; what the bitmap does not name is stale.
    children: [u32; 64],
}

impl Slot for Page {
    const VACANT: Self = Self { tag: NO_TAG, bitmap: 0, children: [NONE; 64] };

    fn retire(&mut self, next_free: u32) {
        self.tag = NO_TAG;
        self.bitmap = u64::from(next_free);
    }

    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it was a u32")]
    fn next_free(&self) -> u32 {
        self.bitmap as u32
    }
}

/// The directory of one side.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    arena: Arena<Page, CHUNK>,
    root: u32,
    cache: [u32; CACHE],
}

/// The place of `rank` among the children of a page of `height`.
#[inline]
#[expect(clippy::as_conversions, reason = "masked to 0..64")]
#[expect(clippy::arithmetic_side_effects, reason = "heights end at 10, so the shift is at most 60")]
const fn place(rank: u64, height: u32) -> usize {
    ((rank >> (BITS * height)) & LOW) as usize
}

/// Which of the 64 leaves in the cache is for `rank`.
#[inline]
const fn cache_place(rank: u64) -> usize {
    place(rank, 1)
}

#[expect(clippy::indexing_slicing, reason = "places are masked to 0..64")]
#[expect(clippy::arithmetic_side_effects, reason = "shifts by places and heights, all below 64")]
impl Page {
    /// Makes this the page of `height` for `rank` and its neighbours, without children.
    fn begin(&mut self, rank: u64, height: u32) {
        let covered = BITS * (height + 1);
        let prefix = if covered < u64::BITS { rank >> covered << covered } else { 0 };
        self.tag = prefix | u64::from(height);
        self.bitmap = 0;
    }

    #[inline]
    #[expect(clippy::as_conversions, reason = "masked to 0..64")]
    const fn height(&self) -> u32 {
        (self.tag & LOW) as u32
    }

    /// Whether `rank` is below this page.
    fn covers(&self, rank: u64) -> bool {
        let covered = BITS * (self.height() + 1);
        covered >= u64::BITS || (rank ^ self.tag) >> covered == 0
    }

    #[inline]
    fn child(&self, place: usize) -> Option<u32> {
        (self.bitmap >> place & 1 == 1).then(|| self.children[place & 63])
    }

    #[inline]
    fn set(&mut self, place: usize, child: u32) {
        self.bitmap |= 1 << place;
        self.children[place & 63] = child;
    }

    #[inline]
    fn clear(&mut self, place: usize) {
        self.bitmap &= !(1 << place);
    }

    /// The child with the smallest ranks.
    #[inline]
    fn first(&self) -> u32 {
        self.children[index(self.bitmap.trailing_zeros() & 63)]
    }

    /// The first child behind `place`.
    #[inline]
    fn after(&self, place: usize) -> Option<u32> {
        let later = self.bitmap & (!1 << place);
        (later != 0).then(|| self.children[index(later.trailing_zeros() & 63)])
    }
}

impl Pages {
    /// An empty directory for at most `levels_max` levels.
    pub(crate) fn new(levels_max: u32) -> Self {
        // As many leaves as levels, and one inner page fewer than leaves.
        let limit = levels_max.checked_mul(2).unwrap_or(NONE);
        Self { arena: Arena::new(limit), root: NONE, cache: [NONE; CACHE] }
    }

    /// Makes the pages for `levels` levels that are not far apart.
    pub(crate) fn reserve(&mut self, levels: u32) {
        self.arena.reserve(levels.div_ceil(16));
    }

    /// Pages in use.
    pub(crate) fn live(&self) -> u32 {
        self.arena.live()
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the place is masked to the cache's size")]
    fn cached(&self, rank: u64) -> Option<u32> {
        let leaf = self.cache[cache_place(rank)];
        (self.arena.get(leaf)?.tag == rank & !LOW).then_some(leaf)
    }

    #[inline(never)]
    fn descend(&self, rank: u64) -> Option<u32> {
        let mut slot = self.root;
        loop {
            let page = self.arena.get(slot)?;
            if !page.covers(rank) {
                return None;
            }
            if page.height() == 0 {
                return Some(slot);
            }
            slot = page.child(place(rank, page.height()))?;
        }
    }

    /// The level at `rank`.
    #[inline]
    pub(crate) fn level(&self, rank: u64) -> Option<u32> {
        let leaf = self.cached(rank).or_else(|| self.descend(rank))?;
        self.arena.at(leaf).child(place(rank, 0))
    }

    /// The level at `rank`, for an insertion: remembers the leaf.
    #[inline]
    pub(crate) fn level_to_fill(&mut self, rank: u64) -> Option<u32> {
        let leaf = match self.cached(rank) {
            Some(leaf) => leaf,
            None => self.descend_and_remember(rank)?,
        };
        self.arena.at(leaf).child(place(rank, 0))
    }

    #[inline(never)]
    #[expect(clippy::indexing_slicing, reason = "the place is masked to the cache's size")]
    fn descend_and_remember(&mut self, rank: u64) -> Option<u32> {
        let leaf = self.descend(rank)?;
        self.cache[cache_place(rank)] = leaf;
        Some(leaf)
    }

    /// Puts a level at a rank that has none. There are always pages for it: see [`Self::new`].
    #[inline]
    #[expect(
        clippy::expect_used,
        reason = "the limit has pages for every level: a broken invariant"
    )]
    pub(crate) fn insert(&mut self, rank: u64, level: u32) {
        let leaf = match self.cached(rank) {
            Some(leaf) => Some(leaf),
            None => self.insert_leaf(rank),
        };
        let leaf = leaf.expect("pages for every level");
        self.arena.at_mut(leaf).set(place(rank, 0), level);
    }

    /// The leaf for `rank`, made if there is none.
    #[inline(never)]
    #[expect(clippy::indexing_slicing, reason = "the place is masked to the cache's size")]
    fn insert_leaf(&mut self, rank: u64) -> Option<u32> {
        let mut parent = None;
        let mut slot = self.root;
        let leaf = loop {
            let Some(page) = self.arena.get(slot) else {
                break self.new_leaf(rank, parent)?;
            };
            if !page.covers(rank) {
                break self.split(rank, slot, parent)?;
            }
            if page.height() == 0 {
                break slot;
            }
            let at = place(rank, page.height());
            let child = page.child(at);
            parent = Some((slot, at));
            slot = child.unwrap_or(NONE);
        };
        self.cache[cache_place(rank)] = leaf;
        Some(leaf)
    }

    fn new_page(&mut self, rank: u64, height: u32) -> Option<u32> {
        let page = self.arena.take()?;
        self.arena.at_mut(page).begin(rank, height);
        Some(page)
    }

    fn new_leaf(&mut self, rank: u64, parent: Option<(u32, usize)>) -> Option<u32> {
        let leaf = self.new_page(rank, 0)?;
        self.link(parent, leaf);
        Some(leaf)
    }

    /// Puts an inner page above `below`, which does not cover `rank`, and a new leaf beside it.
    fn split(&mut self, rank: u64, below: u32, parent: Option<(u32, usize)>) -> Option<u32> {
        let other = self.arena.at(below).tag & !LOW;
        let height = ((rank ^ other) & !LOW).ilog2() / BITS;
        let leaf = self.new_page(rank, 0)?;
        let inner = self.new_page(rank, height)?;
        let page = self.arena.at_mut(inner);
        page.set(place(other, height), below);
        page.set(place(rank, height), leaf);
        self.link(parent, inner);
        Some(leaf)
    }

    fn link(&mut self, parent: Option<(u32, usize)>, page: u32) {
        match parent {
            Some((parent, at)) => self.arena.at_mut(parent).set(at, page),
            None => self.root = page,
        }
    }

    /// Takes away the level at `rank`; the first level left in the same leaf, if any.
    #[inline]
    pub(crate) fn remove(&mut self, rank: u64) -> Option<u32> {
        let leaf = self.cached(rank).or_else(|| self.descend_and_remember(rank))?;
        let page = self.arena.at_mut(leaf);
        page.clear(place(rank, 0));
        if page.bitmap == 0 {
            self.remove_leaf(rank);
            return None;
        }
        Some(page.first())
    }

    /// Frees the emptied leaf of `rank`, and the page above it if that is left with one child.
    #[inline(never)]
    fn remove_leaf(&mut self, rank: u64) {
        let (mut above, mut parent) = (None, None);
        let mut slot = self.root;
        loop {
            let page = self.arena.at(slot);
            if page.height() == 0 {
                break;
            }
            let at = place(rank, page.height());
            let Some(child) = page.child(at) else { return };
            (above, parent) = (parent, Some((slot, at)));
            slot = child;
        }
        self.arena.free(slot);
        let Some((inner, at)) = parent else {
            self.root = NONE;
            return;
        };
        let page = self.arena.at_mut(inner);
        page.clear(at);
        if page.bitmap.is_power_of_two() {
            let only = page.first();
            self.arena.free(inner);
            self.link(above, only);
        }
    }

    /// The first level of a page and all below it.
    fn first_below(&self, mut slot: u32) -> Option<u32> {
        loop {
            let page = self.arena.get(slot)?;
            if page.height() == 0 {
                return Some(page.first());
            }
            slot = page.first();
        }
    }

    /// The first level of all.
    pub(crate) fn first(&self) -> Option<u32> {
        self.first_below(self.root)
    }

    /// The first level behind the one at `rank`.
    #[inline]
    pub(crate) fn after(&self, rank: u64) -> Option<u32> {
        let in_leaf = self.cached(rank).and_then(|leaf| self.arena.at(leaf).after(place(rank, 0)));
        in_leaf.or_else(|| self.after_from_root(rank))
    }

    #[inline(never)]
    fn after_from_root(&self, rank: u64) -> Option<u32> {
        // The nearest page behind the path to `rank`: what is behind, if the leaf has no more.
        let mut behind = None;
        let mut slot = self.root;
        loop {
            let page = self.arena.get(slot)?;
            let at = place(rank, page.height());
            let after = page.after(at);
            if page.height() == 0 {
                return after.or_else(|| self.first_below(behind?));
            }
            behind = after.or(behind);
            slot = page.child(at)?;
        }
    }
}
