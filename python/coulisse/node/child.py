"""A process beside the node that follows its journal: started, heard, started again when it died.

It lives as long as its stdin, tells one JSON object a line, and gets what may be secret by its
environment. Whatever becomes of it, the node goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from coulisse.node.backstage import stand_back
from coulisse.node.lives import Backoff, pause
from coulisse.node.side_process import EXIT_DIVERGED
from coulisse.telemetry.logs import logger

STOP_TIMEOUT_S: Final = 5.0
ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""For glibc, unless somebody says otherwise: what is made by one thread and given back by another,
batch after batch, leaves each thread a heap of its own, with holes. One heap for all of them, and
large buffers outside of it, keep a projector that fills a store at 70 MB; it had 80 to 97 before
(`coulisse bench soak`)."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run."""

    name: str
    """As logs and metrics call it."""
    module: str
    settings: str
    """Its one argument."""
    environment: Mapping[str, str]
    nice: int
    processors: tuple[int, ...]
    """Where it may run; empty: where the node may."""


class Parent(Protocol):
    """Who is told of a process."""

    def begin(self) -> None:
        """One is about to be started."""

    def hear(self, said: Mapping[str, Any]) -> None:
        """It has told something."""

    def lose(self, reason: str, *, is_over: bool) -> None:
        """It died; `is_over` if there will be no other: what it makes of the journal differs."""


class Child:
    """One such process, over all its lives."""

    def __init__(self, program: Program, parent: Parent) -> None:
        """Prepare to run `program`."""
        self._program = program
        self._parent = parent
        self._log = logger(program.name)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._has_begun = False
        self.reason = ""
        """What it said at last of why it ends; empty where it said nothing."""
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Keep one alive until `end`. Cancelling it ends the process."""
        self._has_begun = True
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                began_s = loop.time()
                code = await self._try_to_live()
                if self._stopping.is_set():
                    break
                name = self._program.name
                if code == EXIT_DIVERGED:
                    self._parent.lose(self.reason, is_over=True)
                    self._log.error(f"{name}_diverged", reason=self.reason)
                    return
                wait_s = backoff.after(loop.time() - began_s)
                self.restarts += 1
                reason = self.reason or f"its process ended with {code}"
                self._parent.lose(reason, is_over=False)
                self._log.warning(
                    f"{name}_died", code=code, reason=self.reason, restart_in_s=wait_s
                )
                await pause(self._stopping, wait_s)
        finally:
            self._ended.set()

    async def end(self) -> None:
        """End the process and wait for it. Idempotent."""
        self._stopping.set()
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if not self._has_begun:
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
        except (OSError, ValueError, KeyError, TypeError) as error:
            # There is no memory for a process, say, or it said what nobody understands.
            self.reason = str(error)
            return -1

    async def _live(self) -> int:
        """Run one process to its end; return its exit code."""
        self.reason = ""
        self._parent.begin()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._program.module, self._program.settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**ALLOCATOR, **os.environ, **self._program.environment},
        )  # fmt: skip
        self._process = process
        stand_back(process.pid, self._program.nice, self._program.processors)
        assert process.stdout is not None and process.stdin is not None, "both are pipes"
        if self._stopping.is_set():
            process.stdin.close()
        try:
            async for line in process.stdout:
                said = json.loads(line)
                if "error" in said:
                    self.reason = f"{said['error']}: {said['message']}"
                else:
                    self._parent.hear(said)
            return await process.wait()
        finally:
            self._process = None
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
