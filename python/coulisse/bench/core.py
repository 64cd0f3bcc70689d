"""`coulisse bench core`: the shared workload through the bare book and through the engine.

The measuring is Rust (`crates/bench/src/core`); here the workload is made where none is given.
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
