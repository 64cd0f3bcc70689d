//! The measurements of the core that make their own flow, small.

use coulisse_bench::args::Args;
use coulisse_bench::core;

fn run(line: &str) -> String {
    let words = line.split_whitespace().map(str::to_owned).collect();
    core::run(Args::new(words)).expect("a measurement")
}

/// The number that the printed object has under a name.
fn number(text: &str, name: &str) -> u64 {
    let (_, rest) = text.split_once(&format!("\"{name}\":")).expect("the name is there");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
fn the_full_profile_meets_every_kind_of_order_and_keeps_its_size() {
    let flags = "--profile full --resting 20000 --operations 60000 --repeat 2 --limits none";
    let said = run(flags);
    let (trades, triggered) = (number(&said, "trades"), number(&said, "triggered"));
    assert!(trades > 2_000 && triggered > 200, "{said}");
    assert!(number(&said, "live_at_end").abs_diff(20_000) < 4_000, "{said}");
    assert!(number(&said, "rejected") * 50 < 60_000, "{said}");
    for kind in ["pegged", "trailingstop", "oco", "cancelafter", "replace", "tick", "fok"] {
        assert!(number(&said, kind) > 0, "{kind}: {said}");
    }
}

#[test]
fn a_wider_range_of_prices_leads_to_the_same_trades() {
    let narrow = run("--size 2000 --operations 20000 --repeat 2");
    let wide = run("--size 2000 --operations 20000 --repeat 1 --range-ticks 10000000");
    assert_eq!(number(&wide, "range_ticks"), 10_000_000);
    for name in ["trades", "resting", "levels"] {
        assert_eq!(number(&narrow, name), number(&wide, name), "{name}");
    }
    assert!(number(&narrow, "resting").abs_diff(2_000) < 500, "{narrow}");
}

#[test]
fn a_book_that_looks_ahead_comes_to_the_trades_of_the_flow_as_it_was_recorded() {
    let said = run("--size 40000 --operations 20000 --repeat 1");
    assert!(number(&said, "trades") > 2_000, "{said}");
    assert!(number(&said, "resting").abs_diff(40_000) < 2_000, "{said}");
}
