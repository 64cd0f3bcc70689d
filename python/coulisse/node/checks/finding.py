"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    """As `clock` or `disk.sync`."""
    state: State
    """`fail`: a node would not start or would lose something. `warn`: worth a look. `skip`: it
    could not be looked at, or the settings do not ask for it."""
    says: str
    mend: str = ""
    """What to do; empty where all is well."""


def ok(what: str, says: str) -> Finding:
    """All is well."""
    return Finding(what, "ok", says)


def warn(what: str, says: str, mend: str) -> Finding:
    """It works, and is worth a look."""
    return Finding(what, "warn", says, mend)


def broken(what: str, says: str, mend: str) -> Finding:
    """A node would not start, or would lose something."""
    return Finding(what, "fail", says, mend)


def skipped(what: str, says: str) -> Finding:
    """It was not looked at."""
    return Finding(what, "skip", says)
