"""`TradingEngine` and `WebSocketServer` in one's own program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from coulisse import (
    CoulisseError,
    NotAvailable,
    OrderBook,
    TradingEngine,
    WebSocketServer,
)
from coulisse.domain.errors import ConfigError, Refused, StartError

pytestmark = pytest.mark.timeout(60)
Event = dict[str, object]
DEADLINE_S = 50.0


async def answer(wire: ClientConnection) -> tuple[str, dict[str, object]]:
    async with asyncio.timeout(10):
        frame = json.loads(await wire.recv())
    return str(frame["event"]), frame["data"]


@asynccontextmanager
async def plain(server: WebSocketServer) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{server.port}/ws", proxy=None) as wire:
        yield wire


def echo_orders(engine: TradingEngine, server: WebSocketServer) -> None:
    @server.on("order")
    async def on_order(order: Event) -> None:
        await server.broadcast("orderUpdate", await engine.process_order(order))


async def test_the_example_of_the_documentation_runs_and_answers() -> None:
    engine = TradingEngine()
    book = OrderBook("BTC/USD")
    server = WebSocketServer(engine, port=0)

    @server.on("order")
    async def on_order(order: Event) -> None:
        result = await engine.process_order(order)
        await server.broadcast("orderUpdate", result)

    await engine.start()
    try:
        assert book.symbol == "BTC-USD"
        async with plain(server) as wire, plain(server) as other:
            order = {"symbol": "BTC/USD", "side": "buy", "qty": "0.5", "price": "60000"}
            await wire.send(json.dumps({"event": "order", "data": order}))
            for ear in (wire, other):
                event, data = await answer(ear)
                assert event == "orderUpdate"
                assert (data["state"], data["symbol"], data["ok"]) == ("open", "BTC-USD", True)
                assert data["order_id"] == "1"
    finally:
        await engine.stop()


def test_what_is_not_built_yet_is_refused_by_name() -> None:
    with pytest.raises(NotAvailable, match="exchanges") as caught:
        TradingEngine(exchanges=["binance", "coinbase", "kraken"])
    assert caught.value.option == "exchanges"


async def test_an_engine_with_a_database_writes_its_history_there(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    data = tmp_path / "data"
    async with TradingEngine(database=f"sqlite:///{file}", data_dir=data) as engine:
        await engine.deposit("alice", "USD", "100000")
        assert (data / "store.sqlite3").exists() is False
        give_up = time.monotonic() + DEADLINE_S
        while deposits(file) == 0:
            assert time.monotonic() < give_up, "nothing was written"
            await engine.deposit("alice", "USD", "1")
    async with TradingEngine(database=True, data_dir=data) as engine:
        while deposits(data / "store.sqlite3") == 0:
            assert time.monotonic() < give_up, "nothing was written"
            await engine.deposit("alice", "USD", "1")


def deposits(file: Path) -> int:
    """Entries of deposits; none where there are no tables yet."""
    if not file.exists():
        return 0
    with contextlib.closing(sqlite3.connect(file)) as connection:
        with contextlib.suppress(sqlite3.OperationalError):
            found = connection.execute("SELECT count(*) FROM ledger WHERE kind = 'deposit'")
            return int(found.fetchone()[0])
    return 0


def test_a_database_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store\.database: a database") as caught:
        TradingEngine(database="mysql://me:secret@localhost")
    assert "secret" not in str(caught.value)
    file = tmp_path / "coulisse.toml"
    file.write_text("[projector]\nenabled = false\n")
    with pytest.raises(ConfigError, match="nothing fills it"):
        TradingEngine(database=True, config=file)
    TradingEngine(database=False, config=file)


def test_a_redis_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url: a Redis is off, redis://") as caught:
        TradingEngine(redis="reddis://:secret@localhost")
    assert "secret" not in str(caught.value)


def test_asking_for_nothing_of_it_is_no_fault() -> None:
    TradingEngine(database=None, redis=None, exchanges=())


async def test_orders_match_and_money_moves() -> None:
    async with TradingEngine() as engine:
        await engine.deposit("alice", "USD", "100000")
        await engine.deposit("bob", "BTC", 1)
        ask = {"symbol": "BTC-USD", "side": "sell", "qty": "1", "price": "60000"}
        rested = await engine.process_order({**ask, "account": "bob"})
        bought = await engine.process_order(
            {"account": "alice", "symbol": "BTC/USD", "side": "buy", "qty": Decimal("0.5")}
        )
        assert (rested.state, bought.state, bought.filled) == ("open", "filled", Decimal("0.5"))
        alice, bob = await engine.balances("alice"), await engine.balances("bob")
        assert alice["BTC"].total == Decimal("0.5")
        # 30000 for the coins, 5 bp of it as the taker's fee; the maker pays 2 bp.
        assert alice["USD"].total == Decimal("69985")
        assert bob["USD"].total == Decimal("29994")
        assert bob["BTC"].held == Decimal("0.5")
        cancelled = await engine.cancel_order(rested.order_id, account="bob")
        assert cancelled.state == "cancelled"
        assert (await engine.balances("bob"))["BTC"].held == 0


async def test_a_refused_order_is_a_result_with_its_error() -> None:
    async with TradingEngine() as engine:
        await engine.create_account("poor")
        order = {"symbol": "BTC-USD", "side": "buy", "qty": "1", "price": "60000"}
        poor = await engine.process_order({**order, "account": "poor"})
        assert poor.state == "rejected" and not poor.ok and poor.error is not None
        assert (poor.error.code, poor.error.state) == ("INSUFFICIENT_BALANCE", "rejected")
        nobody = await engine.process_order({**order, "account": "nobody"})
        assert nobody.error is not None and nobody.error.code == "UNKNOWN_ACCOUNT"
        odd = await engine.process_order({**order, "colour": "red"})
        assert odd.error is not None and odd.error.code == "UNKNOWN_FIELD"
        off = await engine.process_order({**order, "price": "60000.001"})
        assert off.error is not None and off.error.code == "OFF_TICK"
        with pytest.raises(TypeError):
            await engine.process_order({**order, "price": 60000.0})


async def test_an_order_may_be_an_object() -> None:
    async with TradingEngine() as engine:
        order = SimpleNamespace(symbol="ETH-USD", side="buy", qty="1", price="2900")
        assert (await engine.process_order(order)).state == "open"


async def test_deposits_say_what_is_there_now_and_refuse_what_cannot_be() -> None:
    async with TradingEngine() as engine:
        balance = await engine.deposit("alice", "USD", "0.00000001")
        assert balance.available == Decimal("0.00000001") and balance.held == 0
        with pytest.raises(Refused, match="not a multiple"):
            await engine.deposit("alice", "USD", "0.000000001")
        with pytest.raises(Refused, match="no asset"):
            await engine.deposit("alice", "NOPE", 1)
        with pytest.raises(Refused, match="AMOUNT_OUT_OF_RANGE"):
            await engine.deposit("alice", "USD", -1)
        with pytest.raises(TypeError):
            await engine.deposit("alice", "USD", 1.5)  # type: ignore[arg-type]
        for most in (10**37, -(10**37)):
            with pytest.raises(Refused, match="AMOUNT_OUT_OF_RANGE"):
                await engine.deposit("alice", "USD", most)
        with pytest.raises(ValueError, match="depth"):
            engine.book("BTC-USD", -1)
        with pytest.raises(Refused, match="INVALID_NAME"):
            await engine.deposit("No Name", "USD", 1)


async def test_with_a_data_directory_nobody_is_funded_and_everything_is_kept(
    tmp_path: Path,
) -> None:
    async with TradingEngine(data_dir=tmp_path / "data") as engine:
        assert await engine.balances() == {}
        await engine.deposit("default", "USD", 1000)
        order = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "50000"}
        placed = await engine.process_order({**order, "client_order_id": "a1"})
    async with TradingEngine(data_dir=tmp_path / "data") as engine:
        assert (await engine.balances())["USD"].total == Decimal(1000)
        again = await engine.process_order({**order, "client_order_id": "a1"})
        assert again.duplicate and again.order_id == placed.order_id


async def test_an_engine_that_does_not_run_says_so() -> None:
    engine = TradingEngine()
    with pytest.raises(CoulisseError, match="not running"):
        await engine.process_order({"symbol": "BTC-USD", "side": "buy", "qty": "1"})
    async with engine:
        with pytest.raises(CoulisseError, match="already"):
            await engine.start()
        with pytest.raises(CoulisseError, match="before the engine starts"):
            WebSocketServer(engine, port=0)
    directory = engine.data_dir
    assert directory is None


async def test_one_engine_serves_several_ports_and_a_busy_one_starts_nothing() -> None:
    engine = TradingEngine()
    servers = [WebSocketServer(engine, port=0) for _ in range(2)]
    async with engine:
        for server in servers:
            async with httpx.AsyncClient() as http:
                health = await http.get(f"http://127.0.0.1:{server.port}/healthz")
            assert health.json()["ok"] is True
        busy = TradingEngine()
        WebSocketServer(busy, port=servers[0].port)
        with pytest.raises(StartError, match="in use"):
            await busy.start()


async def test_wait_ends_when_the_engine_is_stopped() -> None:
    engine = TradingEngine()
    await engine.start()
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        group.create_task(engine.wait())
        await engine.stop()


async def test_events_of_one_connection_are_handled_in_their_order() -> None:
    engine = TradingEngine()
    server = WebSocketServer(engine, port=0)
    echo_orders(engine, server)
    async with engine, plain(server) as wire:
        for number in range(50):
            data = {"symbol": "BTC-USD", "side": "buy", "qty": "0.001", "price": 50_000 + number}
            await wire.send(json.dumps({"event": "order", "data": data}))
        ids = [int(str((await answer(wire))[1]["order_id"])) for _ in range(50)]
        assert ids == list(range(ids[0], ids[0] + 50))


async def test_a_server_acts_for_its_own_account_whatever_the_sender_says() -> None:
    engine = TradingEngine()
    server = WebSocketServer(engine, port=0, account="alice")
    echo_orders(engine, server)
    async with engine, plain(server) as wire:
        await engine.deposit("alice", "USD", 1000)
        order = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "50000"}
        await wire.send(json.dumps({"event": "order", "data": order}))
        assert (await answer(wire))[1]["state"] == "open"
        assert (await engine.balances("alice"))["USD"].held > 0
        await wire.send(json.dumps({"event": "order", "data": {**order, "account": "default"}}))
        event, data = await answer(wire)
        assert event == "error" and data["code"] == "NOT_PERMITTED"


BadFrame = tuple[str, str]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", "BAD_JSON"),
        ("[]", "BAD_JSON"),
        ('{"event":"order","data":{"qty":NaN}}', "BAD_JSON"),
        ('{"event":"order","event":"order"}', "BAD_JSON"),
        ('{"event":"order","data":' + "[" * 2000 + "]" * 2000 + "}", "BAD_JSON"),
        (r'{"event":"\ud800"}', "BAD_JSON"),
        (r'{"event":"order","data":{"symbol":"BTC-USD","account":"\ud800"}}', "BAD_JSON"),
        ('{"event":"order","data":{"qty":1e99999999999999999999}}', "BAD_JSON"),
        ('{"event":"unheard"}', "UNKNOWN_OP"),
        ('{"event":"order","data":{}}', "MISSING_FIELD"),
        ('{"event":"faulty"}', "INTERNAL"),
        ('{"event":"refusing"}', "UNKNOWN_ASSET"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_connection_lives_on(text: str, code: str) -> None:
    engine = TradingEngine()
    server = WebSocketServer(engine, port=0)
    echo_orders(engine, server)
    server.on("faulty")(raises(KeyError("mine")))

    @server.on("refusing")
    async def on_refusing(data: Event) -> None:
        await engine.deposit("default", "NOPE", 1)

    async with engine, plain(server) as wire:
        await wire.send(text)
        event, data = await answer(wire)
        error = data if event == "error" else data["error"]
        assert isinstance(error, dict) and error["code"] == code
        order = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "50000"}
        await wire.send(json.dumps({"event": "order", "data": order}))
        assert (await answer(wire))[1]["state"] == "open"


def raises(error: Exception) -> Callable[[Event], Awaitable[object]]:
    async def handler(data: Event) -> object:
        raise error

    return handler


async def test_settings_that_mean_nothing_are_config_errors() -> None:
    with pytest.raises(ConfigError, match=r"log\.durability"):
        TradingEngine(durability="x")
    with pytest.raises(ConfigError, match="Bad Name"):
        await TradingEngine(account="Bad Name").start()
    for options, named in (({"host": ""}, "host"), ({"port": -1}, "port")):
        engine = TradingEngine()
        WebSocketServer(engine, **options)
        with pytest.raises(ConfigError, match=rf"gateway\.{named}"):
            await engine.start()


async def test_the_pages_of_other_sites_may_connect_only_where_they_are_named() -> None:
    engine = TradingEngine()
    servers = WebSocketServer(engine, port=0), WebSocketServer(engine, port=0)
    async with engine:
        own = Origin(f"http://127.0.0.1:{servers[0].port}")
        url = f"ws://127.0.0.1:{servers[0].port}"
        for path in ("/ws", "/v1/ws"):
            async with connect(url + path, origin=own, proxy=None):
                pass
            for foreign in ("http://evil.example", f"http://127.0.0.1:{servers[1].port}", "null"):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(url + path, origin=Origin(foreign), proxy=None)
                assert refused.value.response.status_code == 403
    engine = TradingEngine()
    server = WebSocketServer(engine, port=0, origins=["https://desk.example"], names=["desk"])
    async with engine:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with connect(url, origin=Origin("https://desk.example"), proxy=None):
            pass
