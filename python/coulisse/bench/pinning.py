"""Which processor runs what, the server on one, the load on another; and who had how much."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Processors:
    """The processors of a run; the same one twice where there is only one."""

    server: int
    load: int


def processors() -> Processors:
    """Pick the first and the last processor that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Processors(server=usable[0], load=usable[-1])


@contextlib.contextmanager
def pinned_to(cpu: int | None) -> Iterator[None]:
    """Run on one processor meanwhile: a child that is started inherits it, with all its threads."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Shares:
    """How many processors each of some processes had, from now on until it is asked."""

    def __init__(self, pids: Mapping[str, Sequence[int]]) -> None:
        """Begin; `pids` are those of each name."""
        self._pids = pids
        self._begun_s = time.monotonic()
        self._busy_before = _busy_s()
        self._before = self._used_s()

    def taken(self) -> dict[str, float]:
        """Return the processors of each name, of all others, and those that were idle.

        The kernel's work for a socket counts for whoever writes to it.
        """
        lasted_s = max(time.monotonic() - self._begun_s, 1e-9)
        after = self._used_s()
        used = {name: (after[name] - self._before[name]) / lasted_s for name in after}
        busy = (_busy_s() - self._busy_before) / lasted_s
        used["others"] = max(busy - sum(used.values()), 0.0)
        used["idle"] = max((os.cpu_count() or 1) - busy, 0.0)
        return {name: round(of, 2) for name, of in used.items()}

    def _used_s(self) -> dict[str, float]:
        return {name: sum(map(cpu_s, pids)) for name, pids in self._pids.items()}


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are there."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may have ended since it was listed.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 2)


def _busy_s() -> float:
    """Return the time that all processors have been busy, in seconds."""
    with Path("/proc/stat").open(encoding="ascii") as lines:
        user, nice, system, _, _, *rest = map(int, lines.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
