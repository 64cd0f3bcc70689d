"""`coulisse bench core`: the shared workload through the bare book and through the engine.

With `--profile full` all order types go through the engine, with `--sizes` the bare book is filled
ever more. The measuring is Rust (`crates/bench/src/core`); here the shared workload is made where
none is given, and sizes are put side by side.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coulisse.bench import workload
from coulisse.bench.binary import run_program
from coulisse.bench.pinning import processors

OPERATIONS = 1_000_000
PREFILL = 10_000
SEED = 42
SIZES = (10_000, 1_000_000, 10_000_000)
"""Orders that rest on the bare book."""
WIDE_TICKS = 10_000_000
"""From the farthest bid to the farthest ask, where prices are far apart; else 2,000 ticks."""


@dataclass(frozen=True, slots=True)
class CoreRun:
    """What to measure."""

    workload: Path | None = None
    """A CSV of the shared form; made anew where none is given."""
    operations: int = OPERATIONS
    """Timed operations of a workload that is made."""
    prefill: int = PREFILL
    """Orders that rest before the clock runs."""
    id_factor: int = 1
    """What every id is multiplied by."""
    repeat: int = 3
    """Passes of which the fastest counts; all are printed."""


def measure(run: CoreRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    if run.workload is not None:
        return _measure(run, run.workload)
    with tempfile.TemporaryDirectory(prefix="coulisse-bench-") as directory:
        path = Path(directory) / "workload.csv"
        workload.write(path, run.operations, run.prefill, SEED)
        return _measure(run, path)


def _measure(run: CoreRun, path: Path) -> dict[str, Any]:
    arguments = ["core", "--workload", str(path), "--prefill", str(run.prefill)]
    arguments += ["--id-factor", str(run.id_factor), "--repeat", str(run.repeat), "--json"]
    return run_program(arguments, cpu=processors().load)


def measure_full(run: CoreRun) -> dict[str, Any]:
    """All order types, with limits of every kind in force. Raises `CoulisseError`."""
    arguments = ["core", "--profile", "full", "--operations", str(run.operations)]
    arguments += ["--repeat", str(run.repeat), "--json"]
    return run_program(arguments, cpu=processors().load)


def measure_sizes(run: CoreRun) -> dict[str, Any]:
    """The bare book at each size, each in a process of its own. Raises `CoulisseError`."""
    sizes = {str(orders): _measure_size(run, orders) for orders in SIZES}
    smallest, *larger = SIZES
    wide = _measure_size(run, smallest, "--range-ticks", str(WIDE_TICKS))
    rate = {orders: sizes[str(orders)]["ops_per_s"] for orders in SIZES}
    slower = {f"{orders}": round(rate[smallest] / rate[orders], 2) for orders in larger}
    return {
        "sizes": sizes,
        "times_slower": slower,
        "wide": wide,
        "wide_times_slower": round(rate[smallest] / wide["ops_per_s"], 2),
    }


def _measure_size(run: CoreRun, orders: int, *more: str) -> dict[str, Any]:
    arguments = ["core", "--size", str(orders), "--operations", str(run.operations), *more]
    arguments += ["--repeat", str(run.repeat), "--json"]
    return run_program(arguments, cpu=processors().load)
