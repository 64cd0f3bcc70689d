//! Whose request it is.

use super::head::{Body, Head, Method};

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// [`crate::upgrade::accept`], whatever the path: the caller knows which paths have sockets.
    WebSocket,
    /// The order path of this node.
    Order(OrderRoute<'a>),
    /// Another HTTP server: hand it the bytes, untouched.
    Other,
}

/// The REST routes that place, amend and cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRoute<'a> {
    /// `POST /v1/orders`
    Place,
    /// `PATCH /v1/orders/{id}`
    Amend {
        /// The order id as sent; not empty, not decoded.
        id: &'a str,
    },
    /// `DELETE /v1/orders/{id}`
    Cancel {
        /// The order id as sent; not empty, not decoded.
        id: &'a str,
    },
}

const ORDERS_PATH: &str = "/v1/orders";

impl<'a> Head<'a> {
    /// Whose request this is.
    ///
    /// A request that merely asks for an upgrade is ours even if it asks badly, so that one place
    /// answers it. An order with a chunked body is not: the HTTP server behind knows chunks.
    pub fn route(&self) -> Route<'a> {
        if self.upgrade_websocket {
            return Route::WebSocket;
        }
        if self.body == Body::Chunked {
            return Route::Other;
        }
        let Some(behind) = self.path.strip_prefix(ORDERS_PATH) else { return Route::Other };
        let id = behind.strip_prefix('/').filter(|id| !id.is_empty() && !id.contains('/'));
        match (self.method, id) {
            (Method::Post, None) if behind.is_empty() => Route::Order(OrderRoute::Place),
            (Method::Patch, Some(id)) => Route::Order(OrderRoute::Amend { id }),
            (Method::Delete, Some(id)) => Route::Order(OrderRoute::Cancel { id }),
            _ => Route::Other,
        }
    }
}
