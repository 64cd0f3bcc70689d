"""Logs that a node can stand on. The embedded one is a journal file, in `crates/journal`."""
