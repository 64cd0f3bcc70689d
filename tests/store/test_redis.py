"""What a node tells Redis: keys, public and private channels; and that it trades on without it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
import redis

from coulisse import Client, OrderResult, TradingEngine
from coulisse.bench.pinning import children

from ..integration.conftest import Server, Start
from .redis_server import PASSWORD, RedisServer, SlowLine, is_installed
from .test_projector_store import PROMPT, SERVE, command_of, metrics, trade, until

URL = "COULISSE_REDIS__URL"
PATIENCE_S = 30.0
Lines = dict[str, list[dict[str, Any]]]


@pytest.fixture
def server_of_redis() -> Iterator[RedisServer]:
    if not is_installed():
        pytest.skip("no redis-server is installed (Debian: redis-server)")
    server = RedisServer()
    server.start()
    yield server
    server.remove()


def is_told(said: Mapping[str, Any]) -> bool:
    redis_ = said["redis"]
    return redis_["state"] == "telling" and redis_["behind"] == 0 and not said["degraded"]


def rest(server: Server, path: str) -> dict[str, Any]:
    answer = httpx.get(f"{server.http}{path}")
    said: dict[str, Any] = answer.json()
    return said


class Ear:
    """Hears every channel."""

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client()
        self._heard = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._heard.psubscribe("coulisse:*")
        # From its answer on nothing is missed.
        assert self._heard.get_message(timeout=PATIENCE_S)["type"] == "psubscribe"
        self.lines: Lines = {}

    def hear(self, seconds: float = 0.3) -> None:
        """Take what comes, until nothing does for so long."""
        while (message := self._heard.get_message(timeout=seconds)) is not None:
            if message["type"] == "pmessage":
                lines = [json.loads(line) for line in message["data"].split(b"\n")]
                self.lines.setdefault(message["channel"].decode(), []).extend(lines)

    def close(self) -> None:
        self._heard.close()
        self._client.close()


def eventually(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up


def book_of(lines: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The book that the last image and the deltas behind it make; each names the one before it."""
    sides: dict[str, dict[str, str]] = {}
    seq = 0
    for line in lines:
        if line["type"] == "image":
            sides = {side: dict(line[side]) for side in ("bids", "asks")}
        else:
            assert line["prev"] == seq
            for side in ("bids", "asks"):
                for price, qty in line[side]:
                    sides[side].pop(price, None)
                    if Decimal(qty):
                        sides[side][price] = qty
        seq = line["seq"]
    return sides


async def test_redis_is_told_what_clients_are_and_is_filled_again_whatever_becomes_of_it(
    start: Start, server_of_redis: RedisServer
) -> None:
    ear, client = Ear(server_of_redis), server_of_redis.client()
    server = start(*SERVE, **PROMPT, **{URL: server_of_redis.url})
    until(server, is_told)
    await trade(server, 21)
    until(server, is_told)
    ear.hear()
    require_cache(server, client)
    lines = ear.lines
    shown = rest(server, "/v1/book/BTC-USD")
    wanted = {side: dict(shown[side]) for side in ("bids", "asks")}
    assert book_of(lines["coulisse:book:BTC-USD"]) == wanted and wanted["asks"]
    told = [item for line in lines["coulisse:trades:BTC-USD"] for item in line["items"]]
    newest_first = rest(server, "/v1/trades/BTC-USD")["trades"]
    assert [item["trade_id"] for item in reversed(told)] == [
        trade_["trade_id"] for trade_ in newest_first
    ]
    # An account's own: every fill of it, and nothing on the channels of another.
    fills = [item for line in lines["coulisse:account:operator:fills"] for item in line["items"]]
    assert len(fills) == 2 * len(told)
    events = [item["event"] for line in lines["coulisse:account:operator:orders"]
              for item in line["items"]]  # fmt: skip
    assert events.count("filled") == len(fills)
    for channel in ("book_l3:BTC-USD", "ticker:BTC-USD", "status:BTC-USD", "instruments",
                    "candles:1s:BTC-USD", "candles:1d:BTC-USD", "account:operator:balances",
                    "account:operator:positions"):  # fmt: skip
        assert lines[f"coulisse:{channel}"], channel
    seqs = [line["seq"] for line in lines["coulisse:account:operator:balances"]]
    assert seqs == sorted(seqs)
    client.flushall()
    eventually(lambda: client.exists("coulisse:book:BTC-USD", "coulisse:instruments") == 2)
    require_cache(server, client)
    ear.close()
    server_of_redis.kill()
    await trade(server, 10, first=22)
    said = until(server, lambda said: said["degraded"] and said["redis"]["state"] == "down")
    assert said["ready"] and said["redis"]["behind"] >= 10
    # Images come once: whoever is to hear them listens before the node is there again.
    (teller,) = [pid for pid in children(server.pid) if "redis_process" in command_of(pid)]
    os.kill(teller, signal.SIGSTOP)
    server_of_redis.start()
    ear = Ear(server_of_redis)
    os.kill(teller, signal.SIGCONT)
    until(server, is_told)
    require_cache(server, client)
    await trade(server, 11, first=32)
    until(server, is_told)
    ear.hear()
    shown = rest(server, "/v1/book/BTC-USD")
    assert book_of(ear.lines["coulisse:book:BTC-USD"]) == {
        side: dict(shown[side]) for side in ("bids", "asks")
    }
    assert "coulisse_redis_up 1" in metrics(server)
    assert server.stop() == 0
    ear.close()
    client.close()


def require_cache(server: Server, client: redis.Redis) -> None:
    """The keys say what REST says, once they have come so far."""

    def is_there() -> bool:
        cached = client.get("coulisse:book:BTC-USD")
        shown = rest(server, "/v1/book/BTC-USD")
        if cached is None:
            return False
        book = json.loads(cached)
        return bool(book["bids"] == shown["bids"] and book["asks"] == shown["asks"])

    eventually(is_there)
    listed = json.loads(client.get("coulisse:instruments") or b"{}")
    assert listed["instruments"] == rest(server, "/v1/instruments")["instruments"]
    ticker = json.loads(client.get("coulisse:ticker:BTC-USD") or b"{}")
    newest = rest(server, "/v1/trades/BTC-USD")["trades"][0]
    assert ticker["ch"] == "ticker" and newest["price"] in json.dumps(ticker)
    for key in ("book:BTC-USD", "ticker:BTC-USD", "instruments", "seq"):
        assert 0 < client.ttl(f"coulisse:{key}") <= 60


async def test_an_engine_inside_a_program_tells_the_redis_that_it_is_given(
    server_of_redis: RedisServer,
) -> None:
    with server_of_redis.client() as client:
        async with TradingEngine(redis=server_of_redis.url) as engine:
            asked = {"symbol": "BTC-USD", "side": "buy", "qty": "0.5", "price": "60000"}
            assert isinstance(await engine.process_order(asked), OrderResult)
            give_up = time.monotonic() + PATIENCE_S
            while b'["60000.00","0.50000"]' not in (client.get("coulisse:book:BTC-USD") or b""):
                # The engine's loop goes on meanwhile: it publishes how far the log is.
                await asyncio.sleep(0.05)
                assert time.monotonic() < give_up


async def test_a_wrong_password_and_a_slow_line_harm_no_order(
    start: Start, server_of_redis: RedisServer
) -> None:
    line = SlowLine(server_of_redis.port)
    client = server_of_redis.client()
    try:
        wrong = f"redis://:another-{PASSWORD}@127.0.0.1:{line.port}/0"
        server = start(*SERVE, **PROMPT, **{URL: wrong})
        said = until(server, lambda said: said["redis"]["state"] == "down")
        assert said["ready"] and said["degraded"] and PASSWORD not in json.dumps(said)
        await trade(server, 4)
        client.config_set("requirepass", f"another-{PASSWORD}")
        until(server, is_told)
        # So slow that it is behind, and told nevertheless.
        line.delay_s = 0.4
        await seconds_of(server, 20)
        until(server, lambda said: said["redis"]["seq"] > 20)
        # So slow that it counts as gone.
        line.delay_s = 5.0
        assert await seconds_of(server, 20) < line.delay_s, "an order waits for no Redis"
        until(server, lambda said: said["redis"]["state"] == "down" and said["degraded"])
        line.delay_s = 0.0
        until(server, is_told)
        client.close()
        client = redis.Redis.from_url(wrong)
        require_cache(server, client)
    finally:
        line.close()
        client.close()


async def seconds_of(server: Server, count: int) -> float:
    """How long an order took, the median of some."""
    took: list[float] = []
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        for number in range(count):
            began_s = time.perf_counter()
            placed = await client.place("BTC-USD", "buy", "0.01", price=str(100 + number))
            took.append(time.perf_counter() - began_s)
            assert isinstance(placed, OrderResult)
    return sorted(took)[count // 2]
