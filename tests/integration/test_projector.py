"""The projector beside a real node: writes snapshots, dies, is caught, never harms the node."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from coulisse import Client, OrderResult, TradingEngine, _core
from coulisse.bench.pinning import children
from coulisse.config import load_config
from tests.crc32c import crc32c

from .conftest import Server, Start

DEADLINE_S = 60.0
SERVE = ("serve", "--port", "0", "--data-dir", "data")
QUICK = {"COULISSE_PROJECTOR__SNAPSHOT_INTERVAL_S": "0.2"}
EVENT_SEQ_AT, EVENT_HASH_AT, CRC_AT, CRC_FROM = 88, 96, 8, 12


def projector_of(server: Server) -> dict[str, Any]:
    health = httpx.get(f"{server.http}/readyz")
    assert health.status_code == 200, health.text
    said: dict[str, Any] = health.json()["projector"]
    return said


def durable_seq(server: Server) -> int:
    return int(httpx.get(f"{server.http}/healthz").json()["durable_seq"])


def metrics(server: Server) -> str:
    return httpx.get(f"{server.http}/metrics").text


def follows(seq: int) -> Callable[[Mapping[str, Any]], bool]:
    return lambda said: said["state"] == "running" and said["seq"] >= seq


def until(server: Server, holds: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Ask after the projector until it is so."""
    give_up = time.monotonic() + DEADLINE_S
    while not holds(said := projector_of(server)):
        assert time.monotonic() < give_up, said
    return said


def projector_pid(server: Server) -> int:
    """The one child of the node that is a projector."""
    (pid,) = filter(is_projector, children(server.pid))
    return pid


def is_projector(pid: int) -> bool:
    return b"projector_process" in Path(f"/proc/{pid}/cmdline").read_bytes()


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists() and bool(Path(f"/proc/{pid}/cmdline").read_bytes())


def gone(pid: int) -> None:
    give_up = time.monotonic() + DEADLINE_S
    while is_there(pid):
        assert time.monotonic() < give_up, f"process {pid} lives on"


async def orders(server: Server, count: int, first: int = 0) -> set[str]:
    """Place orders that rest; return their client order ids."""
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        if first == 0:
            await client.deposit("operator", "USD", "1000000")
        for number in range(first, first + count):
            price = str(1_000 + number)
            placed = await client.place(
                "BTC-USD", "buy", "0.001", price=price, client_order_id=f"o{number}"
            )
            assert isinstance(placed, OrderResult) and placed.state == "open"
    return {f"o{number}" for number in range(first, first + count)}


async def open_ids(server: Server) -> set[str | None]:
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        return {order.client_order_id for order in await client.open_orders()}


def ready_line(server: Server) -> dict[str, Any]:
    """What the node logged when it was ready."""
    assert server.process.stderr is not None
    for line in server.process.stderr:
        said: dict[str, Any] = json.loads(line)
        if said["event"] == "ready":
            return said
    pytest.fail("the node never said that it was ready")


def hashes_of(directory: Path) -> tuple[int, bytes, bytes]:
    core = _core.Core(data_dir=str(directory))
    found = (core.recovery["snapshot_seq"], core.state_hash(), core.event_hash())
    core.close()
    return found


async def test_after_kill_9_a_node_starts_from_its_snapshot_and_has_every_order(
    start: Start, tmp_path: Path
) -> None:
    first = start(*SERVE, **QUICK)
    placed = await orders(first, 20)
    until(first, lambda said: said["state"] == "running" and said["snapshot_seq"] > 20)
    placed |= await orders(first, 20, first=20)
    projector = projector_pid(first)
    first.stop(signal.SIGKILL)
    gone(projector)
    for name in ("kept", "replayed"):
        shutil.copytree(first.data_dir, tmp_path / name, ignore=shutil.ignore_patterns("*.sock"))
    for file in (tmp_path / "replayed").glob("*.snap"):
        file.unlink()
    second = start(*SERVE, **QUICK)
    ready = ready_line(second)
    assert ready["snapshot_seq"] > 20 and ready["replayed"] == (
        ready["records"] - ready["snapshot_seq"]
    )
    assert await open_ids(second) == placed
    assert second.stop() == 0
    with_snapshot, without = hashes_of(tmp_path / "kept"), hashes_of(tmp_path / "replayed")
    assert with_snapshot[0] > 20 and without[0] == 0
    assert with_snapshot[1:] == without[1:]


async def test_a_damaged_snapshot_is_passed_over_in_one_log_line(start: Start) -> None:
    first = start(*SERVE, **QUICK)
    placed = await orders(first, 5)
    until(first, lambda said: said["snapshot_seq"] > 5)
    projector = projector_pid(first)
    first.stop(signal.SIGKILL)
    gone(projector)
    for file in first.data_dir.glob("*.snap"):
        damaged = bytearray(file.read_bytes())
        damaged[-1] ^= 1
        file.write_bytes(damaged)
    second = start(*SERVE, **QUICK)
    assert second.process.stderr is not None
    said = json.loads(second.process.stderr.readline())
    assert said["event"] == "snapshot_passed_over" and "PayloadChecksum" in said["reason"]
    assert ready_line(second)["snapshot_seq"] == 0
    assert await open_ids(second) == placed


async def test_a_killed_projector_is_started_again_and_the_node_goes_on(start: Start) -> None:
    server = start(*SERVE, **QUICK)
    placed = await orders(server, 3)
    until(server, lambda said: said["state"] == "running")
    for deaths in (1, 2):
        os.kill(projector_pid(server), signal.SIGKILL)
        placed |= await orders(server, 3, first=3 * deaths)
        seq = durable_seq(server)
        said = until(server, follows(seq))
        assert said["restarts"] == deaths
    counted = metrics(server)
    assert "coulisse_projector_restarts_total 2" in counted
    assert "coulisse_projector_up 1" in counted
    assert await open_ids(server) == placed


async def test_a_projector_that_differs_from_the_core_stops_loudly_and_writes_nothing(
    start: Start,
) -> None:
    server = start(*SERVE, **QUICK)
    placed = await orders(server, 3)
    seq = durable_seq(server)
    until(server, lambda said: said["snapshot_seq"] == seq)
    written = {file.name for file in server.data_dir.glob("*.snap")}
    forge_event_hash(server.data_dir / "durable.seq", seq)
    said = until(server, lambda said: said["state"] == "diverged")
    assert said["reason"].startswith(f"REPLICA_DIVERGED: at seq {seq} ")
    assert list(children(server.pid)) == []
    placed |= await orders(server, 3, first=3)
    assert await open_ids(server) == placed
    assert "coulisse_projector_diverged 1" in metrics(server)
    assert {file.name for file in server.data_dir.glob("*.snap")} == written
    assert server.process.stderr is not None
    logged = next(line for line in server.process.stderr if "projector_diverged" in line)
    assert json.loads(logged)["level"] == "error"
    assert server.stop() == 0


def forge_event_hash(file: Path, seq: int) -> None:
    """Let `durable.seq` say that the core said something else, with a checksum that is right."""
    said = bytearray(file.read_bytes())
    assert int.from_bytes(said[EVENT_SEQ_AT : EVENT_SEQ_AT + 8], "little") == seq
    said[EVENT_HASH_AT] ^= 1
    said[CRC_AT:CRC_FROM] = crc32c(bytes(said[CRC_FROM:])).to_bytes(4, "little")
    with file.open("r+b") as out:
        out.write(said)


def test_a_stopped_node_takes_its_projector_along(start: Start) -> None:
    server = start(*SERVE, **QUICK)
    until(server, lambda said: said["state"] == "running")
    projector = projector_pid(server)
    assert server.stop() == 0
    assert not is_there(projector)
    assert not (server.data_dir / "snapshot.tmp").exists()


def test_a_node_without_a_projector_says_so(start: Start) -> None:
    server = start(*SERVE, COULISSE_PROJECTOR__ENABLED="false")
    assert projector_of(server) == {"state": "off"}
    assert list(children(server.pid)) == []
    assert "coulisse_projector" not in metrics(server)


async def test_an_engine_inside_a_program_has_a_projector_where_the_settings_say_so(
    tmp_path: Path,
) -> None:
    file = tmp_path / "coulisse.toml"
    file.write_text("[projector]\nenabled = true\nsnapshot_interval_s = 0.2\n")
    data = tmp_path / "data"
    before = set(children(os.getpid()))
    async with TradingEngine(config=load_config(file, {}), data_dir=data) as engine:
        while not set(children(os.getpid())) - before:
            await engine.deposit("alice", "USD", "1")
    assert set(children(os.getpid())) == before
    async with TradingEngine(data_dir=tmp_path / "plain") as engine:
        await engine.deposit("alice", "USD", "1")
        assert set(children(os.getpid())) == before
