"""Books by orders: a client that keeps what `book_l3` tells, and what the log says it must tell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.model.codec import Message
from tests.session.followers import price_text, qty_text

Queue = list[tuple[str, str, str]]
"""Order id, price and qty as on the wire: best price first, then first come."""


def _queue(orders: Iterable[tuple[str, str, str, str]], side: str) -> Queue:
    own = [(order_id, price, qty) for order_id, of, price, qty in orders if of == side]
    # Sorting keeps the order of those at one price.
    return sorted(own, key=lambda one: int(one[1].replace(".", "")), reverse=side == "buy")


@dataclass(slots=True)
class OrderFollower:
    """A book by orders, kept from an image and deltas; written from the protocol's page alone."""

    orders: dict[str, list[str]] = field(default_factory=dict)
    """By id: side, price and qty. Whoever is added stands last, as in the book."""
    seq: int = -1
    seen: list[tuple[int, int]] = field(default_factory=list)
    """Each seq with the hash of both queues."""
    images: int = 0
    deltas: int = 0

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a message of the feed."""
        if message["type"] == "image":
            self.images += 1
            assert message["seq"] >= self.seq
            self.orders.clear()
            for item in message["items"]:
                self.orders[item["order_id"]] = [item["side"], item["price"], item["qty"]]
        else:
            self.deltas += 1
            assert message["prev"] == self.seq < message["seq"], (message, self.seq)
            for item in message["items"]:
                self._change(item)
        self.seq = message["seq"]
        self.seen.append((self.seq, self.now()))

    def now(self) -> int:
        """The hash of what it has."""
        return hash((tuple(self.queue("buy")), tuple(self.queue("sell"))))

    def _change(self, item: Mapping[str, Any]) -> None:
        match item["event"]:
            case "added":
                assert item["order_id"] not in self.orders, item
                self.orders[item["order_id"]] = [item["side"], item["price"], item["qty"]]
            case "changed":
                assert self.orders[item["order_id"]][2] != item["qty"], item
                self.orders[item["order_id"]][2] = item["qty"]
            case _:
                assert set(item) == {"event", "order_id"} and item["event"] == "removed"
                del self.orders[item["order_id"]]

    def queue(self, side: str) -> Queue:
        """The orders of a side, as they are filled."""
        return _queue(((one, *rest) for one, rest in self.orders.items()), side)  # type: ignore[misc]


class TrueOrders:
    """The orders of a book as the events of the log make them."""

    def __init__(self) -> None:
        self._orders: dict[int, tuple[str, int, int]] = {}

    def take(self, events: Iterable[Message]) -> bool:
        """Take the events of one record; whether they touched a book."""
        touched = False
        for event in events:
            touched |= event.kind == "LevelChanged"
            match event.kind:
                case "OrderRested":
                    self._last(event, event.remaining)
                case "OrderRefreshed":
                    self._last(event, event.displayed)
                case "OrderFilled":
                    self._set(event.order_id, event.remaining)
                case "OrderAmended":
                    if event.kept_priority:
                        self._set(event.order_id, event.remaining)
                    else:
                        self._orders.pop(event.order_id, None)
                case "OrderClosed":
                    self._orders.pop(event.order_id, None)
        return touched

    def _last(self, event: Message, lots: int) -> None:
        self._orders.pop(event.order_id, None)
        self._orders[event.order_id] = (event.side, event.price, lots)

    def _set(self, order_id: int, lots: int) -> None:
        if order_id in self._orders:
            side, price, _ = self._orders[order_id]
            self._orders[order_id] = (side, price, lots)

    def queues(self) -> tuple[tuple[tuple[str, str, str], ...], ...]:
        """Both sides, as a follower has them."""
        rows = [
            (str(order_id), side, price_text(price), qty_text(lots))
            for order_id, (side, price, lots) in self._orders.items()
        ]
        return tuple(_queue(rows, "buy")), tuple(_queue(rows, "sell"))
