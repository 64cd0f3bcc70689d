"""Run the benchmarks, leave what they print in bench/results, write README's table from it.

One file per benchmark and day, `YYYY-MM-DD-name.json`: the command, its result as printed, and the
machine it ran on.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = {
    "core": ["bench", "core", "--json"],
    "gateway": ["bench", "gateway", "--json"],
}


def machine() -> dict[str, Any]:
    """Describe this machine by what its figures depend on."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        cpu = next((value.strip() for key, _, value in fields if key.strip() == "model name"), cpu)
    return {
        "cores": os.cpu_count(),
        "cpu": cpu,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def commit() -> str:
    """Return the commit that is measured, marked where the tree has changes."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return answer.stdout.strip() or "unknown"


def measure(name: str) -> Path:
    """Run one benchmark and write its file; return the path."""
    before = machine()
    arguments = BENCHMARKS[name]
    print(f"[bench] coulisse {' '.join(arguments)}", flush=True)
    command = [str(ROOT / ".venv" / "bin" / "coulisse"), *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    record = {
        "benchmark": name,
        "date": today,
        "commit": commit(),
        "command": f"coulisse {' '.join(arguments)}",
        "machine": before,
        "result": json.loads(done.stdout.strip().splitlines()[-1]),
    }
    path = ROOT / "bench" / "results" / f"{today}-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"[bench] wrote {path.relative_to(ROOT)}", flush=True)
    return path


def main() -> int:
    """Measure what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="measure, and write bench/results")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], default=[])
    for name in parser.parse_args().names or BENCHMARKS:
        measure(name)
    generate = [sys.executable, str(ROOT / "tools" / "generate.py")]
    return subprocess.run(generate, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
