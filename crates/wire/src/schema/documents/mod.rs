//! The documents that programs read: `OpenAPI` of the private routes, `AsyncAPI` of the socket.
//!
//! Both are made from the one table of operations and channels, as the pages are.

mod asyncapi;
mod example;
mod json;
mod openapi;
mod shapes;

pub use asyncapi::asyncapi_json;
pub use openapi::{Door, openapi_json};
