"""`coulisse bench overload`: many times what a node can do, offered whatever it answers.

First a closed loop says what the node can do; then a flood offers `times` as much. A node reads no
more than it can do, so most of what is offered stays with who offers it: it is *held back*. What is
sent is answered: done, or refused with a code. Every cancel must be answered, nothing may grow:
what a round of the flood places and does not trade it cancels.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import run_program
from coulisse.bench.gateway import PREFILL, SEED
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory

CAPACITY_SHAPE = "50x32"
CAPACITY_SECONDS = 5
ROWS = 1_000_000
"""Requests of one round; the flood sends them again and again, with new ids."""
SAMPLES = 10
"""How many times in its run the memory of the node is looked at."""
SLOW_CLOSED = 'coulisse_gateway_sessions_closed_total{worker="0",reason="slow"}'


@dataclass(frozen=True, slots=True)
class OverloadRun:
    """What to measure."""

    times: int = 10
    """How many times the capacity is offered."""
    seconds: int = 60
    """How long it is offered; the closed loop before it runs `CAPACITY_SECONDS` at most."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None
    rows: int = ROWS


def measure(run: OverloadRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _measure(run: OverloadRun, directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    # Two servers get the same rows: the flood begins where the closed loop began.
    workload.write(flow, run.rows, PREFILL, SEED)
    files = servers.write_files(directory)
    cpus = processors()

    def load(server: servers.Server, shape: str, seconds: int) -> dict[str, Any]:
        arguments = ["load", "--host", server.host, "--port", str(server.port)]
        arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(flow), "--prefill", str(PREFILL)]
        arguments += ["--shapes", shape, "--seconds", str(seconds), "--json"]
        return run_program(arguments, cpu=cpus.load)

    with servers.node(files, directory / "first", run.durability, cpus.server) as ours:
        calm = load(ours, CAPACITY_SHAPE, CAPACITY_SECONDS)
        calm_mb = ours.peak_rss_mb()
    capacity = int(calm["shapes"][CAPACITY_SHAPE]["orders_per_s"])
    shape = f"flood_{run.times * capacity}"
    with servers.node(files, directory / "second", run.durability, cpus.server) as ours:
        with _sampled(ours, run.seconds) as rss_mb:
            pressed = load(ours, shape, run.seconds)
        cpu_s, pressed_mb = ours.cpu_s(), ours.peak_rss_mb()
        slow_closed = ours.metric(SLOW_CLOSED)
    figures = pressed["shapes"][shape]
    return {
        "capacity_per_s": capacity,
        "offered_per_s": run.times * capacity,
        "goodput_per_s": figures["orders_per_s"],
        "goodput_ratio": round(figures["orders_per_s"] / max(capacity, 1), 3),
        "seconds": run.seconds,
        "offered": figures["offered"],
        "held_back": figures["held_back"],
        "sent": figures["sent"],
        "accepted": figures["accepted"],
        "refused": pressed["rejects"].get("OVERLOADED", 0),
        "rejects": pressed["rejects"],
        "cancels_sent": figures["cancels_sent"],
        "cancels_answered": figures["cancels_answered"],
        "cancels_overloaded": figures["cancels_overloaded"],
        "slow_closed": slow_closed,
        "p50_us": figures["p50_us"],
        "p99_us": figures["p99_us"],
        "took_ms": figures["took_ms"],
        "rss_mb": pressed_mb,
        "rss_mb_over_time": rss_mb,
        "rss_growth_mb": round(rss_mb[-1] - rss_mb[len(rss_mb) // 2], 1),
        "rss_calm_mb": calm_mb,
        "server_cpu_s": cpu_s,
        "calm": calm["shapes"][CAPACITY_SHAPE],
        "durability": run.durability,
    }


@contextmanager
def _sampled(server: servers.Server, seconds: int) -> Iterator[list[float]]:
    """Look at the memory of all processes of a server meanwhile, `SAMPLES` times in `seconds`."""
    taken: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(seconds / SAMPLES):
            taken.append(server.rss_mb())

    looking = threading.Thread(target=look, name="coulisse-rss")
    looking.start()
    try:
        yield taken
    finally:
        over.set()
        looking.join()
