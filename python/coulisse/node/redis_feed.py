"""What the feeds of a replica say, by the keys and channels that Redis has for it.

    keys              book:SYMBOL  ticker:SYMBOL  instruments
    public channels   CHANNEL:SYMBOL  candles:INTERVAL:SYMBOL  instruments
    private channels  account:NAME:CHANNEL

all behind the prefix of the settings. Keys say what REST says, a ticker's what its channel says.
A message is what a WebSocket client is told; several of one interval have line feeds between.
"""

from __future__ import annotations

import json
from typing import Final

from coulisse import _core
from coulisse.domain.errors import CoulisseError
from coulisse.domain.market import CANDLE_INTERVALS

BY_SYMBOL: Final = ("trades", "ticker", "status", "book_l3")
PRIVATE: Final = ("orders", "fills", "balances", "positions", "risk")
REPLY: Final = "reply"
Message = tuple[str, bytes]


class RedisFeed:
    """Sessions in a replica, and what Redis has to be given of them."""

    def __init__(self, replica: _core.Replica, book_depth: int, accounts_max: int) -> None:
        """Listen to nothing yet."""
        self._replica = replica
        self._depth = book_depth
        self._accounts_max = accounts_max
        self._names: list[str] = []
        """By session: how its channels end, or what they are of."""
        self._symbols: list[str] = []
        self._tickers: dict[str, bytes] = {}
        self._stale: set[str] = set()
        self._lists_are_stale = True
        self.accounts = 0
        """Accounts that are listened to."""

    def open(self) -> None:
        """Listen to all there is; what is told first are images."""
        self._session("", "", [_subscribe("instruments")])
        self._grow()
        self.refresh()

    def close(self) -> None:
        """Listen to nothing; what was not heard is forgotten."""
        self._replica.deafen()
        self._names.clear()
        self._symbols.clear()
        self.accounts = 0

    def refresh(self) -> None:
        """Give every key again with the next messages."""
        self._stale.update(self._symbols)
        self._lists_are_stale = True

    def hear(self) -> tuple[dict[str, bytes], list[Message]]:
        """Return the keys that have changed, and the messages of all since the last time."""
        self._grow()
        messages: list[Message] = []
        keys: dict[str, bytes] = {}
        for session, channel, text in self._replica.hear():
            if channel == REPLY:
                _require_done(text)
                continue
            name = self._names[session]
            messages.append((_channel(channel, name), text))
            if channel == "book":
                self._stale.add(name)
            elif channel == "ticker":
                # The newest is all that there is to know.
                self._tickers[name] = text.rpartition(b"\n")[2]
                keys[f"ticker:{name}"] = self._tickers[name]
            elif channel == "instruments":
                self._lists_are_stale = True
        for symbol in self._stale:
            image = self._replica.book_json(symbol, self._depth)
            if image is not None:
                keys[f"book:{symbol}"] = image
            if symbol in self._tickers:
                keys[f"ticker:{symbol}"] = self._tickers[symbol]
        self._stale.clear()
        if self._lists_are_stale:
            keys["instruments"] = self._replica.instruments_json()
            self._lists_are_stale = False
        return keys, messages

    def _grow(self) -> None:
        """Listen to what was listed and opened since."""
        for symbol in self._replica.symbols(len(self._symbols)):
            asked = [_subscribe("book", symbols=[symbol], depth=self._depth)]
            asked += [_subscribe(channel, symbols=[symbol]) for channel in BY_SYMBOL]
            asked += [
                _subscribe("candles", symbols=[symbol], interval=interval)
                for interval in CANDLE_INTERVALS
            ]
            self._session("", symbol, asked)
            self._symbols.append(symbol)
        left = self._accounts_max - self.accounts
        for account in self._replica.account_names(self.accounts, max(0, left)):
            asked = [_subscribe(channel) for channel in PRIVATE]
            self._session(account, f"account:{account}", asked)
            self.accounts += 1

    def _session(self, account: str, name: str, asked: list[bytes]) -> None:
        session = self._replica.listen(account)
        assert session == len(self._names), "sessions are numbered as they are opened"
        self._names.append(name)
        for text in asked:
            self._replica.ask(session, text)


def _channel(channel: str, name: str) -> str:
    if name.startswith("account:"):
        return f"{name}:{channel}"
    return f"{channel}:{name}" if name else channel


def _subscribe(channel: str, **params: object) -> bytes:
    request = {"id": 1, "op": "subscribe", "params": {"channel": channel, **params}}
    return json.dumps(request).encode()


def _require_done(text: bytes) -> None:
    for line in text.split(b"\n"):
        if b'"ok":true' not in line:
            raise CoulisseError(f"a feed does not tell: {line.decode()}")
