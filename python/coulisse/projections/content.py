"""The hash of what tables hold, whatever the order in which their rows are read.

Each row is hashed with the name of its table; the content's hash is the sum of those, so that both
a store and a fold can be gone through once, in any order, keeping nothing. It finds what a fault
does, not what a forger does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = int | str | bool | Decimal
MODULUS = 1 << 256


def text(cell: Cell) -> str:
    """Return a cell in the one form that every database's form of it comes to."""
    if isinstance(cell, str):
        return cell
    return str(int(cell))


class ContentHash:
    """The hash of rows so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sum = 0
        self.rows = 0

    def add(self, table: str, cells: Sequence[Cell]) -> None:
        """Take a row in."""
        row = "\0".join([table, *(text(cell) for cell in cells)])
        self._sum += int.from_bytes(hashlib.sha256(row.encode()).digest(), "big")
        self.rows += 1

    def add_all(self, table: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Take rows in."""
        for row in rows:
            self.add(table, row)

    def hexdigest(self) -> str:
        """Return the hash, 64 hexadecimal digits."""
        return f"{self._sum % MODULUS:064x}"
