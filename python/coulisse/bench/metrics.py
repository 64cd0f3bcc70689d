"""`coulisse bench metrics`: what it costs that a node is measured.

A node as it is, whose metrics are read each second, and one that was built without what is counted
on the way of an order, of which nobody reads anything, take turns under the same load. Each turn is
a pair of nodes, and the first of it is now the one, now the other: what the machine does meanwhile
it does to both.
"""

from __future__ import annotations

import os
import statistics
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import run_program
from coulisse.bench.gateway import CLOSED, PREFILL, SEED
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.domain.errors import CoulisseError

ROWS: Final = 2_000_000
SCRAPE_S: Final = 1.0
"""Fifteen times as often as the Prometheus of `deploy`."""
ANSWER_TIMEOUT_S: Final = 10.0
COUNTED: Final = "coulisse_engine_apply_seconds_count"
"""A metric that any order moves, if it is counted at all."""


@dataclass(frozen=True, slots=True)
class MetricsRun:
    """What to measure."""

    uncounted: Path
    """A directory with the package `coulisse` whose extension has the feature `uncounted`."""
    turns: int = 8
    seconds: int = 3
    """Longest time of each shape."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None
    rows: int = ROWS


def measure(run: MetricsRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _measure(run: MetricsRun, directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    workload.write(flow, run.rows, PREFILL, SEED)
    files = servers.write_files(directory)
    taken: dict[str, list[dict[str, Any]]] = {"counted": [], "uncounted": []}
    for turn in range(run.turns):
        names = list(taken)
        for name in names if turn % 2 else reversed(names):
            data = directory / f"{name}-{turn}"
            taken[name].append(_turn(run, files, flow, data, is_counted=name == "counted"))
    return {
        "shapes": {shape: compared(taken, shape) for shape in CLOSED},
        "turns": run.turns,
        "scrapes": sum(one["scrapes"] for one in taken["counted"]),
        "durability": run.durability,
    }


def _turn(
    run: MetricsRun, files: servers.Files, flow: Path, data: Path, *, is_counted: bool
) -> dict[str, Any]:
    cpus = processors()
    before = os.environ.get("PYTHONPATH")
    path = [str(run.uncounted.resolve()), *([before] if before else [])]
    variables = {} if is_counted else {"PYTHONPATH": os.pathsep.join(path)}
    with servers.node(files, data, run.durability, cpus.server, variables=variables) as node:
        arguments = ["load", "--host", node.host, "--port", str(node.port)]
        arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(flow), "--prefill", str(PREFILL)]
        arguments += ["--shapes", ",".join(CLOSED), "--seconds", str(run.seconds), "--json"]
        arguments += ["--spin"] if cpus.server != cpus.load else []
        with _scraped(node.http, every_s=SCRAPE_S if is_counted else None) as scrapes:
            loaded: dict[str, Any] = run_program(arguments, cpu=cpus.load)
        # Or two nodes that are alike would be compared.
        counts = node.metric(COUNTED)
        if (counts > 0) != is_counted:
            name = "counted" if is_counted else "uncounted"
            raise CoulisseError(f"the {name} node has counted {counts} records")
    return {**loaded["shapes"], "scrapes": len(scrapes)}


@contextmanager
def _scraped(url: str, every_s: float | None) -> Iterator[Sequence[int]]:
    """Read the metrics of a node meanwhile, unless it is never; give the bytes of each answer."""
    answers: list[int] = []
    over = threading.Event()

    def scrape() -> None:
        while every_s is not None and not over.wait(every_s):
            with (
                suppress(OSError),
                urllib.request.urlopen(f"{url}/metrics", timeout=ANSWER_TIMEOUT_S) as answer,
            ):
                answers.append(len(answer.read()))

    thread = threading.Thread(target=scrape, name="coulisse-scrape")
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def compared(taken: Mapping[str, Sequence[Mapping[str, Any]]], shape: str) -> dict[str, Any]:
    """Return the medians of both, and by how much the one is slower: the middle of all turns."""
    pairs = zip(taken["counted"], taken["uncounted"], strict=True)
    costs = sorted(
        100 * (1 - counted[shape]["orders_per_s"] / uncounted[shape]["orders_per_s"])
        for counted, uncounted in pairs
    )
    figures = {
        name: statistics.median(one[shape]["orders_per_s"] for one in turns)
        for name, turns in taken.items()
    }
    return {
        "orders_per_s": figures,
        "cost_percent": round(statistics.median(costs), 2),
        "cost_percent_of_turns": [round(cost, 2) for cost in costs],
    }
