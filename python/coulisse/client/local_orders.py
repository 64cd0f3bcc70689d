"""A client's own copy of a book by orders, kept by an image and its deltas (`book_l3`).

Invariant: after `apply` returns, the orders are the server's at `seq`, and at one price they stand
in the order in which they are filled. A delta that does not fit raises `FeedBroken`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from coulisse.domain.errors import FeedBroken
from coulisse.domain.money import to_decimal


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order as the book shows it."""

    order_id: int
    side: str
    price: Decimal
    qty: Decimal
    """What the book shows of it."""


class LocalOrders:
    """The orders of one instrument's book."""

    def __init__(self, symbol: str) -> None:
        """Wait for an image."""
        self.symbol = symbol
        self.seq = 0
        self.epoch = 0
        # Whoever is added stands last, and who is changed keeps its place: as in a dict.
        self._orders: dict[int, BookOrder] = {}

    def apply(self, message: Mapping[str, object]) -> None:
        """Take one message of the `book_l3` channel. Raises `FeedBroken`."""
        items = message["items"]
        assert isinstance(items, Sequence), "items are a list"
        if message["type"] == "image":
            self.epoch = _whole(message.get("epoch", 0))
            self._orders = {order.order_id: order for order in map(_order, items)}
        elif _whole(message["prev"]) != self.seq:
            raise FeedBroken(
                f"{self.symbol}: a delta from seq {message['prev']}, but the book is at {self.seq}"
            )
        else:
            for item in items:
                self._change(item)
        self.seq = _whole(message["seq"])

    def orders(self, side: str) -> list[BookOrder]:
        """Return the orders of one side, best price first, then first come."""
        own = [order for order in self._orders.values() if order.side == side]
        # Sorting keeps the order of those at one price.
        return sorted(own, key=lambda order: order.price, reverse=side == "buy")

    def levels(self, side: str) -> list[tuple[Decimal, Decimal]]:
        """Return (price, qty) of one side, best first."""
        sums: dict[Decimal, Decimal] = {}
        for order in self.orders(side):
            sums[order.price] = sums.get(order.price, Decimal(0)) + order.qty
        return list(sums.items())

    def _change(self, item: Mapping[str, object]) -> None:
        order_id = _whole(item["order_id"])
        known = self._orders.get(order_id)
        event = item["event"]
        if (known is None) != (event == "added"):
            raise FeedBroken(f"{self.symbol}: order {order_id} cannot be {event}")
        if known is None:
            self._orders[order_id] = _order(item)
        elif event == "removed":
            del self._orders[order_id]
        else:
            qty = to_decimal(str(item["qty"]))
            self._orders[order_id] = BookOrder(order_id, known.side, known.price, qty)


def _order(item: Mapping[str, object]) -> BookOrder:
    return BookOrder(
        order_id=_whole(item["order_id"]),
        side=str(item["side"]),
        price=to_decimal(str(item["price"])),
        qty=to_decimal(str(item["qty"])),
    )


def _whole(value: object) -> int:
    assert isinstance(value, int | str), "a seq or an id is a whole number"
    return int(value)
