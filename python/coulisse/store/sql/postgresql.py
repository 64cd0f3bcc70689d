"""The store in PostgreSQL: rows in binary COPY, changes by a stage of the connection's own.

The role needs no right to change the schema: SELECT, INSERT and UPDATE on the tables (INSERT alone
on those whose rows never change), and temporary tables.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import psycopg

from coulisse import _core
from coulisse.projections.tables import Table, tables
from coulisse.store.errors import StoreDown, StoreMoved
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

CONNECT_S: Final = 5
STATEMENT_MS: Final = 30_000
"""No statement takes so long: where one does, the server is as good as gone."""
LOCK_KEY: Final = 0x636F756C
"""Of the advisory lock, which only saves two writers the work that one of them does in vain."""
# What changes is few rows among very many, which a plan made of old statistics may take for few
# among few: it must always go by the key. Other ways then count as very dear, which must not bring
# the compiler of plans into play.
SESSION: Final = (
    f"SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = {STATEMENT_MS}; "
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; "
    # What a crash of the server takes back is written again, rows and checkpoint together.
    "SET synchronous_commit = off; SET jit = off; SET client_min_messages = warning"
)
LOCK: Final = "SELECT pg_try_advisory_lock(%s, hashtext(current_schema()))"
UNLOCK: Final = "SELECT pg_advisory_unlock(%s, hashtext(current_schema()))"
ADVANCE: Final = statements.ADVANCE.format("%s")
CLAIM: Final = statements.CLAIM.format("%s")


class PostgresqlWriter:
    """A connection that writes."""

    def __init__(self, url: str, genesis: bytes, *, may_make: bool) -> None:
        """Connect. Raises `StoreDown`, `StoreRefused`."""
        self._genesis = genesis.hex()
        self._connection = connect(url)
        try:
            self._connection.execute(SESSION)
            self._checkpoint = self._claim(genesis, may_make=may_make)
            self._make_stages()
        except psycopg.Error as error:
            self._connection.close()
            raise StoreDown(said(error)) from None
        except BaseException:
            self._connection.close()
            raise

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the store is, as this writer left it."""
        return self._checkpoint

    def write(self, rows: _core.Rows, breathe: Breathe = go_on) -> None:
        """Write rows and move the checkpoint, all or nothing. Raises `StoreDown`, `StoreMoved`."""
        try:
            with self._connection.transaction():
                self._write(rows, breathe)
        except psycopg.Error as error:
            raise StoreDown(said(error)) from None
        self._checkpoint = Checkpoint(rows.seq, rows.chain)

    def look(self) -> None:
        """See that the store is where it was left. Raises `StoreDown`, `StoreMoved`."""
        try:
            found = self._connection.execute(statements.CHECKPOINT).fetchone()
        except psycopg.Error as error:
            raise StoreDown(said(error)) from None
        assert found is not None, "a migration makes the one row of checkpoint"
        genesis, seq, chain = found
        require_place((genesis, seq, chain), self._genesis, self._checkpoint)

    def close(self) -> None:
        """Give the lock to whoever waits for it, and close the connection."""
        # The server gives it back by itself, but only once it has seen the connection end.
        with suppress(psycopg.Error):
            self._connection.rollback()
            self._connection.execute(UNLOCK, (LOCK_KEY,))
        self._connection.close()

    def _write(self, rows: _core.Rows, breathe: Breathe) -> None:
        before = self._checkpoint
        # The row's lock keeps a second writer out until this one is done; then it finds nothing.
        moved = self._connection.execute(
            ADVANCE, (rows.seq, rows.chain.hex(), self._genesis, before.seq, before.chain.hex())
        )
        if moved.rowcount != 1:
            raise StoreMoved(f"it is not at seq {before.seq} any more")
        for name, is_change, _ in rows.parts():
            breathe()
            table = tables()[name]
            is_staged = is_change or table.growth == "writes"
            target = statements.stage_name(table) if is_staged else name
            columns = table.change_names if is_change else table.names
            self._copy(target, columns, rows.copy(name, is_change))
            if is_staged:
                self._connection.execute(statements.from_stage(table).encode())

    def _copy(self, target: str, columns: tuple[str, ...], data: bytes) -> None:
        statement = statements.copy_in(target, columns).encode()
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(data)

    def _claim(self, genesis: bytes, *, may_make: bool) -> Checkpoint:
        if may_make and version(self._connection) is None:
            with self._connection.transaction():
                for statement in from_nothing("postgresql"):
                    self._connection.execute(statement.encode())
        require_version(version(self._connection))
        row = self._connection.execute(LOCK, (LOCK_KEY,)).fetchone()
        if row is None or not row[0]:
            raise StoreDown("another writer has its lock")
        self._connection.execute(CLAIM, (self._genesis,))
        found = self._connection.execute(statements.CHECKPOINT).fetchone()
        assert found is not None, "a migration makes the one row of checkpoint"
        require_genesis(found[0], genesis)
        return Checkpoint(found[1], bytes.fromhex(found[2]))

    def _make_stages(self) -> None:
        staged: list[Table] = [table for table in tables().values() if table.growth != "adds"]
        for table in staged:
            self._connection.execute(statements.stage(table).encode())


def connect(url: str) -> psycopg.Connection:
    """Connect; nothing is prepared, as plans are to be made of what the tables are now.

    Raises `StoreDown`.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_S,
            application_name="coulisse",
            tcp_user_timeout=STATEMENT_MS,
        )
    except psycopg.Error as error:
        raise StoreDown(said(error)) from None


def version(connection: psycopg.Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    there = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if there is None or there[0] is None:
        return None
    row = connection.execute(statements.VERSION).fetchone()
    return None if row is None else str(row[0])


def said(error: psycopg.Error) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
