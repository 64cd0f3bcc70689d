"""A minute of demo flow, watched beside the tests: a client's book against the server's.

It runs beside the other tests (`beside.py`), with a demo of its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from coulisse import Client
from coulisse.client.feeds import BookFeed
from coulisse.client.local_book import LocalBook

from .beside import while_wanted
from .conftest import Proxy, Server, environment, launch

SECONDS = 60
LONGEST_S = 180
"""Where other tests leave it little of the machine, it watches on until it has seen enough."""
DEPTH = 50
Image = tuple[list[list[str]], list[list[str]]]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a minute came to."""

    updates: int
    """Books that the client made of its image and deltas."""
    compared: int
    """Seqs at which the server was asked for its book too."""
    different_at: list[int]
    """Those of them at which the two differ."""
    reconnects: int
    resyncs: int
    """How often a checksum was wrong, or a delta did not fit."""


class _Seen:
    """The books of both, by seq."""

    def __init__(self, began: float) -> None:
        self._began = began
        self.by_client: dict[int, Image] = {}
        self.by_server: dict[int, Image] = {}
        self.moved = asyncio.Event()

    @property
    def common(self) -> set[int]:
        return self.by_client.keys() & self.by_server.keys()

    def is_enough(self) -> bool:
        passed_s = time.monotonic() - self._began
        is_much = len(self.by_client) > 5 * SECONDS and len(self.common) > SECONDS
        return passed_s > (SECONDS if is_much else LONGEST_S)


async def _follow(feed: BookFeed[LocalBook], seen: _Seen) -> int:
    count = 0
    async for book in feed:
        seen.by_client[book.seq] = (book.level_texts("buy"), book.level_texts("sell"))
        count += 1
        seen.moved.set()
        if seen.is_enough():
            break
    return count


async def _ask(http_url: str, seen: _Seen) -> None:
    """Ask after each of the client's books: no more often, other tests run beside this."""
    async with httpx.AsyncClient(base_url=http_url) as http:
        while not seen.is_enough():
            await seen.moved.wait()
            seen.moved.clear()
            body = (await http.get("/v1/book/BTC-USD", params={"depth": DEPTH})).json()
            seen.by_server[body["seq"]] = (body["bids"], body["asks"])


async def _cut_twice(proxy: Proxy, client: Client, began: float) -> None:
    for moment in (began + SECONDS / 3, began + SECONDS * 2 / 3):
        # Trades come several times a second: a clock that does not sleep.
        async for _ in await client.trades("BTC-USD", "ETH-USD", "SOL-USD"):
            if time.monotonic() > moment:
                break
        proxy.cut()


async def _watch(demo: Server) -> str:
    host, port = demo.http.removeprefix("http://").split(":")
    async with (
        Proxy(host, int(port)) as proxy,
        await Client.connect(proxy.url) as client,
        await Client.connect(demo.http) as watcher,
    ):
        feed = await client.book("BTC-USD", DEPTH)
        began = time.monotonic()
        seen = _Seen(began)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(feed, seen))
            group.create_task(_ask(demo.http, seen))
            group.create_task(_cut_twice(proxy, watcher, began))
        both = seen.common
        watched = Watched(
            updates=following.result(),
            compared=len(both),
            different_at=sorted(seq for seq in both if seen.by_client[seq] != seen.by_server[seq]),
            reconnects=client.reconnect_count,
            resyncs=feed.resync_count,
        )
        return json.dumps(asdict(watched))


def main(home: Path) -> None:
    """Watch a demo of its own, and print what was found as the last line."""
    demo = launch(["demo", "--port", "0", "--seed", "7"], environment(home), home)
    try:
        found = asyncio.run(while_wanted(lambda: _watch(demo)))
    finally:
        demo.stop(signal.SIGKILL)
    print(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
