"""A client's book, from an image and deltas, is the server's, across cut connections."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from coulisse import Client
from coulisse.client.feeds import BookFeed
from coulisse.domain.errors import FeedBroken

from .conftest import Proxy, Server

DEPTH = 50
Image = tuple[list[list[str]], list[list[str]]]


async def follow(feed: BookFeed, seen: dict[int, Image], until: float) -> int:
    count = 0
    async for book in feed:
        seen[book.seq] = (book.level_texts("buy"), book.level_texts("sell"))
        count += 1
        if time.monotonic() > until:
            return count
    return count


async def ask(http_url: str, found: dict[int, Image], until: float) -> None:
    async with httpx.AsyncClient(base_url=http_url) as http:
        while time.monotonic() < until:
            body = (await http.get("/v1/book/BTC-USD", params={"depth": DEPTH})).json()
            found[body["seq"]] = (body["bids"], body["asks"])


async def cut_twice(proxy: Proxy, client: Client, began: float, seconds: int) -> None:
    for moment in (began + seconds / 3, began + seconds * 2 / 3):
        # Trades come several times a second: a clock that does not sleep.
        async for _ in await client.trades("BTC-USD", "ETH-USD", "SOL-USD"):
            if time.monotonic() > moment:
                break
        proxy.cut()


@pytest.mark.parametrize(
    "seconds", [15, pytest.param(60, marks=pytest.mark.torture)], ids=["short", "long"]
)
async def test_a_clients_book_equals_the_servers_across_two_reconnects(
    demo: Server, proxy: Proxy, seconds: int
) -> None:
    seen: dict[int, Image] = {}
    found: dict[int, Image] = {}
    async with (
        await Client.connect(proxy.url) as client,
        await Client.connect(demo.http) as watcher,
    ):
        feed = await client.book("BTC-USD", DEPTH)
        began = time.monotonic()
        until = began + seconds
        async with asyncio.TaskGroup() as group:
            following = group.create_task(follow(feed, seen, until))
            group.create_task(ask(demo.http, found, until))
            group.create_task(cut_twice(proxy, watcher, began, seconds))
        assert client.reconnect_count == 2
        # Every message's checksum was right, and every delta fitted: nothing had to start again.
        assert feed.resync_count == 0
    both = seen.keys() & found.keys()
    assert following.result() > 5 * seconds
    assert len(both) >= seconds // 3, f"{len(seen)} of ours, {len(found)} of the server's"
    for seq in both:
        assert seen[seq] == found[seq], f"different at seq {seq}"


async def test_a_planted_wrong_level_is_caught_by_the_checksum(demo: Server) -> None:
    async with await Client.connect(demo.http) as client, asyncio.timeout(20):
        feed = await client.book("BTC-USD", DEPTH)
        book = await anext(feed)
        best = book.best_bid
        broken = {
            "ch": "book", "type": "delta", "prev": book.seq, "seq": book.seq + 1,
            "bids": [[str(best), "123.45600"]], "asks": [], "crc": book.crc,
        }  # fmt: skip
        with pytest.raises(FeedBroken, match="checksum"):
            book.apply(broken)
        # The feed itself notices at the next message, and heals by a new image.
        while feed.resync_count == 0:
            await anext(feed)
        healed = await anext(feed)
        assert healed.best_bid is not None
