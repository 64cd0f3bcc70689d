//! Whose request it is.

use super::head::Head;
use crate::call;
use coulisse_wire::native::spec::Found;

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// [`crate::upgrade::accept`], whatever the path: the caller knows which paths have sockets.
    WebSocket,
    /// This node, as one operation of the native protocol.
    Private(Found<'a>),
    /// Another HTTP server: hand it the bytes, untouched.
    Other,
}

impl<'a> Head<'a> {
    /// Whose request this is.
    ///
    /// A request that merely asks for an upgrade is ours even if it asks badly, so that one place
    /// answers it.
    pub fn route(&self) -> Route<'a> {
        if self.upgrade_websocket {
            return Route::WebSocket;
        }
        call::route(self).map_or(Route::Other, Route::Private)
    }
}
