"""`kill -9` under load: whatever was acknowledged is there after the restart."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from coulisse import Client, OrderResult
from coulisse.domain.outcomes import Rejected, Unknown

from ..integration.conftest import Server, environment, launch

KILLS = 20
WORKERS = 8
ACKED_BEFORE_KILL = 150
# Some 20 s; on a machine that others load it takes as long as they let it.
pytestmark = pytest.mark.timeout(900)


class Load:
    """Workers that place orders until the node dies, and remember what was acknowledged."""

    def __init__(self, run: int, rng: random.Random) -> None:
        self._run = run
        self._rng = rng
        self._target = rng.randint(ACKED_BEFORE_KILL // 3, ACKED_BEFORE_KILL)
        self.acked: dict[str, int] = {}
        self.unknown: set[str] = set()
        self.enough = asyncio.Event()

    async def work(self, client: Client, worker: int) -> None:
        for number in range(10_000):
            own_id = f"k{self._run}-{worker}-{number}"
            price = str(self._rng.randint(10_000, 50_000))
            outcome = await client.place(
                "BTC-USD", "buy", "0.0001", price=price, client_order_id=own_id
            )
            match outcome:
                case OrderResult(order_id=int() as order_id):
                    self.acked[own_id] = order_id
                case Unknown():
                    self.unknown.add(own_id)
                    return
                case Rejected(state="not_sent"):
                    return
                case _:
                    pytest.fail(f"{own_id}: {outcome}")
            if len(self.acked) >= self._target:
                self.enough.set()


async def kill_under_load(server: Server, run: int, rng: random.Random) -> Load:
    load = Load(run, rng)
    clients = [
        await Client.connect(server.http, credentials=server.credentials, request_timeout_s=3)
        for _ in range(2)
    ]
    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(load.work(clients[worker % 2], worker))
        await load.enough.wait()
        os.kill(server.pid, signal.SIGKILL)
        server.stop(signal.SIGKILL)
        for client in clients:
            await client.close()
    return load


async def check_nothing_is_lost(server: Server, load: Load) -> int:
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        open_ids = {order.client_order_id: order.order_id for order in await client.open_orders()}
        for own_id, order_id in load.acked.items():
            assert open_ids.get(own_id) == order_id, f"acknowledged, but not there: {own_id}"
        there = sum(own_id in open_ids for own_id in load.unknown)
        await client.cancel_all()
        return there


@pytest.mark.begins_first
async def test_no_acknowledged_order_is_lost_in_twenty_kills(tmp_path: Path) -> None:
    rng = random.Random(20)
    arguments = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    environ = environment(tmp_path)
    server = launch(arguments, environ, tmp_path)
    try:
        async with await Client.connect(server.http, credentials=server.credentials) as client:
            await client.deposit("operator", "USD", "100000000")
        acked = unknown = 0
        for run in range(KILLS):
            load = await kill_under_load(server, run, rng)
            server = launch(arguments, environ, tmp_path)
            await check_nothing_is_lost(server, load)
            acked += len(load.acked)
            unknown += len(load.unknown)
        # The kills did hit a node at work: orders were under way.
        assert acked >= KILLS * ACKED_BEFORE_KILL // 3 and unknown > 0
        assert server.stop() == 0
    finally:
        server.stop(signal.SIGKILL)
