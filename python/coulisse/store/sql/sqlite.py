"""The store in a SQLite file: WAL, one writer, readers beside it.

A commit is not synced to the disk (`synchronous = NORMAL`): a power cut takes the last ones back,
rows and checkpoint together, and they are written again.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.projections.tables import tables
from coulisse.store.errors import StoreDown, StoreMoved
from coulisse.store.files import make_file
from coulisse.store.sql import statements
from coulisse.store.sql.migrations.scripts import from_nothing
from coulisse.store.sql.writer import (
    Breathe,
    Checkpoint,
    go_on,
    require_genesis,
    require_place,
    require_version,
)

STEPS_PER_BREATH: Final = 500
"""Steps of SQLite's machine, of which a row takes some 50."""
BUSY_S: Final = 5.0
PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    # 8 MB of pages: what the indexes' newest leaves need, and no more.
    "PRAGMA cache_size = -8000",
)
ADVANCE: Final = statements.ADVANCE.format("?")
CLAIM: Final = statements.CLAIM.format("?")
Rows = Iterator[tuple[int | str | None, ...]]


class SqliteFile(ABC):
    """The one connection that writes a file: rows and checkpoint together, or nothing.

    The file has to stay where it is: one that was removed or replaced is written on by whoever has
    it open, and nobody sees it again.
    """

    def __init__(self, file: str, genesis: bytes) -> None:
        """Open it, made where there is none. Raises `StoreDown`, `StoreRefused`."""
        self._path = Path(file)
        self._genesis = genesis.hex()
        try:
            self._connection = connect(file)
            self._inode = self._path.stat().st_ino
        except (sqlite3.Error, OSError) as error:
            raise StoreDown(f"{file}: {error}") from None
        try:
            self._prepare()
            self._checkpoint = self._claim(genesis)
        except sqlite3.Error as error:
            self._connection.close()
            raise StoreDown(f"{file}: {error}") from None
        except BaseException:
            self._connection.close()
            raise

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the file's rows are, as this writer left them."""
        return self._checkpoint

    def write(self, rows: _core.Rows, breathe: Breathe = go_on) -> None:
        """Write rows and move the checkpoint, all or nothing. Raises `StoreDown`, `StoreMoved`."""
        self._require_file()
        self._connection.set_progress_handler(
            None if breathe is go_on else breathe, STEPS_PER_BREATH
        )
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._advance(rows)
                for table, is_change, _ in rows.parts():
                    breathe()
                    self._put(table, is_change, rows.tuples(table, is_change))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreDown(str(error)) from None
        self._checkpoint = Checkpoint(rows.seq, rows.chain)

    def look(self) -> None:
        """See that the file is where it was left. Raises `StoreDown`, `StoreMoved`."""
        self._require_file()
        try:
            found = self._connection.execute(statements.CHECKPOINT).fetchone()
        except sqlite3.Error as error:
            raise StoreDown(str(error)) from None
        require_place(found, self._genesis, self._checkpoint)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @abstractmethod
    def _prepare(self) -> None:
        """See that the tables are there, in the form that is written. Raises `StoreRefused`."""

    @abstractmethod
    def _put(self, table: str, is_change: bool, rows: Rows) -> None:
        """Write some rows of a table."""

    def _require_file(self) -> None:
        # One system call for each transaction.
        try:
            is_same = self._path.stat().st_ino == self._inode
        except OSError:
            is_same = False
        if not is_same:
            raise StoreDown(f"{self._path} was removed")

    def _advance(self, rows: _core.Rows) -> None:
        before = self._checkpoint
        moved = self._connection.execute(
            ADVANCE, (rows.seq, rows.chain.hex(), self._genesis, before.seq, before.chain.hex())
        )
        if moved.rowcount != 1:
            raise StoreMoved(f"it is not at seq {before.seq} any more")

    def _claim(self, genesis: bytes) -> Checkpoint:
        self._connection.execute(CLAIM, (self._genesis,))
        found, seq, chain = self._connection.execute(statements.CHECKPOINT).fetchone()
        require_genesis(found, genesis)
        return Checkpoint(seq, bytes.fromhex(chain))


class SqliteWriter(SqliteFile):
    """What writes the store."""

    def __init__(self, file: str, genesis: bytes, *, may_make: bool) -> None:
        """Open it. Raises `StoreDown`, `StoreRefused`."""
        self._may_make = may_make
        self._insert = {name: statements.insert(table) for name, table in tables().items()}
        self._change = {
            name: statements.change(table)
            for name, table in tables().items()
            if table.growth == "changes"
        }
        super().__init__(file, genesis)

    def _prepare(self) -> None:
        if self._may_make and version(self._connection) is None:
            make_tables(self._connection)
        require_version(version(self._connection))

    def _put(self, table: str, is_change: bool, rows: Rows) -> None:
        statement = self._change[table] if is_change else self._insert[table]
        self._connection.executemany(statement, rows)


def connect(file: str) -> sqlite3.Connection:
    """Open the file for writing, made if there is none, for its owner alone. Raises its errors."""
    make_file(file)
    connection = sqlite3.connect(
        file, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in from_nothing("sqlite"):
            connection.execute(statement)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def version(connection: sqlite3.Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if connection.execute(there).fetchone() is None:
        return None
    row = connection.execute(statements.VERSION).fetchone()
    return None if row is None else str(row[0])
