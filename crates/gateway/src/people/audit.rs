//! What the node's log is told of logons. Never a password or a token, and never a name that is nobody's:
//! people type their passwords there.

use coulisse_types::{AccountId, KeyId};
use std::net::IpAddr;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited {
    /// What happened: `logon`, `session`, `logon_failed`.
    pub event: &'static str,
    /// How it was to be proved: `signature`, `password`, `token`.
    pub method: &'static str,
    /// Whose it is, and the account; `None` where nobody is known.
    pub who: Option<(KeyId, AccountId)>,
    /// Where it came from.
    pub address: Option<IpAddr>,
}

impl Audited {
    pub(crate) const fn done(
        event: &'static str,
        method: &'static str,
        key_id: KeyId,
        account: AccountId,
        address: Option<IpAddr>,
    ) -> Self {
        Self { event, method, who: Some((key_id, account)), address }
    }

    pub(crate) const fn failed(
        method: &'static str,
        who: Option<(KeyId, AccountId)>,
        address: Option<IpAddr>,
    ) -> Self {
        Self { event: "logon_failed", method, who, address }
    }
}
