"""Subscriptions as async iterators.

A feed holds a bounded queue. A reader that falls behind it is told so (`FeedBroken`), except of a
book, which starts again from a fresh image: the newest state is what a book is for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from coulisse.client.local_book import LocalBook
from coulisse.domain.errors import ConnectionLost, FeedBroken
from coulisse.domain.orders import (
    Balance,
    Fill,
    OrderUpdate,
    Trade,
    balance_from_wire,
    fill_from_wire,
    order_update_from_wire,
    trade_from_wire,
)
from coulisse.domain.positions import (
    Position,
    RiskNotice,
    StatusUpdate,
    position_from_wire,
    risk_notice_from_wire,
    status_from_wire,
)

Item = TypeVar("Item")
Message = Mapping[str, object]
QUEUE_MAX: Final = 10_000
"""Messages of one feed that may wait to be read."""


class Feed(Generic[Item]):
    """One subscription: `async for item in feed`."""

    def __init__(
        self,
        params: dict[str, object],
        read: Callable[[Message], list[Item]],
        leave: Callable[[Feed[Item]], None],
    ) -> None:
        """Subscribe with `params`; turn messages into items with `read`."""
        self.params = params
        self.last_seq: int | None = None
        self._read = read
        self._leave = leave
        self._messages: deque[Message] = deque()
        self._items: deque[Item] = deque()
        self._news = asyncio.Event()
        self._fault: Exception | None = None
        self._awaited: set[str | None] = set()
        self.await_image()

    @property
    def channel(self) -> str:
        """The channel."""
        return str(self.params["channel"])

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments; none on a private channel."""
        symbols = self.params.get("symbols")
        return tuple(symbols) if isinstance(symbols, list) else ()

    @property
    def needs_every_message(self) -> bool:
        """Whether the channel has no image to start again from."""
        return self.channel == "fills"

    def wants(self, message: Message) -> bool:
        """Tell whether a message of the server is for this feed."""
        if message.get("ch") != self.channel:
            return False
        return not self.symbols or message.get("symbol") in self.symbols

    def await_image(self) -> None:
        """Begin again with the next image, of each instrument: nothing before it counts."""
        self._awaited = set(self.symbols or (None,))

    def began_at(self, seq: int) -> None:
        """Take note of the seq that the subscription began at."""
        if self.last_seq is None:
            self.last_seq = seq

    def push(self, message: Message) -> None:
        """Take one message.

        What several feeds of a connection listen to comes once for all of them: a feed leaves out
        what was there before its own image, and the images of feeds that joined later.
        """
        if not self._is_due(message):
            return
        seq = _seq(message)
        if seq is not None:
            self.last_seq = seq
        if len(self._messages) >= QUEUE_MAX:
            self.fail(FeedBroken(f"the reader of {self.channel} fell {QUEUE_MAX} messages behind"))
            return
        self._messages.append(message)
        self._news.set()

    def _is_due(self, message: Message) -> bool:
        symbol = message.get("symbol") if self.symbols else None
        assert symbol is None or isinstance(symbol, str), "a symbol is a text"
        awaited = symbol in self._awaited
        if message.get("type") == "image":
            self._awaited.discard(symbol)
            return awaited
        return not awaited

    def fail(self, fault: Exception) -> None:
        """End the feed: what was queued is still read, then `fault` is raised."""
        self._fault = self._fault or fault
        self._news.set()

    def restart_params(self) -> dict[str, object]:
        """Return the params that continue this feed on a new connection."""
        if self.last_seq is None:
            return self.params
        return {**self.params, "from_seq": self.last_seq}

    def close(self) -> None:
        """Unsubscribe."""
        self.fail(ConnectionLost("the feed was closed"))
        self._leave(self)

    def __aiter__(self) -> Feed[Item]:
        return self

    async def __anext__(self) -> Item:
        """Return the next item. Safe to cancel: what has been taken off has been returned."""
        while not self._items:
            while not self._messages:
                if self._fault is not None:
                    raise self._fault
                self._news.clear()
                await self._news.wait()
            self._items.extend(self._read(self._messages.popleft()))
        return self._items.popleft()


class BookFeed(Feed[LocalBook]):
    """A book, kept and checked: each step is the book one message later."""

    def __init__(
        self,
        symbol: str,
        depth: int,
        leave: Callable[[Feed[LocalBook]], None],
        restart: Callable[[Feed[LocalBook]], None],
    ) -> None:
        """Follow `symbol`; `restart` subscribes again for a fresh image."""
        params: dict[str, object] = {"channel": "book", "symbols": [symbol], "depth": depth}
        super().__init__(params, self._apply, leave)
        self.book = LocalBook(symbol)
        self.resync_count = 0
        """How often a fresh image was needed: lost deltas, wrong checksums, a slow reader."""
        self._restart = restart

    def push(self, message: Message) -> None:
        """Take one message; where the reader is too slow, start again from an image."""
        if len(self._messages) >= QUEUE_MAX:
            self._messages.clear()
            self._ask_for_image()
        super().push(message)

    def restart_params(self) -> dict[str, object]:
        """Ask for an image: a book is never resumed."""
        return self.params

    def await_image(self) -> None:
        """Take nothing but an image next."""
        self._wants_image = True

    def _is_due(self, message: Message) -> bool:
        # An image that another feed of the same book asked for is as good as any.
        return True

    def _apply(self, message: Message) -> list[LocalBook]:
        if self._wants_image and message.get("type") != "image":
            return []
        self._wants_image = False
        try:
            self.book.apply(message)
        except FeedBroken:
            self._ask_for_image()
            return []
        return [self.book]

    def _ask_for_image(self) -> None:
        if not self._wants_image:
            self._wants_image = True
            self.resync_count += 1
            self._restart(self)


class TradesReader:
    """Reads the `trades` channel: each trade once, also where a new image repeats some."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._last_ids: dict[str, int] = {}

    def read(self, message: Message) -> list[Trade]:
        """Read a message."""
        symbol, seq = str(message["symbol"]), _seq(message)
        last = self._last_ids.get(symbol, 0)
        trades = [trade_from_wire(symbol, item, seq) for item in _items(message)]
        fresh = [trade for trade in trades if trade.trade_id > last]
        if fresh:
            self._last_ids[symbol] = fresh[-1].trade_id
        return fresh


def read_orders(message: Message) -> list[OrderUpdate]:
    """Read a message of the `orders` channel."""
    return [order_update_from_wire(item, _seq(message)) for item in _items(message)]


def read_fills(message: Message) -> list[Fill]:
    """Read a message of the `fills` channel."""
    return [fill_from_wire(item, _seq(message)) for item in _items(message)]


def read_balances(message: Message) -> list[Balance]:
    """Read a message of the `balances` channel."""
    return [balance_from_wire(item) for item in _items(message)]


def read_positions(message: Message) -> list[Position]:
    """Read a message of the `positions` channel."""
    return [position_from_wire(item, _seq(message)) for item in _items(message)]


def read_risk(message: Message) -> list[RiskNotice]:
    """Read a message of the `risk` channel."""
    return [risk_notice_from_wire(item, _seq(message)) for item in _items(message)]


def read_status(message: Message) -> list[StatusUpdate]:
    """Read a message of the `status` channel."""
    symbol = str(message["symbol"])
    return [status_from_wire(symbol, item, _seq(message)) for item in _items(message)]


def _items(message: Message) -> list[Mapping[str, object]]:
    items = message.get("items", [])
    assert isinstance(items, list), "a channel's message carries a list"
    return items


def _seq(message: Message) -> int | None:
    seq = message.get("seq")
    return seq if isinstance(seq, int) else None
