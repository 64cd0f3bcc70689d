"""Trading while a snapshot is written: what commands take with a writer beside the core.

The core of this process trades on its own journal, one command at a time: encoded beforehand,
then stamped, copied to the journal's buffer and applied. Beside it runs the projector process
that every node has, which follows the journal and forks to write. Whether a fork writes is looked
at before and after each burst of commands, so each latency is known to be one with a writer, or
one without.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coulisse import _core
from coulisse.bench.pinning import pinned_to, processors
from coulisse.bench.store import nothing
from coulisse.domain.errors import CoulisseError
from coulisse.engine.driver import Driver
from coulisse.node.backstage import stand_back
from coulisse.node.follower import Settings
from coulisse.node.projector import MODULE

BURST = 256
"""Commands between two looks at whether a snapshot is being written."""
BURSTS_PER_SYNC = 8
"""Bursts after which all has to be durable before the next."""
INTERVAL_S = 1.0
"""Between two snapshots, while it is measured."""
DEADLINE_S = 300.0
STOP_TIMEOUT_S = 30.0

Encoded = tuple[int, bytes, int]
"""A command ready for the core: kind, body, account."""


@dataclass(slots=True)
class Taken:
    """Latencies, in ns."""

    times_ns: array[int] = field(default_factory=lambda: array("q"))

    def figures(self) -> dict[str, Any]:
        """Return count, percentiles and the longest."""
        ordered = sorted(self.times_ns)
        at = {
            "p50_us": ordered[len(ordered) // 2],
            "p99_us": ordered[len(ordered) * 99 // 100],
            "p999_us": ordered[len(ordered) * 999 // 1000],
            "max_us": ordered[-1],
        }
        return {"commands": len(ordered), **{name: round(ns / 1000, 1) for name, ns in at.items()}}


async def measure(
    core: _core.Core, driver: Driver, data_dir: Path, commands: Iterable[Encoded], wanted: int
) -> dict[str, Any]:
    """Trade until `wanted` commands were timed with a writer and as many without.

    Raises `CoulisseError` where the projector fails or the commands do not suffice.
    """
    cpus = processors()
    with pinned_to(cpus.server):
        projector = _projector(data_dir, cpus.load)
        try:
            return await _trade(core, driver, projector, iter(commands), wanted)
        finally:
            _end(projector)


def _projector(data_dir: Path, cpu: int) -> subprocess.Popen[bytes]:
    """Start the process as a node does."""
    settings = Settings(
        data_dir=str(data_dir),
        snapshot_interval_s=INTERVAL_S,
        snapshots_kept=1,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, settings.to_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    stand_back(process.pid, 0, (cpu,))
    return process


def _end(projector: subprocess.Popen[bytes]) -> None:
    assert projector.stdin is not None, "it is a pipe"
    projector.stdin.close()
    try:
        projector.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        projector.kill()
        projector.wait()


async def _trade(
    core: _core.Core,
    driver: Driver,
    projector: subprocess.Popen[bytes],
    commands: Iterator[Encoded],
    wanted: int,
) -> dict[str, Any]:
    taken = {None: Taken(), False: Taken(), True: Taken()}
    with_writer, without = taken[True], taken[False]
    writers: set[int] = set()
    give_up_s = time.monotonic() + DEADLINE_S
    for number in itertools.count(1):
        if min(len(with_writer.times_ns), len(without.times_ns)) >= wanted:
            break
        if time.monotonic() > give_up_s:
            counts = [len(one.times_ns) for one in (without, with_writer)]
            raise CoulisseError(
                f"in {DEADLINE_S:.0f} s only {counts[0]} commands had no snapshot beside them, and "
                f"{counts[1]} had one; {wanted} of each are wanted"
            )
        if projector.poll() is not None:
            raise CoulisseError(f"the projector ended with {projector.returncode}")
        burst = list(itertools.islice(commands, BURST))
        if not burst:
            raise CoulisseError("there were too few commands for what is wanted")
        before = _writer_of(projector)
        times_ns = [_time(core, one) for one in burst]
        after = _writer_of(projector)
        # A fork that came or went meanwhile was there for an unknown part of the burst.
        taken[before is not None if before == after else None].times_ns.extend(times_ns)
        writers |= {before} if before is not None else set()
        if before is None and len(without.times_ns) >= wanted:
            # There are enough of these: the projector catches up, and a fork is soon due.
            await asyncio.sleep(INTERVAL_S / 10)
        if number % BURSTS_PER_SYNC == 0:
            await driver.durable()
        else:
            await asyncio.sleep(0)
    return {
        "snapshots": len(writers),
        "without_snapshot": without.figures(),
        "with_snapshot": with_writer.figures(),
    }


def _time(core: _core.Core, command: Encoded) -> int:
    """Let the core do one command, and nothing else; return the time it took, in ns."""
    kind, body, account = command
    began_ns = time.perf_counter_ns()
    core.command(kind, body, nothing, account=account)
    core.flush()
    return time.perf_counter_ns() - began_ns


def _writer_of(projector: subprocess.Popen[bytes]) -> int | None:
    """Return the fork that writes a snapshot, if there is one."""
    path = Path(f"/proc/{projector.pid}/task/{projector.pid}/children")
    children = path.read_text(encoding="ascii")
    alive = [int(child) for child in children.split() if not _has_ended(int(child))]
    return alive[0] if alive else None


def _has_ended(pid: int) -> bool:
    """Whether a process has nothing to do but to be waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"
