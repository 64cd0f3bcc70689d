"""Feeds: queues, ends, and books that start again."""

from __future__ import annotations

import pytest

from coulisse.client.feeds import QUEUE_MAX, BookFeed, Feed, TradesReader, read_candles, read_fills
from coulisse.client.local_book import LocalBook
from coulisse.domain.errors import ConnectionLost, FeedBroken
from coulisse.domain.orders import Fill, Trade

Message = dict[str, object]


def a_trade(number: int) -> Message:
    item = {
        "trade_id": str(number), "price": "1", "qty": "2", "taker_side": "buy", "seq": number,
        "time": 9,
    }  # fmt: skip
    return {"ch": "trades", "symbol": "BTC-USD", "type": "delta", "seq": number, "items": [item]}


def trades() -> Feed[Trade]:
    params: Message = {"channel": "trades", "symbols": ["BTC-USD"]}
    feed = Feed(params, TradesReader().read, lambda feed: None)
    feed.push({**a_trade(0), "type": "image", "items": []})
    return feed


def a_book(restarted: list[object]) -> BookFeed[LocalBook]:
    params: Message = {"channel": "book", "symbols": ["BTC-USD"], "depth": 10}
    return BookFeed(LocalBook("BTC-USD"), params, lambda feed: None, restarted.append)


def image(seq: int) -> Message:
    return {"ch": "book", "symbol": "BTC-USD", "type": "image", "seq": seq, "bids": [], "asks": []}


def delta(prev: int, seq: int) -> Message:
    return {**image(seq), "type": "delta", "prev": prev}


async def test_messages_come_out_in_their_order_and_once() -> None:
    feed = trades()
    for number in (1, 2, 2, 3):
        feed.push(a_trade(number))
    assert [(await anext(feed)).trade_id for _ in range(3)] == [1, 2, 3]
    assert [place["from_seq"] for place in feed.restart_params()] == [3]


async def test_a_feed_begins_with_its_own_image_and_leaves_out_those_of_others() -> None:
    params: Message = {"channel": "trades", "symbols": ["BTC-USD", "ETH-USD"]}
    feed = Feed(params, TradesReader().read, lambda feed: None)
    ether = {**a_trade(1), "symbol": "ETH-USD"}
    feed.push(a_trade(1))
    feed.push({**a_trade(2), "type": "image"})
    feed.push({**ether, "type": "image"})
    feed.push(a_trade(3))
    # Another feed of the same channel joins, and its image has nothing that was not told.
    feed.push({**a_trade(3), "type": "image", "items": a_trade(1)["items"]})
    feed.push({**a_trade(10), "prev": 3})
    got = [await anext(feed) for _ in range(4)]
    assert [(trade.symbol, trade.trade_id) for trade in got] == [
        ("BTC-USD", 2), ("ETH-USD", 1), ("BTC-USD", 3), ("BTC-USD", 10),
    ]  # fmt: skip


async def test_an_image_in_place_of_what_could_not_be_sent_is_taken() -> None:
    feed = trades()
    feed.push({**a_trade(1), "prev": 0})
    feed.push({**a_trade(7), "type": "image"})
    feed.push({**a_trade(8), "prev": 7})
    assert [(await anext(feed)).trade_id for _ in range(3)] == [1, 7, 8]


async def test_a_feed_that_goes_on_takes_what_it_missed_once_and_needs_no_image() -> None:
    feed = trades()
    feed.push({**a_trade(1), "prev": 0})
    feed.await_image()
    for prev, seq in ((0, 1), (1, 2), (1, 2), (2, 3)):
        feed.push({**a_trade(seq), "prev": prev})
    assert [(await anext(feed)).trade_id for _ in range(3)] == [1, 2, 3]


async def test_each_instrument_of_a_feed_goes_on_where_it_was_left() -> None:
    params: Message = {"channel": "trades", "symbols": ["BTC-USD", "ETH-USD"]}
    feed = Feed(params, TradesReader().read, lambda feed: None)
    for number, symbol in ((4, "BTC-USD"), (9, "ETH-USD")):
        feed.push({**a_trade(number), "symbol": symbol, "type": "image"})
    places = [(place["symbols"], place["from_seq"]) for place in feed.restart_params()]
    assert places == [(["BTC-USD"], 4), (["ETH-USD"], 9)]


def test_a_feed_of_candles_wants_its_own_interval() -> None:
    params: Message = {"channel": "candles", "symbols": ["BTC-USD"], "interval": "1m"}
    feed = Feed(params, read_candles, lambda feed: None)
    message = {"ch": "candles", "symbol": "BTC-USD", "interval": "1m"}
    assert feed.wants(message) and not feed.wants({**message, "interval": "1h"})


def test_a_feed_wants_its_own_channel_and_symbols() -> None:
    feed = trades()
    assert feed.wants(a_trade(1))
    assert not feed.wants({**a_trade(1), "symbol": "ETH-USD"})
    assert not feed.wants(image(1))


async def test_a_reader_that_falls_behind_is_told_after_what_was_queued() -> None:
    feed = trades()
    for number in range(1, QUEUE_MAX + 1):
        feed.push(a_trade(number))
    assert [(await anext(feed)).trade_id for _ in range(QUEUE_MAX - 1)][-1] == QUEUE_MAX - 1
    with pytest.raises(FeedBroken, match="fell"):
        await anext(feed)


async def test_a_closed_feed_ends() -> None:
    feed = trades()
    feed.close()
    with pytest.raises(ConnectionLost):
        await anext(feed)


async def test_a_hole_in_a_book_asks_for_an_image_and_goes_on_from_it() -> None:
    restarted: list[object] = []
    feed = a_book(restarted)
    for message in (delta(0, 1), image(5), delta(4, 6), delta(6, 7), image(9), delta(9, 10)):
        feed.push(message)
    seqs = [(await anext(feed)).seq for _ in range(3)]
    assert seqs == [5, 9, 10]
    assert restarted == [feed] and feed.resync_count == 1


async def test_a_slow_reader_of_a_book_starts_again_from_an_image() -> None:
    restarted: list[object] = []
    feed = a_book(restarted)
    feed.push(image(1))
    assert isinstance(await anext(feed), LocalBook)
    for seq in range(1, QUEUE_MAX + 2):
        feed.push(delta(seq, seq + 1))
    feed.push(image(QUEUE_MAX + 9))
    assert (await anext(feed)).seq == QUEUE_MAX + 9
    assert len(restarted) == 1


def test_a_new_connection_starts_a_book_from_an_image() -> None:
    feed = a_book([])
    feed.push(image(5))
    assert feed.restart_params() == [feed.params]


async def test_fills_have_their_numbers_and_know_that_no_image_replaces_them() -> None:
    item = {
        "trade_id": "3", "order_id": "8", "symbol": "BTC-USD", "side": "buy", "role": "taker",
        "price": "60000.00", "qty": "0.1", "fee": "3.00", "fee_asset": "USD",
    }  # fmt: skip
    feed: Feed[Fill] = Feed({"channel": "fills"}, read_fills, lambda feed: None)
    feed.push({"ch": "fills", "account": "a", "type": "image", "seq": 3, "items": []})
    feed.push({"ch": "fills", "account": "a", "type": "delta", "seq": 4, "items": [item]})
    fill = await anext(feed)
    assert (fill.order_id, fill.trade_id, str(fill.fee), fill.seq) == (8, 3, "3.00", 4)
    assert feed.needs_every_message and not trades().needs_every_message
