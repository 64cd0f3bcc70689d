"""Reads candles that were stored.

A reader keeps one connection, is used by one thread at a time, and connects again when it is asked
after a fault.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from coulisse.domain.market import CandleCells
from coulisse.store.errors import StoreDown
from coulisse.store.sql import statements
from coulisse.store.timeseries.address import SeriesAddress

if TYPE_CHECKING:
    import psycopg

COLUMNS: Final = '"seq", "open", "high", "low", "close", "qty", "notional", "trades"'
STATEMENT_MS: Final = 5_000
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


def _cells(row: tuple[object, ...]) -> CandleCells:
    start, seq, first, high, low, close, qty, notional, trades = (int(str(cell)) for cell in row)
    return start, seq, first, high, low, close, qty, notional, trades


class _Sqlite:
    def __init__(self, file: str) -> None:
        self._file = file

    def candles(self, symbol: str, interval: str, before_us: int, count: int) -> Found:
        if not Path(self._file).is_file():
            raise StoreDown(f"{self._file}: there is no such file yet")
        select = (
            f'SELECT "ts", {COLUMNS} FROM candles_{interval} '
            "WHERE symbol = ? AND ts < ? ORDER BY ts DESC LIMIT ?"
        )
        try:
            # The file may be made anew between two questions: each opens it, in 0.1 ms.
            with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
                connection.execute("BEGIN")
                place = connection.execute(statements.CHECKPOINT).fetchone()
                rows = connection.execute(select, (symbol, before_us, count)).fetchall()
        except sqlite3.Error as error:
            raise StoreDown(f"{self._file}: {error}") from None
        return int(place[1]), [_cells(row) for row in reversed(rows)]

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

        select = (
            f'SELECT CAST("ts" AS LONG), {COLUMNS} FROM candles_{interval} '
            "WHERE symbol = %s AND ts < %s ORDER BY ts DESC LIMIT %s"
        )
        try:
            if self._connection is None:
                self._connection = sql.connect(self._address)
            # What the checkpoint says can be read already, so it is read first.
            place = self._connection.execute(sql.READ_CHECKPOINT.encode()).fetchone()
            rows = self._connection.execute(select.encode(), (symbol, before_us, count)).fetchall()
        except psycopg.Error as error:
            self.close()
            raise StoreDown(sql.said(error)) from None
        if place is None:
            raise StoreDown("nothing was written yet")
        return int(str(place[2])), [_cells(row) for row in reversed(rows)]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
