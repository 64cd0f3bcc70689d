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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coulisse.node.lives import Backoff, pause
from coulisse.node.projector_process import EXIT_DIVERGED
from coulisse.telemetry.logs import logger

STOP_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run."""

    name: str
    """As logs and metrics call it."""
    module: str
    settings: str
    """Its one argument."""
    environment: Mapping[str, str]


class Child:
    """One such process, over all its lives."""

    def __init__(
        self,
        program: Program,
        hear: Callable[[Mapping[str, Any]], None],
        lose: Callable[[str], None],
    ) -> None:
        """`hear` is given what it tells; `lose` is told why it is gone."""
        self._program = program
        self._hear = hear
        self._lose = lose
        self._log = logger(program.name)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._has_begun = False
        self._reason = ""
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
                if code == EXIT_DIVERGED:
                    self._lose(self._reason)
                    self._log.error("diverged", reason=self._reason)
                    return
                wait_s = backoff.after(loop.time() - began_s)
                self.restarts += 1
                self._lose(self._reason or f"its process ended with {code}")
                self._log.warning("died", code=code, reason=self._reason, restart_in_s=wait_s)
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
            self._reason = str(error)
            return -1

    async def _live(self) -> int:
        """Run one process to its end; return its exit code."""
        self._reason = ""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._program.module, self._program.settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self._program.environment},
        )  # fmt: skip
        self._process = process
        assert process.stdout is not None and process.stdin is not None, "both are pipes"
        if self._stopping.is_set():
            process.stdin.close()
        try:
            async for line in process.stdout:
                said = json.loads(line)
                if "error" in said:
                    self._reason = f"{said['error']}: {said['message']}"
                else:
                    self._hear(said)
            return await process.wait()
        finally:
            self._process = None
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
