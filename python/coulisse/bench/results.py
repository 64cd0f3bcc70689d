"""Where figures go: the machine they were measured on, and a dated file for each benchmark and day.

`bench/results/YYYY-MM-DD-name.json` holds `{benchmark, date, commit, command, machine, result}`;
README's table is written from these files alone.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DIRECTORY = Path("bench") / "results"


def machine() -> dict[str, Any]:
    """Describe this machine by what its figures depend on."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_name(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def today() -> str:
    """Return the date in UTC, `YYYY-MM-DD`."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def save(name: str, command: str, described: Mapping[str, Any], result: Mapping[str, Any]) -> Path:
    """Write the file of one benchmark, in the working directory; return its path.

    `described` is the machine as it was before the run: the load average is not the run's own.
    """
    record = {
        "benchmark": name,
        "date": today(),
        "commit": _commit(),
        "command": command,
        "machine": dict(described),
        "result": dict(result),
    }
    path = DIRECTORY / f"{record['date']}-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return answer.stdout.strip() or "unknown"


def lines(result: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield one line for each figure, for people; nested names are joined by dots."""
    for name, value in result.items():
        if isinstance(value, Mapping):
            yield from lines(value, f"{prefix}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{prefix}{name}: {value:,}"
        else:
            yield f"{prefix}{name}: {value}"
