"""One port: the native WebSocket protocol in Rust; REST, page, health and metrics in Python."""
