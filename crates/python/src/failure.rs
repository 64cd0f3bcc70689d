//! Failures: what Python is told, and what ends the process.

use crate::notes::{Notes, say};
use crate::sync::LogEnd;
use coulisse_journal::{Fault, JournalError};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

create_exception!(coulisse._core, CoreError, PyException, "What the core refuses or cannot do.");

/// An error for Python: `CoreError(code, message)`.
pub(crate) fn failed(code: &'static str, message: String) -> PyErr {
    CoreError::new_err((code, message))
}

/// An error of the journal for Python.
pub(crate) fn journal_failed(error: &JournalError) -> PyErr {
    let code = match error {
        JournalError::Locked => "JOURNAL_LOCKED",
        JournalError::Corrupt { fault: Fault::Version { .. }, .. } => "JOURNAL_VERSION",
        JournalError::Corrupt { .. } | JournalError::LostDurable { .. } => "JOURNAL_CORRUPT",
        JournalError::TooOld { .. } => "LOG_GONE",
        JournalError::NotPublished => "JOURNAL_VOID",
        _ => "JOURNAL_IO",
    };
    failed(code, error.to_string())
}

/// The error of a record that was written as it is, for all checksums agree, and that this build cannot read.
pub(crate) fn record_failed(seq: u64, reason: &str) -> PyErr {
    failed(
        "JOURNAL_VERSION",
        format!("the record at seq {seq} means nothing to this build: {reason}"),
    )
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
    /// The log in which that record may not be durable yet.
    pub(crate) log: Option<LogEnd>,
}

impl Note {
    pub(crate) fn write_and_abort(self, message: &str) -> ! {
        let Self { dir, seq, log } = self;
        let next = match &dir {
            Some(dir) => format!(
                "this process ends; noted in {dir}/panic.json: if the record breaks the core again, \
                 the next start makes it void"
            ),
            None => "this process ends".to_string(),
        };
        say("critical", "core_broken", Some(seq), &[("reason", message), ("next", &next)]);
        if dir.is_some()
            && let Err(error) = Notes::read(dir.as_deref()).add(seq, message)
        {
            let reason = error.to_string();
            say("error", "panic_note_not_written", Some(seq), &[("reason", &reason)]);
        }
        // The next start must meet the record, or whoever sent it breaks the core again.
        if let Some(log) = log {
            log.wait_for(seq);
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
