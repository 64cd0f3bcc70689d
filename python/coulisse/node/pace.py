"""How the projector gives way to the node that it stands beside.

`Pace` watches how fast the log grows. While it grows, work is done in bursts with a rest behind
each: the kernel's own thread that sends a sync of the journal to the disk has to get this
processor, and where that never falls idle it waits for milliseconds, whatever the priority of what
keeps it busy. While the log grows fast, work is done in the back besides: on a thread of the idle
class, which runs only where no other wants to and loses the processor at once to one that wakes.
Where nothing grows all is done without a rest, niced.

The class of a thread can be lowered by anybody and raised again by nobody: so there are two
threads, and each piece of work is done by one of them. A piece that was begun in the back is ended
there, where on a machine that others keep busy it may wait long: so pieces are small.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from coulisse.store.sql.writer import Breathe, go_on

ACTIVE_RECORDS_PER_S: Final = 20
"""Somebody trades from here on."""
BUSY_RECORDS_PER_S: Final = 8_000
"""The node counts as busy from here on: some 60,000 rows a second."""
LOOK_S: Final = 0.25
"""How long the growth is averaged over."""
CALM_S: Final = 1.0
"""How long what has ended still counts."""
RECORDS_PER_TURN: Final = 20_000
"""Records that a replica applies between two looks at all else: some ten milliseconds."""
RECORDS_PER_BURST: Final = 64
"""Records that are applied between two rests while somebody trades."""
BURST_S: Final = 0.000_2
REST_S: Final = 0.000_05
"""What the kernel makes some 0.1 ms of."""


class Pace:
    """How much to give way, by how fast the log grows."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Begin beside a node to which nothing comes."""
        self._now_s = now_s
        self._looked_s = now_s()
        self._seq: int | None = None
        self._active_until_s = self._busy_until_s = self._looked_s

    @property
    def is_active(self) -> bool:
        """Whether somebody trades: to work in bursts, in small pieces."""
        return self._now_s() < self._active_until_s

    @property
    def is_busy(self) -> bool:
        """Whether the node is busy: to work in the back."""
        return self._now_s() < self._busy_until_s

    def look(self, log_seq: Callable[[], int]) -> None:
        """See how far the log has come, if that is due."""
        now_s = self._now_s()
        passed_s = now_s - self._looked_s
        if passed_s < LOOK_S:
            return
        seq, before = log_seq(), self._seq
        grown = 0 if before is None else seq - before
        if grown >= ACTIVE_RECORDS_PER_S * passed_s:
            self._active_until_s = now_s + CALM_S
        if grown >= BUSY_RECORDS_PER_S * passed_s:
            self._busy_until_s = now_s + CALM_S
        self._seq, self._looked_s = seq, now_s

    def end(self) -> None:
        """Give way no more: the node has gone."""
        self._now_s = self._forever

    def _forever(self) -> float:
        return math.inf


class Rest:
    """Leaves the processor for a moment behind each burst."""

    def __init__(self) -> None:
        """Begin with a rest."""
        self._burst_ends_s = 0.0

    def breathe(self) -> int:
        """Rest if a burst is over; a progress handler of SQLite goes on for 0."""
        if time.perf_counter() >= self._burst_ends_s:
            time.sleep(REST_S)  # noqa: TID251  # to leave the processor is the point
            self._burst_ends_s = time.perf_counter() + BURST_S
        return 0


class Worker:
    """What one thread of the projector does, at the pace that is right."""

    def __init__(self, name: str, pace: Pace) -> None:
        """Do it on the thread that asks, and in the back on one called `name`."""
        self._name = name
        self._pace = pace
        self._seat: BackSeat | None = None
        self._rest = Rest()
        self._burst_ends_s = 0.0

    def do(self, work: Callable[[Breathe], None]) -> None:
        """Do `work` and wait for it. Raises what it raises."""
        if self._pace.is_busy:
            if self._seat is None:
                self._seat = BackSeat(self._name)
            self._seat.run(lambda: work(self._rest.breathe))
        elif self._pace.is_active:
            work(self._breathe_freely)
        else:
            work(go_on)

    def _breathe_freely(self) -> int:
        """Do the same; where others keep the processor meanwhile the next burst is as long."""
        began_s = time.perf_counter()
        if began_s >= self._burst_ends_s:
            time.sleep(REST_S)  # noqa: TID251  # to leave the processor is the point
            now_s = time.perf_counter()
            self._burst_ends_s = now_s + max(BURST_S, now_s - began_s)
        return 0


class BackSeat:
    """A thread that runs what it is given where nobody else wants the processor or the disk."""

    def __init__(self, name: str) -> None:
        """Start the thread; it ends with the process."""
        self._given: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def run(self, work: Callable[[], object]) -> None:
        """Run `work` there and wait for it. Raises what it raises."""
        self._given.put(work)
        error = self._done.get()
        if error is not None:
            raise error

    def _run(self) -> None:
        # A kernel or a sandbox that has no such class leaves the thread niced as it is.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while True:
            work = self._given.get()
            try:
                work()
            except BaseException as error:  # noqa: BLE001  # raised again by who waits
                self._done.put(error)
            else:
                self._done.put(None)
