//! What holds whatever bytes a decoder is given, as one function for each decoder.
//!
//! A target panics where its law is broken. The same functions are run over the kept corpus and over
//! bent inputs by `make test` ([`corpus`], `tests/replay.rs`), and by libFuzzer in `make fuzz`
//! (`engine`, a workspace of its own).
//!
//! Invariants
//! - A target looks at nothing but its bytes: the same bytes, the same verdict.
//! - Whatever bytes: no panic below, memory bounded by the limits of the decoder and its input.

pub mod bend;
pub mod corpus;
mod frames;
mod heads;
mod journal;
mod links;
mod records;
mod requests;
mod snapshots;

/// One decoder, and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Holds the decoder against its law; panics where that is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with: sound ones, made by the encoders.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "frames", run: frames::run, seeds: frames::seeds },
    Target { name: "packed", run: frames::run_packed, seeds: frames::packed_seeds },
    Target { name: "heads", run: heads::run, seeds: heads::seeds },
    Target { name: "requests", run: requests::run, seeds: requests::seeds },
    Target { name: "calls", run: requests::run_calls, seeds: requests::call_seeds },
    Target { name: "numbers", run: requests::run_numbers, seeds: requests::number_seeds },
    Target { name: "records", run: records::run, seeds: records::seeds },
    Target { name: "events", run: records::run_events, seeds: records::event_seeds },
    Target { name: "journal", run: journal::run, seeds: journal::seeds },
    Target { name: "snapshots", run: snapshots::run, seeds: snapshots::seeds },
    Target { name: "feeds", run: snapshots::run_feeds, seeds: snapshots::feed_seeds },
    Target { name: "links", run: links::run, seeds: links::seeds },
];

/// The target of that name, the canary included.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().chain([&CANARY]).find(|target| target.name == name).copied()
}

/// A target that breaks on one word, which no one finds by chance: whoever fuzzes must find it, or is not
/// led by coverage.
const CANARY: Target = Target { name: "canary", run: sing, seeds: || vec![b"quiet".to_vec()] };

fn sing(bytes: &[u8]) {
    let mut heard = 0;
    for (at, letter) in b"coulisse".iter().enumerate() {
        if bytes.get(at) != Some(letter) {
            return;
        }
        heard += 1;
        std::hint::black_box(heard);
    }
    panic!("the canary sings");
}
