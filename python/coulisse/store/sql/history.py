"""Pages of history, read off the store.

Rows come from the newest place to the oldest, where a place is (seq, item), and each page is read
by an index from where it begins, so it costs what it shows, however long the history is. What an
index has no room for (an instrument, an asset) is looked for among `LOOK_ROWS` rows at most.

Several threads may ask one reader at once.

Invariant: all of a page is of one moment, at which the store had come to the seq that it says.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from coulisse.store.errors import StoreDown
from coulisse.store.files import reading
from coulisse.store.sql import statements
from coulisse.store.sql.address import Address
from coulisse.store.sql.writer import require_genesis

if TYPE_CHECKING:
    import psycopg

LOOK_ROWS: Final = 20_000
"""Rows of an account that are looked at for a page of one instrument or asset: some 10 ms."""
ANSWER_MS: Final = 3_000
"""No statement of a page takes so long."""
NEVER_US: Final = 2**53 - 1
"""As the end of a span: there is none."""
Row = tuple[Any, ...]
Place = tuple[int, int]
Found = tuple[list[Row], Place | None]
Query = Callable[[str, Sequence[object]], list[Row]]
"""Runs a statement with `?` for its parameters."""

ORDER: Final = (
    "o.order_id, o.instrument, o.side, o.order_type, o.tif, o.post_only, o.notional, "
    "o.client_order_id, o.accepted_seq, o.accepted_ns, o.qty, o.price, o.state, o.reason, "
    "o.filled, o.remaining"
)
NOTIONAL: Final = 9
"""Where an order's notional stands, behind its place, its time and what comes before it."""
TERMS: Final = (
    "t.self_trade, t.trigger_type, t.trigger_on, t.trigger_price, t.trail, t.display_qty, "
    "t.min_qty, t.peg, t.peg_offset, t.reduce_only, t.expire_ns"
)
WITH_TERMS: Final = "LEFT JOIN order_terms t ON t.order_id = o.order_id"
FILL: Final = (
    "e.seq, e.item, e.time_ns, e.order_id, e.instrument, e.trade_id, e.side, e.role, e.price, "
    "e.qty, e.notional, e.fee, e.filled, e.remaining, e.client_order_id"
)
ENTRY: Final = (
    "e.seq, e.item, e.time_ns, e.asset, e.amount, e.kind, e.instrument, e.trade_id, e.order_id, "
    "e.debit, e.credit"
)
NEWEST: Final = "ORDER BY e.seq DESC, e.item DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of an account's history, as `crates/gateway/src/history` asks for it."""

    number: int
    op: str
    account: int
    instrument: int | None
    asset: int | None
    order_id: int
    """0: any."""
    client_order_id: str
    """Empty: any."""
    from_us: int
    to_us: int
    from_seq: int
    """Only behind this seq."""
    before: Place | None
    limit: int
    orders: tuple[int, ...] = ()
    """Not a page, but these orders."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the store has of it."""

    seq: int
    """How far the store had come."""
    rows: list[Row]
    """One more than the page has, where there are so many."""
    looked_to: Place | None = None
    """Where it stopped looking; None where it looked at everything."""


class Reader(Protocol):
    """Reads a store."""

    def page(self, asked: Asked) -> Page:
        """Read a page. Raises `StoreDown`, and `StoreRefused` for another journal's store."""

    def close(self) -> None:
        """Close what is open."""


def open_reader(address: Address, genesis: bytes) -> Reader:
    """Return what reads the store of the journal `genesis`; it connects when it is asked."""
    of = _Sqlite if address.backend == "sqlite" else _Postgresql
    return of(address, genesis)


def page_of(query: Query, asked: Asked, genesis: bytes, look_rows: int = LOOK_ROWS) -> Page:
    """Read a page with the statements of one moment. Raises `StoreRefused`."""
    found, seq, _ = query(statements.CHECKPOINT, ())[0]
    # Nothing was written yet: it is whose who comes first.
    if found:
        require_genesis(found, genesis)
    if asked.orders:
        return Page(seq, _orders_by_id(query, asked))
    span = _Span.of(query, asked, seq)
    kinds = {"orders.history": _orders, "fills.history": _fills, "ledger.get": _ledger}
    rows, looked_to = kinds[asked.op](query, asked, span, look_rows)
    return Page(seq, rows, looked_to)


@dataclass(frozen=True, slots=True)
class _Span:
    """Which part of history is asked for, as conditions on `e`."""

    where: str
    values: tuple[object, ...]

    @classmethod
    def of(cls, query: Query, asked: Asked, seq: int) -> _Span:
        where, values = ["e.seq > ?"], [asked.from_seq]
        if asked.before is not None:
            where.append("(e.seq, e.item) < (?, ?)")
            values += asked.before
        if asked.from_us > 0:
            from_ns = asked.from_us * 1_000
            where += ["e.seq > ?", "e.time_ns >= ?"]
            values += [_edge(query, from_ns, seq)[0], from_ns]
        if asked.to_us < NEVER_US:
            to_ns = asked.to_us * 1_000
            where += ["e.seq < ?", "e.time_ns < ?"]
            values += [_edge(query, to_ns, seq)[1], to_ns]
        return cls(" AND ".join(where), tuple(values))

    def of_few(self) -> _Span:
        """Return it as conditions that are no way to rows, for where there is a better one."""
        where = self.where.replace("(e.seq, e.item)", "(+e.seq, +e.item)")
        return _Span(
            where.replace("e.seq >", "+e.seq >").replace("e.seq <", "+e.seq <"), self.values
        )

    def down_to(self, place: Place | None) -> _Span:
        """Return the part of it that stands at a place or behind it."""
        if place is None:
            return self
        return _Span(f"{self.where} AND (e.seq, e.item) >= (?, ?)", (*self.values, *place))


def _edge(query: Query, time_ns: int, last_seq: int) -> tuple[int, int]:
    """Return two seqs: what happened up to the first is before a time, from the second on not.

    Times only grow with seqs, so they are halved: some 30 look-ups by the key.
    """
    newest = (
        "SELECT seq, time_ns FROM order_events WHERE seq <= ? ORDER BY seq DESC, item DESC LIMIT 1"
    )
    before, low, high = 0, 0, last_seq + 1
    while high - low > 1:
        middle = (low + high) // 2
        row = next(iter(query(newest, (middle,))), None)
        if row is None or row[1] < time_ns:
            before, low = (before if row is None else row[0]), middle
        else:
            high = row[0]
    return before, high


def _window(
    query: Query, table: str, where: str, values: Sequence[object], look_rows: int
) -> Place | None:
    """Return the place of the last row that may be looked at; None where there are not so many."""
    last = (
        f"SELECT e.seq, e.item FROM {table} e WHERE {where} "
        "ORDER BY e.seq DESC, e.item DESC LIMIT 1 OFFSET ?"
    )
    row = next(iter(query(last, (*values, look_rows - 1))), None)
    return None if row is None else (row[0], row[1])


def _closed(row: Row) -> Row:
    return (*row[:NOTIONAL], int(row[NOTIONAL]), *row[NOTIONAL + 1 :])


def _orders_by_id(query: Query, asked: Asked) -> list[Row]:
    marks = ", ".join("?" * len(asked.orders))
    select = (
        f"SELECT 0, 0, 0, {ORDER}, {TERMS} FROM orders o {WITH_TERMS} "
        f"WHERE o.order_id IN ({marks}) AND o.account = ?"
    )
    return [_closed(row) for row in query(select, (*asked.orders, asked.account))]


COLUMNS: Final = f"SELECT e.seq, e.item, e.time_ns, {ORDER}, {TERMS}"


def _orders(query: Query, asked: Asked, span: _Span, look_rows: int) -> Found:
    if asked.order_id or asked.client_order_id:
        return _orders_by_name(query, asked, span), None
    account = "e.account = ? AND e.kind = 'closed'"
    head: tuple[object, ...] = (asked.account,)
    looked_to, of = None, ""
    if asked.instrument is not None:
        where = f"{account} AND {span.where}"
        looked_to = _window(query, "order_events", where, (*head, *span.values), look_rows)
        span, of = span.down_to(looked_to), " AND e.instrument = ?"
        head = (asked.account, asked.instrument)
    select = (
        f"{COLUMNS} FROM order_events e CROSS JOIN orders o {WITH_TERMS} "
        f"WHERE {account}{of} AND {span.where} AND o.order_id = e.order_id {NEWEST}"
    )
    rows = query(select, (*head, *span.values, asked.limit + 1))
    return [_closed(row) for row in rows], looked_to


def _orders_by_name(query: Query, asked: Asked, span: _Span) -> list[Row]:
    span = span.of_few()
    where = ["+o.account = ?"]
    values: list[object] = [asked.account]
    if asked.order_id:
        where.append("o.order_id = ?")
        values.append(asked.order_id)
    if asked.client_order_id:
        # The second says no more, and opens the index.
        where += ["o.client_order_id = ?", "o.client_order_id <> ''"]
        values.append(asked.client_order_id)
    if asked.instrument is not None:
        where.append("o.instrument = ?")
        values.append(asked.instrument)
    select = (
        f"{COLUMNS} FROM orders o CROSS JOIN order_events e {WITH_TERMS} "
        f"WHERE {' AND '.join(where)} AND e.order_id = o.order_id AND e.kind || '' = 'closed' "
        f"AND {span.where} {NEWEST}"
    )
    return [_closed(row) for row in query(select, (*values, *span.values, asked.limit + 1))]


def _fills(query: Query, asked: Asked, span: _Span, look_rows: int) -> Found:
    where, looked_to = "e.account = ?", None
    head: tuple[object, ...] = (asked.account,)
    if asked.order_id:
        where, head = "+e.account = ? AND e.order_id = ?", (asked.account, asked.order_id)
        span = span.of_few()
    elif asked.instrument is not None:
        of_account = f"{where} AND {span.where}"
        looked_to = _window(query, "fills", of_account, (*head, *span.values), look_rows)
        span = span.down_to(looked_to)
    if asked.instrument is not None:
        where, head = f"{where} AND e.instrument = ?", (*head, asked.instrument)
    select = f"SELECT {FILL} FROM fills e WHERE {where} AND {span.where} {NEWEST}"
    rows = query(select, (*head, *span.values, asked.limit + 1))
    return [(*row[:10], int(row[10]), int(row[11]), *row[12:]) for row in rows], looked_to


def _ledger(query: Query, asked: Asked, span: _Span, look_rows: int) -> Found:
    account = asked.account
    # An entry from an account to itself is found as what it gave.
    sides = (("e.debit = ?", (account,)), ("e.credit = ? AND e.debit <> ?", (account, account)))
    looked_to, of = None, ""
    of_values: tuple[object, ...] = ()
    if asked.asset is not None:
        ends = [
            _window(
                query, "ledger", f"{where} AND {span.where}", (*values, *span.values), look_rows
            )
            for where, values in sides
        ]
        looked_to = max(filter(None, ends), default=None)
        span, of, of_values = span.down_to(looked_to), " AND e.asset = ?", (asked.asset,)
    found: list[Row] = []
    for where, values in sides:
        select = f"SELECT {ENTRY} FROM ledger e WHERE {where}{of} AND {span.where} {NEWEST}"
        found += query(select, (*values, *of_values, *span.values, asked.limit + 1))
    found.sort(key=lambda row: row[:2], reverse=True)
    return [_entry(row, account) for row in found[: asked.limit + 1]], looked_to


def _entry(row: Row, account: int) -> Row:
    """Return an entry as one account sees it: who the other is, and its order, is the other's."""
    *head, amount, kind, instrument, trade_id, order_id, debit, credit = row
    change = int(amount) * ((credit == account) - (debit == account))
    is_own = debit == account or kind == "rebate"
    return (*head, change, kind, instrument, trade_id, order_id if is_own else 0)


class _Sqlite:
    def __init__(self, address: Address, genesis: bytes) -> None:
        self._file = address.target
        self._genesis = genesis

    def page(self, asked: Asked) -> Page:
        with reading(self._file) as connection:
            return page_of(_rows_of(connection), asked, self._genesis)

    def close(self) -> None:
        """Nothing is kept open."""


def _rows_of(connection: sqlite3.Connection) -> Query:
    return lambda statement, values: connection.execute(statement, values).fetchall()


class _Postgresql:
    """Connections that are kept between two questions, as many as there were at once."""

    # Rows are told in the order of an index, whatever old statistics say of how many there are.
    SESSION: Final = (
        f"SET statement_timeout = {ANSWER_MS}; SET jit = off; SET enable_seqscan = off; "
        "SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
        "SET default_transaction_read_only = on; "
        "SET default_transaction_isolation = 'repeatable read'"
    )

    def __init__(self, address: Address, genesis: bytes) -> None:
        self._url = address.target
        self._genesis = genesis
        self._free: LifoQueue[psycopg.Connection] = LifoQueue()

    def page(self, asked: Asked) -> Page:
        # A process that never reads of it loads nothing of it.
        import psycopg

        from coulisse.store.sql.postgresql import said

        try:
            with contextlib.suppress(Empty):
                kept = self._free.get_nowait()
                try:
                    return self._ask(kept, asked)
                except psycopg.OperationalError:
                    # One that was kept may have outlived its server.
                    if not kept.broken:
                        raise
            return self._ask(self._connect(), asked)
        except psycopg.Error as error:
            raise StoreDown(said(error)) from None

    def _connect(self) -> psycopg.Connection:
        from coulisse.store.sql.postgresql import connect

        connection = connect(self._url)
        try:
            connection.execute(self.SESSION)
        except BaseException:
            connection.close()
            raise
        return connection

    def _ask(self, connection: psycopg.Connection, asked: Asked) -> Page:
        try:
            with connection.transaction():
                return page_of(_query_of(connection), asked, self._genesis)
        finally:
            if connection.broken:
                connection.close()
            else:
                self._free.put(connection)

    def close(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._free.get_nowait().close()


def _query_of(connection: psycopg.Connection) -> Query:
    def query(statement: str, values: Sequence[object]) -> list[Row]:
        return connection.execute(statement.replace("?", "%s").encode(), values).fetchall()

    return query
