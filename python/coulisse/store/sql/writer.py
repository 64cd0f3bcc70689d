"""Writes rows into a database, exactly once.

The checkpoint (journal, seq, chain hash) moves in the transaction of the rows, from the value that
this writer knows: where that is not the value any more, nothing is written. So two writers at once,
or one that was thought dead, write nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from coulisse import _core
from coulisse.store.errors import StoreMoved, StoreRefused
from coulisse.store.sql.address import Address
from coulisse.store.sql.migrations.scripts import VERSIONS

NO_CHAIN = bytes(32)
SCHEMA_VERSION = VERSIONS[-1]
"""The newest migration: what the writer writes."""


Breathe = Callable[[], int]
"""Called again and again by what works, every fraction of a millisecond; returns 0: go on."""


def go_on() -> int:
    """Do not rest."""
    return 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a store has come."""

    seq: int = 0
    chain: bytes = NO_CHAIN


class Writer(Protocol):
    """A connection that writes."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the store is, as this writer left it."""

    def write(self, rows: _core.Rows, breathe: Breathe = go_on) -> None:
        """Write rows and move the checkpoint, all or nothing.

        `breathe` is called in between, so that whoever has to may rest the thread.
        Raises `StoreDown`, where it may have been written: ask for the checkpoint again; and
        `StoreMoved`.
        """

    def look(self) -> None:
        """See that the store is where it was left. Raises `StoreDown`, `StoreMoved`."""

    def close(self) -> None:
        """Close the connection."""


def open_writer(address: Address, genesis: bytes, *, may_make: bool = False) -> Writer:
    """Connect to the store of the journal `genesis`; with `may_make` make tables where none are.

    Raises `StoreDown`, and `StoreRefused` (`STORE_SCHEMA`, `STORE_OTHER_LOG`).
    """
    # A process loads the driver of its own database alone.
    if address.backend == "sqlite":
        from coulisse.store.sql.sqlite import SqliteWriter

        return SqliteWriter(address.target, genesis, may_make=may_make)
    from coulisse.store.sql.postgresql import PostgresqlWriter

    return PostgresqlWriter(address.target, genesis, may_make=may_make)


def require_place(found: tuple[str, int, str], genesis: str, place: Checkpoint) -> None:
    """Raise `StoreMoved` where a checkpoint is another than it was left at."""
    if found != (genesis, place.seq, place.chain.hex()):
        raise StoreMoved(f"it is at seq {found[1]}, and was left at {place.seq}")


def require_version(found: str | None) -> None:
    """Raise `StoreRefused` unless the tables are of the version that is written."""
    if found is None:
        raise StoreRefused("STORE_SCHEMA", "it has no tables: run `coulisse store migrate`")
    if found != SCHEMA_VERSION:
        message = f"its tables are of version {found}, not {SCHEMA_VERSION}"
        raise StoreRefused("STORE_SCHEMA", f"{message}: run `coulisse store migrate`")


def require_genesis(found: str, genesis: bytes) -> None:
    """Raise `StoreRefused` where a store belongs to another journal."""
    if found != genesis.hex():
        message = f"it was filled from the journal {found[:16]}…, not {genesis.hex()[:16]}…"
        raise StoreRefused("STORE_OTHER_LOG", message)
