"""`coulisse bench sockets`: what many connections cost, idle and subscribed to a book.

The core has one processor, the load generator another, on which the projector stands back; with
workers the processes of both share all of them. One process of the generator holds as many sockets
as it may have descriptors (20,000 on many machines); what is more is held by others, which only
watch.
"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import Steps, step_program
from coulisse.bench.gateway import PREFILL, SEED
from coulisse.bench.pinning import Shares, processors
from coulisse.bench.scratch import run_directory
from coulisse.domain.errors import CoulisseError

DESCRIPTORS_SPARE = 300
"""Descriptors that a process needs beside its sockets: the load's, files, pipes."""
UNEVEN_PERCENT = 5
"""By how much more than its share the kernel may give one of several workers."""
BUDGET = {
    "idle_rss_mb": 80,
    "loaded_rss_mb": 512,
    "delivery_p99_ms": 250,
    "order_p50_ratio": 2,
    "connect_ms": 10_000,
}
"""The most that 10,000 connections may take (to open: 20,000): see docs/operating/memory.md."""


@dataclass(frozen=True, slots=True)
class SocketsRun:
    """What to measure."""

    connections: int = 10_000
    seconds: int = 10
    """How long each load runs."""
    rate: int = 20_000
    """Orders a second beside the sockets."""
    depth: int = 10
    """Levels of the book that is subscribed to."""
    workers: int = 0
    """Gateway workers; then nothing is pinned: the processes share the processors."""
    ladder: tuple[int, ...] = ()
    """Smaller numbers of subscribers to load beside first, rising."""
    is_idle: bool = False
    """Only open the sockets."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None

    @property
    def rungs(self) -> tuple[int, ...]:
        """How many are subscribed, from load to load."""
        return (*(count for count in self.ladder if count < self.connections), self.connections)


def measure(run: SocketsRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    held_by_each = _descriptors(run)
    described = results.machine()
    shares = _dealt(run.connections, held_by_each)
    if len(shares) > 1 and run.ladder:
        raise CoulisseError(f"a ladder has at most the {held_by_each} sockets of one process")
    with run_directory(run.data_dir) as directory:
        figures = _measure(run, shares, directory)
        return {**figures, "date": results.today(), "machine": described}


def _descriptors(run: SocketsRun) -> int:
    """Return how many sockets a process may hold. Raises where those of the server are too few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = run.connections
    if run.workers > 1:
        share = -(-share * (100 + UNEVEN_PERCENT) // (100 * run.workers))
    needed = share + DESCRIPTORS_SPARE
    if hard < needed:
        raise CoulisseError(f"{share} sockets need {needed} descriptors; this may have {hard}")
    # Server and generator inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - DESCRIPTORS_SPARE


def _dealt(connections: int, held_by_each: int) -> list[int]:
    """Return how many sockets each process of the generator holds, as even as can be."""
    processes = -(-connections // held_by_each)
    each, more = divmod(connections, processes)
    return [each + (number < more) for number in range(processes)]


def _measure(run: SocketsRun, shares: Sequence[int], directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    loads = 0 if run.is_idle else 1 + len(run.rungs)
    files = servers.write_files(directory)
    cpus = processors()
    server_cpu = None if run.workers else cpus.server
    load_cpu = None if run.workers else cpus.load
    data = directory / "data"
    workload.write(flow, PREFILL + max(loads, 2) * run.seconds * run.rate, PREFILL, SEED)
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(
            servers.node(files, data, run.durability, server_cpu, run.workers)
        )
        common = ["--host", ours.host, "--port", str(ours.port)]
        common += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        common += ["--depth", str(run.depth)]
        seen = [directory / f"seen-{number}" for number in range(1, len(shares))]
        arguments = ["sockets", *common, "--workload", str(flow), "--prefill", str(PREFILL)]
        arguments += ["--connections", str(shares[0]), "--seconds", str(run.seconds)]
        arguments += ["--rate", str(run.rate)]
        rungs = run.rungs if len(shares) == 1 else (shares[0],)
        arguments += ["--ladder", ",".join(str(rung) for rung in rungs)]
        arguments += ["--others", ",".join(str(path) for path in seen)] if seen else []
        main = stack.enter_context(step_program(arguments, cpu=load_cpu))
        others = []
        for share, path in zip(shares[1:], seen, strict=True):
            watchers = ["watchers", *common, "--connections", str(share), "--out", str(path)]
            others.append(stack.enter_context(step_program(watchers, cpu=load_cpu)))
        return _Course(run, ours, main, others, loads).figures()


@dataclass(frozen=True, slots=True)
class _Course:
    """A server and those who load it, step by step."""

    run: SocketsRun
    ours: servers.Server
    main: Steps
    others: Sequence[Steps]
    loads: int

    def figures(self) -> dict[str, Any]:
        """Take all steps and return what they came to."""
        self.main.next()
        for other in self.others:
            other.next()
        # The orders that build the book have made the tables as large as they get.
        base_mb = self.ours.rss_mb()
        begun_s = time.monotonic()
        connected = self._all()
        connect_ms = round((time.monotonic() - begun_s) * 1_000)
        opened = {
            "connections": sum(one["connected"] for one in connected),
            "connect_ms": connect_ms,
            "generator_processes": len(connected),
            "workers": self.run.workers,
            "base_rss_mb": base_mb,
            "idle_rss_mb": round(self.ours.rss_mb() - base_mb, 1),
            "rss_mb_of_each": self.ours.family_rss_mb(),
        }
        if self.loads == 0:
            return {**opened, "budget": BUDGET, "durability": self.run.durability}
        alone, alone_shares = self._load()
        rungs = [self._rung(count, alone) for count in self.run.rungs]
        return {**opened, **_shown(rungs, alone, alone_shares), **self._last()}

    def _all(self) -> list[dict[str, Any]]:
        """Let everyone take a step at the same time."""
        everyone = (self.main, *self.others)
        for one in everyone:
            one.go_on()
        return [one.next() for one in everyone]

    def _load(self) -> tuple[dict[str, Any], dict[str, float]]:
        """Run one load; return what it says, and who had how much of the processors meanwhile."""
        shares = Shares({"server": self.ours.pids(), "generator": self._pids()})
        self.main.go_on()
        return self.main.next(), shares.taken()

    def _pids(self) -> list[int]:
        return [one.pid for one in (self.main, *self.others)]

    def _rung(self, count: int, alone: dict[str, Any]) -> dict[str, Any]:
        """Subscribe so many and run the load beside them."""
        is_last = count == self.run.connections
        if is_last:
            self._all()
        else:
            self.main.go_on()
            self.main.next()
        before = self.ours.family_cpu_s()
        for other in self.others if is_last else ():
            other.go_on()
        _, shares = self._load()
        used = self.ours.family_cpu_s()
        for other in self.others if is_last else ():
            other.go_on()
            other.next()
        self.main.go_on()
        loaded = self.main.next()
        deliveries = loaded.pop("deliveries")
        return {
            "subscribers": count,
            "order_p50_us": loaded["p50_us"],
            "order_p50_ratio": round(loaded["p50_us"] / max(alone["p50_us"], 0.001), 2),
            "order_p99_us": loaded["p99_us"],
            "orders_per_s": loaded["orders_per_s"],
            "delivery_p50_ms": round(deliveries["p50_us"] / 1_000, 2),
            "delivery_p99_ms": round(deliveries["p99_us"] / 1_000, 2),
            "deliveries_per_s": deliveries["messages_per_s"],
            "processors": shares,
            "cpu_s_of_each": {name: round(used[name] - before.get(name, 0.0), 2) for name in used},
            "loaded": loaded,
            "deliveries": deliveries,
        }

    def _last(self) -> dict[str, Any]:
        return {
            "loaded_rss_mb": self.ours.peak_rss_mb(),
            "loaded_rss_mb_of_each": self.ours.family_rss_mb(),
            "budget": BUDGET,
            "durability": self.run.durability,
        }


def _shown(
    rungs: Sequence[dict[str, Any]], alone: dict[str, Any], alone_shares: dict[str, float]
) -> dict[str, Any]:
    """Return the figures of the last rung, and in short those of all."""
    within = [rung for rung in rungs if rung["order_p50_ratio"] <= BUDGET["order_p50_ratio"]]
    details = ("loaded", "deliveries", "cpu_s_of_each")
    short = [{name: of for name, of in rung.items() if name not in details} for rung in rungs]
    last = {name: of for name, of in rungs[-1].items() if name != "subscribers"}
    return {
        **last,
        "alone": {**alone, "processors": alone_shares},
        "ladder": short,
        "subscribers_within_ratio": max((rung["subscribers"] for rung in within), default=0),
    }
