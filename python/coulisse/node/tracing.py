"""Sends the traces of a node to a collector, beside the loop.

Nothing waits for it: what has no room until it is sent is counted and gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from coulisse import _core
from coulisse.config import Config
from coulisse.node.lives import pause
from coulisse.telemetry.logs import logger
from coulisse.telemetry.traces import Sender

INTERVAL_S: Final = 1.0


class Tracing:
    """The traces of one node."""

    def __init__(self, config: Config) -> None:
        """Trace as the settings say. Raises `ConfigError` where packages are missing."""
        part = config.traces
        self._one_in = part.one_in
        self._sender: Sender | None = None
        if part.endpoint is not None:
            self._sender = Sender(part.endpoint, node=config.node.id, version=_core.VERSION)
        self._stopping = asyncio.Event()
        self._sent = self._lost = 0
        self._is_heard = True
        self._log = logger("telemetry")

    @property
    def is_wanted(self) -> bool:
        """Whether anything is traced."""
        return self._sender is not None

    def metrics(self) -> Mapping[str, int]:
        """Return its counters; none where nothing is traced."""
        if self._sender is None:
            return {}
        return {"traces_sent_total": self._sent, "traces_lost_total": self._lost}

    async def run(self, core: _core.Core) -> None:
        """Send until `end`."""
        sender = self._sender
        if sender is None:
            return
        traces = _core.Traces(core, self._one_in)
        # A thread of its own: a collector that does not answer keeps nobody else's waiting.
        with ThreadPoolExecutor(1, "coulisse-traces") as thread:
            while not self._stopping.is_set():
                await pause(self._stopping, INTERVAL_S)
                found, lost = traces.take()
                self._lost += lost
                if not found or self._stopping.is_set():
                    continue
                sending = asyncio.get_running_loop().run_in_executor(thread, sender.send, found)
                self._note(len(found), is_heard=await sending)

    def _note(self, count: int, *, is_heard: bool) -> None:
        if is_heard:
            self._sent += count
        else:
            self._lost += count
        if is_heard != self._is_heard:
            say = self._log.info if is_heard else self._log.warning
            say("traces_heard" if is_heard else "traces_not_heard")
        self._is_heard = is_heard

    def end(self) -> None:
        """Send no more; what is under way is given up."""
        self._stopping.set()
        if self._sender is not None:
            self._sender.close()
