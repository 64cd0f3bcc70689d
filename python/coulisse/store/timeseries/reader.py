"""Reads candles that were stored.

A reader keeps one connection, is used by one thread at a time, and connects again when it is asked
after a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from coulisse.domain.market import CandleCells
from coulisse.store.errors import StoreDown
from coulisse.store.files import reading
from coulisse.store.sql import statements
from coulisse.store.timeseries.address import SeriesAddress

if TYPE_CHECKING:
    import psycopg

COLUMNS: Final = '"seq", "open", "high", "low", "close", "qty", "notional", "trades"'
LONG_DIGITS: Final = 19
"""A number of fewer digits has 64 bits at most."""
Found = tuple[int, list[CandleCells]]


class SeriesReader(Protocol):
    """A connection that reads."""

    def candles(self, symbol: str, interval: str, before_us: int, count: int) -> Found:
        """Return how far the series reach, and the last candles that begin before a time.

        Oldest first. All of them are read at a moment at which that seq was reached. Raises
        `StoreDown`.
        """

    def close(self) -> None:
        """Close the connection."""


def open_series_reader(address: SeriesAddress) -> SeriesReader:
    """Return what reads; it connects when it is asked."""
    return _Sqlite(address.file) if address.backend == "sqlite" else _Questdb(address)


def _candles(rows: Sequence[tuple[Any, ...]]) -> list[CandleCells]:
    """Return rows, newest first, as candles, oldest first; large sums are text, or decimals."""
    if all(type(row[6]) is int and type(row[7]) is int for row in rows):
        return list(rows[::-1])
    return [
        (start, seq, first, high, low, close, int(qty), int(notional), trades)
        for start, seq, first, high, low, close, qty, notional, trades in reversed(rows)
    ]


class _Sqlite:
    def __init__(self, file: str) -> None:
        self._file = file

    def candles(self, symbol: str, interval: str, before_us: int, count: int) -> Found:
        # A sum of 64 bits is made a number by SQLite itself, in less time.
        columns = COLUMNS
        for name in ("qty", "notional"):
            number = f"CASE WHEN length({name}) < {LONG_DIGITS} THEN CAST({name} AS INTEGER)"
            columns = columns.replace(f'"{name}"', f"{number} ELSE {name} END")
        select = (
            f'SELECT "ts", {columns} FROM candles_{interval} '
            "WHERE symbol = ? AND ts < ? ORDER BY ts DESC LIMIT ?"
        )
        with reading(self._file) as connection:
            place = connection.execute(statements.CHECKPOINT).fetchone()
            rows = connection.execute(select, (symbol, before_us, count)).fetchall()
        return int(place[1]), _candles(rows)

    def close(self) -> None:
        """Nothing is kept open."""


class _Questdb:
    def __init__(self, address: SeriesAddress) -> None:
        self._address = address
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def candles(self, symbol: str, interval: str, before_us: int, count: int) -> Found:
        # A process that never reads of it loads nothing of it.
        import psycopg

        from coulisse.store.timeseries import questdb_sql as sql

        try:
            if self._connection is None:
                self._connection = sql.connect(self._address)
            # What the checkpoint says can be read already, so it is read first.
            place = self._connection.execute(sql.READ_CHECKPOINT.encode()).fetchone()
            asked = (symbol, before_us, count)
            with self._connection.cursor(binary=True) as cursor:
                try:
                    rows = cursor.execute(_questdb_select(interval, "LONG"), asked).fetchall()
                except psycopg.Error as error:
                    if sql.TOO_LARGE not in str(error):
                        raise
                    rows = cursor.execute(_questdb_select(interval, WIDE), asked).fetchall()
        except psycopg.Error as error:
            self.close()
            raise StoreDown(sql.said(error)) from None
        if place is None:
            raise StoreDown("nothing was written yet")
        return int(str(place[2])), _candles(rows)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


WIDE: Final = "DECIMAL(39,0)"


def _questdb_select(interval: str, sums: str) -> bytes:
    """Read sums of 64 bits as such, three times as fast; where one has more, QuestDB refuses."""
    columns = COLUMNS.replace('"qty"', f'CAST("qty" AS {sums})')
    columns = columns.replace('"notional"', f'CAST("notional" AS {sums})')
    return (
        f'SELECT CAST("ts" AS LONG), {columns} FROM candles_{interval} '
        "WHERE symbol = %s AND ts < %s ORDER BY ts DESC LIMIT %s"
    ).encode()
