"""The node's end of a process that fills a database beside it, and what is said of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic

from coulisse.node.child import Child, Program
from coulisse.node.side_process import State, StatusT
from coulisse.node.store_health import BEHIND_MAX
from coulisse.telemetry.logs import logger


class Side(ABC, Generic[StatusT]):
    """One such process; the node takes orders however it is."""

    def __init__(self, name: str, well: State, status: StatusT, program: Program | None) -> None:
        """`well` is the state of one that fills; there is none where there is no `program`."""
        self._name = name
        self._well = well
        self._kind = type(status)
        self._log = logger(name)
        self._has_process = False
        self._done_before = 0
        self._status = status
        self._child = None if program is None else Child(program, self)

    @property
    def is_wanted(self) -> bool:
        """Whether there is to be one."""
        return self._child is not None

    async def run(self) -> None:
        """Keep a process alive until `end`. Cancelling it ends the process."""
        if self._child is not None:
            await self._child.run()

    async def end(self) -> None:
        """End the process and wait for it."""
        if self._child is not None:
            await self._child.end()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._child is None else self._child.pid

    def health(self, durable_seq: int) -> tuple[bool, Mapping[str, object]]:
        """Return whether it is as it should be, and what there is to say."""
        if not self.is_wanted:
            return True, {"state": "off"}
        seq = self._status.seq or 0
        behind = max(0, durable_seq - seq)
        state = self._status.state if self._has_process else "starting"
        said: dict[str, object] = {"state": state, "seq": seq, "behind": behind}
        if self._status.reason:
            said["reason"] = self._status.reason
        is_well = state in ("starting", "connecting", self._well) and not self._status.reason
        return is_well and behind <= BEHIND_MAX, said

    def metrics(self) -> Mapping[str, int]:
        """Return counters and gauges."""
        if self._child is None:
            return {}
        facts = {
            "up": int(self._status.state == self._well),
            "seq": self._status.seq or 0,
            "restarts_total": self._child.restarts,
            **self.counts(self._status, self._done_before + self._status.done),
        }
        return {f"{self._name}_{fact}": value for fact, value in facts.items()}

    @abstractmethod
    def counts(self, status: StatusT, done: int) -> Mapping[str, int]:
        """Return what else is counted; `done` is what all processes did together."""

    def begin(self) -> None:
        """What the last process said stays until the next says something."""

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take in how far the process is."""
        before, now = self._status, self._kind(**said)
        self._has_process = True
        if now.seq is None:
            now.seq = before.seq
        self._status = now
        self.note(before, now)
        if now.state != before.state and now.state != "connecting":
            is_well = now.state == self._well
            tell = self._log.info if is_well else self._log.warning
            tell = self._log.error if now.state == "refused" else tell
            facts = {"seq": now.seq} if is_well else {"reason": now.reason}
            tell(f"{self._name}_{now.state}", **facts)

    def note(self, before: StatusT, now: StatusT) -> None:
        """See what else has changed."""

    def lose(self, reason: str, *, is_over: bool) -> None:
        """Nothing fills it until the next process is there."""
        self._done_before += self._status.done
        self._status = replace(self._status, state="down", reason=reason, done=0)
