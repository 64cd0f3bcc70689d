//! The allocator: tables and arenas lie together, and on huge pages where the process asks for them.
//!
//! A core with a million orders reads memory all over some hundred megabytes; with pages of 4 KB most
//! of those reads miss the TLB as well as the caches. Arenas grow by pieces far below 2 MB, which a
//! general allocator scatters; here they are cut from one range, one behind the other.
//!
//! ```text
//! asked for at its full size, 8 KB to 2 MB    a piece of the range; freed, it waits for the next of its size
//! asked for as zeros, 2 MB or more            a stretch of the range; freed, its memory is gone
//! all else, and what grows by reallocation    the system's allocator
//! ```
//!
//! So a buffer that grows, whose pieces would all be left behind, is the system's.
//!
//! Invariants
//! - Where memory came from follows from its address.
//! - Address space is never used twice but for pieces: what they hold is the most that there was of each
//!   size at once. Where the range ends, or there is none, all is the system's.
//!
//! Cost of huge pages: the first touch takes 2 MB, zeroed at once. So the one process that trades asks
//! for them and the projector beside it does not, and the range's first megabytes, all that a small
//! node needs, are without.
//!
//! `crates/bench` has this file too: what it measures runs as in a node.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const HUGE_PAGE_BYTES: usize = 2 << 20;
/// Pieces are whole pages.
const PAGE_BYTES: usize = 4 << 10;
/// The smallest piece.
const PIECE_BYTES_MIN: usize = 8 << 10;
/// Sizes of pieces, in pages.
const SIZES: usize = HUGE_PAGE_BYTES / PAGE_BYTES;
/// Address space of the range: far more than a core at all its limits. Memory comes with the first touch.
const RANGE_BYTES: usize = 64 << 30;
/// What comes before the first huge page.
const SMALL_BYTES: usize = 4 << 20;

static IS_WANTED: AtomicBool = AtomicBool::new(false);
/// Where the range begins; 0 before there is one.
static RANGE_AT: AtomicUsize = AtomicUsize::new(0);
static RANGE: Mutex<Range> = Mutex::new(Range::none());

/// Asks for huge pages from here on, in this process.
pub fn want() {
    IS_WANTED.store(true, Ordering::Relaxed);
    let range = range();
    if !range.start.is_null() {
        range.advise();
    }
}

fn range() -> MutexGuard<'static, Range> {
    RANGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a place is in the range.
fn is_ours(place: *mut u8) -> bool {
    let at = RANGE_AT.load(Ordering::Relaxed);
    at != 0 && place.addr().wrapping_sub(at) < RANGE_BYTES
}

/// The pages of a piece of this layout; `None` where it is to be none.
fn piece_pages(layout: Layout) -> Option<usize> {
    let is_piece = (PIECE_BYTES_MIN..HUGE_PAGE_BYTES).contains(&layout.size());
    (is_piece && layout.align() <= PAGE_BYTES).then(|| layout.size().div_ceil(PAGE_BYTES))
}

/// What has been cut off the range, and what was given back.
struct Range {
    start: *mut u8,
    /// How much has been cut off.
    used: usize,
    /// Whether the system had none: it is not asked again.
    is_refused: bool,
    /// By size in pages: the piece freed last, whose first word leads to the one before.
    free: [*mut u8; SIZES + 1],
}

// SAFETY: the pointers lead to memory of the process, which no thread owns.
unsafe impl Send for Range {}

#[expect(clippy::cast_ptr_alignment, reason = "a piece begins on a page")]
impl Range {
    const fn none() -> Self {
        let free = [null_mut(); SIZES + 1];
        Self { start: null_mut(), used: 0, is_refused: false, free }
    }

    /// A piece, and whether it has been used before. Null where there is none.
    fn take(&mut self, pages: usize) -> (*mut u8, bool) {
        let freed = self.free[pages];
        if freed.is_null() {
            return (self.cut(pages * PAGE_BYTES, PAGE_BYTES), false);
        }
        // SAFETY: `give` wrote the link, at the front of a page that nobody has used since.
        self.free[pages] = unsafe { freed.cast::<*mut u8>().read() };
        (freed, true)
    }

    fn give(&mut self, piece: *mut u8, pages: usize) {
        // SAFETY: the caller has just freed the piece, which is a page long at least.
        unsafe { piece.cast::<*mut u8>().write(self.free[pages]) };
        self.free[pages] = piece;
    }

    /// Cuts off memory that was never used and is all zero. Null where there is none.
    fn cut(&mut self, bytes: usize, align: usize) -> *mut u8 {
        if self.start.is_null() && !self.reserve() {
            return null_mut();
        }
        let at = self.used.next_multiple_of(align);
        match at.checked_add(bytes).filter(|end| *end <= RANGE_BYTES) {
            Some(end) => {
                self.used = end;
                self.start.wrapping_add(at)
            }
            None => null_mut(),
        }
    }

    #[cold]
    fn reserve(&mut self) -> bool {
        if self.is_refused {
            return false;
        }
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let bytes = RANGE_BYTES + HUGE_PAGE_BYTES;
        // SAFETY: a mapping at an address of the kernel's choice touches nothing that exists.
        let Ok(start) = (unsafe { mmap_anonymous(null_mut(), bytes, protection, flags) }) else {
            self.is_refused = true;
            return false;
        };
        let start = start.cast::<u8>();
        let before = start.addr().next_multiple_of(HUGE_PAGE_BYTES) - start.addr();
        self.start = start.wrapping_add(before);
        RANGE_AT.store(self.start.addr(), Ordering::Relaxed);
        if IS_WANTED.load(Ordering::Relaxed) {
            self.advise();
        }
        true
    }

    /// Lets the kernel use huge pages. Where it has none, nothing changes.
    fn advise(&self) {
        let (from, bytes) = (self.start.wrapping_add(SMALL_BYTES), RANGE_BYTES - SMALL_BYTES);
        // SAFETY: the advice changes nothing of what memory holds.
        let _ = unsafe { madvise(from.cast(), bytes, Advice::LinuxHugepage) };
    }
}

/// The allocator.
pub struct HugePages;

// SAFETY: memory of the range is as long as its layout asks and begins on a page, so no layout up to
// `PAGE_BYTES` of alignment is broken, and none of a larger one comes from there. It is nobody else's
// until it is freed: it is cut off once, and a freed piece stands in one list until it is taken from
// it. All else is the system's. Nothing here panics or allocates.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(pages) = piece_pages(layout) {
            let (piece, _) = range().take(pages);
            if !piece.is_null() {
                return piece;
            }
        }
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (place, is_used) = match piece_pages(layout) {
            Some(pages) => range().take(pages),
            None if layout.size() >= HUGE_PAGE_BYTES && layout.align() <= PAGE_BYTES => {
                (range().cut(layout.size().next_multiple_of(PAGE_BYTES), HUGE_PAGE_BYTES), false)
            }
            None => (null_mut(), false),
        };
        if place.is_null() {
            // SAFETY: the caller's promises are passed on unchanged.
            return unsafe { System.alloc_zeroed(layout) };
        }
        if is_used {
            // SAFETY: the piece is at least as long as its layout.
            unsafe { place.write_bytes(0, layout.size()) };
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if !is_ours(place) {
            // SAFETY: what is not of the range is the system's.
            return unsafe { System.dealloc(place, layout) };
        }
        if let Some(pages) = piece_pages(layout) {
            return range().give(place, pages);
        }
        let bytes = layout.size().next_multiple_of(PAGE_BYTES);
        // SAFETY: whole pages that nobody else has, and nobody uses any more. A failure costs memory.
        let _ = unsafe { madvise(place.cast(), bytes, Advice::LinuxDontNeed) };
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_ours(place) {
            // SAFETY: what is not of the range is the system's.
            return unsafe { System.realloc(place, layout, size) };
        }
        // SAFETY: the caller promises that the new size is one that a layout may have; the places are
        // two, and both at least as long as what is copied.
        unsafe {
            let moved = System.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                place.copy_to_nonoverlapping(moved, layout.size().min(size));
                self.dealloc(place, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that is filled with its number.
    struct Held {
        place: *mut u8,
        layout: Layout,
        fill: u8,
    }

    impl Held {
        fn is_as_filled(&self) -> bool {
            // SAFETY: the place is that long, and was filled when it was taken.
            let bytes = unsafe { std::slice::from_raw_parts(self.place, self.layout.size()) };
            bytes.iter().all(|byte| *byte == self.fill)
        }

        /// Fills memory that has just been taken.
        fn filled(place: *mut u8, layout: Layout, fill: u8) -> Self {
            assert!(!place.is_null() && place.align_offset(layout.align()) == 0);
            // SAFETY: the place is that long.
            unsafe { place.write_bytes(fill, layout.size()) };
            Self { place, layout, fill }
        }
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 64).expect("a layout")
    }

    /// Sizes on both sides of each bound.
    const AROUND: [usize; 10] = [
        100,
        PIECE_BYTES_MIN - 1,
        PIECE_BYTES_MIN,
        3 * PAGE_BYTES + 1,
        192 << 10,
        1 << 20,
        HUGE_PAGE_BYTES - 1,
        HUGE_PAGE_BYTES,
        HUGE_PAGE_BYTES + 1,
        5 << 20,
    ];

    #[test]
    fn memory_is_aligned_nobody_elses_and_keeps_what_was_written() {
        let (mut held, mut state): (Vec<Held>, u64) = (Vec::new(), 7);
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        for round in 0..600_usize {
            let fill = u8::try_from(round % 255).expect("a byte") + 1;
            let wanted = layout(AROUND[draw(AROUND.len())] + draw(64));
            if round == 300 {
                want();
            }
            match draw(4) {
                // SAFETY: the layout is not empty.
                0 => held.push(Held::filled(unsafe { HugePages.alloc(wanted) }, wanted, fill)),
                1 => {
                    // SAFETY: as above.
                    let place = unsafe { HugePages.alloc_zeroed(wanted) };
                    assert!(Held { place, layout: wanted, fill: 0 }.is_as_filled(), "not zero");
                    held.push(Held::filled(place, wanted, fill));
                }
                2 if !held.is_empty() => {
                    let one = held.swap_remove(draw(held.len()));
                    assert!(one.is_as_filled());
                    // SAFETY: it was taken with this layout.
                    unsafe { HugePages.dealloc(one.place, one.layout) };
                }
                3 if !held.is_empty() => {
                    let one = held.swap_remove(draw(held.len()));
                    // SAFETY: it was taken with this layout, and the size is not zero.
                    let place = unsafe { HugePages.realloc(one.place, one.layout, wanted.size()) };
                    let kept = layout(one.layout.size().min(wanted.size()));
                    assert!(Held { place, layout: kept, fill: one.fill }.is_as_filled());
                    held.push(Held::filled(place, wanted, fill));
                }
                _ => {}
            }
        }
        assert!(held.iter().all(Held::is_as_filled));
        for one in held {
            // SAFETY: it was taken with this layout.
            unsafe { HugePages.dealloc(one.place, one.layout) };
        }
    }

    #[test]
    fn what_grows_moves_to_the_system_and_leaves_its_piece_to_others() {
        let (old, new) = (layout(91 * PAGE_BYTES), layout(123 * PAGE_BYTES));
        // SAFETY: no layout is empty, and each place is freed once, with the layout it has then.
        unsafe {
            let first = HugePages.alloc(old);
            let grown = HugePages.realloc(first, old, new.size());
            assert!(is_ours(first) && !is_ours(grown));
            let again = HugePages.alloc(old);
            assert_eq!(again, first);
            HugePages.dealloc(again, old);
            HugePages.dealloc(grown, new);
        }
    }

    #[test]
    fn a_freed_piece_is_the_next_of_its_size() {
        let wanted = layout(77 * PAGE_BYTES);
        // SAFETY: the layout is not empty, and each piece is freed once.
        unsafe {
            let first = HugePages.alloc(wanted);
            HugePages.dealloc(first, wanted);
            let again = HugePages.alloc(wanted);
            assert_eq!(first, again);
            HugePages.dealloc(again, wanted);
        }
    }
}
