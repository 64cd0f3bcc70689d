"""A client's own copy of a book, kept by an image and its deltas, and checked at every step.

Invariant: after `apply` returns, the book is the server's at `seq`: the delta followed the state it
was made against (`prev`), and the checksum of the top ten levels agrees. Otherwise `FeedBroken`.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from coulisse.domain.errors import FeedBroken

CRC_LEVELS_MAX: Final = 10
_Side = dict[Decimal, tuple[str, str]]


class LocalBook:
    """The levels of one instrument."""

    def __init__(self, symbol: str) -> None:
        """Wait for an image."""
        self.symbol = symbol
        self.seq = 0
        self.epoch = 0
        # Texts stay as they came, since the checksum is over them.
        self._bids: _Side = {}
        self._asks: _Side = {}

    def apply(self, message: Mapping[str, object]) -> None:
        """Take one message of the `book` channel. Raises `FeedBroken`."""
        if message["type"] == "image":
            self._bids, self._asks = {}, {}
            self.epoch = _whole(message.get("epoch", 0))
        elif _whole(message["prev"]) != self.seq:
            raise FeedBroken(
                f"{self.symbol}: a delta from seq {message['prev']}, but the book is at {self.seq}"
            )
        _change(self._bids, message["bids"])
        _change(self._asks, message["asks"])
        self.seq = _whole(message["seq"])
        if "crc" in message and _whole(message["crc"]) != self.crc:
            raise FeedBroken(f"{self.symbol}: wrong checksum at seq {self.seq}")

    @property
    def crc(self) -> int:
        """CRC-32 over the top ten bids, then asks, `price:qty` joined by commas."""
        bids = heapq.nlargest(CRC_LEVELS_MAX, self._bids)
        asks = heapq.nsmallest(CRC_LEVELS_MAX, self._asks)
        levels = [self._bids[price] for price in bids] + [self._asks[price] for price in asks]
        return zlib.crc32(",".join(f"{price}:{qty}" for price, qty in levels).encode("ascii"))

    @property
    def best_bid(self) -> Decimal | None:
        """The highest bid."""
        return max(self._bids, default=None)

    @property
    def best_ask(self) -> Decimal | None:
        """The lowest ask."""
        return min(self._asks, default=None)

    def levels(self, side: str, depth: int = 0) -> list[tuple[Decimal, Decimal]]:
        """Return (price, qty) of one side, best first; depth 0 is all."""
        own = self._bids if side == "buy" else self._asks
        prices = sorted(own, reverse=side == "buy")
        return [(price, Decimal(own[price][1])) for price in prices[: depth or None]]

    def level_texts(self, side: str) -> list[list[str]]:
        """Return the levels of one side as they stood on the wire, best first."""
        own = self._bids if side == "buy" else self._asks
        return [list(own[price]) for price in sorted(own, reverse=side == "buy")]


def _change(side: _Side, levels: object) -> None:
    assert isinstance(levels, Sequence), "levels are a list"
    for price, qty in levels:
        key = Decimal(price)
        if Decimal(qty) == 0:
            side.pop(key, None)
        else:
            side[key] = (price, qty)


def _whole(value: object) -> int:
    assert isinstance(value, int | str), "a seq is a whole number"
    return int(value)
