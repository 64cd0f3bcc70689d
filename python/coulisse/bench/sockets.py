"""`coulisse bench sockets`: what many connections cost, idle and subscribed to a book.

The server has one processor, the load generator another; with workers the processes of both share
all of them. The generator holds all sockets, so that one run is bounded by the descriptors that one
process may have (20,000 on many machines).
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import step_program
from coulisse.bench.gateway import PREFILL, SEED
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.domain.errors import CoulisseError

DESCRIPTORS_SPARE = 300
"""Descriptors that the generator needs beside its idle sockets: the load's, files, pipes."""


@dataclass(frozen=True, slots=True)
class SocketsRun:
    """What to measure."""

    connections: int = 10_000
    seconds: int = 10
    """How long each of the two loads runs."""
    rate: int = 20_000
    """Orders a second beside the sockets."""
    depth: int = 10
    """Levels of the book that is subscribed to."""
    workers: int = 0
    """Gateway workers; then nothing is pinned: the processes share the processors."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None


def measure(run: SocketsRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    _need_descriptors(run.connections)
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _need_descriptors(connections: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + DESCRIPTORS_SPARE
    if hard < needed:
        raise CoulisseError(
            f"{connections} sockets need {needed} descriptors; this may have {hard}"
        )
    # Server and generator inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _measure(run: SocketsRun, directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    workload.write(flow, PREFILL + 2 * run.seconds * run.rate, PREFILL, SEED)
    files = servers.write_files(directory)
    cpus = processors()
    server_cpu = None if run.workers else cpus.server
    load_cpu = None if run.workers else cpus.load
    data = directory / "data"
    with servers.node(files, data, run.durability, server_cpu, run.workers) as ours:
        arguments = ["sockets", "--host", ours.host, "--port", str(ours.port)]
        arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(flow), "--prefill", str(PREFILL)]
        arguments += ["--connections", str(run.connections), "--depth", str(run.depth)]
        arguments += ["--seconds", str(run.seconds), "--rate", str(run.rate)]
        with step_program(arguments, cpu=load_cpu) as steps:
            # The orders that build the book have made the tables as large as they get.
            steps.next()
            base_mb = ours.rss_mb()
            steps.go_on()
            connected = steps.next()
            idle_mb = ours.rss_mb()
            steps.go_on()
            alone = steps.next()
            before_s, before = ours.cpu_s(), ours.family_cpu_s()
            steps.go_on()
            loaded = steps.next()
            cpu_s = round(ours.cpu_s() - before_s, 2)
            used = ours.family_cpu_s()
            loaded_mb = ours.peak_rss_mb()
    deliveries = loaded.pop("deliveries")
    return {
        "connections": connected["connected"],
        "connect_ms": connected["took_ms"],
        "base_rss_mb": base_mb,
        "idle_rss_mb": round(idle_mb - base_mb, 1),
        "loaded_rss_mb": loaded_mb,
        "delivery_p50_ms": round(deliveries["p50_us"] / 1_000, 2),
        "delivery_p99_ms": round(deliveries["p99_us"] / 1_000, 2),
        "deliveries_per_s": deliveries["messages_per_s"],
        "orders_per_s": loaded["orders_per_s"],
        "order_p50_us": loaded["p50_us"],
        "order_p50_ratio": round(loaded["p50_us"] / max(alone["p50_us"], 0.001), 2),
        "server_cpu_s": cpu_s,
        "workers": run.workers,
        "processes_cpu_s": [round(used[pid] - before.get(pid, 0.0), 2) for pid in used],
        "alone": alone,
        "loaded": loaded,
        "deliveries": deliveries,
        "durability": run.durability,
    }
