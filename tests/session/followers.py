"""Clients on bare sockets that keep what feeds tell them, and check it as they go.

Written from the protocol's pages alone: nothing of the product's own client is in it.
"""

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tests.session.raw_socket import PONG, RawSocket, dial
from tests.session.worlds import logon

CRC_LEVELS = 10
SILENCE_TIMEOUT_S = 300.0
"""A feed may have nothing to say for long."""
Levels = list[tuple[str, str]]


def price_text(ticks: int) -> str:
    """A price as it stands on the wire (tick 0.01)."""
    return f"{ticks // 100}.{ticks % 100:02}"


def qty_text(lots: int) -> str:
    """A quantity as it stands on the wire (lot 0.00001)."""
    return f"{lots // 100_000}.{lots % 100_000:05}"


def crc_of(bids: Levels, asks: Levels) -> int:
    """The checksum, by the protocol's page."""
    levels = [*bids[:CRC_LEVELS], *asks[:CRC_LEVELS]]
    return zlib.crc32(",".join(f"{price}:{qty}" for price, qty in levels).encode())


@lru_cache(maxsize=4_096)
def parse(text: bytes) -> dict[str, Any]:
    """Read a message; the same bytes that went to many are read once."""
    message: dict[str, Any] = json.loads(text)
    return message


@dataclass(slots=True)
class BookFollower:
    """A book kept from an image and deltas."""

    depth: int
    """Levels of each side; 0: all."""
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)
    seq: int = -1
    seen: list[tuple[int, Levels, Levels]] = field(default_factory=list)
    images: int = 0
    deltas: int = 0

    def take(self, message: dict[str, Any]) -> None:
        """Take a message of the feed."""
        if message["type"] == "image":
            self.images += 1
            self.bids.clear()
            self.asks.clear()
            assert message["seq"] >= self.seq
        else:
            self.deltas += 1
            assert message["prev"] == self.seq, (message, self.seq)
            assert message["seq"] > self.seq
        self.seq = message["seq"]
        for mine, changed in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, qty in changed:
                if qty == "0":
                    assert message["type"] == "delta"
                    del mine[price]
                else:
                    mine[price] = qty
        bids, asks = self.levels()
        assert message["crc"] == crc_of(bids, asks), message
        self.seen.append((self.seq, bids, asks))

    def now(self) -> int:
        """The hash of what it has."""
        bids, asks = self.levels()
        return hash((tuple(bids), tuple(asks)))

    def levels(self) -> tuple[Levels, Levels]:
        """Both sides, best first."""
        by_price = sorted(self.bids.items(), key=_ticks, reverse=True)
        return by_price, sorted(self.asks.items(), key=_ticks)


def _ticks(level: tuple[str, str]) -> int:
    return int(level[0].replace(".", ""))


@dataclass(slots=True)
class ChannelFollower:
    """A private or trades channel: its chain, and what it said."""

    seq: int = -1
    spans: list[tuple[int, list[int]]] = field(default_factory=list)
    """Per subscription: the image's seq, and the seqs of its deltas."""
    items: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    image: list[dict[str, Any]] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> None:
        """Take a message of the channel."""
        if message["type"] == "image":
            self.spans.append((message["seq"], []))
            self.image = message["items"]
            self.items.clear()
        else:
            assert message["prev"] == self.seq, (message, self.seq)
            assert message["seq"] > message["prev"]
            self.spans[-1][1].append(message["seq"])
            self.items += [(message["seq"], item) for item in message["items"]]
        self.seq = message["seq"]


class Client:
    """One connection after another, and what followed its feeds."""

    def __init__(self, port: int, moved: asyncio.Event, deflate: bool = False) -> None:
        self._port, self._moved = port, moved
        self._deflate = deflate
        self._socket: RawSocket | None = None
        self.followers: dict[str, Any] = {}
        self.replies: dict[int, dict[str, Any]] = {}

    async def connect(self, key_id: str | None = None, buffer_bytes: int | None = None) -> None:
        """Connect; log on where there is a key."""
        host = f"localhost:{self._port}"
        self._socket = await dial(
            "127.0.0.1",
            self._port,
            host,
            receive_buffer_bytes=buffer_bytes,
            deflate=self._deflate,
        )
        hello = json.loads(await self._socket.receive() or b"{}")
        if key_id is not None:
            await self.send(logon(host, key_id, hello["nonce"]))

    async def send(self, text: bytes) -> None:
        """Send one request."""
        assert self._socket is not None
        await self._socket.send([text])

    async def subscribe(self, number: int, channel: str, **params: object) -> None:
        """Subscribe to a channel."""
        asked = {"id": number, "op": "subscribe", "params": {"channel": channel, **params}}
        await self.send(json.dumps(asked).encode())

    async def read(self) -> None:
        """Read until the connection ends."""
        reading = self._socket
        assert reading is not None
        while (text := await reading.receive(SILENCE_TIMEOUT_S)) is not None:
            message = parse(text)
            if "id" in message:
                self.replies[message["id"]] = message
            else:
                self.followers[message["ch"]].take(message)
            self._moved.set()

    def pause(self) -> None:
        """Read no more for now."""
        assert self._socket is not None
        self._socket.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Read again."""
        assert self._socket is not None
        self._socket.writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def say_i_am_here(self) -> None:
        """Send a pong that nobody asked for (RFC 6455, 5.5.3): one that does not read can, too."""
        assert self._socket is not None
        if not self._socket.writer.transport.is_closing():
            await self._socket.send_frame(PONG, b"")

    async def drop(self) -> None:
        """Cut the connection, if there is one."""
        if self._socket is not None:
            await self._socket.close()

    @property
    def packed_texts(self) -> list[bytes]:
        """The messages that came compressed on its connection."""
        assert self._socket is not None
        return self._socket.packed_texts

    def book(self) -> BookFollower:
        """Its follower of the book."""
        follower = self.followers["book"]
        assert isinstance(follower, BookFollower)
        return follower

    def channel(self, name: str) -> ChannelFollower:
        """Its follower of another channel."""
        follower = self.followers[name]
        assert isinstance(follower, ChannelFollower)
        return follower
