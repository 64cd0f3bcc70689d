"""Orders, trades, fills, balances and instruments, as Python sees them: money as `Decimal`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from coulisse.domain.money import as_text, to_decimal

OrderKey = int | str
"""What names an order: the engine's number, or whatever the user of an `OrderBook` chose."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What can be traded, with its rules."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    """Smallest price step."""
    lot_size: Decimal
    """Smallest quantity step."""
    min_qty: Decimal = Decimal(0)
    max_qty: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    maker_fee: Decimal = Decimal(0)
    """Part of the notional that the resting side pays."""
    taker_fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """One match, as the market sees it."""

    symbol: str
    price: Decimal
    qty: Decimal
    side: str
    """The side that arrived."""
    trade_id: int
    maker_order_id: OrderKey | None = None
    """The order that rested, where it is known."""
    taker_order_id: OrderKey | None = None
    time_us: int | None = None
    """When the log took it, in microseconds since the epoch."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands."""

    order_id: OrderKey
    symbol: str
    side: str
    price: Decimal | None
    """The limit; None for a market order."""
    qty: Decimal
    """What is asked for in all, fills included."""
    remaining: Decimal
    """What is left."""
    filled: Decimal = Decimal(0)
    state: str = "open"
    reason: str | None = None
    """Why it closed, where it did."""
    client_order_id: str | None = None
    seq: int | None = None
    type: str | None = None
    trigger_price: Decimal | None = None
    terms: Mapping[str, object] = field(default_factory=dict)
    """What else it has, as on the wire: `tif`, `trail`, `display_qty`, `peg` and such."""


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """Something that happened to an order; what did not change with it is None."""

    event: str
    """`accepted`, `filled`, `rested`, `amended`, `triggered`, `refreshed`, `repriced`,
    `decremented`, `closed`, `list_placed`; `image`: it was open already."""
    order_id: int
    symbol: str
    client_order_id: str | None = None
    side: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None
    filled: Decimal | None = None
    remaining: Decimal | None = None
    state: str | None = None
    reason: str | None = None
    type: str | None = None
    trigger_price: Decimal | None = None
    terms: Mapping[str, object] = field(default_factory=dict)
    """What else was said of it, as on the wire: `trail`, `display_qty`, `peg`, `legs` and such."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One match, as one of its two orders sees it."""

    trade_id: int
    order_id: int
    symbol: str
    side: str
    role: str
    """`maker` or `taker`."""
    price: Decimal
    qty: Decimal
    fee: Decimal
    client_order_id: str | None = None
    time_us: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has of one asset."""

    asset: str
    available: Decimal
    held: Decimal
    """What its open orders hold."""

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.available + self.held


_ORDER_KEYS: Final = frozenset(
    {
        "event", "order_id", "symbol", "client_order_id", "side", "price", "qty", "filled",
        "remaining", "state", "reason", "type", "trigger_price",
    }
)  # fmt: skip


def _number(item: Mapping[str, object], name: str) -> Decimal:
    return to_decimal(str(item[name]))


def _number_or_zero(item: Mapping[str, object], name: str) -> Decimal:
    return to_decimal(str(item.get(name) or "0"))


def _number_or_none(item: Mapping[str, object], name: str) -> Decimal | None:
    value = item.get(name)
    return None if value is None else to_decimal(str(value))


def _whole(item: Mapping[str, object], name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(str(value))


def _text(item: Mapping[str, object], name: str) -> str | None:
    value = item.get(name)
    return str(value) if value else None


def instrument_from_wire(item: Mapping[str, object]) -> Instrument:
    """Read one instrument of `/v1/instruments`."""
    return Instrument(
        symbol=str(item["symbol"]),
        base=str(item["base"]),
        quote=str(item["quote"]),
        tick_size=_number(item, "tick_size"),
        lot_size=_number(item, "lot_size"),
        min_qty=_number_or_zero(item, "min_qty"),
        max_qty=None if item.get("max_qty") is None else _number(item, "max_qty"),
        min_notional=_number_or_zero(item, "min_notional"),
        maker_fee=_number_or_zero(item, "maker_fee"),
        taker_fee=_number_or_zero(item, "taker_fee"),
    )


def trade_from_wire(symbol: str, item: Mapping[str, object], seq: int | None = None) -> Trade:
    """Read one trade of the `trades` channel or of `/v1/trades`."""
    own_seq = _whole(item, "seq")
    return Trade(
        symbol=symbol,
        price=_number(item, "price"),
        qty=_number(item, "qty"),
        side=str(item["taker_side"]),
        trade_id=int(str(item["trade_id"])),
        time_us=_whole(item, "time"),
        seq=seq if own_seq is None else own_seq,
    )


def order_from_wire(item: Mapping[str, object], seq: int | None = None) -> Order:
    """Read one order: of `orders.open` or `orders.history`, or of the `orders` channel's image."""
    price = item.get("price")
    return Order(
        order_id=int(str(item["order_id"])),
        symbol=str(item["symbol"]),
        side=str(item["side"]),
        price=None if price is None else to_decimal(str(price)),
        qty=_number(item, "qty"),
        remaining=_number(item, "remaining"),
        filled=_number_or_zero(item, "filled"),
        state=str(item.get("state", "open")),
        reason=_text(item, "reason"),
        client_order_id=_text(item, "client_order_id"),
        seq=seq,
        type=_text(item, "type"),
        trigger_price=_number_or_none(item, "trigger_price"),
        terms=_terms(item),
    )


def _terms(item: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in item.items() if name not in _ORDER_KEYS}


def order_update_from_wire(item: Mapping[str, object], seq: int | None = None) -> OrderUpdate:
    """Read one item of the `orders` channel."""
    return OrderUpdate(
        event=str(item.get("event", "image")),
        order_id=int(str(item["order_id"])),
        symbol=str(item["symbol"]),
        client_order_id=_text(item, "client_order_id"),
        side=_text(item, "side"),
        price=_number_or_none(item, "price"),
        qty=_number_or_none(item, "qty"),
        filled=_number_or_none(item, "filled"),
        remaining=_number_or_none(item, "remaining"),
        state=_text(item, "state"),
        reason=_text(item, "reason"),
        type=_text(item, "type"),
        trigger_price=_number_or_none(item, "trigger_price"),
        terms=_terms(item),
        seq=seq,
    )


def fill_from_wire(item: Mapping[str, object], seq: int | None = None) -> Fill:
    """Read one fill of the `fills` channel."""
    return Fill(
        trade_id=int(str(item["trade_id"])),
        order_id=int(str(item["order_id"])),
        symbol=str(item["symbol"]),
        side=str(item["side"]),
        role=str(item["role"]),
        price=_number(item, "price"),
        qty=_number(item, "qty"),
        fee=_number_or_zero(item, "fee"),
        client_order_id=_text(item, "client_order_id"),
        time_us=_whole(item, "time"),
        seq=seq,
    )


def balance_from_wire(item: Mapping[str, object]) -> Balance:
    """Read one balance."""
    return Balance(str(item["asset"]), _number(item, "available"), _number(item, "held"))


def level_texts(levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Return levels as the wire shows them."""
    return [[as_text(price), as_text(qty)] for price, qty in levels]
