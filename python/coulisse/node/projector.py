"""The node's end of its projector: starts it, hears how far it is, starts it again when it died.

Invariant: whatever becomes of the projector, the node goes on. What became of it is in its health
and metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Final, Literal

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.follower import Settings, Status
from coulisse.node.lives import Backoff, pause
from coulisse.node.projector_process import EXIT_DIVERGED, STORE_VARIABLE
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

PROGRAM: Final = ("-m", "coulisse.node.projector_process")
STOP_TIMEOUT_S: Final = 5.0
State = Literal["off", "starting", "running", "restarting", "diverged", "stopped"]
_STATUS_FIELDS: Final = frozenset(field.name for field in fields(Status))


class Projector:
    """One projector process, over all its lives."""

    def __init__(self, config: Config, processors: frozenset[int]) -> None:
        """Prepare it for `config`; `processors` is where the node was allowed to run."""
        part = config.projector
        self._directory = data_dir(config)
        self._settings = Settings(
            data_dir=str(self._directory),
            snapshot_interval_s=part.snapshot_interval_s,
            snapshots_kept=part.snapshots_kept,
            nice=part.nice,
            processors=elsewhere(config, processors),
            may_migrate=config.store.migrate,
        )
        self._database = config.store.address or ""
        self.store = StoreHealth(is_wanted=bool(part.enabled and self._database))
        self._log = logger("projector")
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._status = Status()
        self._restarts = 0
        self._reason = ""
        self._written = 0
        self._state: State = "starting" if part.enabled else "off"

    @property
    def is_wanted(self) -> bool:
        """Whether there is to be one."""
        return self._state != "off"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    def health(self) -> Mapping[str, object]:
        """Return what there is to say about it."""
        said: dict[str, object] = {"state": self._state}
        if self.is_wanted:
            said |= {
                "seq": self._status.seq,
                "snapshot_seq": max(self._status.snapshot_seq, self._status.start_seq),
                "restarts": self._restarts,
            }
        if self._reason:
            said["reason"] = self._reason
        return said

    def metrics(self) -> Mapping[str, int]:
        """Return its counters and gauges."""
        if not self.is_wanted:
            return {}
        status = self._status
        return {
            "projector_up": int(self._state == "running"),
            "projector_diverged": int(self._state == "diverged"),
            "projector_seq": status.seq,
            "projector_restarts_total": self._restarts,
            "projector_snapshots_total": self._written,
            "projector_snapshot_failures": status.snapshot_failures,
            "projector_snapshot_seq": max(status.snapshot_seq, status.start_seq),
            "projector_snapshot_bytes": status.snapshot_bytes,
            "projector_snapshot_us": status.snapshot_us,
            "projector_memory_bytes": status.memory_bytes,
            **self.store.metrics(),
        }

    async def run(self) -> None:
        """Keep a projector alive until `end`. Cancelling it ends the process."""
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                began_s = loop.time()
                code = await self._try_to_live()
                if self._stopping.is_set():
                    break
                if code == EXIT_DIVERGED:
                    self._state = "diverged"
                    self._log.error("projector_diverged", reason=self._reason)
                    return
                wait_s = backoff.after(loop.time() - began_s)
                self._state = "restarting"
                self._restarts += 1
                self._log.warning(
                    "projector_died", code=code, reason=self._reason, restart_in_s=wait_s
                )
                await pause(self._stopping, wait_s)
            self._state = "stopped"
        finally:
            self._ended.set()

    async def end(self) -> None:
        """End the process and wait for it. Idempotent."""
        self._stopping.set()
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if not self.is_wanted:
            return
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            if self._process is not None:
                self._process.kill()

    async def _try_to_live(self) -> int:
        try:
            return await self._live()
        except (OSError, ValueError, KeyError) as error:
            # There is no memory for a process, say, or it said what nobody understands.
            self._reason = str(error)
            return -1

    async def _live(self) -> int:
        """Run one process to its end; return its exit code."""
        self._status, self._reason = Status(), ""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            self._settings.to_json(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Not in its arguments, which everybody on the machine can read.
            env={**os.environ, STORE_VARIABLE: self._database},
        )
        self._process = process
        assert process.stdout is not None and process.stdin is not None, "both are pipes"
        if self._stopping.is_set():
            process.stdin.close()
        try:
            async for line in process.stdout:
                self._hear(line)
            return await process.wait()
        finally:
            self._process = None
            self.store.lose_projector()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    def _hear(self, line: bytes) -> None:
        said = json.loads(line)
        if "error" in said:
            self._reason = f"{said['error']}: {said['message']}"
        elif "passed_over" in said:
            self._log.warning(
                "snapshot_passed_over", file=said["passed_over"], reason=said["reason"]
            )
        else:
            before, self._status = (
                self._status,
                Status(**{name: said[name] for name in _STATUS_FIELDS}),
            )
            self._state = "running"
            self._tell(before, self._status)

    def _tell(self, before: Status, now: Status) -> None:
        self.store.hear(now)
        if now.snapshots > before.snapshots:
            self._written += now.snapshots - before.snapshots
            self._log.info(
                "snapshot_written",
                seq=now.snapshot_seq,
                bytes=now.snapshot_bytes,
                us=now.snapshot_us,
            )
        if now.snapshot_failures > before.snapshot_failures:
            self._log.error("snapshot_failed", reason=now.snapshot_failure)


def allowed_processors() -> frozenset[int]:
    """Return where this process may run."""
    return frozenset(os.sched_getaffinity(0))


def elsewhere(config: Config, processors: frozenset[int]) -> tuple[int, ...]:
    """Return where what stands beside the core may run; nothing where that may be anywhere."""
    if config.node.cpu is None:
        return ()
    return tuple(sorted(processors - {config.node.cpu} or processors))
