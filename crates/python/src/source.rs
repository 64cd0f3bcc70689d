//! Where a core's records come from: its own journal, or the core process whose worker this is.

use crate::sync::SyncThread;
use crate::uplink::Uplink;
use std::os::fd::RawFd;

/// Where records come from.
pub(crate) enum Source {
    /// This process sequences them.
    Journal(SyncThread),
    /// Another process does, and says what is durable.
    Core(Box<Uplink>),
}

impl Source {
    /// The journal that this process writes.
    pub(crate) fn journal(&self) -> Option<&SyncThread> {
        match self {
            Self::Journal(sync) => Some(sync),
            Self::Core(_) => None,
        }
    }

    /// The descriptor that is readable when something has become durable.
    pub(crate) fn fd(&self) -> RawFd {
        match self {
            Self::Journal(sync) => sync.eventfd(),
            Self::Core(uplink) => uplink.fd(),
        }
    }

    /// Why nothing more can become durable here, if nothing can: a code and words.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Journal(sync) => sync.failure().map(|message| format!("JOURNAL_IO: {message}")),
            Self::Core(uplink) => uplink.failure().map(ToString::to_string),
        }
    }
}
