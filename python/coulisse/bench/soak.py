"""`coulisse bench soak`: a node with its stores under a steady load for a long time, over restarts.

Orders of all accounts come at a steady rate, thousands of sockets watch the book, the stores are
filled. The load goes in laps, each a round of the same workload with client order ids of its own:
every lap begins with an empty book and cancels what it leaves, so what the node keeps of orders is
the same in the end of each. Early in the run the node is stopped and started again, late in it it
is killed: the life between is the one of which memory, descriptors and latencies are judged.

In the end the clients' own record of every order is held against the log, the store and the
history.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from coulisse.bench import results, servers, soak_check, soak_result, workload
from coulisse.bench.binary import Steps, step_program
from coulisse.bench.own_server import free_port
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.bench.soak_memory import Lap, Restart, read_metrics
from coulisse.bench.soak_watch import Place, Watch, place_of
from coulisse.domain.errors import CoulisseError
from coulisse.store.sql.address import parse_address

SEED: Final = 42
PREFILL_MAX: Final = 10_000
LAP_SHORTEST_S: Final = 2
LAP_LONGEST_S: Final = 30
LAPS: Final = 60
"""Of a run, unless they would be too short or too long."""
DESCRIPTORS_SPARE: Final = 500
"""Of the generator and of the node, beside the sockets that watch."""
NEWEST: Final = 1_000
"""Closed orders of each account that history is asked for."""
NEWEST_UNSETTLED: Final = 100
LOOK_S: Final = 0.5
READY_S: Final = 600.0
"""How long a start may take: where the store is far behind the newest snapshot is too, and what
lies behind it is applied again."""
RESTARTS: Final = (("stop", 0.1), ("kill", 0.9))
"""What is done to the node, and which part of the run is over then."""


@dataclass(frozen=True, slots=True)
class SoakRun:
    """What to measure."""

    minutes: float = 30
    rate: int = 20_000
    """Orders a second, cancels among them."""
    connections: int = 5_000
    """Sockets that watch the book."""
    depth: int = 10
    database: str = "sqlite"
    series: str = "sqlite"
    redis: str = "off"
    """As in the settings of the node; of one's own the node makes SQLite files."""
    archive: bool = False
    """Whether what the log no longer needs is compressed and put away."""
    settle_minutes: float = 20
    """How long the stores may take to catch up in the end."""
    restarts: tuple[tuple[str, float], ...] = RESTARTS
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None
    tell: Callable[[str], None] = lambda line: None
    """Told how each lap was, and what goes on."""

    @property
    def lap_s(self) -> int:
        """How long a lap takes."""
        return min(max(round(self.minutes * 60 / LAPS), LAP_SHORTEST_S), LAP_LONGEST_S)


class Node:
    """The node of a run, through its lives: always at one address, on one data directory."""

    def __init__(self, run: SoakRun, files: servers.Files, data_dir: Path) -> None:
        """Prepare; it is started by `start`."""
        self._files = files
        self._cpu = processors().server
        self._stack = contextlib.ExitStack()
        self._server: servers.Server | None = None
        self._lock = threading.Lock()
        self.life = 0
        self.data_dir = data_dir
        self.port = free_port()
        command = [sys.executable, "-m", "coulisse", "serve", "--json", "--port", str(self.port)]
        command += ["--config", str(files.config), "--data-dir", str(data_dir)]
        self._command = [*command, "--durability", run.durability]
        self._variables = {
            "COULISSE_NODE__CPU": str(self._cpu),
            "COULISSE_SECRETS__MASTER_KEY": secrets.token_hex(32),
            "COULISSE_STORE__DATABASE": run.database,
            "COULISSE_SERIES__DATABASE": run.series,
            "COULISSE_REDIS__URL": run.redis,
        }
        if run.archive:
            self._variables["COULISSE_LOG__ARCHIVE"] = str(data_dir.parent / "archive")

    def start(self) -> None:
        """Start it and wait until it takes orders. Raises `CoulisseError`."""
        running = servers.running(self._command, self._files, None, self._variables, READY_S)
        process, ready = self._stack.enter_context(running)
        url = str(ready["http"]).rstrip("/")
        with self._lock:
            self.life += 1
            self._server = servers.Server(process.pid, "127.0.0.1", self.port, url)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, by a kill or so that it may say goodbye, and wait for that."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None and number == signal.SIGKILL:
            os.kill(server.pid, number)
        self._stack.close()

    def found(self) -> tuple[int, int, str] | None:
        """Return its life, pid and address; None while it is away."""
        with self._lock:
            server = self._server
            return None if server is None else (self.life, server.pid, server.http)

    @property
    def url(self) -> str:
        """Its address. Raises `CoulisseError` while it is away."""
        found = self.found()
        if found is None:
            raise CoulisseError("the node is away")
        return found[2]


def measure(run: SoakRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < run.connections + DESCRIPTORS_SPARE:
        raise CoulisseError(f"{run.connections} sockets are too many: {hard} descriptors")
    # Node and generator inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        figures = run_in(run, directory)
    return {**figures, "date": results.today(), "machine": described}


def run_in(run: SoakRun, directory: Path) -> dict[str, Any]:
    """Run it with all files in a directory, which it leaves there."""
    flow = directory / "workload.csv"
    rows = run.rate * run.lap_s
    prefill = min(PREFILL_MAX, rows // 5)
    workload.write(flow, rows - prefill, prefill, SEED)
    files = servers.write_files(directory)
    record = directory / "record"
    node = Node(run, files, directory / "data")
    node.start()
    try:
        arguments = ["soak", "--host", "127.0.0.1", "--port", str(node.port)]
        arguments += ["--accounts", str(files.accounts), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(flow), "--record", str(record), "--rate", str(run.rate)]
        arguments += ["--connections", str(run.connections), "--depth", str(run.depth)]
        with step_program(arguments, cpu=processors().load) as steps:
            course = _Course(run, node, steps)
            course.run_laps()
        end = place_of(node.url, course.watch.now_s())
        run.tell(f"the log ends at seq {end.log}: waiting for store and time series")
        settled_s = _settle(run, node, end)
        run.tell("comparing the clients' record with log, store and history")
        is_settled = settled_s is not None
        checks = _checks(run, node, record, files, end, is_settled=is_settled)
    finally:
        node.end()
    return soak_result.figures(
        run, course.laps, course.watch, course.restarts,
        {**checks, "settled_s": settled_s, "bytes": _bytes(directory)},
    )  # fmt: skip


@dataclass(slots=True)
class _Course:
    """The laps of a run, and what is done to the node meanwhile."""

    run: SoakRun
    node: Node
    steps: Steps
    watch: Watch = field(init=False)
    laps: list[Lap] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    _failure: Exception | None = None

    def __post_init__(self) -> None:
        self.watch = Watch(time.monotonic(), self.node.found)

    def run_laps(self) -> None:
        """Run all laps. Raises `CoulisseError`."""
        self.steps.next()
        self.watch = Watch(time.monotonic(), self.node.found)
        over = threading.Event()
        with (
            _beside(self.watch.look_until_stopped, self.watch.stop),
            _beside(lambda: self._restart(over), over.set),
        ):
            while self.watch.now_s() < self.run.minutes * 60:
                self._lap()
        if self._failure is not None:
            raise self._failure

    def _lap(self) -> None:
        began_s, life = self.watch.now_s(), self.node.life
        self.steps.go_on()
        try:
            figures = self.steps.next()
        except CoulisseError as error:
            # What came of a restart says more than that the node is not there.
            raise self._failure or error from None
        is_whole = life == self.node.life and self.node.found() is not None
        metrics: dict[str, float] = {}
        if is_whole:
            with contextlib.suppress(OSError):
                metrics = read_metrics(self.node.url)
        lap = Lap(began_s, self.watch.now_s(), life if is_whole else None, figures, metrics)
        self.laps.append(lap)
        self.run.tell(soak_result.told(len(self.laps), lap, self.watch))

    def _restart(self, over: threading.Event) -> None:
        """Do to the node what is to be done to it, each at its time."""
        for kind, part in self.run.restarts:
            due_s = part * self.run.minutes * 60
            if over.wait(max(0.0, due_s - self.watch.now_s())):
                return
            at_s = self.watch.now_s()
            self.run.tell(f"{kind} at {at_s:.0f} s")
            try:
                self.node.end(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
                ended_s = self.watch.now_s()
                self.node.start()
            except (CoulisseError, OSError) as error:
                self._failure = error
                return
            ready_s = self.watch.now_s()
            self.restarts.append(Restart(kind, at_s, ended_s - at_s, ready_s - ended_s))


@contextlib.contextmanager
def _beside(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Do some work on a thread meanwhile."""
    thread = threading.Thread(target=work, name="coulisse-soak")
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


def _settle(run: SoakRun, node: Node, end: Place) -> float | None:
    """Wait until the databases have come to the end of the log; how long that took, in s."""
    began_s = time.monotonic()
    while True:
        place = place_of(node.url, 0.0)
        waiting = [seq for seq in (place.store, place.series) if seq is not None and seq < end.log]
        took_s = time.monotonic() - began_s
        if not waiting:
            return round(took_s, 1)
        if took_s > run.settle_minutes * 60:
            return None
        time.sleep(LOOK_S)  # noqa: TID251  # what it asks is another process, which tells nobody


def _checks(
    run: SoakRun, node: Node, record: Path, files: servers.Files, end: Place, *, is_settled: bool
) -> dict[str, Any]:
    """Hold the clients' record against log, store and history, and the store against the core.

    One that cannot be made says why under `failed`: what a long run has shown is not lost by it.
    """
    data, kept = str(node.data_dir), str(record)
    spawned = multiprocessing.get_context("spawn")
    asked: dict[str, Callable[[], dict[str, Any]]] = {}
    with ProcessPoolExecutor(2, mp_context=spawned) as pool:
        if not run.archive:
            asked["log"] = pool.submit(soak_check.check_log, data, kept, end.log).result
        if run.database != "off":
            address = parse_address(run.database, node.data_dir).to_json()
            found = pool.submit(soak_check.check_store, address, data, kept, end.log)
            # Where the store is behind, the node itself knows the newest rows.
            min_seq, newest = (end.log, NEWEST) if is_settled else (None, NEWEST_UNSETTLED)
            keys = servers.keys_of(files)
            asked["history"] = lambda: asyncio.run(
                soak_check.check_history(node.url, keys, kept, newest, min_seq)
            )
            asked["store"] = found.result
        return {name: _tried(check) for name, check in asked.items()}


def _tried(check: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return check()
    except (CoulisseError, OSError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def _bytes(directory: Path) -> dict[str, int]:
    """Return how much the run has left on the disk, by what it is."""
    kinds = {
        "journal": "data/journal-*", "store": "data/store.sqlite3*",
        "series": "data/series.sqlite3*", "snapshots": "data/snapshot*",
        "archive": "archive/*", "audit": "data/audit*",
    }  # fmt: skip
    sizes = {kind: directory.glob(pattern) for kind, pattern in kinds.items()}
    return {kind: sum(path.stat().st_size for path in of) for kind, of in sizes.items()}
