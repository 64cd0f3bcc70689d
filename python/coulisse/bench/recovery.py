"""`coulisse bench recovery`: what is lost, and how long it takes until orders are taken again.

A log of orders that trade is made, and a node started on it once, so that it has snapshots, a store
and time series. Then, one after another, things happen to it that an operator must expect; each
time real processes are killed, files damaged or removed, and the commands of an operator given.
`first_order_s` counts from the moment of the failure, or of the first command, to the first order
that is acknowledged. Nobody's hesitation is in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from coulisse.bench.mortal_node import MortalNode, await_that
from coulisse.bench.recovery_log import (
    MASTER_KEY,
    RecoveryRun,
    a_node,
    bytes_of,
    make_log,
    sizes,
    used_bytes,
)
from coulisse.bench.redis_server import Redis
from coulisse.bench.scratch import run_directory
from coulisse.domain.errors import CoulisseError
from coulisse.log.files import segment_file, segments, snapshots

UNDER_LOAD_S: Final = 1.0
FOLLOWS: Final = frozenset({"writing", "telling"})
"""What a store, series or a Redis is said to do while all is well."""
DISK_MB: Final = 64
SMALL_BYTES: Final = 1 << 18
FULL_S: Final = 30.0
FILLED_AFTER_S: Final = 0.2
"""An account has 10,000 live orders at most: the disk must be full long before."""
PROJECTOR: Final = "COULISSE_PROJECTOR__ENABLED"
TORN: Final = b"\xa5" * 200
"""What stands behind the last group of a write that a power cut ended."""


def measure(run: RecoveryRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    with run_directory(run.data_dir) as directory:
        node = a_node(directory)
        try:
            return asyncio.run(_Scenarios(run, node).all())
        finally:
            if node.process is not None:
                node.kill()
            node.bury()


class _Scenarios:
    """What happens to the node, in this order; each leaves it running and whole."""

    def __init__(self, run: RecoveryRun, node: MortalNode) -> None:
        self._run = run
        self._node = node
        self._backup = node.directory / "backup"
        self._kept = node.directory / "kept"

    async def all(self) -> dict[str, Any]:
        """Let everything happen; return what it took."""
        run, node = self._run, self._node
        seq = await make_log(run, node)
        first_s = await self._until_order(time.perf_counter(), node.launch)
        self._caught_up("store", "series")
        await_that(lambda: node.readiness()["projector"]["snapshot_seq"] > seq, "a snapshot")
        figures: dict[str, Any] = {
            "orders": run.orders, "resting": run.resting, "records": seq,
            "disk": sizes(node),
            "start_by_replay_s": first_s,
        }  # fmt: skip
        scenarios: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            "killed": self._killed,
            "backup": self._backed_up,
            "machine_lost": self._machine_lost,
            "snapshots_lost": self._snapshots_lost,
            "log_torn": self._log_torn,
            "log_cut": self._log_cut,
            "log_damaged": self._log_damaged,
            "store_lost": self._store_lost,
            "store_rebuild": lambda: self._rebuilt("store"),
            "series_rebuild": lambda: self._rebuilt("series"),
            "redis_lost": self._redis_lost,
            "halted_by_mistake": self._halted,
            "master_key_lost": self._master_key_lost,
            "disk_full": self._disk_full,
        }
        for name, scenario in scenarios.items():
            figures[name] = await scenario()
        return figures

    async def _until_order(self, began_s: float, *steps: Callable[[], object]) -> float:
        """Take the steps, wait for the node, place an order; return the seconds since `began`."""
        for step in steps:
            step()
        self._node.ready()
        await self._node.order()
        return round(time.perf_counter() - began_s, 2)

    def _caught_up(self, *names: str) -> None:
        def is_so() -> bool:
            said = self._node.readiness()
            return all(said[one]["state"] in FOLLOWS and not said[one]["behind"] for one in names)

        await_that(is_so, f"{names} to be filled")

    async def _killed_under_load(self) -> list[str]:
        """Kill the node while orders come; return the ids of those that were acknowledged."""
        async with asyncio.TaskGroup() as group:
            placing = group.create_task(self._node.orders())
            await asyncio.sleep(UNDER_LOAD_S)
            self._node.kill()
        return placing.result()

    async def _killed(self) -> dict[str, Any]:
        async with asyncio.TaskGroup() as group:
            placing = group.create_task(self._node.orders())
            await asyncio.sleep(UNDER_LOAD_S)
            began_s = time.perf_counter()
            self._node.kill()
            took_s = await self._until_order(began_s, self._node.launch)
        lost = await self._lost(placing.result())
        return {**lost, "first_order_s": took_s, **self._start()}

    async def _lost(self, acknowledged: list[str]) -> dict[str, int]:
        """Say how many orders of those that were acknowledged the node has no more."""
        rest = await self._node.open_orders()
        lost = [name for name in acknowledged if name not in rest]
        return {"acknowledged": len(acknowledged), "acknowledged_lost": len(lost)}

    def _start(self) -> dict[str, Any]:
        said = self._node.told("ready")
        return {"snapshot_seq": said["snapshot_seq"], "replayed": said["replayed"]}

    async def _backed_up(self) -> dict[str, Any]:
        began_s = time.perf_counter()
        words = ("backup", str(self._backup), "--data-dir", str(self._node.data), "--json")
        made = json.loads(self._node.done(*words))
        took_s = round(time.perf_counter() - began_s, 2)
        return {"took_s": took_s, "records": made["seq"], "bytes": bytes_of(self._backup)}

    async def _restored(self, began_s: float) -> dict[str, Any]:
        """Make the data directory of the backup, and start on it."""
        node = self._node
        shutil.rmtree(node.data)
        node.done("restore", str(self._backup), "--data-dir", str(node.data))
        restored_s = round(time.perf_counter() - began_s, 2)
        took_s = await self._until_order(began_s, node.launch)
        stores_s = self._stores_since(began_s)
        return {"restore_s": restored_s, "first_order_s": took_s, "stores_s": stores_s}

    def _stores_since(self, began_s: float) -> float:
        self._caught_up("store", "series")
        return round(time.perf_counter() - began_s, 2)

    async def _machine_lost(self) -> dict[str, Any]:
        acknowledged = await self._killed_under_load()
        self._node.bury()
        restored = await self._restored(time.perf_counter())
        return {**await self._lost(acknowledged), **restored}

    async def _snapshots_lost(self) -> dict[str, Any]:
        acknowledged = await self._killed_under_load()
        self._node.bury()
        for file in snapshots(self._node.data).values():
            file.unlink()
        took_s = await self._until_order(time.perf_counter(), self._node.launch)
        return {**await self._lost(acknowledged), "first_order_s": took_s, **self._start()}

    def _last_segment(self) -> tuple[Path, int]:
        """Return the segment that is written to, and where its last group ends."""
        data = self._node.data
        file = data / segment_file(segments(data)[-1])
        return file, used_bytes(file)

    async def _log_torn(self) -> dict[str, Any]:
        acknowledged = await self._killed_under_load()
        self._node.bury()
        file, end = self._last_segment()
        _write(file, end, TORN)
        took_s = await self._until_order(time.perf_counter(), self._node.launch)
        return {**await self._lost(acknowledged), "first_order_s": took_s}

    async def _refused(self) -> str:
        """Start it; return why it does not."""
        self._node.launch()
        try:
            self._node.ready()
        except CoulisseError as error:
            return str(error)
        return ""

    async def _damaged(self, spoil: Callable[[], None]) -> dict[str, Any]:
        """Spoil the log behind a kill; where a start refuses it, go on from the backup."""
        acknowledged = await self._killed_under_load()
        self._node.bury()
        spoil()
        began_s = time.perf_counter()
        said = await self._refused()
        refused_s = round(time.perf_counter() - began_s, 2)
        if not said:
            raise CoulisseError("the node started on a log that is damaged")
        # The path of this run means nothing to anybody.
        said = said.partition("/data: ")[2]
        restored = await self._restored(time.perf_counter())
        return {
            "said": said, "refused_s": refused_s, **await self._lost(acknowledged), **restored,
        }  # fmt: skip

    async def _log_cut(self) -> dict[str, Any]:
        def cut() -> None:
            file, end = self._last_segment()
            _write(file, end - 4_096, bytes(4_096))

        return await self._damaged(cut)

    async def _log_damaged(self) -> dict[str, Any]:
        def flip() -> None:
            file, end = self._last_segment()
            _write(file, end // 2, bytes([file.read_bytes()[end // 2] ^ 1]))

        return await self._damaged(flip)

    async def _store_lost(self) -> dict[str, Any]:
        node = self._node
        node.stop()
        for file in (*node.data.glob("store.sqlite3*"), *node.data.glob("series.sqlite3*")):
            file.unlink()
        began_s = time.perf_counter()
        took_s = await self._until_order(began_s, node.launch)
        return {"first_order_s": took_s, "filled_s": self._stores_since(began_s)}

    async def _rebuilt(self, what: str) -> dict[str, Any]:
        node = self._node
        node.stop()
        began_s = time.perf_counter()
        node.done(what, "rebuild", "--data-dir", str(node.data), "--config", str(node.config))
        took_s = time.perf_counter() - began_s
        node.launch()
        node.ready()
        records = int(node.readiness()["seq"])
        rate = round(records / took_s)
        return {"took_s": round(took_s, 2), "records": records, "records_per_s": rate}

    async def _redis_lost(self) -> dict[str, Any]:
        node = self._node
        try:
            redis = Redis()
        except CoulisseError as error:
            return {"not_measured": str(error)}
        try:
            redis.start()
            node.stop()
            node.launch(COULISSE_REDIS__URL=redis.url)
            node.ready()
            self._caught_up("redis")
            redis.kill()
            await_that(lambda: node.readiness()["redis"]["state"] != "up", "Redis to be missed")
            began_s = time.perf_counter()
            await node.order()
            order_s = round(time.perf_counter() - began_s, 3)
            began_s = time.perf_counter()
            redis.start()
            self._caught_up("redis")
            told_s = round(time.perf_counter() - began_s, 2)
            node.stop()
        finally:
            redis.remove()
        node.launch()
        node.ready()
        return {"order_without_it_s": order_s, "told_again_s": told_s}

    async def _halted(self) -> dict[str, Any]:
        node = self._node
        node.done("halt", "BTC-USD")
        began_s = time.perf_counter()
        node.done("admin", "open", "BTC-USD")
        await node.order()
        return {"first_order_s": round(time.perf_counter() - began_s, 2)}

    async def _master_key_lost(self) -> dict[str, Any]:
        node = self._node
        async with await node.client() as client:
            await client.admin.create_key("a1", "h", ["read"])
        before = await node.open_orders()
        node.kill()
        node.bury()
        node.environment = {**node.environment, MASTER_KEY: "a5" * 32}
        said = await self._refused()
        began_s = time.perf_counter()
        keys = node.data / "data_keys"
        took_s = await self._until_order(
            began_s, lambda: keys.rename(node.directory / "data_keys.old"), node.launch
        )
        lost = len(before - await node.open_orders())
        said = said.partition("/data: ")[2]
        return {"said": said, "first_order_s": took_s, "orders_lost": lost}

    async def _disk_full(self) -> dict[str, Any]:
        """Fill a small disk with a log of its own while orders come; make room afterwards."""
        node = self._node
        node.stop()
        disk = node.directory / "disk"
        disk.mkdir()
        refused = _run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk))
        if refused is not None:
            return {"not_measured": f"needs the right to mount a disk: {refused}"}
        # Small segments, so that the node soon needs another one, which the disk has no room for;
        # and nothing beside it that would make room, as old snapshots do.
        node.data = disk / "data"
        small = {"COULISSE_LOG__SEGMENT_BYTES": str(SMALL_BYTES), PROJECTOR: "false"}
        node.environment = {**node.environment, **small}
        try:
            return await self._filled(disk / "filler")
        finally:
            if node.process is not None:
                node.kill()
            node.bury()
            _run("umount", str(disk))

    async def _filled(self, filler: Path) -> dict[str, Any]:
        node = self._node
        node.launch()
        node.ready()
        async with asyncio.TaskGroup() as group:
            placing = group.create_task(node.orders())
            await asyncio.sleep(FILLED_AFTER_S)
            with filler.open("wb") as file:
                left = os.statvfs(filler.parent)
                os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize)
        await_that(node.ended, "the end of a node whose disk is full", FULL_S)
        said = node.said()
        node.stop()
        began_s = time.perf_counter()
        took_s = await self._until_order(began_s, filler.unlink, node.launch)
        lost = await self._lost(placing.result())
        return {"said": said.removeprefix("coulisse: "), **lost, "first_order_s": took_s}


def _run(*command: str) -> str | None:
    """Run a program; return what it said where it failed."""
    ended = subprocess.run(command, capture_output=True, text=True)
    return None if ended.returncode == 0 else ended.stderr.strip()


def _write(file: Path, offset: int, content: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(offset)
        stream.write(content)
