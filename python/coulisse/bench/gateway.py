"""`coulisse bench gateway`: orders over WebSocket against a node of ours, and against the floor.

The core has one processor, its sync thread beside it; the load generator has another, on which the
node's projector stands back behind it. The floor has the core's. Both servers are given the same
frames by the same generator in the same run. A second open loop, whose clients send several
requests at a time, is compared with a bare group commit: what the disk alone makes everyone wait
for.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import peers, results, servers, workload
from coulisse.bench.binary import run_program
from coulisse.bench.pinning import Processors, processors
from coulisse.bench.scratch import run_directory
from coulisse.domain.errors import CoulisseError

OPERATIONS = 2_000_000
PREFILL = 10_000
SEED = 42
SYNCS = 200
SYNC_BYTES = 4_096
CLOSED = ("100x1", "50x32")
"""The shapes that every server can hold: an open loop would only queue where it is too fast."""
PER_WRITE = 10
"""Requests that a client of the second open loop sends at a time."""
BURST_ROUNDS = 3
"""How often each server takes its turn where they take turns."""
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class GatewayRun:
    """What to measure."""

    seconds: int = 5
    """Longest time of each shape."""
    rate: int = 20_000
    """Orders a second of the open loop."""
    burst_rate: int = 50_000
    """The same of the open loop whose clients send `PER_WRITE` at a time."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None
    """Where the journal goes; a new directory in it is used and removed."""
    operations: int = OPERATIONS
    """Rows of the workload, over all shapes."""
    peers_dir: Path | None = None
    """Where the servers to compare with are installed; none are measured where it is not given."""

    @property
    def shapes(self) -> tuple[str, ...]:
        """The shapes in the order in which they run."""
        return (f"open_{self.rate}", "100x1", "50x32")


def measure(run: GatewayRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        kind = file_system(directory)
        if kind in IN_MEMORY and run.durability == "fsync":
            raise CoulisseError(
                f"{directory.parent} is {kind}, where a sync costs nothing; "
                "give --data-dir on a disk, or --durability os"
            )
        return _measure(run, directory, kind, described)


def _measure(
    run: GatewayRun, directory: Path, kind: str, described: Mapping[str, Any]
) -> dict[str, Any]:
    flow = directory / "workload.csv"
    workload.write(flow, run.operations, PREFILL, SEED)
    files = servers.write_files(directory)
    cpus = processors()
    sync_us = fdatasync_us(directory)
    with servers.node(files, directory / "data", run.durability, cpus.server) as ours:
        loaded = _load(run, ours, flow, files, cpus.load)
        trades, rss_mb, pss_mb = ours.trades(), ours.peak_rss_mb(), ours.pss_mb()
    with servers.floor(files, cpus.server) as below:
        bare = _load(run, below, flow, files, cpus.load)
        compared = _peers(run, flow, files, cpus)
    shapes, floor = loaded["shapes"], bare["shapes"]
    bursts = _bursts(run, directory, flow, files, cpus)
    stored = _stores(run, directory, flow, files, cpus)
    return {
        **_against(shapes, compared),
        "shapes": shapes,
        "accepted": loaded["accepted"],
        "rejected": loaded["rejected"],
        "rejects": loaded["rejects"],
        "trades": trades,
        "durability": run.durability,
        "journal_fs": kind,
        "fdatasync_p50_us": sync_us,
        "rss_mb": rss_mb,
        "pss_mb": pss_mb,
        "floor": floor,
        "ratio_to_floor": {
            name: round(shapes[name]["orders_per_s"] / max(floor[name]["orders_per_s"], 1), 3)
            for name in shapes
        },
        f"open_{run.burst_rate}": bursts,
        "stores": stored,
        "date": results.today(),
        "machine": described,
    }


def _bursts(
    run: GatewayRun, directory: Path, flow: Path, files: servers.Files, cpus: Processors
) -> dict[str, Any]:
    """Return the figures of the second open loop: ours, and a bare group commit's beside it.

    With durability `fsync` both of ours are measured; where a sync costs nothing, `os` alone. They
    take turns, and of each figure the middle one of all turns is given: two or three syncs that
    take tens of ms decide a 99th percentile of a few seconds, and come when the disk likes.
    """
    shape = f"open_{run.burst_rate}x{PER_WRITE}"
    part = replace(run, seconds=max(1, run.seconds // 2))

    def load(server: servers.Server) -> dict[str, Any]:
        loaded = _load(part, server, flow, files, cpus.load, [shape])
        figures: dict[str, Any] = loaded["shapes"][shape]
        return figures

    kinds = ("fsync", "os") if run.durability == "fsync" else ("os",)
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in (*kinds, "group_commit")}
    for turn in range(BURST_ROUNDS):
        group = directory / f"group-{turn}"
        with servers.floor(files, cpus.server, group, run.durability) as below:
            rounds["group_commit"].append(load(below))
        for durability in kinds:
            data = directory / f"bursts-{durability}-{turn}"
            with servers.node(files, data, durability, cpus.server) as node:
                rounds[durability].append(load(node))
    bare = _middle(rounds.pop("group_commit"))
    ours = {name: _middle(figures) for name, figures in rounds.items()}
    ratios = {
        name: round(ours[run.durability][name] / max(bare[name], 0.001), 2)
        for name in ("p50_us", "p99_us")
    }
    return {
        "per_write": PER_WRITE,
        **ours,
        "group_commit": bare,
        "times_group_commit": {name.removesuffix("_us"): ratio for name, ratio in ratios.items()},
    }


def _stores(
    run: GatewayRun, directory: Path, flow: Path, files: servers.Files, cpus: Processors
) -> dict[str, Any]:
    """Return the figures of the open loop without and with the stores that a node has by default.

    Both take turns, and the middle of each figure is given. The stores are filled on the processors
    that the core does not have.
    """
    shape = f"open_{run.rate}"
    part = replace(run, seconds=max(1, run.seconds // 2))
    rounds: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    for turn in range(BURST_ROUNDS):
        for name, has_stores in (("without", False), ("with", True)):
            data = directory / f"{name}-{turn}"
            node = servers.node(files, data, run.durability, cpus.server, has_stores=has_stores)
            with node as ours:
                loaded = _load(part, ours, flow, files, cpus.load, [shape])
                rounds[name].append(loaded["shapes"][shape])
    middle = {name: _middle(figures) for name, figures in rounds.items()}
    ratios = {
        name: round(middle["with"][name] / max(middle["without"][name], 0.001), 2)
        for name in ("p50_us", "p99_us")
    }
    times = {name.removesuffix("_us"): ratio for name, ratio in ratios.items()}
    return {"shape": shape, **middle, "times": times}


def _middle(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return of each figure the median, and all 99th percentiles in their order."""
    middle = {name: statistics.median(one[name] for one in figures) for name in figures[0]}
    return {**middle, "p99_us_of_rounds": [one["p99_us"] for one in figures]}


def _peers(
    run: GatewayRun, flow: Path, files: servers.Files, cpus: Processors
) -> dict[str, Any] | None:
    if run.peers_dir is None:
        return None

    def load(server: servers.Server, echoes: bool) -> dict[str, Any]:
        loaded = _load(run, server, flow, files, cpus.load, CLOSED, echoes=echoes)
        return {**loaded["shapes"], "rejects": loaded["rejects"]}

    return peers.measure(run.peers_dir, files, cpus.server, load)


def _against(shapes: dict[str, Any], compared: dict[str, Any] | None) -> dict[str, Any]:
    """Return the figures of the peers, and how many times the usual stack's ours are."""
    if compared is None:
        return {}
    usual = compared[peers.USUAL]
    times = {
        name: round(shapes[name]["orders_per_s"] / max(usual[name]["orders_per_s"], 1), 2)
        for name in CLOSED
        if name in usual
    }
    return {"peers": compared, "times_usual": times}


def _load(
    run: GatewayRun,
    server: servers.Server,
    flow: Path,
    files: servers.Files,
    cpu: int,
    shapes: Sequence[str] = (),
    *,
    echoes: bool = False,
) -> dict[str, Any]:
    arguments = ["load", "--host", server.host, "--port", str(server.port)]
    arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
    arguments += ["--workload", str(flow), "--prefill", str(PREFILL)]
    arguments += [
        "--shapes",
        ",".join(shapes or run.shapes),
        "--seconds",
        str(run.seconds),
        "--json",
    ]
    arguments += ["--echo"] if echoes else []
    arguments += ["--spin"] if processors().server != cpu else []
    return run_program(arguments, cpu=cpu)


def file_system(path: Path) -> str:
    """Return the type of the file system that a path is on, as `ext4` or `tmpfs`."""
    real, best, kind = path.resolve(), Path(), "unknown"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        mounted, _, source = line.partition(" - ")
        # The kernel writes a space in a path as \040.
        point = Path(mounted.split()[4].replace("\\040", " "))
        # Of two on the same place the later one is seen.
        if real.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, source.split()[0]
    return kind


def fdatasync_us(directory: Path) -> float:
    """Return the median time of writing and syncing 4 KB of a file made beforehand, in µs."""
    page = bytes(SYNC_BYTES)
    path = directory / "sync"
    with path.open("wb") as made:
        made.write(page * SYNCS)
        os.fsync(made.fileno())
    taken_ns = []
    with path.open("r+b", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(page)
            start_ns = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            taken_ns.append(time.perf_counter_ns() - start_ns)
    path.unlink()
    return round(statistics.median(taken_ns) / 1_000, 1)
