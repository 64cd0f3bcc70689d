"""`coulisse bench overload`: many times what a node can do, asked for whatever it answers.

First a closed loop says what the node can do; then an open loop asks for `times` as much. What the
node has no room for it must refuse with a code, at no cost to what it does; every cancel must be
answered, and nothing may grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import run_program
from coulisse.bench.gateway import PREFILL, SEED
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory

CAPACITY_SHAPE = "50x32"
ROWS_MAX = 3_000_000
"""Most requests of the open loop: they are made beforehand, some 200 bytes each."""


@dataclass(frozen=True, slots=True)
class OverloadRun:
    """What to measure."""

    times: int = 10
    """How many times the capacity is asked for."""
    seconds: int = 5
    """Longest time of the closed loop, and of what the open loop asks for."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None
    rows_max: int = ROWS_MAX


def measure(run: OverloadRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _measure(run: OverloadRun, directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    # Two servers get the same rows: the open loop begins where the closed one began.
    workload.write(flow, run.rows_max, PREFILL, SEED)
    files = servers.write_files(directory)
    cpus = processors()

    def load(server: servers.Server, rows: Path, shape: str) -> dict[str, Any]:
        arguments = ["load", "--host", server.host, "--port", str(server.port)]
        arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(rows), "--prefill", str(PREFILL)]
        arguments += ["--shapes", shape, "--seconds", str(run.seconds), "--json"]
        return run_program(arguments, cpu=cpus.load)

    with servers.node(files, directory / "first", run.durability, cpus.server) as ours:
        calm = load(ours, flow, CAPACITY_SHAPE)
        calm_mb = ours.peak_rss_mb()
    capacity = int(calm["shapes"][CAPACITY_SHAPE]["orders_per_s"])
    shape = f"open_{run.times * capacity}"
    with servers.node(files, directory / "second", run.durability, cpus.server) as ours:
        pressed = load(ours, flow, shape)
        cpu_s, pressed_mb = ours.cpu_s(), ours.peak_rss_mb()
    figures = pressed["shapes"][shape]
    return {
        "capacity_per_s": capacity,
        "asked_per_s": run.times * capacity,
        "sent": figures["sent"],
        "goodput_per_s": figures["orders_per_s"],
        "goodput_ratio": round(figures["orders_per_s"] / max(capacity, 1), 3),
        "took_ms": figures["took_ms"],
        "rejects": pressed["rejects"],
        "cancels_overloaded": figures["cancels_overloaded"],
        "rss_mb": pressed_mb,
        "rss_calm_mb": calm_mb,
        "server_cpu_s": cpu_s,
        "calm": calm["shapes"][CAPACITY_SHAPE],
        "durability": run.durability,
    }
