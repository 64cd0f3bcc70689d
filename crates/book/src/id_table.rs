//! From an order id, any `u64`, to a slot: open addressing that grows a little with each insertion.
//!
//! An entry is half of the id's hash and the slot; the id itself stands in the caller's own record
//! of the order, which a look-up visits anyway, so the caller says how to read it.
//!
//! Invariants
//! - Linear probing with backward-shift deletion (Knuth, TAOCP 3, section 6.4, algorithm R): there
//!   are no tombstones, so look-ups do not slow down with age.
//! - At most half of the places are taken.
//! - No insertion moves more than [`STEPS`] entries: when half the places are taken a table of
//!   twice the size is begun, which takes the old one's entries over bit by bit. An entry is in
//!   exactly one of the two. So memory follows the most ids there have been, not the limit.
//!
//! Cost: 16 to 32 bytes an id, 48 while growing. The hash spreads ids that follow each other as
//! well as any others: keeping neighbours in one cache line was tried, and made runs of full places
//! that cost as much as it saved.

use crate::arena::index;
use alloc::vec;
use alloc::vec::Vec;

/// 2^64 divided by the golden ratio, made odd.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// The fewest places: 8 KB.
const PLACES_MIN: usize = 1_024;
/// The most places: fewer than half a hash can name.
const PLACES_MAX: usize = 1 << 30;
/// Steps of growth with each insertion. Of a table of 2n places, 2n are to be stepped over and n
/// entries to be moved within the n insertions until the next growth, so 3 would do.
const STEPS: u32 = 8;

/// A place where an id can be put, found by [`IdTable::vacancy`]; void after any other change.
#[derive(Clone, Copy, Debug)]
pub struct Vacancy {
    place: usize,
    tag: u32,
}

/// The table.
#[derive(Clone, Debug)]
pub struct IdTable {
    current: Places,
    /// What has not been moved to `current` yet; without places when nothing is under way.
    old: Places,
    /// Where in `old` the next step of growth is. What is before it has been moved.
    cursor: usize,
    ids_max: usize,
}

/// One array of entries.
#[derive(Clone, Debug)]
struct Places {
    /// `tag << 32 | slot + 1`; 0 is a free place.
    entries: Vec<u64>,
    /// Entries.
    len: usize,
    /// Takes a tag to its home place.
    shift: u32,
}

/// The upper half of a folded multiply.
#[inline]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "halves are cut on purpose"
)]
#[expect(clippy::arithmetic_side_effects, reason = "64 by 64 bits fit in 128")]
const fn tag_of(id: u64) -> u32 {
    let product = (id as u128) * (SPREAD as u128);
    (((product >> 64) as u64 ^ product as u64) >> 32) as u32
}

#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "a slot is below u32::MAX")]
fn entry_of(tag: u32, slot: u32) -> u64 {
    (u64::from(tag) << 32) | u64::from(slot + 1)
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "places are masked to their number, which is a power of two and not zero where there \
              are any; halves of an entry are cut by a cast on purpose"
)]
impl Places {
    /// Room for `ids` ids: at least twice as many places.
    fn new(ids: usize) -> Self {
        let places = (ids.min(PLACES_MAX / 2) * 2).next_power_of_two().max(PLACES_MIN);
        Self { entries: vec![0; places], len: 0, shift: u32::BITS - places.trailing_zeros() }
    }

    const fn none() -> Self {
        Self { entries: Vec::new(), len: 0, shift: 0 }
    }

    #[inline]
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    #[inline]
    fn is_half_full(&self) -> bool {
        self.len >= self.entries.len() / 2
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        index(tag >> self.shift)
    }

    /// The slot of `id`, or the place where its search ended.
    #[inline]
    fn search(&self, tag: u32, id: u64, id_of: impl Fn(u32) -> u64) -> Result<u32, usize> {
        let mut place = self.home(tag);
        loop {
            let entry = self.entries[place & self.mask()];
            if entry == 0 {
                return Err(place & self.mask());
            }
            if (entry >> 32) as u32 == tag {
                let slot = entry as u32 - 1;
                if id_of(slot) == id {
                    return Ok(slot);
                }
            }
            place += 1;
        }
    }

    fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().filter(|entry| **entry != 0).map(|entry| *entry as u32 - 1)
    }

    /// Puts an entry at the first free place from its home on.
    fn put(&mut self, entry: u64) {
        let mask = self.mask();
        let mut place = self.home((entry >> 32) as u32);
        while self.entries[place & mask] != 0 {
            place += 1;
        }
        self.entries[place & mask] = entry;
        self.len += 1;
    }

    /// Takes an entry out; whether it was there.
    #[inline]
    fn take(&mut self, entry: u64) -> bool {
        let mask = self.mask();
        let mut place = self.home((entry >> 32) as u32);
        loop {
            let found = self.entries[place & mask];
            if found == entry {
                self.close(place & mask);
                return true;
            }
            if found == 0 {
                return false;
            }
            place += 1;
        }
    }

    /// Frees a place, and moves back what was displaced past it, so that no search stops short.
    #[inline]
    fn close(&mut self, mut hole: usize) {
        let mask = self.mask();
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let entry = self.entries[place];
            if entry == 0 {
                break;
            }
            // It may move unless its home lies behind the hole, up to where it stands.
            let displaced = place.wrapping_sub(self.home((entry >> 32) as u32)) & mask;
            if displaced >= place.wrapping_sub(hole) & mask {
                self.entries[hole] = entry;
                hole = place;
            }
        }
        self.entries[hole] = 0;
        self.len -= 1;
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "the cursor stays below the number of old places while there are old entries"
)]
impl IdTable {
    /// A table for at most `ids_max` ids at a time, which starts small.
    pub fn new(ids_max: u32) -> Self {
        let ids_max = index(ids_max).min(PLACES_MAX / 2);
        Self { current: Places::new(0), old: Places::none(), cursor: 0, ids_max }
    }

    /// Makes room for `ids` ids at once, or with the next insertions if there are ids already.
    pub fn reserve(&mut self, ids: u32) {
        let ids = index(ids).min(self.ids_max);
        if self.old.len == 0 && ids > self.current.entries.len() / 2 {
            self.grow(ids);
        }
    }

    /// Ids in the table.
    pub const fn len(&self) -> usize {
        self.current.len + self.old.len
    }

    /// Whether no id is in the table.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slots of all ids, in no order that means anything: whoever walks them sorts.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.current.slots().chain(self.old.slots())
    }

    /// The slot of `id`. `id_of` tells the id of a slot in the table.
    #[inline]
    pub fn get(&self, id: u64, id_of: impl Fn(u32) -> u64) -> Option<u32> {
        self.vacancy(id, id_of).err()
    }

    /// Reads the place where a search for `id` begins, and nothing else: done for many ids in a
    /// row, their cache misses overlap. The value means nothing.
    #[inline]
    pub fn peek(&self, id: u64) -> u64 {
        self.current.entries[self.current.home(tag_of(id))]
    }

    /// Where `id` can be put.
    ///
    /// # Errors
    /// The slot of `id` if it is in the table.
    #[inline]
    pub fn vacancy(&self, id: u64, id_of: impl Fn(u32) -> u64) -> Result<Vacancy, u32> {
        let tag = tag_of(id);
        match self.current.search(tag, id, &id_of) {
            Ok(slot) => Err(slot),
            Err(place) if self.old.len == 0 => Ok(Vacancy { place, tag }),
            Err(place) => match self.old.search(tag, id, id_of) {
                Ok(slot) => Err(slot),
                Err(_) => Ok(Vacancy { place, tag }),
            },
        }
    }

    /// Puts a slot at a vacancy found since the last change.
    ///
    /// # Panics
    /// If the table already holds `ids_max` ids, or the place is taken: broken invariants.
    #[inline]
    pub fn fill(&mut self, vacancy: Vacancy, slot: u32) {
        assert!(self.len() < self.ids_max, "the caller's limit is the table's");
        let entry = entry_of(vacancy.tag, slot);
        if self.old.len > 0 || self.current.is_half_full() {
            return self.fill_growing(entry);
        }
        let place = &mut self.current.entries[vacancy.place];
        assert!(*place == 0, "a vacancy is void after a change");
        *place = entry;
        self.current.len += 1;
    }

    #[cold]
    #[inline(never)]
    fn fill_growing(&mut self, entry: u64) {
        if self.old.len == 0 {
            self.grow(self.current.len * 2);
        }
        self.current.put(entry);
        for _ in 0..STEPS {
            if self.old.len == 0 {
                self.old = Places::none();
                break;
            }
            let moved = self.old.entries[self.cursor];
            if moved == 0 {
                self.cursor += 1;
            } else {
                // What follows may close up into this place, so the cursor stays.
                self.old.close(self.cursor);
                self.current.put(moved);
            }
        }
    }

    fn grow(&mut self, ids: usize) {
        self.old = core::mem::replace(&mut self.current, Places::new(ids));
        self.cursor = 0;
        if self.old.len == 0 {
            self.old = Places::none();
        }
    }

    /// Takes `id` out, which is in the table with `slot`.
    ///
    /// # Panics
    /// If it is not: a broken invariant.
    #[inline]
    pub fn remove(&mut self, id: u64, slot: u32) {
        let entry = entry_of(tag_of(id), slot);
        let taken = self.current.take(entry) || (self.old.len > 0 && self.old.take(entry));
        assert!(taken, "the id is in the table");
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    /// Ids in order, scattered, and all of one block.
    fn id(round: u64) -> u64 {
        match round % 3 {
            0 => round,
            1 => round.wrapping_mul((1 << 40) + 1),
            _ => round << 61,
        }
    }

    #[test]
    fn the_table_agrees_with_a_map_through_insertions_and_removals() {
        let (mut table, mut map, mut ids) = (IdTable::new(6_000), BTreeMap::new(), vec![0; 6_000]);
        let mut free: Vec<u32> = (0..6_000).collect();
        let mut state = 7_u64;
        for round in 1..200_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id =
                id(if state >> 63 == 0 { round } else { round - (state >> 33) % round.min(9_000) });
            let known = map.get(&id).copied();
            assert_eq!(table.get(id, |slot| ids[index(slot)]), known);
            match (known, free.pop()) {
                (Some(slot), popped) => {
                    free.extend(popped);
                    table.remove(id, slot);
                    map.remove(&id);
                    free.push(slot);
                }
                (None, Some(slot)) => {
                    let vacancy = table.vacancy(id, |slot| ids[index(slot)]).expect("unknown");
                    table.fill(vacancy, slot);
                    ids[index(slot)] = id;
                    map.insert(id, slot);
                }
                (None, None) => {
                    let (id, slot) = map.pop_first().expect("full");
                    table.remove(id, slot);
                    free.push(slot);
                }
            }
            assert_eq!(table.len(), map.len());
            if round % 4_096 == 0 {
                let mut slots: Vec<u32> = table.slots().collect();
                slots.sort_unstable();
                let mut known: Vec<u32> = map.values().copied().collect();
                known.sort_unstable();
                assert_eq!(slots, known);
            }
        }
        for (id, slot) in map {
            assert_eq!(table.get(id, |slot| ids[index(slot)]), Some(slot));
        }
    }
}
