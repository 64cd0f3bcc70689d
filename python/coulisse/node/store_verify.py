"""Compares the store with the core again and again, and raises the alarm where they differ.

Each comparison is a process of its own (`store_check`), so that it costs the node nothing but what
the machine has to spare.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.lives import pause
from coulisse.node.projector_process import STORE_VARIABLE
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

PROGRAM: Final = ("-m", "coulisse.node.store_check")


class StoreVerify:
    """The comparisons of one node."""

    def __init__(self, config: Config, store: StoreHealth) -> None:
        """Compare what `store` tells of, at the interval of the settings."""
        self._interval_s = config.store.verify_interval_s
        self._database = config.store.address or ""
        self._settings = json.dumps(
            {"data_dir": str(data_dir(config)), "is_deep": False, "nice": config.projector.nice}
        )
        self._store = store
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._log = logger("store")

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be compared."""
        return self._store.is_wanted and self._interval_s > 0

    async def run(self) -> None:
        """Compare at each interval until `end`. Cancelling it ends the process that compares."""
        while not self._stopping.is_set():
            await pause(self._stopping, self._interval_s)
            if not self._stopping.is_set() and self._store.is_there:
                await self._compare()

    def end(self) -> None:
        """Compare no more; what is under way is given up."""
        self._stopping.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _compare(self) -> None:
        try:
            said = await self._ask()
        except (OSError, ValueError) as error:
            said = {"error": str(error)}
        if self._stopping.is_set():
            return
        if "error" in said:
            # A store that went meanwhile is told of by what fills it.
            self._log.warning("store_not_verified", reason=said["error"])
            return
        seq, differences = int(said["seq"]), int(said["differences"])
        self._store.compare(seq, differences)
        if differences:
            self._log.error("store_differs", seq=seq, differences=differences, first=said["told"])
        else:
            self._log.info("store_verified", seq=seq, ledger=said["ledger"], orders=said["orders"])

    async def _ask(self) -> Mapping[str, Any]:
        """Run one comparison to its end. Raises `OSError`, `ValueError`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *PROGRAM, self._settings,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # Not in its arguments, which everybody on the machine can read.
            env={**os.environ, STORE_VARIABLE: self._database},
        )  # fmt: skip
        self._process = process
        try:
            answer, _ = await process.communicate()
        finally:
            self._process = None
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        said: Mapping[str, Any] = json.loads(answer or b'{"error": "it said nothing"}')
        return said
