//! Lets libFuzzer choose what one decoder is given; which one, `COULISSE_FUZZ_TARGET` says.
//!
//! `COULISSE_FUZZ_SEEDS` is a folder in which it leaves the inputs to begin with.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<coulisse_fuzz::Target> = OnceLock::new();

fn target() -> &'static coulisse_fuzz::Target {
    TARGET.get_or_init(|| {
        let name = std::env::var("COULISSE_FUZZ_TARGET").unwrap_or_default();
        coulisse_fuzz::target(&name).unwrap_or_else(|| panic!("no target {name:?}"))
    })
}

fn leave_seeds() {
    let Some(folder) = std::env::var_os("COULISSE_FUZZ_SEEDS") else { return };
    for (number, seed) in (target().seeds)().into_iter().enumerate() {
        let file = std::path::Path::new(&folder).join(format!("seed-{number}"));
        std::fs::write(file, seed).expect("a folder to write to");
    }
}

libfuzzer_sys::fuzz_target!(init: leave_seeds(), |bytes: &[u8]| (target().run)(bytes));
