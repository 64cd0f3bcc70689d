//! What the settings of a node let its door do; each has a default that is safe.

/// The rules of a process's door, set before it opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Open `/v1/echo`, a socket that sends every message back, of up to
    /// [`crate::limits::ECHO_BYTES_MAX`]: what suites of WebSocket conformance need, and nobody else.
    pub echo: bool,
}
