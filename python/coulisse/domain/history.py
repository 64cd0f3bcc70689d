"""History as Python sees it: orders that are closed, and entries of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from coulisse.domain.money import to_decimal
from coulisse.domain.orders import Order, order_from_wire

Item = Mapping[str, object]
_ROW_KEYS: Final = frozenset({"notional", "accepted_seq", "accepted_time", "seq", "time"})


@dataclass(frozen=True, slots=True)
class ClosedOrder:
    """An order that is closed. Times are in microseconds since the epoch."""

    order: Order
    """As it was in the end; its `reason` says why it closed."""
    notional: Decimal | None
    """What a market order by notional was to trade for; its `qty` is then what was filled."""
    accepted_seq: int
    accepted_us: int
    seq: int
    """Where it closed."""
    time_us: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Money that came to an account, or went from it."""

    seq: int
    time_us: int
    """When, in microseconds since the epoch."""
    asset: str
    change: Decimal
    """Negative for what went."""
    kind: str
    """`deposit`, `withdrawal`, `trade`, `fee` or `rebate`."""
    symbol: str | None = None
    trade_id: int | None = None
    order_id: int | None = None
    """The account's order that it was paid for."""


def _whole(item: Item, name: str) -> int:
    return int(str(item[name]))


def _whole_or_none(item: Item, name: str) -> int | None:
    return _whole(item, name) if name in item else None


def closed_order_from_wire(item: Item) -> ClosedOrder:
    """Read a row of `orders.history`."""
    kept = {name: value for name, value in item.items() if name not in _ROW_KEYS}
    notional = item.get("notional")
    return ClosedOrder(
        order=order_from_wire({"qty": item["filled"], **kept}, _whole(item, "seq")),
        notional=None if notional is None else to_decimal(str(notional)),
        accepted_seq=_whole(item, "accepted_seq"),
        accepted_us=_whole(item, "accepted_time"),
        seq=_whole(item, "seq"),
        time_us=_whole(item, "time"),
    )


def entry_from_wire(item: Item) -> LedgerEntry:
    """Read a row of `ledger.get`."""
    symbol = item.get("symbol")
    return LedgerEntry(
        seq=_whole(item, "seq"),
        time_us=_whole(item, "time"),
        asset=str(item["asset"]),
        change=to_decimal(str(item["change"])),
        kind=str(item["kind"]),
        symbol=None if symbol is None else str(symbol),
        trade_id=_whole_or_none(item, "trade_id"),
        order_id=_whole_or_none(item, "order_id"),
    )
