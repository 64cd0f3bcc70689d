//! Arrays that grow by pages: growth moves nothing.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// "No index".
pub(crate) const NONE: u32 = u32::MAX;

/// A `u32` as an index: at least 32 bits wide on every target we build for.
#[inline]
#[expect(clippy::as_conversions, reason = "usize is at least 32 bits wide on our targets")]
pub(crate) const fn index(place: u32) -> usize {
    place as usize
}

/// A growing array in pages of `N` values, named by `u32` from 0.
///
/// A new page is filled with its first value: so its size is known, and a look-up takes one step fewer.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T, const N: usize> {
    pages: Vec<Box<[T; N]>>,
    len: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "N is not zero, lengths stay below the limit, and a place that was never pushed is a \
              broken invariant"
)]
impl<T: Clone, const N: usize> Paged<T, N> {
    /// An empty array of at most `limit` values, for which only the list of pages is made.
    pub(crate) fn new(limit: u32) -> Self {
        Self { pages: Vec::with_capacity(index(limit).div_ceil(N)), len: 0 }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// Appends a value; its place.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let place = self.len;
        match self.pages.get_mut(index(place) / N) {
            Some(page) => page[index(place) % N] = value,
            None => self.push_page(value),
        }
        self.len += 1;
        place
    }

    #[cold]
    #[inline(never)]
    fn push_page(&mut self, first: T) {
        // Through a vector, since an array of this size does not belong on the stack.
        if let Ok(page) = vec![first; N].into_boxed_slice().try_into() {
            self.pages.push(page);
        }
    }

    /// The value at `place`, if there is one.
    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        let page = self.pages.get(index(place) / N).filter(|_| place < self.len)?;
        Some(&page[index(place) % N])
    }

    /// The value at `place`.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> &T {
        &self.pages[index(place) / N][index(place) % N]
    }

    /// The value at `place`, to change.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut T {
        &mut self.pages[index(place) / N][index(place) % N]
    }

    /// All values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter()).take(index(self.len))
    }
}

/// A paged array whose places are used again, the one freed last first.
///
/// The links between free places lie apart from the values: taking and freeing a place touches
/// nothing of its neighbours.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T, const N: usize> {
    slots: Paged<T, N>,
    next_free: Paged<u32, N>,
    free: u32,
    live: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "counts of values that exist")]
impl<T: Clone, const N: usize> Arena<T, N> {
    /// An empty arena of at most `limit` values.
    pub(crate) fn new(limit: u32) -> Self {
        Self { slots: Paged::new(limit), next_free: Paged::new(limit), free: NONE, live: 0 }
    }

    /// Values in use.
    #[inline]
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Places a value. That there is room is the caller's to check.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.live += 1;
        if self.free == NONE {
            self.next_free.push(NONE);
            return self.slots.push(value);
        }
        let place = self.free;
        self.free = *self.next_free.at(place);
        *self.slots.at_mut(place) = value;
        place
    }

    /// Frees a place in use. What stands there may be read until the next insertion.
    #[inline]
    pub(crate) fn free(&mut self, place: u32) {
        *self.next_free.at_mut(place) = self.free;
        self.free = place;
        self.live -= 1;
    }

    /// The value at `place`.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> &T {
        self.slots.at(place)
    }

    /// The value at `place`, to change.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut T {
        self.slots.at_mut(place)
    }
}
