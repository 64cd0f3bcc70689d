"""What a node needs of its machine: a clock, descriptors, a disk that keeps its word."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.config import Config, GatewayConfig
from coulisse.gateway.door import DESCRIPTORS_RESERVED
from coulisse.gateway.listener import BACKLOG
from coulisse.log.file import data_dir
from coulisse.node.checks.finding import Finding, broken, ok, skipped, warn

TIME_ERROR: Final = 5
"""What adjtimex(2) returns while nothing keeps the clock right."""
TIMEX_BYTES: Final = 512
"""More than a struct timex has."""
MAXERROR_AT: Final = 24
"""Where the struct has the bound of the clock's error, in µs, on machines of 64 bits."""
CLOCK_ERROR_MAX_US: Final = 1_000_000
SYNCS: Final = 50
SYNC_BYTES: Final = 4_096
SYNC_SLOW_US: Final = 10_000
SYNC_TOO_FAST_US: Final = 15
"""No disk is so fast: what says so has not written yet."""
SPACE_MIN_BYTES: Final = 1 << 30
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
SHARED: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"})
PYTHON_MIN: Final = (3, 11)
NTP: Final = "start a time service: chrony, systemd-timesyncd or the host's own"


def check_versions() -> Iterator[Finding]:
    """Look at what runs here."""
    python = platform.python_version()
    if sys.version_info[:2] < PYTHON_MIN:
        yield broken("versions.python", python, "install Python 3.11 or newer")
    else:
        yield ok("versions.python", python)
    yield ok("versions.coulisse", f"{_core.VERSION}, on {platform.system()} {platform.release()}")
    yield ok("versions.processor", _core.BUILT_FOR)


def check_clock(directory: Path) -> Iterator[Finding]:
    """Look at the clock: whether something keeps it right, and whether it ran backwards."""
    found = _kernel_clock()
    if found is None:
        yield skipped("clock.synchronised", "the kernel does not tell here")
    else:
        state, error_us = found
        if state == TIME_ERROR:
            yield warn("clock.synchronised", "nothing keeps the clock right", NTP)
        elif error_us > CLOCK_ERROR_MAX_US:
            yield warn("clock.synchronised", f"it may be {error_us / 1e6:.1f} s wrong", NTP)
        else:
            yield ok("clock.synchronised", f"right within {error_us / 1_000:.0f} ms")
    newest = max((file.stat().st_mtime for file in _journal(directory)), default=None)
    if newest is None:
        return
    ahead_s = newest - time.time()
    if ahead_s > 1:
        yield broken(
            "clock.journal",
            f"the journal was written {ahead_s:.0f} s after what the clock says now",
            "set the clock right before the node starts: it stamps no record before the last one",
        )
    else:
        yield ok("clock.journal", "the journal's last write lies before now")


def _kernel_clock() -> tuple[int, int] | None:
    """Return the state of the clock and the bound of its error in µs, as adjtimex(2) has them."""
    if sys.maxsize <= 2**32 or platform.system() != "Linux":
        return None
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    timex = ctypes.create_string_buffer(TIMEX_BYTES)
    # No mode is set: it only reads.
    state = int(ask(timex))
    if state < 0:
        return None
    return state, int.from_bytes(timex.raw[MAXERROR_AT : MAXERROR_AT + 8], sys.byteorder)


def _journal(directory: Path) -> list[Path]:
    return list(directory.glob("journal-*.seg")) if directory.is_dir() else []


def check_descriptors(gateway: GatewayConfig) -> Finding:
    """See that the process may open as many connections as the settings say."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = gateway.connections_max + DESCRIPTORS_RESERVED + BACKLOG
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return ok("descriptors", f"{hard} may be open, {needed} are needed at most")
    return warn(
        "descriptors",
        f"{hard} may be open: fewer than gateway.connections_max {gateway.connections_max} needs",
        f"LimitNOFILE={needed} in the unit, `ulimit -Hn {needed}`, or a smaller connections_max",
    )


def check_processors(config: Config) -> Finding:
    """See that the processes of a node have processors."""
    here = os.sched_getaffinity(0)
    wanted = 2 + config.gateway.workers
    if len(here) < wanted:
        return warn(
            "processors",
            f"{len(here)} for the core, {config.gateway.workers} workers and what fills the stores",
            f"give it {wanted}, or expect orders to wait while snapshots and stores are written",
        )
    return ok("processors", f"{len(here)}")


def check_disk(directory: Path, segment_bytes: int) -> Iterator[Finding]:
    """Look at the disk of the data directory: its kind, its room, and how long a sync takes."""
    place = directory if directory.is_dir() else _above(directory)
    yield _file_system(place)
    free = os.statvfs(place)
    free_bytes = free.f_bavail * free.f_frsize
    needed = max(SPACE_MIN_BYTES, 4 * segment_bytes)
    said = f"{free_bytes / 2**30:.1f} GiB free"
    if free_bytes < needed:
        mend = f"make room: a node stops where the journal's disk is full; {needed / 2**30:.1f} GiB"
        yield broken("disk.space", said, f"{mend} at least")
    else:
        yield ok("disk.space", said)
    yield _sync_times(place)


def _above(directory: Path) -> Path:
    return next(parent for parent in directory.absolute().parents if parent.is_dir())


def _file_system(place: Path) -> Finding:
    kind = file_system_of(place, _mounts())
    if kind in VOLATILE:
        return broken(
            "disk.kind", f"{place} is on {kind}: a restart of the machine loses all", "use a disk"
        )
    if kind in SHARED:
        return warn("disk.kind", f"{place} is on {kind}", "use a disk of this machine for the log")
    return ok("disk.kind", f"{place} is on {kind}")


def _mounts() -> Sequence[str]:
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def file_system_of(place: Path, mounts: Sequence[str]) -> str:
    """Return the kind of file system that a directory is on, by lines of /proc/mounts."""
    best, kind = "", "an unknown file system"
    for line in mounts:
        _, point, fs, *_ = line.split()
        point = point.replace("\\040", " ")
        if place.absolute().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fs
    return kind


def _sync_times(place: Path) -> Finding:
    what = "disk.sync"
    file = place / f".doctor-{os.getpid()}"
    times_us = []
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.pwrite(fd, bytes(SYNC_BYTES * SYNCS), 0)
            os.fsync(fd)
            for number in range(SYNCS):
                os.pwrite(fd, b"\1" * SYNC_BYTES, number * SYNC_BYTES)
                began_ns = time.perf_counter_ns()
                os.fdatasync(fd)
                times_us.append((time.perf_counter_ns() - began_ns) // 1_000)
        finally:
            os.close(fd)
            file.unlink()
    except OSError as error:
        return broken(what, f"{place}: {error.strerror}", "a node must write and sync there")
    return sync_finding(sorted(times_us))


def sync_finding(times_us: Sequence[int]) -> Finding:
    """Judge how long syncs took, in µs, the shortest first."""
    what, median = "disk.sync", times_us[len(times_us) // 2]
    said = f"{median} µs at the median, {times_us[-1]} at most, of {len(times_us)}"
    if median < SYNC_TOO_FAST_US:
        return warn(
            what,
            f"{said}: so fast that nothing is written yet",
            "let the disk, its controller or the hypervisor keep fdatasync, or take it for `os`",
        )
    if median > SYNC_SLOW_US:
        return warn(
            what, f"{said}: every acknowledgement waits for one", "use a faster disk for the log"
        )
    return ok(what, said)


def check_lock(directory: Path) -> Finding:
    """See whether a node uses the data directory."""
    try:
        is_there = is_in_use(directory)
    except FileNotFoundError:
        return ok("journal", f"{directory}: none yet")
    except OSError as error:
        return broken("journal", f"{error.filename}: {error.strerror}", "a node must open it")
    return ok("journal", f"{directory}: {'a' if is_there else 'no'} node runs on it")


def is_in_use(directory: Path) -> bool:
    """Tell whether a node runs on a data directory. Raises `OSError` where that cannot be seen."""
    with (directory / "journal.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return True
            raise
    return False


def check_machine(config: Config) -> Iterator[Finding]:
    """Look at all of it."""
    directory = data_dir(config)
    yield from check_versions()
    yield from check_clock(directory)
    yield check_descriptors(config.gateway)
    yield check_processors(config)
    yield from check_disk(directory, config.log.segment_bytes)
    yield check_lock(directory)
