"""The exceptions of the package.

    CoulisseError
    ├── NotAvailable       an option that this version does not have yet
    ├── ConfigError        a setting that cannot be used, in words for its author
    ├── StartError         a node that cannot start: port taken, journal locked or corrupt
    ├── NodeFailed         a node that stopped because its journal failed
    ├── Refused            a request that the book or the core refused; carries the `Rejected`
    ├── NoCredentials      nothing says where a server is, or with which key to log on
    ├── ConnectionLost     the server went away, or could not be reached
    ├── LogonFailed        the server does not take the key
    ├── FeedBroken         an image and its deltas do not fit together
    └── ReplayError        recorded data that cannot be replayed

What a client of the protocol did wrong is not an exception but a code: see `outcomes.Rejected`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coulisse.domain.outcomes import Rejected


class CoulisseError(Exception):
    """Whatever this package raises on purpose."""


class NotAvailable(CoulisseError):
    """An option that this version does not have yet."""

    def __init__(self, option: str) -> None:
        """Name the option."""
        super().__init__(f"{option} is not available in this version of Coulisse")
        self.option = option


class ConfigError(CoulisseError):
    """A setting that cannot be used."""


class StartError(CoulisseError):
    """A node that cannot start."""


class NodeFailed(CoulisseError):
    """A node that stopped because its journal failed; nothing unsaved was acknowledged."""


class Refused(CoulisseError):
    """A request that the book or the core refused and that changed nothing."""

    def __init__(self, rejected: Rejected) -> None:
        """Carry what was refused and why."""
        super().__init__(str(rejected))
        self.rejected = rejected

    @property
    def code(self) -> str:
        """The code of the reject table."""
        return self.rejected.code


class NoCredentials(CoulisseError):
    """Nothing says where a server is, or with which key to log on."""


class ConnectionLost(CoulisseError):
    """The server went away, or could not be reached."""


class LogonFailed(CoulisseError):
    """The server does not take the key."""


class FeedBroken(CoulisseError):
    """An image and its deltas do not fit together; ask for a new image."""


class ReplayError(CoulisseError):
    """Recorded data that cannot be replayed."""
