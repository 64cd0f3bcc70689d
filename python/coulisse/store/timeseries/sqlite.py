"""Time series in a SQLite file of their own: WAL, one writer, readers beside it.

Rows and checkpoint are one transaction, which is not synced to the disk: a power cut takes the last
ones back together, and they are written again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Final

from coulisse.projections.tables import Table, series_tables
from coulisse.store.errors import StoreDown, StoreRefused
from coulisse.store.sql import statements
from coulisse.store.sql.sqlite import Rows, SqliteFile, connect
from coulisse.store.timeseries.writer import FORM, Policy

PRUNED_AT_ONCE: Final = 20_000
"""Rows that one transaction removes at most."""
TYPES: Final = {"int": "INTEGER", "text": "TEXT", "flag": "INTEGER"}
CHECKPOINT_TABLE: Final = (
    "CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), genesis TEXT NOT NULL, "
    "seq INTEGER NOT NULL, chain TEXT NOT NULL)",
    f"INSERT INTO checkpoint VALUES (1, '', 0, '{'00' * 32}')",
)
BACK_TO_NOTHING: Final = f"UPDATE checkpoint SET genesis = '', seq = 0, chain = '{'00' * 32}'"


class SqliteSeries(SqliteFile):
    """What writes time series."""

    def __init__(self, file: str, genesis: bytes, policy: Policy) -> None:
        """Open it, made where there is none. Raises `StoreDown`, `StoreRefused`."""
        self._policy = policy
        self._insert = {name: statements.insert(table) for name, table in series_tables().items()}
        self._newest_us = 0
        super().__init__(file, genesis)

    @property
    def written_seq(self) -> int:
        """How far rows have been written."""
        return self._checkpoint.seq

    def prune(self) -> int:
        """Remove some rows that are older than is kept; return how many. Raises `StoreDown`.

        How old a row is, the newest one says that this process has written.
        """
        removed = 0
        try:
            symbols = [row[0] for row in self._connection.execute("SELECT symbol FROM instruments")]
            for name, cutoff_us in self._policy.cutoffs(self._newest_us).items():
                # Each symbol's rows are together, the oldest first: no row is looked at in vain.
                for symbol in symbols:
                    left = PRUNED_AT_ONCE - removed
                    if left <= 0:
                        return removed
                    done = self._connection.execute(_delete(name), (symbol, cutoff_us, left))
                    removed += done.rowcount
        except sqlite3.Error as error:
            raise StoreDown(str(error)) from None
        return removed

    def _prepare(self) -> None:
        (form,) = self._connection.execute("PRAGMA user_version").fetchone()
        if form == 0:
            _make_tables(self._connection)
        elif form != FORM:
            raise StoreRefused("STORE_SCHEMA", f"{self._path} is of form {form}, not {FORM}")

    def _put(self, table: str, is_change: bool, rows: Rows) -> None:
        noted = rows if table == "instruments" else self._note(rows)
        self._connection.executemany(self._insert[table], noted)

    def _note(self, rows: Rows) -> Rows:
        """Note the newest time of what passes."""
        for row in rows:
            self._newest_us = max(self._newest_us, int(row[1] or 0))
            yield row


def wipe(file: str) -> None:
    """Empty all tables. Raises `StoreDown`."""
    try:
        with closing(connect(file)) as connection:
            (form,) = connection.execute("PRAGMA user_version").fetchone()
            if form == 0:
                return
            connection.execute("BEGIN IMMEDIATE")
            for name in series_tables():
                connection.execute(f"DELETE FROM {name}")
            connection.execute(BACK_TO_NOTHING)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreDown(f"{file}: {error}") from None
    except OSError as error:
        raise StoreDown(f"{file}: {error.strerror}") from None


def _delete(name: str) -> str:
    key = statements.quoted(series_tables()[name].key)
    found = f"SELECT {key} FROM {name} WHERE symbol = ? AND ts < ? ORDER BY ts LIMIT ?"
    return f"DELETE FROM {name} WHERE ({key}) IN ({found})"


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in series_tables().values():
            connection.execute(_create(table))
        for statement in CHECKPOINT_TABLE:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORM}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _create(table: Table) -> str:
    columns = []
    for column in table.columns:
        if column.kind == "minor":
            # 128 bits: SQLite would make such a number inexact.
            whole = f"\"{column.name}\" <> '' AND \"{column.name}\" NOT GLOB '*[^0-9]*'"
            columns.append(f'"{column.name}" TEXT NOT NULL CHECK ({whole})')
        else:
            columns.append(f'"{column.name}" {TYPES[column.kind]} NOT NULL')
    key = statements.quoted(table.key)
    return f"CREATE TABLE {table.name} ({', '.join(columns)}, PRIMARY KEY ({key})) WITHOUT ROWID"
