//! From an order id, any `u64`, to a slot: open addressing in one array that is made once.
//!
//! An entry is half of the id's hash and the slot; the id itself stands in the caller's own record
//! of the order, which a look-up visits anyway, so the caller says how to read it.
//!
//! Invariants
//! - Linear probing with backward-shift deletion (Knuth, TAOCP 3, section 6.4, algorithm R): there
//!   are no tombstones, so nothing is ever rehashed and look-ups do not slow down with age.
//! - At most half of the places are taken.
//!
//! Cost: 16 to 32 bytes an id. Ids that follow each other lie beside each other: the hash spreads
//! blocks of eight ids, which share a cache line. Ids without such order are spread one by one.

use crate::arena::index;
use alloc::vec;
use alloc::vec::Vec;

/// 2^64 divided by the golden ratio, made odd.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Bits of an id that choose the place in its block.
const BLOCK_BITS: u32 = 3;
/// The fewest places: two blocks.
const PLACES_MIN: usize = 16;
/// The most places: as many as half a hash can name.
const PLACES_MAX: usize = 1 << 31;

/// A place where an id can be put, found by [`IdTable::vacancy`]; void after any other change.
#[derive(Clone, Copy, Debug)]
pub struct Vacancy {
    place: usize,
    tag: u32,
}

/// The table.
#[derive(Clone, Debug)]
pub struct IdTable {
    /// `tag << 32 | slot + 1`; 0 is a free place.
    entries: Vec<u64>,
    len: usize,
    /// Takes a tag to its home place.
    shift: u32,
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "places are masked to the table's size, which is a power of two and not zero; halves \
              are cut by a cast on purpose; a slot is below u32::MAX"
)]
impl IdTable {
    /// A table for at most `ids_max` ids at a time.
    pub fn new(ids_max: u32) -> Self {
        let places = index(ids_max).clamp(PLACES_MIN / 2, PLACES_MAX / 2) * 2;
        let places = places.next_power_of_two();
        Self { entries: vec![0; places], len: 0, shift: u32::BITS - places.trailing_zeros() }
    }

    /// Ids in the table.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no id is in the table.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The upper half of a folded multiply, in which the bits that choose the place in the block
    /// are the id's own: its upper bits are the id's home place.
    #[inline]
    const fn tag(&self, id: u64) -> u32 {
        let product = ((id >> BLOCK_BITS) as u128) * (SPREAD as u128);
        let hash = (((product >> 64) as u64 ^ product as u64) >> 32) as u32;
        let block_mask = ((1 << BLOCK_BITS) - 1) << self.shift;
        (hash & !block_mask) | (((id as u32) << self.shift) & block_mask)
    }

    #[inline]
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    /// The slot of `id`. `id_of` tells the id of a slot in the table.
    #[inline]
    pub fn get(&self, id: u64, id_of: impl Fn(u32) -> u64) -> Option<u32> {
        self.vacancy(id, id_of).err()
    }

    /// Where `id` can be put.
    ///
    /// # Errors
    /// The slot of `id` if it is in the table.
    #[inline]
    pub fn vacancy(&self, id: u64, id_of: impl Fn(u32) -> u64) -> Result<Vacancy, u32> {
        let tag = self.tag(id);
        let mut place = index(tag >> self.shift);
        loop {
            let entry = self.entries[place & self.mask()];
            if entry == 0 {
                return Ok(Vacancy { place: place & self.mask(), tag });
            }
            if (entry >> 32) as u32 == tag {
                let slot = entry as u32 - 1;
                if id_of(slot) == id {
                    return Err(slot);
                }
            }
            place += 1;
        }
    }

    /// Puts a slot at a vacancy found since the last change.
    ///
    /// # Panics
    /// If the table already holds `ids_max` ids or more, or the place is taken: broken invariants.
    #[inline]
    pub fn fill(&mut self, vacancy: Vacancy, slot: u32) {
        let half = self.entries.len() / 2;
        let entry = &mut self.entries[vacancy.place];
        assert!(self.len < half && *entry == 0, "no vacancy");
        *entry = (u64::from(vacancy.tag) << 32) | u64::from(slot + 1);
        self.len += 1;
    }

    /// Takes `id` out, which is in the table with `slot`.
    ///
    /// # Panics
    /// If it is not: a broken invariant.
    #[inline]
    pub fn remove(&mut self, id: u64, slot: u32) {
        let tag = self.tag(id);
        let entry = (u64::from(tag) << 32) | u64::from(slot + 1);
        let mask = self.mask();
        let mut hole = index(tag >> self.shift);
        loop {
            let found = self.entries[hole & mask];
            assert!(found != 0, "the id is in the table");
            if found == entry {
                break;
            }
            hole += 1;
        }
        self.close(hole & mask);
        self.len -= 1;
    }

    /// Moves back into `hole` what was displaced past it, so that no search stops short.
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
            let start = index((entry >> 32) as u32 >> self.shift);
            // It may move unless its home lies behind the hole, up to where it stands.
            let displaced = place.wrapping_sub(start) & mask;
            if displaced >= place.wrapping_sub(hole) & mask {
                self.entries[hole] = entry;
                hole = place;
            }
        }
        self.entries[hole] = 0;
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
        let (mut table, mut map, mut ids) = (IdTable::new(600), BTreeMap::new(), vec![0; 600]);
        let mut free: Vec<u32> = (0..600).collect();
        let mut state = 7_u64;
        for round in 1..60_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id =
                id(if state >> 63 == 0 { round } else { round - (state >> 33) % round.min(900) });
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
        }
        for (id, slot) in map {
            assert_eq!(table.get(id, |slot| ids[index(slot)]), Some(slot));
        }
    }
}
