"""SQLite's triggers that refuse to change or remove what only grows, as migration 0001 makes them.

Whoever empties the tables takes them away and sets them again.
"""

from __future__ import annotations

from typing import Final

GUARDED: Final = ("ledger",)
"""Tables that nobody changes."""
WHAT: Final = ("update", "delete")


def set_guards() -> list[str]:
    """Return the statements that set them."""
    return [
        f"CREATE TRIGGER {table}_only_grows_{what} BEFORE {what.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or removed'); END"
        for table in GUARDED
        for what in WHAT
    ]


def drop_guards() -> list[str]:
    """Return the statements that take them away."""
    return [f"DROP TRIGGER {table}_only_grows_{what}" for table in GUARDED for what in WHAT]
