"""How the projector gives way: bursts while somebody trades, the back seat beside a busy node."""

from __future__ import annotations

import os
import threading
import time

import pytest

from coulisse.node.pace import BURST_S, CALM_S, LOOK_S, Pace, Worker
from coulisse.store.sql.writer import Breathe, go_on


class Log:
    """A clock, and a log that grows as it is told."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.seq = 7
        self.pace = Pace(lambda: self.now_s)
        self.grow(0)

    def grow(self, records_per_s: int) -> None:
        """Let one look pass."""
        self.now_s += LOOK_S
        self.seq += int(records_per_s * LOOK_S)
        self.pace.look(lambda: self.seq)

    @property
    def state(self) -> tuple[bool, bool]:
        return self.pace.is_active, self.pace.is_busy


def test_the_pace_follows_the_growth_of_the_log_and_what_has_ended_still_counts_a_while() -> None:
    log = Log()
    assert log.state == (False, False), "what was there at the start has not come now"
    log.grow(8)
    assert log.state == (False, False)
    log.grow(1_000)
    assert log.state == (True, False)
    log.grow(20_000)
    assert log.state == (True, True)
    log.grow(0)
    assert log.state == (True, True)
    log.now_s += CALM_S
    assert log.state == (False, False)


def test_between_two_looks_the_log_is_not_asked() -> None:
    log = Log()
    log.now_s += LOOK_S / 2
    log.pace.look(lambda: pytest.fail("it was asked"))


def test_whoever_has_gone_is_not_given_way_to() -> None:
    log = Log()
    log.grow(20_000)
    log.pace.end()
    assert log.state == (False, False)


def where_it_runs(worker: Worker) -> tuple[int, int, Breathe]:
    """Thread, its class, and what it is given to breathe with."""
    found: list[tuple[int, int, Breathe]] = []
    worker.do(
        lambda breathe: found.append((threading.get_native_id(), os.sched_getscheduler(0), breathe))
    )
    return found[0]


def test_beside_a_busy_node_work_is_done_on_a_thread_of_the_idle_class_and_else_on_ones_own() -> (
    None
):
    log = Log()
    worker = Worker("back", log.pace)
    own = threading.get_native_id()
    assert where_it_runs(worker) == (own, os.SCHED_OTHER, go_on)
    log.grow(100)
    thread, kind, breathe = where_it_runs(worker)
    assert (thread, kind) == (own, os.SCHED_OTHER) and breathe is not go_on
    log.grow(20_000)
    thread, kind, breathe = where_it_runs(worker)
    assert thread != own and kind == os.SCHED_IDLE and breathe is not go_on
    assert where_it_runs(worker)[0] == thread, "it is the same one each time"
    log.now_s += CALM_S
    assert where_it_runs(worker) == (own, os.SCHED_OTHER, go_on)


def test_what_the_work_raises_is_raised_where_it_was_asked_for() -> None:
    log = Log()
    log.grow(20_000)

    def fail(breathe: Breathe) -> None:
        raise ValueError("no")

    worker = Worker("back", log.pace)
    with pytest.raises(ValueError, match="no"):
        worker.do(fail)
    assert where_it_runs(worker)[1] == os.SCHED_IDLE, "the thread is still there"


def test_work_beside_a_node_rests_again_and_again_and_else_never() -> None:
    log = Log()
    worker = Worker("back", log.pace)
    assert switches(worker) <= 3, "another thread may have had the interpreter"
    log.grow(100)
    assert switches(worker) >= 1, "where others keep the processor bursts are longer"
    log.grow(20_000)
    assert switches(worker) >= 20


def switches(worker: Worker) -> int:
    """Return how often a thread that breathes leaves the processor by itself in 50 bursts."""
    found: list[int] = []

    def work(breathe: Breathe) -> None:
        before, until_s = left(), time.thread_time() + 50 * BURST_S
        while time.thread_time() < until_s:
            assert breathe() == 0
        found.append(left() - before)

    worker.do(work)
    return found[0]


def left() -> int:
    """How often this thread has left the processor by itself."""
    with open(f"/proc/self/task/{threading.get_native_id()}/status", encoding="ascii") as file:
        said = dict(line.split(":\t") for line in file)
    return int(said["voluntary_ctxt_switches"])
