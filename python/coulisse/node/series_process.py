"""Fills the time series, as a process: a replica of its own, and one connection that writes.

    python -m coulisse.node.series_process '{"data_dir": …, …}'

It lives as long as its stdin, and tells on stdout, one JSON object a line, how far it is. Its
replica is opened where the database is found to be, and is gone while there is none: then it
only asks for the database, ever more slowly.

The database's address, which may hold a password, comes by the environment.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

from coulisse import _core
from coulisse.node.follower import EXIT_FAILED, PLACE_FILE, RECORDS_PER_BURST
from coulisse.node.pace import Pace, Worker
from coulisse.node.projector_process import (
    EXIT_DIVERGED,
    NOT_YET,
    Lifeline,
    memory_bytes,
    say,
)
from coulisse.store.errors import StoreDown, StoreError, StoreRefused
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
STATUS_INTERVAL_S: Final = 1.0
LOOK_S: Final = 1.0
PRUNE_S: Final = 60.0
FINISH_S: Final = 2.0
"""How long it goes on when the node has gone."""
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 10.0
State = Literal["connecting", "writing", "down", "refused"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the node tells it."""

    data_dir: str
    nice: int
    processors: tuple[int, ...]
    """Where it may run; empty: where the node may."""
    keep_days: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the argument of the process."""
        fields = json.loads(text)
        return cls(**{**fields, "processors": tuple(fields["processors"])})


@dataclass(slots=True)
class Status:
    """How far it is."""

    state: State = "connecting"
    seq: int | None = None
    """How far rows were written; None before that is known."""
    rows: int = 0
    reason: str = ""
    rebuilt: str = ""
    """Why the file was made anew, if it was."""
    memory_bytes: int = 0


class Filler:
    """Fills one database until the node lets go."""

    def __init__(self, settings: Settings, address: SeriesAddress, lifeline: Lifeline) -> None:
        """Prepare to fill `address`."""
        self._settings = settings
        self._address = address
        self._lifeline = lifeline
        self._status = Status()
        self._told_at_s = 0.0
        self._pace = Pace(time.monotonic)
        self._worker = Worker("series-back", self._pace)
        self._more = False
        self._place = Path(settings.data_dir) / PLACE_FILE
        directory = Path(settings.data_dir).resolve()
        is_file = address.backend == "sqlite"
        self._is_own = is_file and Path(address.file).resolve().parent == directory

    def run(self) -> None:
        """Fill until the node lets go. Raises `CoreError` where the replica is at fault."""
        wait_s = BACKOFF_FIRST_S
        while True:
            before = self._status.rows
            try:
                self._live()
                return
            except StoreRefused as error:
                if self._is_own and error.code != "STORE_DRIVER":
                    self._remove(str(error))
                    continue
                self._say("refused", str(error))
            except StoreError as error:
                self._say("down", str(error))
            # One that took something is soon asked again.
            wait_s = BACKOFF_FIRST_S if self._status.rows > before else wait_s
            if self._lifeline.is_cut(wait_s):
                return
            wait_s = min(2 * wait_s, BACKOFF_MAX_S)

    def _live(self) -> None:
        """Write until the node lets go. Raises `StoreError`, `CoreError`."""
        self._say("connecting", self._status.reason)
        try:
            end = _core.Replica(data_dir=self._settings.data_dir, newest_seq=0, only_one=False)
            genesis = end.genesis
        except _core.CoreError as error:
            if error.args[0] in NOT_YET:
                raise StoreDown("the node has published nothing yet") from None
            raise
        del end
        writer = open_series(self._address, genesis, Policy(self._settings.keep_days))
        try:
            self._follow(writer)
        except _core.CoreError as error:
            code = str(error.args[0])
            if code.startswith("STORE_"):
                raise StoreRefused(code, str(error.args[-1])) from None
            raise
        finally:
            writer.close()

    def _follow(self, writer: SeriesWriter) -> None:
        place = writer.checkpoint
        replica = _core.Replica(
            data_dir=self._settings.data_dir, newest_seq=place.seq, only_one=False
        )
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
            self._status.rows += rows.count
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
            fresh.write_text(text)
            fresh.replace(self._place)
        except OSError as error:
            raise StoreDown(f"{self._place}: {error.strerror}") from None

    def _remove(self, reason: str) -> None:
        remove_files(self._address.file)
        self._status.rebuilt = reason
        self._status.seq = None

    def _say(self, state: State, reason: str = "") -> None:
        self._status.state, self._status.reason = state, reason
        self._told_at_s = 0.0
        self._tell()

    def _tell(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._told_at_s:
            self._told_at_s = now_s + STATUS_INTERVAL_S
            self._status.memory_bytes = memory_bytes()
            say(asdict(self._status))


def main() -> int:
    """Run the process; return its exit code."""
    settings = Settings.from_json(sys.argv[1])
    # Who interrupts the node in a terminal interrupts its family too: the node decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(settings.nice)
    if settings.processors:
        os.sched_setaffinity(0, settings.processors)
    address = parse_series_address(os.environ.pop(SERIES_VARIABLE), Path(settings.data_dir))
    try:
        Filler(settings, address, Lifeline()).run()
    except _core.CoreError as error:
        code, message = str(error.args[0]), str(error.args[-1])
        say({"error": code, "message": message})
        return EXIT_DIVERGED if code == "REPLICA_DIVERGED" else EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
