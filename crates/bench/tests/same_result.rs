//! What the core benchmark comes to does not depend on which numbers the ids are.

mod flow;

use coulisse_bench::args::Args;
use coulisse_bench::core::{self, bare, engine};
use coulisse_bench::workload;
use flow::Flow;

/// Spreads ids over 61 bits: no table may be indexed by them.
const SPARSE: u64 = (1 << 40) + 1;
const PREFILL: usize = 1_000;

#[test]
fn sparse_ids_lead_to_the_same_result_in_the_book_and_in_the_engine() {
    let text = Flow::default().lines(30_000);
    let outcomes: Vec<_> = [1, SPARSE]
        .into_iter()
        .flat_map(|factor| {
            let rows = workload::parse(&text, factor).expect("lines of ours");
            let (prefill, timed) = rows.split_at(PREFILL);
            let book = bare::timed(prefill, timed).expect("nothing is refused").outcome;
            let engine = engine::timed(prefill, timed).expect("nothing is rejected").outcome;
            [book, engine]
        })
        .collect();
    assert!(outcomes[0].tally.trades > 1_000, "{}", outcomes[0]);
    for outcome in &outcomes[1..] {
        assert!(outcomes[0].agrees_with(outcome), "{} is not {outcome}", outcomes[0]);
    }
}

#[test]
fn the_command_prints_one_object_with_the_result() {
    let path = std::env::temp_dir().join(format!("coulisse-bench-{}.csv", std::process::id()));
    // Ten lots asked at 100,003, of which seven trade and the rest is cancelled; a bid rests.
    std::fs::write(&path, "A,1,1,100003,10\nA,2,0,99990,4\nX,3,0,100005,7\nC,1,0,0,0\n")
        .expect("a temporary file");
    let words = ["--workload", path.to_str().unwrap_or_default(), "--prefill", "2", "--json"];
    let printed = core::run(Args::new(words.map(str::to_owned).to_vec()));
    std::fs::remove_file(&path).expect("it was there");
    let printed = printed.expect("a result");
    let expected = r#""trades":1,"volume":7,"notional":700021,"best_bid":99990,"best_ask":0,"resting":1,"levels":[1, 0],"operations":2,"#;
    assert!(printed.contains(expected), "{printed}");
    assert!(printed.starts_with("{\"book_ops_per_s\":") && !printed.contains('\n'));
}

#[test]
fn a_workload_whose_cancel_finds_nothing_has_no_figure() {
    let rows = workload::parse("A,1,1,100003,5\nC,7,0,0,0\n", 1).expect("two lines");
    let (prefill, timed) = rows.split_at(1);
    let error = bare::timed(prefill, timed).expect_err("no such order");
    assert_eq!(error.to_string(), "the book refused 1 rows");
    let error = engine::timed(prefill, timed).expect_err("no such order");
    assert!(error.to_string().contains("OrderNotFound"), "{error}");
}
