"""Holds what the clients of a soak know of their orders against what the node has in the end.

The record is written by `coulisse-bench soak`: what was sent, and what replies and execution
reports told of it. Against it stand the log, as a replica makes it again from its first record; the
store; and the history that the node answers. In each of them every order that was acknowledged has
to be there, once, under the id that the client was told, closed, and filled as far as it was told.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from coulisse import _core
from coulisse.client.client import Client
from coulisse.client.credentials import Credentials
from coulisse.client.history import Span
from coulisse.domain.errors import CoulisseError
from coulisse.node.store_check import verify
from coulisse.projections.tables import tables
from coulisse.store.sql.address import Address
from coulisse.store.sql.contents import at_one_moment, checkpoint
from coulisse.store.sql.schema import table

ORDER: Final = struct.Struct("<QII")
"""Order id, filled lots, flags."""
SENT, ACKED, REFUSED, ACCEPTED, CLOSED = 1, 2, 4, 8, 16
KNOWN: Final = ACKED | ACCEPTED | CLOSED
"""With one of them the node has said that the order is there."""
RECORDS_PER_CALL: Final = 20_000
ROWS_AT_A_TIME: Final = 5_000
LOTS: Final = 100_000
"""Of one unit of the base asset."""
TOLD_MAX: Final = 10
PUBLISHED_S: Final = 600.0
"""How long all of it may take, and the core may need to say how its log ends."""
DEEP_RECORDS_MAX: Final = 200_000
"""The reference fold in plain Python makes some 20,000 events a second: longer logs are compared
by balances, sums of the ledger and orders alone."""


@dataclass(slots=True)
class Held:
    """What came of a comparison."""

    orders: int = 0
    """That stand there."""
    lost: int | None = 0
    """That the node has said to be there, and are not; None where not all of it was there yet."""
    doubled: int = 0
    """That stand there twice."""
    unknown: int = 0
    """That nobody sent, or that were refused."""
    mismatched: int = 0
    """Whose id or fills are not those that the client was told."""
    left_open: int = 0
    """That have not closed."""

    @property
    def is_right(self) -> bool:
        """Whether nothing was found."""
        faults = (self.lost or 0, self.doubled, self.unknown, self.mismatched, self.left_open)
        return not any(faults)


class Record:
    """The clients' record, and which of its orders have been found somewhere."""

    def __init__(self, path: Path) -> None:
        """Open it."""
        size = path.stat().st_size
        if size == 0 or size % ORDER.size:
            raise CoulisseError(f"{path}: {size} bytes are no whole record of any order")
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._seen = bytearray(size // ORDER.size)
        self.held = Held()
        self.told: list[str] = []

    def take(
        self,
        client_order_id: str,
        order_id: int,
        filled: int,
        is_closed: bool,
        *,
        may_be_open: bool = False,
    ) -> None:
        """See an order that stands somewhere."""
        held = self.held
        held.orders += 1
        place = int(client_order_id) if client_order_id.isdecimal() else -1
        if not 0 <= place < len(self._seen):
            held.unknown += 1
            self._tell(f"order {order_id}, {client_order_id!r}: nobody sent it")
            return
        known_id, known_filled, flags = ORDER.unpack_from(self._bytes, place * ORDER.size)
        if self._seen[place]:
            held.doubled += 1
            self._tell(f"order {order_id}, {client_order_id}: it stands there twice")
        self._seen[place] = 1
        if not flags & KNOWN:
            held.unknown += 1
            self._tell(f"order {order_id}, {client_order_id}: nobody was told of it: {flags}")
        elif known_id != order_id or (is_closed and flags & CLOSED and known_filled != filled):
            held.mismatched += 1
            self._tell(f"{order_id} filled {filled}, told: {known_id} filled {known_filled}")
        if not is_closed and not may_be_open:
            held.left_open += 1
            self._tell(f"order {order_id}, {client_order_id}: it has not closed")

    def end(self, *, is_whole: bool = True) -> dict[str, Any]:
        """Count what was not found, and return the figures."""
        if is_whole:
            for place, (order_id, _, flags) in enumerate(ORDER.iter_unpack(self._bytes)):
                if flags & KNOWN and not self._seen[place]:
                    assert self.held.lost is not None, "counted from 0"
                    self.held.lost += 1
                    self._tell(f"order {order_id}, {place}: lost")
        else:
            self.held.lost = None
        return {**asdict(self.held), "is_right": self.held.is_right, "told": self.told}

    def _tell(self, what: str) -> None:
        if len(self.told) < TOLD_MAX:
            self.told.append(what)


def check_log(data_dir: str, record: str, end_seq: int) -> dict[str, Any]:
    """Compare with the orders that the log makes, from its first record to `end_seq`."""
    kept = Record(Path(record))
    open_orders: dict[int, str] = {}
    for order_id, named, filled, is_closed in _orders_of_log(data_dir, end_seq):
        name = open_orders.pop(order_id, "") if named is None else named
        if is_closed:
            kept.take(name, order_id, filled, is_closed)
        else:
            open_orders[order_id] = name
    for order_id, name in open_orders.items():
        kept.take(name, order_id, 0, False)
    return {"seq": end_seq, **kept.end()}


def _orders_of_log(data_dir: str, end_seq: int) -> Iterator[tuple[int, str | None, int, bool]]:
    """Yield what the log says of each order: id, name (None: as before), filled, if it closed."""
    replica = _core.Replica(data_dir=data_dir, newest_seq=0, only_one=False)
    replica.follow(0, bytes(32))
    names = table("orders").c.keys()
    changing = tables()["orders"].changing
    of_new = [names.index(name) for name in ("client_order_id", "filled", "closed_seq")]
    # A row that changes has the key in front.
    of_changed = [1 + changing.index(name) for name in ("filled", "closed_seq")]
    give_up_s = time.monotonic() + PUBLISHED_S
    while replica.seq < end_seq:
        if replica.catch_up(RECORDS_PER_CALL) == 0 and time.monotonic() > give_up_s:
            raise CoulisseError(f"the log is told up to seq {replica.seq}, not {end_seq}")
        rows = replica.take_rows()
        for name, is_change, _ in rows.parts() if rows is not None else ():
            if name != "orders" or rows is None:
                continue
            for row in rows.tuples(name, is_change):
                filled, closed = (row[place] for place in (of_changed if is_change else of_new[1:]))
                text = None if is_change else str(row[of_new[0]])
                yield int(row[0] or 0), text, int(filled or 0), bool(closed)


def check_store(address: str, data_dir: str, record: str, end_seq: int) -> dict[str, Any]:
    """Compare with the orders of the store, and the store with the core.

    `end_seq` is the seq of the last order: a store that has not come so far lacks some.
    """
    where = Address.from_json(address)
    kept = Record(Path(record))
    of = table("orders").c
    with at_one_moment(where) as connection:
        seq = checkpoint(connection).seq
        select = sa.select(of.client_order_id, of.order_id, of.filled, of.closed_seq)
        streaming = connection.execution_options(yield_per=ROWS_AT_A_TIME)
        is_whole = seq >= end_seq
        for name, order_id, filled, closed_seq in streaming.execute(select):
            kept.take(name, order_id, filled, closed_seq > 0, may_be_open=not is_whole)
        filled = connection.scalar(sa.select(sa.func.sum(of.filled)))
        lots = connection.scalar(sa.select(sa.func.sum(table("fills").c.qty)))
    is_deep = end_seq <= DEEP_RECORDS_MAX
    report = verify(where, data_dir, is_deep=is_deep)
    return {
        "seq": seq,
        "is_whole": is_whole,
        "orders": kept.end(is_whole=is_whole),
        "fills_sum_equal": filled == lots,
        "verified_seq": report.seq,
        "differences": report.differences,
        "differences_told": report.told,
        "ledger_entries": report.ledger,
        "rows_compared_by_hash": report.rows,
    }


async def check_history(
    url: str, keys: list[tuple[str, str]], record: str, newest: int, min_seq: int | None
) -> dict[str, Any]:
    """Compare with the newest closed orders that the node's history tells each account.

    `keys` are (key id, private key). What is older was not asked for, and so not lost.
    """
    kept = Record(Path(record))
    open_orders = 0
    span: Span = {} if min_seq is None else {"min_seq": min_seq}
    for key_id, private in keys:
        credentials = Credentials(url, key_id, private)
        async with await Client.connect(credentials=credentials) as client:
            open_orders += len(await client.open_orders())
            async for closed in client.orders_history(most=newest, **span):
                order = closed.order
                filled = int(order.filled * LOTS)
                kept.take(order.client_order_id or "", int(order.order_id), filled, True)
    return {"open_orders": open_orders, **kept.end(is_whole=False)}
