"""What became of a request: done, refused, or not known.

A request ends in exactly one of three ways, and the type says which:

- `OrderResult` (or another result): it was done, and is durable.
- `Rejected`: it was refused and changed nothing. `state` says whether it reached the log.
- `Unknown`: the connection was lost first. Send it again with the same client order id: a
  request that did get through is then answered with what became of it, and not done twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from coulisse.domain.money import as_text, to_decimal

CLOSED_STATES: Final = frozenset({"filled", "cancelled", "expired", "rejected"})
"""States from which an order does not come back."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused request."""

    code: str
    """The code of the reject table, as `INSUFFICIENT_BALANCE`."""
    message: str
    """The same in words, with the offending value."""
    state: str = "rejected"
    """`not_sent`: it never reached the log. `rejected`: it did, and changed nothing."""
    field: str | None = None
    """The field or limit it is about."""
    value: str | None = None
    """The offending value."""
    limit: str | None = None
    """The bound that was broken."""

    def __str__(self) -> str:
        return self.message if self.code in self.message else f"{self.code}: {self.message}"

    def to_wire(self) -> dict[str, object]:
        """Return the error object of the protocol."""
        named = {"field": self.field, "value": self.value, "limit": self.limit}
        given = {name: text for name, text in named.items() if text is not None}
        return {"code": self.code, "message": self.message, **given, "state": self.state}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A request whose answer was lost with the connection: it was done, or it was not."""

    client_order_id: str | None = None
    """Send the same request with this id again to learn what became of it."""
    state: str = "unknown"


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What became of an order request; durable when you hold it."""

    state: str
    """`open`, `waiting`, `filled`, `cancelled`, `expired` or `rejected`."""
    order_id: int | None = None
    client_order_id: str | None = None
    symbol: str | None = None
    seq: int | None = None
    """The seq of the log at which this holds."""
    filled: Decimal | None = None
    """What is filled of the order, in base."""
    remaining: Decimal | None = None
    """What is left of it, in base."""
    duplicate: bool = False
    """The same request was done before; this is what became of it then."""
    error: Rejected | None = None
    """Why it was refused, where it was."""
    more: Mapping[str, object] = field(default_factory=dict)
    """What else the reply said: times, fees, the first seq of a duplicate."""

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return self.error is None

    def to_wire(self) -> dict[str, object]:
        """Return what JSON shows: ids and numbers as texts, absent things left out."""
        shown: dict[str, object] = {
            "ok": self.ok,
            "order_id": None if self.order_id is None else str(self.order_id),
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "state": self.state,
            "filled": None if self.filled is None else as_text(self.filled),
            "remaining": None if self.remaining is None else as_text(self.remaining),
            "seq": self.seq,
            "duplicate": self.duplicate or None,
            "error": None if self.error is None else self.error.to_wire(),
            **self.more,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CancelAllResult:
    """How many orders a cancel-all ended."""

    count: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class CancelAfterResult:
    """When everything will be cancelled; None for never."""

    deadline_us: int | None
    """In microseconds since the epoch."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """The two results of a replacement: each was done or refused by itself."""

    cancel: OrderResult | Rejected | None
    """What became of the old order; None where the new one was placed before: then nothing was
    cancelled."""
    place: OrderResult | Rejected
    """What became of the new one."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class ListResult:
    """What became of orders that were placed together."""

    list_id: int
    """The order id of leg 0."""
    orders: tuple[OrderResult, ...]
    """Each leg, in order; of a list that was placed before, leg 0 alone."""
    duplicate: bool = False
    seq: int | None = None


_KNOWN = frozenset(
    {"order_id", "client_order_id", "symbol", "state", "seq", "filled", "remaining", "duplicate"}
)


def rejected_from_wire(error: Mapping[str, object]) -> Rejected:
    """Read the error object of the protocol."""

    def text(name: str) -> str | None:
        value = error.get(name)
        return None if value is None else str(value)

    code = text("code") or "UNKNOWN"
    return Rejected(
        code=code,
        # The wire has the code in front of the words, too: who prints both would say it twice.
        message=(text("message") or "").removeprefix(f"{code}: "),
        state=text("state") or "rejected",
        field=text("field"),
        value=text("value"),
        limit=text("limit"),
    )


def order_result_from_wire(result: Mapping[str, object]) -> OrderResult:
    """Read the result of an order request."""

    def number(name: str) -> Decimal | None:
        value = result.get(name)
        return None if value is None else to_decimal(str(value))

    order_id = result.get("order_id")
    seq = result.get("seq")
    client_order_id = result.get("client_order_id")
    symbol = result.get("symbol")
    return OrderResult(
        state=str(result.get("state", "unknown")),
        order_id=None if order_id is None else int(str(order_id)),
        client_order_id=str(client_order_id) if client_order_id else None,
        symbol=None if symbol is None else str(symbol),
        seq=None if seq is None else int(str(seq)),
        filled=number("filled"),
        remaining=number("remaining"),
        duplicate=bool(result.get("duplicate", False)),
        more={name: value for name, value in result.items() if name not in _KNOWN},
    )


def replace_result_from_wire(result: Mapping[str, object]) -> ReplaceResult:
    """Read the result of a replacement."""
    cancel = result.get("cancel")
    return ReplaceResult(
        cancel=None if cancel is None else _part(cancel),
        place=_part(result["place"]),
        seq=int(str(result["seq"])),
    )


def _part(part: object) -> OrderResult | Rejected:
    assert isinstance(part, Mapping), "each result is an object"
    error = part.get("error")
    return rejected_from_wire(error) if isinstance(error, Mapping) else order_result_from_wire(part)


def list_result_from_wire(result: Mapping[str, object]) -> ListResult:
    """Read the result of a list of orders."""
    seq = int(str(result["seq"]))
    orders = result["orders"]
    assert isinstance(orders, list), "legs stand in an array"
    found = tuple(order_result_from_wire(order) for order in orders)
    is_again = bool(result.get("duplicate", False))
    return ListResult(int(str(result["list_id"])), found, duplicate=is_again, seq=seq)
