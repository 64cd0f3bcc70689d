"""A client's book, from an image and deltas, is the server's, across cut connections."""

from __future__ import annotations

import asyncio

import pytest

from coulisse import Client
from coulisse.domain.errors import FeedBroken

from .book_watch import DEPTH, SECONDS, Watched
from .conftest import Server


def test_a_clients_book_equals_the_servers_over_a_minute_and_two_reconnects(
    watched: Watched,
) -> None:
    assert watched.different_at == [], f"different at seqs: {watched}"
    # Every message's checksum was right, and every delta fitted: nothing had to start again.
    assert watched.resyncs == 0, f"a checksum was wrong or a delta did not fit: {watched}"
    assert watched.reconnects == 2, f"not the two cuts: {watched}"
    assert watched.updates > 5 * SECONDS, f"hardly any flow: {watched}"
    assert watched.compared > SECONDS, f"hardly any seq in common: {watched}"


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
