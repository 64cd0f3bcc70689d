"""The node's end of what Redis is told: the process that tells it, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.child import Child, Program
from coulisse.node.redis_process import REDIS_VARIABLE, Settings, Status
from coulisse.node.store_health import BEHIND_MAX
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.node.redis_process"


class RedisSide:
    """The Redis of a node; it takes orders however that is."""

    def __init__(self, config: Config, processors: tuple[int, ...]) -> None:
        """Prepare it; `processors` is where its process may run."""
        url = config.redis.address
        self.is_wanted = url is not None
        self._log = logger("redis")
        self._status = Status()
        self._has_process = False
        self._messages_before = 0
        if url is None:
            return
        part = config.redis
        settings = Settings(
            str(data_dir(config)), config.projector.nice, processors,
            part.prefix, part.interval_ms, part.book_depth, part.accounts_max,
        )  # fmt: skip
        program = Program("redis", MODULE, settings.to_json(), {REDIS_VARIABLE: url})
        self.child = Child(program, self._hear, self._lose)

    async def end(self) -> None:
        """End the process and wait for it."""
        if self.is_wanted:
            await self.child.end()

    def health(self, durable_seq: int) -> tuple[bool, Mapping[str, object]]:
        """Return whether it is as it should be, and what there is to say."""
        if not self.is_wanted:
            return True, {"state": "off"}
        status = self._status
        behind = max(0, durable_seq - status.seq)
        state = status.state if self._has_process else "starting"
        said: dict[str, object] = {"state": state, "seq": status.seq, "behind": behind}
        if status.reason:
            said["reason"] = status.reason
        is_well = state in ("starting", "connecting", "telling") and not status.reason
        return is_well and behind <= BEHIND_MAX, said

    def metrics(self) -> Mapping[str, int]:
        """Return counters and gauges."""
        if not self.is_wanted:
            return {}
        status = self._status
        return {
            "redis_up": int(status.state == "telling"),
            "redis_seq": status.seq,
            "redis_messages_total": self._messages_before + status.messages,
            "redis_skips": status.skips,
            "redis_accounts": status.accounts,
            "redis_restarts_total": self.child.restarts,
            "redis_memory_bytes": status.memory_bytes,
        }

    def _hear(self, said: Mapping[str, Any]) -> None:
        before, self._status = self._status, Status(**said)
        self._has_process = True
        now = self._status
        if now.state != before.state and now.state != "connecting":
            tell = {"telling": self._log.info, "refused": self._log.error}
            facts = {"seq": now.seq} if now.state == "telling" else {"reason": now.reason}
            tell.get(now.state, self._log.warning)(f"redis_{now.state}", **facts)

    def _lose(self, reason: str) -> None:
        """Nothing tells it until the next process is there."""
        self._messages_before += self._status.messages
        fields = asdict(self._status) | {"state": "down", "reason": reason, "messages": 0}
        self._status = Status(**fields)
