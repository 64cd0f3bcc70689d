"""`coulisse bench start`: how long a node takes to start with a full book behind it.

A log is made with the orders that rest, a replica of it writes a snapshot, a tail of commands
follows; then `coulisse serve` is started on it, with the files dropped from the page cache, once
from the snapshot and once, without it, by replaying everything. Before all that the core trades
while the projector process writes: see `beside`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from coulisse import _core
from coulisse.bench import beside, servers
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.bench.store import fail, nothing
from coulisse.config import AccountConfig, Config, InstrumentConfig
from coulisse.domain.errors import CoulisseError
from coulisse.domain.schema import Schema, Value, schema
from coulisse.engine.driver import Driver
from coulisse.log.file import open_core
from coulisse.log.files import snapshots
from coulisse.node.seed import seed

SEED = 42
INSTRUMENTS = 10
ORDERS_PER_ACCOUNT = 5_000
MIDDLE_TICKS = 50_000
LEVELS = 2_000
"""Levels on each side of each instrument."""
LOTS_MIN = 100_000
"""Smallest order: no trade of the tail, of one lot each, fills one."""
COMMANDS_PER_TICK = 4_000
COMMANDS_IN_FLIGHT = 40_000
RECORDS_PER_CALL = 20_000
CYCLE = 6
"""Commands of the tail that belong together: see `_tail`."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """What to measure."""

    orders: int = 1_000_000
    """Orders that rest."""
    tail_s: int = 60
    """Seconds of traffic behind the snapshot."""
    tail_rate: int = 5_000
    """Commands in each of them."""
    beside_commands: int = 20_000
    """Commands that are timed while a snapshot is written, and as many while none is."""
    data_dir: Path | None = None
    """Where the journal goes; a new directory in it is used and removed."""

    @property
    def tail_commands(self) -> int:
        """How many commands the tail has: whole cycles."""
        return self.tail_s * self.tail_rate // CYCLE * CYCLE

    @property
    def beside_commands_max(self) -> int:
        """How many commands there are for what happens beside snapshots: whole cycles."""
        return (100 * self.beside_commands + 100_000) // CYCLE * CYCLE


def measure(run: StartRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    with run_directory(run.data_dir) as directory:
        return _measure(run, directory)


def _measure(run: StartRun, directory: Path) -> dict[str, Any]:
    data = directory / "data"
    config = _config(run, data)
    made = asyncio.run(_make(run, config))
    files = servers.Files(directory / "bench.toml", directory / "accounts", directory / "log")
    files.config.write_text(_toml(config), encoding="utf-8")
    from_snapshot = _start(run, files, data)
    if from_snapshot["snapshot_seq"] == 0:
        raise CoulisseError("the node did not start from the snapshot")
    _remove_snapshots(data)
    replayed = _start(run, files, data)
    return {
        "orders": run.orders,
        "tail_s": run.tail_s,
        "tail_rate": run.tail_rate,
        "tail_commands": run.tail_commands,
        **made,
        "start": from_snapshot,
        "start_by_replay": replayed,
    }


def _config(run: StartRun, data: Path) -> Config:
    accounts = -(-run.orders // ORDERS_PER_ACCOUNT)
    bases = [f"C{number:02}" for number in range(INSTRUMENTS)]
    step = Decimal("0.01")
    deposits = {base: Decimal(10**7) for base in bases} | {"USD": Decimal(10**12)}
    return Config(
        instruments=tuple(
            InstrumentConfig(symbol=f"{base}-USD", tick_size=step, lot_size=step) for base in bases
        ),
        accounts=tuple(
            AccountConfig(name=f"a{number}", deposits=deposits) for number in range(accounts)
        ),
    ).with_log(directory=data)


def _toml(config: Config) -> str:
    lines = []
    for one in config.instruments:
        lines += ["[[instruments]]", f'symbol = "{one.symbol}"']
        lines += [f'tick_size = "{one.tick_size}"', f'lot_size = "{one.lot_size}"']
    # The snapshot of the run must stay the newest.
    return "\n".join([*lines, "[projector]", "enabled = false", ""])


@dataclass(frozen=True, slots=True)
class _Resting:
    """An order that rests."""

    account: int
    instrument: int
    name: str


class _Feeder:
    """Sends commands through the core, as many at a time as the log takes."""

    def __init__(self, core: _core.Core, driver: Driver, messages: Schema) -> None:
        self._core = core
        self._driver = driver
        self._schema = messages
        self._sent = 0

    async def send(self, name: str, fields: Mapping[str, Value], account: int) -> None:
        kind, body = self._schema.encode(name, fields)
        self._core.command(kind, body, nothing, account=account)
        self._sent += 1
        if self._sent % COMMANDS_PER_TICK == 0:
            await asyncio.sleep(0)
        if self._sent % COMMANDS_IN_FLIGHT == 0:
            await self._driver.durable()


async def _make(run: StartRun, config: Config) -> dict[str, Any]:
    """Make the log and its snapshot; return what that took."""
    core = open_core(config, [config.gateway])
    driver = Driver(core, schema(), fail)
    driver.attach(asyncio.get_running_loop())
    await seed(core, driver, config)
    feeder, rng = _Feeder(core, driver, schema()), random.Random(SEED)
    accounts = [core.account_id(account.name) or 0 for account in config.accounts]
    resting = []
    for number in range(run.orders):
        account = accounts[number // ORDERS_PER_ACCOUNT]
        order = _Resting(account, number % INSTRUMENTS + 1, f"o{number}")
        await feeder.send("OrderPlace", _placement(rng, order), account)
        resting.append(order)
    await driver.durable()
    live = core.metrics()["engine_orders_live"]
    if live != run.orders:
        raise CoulisseError(f"{live} orders rest, not {run.orders}")
    trading = await _trade_beside(run, core, driver, config, rng, resting)
    made = await _write_snapshot(core, config)
    for name, fields, account in _tail(run.tail_commands, "t", rng, resting):
        await feeder.send(name, fields, account)
    await driver.durable()
    made["journal_bytes"] = core.metrics()["journal_bytes_total"]
    driver.close()
    return {**made, "trading": trading}


async def _trade_beside(
    run: StartRun,
    core: _core.Core,
    driver: Driver,
    config: Config,
    rng: random.Random,
    resting: list[_Resting],
) -> dict[str, Any]:
    """Trade beside the projector process; leave as many orders as there were, and no snapshot."""
    messages, count = schema(), 0
    cycles = _tail(run.beside_commands_max, "b", rng, resting)

    def encoded() -> Iterator[beside.Encoded]:
        nonlocal count
        for name, fields, account in cycles:
            count += 1
            yield *messages.encode(name, fields), account

    data_dir = Path(str(config.log.dir))
    trading = await beside.measure(core, driver, data_dir, encoded(), run.beside_commands)
    feeder = _Feeder(core, driver, messages)
    for name, fields, account in itertools.islice(cycles, -count % CYCLE):
        await feeder.send(name, fields, account)
    await driver.durable()
    _remove_snapshots(data_dir)
    return trading


def _remove_snapshots(data_dir: Path) -> None:
    for file in snapshots(data_dir).values():
        file.unlink()


def _placement(rng: random.Random, order: _Resting, **other: Value) -> dict[str, Value]:
    buy = rng.random() < 0.5
    away = 1 + rng.randrange(LEVELS)
    fields: dict[str, Value] = {
        "instrument": order.instrument,
        "side": "buy" if buy else "sell",
        "order_type": "limit",
        "time_in_force": "gtc",
        "post_only": False,
        "qty": LOTS_MIN + rng.randrange(LOTS_MIN),
        "price": MIDDLE_TICKS - away if buy else MIDDLE_TICKS + away,
        "notional": 0,
        "client_order_id": order.name,
    }
    return {**fields, **other}


def _tail(
    count: int, prefix: str, rng: random.Random, orders: list[_Resting]
) -> Iterator[tuple[str, dict[str, Value], int]]:
    """Cancel and place again, amend, cancel, trade, place again: as many orders rest at the end.

    `orders` says after each cycle which these are.
    """
    for number in range(count):
        at = rng.randrange(len(orders))
        order = orders[at]
        new = _Resting(order.account, order.instrument, f"{prefix}{number}")
        match number % CYCLE:
            case 0 | 3:
                yield "OrderCancel", {"order_id": 0, "client_order_id": order.name}, order.account
                gone = at
            case 1 | 5:
                orders[gone] = new = _Resting(
                    orders[gone].account, orders[gone].instrument, new.name
                )
                yield "OrderPlace", _placement(rng, new), new.account
            case 2:
                qty = LOTS_MIN + rng.randrange(LOTS_MIN)
                fields: dict[str, Value] = {
                    "order_id": 0, "client_order_id": order.name, "qty": qty, "price": 0,
                }  # fmt: skip
                yield "OrderAmend", fields, order.account
            case _:
                taker: dict[str, Value] = {
                    "order_type": "market",
                    "time_in_force": "ioc",
                    "qty": 1,
                    "price": 0,
                }
                yield "OrderPlace", _placement(rng, new, **taker), order.account


async def _write_snapshot(core: _core.Core, config: Config) -> dict[str, Any]:
    """Follow with a replica in this process and let it write; return what that took."""
    replica = _core.Replica(data_dir=str(config.log.dir))
    began_s = time.perf_counter()
    applying_s = 0.0
    while replica.compared_seq < core.seq:
        turn_s = time.perf_counter()
        if replica.catch_up(RECORDS_PER_CALL):
            applying_s += time.perf_counter() - turn_s
            continue
        if time.perf_counter() - began_s > servers.READY_TIMEOUT_S:
            raise CoulisseError("the core published no event hash of its end")
        await asyncio.sleep(0.01)
    began_s = time.perf_counter()
    size = replica.write_snapshot(1)
    return {
        "replica_records_per_s": round(replica.seq / applying_s),
        "snapshot_write_s": round(time.perf_counter() - began_s, 3),
        "snapshot_bytes": size,
    }


def _start(run: StartRun, files: servers.Files, data: Path) -> dict[str, Any]:
    """Start the node once; return what it says of its start."""
    _forget_pages(data)
    began_s = time.perf_counter()
    with servers.node(files, data, "fsync", processors().server) as server:
        ready_s, cpu_s = time.perf_counter() - began_s, server.cpu_s()
        live, rss_mb = server.metric("coulisse_engine_orders_live"), server.peak_rss_mb()
    if live != run.orders:
        raise CoulisseError(f"{live} orders rest after the start, not {run.orders}")
    lines = files.log.read_text(encoding="utf-8").splitlines()
    *_, said = (line for line in map(json.loads, lines) if line["event"] == "ready")
    return {
        "ready_s": round(ready_s, 2),
        "cpu_s": cpu_s,
        "snapshot_s": round(said["snapshot_us"] / 1e6, 3),
        "replay_s": round(said["replay_us"] / 1e6, 3),
        "snapshot_seq": said["snapshot_seq"],
        "replayed": said["replayed"],
        "rss_mb": rss_mb,
    }


def _forget_pages(directory: Path) -> None:
    """Drop the files from the page cache: a machine that has just booted has read none of them."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
