"""Compares the store with the core again and again, and raises the alarm where they differ.

Each comparison is a process of its own (`store_check`), so that it costs the node nothing but what
the machine has to spare.
"""

from __future__ import annotations

import asyncio
from typing import Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.asked import Asked
from coulisse.node.lives import pause
from coulisse.node.projector_process import STORE_VARIABLE
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.node.store_check"


class StoreVerify:
    """The comparisons of one node."""

    def __init__(self, config: Config, store: StoreHealth) -> None:
        """Compare what `store` tells of, at the interval of the settings."""
        self._interval_s = config.store.verify_interval_s
        self._secrets = {STORE_VARIABLE: config.store.address or ""}
        self._settings = {
            "data_dir": str(data_dir(config)), "is_deep": False, "nice": config.projector.nice,
        }  # fmt: skip
        self._store = store
        self._stopping = asyncio.Event()
        self._asked = Asked(MODULE)
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
        self._asked.end()

    async def _compare(self) -> None:
        said = await self._asked.ask(self._settings, self._secrets)
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
