"""A process that is started with a question, answers with one line of JSON, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

SAID_NOTHING: Final = '{"error": "it said nothing"}'


class Asked:
    """Asks a module, one question at a time."""

    def __init__(self, module: str) -> None:
        """Ask `module`, run as a program."""
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def ask(
        self, settings: Mapping[str, object], secrets: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return the answer: what was asked for, or `error`. Cancelling it ends the process.

        `secrets` go by the environment: everybody on the machine can read its arguments.
        """
        try:
            return await self._answer(settings, secrets)
        except (OSError, ValueError) as error:
            return {"error": str(error)}

    def end(self) -> None:
        """Give up what is being asked."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

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
        try:
            answer, _ = await process.communicate()
        finally:
            self._process = None
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        said: Mapping[str, Any] = json.loads(answer or SAID_NOTHING)
        return said
