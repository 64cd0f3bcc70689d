"""Subscriptions as async iterators.

A feed holds a bounded queue. A reader that falls behind it is told so (`FeedBroken`), except of a
book, which starts again from a fresh image: the newest state is what a book is for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

from coulisse.domain.errors import ConnectionLost, FeedBroken
from coulisse.domain.market import (
    Candle,
    Ticker,
    candle_from_wire,
    instrument_from_wire,
    ticker_from_wire,
)
from coulisse.domain.orders import (
    Balance,
    Fill,
    Instrument,
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


class Kept(Protocol):
    """A client's own copy of something, which messages bring forward."""

    def apply(self, message: Message, /) -> None:
        """Take one message. Raises `FeedBroken`."""


Book = TypeVar("Book", bound=Kept)
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
        self._last_seqs: dict[str | None, int] = {}
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
    def last_seq(self) -> int | None:
        """The highest seq that was told, or at which the subscription began."""
        return max(self._last_seqs.values(), default=None)

    @property
    def needs_every_message(self) -> bool:
        """Whether the channel has no image to start again from."""
        return self.channel == "fills"

    def wants(self, message: Message) -> bool:
        """Tell whether a message of the server is for this feed."""
        if message.get("ch") != self.channel:
            return False
        if message.get("interval") != self.params.get("interval") and self.channel == "candles":
            return False
        return not self.symbols or message.get("symbol") in self.symbols

    def await_image(self) -> None:
        """Begin again with an image, or where each instrument was left: nothing else counts."""
        self._awaited = set(self.symbols or (None,))

    def began_at(self, seq: int) -> None:
        """Take note of the seq that the subscription began at."""
        for symbol in self.symbols or (None,):
            self._last_seqs.setdefault(symbol, seq)

    def push(self, message: Message) -> None:
        """Take one message.

        What several feeds of a connection listen to comes once for all of them: a feed leaves out
        what was there before its own image, and the images of feeds that joined later.
        """
        if not self._is_due(message):
            return
        seq = _seq(message)
        if seq is not None:
            self._last_seqs[self._symbol(message)] = seq
        if len(self._messages) >= QUEUE_MAX:
            self.fail(FeedBroken(f"the reader of {self.channel} fell {QUEUE_MAX} messages behind"))
            return
        self._messages.append(message)
        self._news.set()

    def _symbol(self, message: Message) -> str | None:
        symbol = message.get("symbol") if self.symbols else None
        assert symbol is None or isinstance(symbol, str), "a symbol is a text"
        return symbol

    def _is_due(self, message: Message) -> bool:
        symbol, seq = self._symbol(message), _seq(message)
        awaited, last = symbol in self._awaited, self._last_seqs.get(symbol)
        if message.get("type") == "image":
            self._awaited.discard(symbol)
            # The server may begin again with an image where it could not send all.
            moved_on = seq is not None and last is not None and seq > last
            return awaited or (moved_on and self.symbols != ())
        prev = message.get("prev")
        if last is None or not isinstance(prev, int) or not isinstance(seq, int):
            return not awaited
        if seq <= last:
            # Told again: another feed of the channel went on from further back.
            return False
        # What goes on where this stopped needs no image.
        if awaited and prev <= last:
            self._awaited.discard(symbol)
            return True
        return not awaited

    def fail(self, fault: Exception) -> None:
        """End the feed: what was queued is still read, then `fault` is raised."""
        self._fault = self._fault or fault
        self._news.set()

    def restart_params(self) -> list[dict[str, object]]:
        """Return the params that continue this feed on a new connection, by instrument."""
        parts = [{**self.params, "symbols": [symbol]} for symbol in self.symbols]
        places = zip(self.symbols or (None,), parts or [self.params], strict=True)
        return [self._from_where_it_was(symbol, params) for symbol, params in places]

    def _from_where_it_was(
        self, symbol: str | None, params: dict[str, object]
    ) -> dict[str, object]:
        last = self._last_seqs.get(symbol)
        return params if last is None else {**params, "from_seq": last}

    def close(self) -> None:
        """Unsubscribe."""
        self.fail(ConnectionLost("the feed was closed"))
        self._leave(self)

    async def image(self) -> list[Item]:
        """Return the items of the first message, the image; before anything else is read."""
        while not self._messages:
            await self._wait()
        return self._read(self._messages.popleft())

    def __aiter__(self) -> Feed[Item]:
        return self

    async def __anext__(self) -> Item:
        """Return the next item. Safe to cancel: what has been taken off has been returned."""
        while not self._items:
            while not self._messages:
                await self._wait()
            self._items.extend(self._read(self._messages.popleft()))
        return self._items.popleft()

    async def _wait(self) -> None:
        if self._fault is not None:
            raise self._fault
        self._news.clear()
        await self._news.wait()


class BookFeed(Feed[Book]):
    """A book, kept and checked: each step is the book one message later."""

    def __init__(
        self,
        book: Book,
        params: dict[str, object],
        leave: Callable[[Feed[Book]], None],
        restart: Callable[[Feed[Book]], None],
    ) -> None:
        """Keep `book` by what `params` subscribe; `restart` subscribes again for a fresh image."""
        super().__init__(params, self._apply, leave)
        self.book = book
        self.resync_count = 0
        """How often a fresh image was needed: lost deltas, wrong checksums, a slow reader."""
        self._restart = restart

    def push(self, message: Message) -> None:
        """Take one message; where the reader is too slow, start again from an image."""
        if len(self._messages) >= QUEUE_MAX:
            self._messages.clear()
            self._ask_for_image()
        super().push(message)

    def restart_params(self) -> list[dict[str, object]]:
        """Ask for an image: a book is never resumed."""
        return [self.params]

    def await_image(self) -> None:
        """Take nothing but an image next."""
        self._wants_image = True

    def _is_due(self, message: Message) -> bool:
        # An image that another feed of the same book asked for is as good as any.
        return True

    def _apply(self, message: Message) -> list[Book]:
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


def read_tickers(message: Message) -> list[Ticker]:
    """Read a message of the `ticker` channel."""
    return [ticker_from_wire(message)]


def read_candles(message: Message) -> list[Candle]:
    """Read a message of the `candles` channel."""
    symbol, interval = str(message["symbol"]), str(message["interval"])
    return [candle_from_wire(symbol, interval, item) for item in _items(message)]


def read_instruments(message: Message) -> list[Instrument]:
    """Read a message of the `instruments` channel."""
    return [instrument_from_wire(item) for item in _items(message)]


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
