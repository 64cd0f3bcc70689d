//! What the settings of a node let its door do; each has a default that is safe.

use crate::address::Network;
use crate::quota::Rates;

/// The rules of a process's door, set before it opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Open `/v1/echo`, a socket that sends every message back, of up to
    /// [`crate::limits::ECHO_BYTES_MAX`]: what suites of WebSocket conformance need, and nobody else.
    pub echo: bool,
    /// Agree to permessage-deflate where a client of the native protocol, or of the echo, asks for it.
    pub deflate: bool,
    /// Seconds within which a native session must log on or subscribe to something; 0: for ever.
    pub logon_s: u32,
    /// How much one key, account and address may ask for.
    pub rates: Rates,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<Network>,
}
