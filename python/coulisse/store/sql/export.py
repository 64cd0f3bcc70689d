"""Rows of a store as tables for other programs: names for numbers, decimals for ticks and lots.

Rows come in the order of the log, those of one moment, streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from coulisse import _core
from coulisse.domain.market import CandleCells
from coulisse.store.sql.address import Address
from coulisse.store.sql.contents import at_one_moment, checkpoint
from coulisse.store.sql.schema import table
from coulisse.store.sql.words import Words, iso

ROWS_AT_A_TIME: Final = 5_000
Cells = tuple[str, ...]
Row = Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export."""

    what: str
    from_ns: int = 0
    to_ns: int = 2**63 - 1
    """Rows from the first time on, before the second."""
    interval: str = "1m"
    """Of candles."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How rows of one kind are read and written."""

    table: str
    time: str
    order: tuple[str, ...]
    head: Cells
    cells: Callable[[Words, Row], Cells]


def _trade(words: Words, row: Row) -> Cells:
    of = words.instruments[row.instrument]
    return (iso(row.time_ns), str(row.seq), of.symbol, str(row.trade_id), of.price(row.price),
            of.qty(row.qty), row.taker_side, str(row.maker_order_id),
            str(row.taker_order_id))  # fmt: skip


def _order(words: Words, row: Row) -> Cells:
    of = words.instruments[row.instrument]
    return (iso(row.accepted_ns), str(row.accepted_seq), str(row.order_id),
            words.accounts[row.account], of.symbol, row.side, row.order_type, row.tif,
            of.qty(row.qty), of.price(row.price), row.state, row.reason, of.qty(row.filled),
            of.qty(row.remaining), iso(row.closed_ns), row.client_order_id)  # fmt: skip


def _fill(words: Words, row: Row) -> Cells:
    of = words.instruments[row.instrument]
    return (iso(row.time_ns), str(row.seq), words.accounts[row.account], of.symbol,
            str(row.order_id), str(row.trade_id), row.side, row.role, of.price(row.price),
            of.qty(row.qty), of.quote.amount(row.notional), of.quote.amount(row.fee),
            row.client_order_id)  # fmt: skip


def _entry(words: Words, row: Row) -> Cells:
    of = words.assets[row.asset]
    return (iso(row.time_ns), str(row.seq), str(row.item), of.name, words.party(row.debit),
            words.party(row.credit), of.amount(row.amount), row.kind,
            words.symbol(row.instrument), str(row.trade_id), str(row.order_id))  # fmt: skip


KINDS: Final[Mapping[str, Kind]] = {
    "trades": Kind(
        "trades", "time_ns", ("seq", "instrument", "trade_id"),
        ("time", "seq", "symbol", "trade_id", "price", "qty", "taker_side", "maker_order_id",
         "taker_order_id"),
        _trade,
    ),
    "orders": Kind(
        "orders", "accepted_ns", ("order_id",),
        ("accepted", "seq", "order_id", "account", "symbol", "side", "type", "tif", "qty", "price",
         "state", "reason", "filled", "remaining", "closed", "client_order_id"),
        _order,
    ),
    "fills": Kind(
        "fills", "time_ns", ("seq", "item"),
        ("time", "seq", "account", "symbol", "order_id", "trade_id", "side", "role", "price", "qty",
         "notional", "fee", "client_order_id"),
        _fill,
    ),
    "ledger": Kind(
        "ledger", "time_ns", ("seq", "item"),
        ("time", "seq", "item", "asset", "debit", "credit", "amount", "kind", "symbol", "trade_id",
         "order_id"),
        _entry,
    ),
}  # fmt: skip
CANDLES: Final = ("start", "symbol", "open", "high", "low", "close", "qty", "trades", "last_seq")
NAMES: Final = (*KINDS, "candles")


def export(
    address: Address, wanted: Wanted, progress: Callable[[int, int], None]
) -> Iterator[Cells]:
    """Yield the head and then the rows. Raises `StoreDown`.

    `progress` is told (seq so far, seq of the store).
    """
    with at_one_moment(address) as connection:
        words, last_seq = Words(connection), checkpoint(connection).seq
        streaming = connection.execution_options(yield_per=ROWS_AT_A_TIME)
        if wanted.what == "candles":
            yield CANDLES
            yield from _candles(streaming, words, wanted, lambda seq: progress(seq, last_seq))
            return
        kind = KINDS[wanted.what]
        yield kind.head
        for number, row in enumerate(streaming.execute(_select(kind, wanted))):
            if number % ROWS_AT_A_TIME == 0:
                progress(row.accepted_seq if wanted.what == "orders" else row.seq, last_seq)
            yield kind.cells(words, row)


def _select(kind: Kind, wanted: Wanted) -> sa.Select[Any]:
    of = table(kind.table)
    time_ns = of.c[kind.time]
    within = sa.and_(time_ns >= wanted.from_ns, time_ns < wanted.to_ns)
    return sa.select(of).where(within).order_by(*(of.c[name] for name in kind.order))


def _candles(
    connection: sa.Connection, words: Words, wanted: Wanted, progress: Callable[[int], None]
) -> Iterator[Cells]:
    """Fold trades into intervals in UTC, as the feeds do; one without a trade has no row."""
    of = table("trades")
    for instrument in words.instruments:
        select = _select(KINDS["trades"], wanted).where(of.c.instrument == instrument)
        fold = _core.Candles(wanted.interval)
        for rows in connection.execute(select).partitions():
            progress(rows[-1].seq)
            trades = [(row.time_ns // 1_000, row.price, row.qty, row.seq) for row in rows]
            for candle in fold.add(trades):
                yield _candle(words, instrument, candle)
        last = fold.last()
        if last is not None:
            yield _candle(words, instrument, last)


def _candle(words: Words, instrument: int, candle: CandleCells) -> Cells:
    of = words.instruments[instrument]
    start_us, seq, first, high, low, close, qty, _, trades = candle
    prices = map(of.price, (first, high, low, close))
    return iso(start_us * 1_000), of.symbol, *prices, of.qty(qty), str(trades), str(seq)
