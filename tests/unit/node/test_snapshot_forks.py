"""When a fork writes a snapshot, of which replica, and what becomes of what it says."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from coulisse import _core
from coulisse.node.pace import Pace
from coulisse.node.snapshot_forks import KEPT_BACK_S, SnapshotForks

INTERVAL_S = 60.0

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


class Clock:
    """A time that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Replica:
    """What a replica says of itself: where it is, and where the core is."""

    def __init__(self, seq: int, compared_seq: int, durable_seq: int) -> None:
        self.seq, self.compared_seq, self.durable_seq = seq, compared_seq, durable_seq
        self.newest: Replica | None = None
        self.fault: Exception | None = None

    def ahead(self) -> "Replica":
        assert self.newest is not None
        return self.newest

    def catch_up(self, limit: int) -> int:
        if self.fault is not None:
            raise self.fault
        applied = min(limit, self.durable_seq - self.seq)
        self.seq += applied
        if applied and self.seq == self.durable_seq:
            self.compared_seq = self.seq
        return applied

    def write_snapshot(self, keep: int, needed_seq: int | None) -> int:
        if isinstance(self.fault, OSError):
            raise self.fault
        assert (keep, needed_seq) == (2, 7)
        return 1_234


class Forks:
    """Forks at a time of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock()
        pace = Pace(self.clock)
        self.inner = SnapshotForks(directory, INTERVAL_S, 2, self.clock, pace, lambda: 7)

    def look(self, replica: Replica, after_s: float = 0.0) -> None:
        self.clock.now_s += after_s
        self.inner.look(cast("_core.Replica", replica), 10)

    def finish(self, replica: Replica) -> None:
        """Wait for the fork, which is there, and take in what it said."""
        assert self.inner.is_writing
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        self.look(replica)


@pytest.fixture
def forks(tmp_path: Path) -> Iterator[Forks]:
    found = Forks(tmp_path)
    yield found
    found.inner.end()


def test_one_that_has_met_the_core_is_written_when_it_is_due_and_not_twice(forks: Forks) -> None:
    replica = Replica(40, 40, 40)
    forks.look(replica, INTERVAL_S - 1)
    assert not forks.inner.is_writing
    forks.look(replica, 1)
    forks.finish(replica)
    status = forks.inner.status
    assert (status.seq, status.size, status.written, status.failures) == (40, 1_234, 1, 0)
    forks.look(replica, INTERVAL_S)
    assert not forks.inner.is_writing


def test_for_one_that_is_kept_back_another_is_written_that_begins_at_the_newest(
    forks: Forks,
) -> None:
    slow = Replica(40, 30, 100_000)
    forks.look(slow, INTERVAL_S - KEPT_BACK_S)
    slow.newest = Replica(90, 0, 90_000)
    # It met the core just now, at a pair of long ago.
    slow.compared_seq = 35
    forks.look(slow, KEPT_BACK_S)
    forks.look(slow, KEPT_BACK_S - 1)
    assert not forks.inner.is_writing
    forks.look(slow, 1)
    forks.finish(slow)
    status = forks.inner.status
    assert (status.seq, status.written, status.failures) == (90_000, 1, 0)
    # Where it is by now there is a newer one already.
    slow.seq = slow.compared_seq = 50
    forks.look(slow, INTERVAL_S)
    assert not forks.inner.is_writing


def test_where_there_is_no_snapshot_yet_it_begins_at_the_first_record(forks: Forks) -> None:
    slow = Replica(0, 0, 100)
    slow.newest = Replica(0, 0, 100)
    forks.look(slow)
    forks.look(slow, INTERVAL_S)
    forks.finish(slow)
    assert (forks.inner.status.seq, forks.inner.status.failures) == (100, 0)


def test_where_the_core_says_nothing_there_is_nothing_to_write_and_no_failure(
    forks: Forks,
) -> None:
    slow = Replica(40, 30, 100)
    slow.newest = Replica(90, 0, 90)
    forks.look(slow)
    forks.look(slow, INTERVAL_S)
    forks.finish(slow)
    status = forks.inner.status
    assert (status.seq, status.written, status.failures) == (0, 0, 0)


def test_one_that_differs_from_the_core_is_no_snapshot_that_failed(forks: Forks) -> None:
    slow = Replica(40, 30, 100)
    slow.newest = Replica(90, 0, 100)
    slow.newest.fault = _core.CoreError("REPLICA_DIVERGED", 100, "at seq 100")
    forks.look(slow)
    forks.look(slow, INTERVAL_S)
    with pytest.raises(_core.CoreError) as raised:
        forks.finish(slow)
    assert raised.value.args == ("REPLICA_DIVERGED", "at seq 100")
    assert not forks.inner.is_writing


def test_one_that_could_not_be_written_is_told_and_tried_again(forks: Forks) -> None:
    replica = Replica(40, 40, 40)
    replica.fault = OSError(28, "no space left")
    forks.look(replica, INTERVAL_S)
    forks.finish(replica)
    status = forks.inner.status
    assert (status.written, status.failures, status.failure) == (0, 1, "no space left")
    replica.fault = None
    forks.look(replica, INTERVAL_S)
    forks.finish(replica)
    assert (forks.inner.status.written, forks.inner.status.seq) == (1, 40)
