"""Time series in QuestDB: rows go in by ILP over HTTP, everything else by PostgreSQL's protocol.

    write      rows, a request of all tables; acknowledged once they are in QuestDB's own log
    …applied   they can be read: that is asked, not waited for
    checkpoint moves then, so that whatever it says can be read

What was written behind the checkpoint is written again after a kill. Every row has a key (`ts`,
`symbol` and what tells it from others of that time), by which QuestDB writes it over.

Source: QuestDB's documentation of deduplication and of the write-ahead log.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import psycopg

from coulisse import _core
from coulisse.projections.tables import Table, series_tables
from coulisse.store.errors import StoreDown, StoreMoved, StoreRefused
from coulisse.store.sql.writer import NO_CHAIN, Breathe, Checkpoint, go_on, require_genesis
from coulisse.store.timeseries import questdb_sql as sql
from coulisse.store.timeseries.address import SeriesAddress
from coulisse.store.timeseries.writer import FORM, Policy

if TYPE_CHECKING:
    from questdb import Sender

SETTLE_S: Final = 0.2
"""How often it is asked whether what was written can be read."""
REQUEST_MS: Final = 10_000
"""How long a request may take before the server counts as gone; much data gets more."""
ROWS_AT_ONCE: Final = 50_000
"""Rows of one request."""


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """What was written, and where each table's log was then, that of the checkpoint too."""

    place: Checkpoint
    logs: dict[str, int]


class QuestdbSeries:
    """The connections that write."""

    def __init__(self, address: SeriesAddress, genesis: bytes, policy: Policy) -> None:
        """Connect. Raises `StoreDown`, `StoreRefused`."""
        self._genesis = genesis
        self._policy = policy
        self._newest_us = 0
        self._unsettled: _Unsettled | None = None
        self._settle_at_s = 0.0
        self._connection = sql.connect(address)
        try:
            with _asking():
                sql.make_tables(self._connection)
                self._require_form()
                self._checkpoint = self._claim()
            self._shapes = {name: _Shape(table) for name, table in series_tables().items()}
            self._sender = _sender(address)
        except BaseException:
            self._connection.close()
            raise
        self._written = self._before = self._checkpoint

    @property
    def checkpoint(self) -> Checkpoint:
        """What is to be gone on from: all that is before it can be read."""
        return self._checkpoint

    @property
    def written_seq(self) -> int:
        """How far rows have been written."""
        return self._written.seq

    def write(self, rows: _core.Rows, breathe: Breathe = go_on) -> None:
        """Write rows. Raises `StoreDown`, where they may have been written, and `StoreMoved`."""
        from questdb import QuestDBError

        try:
            for name, _, count in rows.parts():
                shape = self._shapes[name]
                for row in rows.tuples(name, is_change=False):
                    breathe()
                    shape.add(self._sender, row)
                    if name != "instruments":
                        self._newest_us = max(self._newest_us, int(row[1] or 0))
                if len(self._sender) and count > ROWS_AT_ONCE:
                    self._sender.flush()
            self._sender.flush()
        except QuestDBError as error:
            raise StoreDown(sql.said(error)) from None
        self._written = Checkpoint(rows.seq, rows.chain)
        self._settle()

    def look(self) -> None:
        """See that all is where it was left; move the checkpoint.

        Raises `StoreDown`, `StoreMoved`.
        """
        self._settle()
        with _asking():
            found = self._read()
        if found not in (self._checkpoint, self._before):
            raise StoreMoved(f"it is not at seq {self._checkpoint.seq} any more")

    def prune(self) -> int:
        """Drop parts all of whose rows are older than is kept; return how many.

        How old a row is, the newest one says that this process has written. Raises `StoreDown`.
        """
        dropped = 0
        with _asking():
            for name, cutoff_us in self._policy.cutoffs(self._newest_us).items():
                parts = self._connection.execute(sql.PARTITION_LIST.format(name).encode())
                old = [str(part) for part, newest_us in parts if int(str(newest_us)) < cutoff_us]
                if old:
                    names = ", ".join(f"'{one}'" for one in old)
                    drop = f"ALTER TABLE {name} DROP PARTITION LIST {names}"
                    self._connection.execute(drop.encode())
                    dropped += len(old)
        return dropped

    def close(self) -> None:
        """Close the connections; what was not sent is dropped."""
        self._sender.close(flush=False)
        self._connection.close()

    def _settle(self) -> None:
        """Move the checkpoint, if what was written can be read."""
        if self._written == self._checkpoint or time.monotonic() < self._settle_at_s:
            return
        self._settle_at_s = time.monotonic() + SETTLE_S
        with _asking():
            logs, applied = self._state()
            waiting = self._unsettled
            if waiting is None:
                waiting = self._unsettled = _Unsettled(self._written, logs)
            if any(applied.get(name, 0) < log for name, log in waiting.logs.items()):
                return
            self._move(waiting.place)
            self._unsettled = None

    def _state(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return how far each table's log is, and how far it was applied. Raises `StoreDown`."""
        logs: dict[str, int] = {}
        applied: dict[str, int] = {}
        for name, is_suspended, writer, sequencer in self._connection.execute(sql.STATE.encode()):
            if name in self._shapes or name == sql.CHECKPOINT:
                if is_suspended:
                    raise StoreDown(f"table {name} is suspended: ALTER TABLE {name} RESUME WAL")
                logs[str(name)], applied[str(name)] = int(str(sequencer)), int(str(writer))
        return logs, applied

    def _move(self, place: Checkpoint) -> None:
        cells = (FORM, self._genesis.hex(), place.seq, place.chain.hex())
        self._connection.execute(sql.MOVE_CHECKPOINT.encode(), cells)
        self._before, self._checkpoint = self._checkpoint, place

    def _read(self) -> Checkpoint | None:
        """Return the checkpoint; none where there is none. Raises `StoreRefused`."""
        row = self._connection.execute(sql.READ_CHECKPOINT.encode()).fetchone()
        if row is None:
            return None
        form, genesis, seq, chain = row
        if form != FORM:
            raise StoreRefused("STORE_SCHEMA", f"its tables are of form {form}, not {FORM}")
        require_genesis(str(genesis), self._genesis)
        return Checkpoint(int(str(seq)), bytes.fromhex(str(chain)))

    def _claim(self) -> Checkpoint:
        found = self._read()
        if found is None:
            found = Checkpoint(0, NO_CHAIN)
            cells = (FORM, self._genesis.hex(), found.seq, found.chain.hex())
            self._connection.execute(sql.MOVE_CHECKPOINT.encode(), cells)
            _await_row(self._connection)
        return found

    def _require_form(self) -> None:
        """See that no table was made by QuestDB itself, for rows. Raises `StoreRefused`."""
        for table in series_tables().values():
            rows = self._connection.execute(sql.COLUMNS.format(table.name).encode())
            if {tuple(row) for row in rows} != sql.columns_wanted(table):
                message = f"table {table.name} has other columns or another key"
                raise StoreRefused("STORE_SCHEMA", f"{message}: drop it, and it is made again")


class _Shape:
    """How a table's row is sent."""

    def __init__(self, table: Table) -> None:
        self._name = table.name
        kinds = [(column.name, column.kind) for column in table.columns]
        self._symbols = [(at, name) for at, (name, kind) in enumerate(kinds) if kind == "text"]
        self._longs = [
            (at, name) for at, (name, kind) in enumerate(kinds) if kind == "int" and name != "ts"
        ]
        self._minors = [(at, name) for at, (name, kind) in enumerate(kinds) if kind == "minor"]
        self._ts = table.names.index("ts")

    def add(self, sender: Sender, row: tuple[Any, ...]) -> None:
        from questdb import TimestampNanos

        columns: dict[str, Any] = {name: row[at] for at, name in self._longs}
        for at, name in self._minors:
            columns[name] = Decimal(row[at])
        sender.row(
            self._name,
            symbols={name: row[at] for at, name in self._symbols},
            columns=columns,
            at=TimestampNanos(1_000 * row[self._ts]),
        )


def wipe(address: SeriesAddress) -> None:
    """Empty all tables, the checkpoint first. Raises `StoreDown`."""
    with _asking(), closing(sql.connect(address)) as connection:
        sql.make_tables(connection)
        for name in (sql.CHECKPOINT, *series_tables()):
            connection.execute(f"TRUNCATE TABLE {name}".encode())


def _sender(address: SeriesAddress) -> Sender:
    try:
        from questdb import QuestDBError, Sender
    except ImportError:
        message = "QuestDB is filled by the package questdb: pip install 'coulisse[questdb]'"
        raise StoreRefused("STORE_DRIVER", message) from None
    parts = [f"addr={address.host}:{address.http_port}", "auto_flush=off", "retry_timeout=0"]
    parts.append(f"request_timeout={REQUEST_MS}")
    if address.user:
        quoted = [one.replace(";", ";;") for one in (address.user, address.password)]
        parts += [f"username={quoted[0]}", f"password={quoted[1]}"]
    try:
        sender = Sender.from_conf(f"http::{';'.join(parts)};")
        sender.establish()  # type: ignore[no-untyped-call]
    except QuestDBError as error:
        raise StoreDown(sql.said(error)) from None
    return sender


def _await_row(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Wait until the first checkpoint can be read. Raises `StoreDown`."""
    give_up_s = time.monotonic() + sql.CONNECT_S
    while connection.execute(sql.READ_CHECKPOINT.encode()).fetchone() is None:
        if time.monotonic() > give_up_s:
            raise StoreDown("what is written to QuestDB does not come to be read")


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise StoreDown(sql.said(error)) from None
