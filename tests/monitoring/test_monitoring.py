"""A real Prometheus watches a real node: every panel has data, alerts fire by their faults.

One node and one Prometheus for all of it: a node is loaded, then hurt in many ways, in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from coulisse import Client
from coulisse.bench.own_server import free_port
from tests.integration.conftest import environment, launch
from tests.store.redis_server import RedisServer
from tests.store.redis_server import is_installed as has_redis
from tools.monitoring.boards import INTERVAL, read_boards

from .faults import FAULTS, a_node_that_is_gone
from .prometheus_server import Prometheus, is_installed
from .rules import RULES, alerts, faster
from .world import SPARE, World, order, request

FIRES_S = 60.0
CONFIG = "\n".join(
    f'[[instruments]]\nsymbol = "{symbol}"\ntick_size = "0.01"\nlot_size = "0.00001"\n'
    for symbol in ("BTC-USD", SPARE)
)
SETTINGS = {
    "COULISSE_GATEWAY__CONNECTIONS_MAX": "40",
    "COULISSE_GATEWAY__DEFLATE": "true",
    "COULISSE_LOG__SEGMENT_BYTES": str(8 << 20),
    "COULISSE_PROJECTOR__NICE": "0",
    "COULISSE_PROJECTOR__SNAPSHOT_INTERVAL_S": "1",
    "COULISSE_SERIES__DATABASE": "sqlite",
    "COULISSE_STORE__VERIFY_INTERVAL_S": "1",
}
OF_A_BUSY_MACHINE = {
    "CoulisseDurabilityBurns", "CoulisseJournalStalled", "CoulisseLatencyBurns",
    "CoulisseLoopDelayed", "CoulisseDiskNearlyFull",
}  # fmt: skip
"""What a machine causes by itself that others load, or that fills the small disk of the test by the
orders it takes: these may fire before their faults."""


def is_missing() -> str:
    """Return what is not here that the test needs."""
    missing = [] if is_installed() else ["prometheus"]
    missing += [] if has_redis() else ["redis-server"]
    missing += [] if shutil.which("strace") else ["strace"]
    missing += [] if os.geteuid() == 0 else ["the right to mount a disk"]
    return ", ".join(missing)


@contextlib.contextmanager
def a_small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 128 MB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.asynccontextmanager
async def a_world(home: Path) -> AsyncIterator[World]:
    """A node with all that may stand beside it, and Prometheus with rules a sixtieth as slow."""
    (home / "coulisse.toml").write_text(CONFIG)
    redis = RedisServer()
    with contextlib.ExitStack() as ends:
        ends.callback(redis.remove)
        redis.start()
        disk = ends.enter_context(a_small_disk(home / "disk"))
        serve = ["serve", "--port", str(free_port()), "--data-dir", str(disk)]
        serve += ["--config", "coulisse.toml"]
        server = launch(serve, environment(home, COULISSE_REDIS__URL=redis.url, **SETTINGS), home)
        ends.callback(server.stop)
        ends.callback(server.process.kill)
        rules = {file.name: faster(file.read_text()) for file in RULES.glob("*.yml")}
        prometheus = Prometheus(server.http.removeprefix("http://"), rules)
        ends.callback(prometheus.remove)
        await asyncio.to_thread(prometheus.start)
        async with await Client.connect(server.http, credentials=server.credentials) as client:
            world = World(server, client, prometheus, redis, home, disk)
            ends.callback(lambda: world.server.stop(signal.SIGKILL))
            yield world


async def load(world: World) -> None:
    """Orders that rest, trade and are refused; feeds, one of them compressed."""
    await world.client.deposit("operator", "USD", "100000000")
    await world.client.deposit("operator", "BTC", "1000")
    listener = await world.session(deflate=True)
    await listener.send([request(1, "subscribe", channel="book", symbols=["BTC-USD"])])
    for turn in range(8):
        prices = [f"{19_000 + 10 * level + turn}.00" for level in range(20)]
        await world.ask("order.place", [order("buy", price=price) for price in prices])
        await world.ask("order.place", [order("buy", qty="100000"), order("buy", price="1.001")])
        await world.trade(150)
        await asyncio.sleep(0.2)
    await listener.close()
    await world.client.cancel_all()


async def fires(world: World, wanted: tuple[str, ...]) -> list[str]:
    """Wait until alerts fire; return those that do not."""
    give_up = time.monotonic() + FIRES_S
    while True:
        firing = await asyncio.to_thread(world.prometheus.firing)
        missing = [name for name in wanted if name not in firing]
        if not missing or time.monotonic() > give_up:
            return missing
        await asyncio.sleep(0.1)


def empty_panels(world: World, start_s: float) -> list[str]:
    """Return the panels that have shown nothing but zeros."""
    empty = []
    for board in read_boards():
        for panel in (panel for row in board.rows for panel in row.panels):
            exprs = [
                one.expr.replace(INTERVAL, "2s").replace("$instance", ".*") for one in panel.queries
            ]
            values = [value for expr in exprs for value in world.prometheus.values(expr, start_s)]
            if not any(value == value and value != 0 for value in values):
                empty.append(f"{board.name}: {panel.title}")
    return empty


@pytest.mark.begins_first
@pytest.mark.skipif(bool(is_missing()), reason=f"it needs {is_missing()}")
@pytest.mark.timeout(400)
async def test_every_panel_has_data_and_alerts_fire_by_their_faults(tmp_path: Path) -> None:
    started_s, silent = time.time(), []
    async with a_world(tmp_path) as world:
        await load(world)
        for fault, wanted in FAULTS:
            if fault is a_node_that_is_gone:
                empty = await asyncio.to_thread(empty_panels, world, started_s)
            before = await asyncio.to_thread(world.prometheus.firing)
            early = [name for name in wanted if name in before - OF_A_BUSY_MACHINE]
            async with fault(world):
                missing = await fires(world, wanted)
            silent += [f"{name} before its fault" for name in early]
            silent += [f"{name} by {fault.__doc__ or fault.__name__}" for name in missing]
    assert not silent, "these did not fire, or fired too early"
    assert not empty, "these have shown nothing but zeros"


def test_every_alert_has_a_fault_that_fires_it() -> None:
    by_fault = {name for _, names in FAULTS for name in names}
    assert {rule["alert"] for rule in alerts()} == by_fault
