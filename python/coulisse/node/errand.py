"""What a node has done again and again by a process that is started for it, answers and ends.

So it costs the node nothing but what the machine has to spare.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, Final

from coulisse.node.backstage import stand_back
from coulisse.node.lives import pause

SAID_NOTHING: Final = '{"error": "it said nothing"}'


class Errand(ABC):
    """A module that is run as a program, at an interval."""

    def __init__(
        self, module: str, interval_s: float, nice: int, processors: Collection[int]
    ) -> None:
        """Prepare to run it; it is told its settings, and answers with one line of JSON.

        It is so much nicer than the node, and runs on these processors; without any where the
        node may.
        """
        self._module = module
        self._interval_s = interval_s
        self._nice, self._processors = nice, processors
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run it at each interval until `end`. Cancelling it ends the process."""
        while not self._stopping.is_set():
            await pause(self._stopping, self._interval_s)
            if not self._stopping.is_set():
                await self._look()

    def end(self) -> None:
        """Run it no more; what is under way is given up."""
        self._stopping.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    @abstractmethod
    async def _look(self) -> None:
        """Run it if it is due, and see to what it says."""

    async def _ask(
        self, settings: Mapping[str, object], secrets: Mapping[str, str]
    ) -> Mapping[str, Any] | None:
        """Return what it says, or `error`; None where nobody wants to know any more.

        `secrets` go by the environment: everybody on the machine can read its arguments.
        """
        try:
            said = await self._answer(settings, secrets)
        except (OSError, ValueError) as error:
            said = {"error": str(error)}
        return None if self._stopping.is_set() else said

    async def _answer(
        self, settings: Mapping[str, object], secrets: Mapping[str, str]
    ) -> Mapping[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, json.dumps(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **secrets},
        )  # fmt: skip
        self._process = process
        stand_back(process.pid, self._nice, self._processors)
        try:
            answer, _ = await process.communicate()
        finally:
            self._process = None
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        said: Mapping[str, Any] = json.loads(answer or SAID_NOTHING)
        return said
