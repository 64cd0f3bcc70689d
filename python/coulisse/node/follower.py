"""The projector's work: follow the journal with a replica, write it down, fill the store.

While the store is down the replica goes on; when it is back, the replica begins again from a
snapshot that is not past it.

Invariant: only a state whose event hash is the one that the core published at that seq is written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.log.files import snapshots
from coulisse.node.pace import Pace, Worker
from coulisse.node.side_process import EXIT_FAILED, SideSettings
from coulisse.node.store_feed import StoreFeed
from coulisse.store.sql.writer import Breathe, Checkpoint

POLL_S: Final = 0.1
"""How often it looks whether the core has published more."""
RECORDS_PER_TURN: Final = 20_000
"""Records between two looks at stdin: some ten milliseconds."""
RECORDS_PER_WRITE: Final = 4_096
"""Records whose rows the store is given at a time, at most: fewer where it waits for some."""
RECORDS_PER_BURST: Final = 64
"""Records that are applied between two rests while somebody trades."""
FINISH_S: Final = 2.0
"""How long it goes on filling the store when the node has gone."""
ANSWER_BYTES: Final = 4_096
PLACE_FILE: Final = "series.place"
"""In the data directory: the seq that the time series will go on from."""
UNFINISHED: Final = "snapshot.tmp"
"""What a snapshot is called while it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SideSettings):
    """What the node tells its projector."""

    snapshot_interval_s: float
    snapshots_kept: int
    may_migrate: bool = True
    """Whether it brings the store's tables to its version."""


@dataclass(slots=True)
class Status:
    """How far the projector is."""

    seq: int = 0
    compared_seq: int = 0
    start_seq: int = 0
    """The snapshot it started from; 0 for none."""
    snapshot_seq: int = 0
    """The newest one it wrote; 0 for none."""
    snapshot_bytes: int = 0
    snapshot_us: int = 0
    """From the first byte to the last sync."""
    snapshots: int = 0
    snapshot_failures: int = 0
    snapshot_failure: str = ""
    store_state: str = "off"
    store_seq: int = 0
    """How far the store is known to have come."""
    store_rows: int = 0
    """Rows that this process wrote."""
    store_reason: str = ""
    store_rebuilt: str = ""
    """Why the store was emptied, if it was."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """A fork that writes a snapshot."""

    pid: int
    seq: int
    answer: int
    """Reads what it says at its end: bytes and µs of the file, or why there is none."""


def series_place(directory: Path) -> int | None:
    """Return where the time series are, as their process notes it; None where there are none."""
    try:
        return int((directory / PLACE_FILE).read_text())
    except (OSError, ValueError):
        return None


class Follower:
    """A replica, when it is written down, and the store that is filled from it."""

    def __init__(
        self,
        replica: _core.Replica,
        settings: Settings,
        now_s: Callable[[], float],
        feed: StoreFeed | None,
        pace: Pace,
    ) -> None:
        """Follow with `replica`; a first snapshot is due one interval from now."""
        self._replica = replica
        self._settings = settings
        self._now_s = now_s
        self._feed = feed
        self._pace = pace
        self._worker = Worker("replica-back", pace)
        self._more = False
        self._following = 0
        """Which of the feed's connections gets rows; 0 for none."""
        self._waiting = 0
        """Records whose rows the feed was not given yet."""
        self._due_s = now_s() + settings.snapshot_interval_s
        self._writing: _Writing | None = None
        self.status = Status(start_seq=replica.snapshot_seq)

    def turn(self) -> bool:
        """Go on a little; return whether there is more. Raises `CoreError`."""
        self._pace.look(lambda: self._replica.durable_seq)
        self._worker.do(self._go_on)
        self.status.seq = self._replica.seq
        self.status.compared_seq = self._replica.compared_seq
        self._see_whether_written()
        if self._is_due():
            self._begin()
        if self._feed is not None:
            self._tell_of_store(self._feed)
        return self._more

    def finish(self) -> None:
        """Fill the store with what there still is. Raises `CoreError`."""
        self._pace.end()
        give_up_s = self._now_s() + FINISH_S
        while self._now_s() < give_up_s and self.turn():
            pass
        if self._feed is not None:
            if self._following:
                self._give(self._feed)
            self._feed.drain(max(0.0, give_up_s - self._now_s()))
            self._tell_of_store(self._feed)

    def _go_on(self, breathe: Breathe) -> None:
        enough = self._replica.seq + RECORDS_PER_TURN
        self._more = True
        while self._more and self._replica.seq < enough:
            breathe()
            if self._feed is not None and self._feed.is_full:
                self._feed.wait(POLL_S)
                break
            self._more = self._apply()

    def _apply(self) -> bool:
        """Apply some records; return whether there are more."""
        feed = self._feed
        if feed is not None:
            self._meet(feed)
        if feed is None or not self._following:
            limit = self._limit(RECORDS_PER_TURN)
            return self._replica.catch_up(limit) >= limit
        limit = self._limit(RECORDS_PER_WRITE)
        try:
            applied = self._replica.catch_up(limit)
        except _core.CoreError as error:
            if not str(error.args[0]).startswith("STORE_"):
                raise
            self._refuse(feed, error)
            return True
        self._waiting += applied
        # The store is given all there is whenever it has nothing to do: what comes faster than it
        # ends its transactions goes into larger ones.
        if feed.is_idle or self._waiting >= RECORDS_PER_WRITE:
            self._give(feed)
        return applied >= limit

    def _give(self, feed: StoreFeed) -> None:
        self._waiting = 0
        rows = self._replica.take_rows()
        if rows is not None and not feed.put(self._following, rows):
            self._unfollow()

    def _limit(self, records: int) -> int:
        return RECORDS_PER_BURST if self._pace.is_active else records

    def _meet(self, feed: StoreFeed) -> None:
        """See to it that rows are made from where the store is, if it can be reached."""
        found = feed.place()
        if found is None:
            if self._following:
                self._unfollow()
            return
        generation, place = found
        if generation == self._following:
            return
        self._unfollow()
        if place.seq < self._replica.seq:
            # What writes a snapshot holds the replica's lock too.
            if self._writing is not None:
                return
            del self._replica
            try:
                self._replica = _core.Replica(
                    data_dir=self._settings.data_dir, newest_seq=place.seq
                )
            except _core.CoreError as error:
                self._replica = _core.Replica(data_dir=self._settings.data_dir)
                if error.args[0] != "LOG_GONE":
                    raise
                self._refuse(feed, error)
                return
        self._follow(feed, generation, place)

    def _follow(self, feed: StoreFeed, generation: int, place: Checkpoint) -> None:
        try:
            self._replica.follow(place.seq, place.chain)
        except _core.CoreError as error:
            self._refuse(feed, error)
        else:
            self._following = generation

    def _refuse(self, feed: StoreFeed, error: _core.CoreError) -> None:
        self._unfollow()
        feed.refuse(f"{error.args[0]}: {error.args[-1]}")

    def _unfollow(self) -> None:
        self._following = self._waiting = 0
        self._replica.unfollow()

    def _tell_of_store(self, feed: StoreFeed) -> None:
        said, status = feed.status, self.status
        status.store_state = said.state
        status.store_seq = said.seq or 0
        status.store_rows = said.rows
        status.store_reason = said.reason
        status.store_rebuilt = said.rebuilt

    def _needed_seq(self) -> int | None:
        """What store and time series will go on from is kept."""
        series_seq = series_place(Path(self._settings.data_dir))
        needed = [seq for seq in (self._store_seq(), series_seq) if seq is not None]
        return min(needed, default=None)

    def _store_seq(self) -> int | None:
        """Where the store is; where that is unknown, the oldest snapshot there is."""
        if self._feed is None:
            return None
        known = self._feed.status.seq
        if known is not None:
            return known
        return min(snapshots(Path(self._settings.data_dir)), default=None)

    def end(self) -> None:
        """Give up a snapshot that is being written."""
        if self._writing is not None:
            os.kill(self._writing.pid, signal.SIGKILL)
            os.waitpid(self._writing.pid, 0)
            os.close(self._writing.answer)
            self._writing = None
            (Path(self._settings.data_dir) / UNFINISHED).unlink(missing_ok=True)

    def _is_due(self) -> bool:
        seq = self._replica.seq
        newest = max(self.status.snapshot_seq, self.status.start_seq)
        is_compared = self._replica.compared_seq == seq
        return (
            self._writing is None and self._now_s() >= self._due_s and is_compared and seq > newest
        )

    def _begin(self) -> None:
        self._due_s = self._now_s() + self._settings.snapshot_interval_s
        answer, say = os.pipe()
        needed_seq = self._needed_seq()
        # The store's thread holds no lock of this process's own while this one runs Python.
        pid = os.fork()
        if pid == 0:
            self._write_and_exit(say, needed_seq)
        os.close(say)
        self._writing = _Writing(pid, self._replica.seq, answer)

    def _write_and_exit(self, say: int, needed_seq: int | None) -> None:
        code = EXIT_FAILED
        try:
            # The node must not take this process for its projector.
            os.close(sys.stdout.fileno())
            began_s = self._now_s()
            size = self._replica.write_snapshot(self._settings.snapshots_kept, needed_seq)
            os.write(say, f"{size} {int((self._now_s() - began_s) * 1e6)}".encode())
            code = 0
        except (_core.CoreError, OSError) as error:
            os.write(say, str(error.args[-1]).encode()[:ANSWER_BYTES])
        finally:
            os._exit(code)

    def _see_whether_written(self) -> None:
        writing = self._writing
        if writing is None:
            return
        pid, code = os.waitpid(writing.pid, os.WNOHANG)
        if pid == 0:
            return
        self._writing = None
        answer = os.read(writing.answer, ANSWER_BYTES).decode(errors="replace")
        os.close(writing.answer)
        if code == 0:
            self.status.snapshots += 1
            self.status.snapshot_seq = writing.seq
            size, took_us = answer.split()
            self.status.snapshot_bytes, self.status.snapshot_us = int(size), int(took_us)
        else:
            self.status.snapshot_failures += 1
            self.status.snapshot_failure = answer or f"the writing process ended with {code}"
