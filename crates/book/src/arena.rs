//! Slots named by `u32`, in chunks of a fixed size: growth moves nothing and copies nothing.
//!
//! Invariants
//! - The slot freed last is taken first; a slot never used is taken only when none is free.
//! - A chunk, once made, stays where it is until the arena is dropped.
//!
//! Cost: constant, but for making a chunk.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// "No slot".
pub(crate) const NONE: u32 = u32::MAX;

/// A `u32` as an index: at least 32 bits wide on every target we build for.
#[inline]
#[expect(clippy::as_conversions, reason = "usize is at least 32 bits wide on our targets")]
pub(crate) const fn index(slot: u32) -> usize {
    slot as usize
}

/// What stands in an arena: while its slot is free, it holds the link to the next free one.
pub(crate) trait Slot: Copy {
    /// What fresh chunks are filled with.
    const VACANT: Self;

    /// Makes the value a vacant one that remembers the next free slot, and touches no more of it.
    fn retire(&mut self, next_free: u32);

    /// What [`Self::retire`] was given.
    fn next_free(&self) -> u32;
}

/// The slots.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T, const N: usize> {
    chunks: Vec<Box<[T; N]>>,
    /// Slots ever taken; the ones from here up were never used.
    used: u32,
    free: u32,
    live: u32,
    limit: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "counts stay below the limit, a u32, and N is not zero"
)]
impl<T: Slot, const N: usize> Arena<T, N> {
    /// An empty arena of at most `limit` slots, below [`NONE`].
    pub(crate) fn new(limit: u32) -> Self {
        let limit = limit.min(NONE - 1);
        let chunks = Vec::with_capacity(index(limit).div_ceil(N));
        Self { chunks, used: 0, free: NONE, live: 0, limit }
    }

    /// Slots in use.
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// How many slots there may be.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Slots that can still be taken.
    #[inline]
    pub(crate) const fn spare(&self) -> u32 {
        self.limit - self.live
    }

    /// Makes the chunks for `slots` slots now rather than in service.
    pub(crate) fn reserve(&mut self, slots: u32) {
        let chunks = index(slots.min(self.limit)).div_ceil(N);
        while self.chunks.len() < chunks {
            self.push_chunk();
        }
    }

    #[cold]
    #[inline(never)]
    fn push_chunk(&mut self) {
        // Through a vector, since an array of this size does not belong on the stack.
        if let Ok(chunk) = vec![T::VACANT; N].into_boxed_slice().try_into() {
            self.chunks.push(chunk);
        }
    }

    /// Takes a slot and fills it; `None` if the arena is full.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        let slot = self.take()?;
        *self.at_mut(slot) = value;
        Some(slot)
    }

    /// Takes a slot, which still holds what was retired there; `None` if the arena is full.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u32> {
        let slot = if self.free == NONE {
            if self.used == self.limit {
                return None;
            }
            let slot = self.used;
            if index(slot) / N == self.chunks.len() {
                self.push_chunk();
            }
            self.used += 1;
            slot
        } else {
            let slot = self.free;
            self.free = self.at(slot).next_free();
            slot
        };
        self.live += 1;
        Some(slot)
    }

    /// Frees a slot in use.
    #[inline]
    pub(crate) fn free(&mut self, slot: u32) {
        let next_free = self.free;
        self.at_mut(slot).retire(next_free);
        self.free = slot;
        self.live -= 1;
    }

    /// The value in `slot`, if its chunk exists.
    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(index(slot) / N)?.get(index(slot) % N)
    }

    /// The value in `slot`.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "a slot that was never taken is a broken invariant"
    )]
    pub(crate) fn at(&self, slot: u32) -> &T {
        &self.chunks[index(slot) / N][index(slot) % N]
    }

    /// The value in `slot`, to change.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "a slot that was never taken is a broken invariant"
    )]
    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut T {
        &mut self.chunks[index(slot) / N][index(slot) % N]
    }
}
