//! Which of an account's closed orders has a hash: one small table of an account's own.
//!
//! What an account closed has consecutive numbers, the oldest first. A slot of the table is the top
//! of a hash and the low bits of a number; behind the slots stands where the entries of the numbers
//! are, in chunks. So an id costs eight or nine bytes here, wherever its entry lies, and neither
//! growth nor removal has to read one.
//!
//! Who lets the oldest go looks for nothing: its slot is gone by its number. Slots that are gone are
//! taken out by whoever comes after, some slots in a row with each number taken in.
//!
//! Invariants
//! - Linear probing with backward-shift deletion (Knuth, TAOCP 3, section 6.4, algorithm R).
//! - Each number from `first` on, `count` of them, has one slot, and its chunk a place. They take at
//!   most half of the slots.
//! - A slot that is gone is taken out before so many numbers were taken in as the table has parts of
//!   [`SWEPT`] slots: a shift never carries a slot over the place that is swept. So at most five
//!   eighths of the slots are taken, and none is left when its number's bits come again.

use crate::hash_index::KeyHash;
use crate::paged::index;
use alloc::boxed::Box;
use alloc::vec;
use coulisse_types::limits::CLOSED_IDS_PER_ACCOUNT_MAX;

/// Entries that lie together.
pub(crate) const CHUNK: u32 = 8;
/// Fewest slots of a table.
const SLOTS_MIN: u32 = 16;
/// Slots that are looked at with each number taken in.
const SWEPT: u32 = 8;
/// Low bits of a slot: the number's, and one more. An empty slot is 0.
const NUMBER_BITS: u32 = 14;
const NUMBER_MASK: u32 = (1 << (NUMBER_BITS - 1)) - 1;
/// High bits of a slot: the hash's.
const TAG_BITS: u32 = u32::BITS - NUMBER_BITS;

// All numbers of a window, and those that were let go and have a slot yet, differ in the bits that a slot
// has; and a tag names each slot of the largest table.
const _: () = assert!(2 * CLOSED_IDS_PER_ACCOUNT_MAX <= NUMBER_MASK + 1);
const _: () = assert!(2 * CLOSED_IDS_PER_ACCOUNT_MAX <= 1 << TAG_BITS);

/// The closed orders of one account by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// The number of the oldest. Numbers go on beyond the last `u32` with 0.
    first: u32,
    count: u32,
    /// The chunk of the newest, so that taking in the next one seldom has to look for it in the table.
    newest_chunk: u32,
    /// The slots, a power of two of them or none yet; then the chunks of a window that fills half
    /// of them, in a ring.
    table: Box<[u32]>,
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "numbers wrap on purpose where it says so; places are masked to the table's size"
)]
impl Window {
    /// How many there are.
    #[inline]
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The numbers, oldest first.
    #[inline]
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let first = self.first;
        (0..self.count).map(move |offset| first.wrapping_add(offset))
    }

    /// Where the entry of a number is: its chunk times [`CHUNK`] and its place in that.
    #[inline]
    pub(crate) fn entry(&self, number: u32) -> u32 {
        self.table[self.chunk_at(number)] * CHUNK + number % CHUNK
    }

    /// Where the entry of the newest is, without a look at the table. That there is one is the
    /// caller's to know.
    #[inline]
    pub(crate) fn newest_entry(&self) -> u32 {
        let newest = self.first.wrapping_add(self.count).wrapping_sub(1);
        self.newest_chunk * CHUNK + newest % CHUNK
    }

    /// The number of the hash that `is_it` recognises.
    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.count == 0 {
            return None;
        }
        let tag = tag_of(hash);
        let mut at = self.home(tag);
        loop {
            let slot = self.table[at];
            if slot == 0 {
                return None;
            }
            let offset = self.offset(slot);
            if slot >> NUMBER_BITS == tag && offset < self.count {
                let number = self.first.wrapping_add(offset);
                if is_it(number) {
                    return Some(number);
                }
            }
            at = self.next(at);
        }
    }

    /// Reads where a search begins; the value means nothing.
    #[inline]
    pub(crate) fn peek(&self, hash: KeyHash) -> u32 {
        if self.table.is_empty() { 0 } else { self.table[self.home(tag_of(hash))] }
    }

    /// Reads the slots that will be swept when so many more were taken in; the value means nothing.
    #[inline]
    pub(crate) fn peek_swept(&self, before: u32) -> u32 {
        let number = self.first.wrapping_add(self.count).wrapping_add(before);
        if self.table.is_empty() { 0 } else { self.table[self.swept_at(number)] }
    }

    /// Takes in the next number. `new_chunk` is called where its entry begins a chunk.
    #[inline]
    pub(crate) fn push(&mut self, hash: KeyHash, new_chunk: impl FnOnce() -> u32) {
        if (self.count + 1) * 2 > self.slots() {
            self.grow();
        }
        let number = self.first.wrapping_add(self.count);
        if self.count == 0 || number.is_multiple_of(CHUNK) {
            let at = self.chunk_at(number);
            self.newest_chunk = new_chunk();
            self.table[at] = self.newest_chunk;
        }
        self.count += 1;
        self.sweep(number);
        self.put(slot_of(tag_of(hash), number));
    }

    /// Lets the oldest go; its chunk, where that has no other.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let number = self.first;
        self.first = number.wrapping_add(1);
        self.count -= 1;
        let is_last = self.count == 0 || self.first.is_multiple_of(CHUNK);
        let chunk = is_last.then(|| self.table[self.chunk_at(number)]);
        if self.count == 0 && self.slots() > SLOTS_MIN {
            self.table = Box::default();
        }
        chunk
    }

    /// How many slots there are.
    #[inline]
    fn slots(&self) -> u32 {
        // Nine parts, of which eight are slots. The length is far below 2^32.
        u32::try_from(self.table.len() / 9 * 8).unwrap_or(0)
    }

    /// Where a number's chunk stands: the numbers of a window need no more than a ring of one chunk
    /// for [`CHUNK`] slots.
    #[inline]
    fn chunk_at(&self, number: u32) -> usize {
        let slots = self.slots();
        index(slots + ((number / CHUNK) & (slots / CHUNK - 1)))
    }

    /// How many numbers are older than the one of a slot; of a slot that is gone no fewer than there are
    /// numbers. Of an empty one it means nothing.
    #[inline]
    fn offset(&self, slot: u32) -> u32 {
        slot.wrapping_sub(1).wrapping_sub(self.first) & NUMBER_MASK
    }

    /// Where the slots begin that are swept when a number is taken in: one part after another.
    #[inline]
    fn swept_at(&self, number: u32) -> usize {
        index((number & (self.slots() / SWEPT - 1)) * SWEPT)
    }

    /// Where a tag is at home: its top bits say it.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        index(tag >> (TAG_BITS - self.slots().ilog2()))
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (index(self.slots()) - 1)
    }

    /// Puts a slot in.
    #[inline]
    fn put(&mut self, slot: u32) {
        let mut at = self.home(slot >> NUMBER_BITS);
        while self.table[at] != 0 {
            at = self.next(at);
        }
        self.table[at] = slot;
    }

    /// Takes out what is gone of some slots.
    #[inline]
    fn sweep(&mut self, number: u32) {
        let begin = self.swept_at(number);
        // Seldom is more than one of them gone: which, is seen in one look at all.
        loop {
            let slots = &self.table[begin..begin + index(SWEPT)];
            let gone = (0..).zip(slots).fold(0_u32, |gone, (place, slot)| {
                gone | u32::from(*slot != 0 && self.offset(*slot) >= self.count) << place
            });
            if gone == 0 {
                break;
            }
            // What follows may close up into this place.
            self.close(begin + index(gone.trailing_zeros()));
        }
    }

    /// Frees a slot, and moves back what was displaced past it.
    #[inline]
    fn close(&mut self, mut hole: usize) {
        let mask = index(self.slots()) - 1;
        let mut at = self.next(hole);
        while self.table[at] != 0 {
            let begin = self.home(self.table[at] >> NUMBER_BITS);
            if at.wrapping_sub(begin) & mask >= at.wrapping_sub(hole) & mask {
                self.table[hole] = self.table[at];
                hole = at;
            }
            at = self.next(at);
        }
        self.table[hole] = 0;
    }

    /// Goes over to twice the slots.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let slots = self.slots();
        let larger = (slots * 2).max(SLOTS_MIN);
        let table = vec![0; index(larger / 8 * 9)].into_boxed_slice();
        let old = core::mem::replace(&mut self.table, table);
        let (old_slots, old_chunks) = old.split_at(index(slots));
        for slot in old_slots.iter().filter(|slot| **slot != 0) {
            if self.offset(*slot) < self.count {
                self.put(*slot);
            }
        }
        if self.count == 0 {
            return;
        }
        let chunk = self.first / CHUNK;
        // The first and the last may be there in part only.
        let chunks = (self.first % CHUNK + self.count).div_ceil(CHUNK);
        for number in (0..chunks).map(|offset| chunk.wrapping_add(offset) * CHUNK) {
            let at = self.chunk_at(number);
            self.table[at] = old_chunks[index((number / CHUNK) & (slots / CHUNK - 1))];
        }
    }
}

/// The top of a hash.
#[inline]
#[expect(clippy::as_conversions, reason = "the top bits of 64 are fewer than 32")]
const fn tag_of(hash: KeyHash) -> u32 {
    (hash.bits() >> (u64::BITS - TAG_BITS)) as u32
}

#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "one more than a masked number")]
const fn slot_of(tag: u32, number: u32) -> u32 {
    tag << NUMBER_BITS | ((number & NUMBER_MASK) + 1)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test's own counts")]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use alloc::vec::Vec;

    /// What a window should be, told plainly.
    #[derive(Default)]
    struct Plain {
        window: Window,
        all: VecDeque<(u32, KeyHash, u32)>,
        chunks: u32,
        freed: Vec<u32>,
    }

    impl Plain {
        fn push(&mut self, hash: KeyHash) {
            let Self { window, chunks, freed, .. } = self;
            let mut made = None;
            let number = window.first.wrapping_add(window.count);
            window.push(hash, || {
                let chunk = freed.pop().unwrap_or_else(|| {
                    *chunks += 1;
                    *chunks
                });
                made = Some(chunk);
                chunk
            });
            assert_eq!(self.window.newest_entry(), self.window.entry(number));
            self.all.push_back((number, hash, self.window.entry(number)));
        }

        fn pop(&mut self) {
            let (number, ..) = self.all.pop_front().expect("one is there");
            assert_eq!(self.window.numbers().next(), Some(number));
            self.freed.extend(self.window.pop());
        }

        /// How many slots are taken.
        fn taken(&self) -> usize {
            let slots = index(self.window.slots());
            self.window.table.iter().take(slots).filter(|slot| **slot != 0).count()
        }

        /// Every number is found by its hash, at the place it was given, and nothing else is.
        fn check(&self) {
            assert_eq!(index(self.window.count()), self.all.len());
            assert!(self.taken() * 8 <= index(self.window.slots()) * 5, "more than five eighths");
            let numbers: Vec<u32> = self.all.iter().map(|(number, ..)| *number).collect();
            assert_eq!(self.window.numbers().collect::<Vec<_>>(), numbers);
            let mut entries: Vec<u32> = self.all.iter().map(|(.., entry)| *entry).collect();
            for (number, hash, entry) in &self.all {
                assert_eq!(self.window.find(*hash, |found| found == *number), Some(*number));
                assert_eq!(self.window.entry(*number), *entry);
                assert_eq!(self.window.find(*hash, |_| false), None);
            }
            entries.sort_unstable();
            entries.dedup();
            assert_eq!(entries.len(), self.all.len(), "two in one place");
        }
    }

    /// Some hashes, of which a few are alike, and few are far apart.
    fn hashes(mut state: u64, crowded: bool) -> impl FnMut() -> KeyHash {
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            KeyHash::from_bits(if crowded { state >> 60 << 52 } else { state })
        }
    }

    #[test]
    fn a_window_finds_what_is_in_it_whatever_came_and_went() {
        for (crowded, first) in [(false, 0), (true, 0), (false, u32::MAX - 40), (true, 4_090)] {
            let mut hash = hashes(9, crowded);
            let mut plain = Plain::default();
            plain.window.first = first;
            for (turn, target) in [40, 3, 0, 1, 0, 200, 150, 7, 90].into_iter().enumerate() {
                while plain.all.len() < target {
                    plain.push(hash());
                    plain.check();
                }
                while plain.all.len() > target {
                    plain.pop();
                    plain.check();
                }
                for _ in 0..turn * 10 {
                    plain.push(hash());
                    plain.pop();
                }
                plain.check();
            }
        }
    }

    #[test]
    fn the_largest_window_goes_round_and_takes_no_more_chunks() {
        let mut hash = hashes(5, false);
        let mut plain = Plain::default();
        for _ in 0..CLOSED_IDS_PER_ACCOUNT_MAX {
            plain.push(hash());
        }
        plain.check();
        let chunks = plain.chunks;
        for _ in 0..3 * CLOSED_IDS_PER_ACCOUNT_MAX {
            plain.pop();
            plain.push(hash());
        }
        plain.check();
        assert!(plain.chunks <= chunks + 1, "{} chunks", plain.chunks);
        assert_eq!(plain.window.slots(), 2 * CLOSED_IDS_PER_ACCOUNT_MAX);
    }

    #[test]
    fn what_many_let_go_left_behind_is_swept_before_its_numbers_come_again() {
        let mut hash = hashes(11, false);
        let mut plain = Plain::default();
        let all = CLOSED_IDS_PER_ACCOUNT_MAX;
        (0..all).for_each(|_| plain.push(hash()));
        // Others' floods let all but one of them go at once; nothing is taken in meanwhile.
        (1..all).for_each(|_| plain.pop());
        assert_eq!(plain.taken(), index(all), "nobody has swept yet");
        for turn in 0..3 * all {
            if index(all) == plain.all.len() {
                plain.pop();
            }
            plain.push(hash());
            assert!(plain.taken() <= index(all + plain.window.slots() / SWEPT), "turn {turn}");
        }
        plain.check();
    }
}
