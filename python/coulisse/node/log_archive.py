"""Puts segments of the log away from which nothing goes on any more, where the settings ask for it.

What goes on from a seq: the oldest snapshot that is kept, the store, the time series. Each has to
have been past it an interval ago as well: a power cut takes back what a database was told last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from coulisse.config import Config
from coulisse.log.file import archive_dir, data_dir
from coulisse.log.files import segments, snapshots
from coulisse.node.errand import Errand
from coulisse.node.follower import series_place
from coulisse.node.store_health import StoreHealth
from coulisse.telemetry.logs import logger

MODULE: Final = "coulisse.log.archive"


class LogArchive(Errand):
    """The archive of one node."""

    def __init__(self, config: Config, store: StoreHealth, processors: Collection[int]) -> None:
        """Archive as the settings say, and never what `store` or a snapshot goes on from.

        On these processors. The log is open by now.
        """
        part = config.log
        super().__init__(MODULE, part.archive_interval_s, config.projector.nice, processors)
        self._directory = data_dir(config)
        self._archive = archive_dir(config)
        self._settings: dict[str, object] = {
            "data_dir": str(self._directory),
            "archive": str(self._archive),
            "keep_days": part.archive_keep_days,
        }
        self._store = store
        self._has_series = config.series_database is not None
        self._needed_before: int | None = None
        # Noted, for a directory of very many segments takes long to list.
        self._first_seq = min(segments(self._directory), default=0)
        self._count = 0
        self._reason = ""
        self._log = logger("log")

    @property
    def is_wanted(self) -> bool:
        """Whether segments are to be put away."""
        return self._archive is not None

    def health(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether all is well, and the facts."""
        said: dict[str, object] = {"first_seq": self._first_seq}
        if self._archive is not None:
            said["archived_segments"] = self._count
        if self._reason:
            said["reason"] = self._reason
        return not self._reason, said

    def metrics(self) -> Mapping[str, int]:
        """Return its counters and gauges."""
        return {
            "log_first_seq": self._first_seq,
            "log_archived_segments_total": self._count,
            "log_archive_failing": int(bool(self._reason)),
        }

    async def _look(self) -> None:
        needed_seq = self._needed_seq()
        before, self._needed_before = self._needed_before, needed_seq
        said: Mapping[str, Any] | None = None
        if needed_seq is not None and before is not None:
            asked = {**self._settings, "needed_seq": min(before, needed_seq)}
            said = await self._ask(asked, {})
        # Others may have put some back, too.
        self._first_seq = min(segments(self._directory), default=0)
        if said is not None:
            self._note(said)

    def _note(self, said: Mapping[str, Any]) -> None:
        if "error" in said:
            if said["error"] != self._reason:
                self._log.error("log_not_archived", reason=said["error"])
            self._reason = str(said["error"])
            return
        self._reason = ""
        self._count += len(said["archived"])
        if said["archived"]:
            self._log.info("log_archived", first_seqs=said["archived"], oldest=self._first_seq)
        if said["removed"]:
            self._log.warning("log_forgotten", first_seqs=said["removed"])

    def _needed_seq(self) -> int | None:
        """Return the oldest seq that something goes on from; None where that is not known."""
        needed: list[int | None] = [min(snapshots(self._directory), default=None)]
        if self._store.is_wanted:
            needed.append(self._store.filled_seq)
        if self._has_series:
            needed.append(series_place(self._directory))
        known = [seq for seq in needed if seq is not None]
        return min(known) if len(known) == len(needed) else None
