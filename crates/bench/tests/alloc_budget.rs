//! The allocation budget of an order, once tables have grown to what the flow needs: nothing.
//!
//! The allocator counts for this thread alone: the test runner's own threads do not matter.

mod flow;

use coulisse_bench::core::bare::Bare;
use coulisse_bench::core::engine::Whole;
use coulisse_bench::workload::{self, Row};
use coulisse_engine::default_genesis;
use coulisse_types::command::Genesis;
use flow::Flow;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting calls that take memory.
struct Counting;

fn count_one() {
    // A thread that ends may allocate after its counter is gone.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged, and counting touches only a
// thread-local cell without a destructor, so it never allocates itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above; `place` came from `System`.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Enough for every table to have seen its fullest.
const WARM_ROWS: usize = 100_000;
const ROWS: usize = 50_000;

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

fn rows() -> (Vec<Row>, Vec<Row>) {
    let mut flow = Flow::default();
    let mut next = |count| workload::parse(&flow.lines(count), 1).expect("lines of ours");
    (next(WARM_ROWS), next(ROWS))
}

#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(allocations_of(|| drop(std::hint::black_box(vec![1_u8; 100]))), 1);
}

#[test]
fn an_order_on_the_bare_book_allocates_nothing_in_steady_state() {
    let (warm, rows) = rows();
    let mut bare = Bare::fill(&warm).expect("nothing is refused");
    let allocations = allocations_of(|| {
        for row in &rows {
            bare.apply(row);
            bare.read_back();
        }
    });
    assert_eq!(allocations, 0);
    assert!(bare.finish().expect("nothing is refused").tally.trades > 1_000);
}

#[test]
fn an_order_in_the_engine_allocates_nothing_in_steady_state() {
    let (warm, rows) = rows();
    // Each account's closed ids are remembered until its table is full: here that is in the warm-up.
    let genesis = Genesis { closed_ids_per_account_max: 8, ..default_genesis(7, 0) };
    let mut whole = Whole::with(genesis).expect("set-up");
    for row in &warm {
        whole.apply(row);
        whole.read_back();
    }
    let allocations = allocations_of(|| {
        for batch in rows.chunks(64) {
            whole.apply_all(batch);
            whole.read_back();
        }
    });
    assert_eq!(allocations, 0);
    assert!(whole.finish().expect("nothing is rejected").tally.trades > 1_000);
}
