//! Every target over its kept corpus, and over inputs bent from it by a fixed seed.

use coulisse_fuzz::bend::{Seeded, bent};
use coulisse_fuzz::corpus::{INPUT_BYTES_MAX, file, unpack};
use coulisse_fuzz::{TARGETS, Target};

/// Bent inputs of one target: some seconds of all of them together.
const BENT: usize = 3_000;

fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let path = file(target.name);
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let kept = unpack(&packed).unwrap_or_else(|at| panic!("{} ends at {at}", path.display()));
    let kept = kept.into_iter().map(<[u8]>::to_vec);
    (target.seeds)().into_iter().chain(kept).collect()
}

fn replay(name: &str) {
    let target = coulisse_fuzz::target(name).expect("a target");
    let inputs = inputs(&target);
    assert!(inputs.len() > 1, "a corpus of something");
    for input in &inputs {
        assert!(input.len() <= INPUT_BYTES_MAX, "{} bytes", input.len());
        (target.run)(input);
    }
    let mut seeded = Seeded(0x00c0_0715);
    for _ in 0..BENT {
        let (one, other) = (seeded.below(inputs.len()), seeded.below(inputs.len()));
        (target.run)(&bent(&mut seeded, &inputs[one], &inputs[other]));
    }
}

macro_rules! replays {
    ($($name:ident)+) => {
        $( #[test]
        fn $name() {
            replay(stringify!($name));
        } )+

        #[test]
        fn no_target_is_left_out() {
            let named = [$(stringify!($name)),+];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), named);
        }
    };
}

replays! {
    frames packed heads requests calls numbers records events journal snapshots feeds links
}

#[test]
fn a_corpus_that_breaks_off_is_found() {
    assert_eq!(unpack(&[1, 0, 0, 0, 9]), Ok(vec![[9].as_slice()]));
    assert_eq!(unpack(&[1, 0, 0, 0, 9, 2, 0, 0, 0, 9]), Err(5));
    assert_eq!(unpack(&[1, 0, 0]), Err(0));
}
