"""The node's end of its projector: starts it, hears how far it is, starts it again when it died.

Invariant: whatever becomes of the projector, the node goes on. What became of it is in its health
and metrics.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, Literal

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.child import Child, Program
from coulisse.node.follower import Settings, Status
from coulisse.node.projector_process import STORE_VARIABLE
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.node.projector_process"
State = Literal["off", "starting", "running", "restarting", "diverged", "stopped"]
_STATUS_FIELDS: Final = frozenset(field.name for field in fields(Status))


class Projector:
    """One projector process, over all its lives."""

    def __init__(self, config: Config, processors: frozenset[int]) -> None:
        """Prepare it for `config`; `processors` is where the node was allowed to run."""
        part = config.projector
        settings = Settings(
            data_dir=str(data_dir(config)),
            snapshot_interval_s=part.snapshot_interval_s,
            snapshots_kept=part.snapshots_kept,
            may_migrate=config.store.migrate,
        )
        database = config.store.address or ""
        # Not in its arguments, which everybody on the machine can read.
        secret = {STORE_VARIABLE: database}
        where = elsewhere(config, processors)
        program = Program("projector", MODULE, settings.to_json(), secret, part.nice, where)
        self._child = Child(program, self)
        self.store = StoreHealth(is_wanted=bool(part.enabled and database))
        self._log = logger("projector")
        self._status = Status()
        self._written = 0
        self._state: State = "starting" if part.enabled else "off"

    @property
    def is_wanted(self) -> bool:
        """Whether there is to be one."""
        return self._state != "off"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid

    def health(self) -> Mapping[str, object]:
        """Return what there is to say about it."""
        said: dict[str, object] = {"state": self._state}
        if self.is_wanted:
            said |= {
                "seq": self._status.seq,
                "snapshot_seq": max(self._status.snapshot_seq, self._status.start_seq),
                "restarts": self._child.restarts,
            }
        if self._child.reason:
            said["reason"] = self._child.reason
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
            "projector_restarts_total": self._child.restarts,
            "projector_snapshots_total": self._written,
            "projector_snapshot_failures_total": status.snapshot_failures,
            "projector_snapshot_seq": max(status.snapshot_seq, status.start_seq),
            "projector_snapshot_bytes": status.snapshot_bytes,
            "projector_snapshot_us": status.snapshot_us,
            **self.store.metrics(),
        }

    async def run(self) -> None:
        """Keep a projector alive until `end`. Cancelling it ends the process."""
        try:
            await self._child.run()
        finally:
            self.store.lose_projector()
        if self._state != "diverged":
            self._state = "stopped"

    async def end(self) -> None:
        """End the process and wait for it. Idempotent."""
        await self._child.end()

    def begin(self) -> None:
        """A new one knows nothing yet."""
        self._status = Status()

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take in how far it is, or which snapshots it could not use."""
        if "passed_over" in said:
            self._log.warning(
                "snapshot_passed_over", file=said["passed_over"], reason=said["reason"]
            )
            return
        before, self._status = self._status, Status(**{name: said[name] for name in _STATUS_FIELDS})
        self._state = "running"
        self._tell(before, self._status)

    def lose(self, reason: str, *, is_over: bool) -> None:
        """Nothing follows the journal until the next one does."""
        self._state = "diverged" if is_over else "restarting"
        self.store.lose_projector()

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
