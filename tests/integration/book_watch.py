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


async def _follow(
    feed: BookFeed[LocalBook], seen: dict[int, Image], moved: asyncio.Event, until: float
) -> int:
    count = 0
    async for book in feed:
        seen[book.seq] = (book.level_texts("buy"), book.level_texts("sell"))
        count += 1
        moved.set()
        if time.monotonic() > until:
            break
    return count


async def _ask(http_url: str, found: dict[int, Image], moved: asyncio.Event, until: float) -> None:
    """Ask after each of the client's books: no more often, other tests run beside this."""
    async with httpx.AsyncClient(base_url=http_url) as http:
        while time.monotonic() < until:
            await moved.wait()
            moved.clear()
            body = (await http.get("/v1/book/BTC-USD", params={"depth": DEPTH})).json()
            found[body["seq"]] = (body["bids"], body["asks"])


async def _cut_twice(proxy: Proxy, client: Client, began: float) -> None:
    for moment in (began + SECONDS / 3, began + SECONDS * 2 / 3):
        # Trades come several times a second: a clock that does not sleep.
        async for _ in await client.trades("BTC-USD", "ETH-USD", "SOL-USD"):
            if time.monotonic() > moment:
                break
        proxy.cut()


async def _watch(demo: Server) -> str:
    host, port = demo.http.removeprefix("http://").split(":")
    seen: dict[int, Image] = {}
    found: dict[int, Image] = {}
    async with (
        Proxy(host, int(port)) as proxy,
        await Client.connect(proxy.url) as client,
        await Client.connect(demo.http) as watcher,
    ):
        feed = await client.book("BTC-USD", DEPTH)
        moved = asyncio.Event()
        began = time.monotonic()
        until = began + SECONDS
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(feed, seen, moved, until))
            group.create_task(_ask(demo.http, found, moved, until))
            group.create_task(_cut_twice(proxy, watcher, began))
        both = seen.keys() & found.keys()
        watched = Watched(
            updates=following.result(),
            compared=len(both),
            different_at=sorted(seq for seq in both if seen[seq] != found[seq]),
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
