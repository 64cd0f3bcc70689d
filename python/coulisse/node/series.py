"""The node's end of its time series: the process that fills them, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.child import Child, Program
from coulisse.node.follower import PLACE_FILE
from coulisse.node.series_process import SERIES_VARIABLE, Settings, Status
from coulisse.node.series_reader import StoredSeries
from coulisse.node.store_health import BEHIND_MAX
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.node.series_process"


class Series:
    """The time series of a node; it takes orders however they are."""

    def __init__(self, config: Config, processors: tuple[int, ...]) -> None:
        """Prepare them; `processors` is where their process may run. Raises `ConfigError`."""
        database = config.series_database
        directory = data_dir(config)
        self.address: SeriesAddress | None = None
        self.stored: StoredSeries | None = None
        """Reads them."""
        self._log = logger("series")
        self._status = Status()
        self._rows_before = 0
        self._has_process = False
        if database is None:
            # Nothing of a journal is kept for what is not filled any more.
            (directory / PLACE_FILE).unlink(missing_ok=True)
            return
        self.address = parse_series_address(database, directory)
        self.stored = StoredSeries(self.address)
        keep_days = {str(name): days for name, days in config.series.keep_days.items()}
        settings = Settings(str(directory), config.projector.nice, processors, keep_days)
        environment = {SERIES_VARIABLE: database}
        program = Program("series", MODULE, settings.to_json(), environment)
        self.child = Child(program, self._hear, self._lose)

    @property
    def is_wanted(self) -> bool:
        """Whether there are to be any."""
        return self.address is not None

    async def end(self) -> None:
        """End the process and wait for it."""
        if self.stored is not None:
            self.stored.close()
            await self.child.end()

    def health(self, durable_seq: int) -> tuple[bool, Mapping[str, object]]:
        """Return whether they are as they should be, and what there is to say."""
        if not self.is_wanted:
            return True, {"state": "off"}
        status = self._status
        behind = max(0, durable_seq - (status.seq or 0))
        state = status.state if self._has_process else "starting"
        said: dict[str, object] = {"state": state, "seq": status.seq or 0, "behind": behind}
        if status.reason:
            said["reason"] = status.reason
        is_well = state in ("starting", "connecting", "writing") and not status.reason
        return is_well and behind <= BEHIND_MAX, said

    def metrics(self) -> Mapping[str, int]:
        """Return counters and gauges."""
        if not self.is_wanted:
            return {}
        status = self._status
        return {
            "series_up": int(status.state == "writing"),
            "series_seq": status.seq or 0,
            "series_rows_total": self._rows_before + status.rows,
            "series_restarts_total": self.child.restarts,
            "series_memory_bytes": status.memory_bytes,
        }

    def _hear(self, said: Mapping[str, Any]) -> None:
        before, now = self._status, Status(**said)
        self._has_process = True
        if now.seq is None:
            now.seq = before.seq
        self._status = now
        if now.rebuilt and now.rebuilt != before.rebuilt:
            self._log.warning("series_rebuilt", reason=now.rebuilt)
        if now.state != before.state and now.state != "connecting":
            tell = {"writing": self._log.info, "refused": self._log.error}
            facts = {"seq": now.seq} if now.state == "writing" else {"reason": now.reason}
            tell.get(now.state, self._log.warning)(f"series_{now.state}", **facts)

    def _lose(self, reason: str) -> None:
        """Nothing fills them until the next process is there."""
        self._rows_before += self._status.rows
        fields = asdict(self._status) | {"state": "down", "reason": reason, "rows": 0}
        self._status = Status(**fields)
