//! Failures: what Python is told, and what ends the process.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::any::Any;
use std::fs::File;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

create_exception!(coulisse._core, CoreError, PyException, "What the core refuses or cannot do.");

/// An error for Python: `CoreError(code, message)`.
pub(crate) fn failed(code: &'static str, message: String) -> PyErr {
    CoreError::new_err((code, message))
}

/// Runs an entry point. A panic below it is a broken invariant: it is written down durably and the
/// process ends, before Python could go on with half-changed state.
pub(crate) fn guard<T>(note: impl FnOnce() -> Note, run: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => value,
        Err(panic) => note().write_and_abort(&text_of(&*panic)),
    }
}

/// Where and with what a broken invariant is written down.
pub(crate) struct Note {
    /// The data directory, if there is one.
    pub(crate) dir: Option<String>,
    /// The seq that was being applied, or the last one.
    pub(crate) seq: u64,
}

impl Note {
    fn write_and_abort(&self, message: &str) -> ! {
        let line = format!(
            "{{\"seq\":{},\"build\":\"{}\",\"message\":{message:?}}}\n",
            self.seq,
            env!("CARGO_PKG_VERSION"),
        );
        let _ = std::io::stderr().write_all(line.as_bytes());
        if let Some(dir) = &self.dir {
            let written = File::create(Path::new(dir).join("panic.json")).and_then(|mut file| {
                file.write_all(line.as_bytes()).and_then(|()| file.sync_all())
            });
            if let Err(error) = written {
                let _ = writeln!(std::io::stderr(), "panic.json could not be written: {error}");
            }
        }
        std::process::abort()
    }
}

/// What a panic says.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_string())
}
