"""The projector's work: follow the journal with a replica, write it down, fill the store.

While the store is down the replica goes on; when it is back, the replica begins again from a
snapshot that is not past it.

Invariant: the store is given rows only of what follows the place that it was seen at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.log.files import snapshots
from coulisse.node.pace import RECORDS_PER_BURST, RECORDS_PER_TURN, Pace, Worker
from coulisse.node.side_process import SideSettings
from coulisse.node.snapshot_forks import SnapshotForks
from coulisse.node.store_feed import StoreFeed
from coulisse.store.sql.writer import Breathe, Checkpoint

POLL_S: Final = 0.1
"""How often it looks whether the core has published more."""
RECORDS_PER_WRITE: Final = 1_024
"""Records whose rows the store is given at a time, at most: fewer where it waits for some. Larger
batches are written no faster, and take memory that comes and goes."""
FINISH_S: Final = 2.0
"""How long it goes on filling the store when the node has gone."""
PLACE_FILE: Final = "series.place"
"""In the data directory: the seq that the time series will go on from."""


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
        self._snapshots = SnapshotForks(
            Path(settings.data_dir),
            settings.snapshot_interval_s,
            settings.snapshots_kept,
            now_s,
            pace,
            self._needed_seq,
        )
        self.status = Status(start_seq=replica.snapshot_seq)

    def turn(self) -> bool:
        """Go on a little; return whether there is more. Raises `CoreError`."""
        self._pace.look(lambda: self._replica.durable_seq)
        self._worker.do(self._go_on)
        self.status.seq = self._replica.seq
        self.status.compared_seq = self._replica.compared_seq
        self._snapshots.look(self._replica, self.status.start_seq)
        self._tell_of_snapshots()
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
        # A store that keeps up is given what there is as soon as it has nothing to do. One that is
        # behind gets whole batches: a transaction for each few records would keep it behind.
        is_all = applied < limit
        if self._waiting >= RECORDS_PER_WRITE or (is_all and feed.is_idle):
            self._give(feed)
        return not is_all

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
            if self._snapshots.is_writing:
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

    def _tell_of_snapshots(self) -> None:
        said, status = self._snapshots.status, self.status
        status.snapshot_seq = said.seq
        status.snapshot_bytes, status.snapshot_us = said.size, said.took_us
        status.snapshots = said.written
        status.snapshot_failures, status.snapshot_failure = said.failures, said.failure

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
        self._snapshots.end()
