"""Writes rows of the time series into a database, exactly once.

SQLite moves its checkpoint in the transaction of the rows. QuestDB has no transaction over several
tables: its checkpoint follows, once all rows before it can be read, and what is behind it is
written again after a kill; a row has a key, so that twice is once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from coulisse import _core
from coulisse.store.sql.writer import Breathe, Checkpoint, go_on
from coulisse.store.timeseries.address import SeriesAddress

DAY_US: Final = 86_400_000_000
FORM: Final = 1
"""The form of the tables; another one is filled anew."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long rows stay."""

    days: Mapping[str, int] = field(default_factory=dict)
    """By table; a table that is not there keeps its rows for good."""

    def cutoffs(self, newest_us: int) -> dict[str, int]:
        """Return for each table the time, in µs, before which rows may go."""
        return {name: newest_us - days * DAY_US for name, days in self.days.items()}


class SeriesWriter(Protocol):
    """A connection that writes."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What is to be gone on from after the next connection."""

    @property
    def written_seq(self) -> int:
        """How far rows have been written."""

    def write(self, rows: _core.Rows, breathe: Breathe = go_on) -> None:
        """Write rows. Raises `StoreDown`, where they may have been written, and `StoreMoved`.

        `breathe` is called in between, so that whoever has to may rest the thread.
        """

    def look(self) -> None:
        """See that all is where it was left; move the checkpoint that lags.

        Raises `StoreDown`, `StoreMoved`.
        """

    def prune(self) -> int:
        """Remove some of what is older than the policy keeps; return how many rows, or parts.

        Raises `StoreDown`.
        """

    def close(self) -> None:
        """Close the connection."""


def open_series(address: SeriesAddress, genesis: bytes, policy: Policy) -> SeriesWriter:
    """Connect to the time series of the journal `genesis`, their tables made where none are.

    Raises `StoreDown`, and `StoreRefused` (`STORE_SCHEMA`, `STORE_OTHER_LOG`, `STORE_DRIVER`).
    """
    # A process loads the driver of its own database alone.
    if address.backend == "sqlite":
        from coulisse.store.timeseries.sqlite import SqliteSeries

        return SqliteSeries(address.file, genesis, policy)
    from coulisse.store.timeseries.questdb import QuestdbSeries

    return QuestdbSeries(address, genesis, policy)


def wipe_series(address: SeriesAddress) -> None:
    """Empty all tables and put the checkpoint back to nothing. Raises `StoreDown`."""
    if address.backend == "sqlite":
        from coulisse.store.timeseries.sqlite import wipe

        wipe(address.file)
    else:
        from coulisse.store.timeseries.questdb import wipe as empty

        empty(address)
