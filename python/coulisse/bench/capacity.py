"""`coulisse bench capacity`: what an account takes, and what an order moves over the wire.

Accounts are opened, each with money of two assets, in a core of this process, and it is looked by
how much the process, the log and a snapshot have grown. Then a node is started; a session of the
SDK places orders and another follows the book, both through a relay that counts bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from coulisse import _core
from coulisse.bench.mortal_node import FAR, SYMBOL, MortalNode
from coulisse.bench.recovery_log import a_node, log_bytes
from coulisse.bench.scratch import run_directory
from coulisse.bench.store import fail, nothing
from coulisse.client.client import Client
from coulisse.config import Config
from coulisse.domain.errors import CoulisseError
from coulisse.domain.outcomes import OrderResult
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.log.file import open_core
from coulisse.node.seed import seed

ACCOUNTS_PER_TURN: Final = 500
PUBLISHED_S: Final = 60.0
CHUNK_BYTES: Final = 65_536
WARM_UP: Final = 20
FOLLOWED_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class CapacityRun:
    """What to measure."""

    accounts: int = 200_000
    """Accounts that are opened."""
    orders: int = 1_000
    """Orders that go over the wire."""
    data_dir: Path | None = None
    """Where all of it goes; a new directory in it is used and removed."""


def measure(run: CapacityRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    with run_directory(run.data_dir) as directory:
        accounts = asyncio.run(_accounts(run, directory / "accounts"))
        (directory / "node").mkdir()
        node = a_node(directory / "node")
        try:
            wire = asyncio.run(_wire(run, node))
        finally:
            node.stop()
    return {"accounts": accounts, "wire": wire}


async def _accounts(run: CapacityRun, data: Path) -> dict[str, Any]:
    config = Config().with_log(directory=data)
    core = open_core(config, [config.gateway])
    driver = Driver(core, schema(), fail)
    driver.attach(asyncio.get_running_loop())
    try:
        await seed(core, driver, config)
        assets = [asset[0] for asset in map(core.asset, ("USD", "BTC")) if asset is not None]
        log_before, rss_before = _logged(core), _rss_bytes()
        for number in range(run.accounts):
            _send(core, "AccountCreate", {"name": f"account-{number}"}, 0)
            if (number + 1) % ACCOUNTS_PER_TURN == 0:
                await driver.durable()
                for name in range(number + 1 - ACCOUNTS_PER_TURN, number + 1):
                    owner = core.account_id(f"account-{name}") or 0
                    for asset in assets:
                        _send(core, "Deposit", {"asset": asset, "amount": 10**12}, owner)
                await driver.durable()
        grown, logged = _rss_bytes() - rss_before, _logged(core) - log_before
        snapshot = await _snapshot(core, data)
    finally:
        driver.close()
    count = run.accounts
    return {
        "count": count,
        "bytes_per_account": round(grown / count),
        "log_bytes_per_account": round(logged / count),
        "snapshot_bytes_per_account": round(snapshot / count),
    }


def _send(core: _core.Core, name: str, fields: dict[str, Any], account: int) -> None:
    kind, body = schema().encode(name, fields)
    core.command(kind, body, nothing, account=account)


def _rss_bytes() -> int:
    """What this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _logged(core: _core.Core) -> int:
    return int(str(core.metrics()["journal_bytes_total"]))


async def _snapshot(core: _core.Core, data: Path) -> int:
    replica = _core.Replica(data_dir=str(data))
    give_up = time.monotonic() + PUBLISHED_S
    while replica.compared_seq < core.seq:
        if not replica.catch_up(100_000):
            await asyncio.sleep(0.01)
        if time.monotonic() > give_up:
            raise CoulisseError("the core published no event hash of its end")
    return replica.write_snapshot(1)


class _Relay:
    """Hands on what two sides say to each other, and counts it."""

    def __init__(self, port: int) -> None:
        self.up = self.down = 0
        self.over = asyncio.Event()
        self._port = port

    async def connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        far, there = await asyncio.open_connection("127.0.0.1", self._port)

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter, up: bool) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(CHUNK_BYTES):
                    self.up, self.down = self.up + up * len(data), self.down + (not up) * len(data)
                    to.write(data)
                    await to.drain()
            to.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(pump(near, there, True))
            group.create_task(pump(far, back, False))
        self.over.set()


async def _wire(run: CapacityRun, node: MortalNode) -> dict[str, Any]:
    node.environment = {**node.environment, "COULISSE_GATEWAY__NAMES": '["*"]'}
    node.launch()
    node.ready()
    relays = [_Relay(int(node.http.rpartition(":")[2])) for _ in range(2)]
    async with contextlib.AsyncExitStack() as ends:
        clients = []
        for relay in relays:
            server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
            ends.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            client = await Client.connect(
                f"http://127.0.0.1:{port}", key_id=node.key_id, private_key=node.private_key
            )
            clients.append(await ends.enter_async_context(client))
        counted = await _counted(run, node.data, clients, relays)
    for relay in relays:
        await relay.over.wait()
    return counted


async def _counted(
    run: CapacityRun, data: Path, clients: list[Client], relays: list[_Relay]
) -> dict[str, Any]:
    trader, reader = clients
    ours, theirs = relays
    for number in range(WARM_UP):
        await _place(trader, number)
    up, down, logged = ours.up, ours.down, log_bytes(data)
    for number in range(run.orders):
        await _place(trader, number)
    logged = log_bytes(data) - logged
    request, reply = (ours.up - up) / run.orders, (ours.down - down) / run.orders
    feed = await reader.book(SYMBOL, depth=10)
    await anext(feed)
    before, messages, number = theirs.down, 0, 0
    give_up = time.monotonic() + FOLLOWED_S
    while time.monotonic() < give_up:
        number += 1
        await _place(trader, number)
        await anext(feed)
        messages += 1
    return {
        "orders": run.orders,
        "request_bytes": round(request),
        "reply_bytes": round(reply),
        "log_bytes_alone": round(logged / run.orders),
        "book_messages": messages,
        "book_message_bytes": round((theirs.down - before) / messages),
    }


async def _place(client: Client, number: int) -> None:
    price = Decimal(FAR) + number % 9
    placed = await client.place(SYMBOL, "buy", "0.00100", price=price)
    if not isinstance(placed, OrderResult):
        raise CoulisseError(f"the order was not taken: {placed}")
