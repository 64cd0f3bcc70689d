"""Compares the store with the core again and again, and raises the alarm where they differ."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.errand import Errand
from coulisse.node.projector_process import STORE_VARIABLE
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.node.store_check"


class StoreVerify(Errand):
    """The comparisons of one node."""

    def __init__(self, config: Config, store: StoreHealth, processors: Collection[int]) -> None:
        """Compare what `store` tells of, at the interval of the settings, on these processors."""
        interval_s = config.store.verify_interval_s
        super().__init__(MODULE, interval_s, config.projector.nice, processors)
        self._secrets = {STORE_VARIABLE: config.store.address or ""}
        self._settings = {"data_dir": str(data_dir(config)), "is_deep": False}
        self._store = store
        self._log = logger("store")

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be compared."""
        return self._store.is_wanted and self._interval_s > 0

    async def _look(self) -> None:
        if not self._store.is_there:
            return
        said = await self._ask(self._settings, self._secrets)
        if said is None:
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
