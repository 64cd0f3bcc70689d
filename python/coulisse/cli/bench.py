"""`coulisse bench`: measure the core and the gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from coulisse.bench import results
from coulisse.bench.capacity import CapacityRun
from coulisse.bench.capacity import measure as measure_capacity
from coulisse.bench.core import CoreRun, measure_full, measure_sizes
from coulisse.bench.core import measure as measure_core
from coulisse.bench.gateway import GatewayRun
from coulisse.bench.gateway import measure as measure_gateway
from coulisse.bench.metrics import MetricsRun
from coulisse.bench.metrics import measure as measure_metrics
from coulisse.bench.overload import OverloadRun
from coulisse.bench.overload import measure as measure_overload
from coulisse.bench.recovery import measure as measure_recovery
from coulisse.bench.recovery_log import RecoveryRun
from coulisse.bench.rest import RestRun
from coulisse.bench.rest import measure as measure_rest
from coulisse.bench.series import SeriesRun
from coulisse.bench.series import measure as measure_series
from coulisse.bench.soak import SoakRun
from coulisse.bench.soak import measure as measure_soak
from coulisse.bench.sockets import SocketsRun
from coulisse.bench.sockets import measure as measure_sockets
from coulisse.bench.start import StartRun
from coulisse.bench.start import measure as measure_start
from coulisse.bench.store import StoreRun
from coulisse.bench.store import measure as measure_store
from coulisse.bench.tls import TlsRun
from coulisse.bench.tls import measure as measure_tls
from coulisse.cli.options import AsJson
from coulisse.cli.runner import fail
from coulisse.domain.errors import CoulisseError

PEERS_DIR = Path("target/peers")
EXIT_NOT_HELD = 3
"""Of a soak of which something does not hold, or cannot be told."""

app = typer.Typer(help="Measure the core and the gateway on this machine.", no_args_is_help=True)

Save = Annotated[
    bool, typer.Option("--save", help="Write bench/results/DATE-NAME.json, as README is made from.")
]

Durability = Annotated[str, typer.Option(help="fsync, or os: survives no power cut.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the journal goes: on a disk.")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A benchmark: the name of its result file, its command line, and how it is measured."""

    name: str
    command: str
    measure: Callable[[], dict[str, Any]]
    hidden: tuple[str, ...] = ()
    """Figures that are not shown to people, being long."""


@app.command("core")
def core(
    workload: Annotated[
        Path | None, typer.Option(help="Rows `op,id,side,px,qty`; made anew where none is given.")
    ] = None,
    prefill: Annotated[int, typer.Option(min=1, help="Leading rows that are not timed.")] = 10_000,
    id_factor: Annotated[int, typer.Option(min=1, help="Multiply every id by this.")] = 1,
    repeat: Annotated[int, typer.Option(min=1, help="Passes; the fastest counts.")] = 3,
    profile: Annotated[
        str, typer.Option(help="shared: that workload. full: all order types and limits.")
    ] = "shared",
    sizes: Annotated[
        bool, typer.Option("--sizes", help="The bare book with up to 10,000,000 orders instead.")
    ] = False,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure the bare book and the engine on the shared workload, or as told."""
    run = CoreRun(workload, prefill=prefill, id_factor=id_factor, repeat=repeat)
    if profile not in ("shared", "full"):
        fail(f"--profile is shared or full, not {profile!r}")
    if (profile == "full" or sizes) and (workload is not None or (profile == "full" and sizes)):
        fail("--workload, --profile full and --sizes exclude each other")
    if sizes:
        shown = Shown("core-sizes", "core --sizes", lambda: measure_sizes(run))
    elif profile == "full":
        shown = Shown("core-full", "core --profile full", lambda: measure_full(run))
    else:
        shown = Shown("core", "core", lambda: measure_core(run))
    _show(shown, save=save, as_json=as_json)


@app.command("gateway")
def gateway(
    seconds: Annotated[int, typer.Option(min=1, help="Longest time of each shape.")] = 5,
    rate: Annotated[int, typer.Option(min=1, help="Orders/s of the open loop.")] = 20_000,
    burst_rate: Annotated[
        int, typer.Option(min=1, help="Orders/s of the open loop with 10 a write.")
    ] = 50_000,
    durability: Durability = "fsync",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the journal goes: on a disk, unless --durability os.")
    ] = None,
    operations: Annotated[int, typer.Option(min=1, help="Rows, over all shapes.")] = 2_000_000,
    peers: Annotated[
        bool, typer.Option("--peers", help="Other servers too; npm and pip install them.")
    ] = False,
    peers_dir: Annotated[Path, typer.Option(help="Where those are installed.")] = PEERS_DIR,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure a node behind its socket, and a bare server beside it; some 90 seconds."""
    run = GatewayRun(
        seconds=seconds,
        rate=rate,
        burst_rate=burst_rate,
        durability=_durability(durability),
        data_dir=data_dir,
        operations=operations,
        peers_dir=peers_dir if peers else None,
    )
    shown = Shown("gateway", "gateway", lambda: measure_gateway(run))
    _show(shown, save=save, as_json=as_json)


@app.command("sockets")
def sockets(
    connections: Annotated[int, typer.Option(min=1, help="Sockets beside the load.")] = 10_000,
    seconds: Annotated[int, typer.Option(min=1, help="How long each load runs.")] = 10,
    rate: Annotated[int, typer.Option(min=1, help="Orders/s beside the sockets.")] = 20_000,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Gateway workers.")] = 0,
    ladder: Annotated[
        str, typer.Option(help="Smaller numbers of subscribers first, as 1000,2500,5000.")
    ] = "",
    idle: Annotated[bool, typer.Option("--idle", help="Only open the sockets: no loads.")] = False,
    durability: Durability = "fsync",
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what many connections cost, idle and subscribed to a book; some 40 seconds."""
    run = SocketsRun(
        connections,
        seconds=seconds,
        rate=rate,
        workers=workers,
        ladder=_ladder(ladder, connections),
        is_idle=idle,
        durability=_durability(durability),
        data_dir=data_dir,
    )
    name, command = "sockets", "sockets"
    if idle:
        name, command = f"sockets-{connections}", f"sockets --connections {connections} --idle"
    if workers:
        name, command = f"{name}-{workers}-workers", f"{command} --workers {workers}"
    if ladder:
        command += f" --ladder {ladder}"
    _show(Shown(name, command, lambda: measure_sockets(run)), save=save, as_json=as_json)


@app.command("overload")
def overload(
    times: Annotated[int, typer.Option(min=1, help="How many times the capacity.")] = 10,
    seconds: Annotated[int, typer.Option(min=1, help="How long as much is offered.")] = 60,
    durability: Durability = "fsync",
    data_dir: DataDir = None,
    rows: Annotated[int, typer.Option(min=1, help="Requests of one round of it.")] = 1_000_000,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what is left when many times the capacity is offered; some 90 seconds."""
    run = OverloadRun(times, seconds, _durability(durability), data_dir, rows)
    _show(Shown("overload", "overload", lambda: measure_overload(run)), save=save, as_json=as_json)


@app.command("metrics")
def metrics(
    uncounted: Annotated[Path, typer.Option(help="Where tools.uncounted has put its package.")],
    turns: Annotated[int, typer.Option(min=1, help="Pairs of nodes.")] = 8,
    seconds: Annotated[int, typer.Option(min=1, help="Longest time of each shape.")] = 3,
    durability: Durability = "fsync",
    data_dir: DataDir = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows, over both shapes.")] = 2_000_000,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what it costs that a node is measured; some four minutes."""
    run = MetricsRun(uncounted, turns, seconds, _durability(durability), data_dir, rows)
    _show(Shown("metrics", "metrics", lambda: measure_metrics(run)), save=save, as_json=as_json)


@app.command("rest")
def rest(
    connections: Annotated[
        int, typer.Option(min=1, help="Connections, each with one request under way.")
    ] = 50,
    seconds: Annotated[int, typer.Option(min=1, help="How long orders are placed.")] = 5,
    spoiled: Annotated[
        int, typer.Option(min=0, help="Forged, changed, late, repeated and revoked requests.")
    ] = 1_000_000,
    durability: Durability = "fsync",
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure orders over REST, and send what must not be accepted; some 60 seconds."""
    run = RestRun(connections, seconds, spoiled, _durability(durability), data_dir)
    _show(Shown("rest", "rest", lambda: measure_rest(run)), save=save, as_json=as_json)


@app.command("start")
def start(
    orders: Annotated[int, typer.Option(min=1, max=1_000_000, help="At rest.")] = 1_000_000,
    tail_s: Annotated[int, typer.Option(min=0, help="Seconds of traffic behind it.")] = 60,
    tail_rate: Annotated[int, typer.Option(min=1, help="Commands in each of them.")] = 5_000,
    beside_commands: Annotated[
        int, typer.Option(min=1, help="Commands timed beside a snapshot, and as many without.")
    ] = 20_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure a start from a snapshot and a tail, and the snapshot itself; some 3 minutes."""
    run = StartRun(
        orders=orders,
        tail_s=tail_s,
        tail_rate=tail_rate,
        beside_commands=beside_commands,
        data_dir=data_dir,
    )
    _show(Shown("start", "start", lambda: measure_start(run)), save=save, as_json=as_json)


@app.command("store")
def store(
    backend: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    database: Annotated[
        str | None,
        typer.Option(help="The URL of an empty PostgreSQL database [one of its own, for the run]."),
    ] = None,
    orders: Annotated[int, typer.Option(min=2, help="Orders of the journal.")] = 200_000,
    seconds: Annotated[int, typer.Option(min=1, help="How long orders come steadily.")] = 10,
    fills_rate: Annotated[int, typer.Option(min=50, help="Fills a second then.")] = 5_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure how fast a store is filled, how far it is behind, and whether it is right."""
    if backend not in ("sqlite", "postgresql"):
        fail(f"--backend is sqlite or postgresql, not {backend!r}")
    kind: Literal["sqlite", "postgresql"] = "sqlite" if backend == "sqlite" else "postgresql"
    run = StoreRun(kind, database, orders, seconds, fills_rate, data_dir)
    name, command = f"store-{kind}", f"store --backend {kind}"
    _show(Shown(name, command, lambda: measure_store(run)), save=save, as_json=as_json)


@app.command("series")
def series(
    backend: Annotated[str, typer.Option(help="sqlite or questdb.")] = "sqlite",
    orders: Annotated[int, typer.Option(min=2, help="Orders of the journal.")] = 100_000,
    trades: Annotated[int, typer.Option(min=1, help="Trades that QuestDB folds.")] = 10_000_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure how fast time series are filled and candles read."""
    if backend not in ("sqlite", "questdb"):
        fail(f"--backend is sqlite or questdb, not {backend!r}")
    kind: Literal["sqlite", "questdb"] = "sqlite" if backend == "sqlite" else "questdb"
    run = SeriesRun(kind, orders, trades, data_dir)
    name, command = f"series-{kind}", f"series --backend {kind}"
    _show(Shown(name, command, lambda: measure_series(run)), save=save, as_json=as_json)


@app.command("soak")
def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long orders come.")] = 30,
    rate: Annotated[int, typer.Option(min=50, help="Orders/s, cancels among them.")] = 20_000,
    connections: Annotated[int, typer.Option(min=1, help="Sockets that watch the book.")] = 5_000,
    database: Annotated[
        str, typer.Option(help="The store: sqlite, off, or the URL of an empty PostgreSQL.")
    ] = "sqlite",
    series: Annotated[
        str, typer.Option(help="Time series: sqlite, off, or a QuestDB's URL.")
    ] = "sqlite",
    redis: Annotated[str, typer.Option(help="off, or a Redis's URL.")] = "off",
    archive: Annotated[
        bool, typer.Option("--archive", help="Compress what the log no longer needs.")
    ] = False,
    settle_minutes: Annotated[
        float, typer.Option(min=0, help="How long the stores may take to catch up in the end.")
    ] = 20,
    durability: Durability = "fsync",
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Run a node with its stores for long, over restarts; exit code 3 if it does not hold."""
    run = SoakRun(
        minutes=minutes,
        rate=rate,
        connections=connections,
        database=database,
        series=series,
        redis=redis,
        archive=archive,
        settle_minutes=settle_minutes,
        durability=_durability(durability),
        data_dir=data_dir,
        tell=lambda line: typer.echo(line, err=True),
    )
    command = f"soak --minutes {minutes:g}"
    shown = Shown("soak", command, lambda: measure_soak(run), hidden=("page",))
    result = _show(shown, save=save, as_json=as_json)
    if not result["passed"]:
        raise typer.Exit(EXIT_NOT_HELD)


@app.command("recovery")
def recovery(
    orders: Annotated[int, typer.Option(min=2, help="Orders of the log that trade.")] = 200_000,
    resting: Annotated[int, typer.Option(min=1, help="Orders that rest.")] = 20_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what failures lose, and how long until orders are taken again; some 2 minutes."""
    run = RecoveryRun(orders, resting, data_dir)
    _show(Shown("recovery", "recovery", lambda: measure_recovery(run)), save=save, as_json=as_json)


@app.command("capacity")
def capacity(
    accounts: Annotated[
        int, typer.Option(min=1_000, max=1_000_000, help="Accounts to open.")
    ] = 200_000,
    orders: Annotated[int, typer.Option(min=10, max=5_000, help="Orders over the wire.")] = 1_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what an account takes, and what an order moves over the wire; some 20 seconds."""
    run = CapacityRun(accounts, orders, data_dir)
    _show(Shown("capacity", "capacity", lambda: measure_capacity(run)), save=save, as_json=as_json)


@app.command("tls")
def tls(
    orders: Annotated[int, typer.Option(min=1_000, help="Orders of each port.")] = 100_000,
    connections: Annotated[
        int, typer.Option(min=1, help="Connections of each port that say nothing.")
    ] = 1_000,
    data_dir: DataDir = None,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Measure what TLS costs, beside a plain port; some 60 seconds."""
    run = TlsRun(orders, connections, data_dir)
    _show(Shown("tls", "tls", lambda: measure_tls(run)), save=save, as_json=as_json)


def _ladder(text: str, connections: int) -> tuple[int, ...]:
    try:
        rungs = tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        rungs = (0,)
    if any(rung < 1 or rung >= connections for rung in rungs) or rungs != tuple(sorted(set(rungs))):
        fail(f"--ladder rises from 1 to below {connections}, as 1000,2500, not {text!r}")
    return rungs


def _durability(text: str) -> Literal["fsync", "os"]:
    if text not in ("fsync", "os"):
        fail(f"--durability is fsync or os, not {text!r}")
    return "os" if text == "os" else "fsync"


def _show(shown: Shown, *, save: bool, as_json: bool) -> dict[str, Any]:
    described = results.machine()
    try:
        result = shown.measure()
    except (CoulisseError, OSError) as error:
        fail(str(error))
        raise
    if save:
        command = f"coulisse bench {shown.command} --json"
        path = results.save(shown.name, command, described, result)
        typer.echo(f"wrote {path}", err=True)
    plain = {name: of for name, of in result.items() if name not in shown.hidden}
    typer.echo(json.dumps(result) if as_json else "\n".join(results.lines(plain)))
    return result
