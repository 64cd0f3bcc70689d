//! A cell for state that belongs to whoever holds the GIL.

use pyo3::prelude::*;
use std::cell::{RefCell, RefMut};

/// State of a frozen Python class, borrowed only with the GIL held.
///
/// A borrow never lasts across a call into Python: the transport may call back into the class
/// (`pause_writing` inside `write`), and that call borrows again.
#[derive(Debug, Default)]
pub(crate) struct GilCell<T>(RefCell<T>);

// SAFETY: the only way to the inner value is `borrow_mut`, which takes a `Python` token, so the
// caller holds the GIL; the borrow ends before the GIL is released, since nothing in this crate
// detaches from the interpreter while it holds one. The abi3 extension cannot be loaded into an
// interpreter without a GIL.
unsafe impl<T: Send> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// A cell with `value`.
    pub(crate) fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Borrows the value. A borrow while another lasts is a defect of this crate and panics.
    pub(crate) fn borrow_mut(&self, _py: Python<'_>) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }
}
