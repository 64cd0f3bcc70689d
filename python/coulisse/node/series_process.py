"""Fills the time series, as a process: a replica of its own, and one connection that writes.

    python -m coulisse.node.series_process '{"data_dir": …, …}'

It lives and tells as `side_process` says. Its replica is opened where the database is found to be,
and is gone while there is none: then it only asks for the database, ever more slowly.

The database's address, which may hold a password, comes by the environment.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.log.files import begins_at_one
from coulisse.node.follower import PLACE_FILE
from coulisse.node.pace import RECORDS_PER_BURST
from coulisse.node.side_process import (
    Lifeline,
    SideProcess,
    SideSettings,
    SideStatus,
    beside,
    run_process,
)
from coulisse.store.errors import StoreDown, StoreRefused
from coulisse.store.files import remove_files
from coulisse.store.sql.writer import Breathe
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address
from coulisse.store.timeseries.writer import Policy, SeriesWriter, open_series

SERIES_VARIABLE: Final = "COULISSE_SERIES__DATABASE"
RECORDS_PER_WRITE: Final = 16_384
RECORDS_PER_PIECE: Final = 1_024
"""The same while somebody trades."""
WRITE_INTERVAL_S: Final = 0.2
"""How often rows are written while nothing waits."""
LOOK_S: Final = 1.0
PRUNE_S: Final = 60.0
FINISH_S: Final = 2.0
"""How long it goes on when the node has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SideSettings):
    """What the node tells it."""

    keep_days: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Status(SideStatus):
    """How far it is."""

    rebuilt: str = ""
    """Why the file was made anew, if it was."""


class Filler(SideProcess[Status]):
    """Fills one database until the node lets go."""

    def __init__(self, settings: Settings, address: SeriesAddress, lifeline: Lifeline) -> None:
        """Prepare to fill `address`."""
        super().__init__("series-back", lifeline, Status())
        self._settings = settings
        self._address = address
        self._more = False
        self._place = Path(settings.data_dir) / PLACE_FILE
        directory = Path(settings.data_dir).resolve()
        is_file = address.backend == "sqlite"
        self._is_own = is_file and Path(address.file).resolve().parent == directory

    def _begins_anew(self, error: StoreRefused) -> bool:
        # What the log could not fill again is not thrown away.
        may = self._is_own and begins_at_one(Path(self._settings.data_dir))
        if not may or error.code == "STORE_DRIVER":
            return False
        remove_files(self._address.file)
        self._status.rebuilt = str(error)
        self._status.seq = None
        return True

    def _live(self) -> None:
        self._say("connecting", self._status.reason)
        genesis, _ = beside(lambda: _core.log_end(self._settings.data_dir))
        writer = open_series(self._address, genesis, Policy(self._settings.keep_days))
        try:
            self._follow(writer)
        except _core.CoreError as error:
            code = str(error.args[0])
            if code.startswith("STORE_") or code == "LOG_GONE":
                raise StoreRefused(code, str(error.args[-1])) from None
            raise
        finally:
            writer.close()

    def _replica(self, newest_seq: int) -> _core.Replica:
        return _core.Replica(
            data_dir=self._settings.data_dir, newest_seq=newest_seq, only_one=False
        )

    def _follow(self, writer: SeriesWriter) -> None:
        place = writer.checkpoint
        replica = self._replica(place.seq)
        replica.follow(place.seq, place.chain, series=True)
        self._status.seq = place.seq
        self._say("writing")
        look_at_s = prune_at_s = 0.0
        more = True
        while not self._lifeline.is_cut(0.0 if more else WRITE_INTERVAL_S):
            more = self._step(replica, writer)
            now_s = time.monotonic()
            if now_s >= look_at_s:
                look_at_s = now_s + LOOK_S
                writer.look()
                self._note_place(writer.checkpoint.seq)
            if now_s >= prune_at_s and not more:
                # A bounded piece at a time, so that rows do not wait for it.
                prune_at_s = now_s + (0.0 if writer.prune() else PRUNE_S)
            self._tell()
        self._finish(replica, writer)

    def _step(self, replica: _core.Replica, writer: SeriesWriter) -> bool:
        """Write what there is, a bounded piece; return whether there is more."""
        self._pace.look(lambda: replica.durable_seq)
        self._worker.do(lambda breathe: self._go_on(replica, writer, breathe))
        return self._more

    def _go_on(self, replica: _core.Replica, writer: SeriesWriter, breathe: Breathe) -> None:
        is_active = self._pace.is_active
        limit = RECORDS_PER_BURST if is_active else RECORDS_PER_WRITE
        enough = replica.seq + (RECORDS_PER_PIECE if is_active else RECORDS_PER_WRITE)
        self._more = True
        while self._more and replica.seq < enough:
            breathe()
            self._more = replica.catch_up(limit) >= limit
        rows = replica.take_rows()
        if rows is not None:
            writer.write(rows, breathe)
            self._status.done += rows.count
            self._status.seq = writer.written_seq

    def _finish(self, replica: _core.Replica, writer: SeriesWriter) -> None:
        """Write the rest, and let the checkpoint come after."""
        self._pace.end()
        give_up_s = time.monotonic() + FINISH_S
        while time.monotonic() < give_up_s and self._step(replica, writer):
            pass
        while time.monotonic() < give_up_s and writer.checkpoint.seq < writer.written_seq:
            writer.look()
            self._lifeline.is_cut(0.05)
        self._note_place(writer.checkpoint.seq)

    def _note_place(self, seq: int) -> None:
        """Say for which seq a snapshot is to be kept."""
        text = str(seq)
        try:
            if self._place.is_file() and self._place.read_text() == text:
                return
            fresh = self._place.with_suffix(".new")
            # Nothing is lost where a power cut takes it: it says what need not be kept.
            fresh.touch(mode=0o600)
            fresh.write_text(text)
            fresh.replace(self._place)
        except OSError as error:
            raise StoreDown(f"{self._place}: {error.strerror}") from None


def main() -> int:
    """Run the process; return its exit code."""
    settings = Settings.from_json(sys.argv[1])
    address = parse_series_address(os.environ.pop(SERIES_VARIABLE), Path(settings.data_dir))
    return run_process(lambda: Filler(settings, address, Lifeline()).run())


if __name__ == "__main__":
    sys.exit(main())
