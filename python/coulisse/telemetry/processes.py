"""What the kernel says of the processes of a node, and of the disk that it writes to."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from errno import EMFILE
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name, which may hold spaces: the first is field 3.
_USER, _KERNEL, _START = 14 - 3, 15 - 3, 22 - 3
Rows = Mapping[str, int | float]


def process_rows(pids: Mapping[str, int | None]) -> Mapping[str, Rows]:
    """Return what there is to say of the processes by their names; nothing of those that are gone.

    Cost: three short files of the kernel's for each.
    """
    rows: dict[str, dict[str, int | float]] = {
        "process_memory_bytes": {},
        "process_cpu_seconds_total": {},
        "process_start_time_seconds": {},
        "process_descriptors": {},
        "process_descriptors_max": {},
    }
    for name, pid in pids.items():
        if pid is None:
            continue
        try:
            said = _of_process(pid)
        except OSError as error:
            said = _full(pid) if error.errno == EMFILE else {}
        for metric, value in said.items():
            rows[metric][name] = value
    return rows


def _full(pid: int) -> Rows:
    """Return what can be said when no file can be opened: this process has as many as it may."""
    if pid != os.getpid():
        return {}
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return {"process_descriptors": most, "process_descriptors_max": most}


def _of_process(pid: int) -> Rows:
    folder = Path("/proc") / str(pid)
    stat = (folder / "stat").read_text().rpartition(")")[2].split()
    resident = int((folder / "statm").read_text().split()[1])
    said: dict[str, int | float] = {
        "process_memory_bytes": resident * PAGE_BYTES,
        "process_cpu_seconds_total": (int(stat[_USER]) + int(stat[_KERNEL])) / TICKS_PER_S,
        "process_start_time_seconds": _BOOTED_S + int(stat[_START]) / TICKS_PER_S,
        "process_descriptors_max": resource.prlimit(pid, resource.RLIMIT_NOFILE)[0],
    }
    # Newer kernels tell the count as the size of the folder; a list of 20,000 would take long.
    descriptors = (folder / "fd").stat().st_size
    return {**said, "process_descriptors": descriptors} if descriptors else said


# The kernel's own `btime` is cut to seconds: a process would have begun before it was started.
_BOOTED_S: Final = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def disk_facts(folder: Path) -> Mapping[str, int]:
    """Return the size of the file system that `folder` is on, and what is free; nothing of none."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return {}
    return {
        "node_disk_bytes": disk.f_blocks * disk.f_frsize,
        "node_disk_free_bytes": disk.f_bavail * disk.f_frsize,
    }
