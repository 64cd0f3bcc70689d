"""`coulisse bench store`: how fast a store is filled, how far it is behind, if it is right.

A journal of orders that trade is made, and a store filled from it as fast as it goes, everything on
one processor. Then orders come at a steady rate, the projector fills the store beside, and it is
looked how old the oldest record is that the store lacks. In the end the hash of all rows, read back
by SQL, is compared with what the reference fold makes of the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from coulisse import _core
from coulisse.bench.pinning import children, cpu_s, pinned_to, processors
from coulisse.bench.postgresql_server import Postgresql
from coulisse.bench.scratch import run_directory
from coulisse.bench.servers import peak_rss_mb
from coulisse.config import AccountConfig, Config
from coulisse.domain.errors import CoulisseError
from coulisse.domain.schema import Value, schema
from coulisse.engine.driver import Driver
from coulisse.log.file import open_core
from coulisse.node.backstage import stand_back
from coulisse.node.follower import RECORDS_PER_WRITE, Settings
from coulisse.node.projector_process import STORE_VARIABLE
from coulisse.node.seed import seed
from coulisse.node.store_check import expected_content
from coulisse.store.sql.address import Address, Backend, parse_address
from coulisse.store.sql.contents import read_content
from coulisse.store.sql.place import PlaceReader
from coulisse.store.sql.writer import open_writer

SEED = 42
ACCOUNTS = 200
INSTRUMENTS = 3
MIDDLE_TICKS = 6_000_000
SPREAD_TICKS = 50
COMMANDS_PER_TICK = 4_000
COMMANDS_IN_FLIGHT = 40_000
TURNS_PER_S = 50
CAUGHT_UP_S = 60.0


@dataclass(frozen=True, slots=True)
class StoreRun:
    """What to measure."""

    backend: Backend = "sqlite"
    database: str | None = None
    """A PostgreSQL URL of an empty database; a server is started where none is given."""
    orders: int = 200_000
    """Orders of the journal; half of them take the other half."""
    seconds: int = 10
    """How long orders come at a steady rate."""
    fills_rate: int = 5_000
    """Fills a second then: a trade is two."""
    data_dir: Path | None = None
    """Where journal and SQLite file go; a new directory in it is used and removed."""


def measure(run: StoreRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    with run_directory(run.data_dir) as directory, _address(run, directory) as (address, server):
        return asyncio.run(_measure(run, directory / "data", address, server))


@contextlib.contextmanager
def _address(run: StoreRun, directory: Path) -> Iterator[tuple[Address, Postgresql | None]]:
    if run.backend == "sqlite":
        yield Address("sqlite", str(directory / "store.sqlite3")), None
        return
    if run.database is not None:
        yield parse_address(run.database, directory), None
        return
    server = Postgresql()
    try:
        # On the processor of what fills it: the figure is of one.
        with pinned_to(processors().load):
            server.start()
        yield Address("postgresql", server.new_database()), server
    finally:
        server.remove()


async def _measure(
    run: StoreRun, data: Path, address: Address, server: Postgresql | None
) -> dict[str, Any]:
    accounts = [
        AccountConfig(name=f"a{number}", deposits={asset: Decimal(10**9) for asset in ASSETS})
        for number in range(ACCOUNTS)
    ]
    config = Config(accounts=tuple(accounts)).with_log(directory=data)
    core = open_core(config, [config.gateway])
    driver = Driver(core, schema(), fail)
    driver.attach(asyncio.get_running_loop())
    try:
        await seed(core, driver, config)
        market = Market(core, driver, config)
        for number in range(run.orders // 2):
            market.trade()
            if number % COMMANDS_PER_TICK == 0:
                await asyncio.sleep(0)
            if number % COMMANDS_IN_FLIGHT == 0:
                await driver.durable()
        await driver.durable()
        await published(data, core.seq)
        with pinned_to(processors().load):
            filled = _fill(data, address, core.seq, server)
        async with _projector(config, address) as projector:
            steady = await _steadily(run, core, driver, market, address)
            steady["projector_rss_mb"] = peak_rss_mb(projector)
        place, content = read_content(address)
        wanted = expected_content(str(data), place.seq)
    finally:
        driver.close()
    return {
        "backend": run.backend,
        "orders": run.orders,
        **filled,
        **steady,
        "rows": content.rows,
        "rows_expected": wanted.rows,
        "content_hash": content.hexdigest(),
        "content_hash_equal": content.hexdigest() == wanted.hexdigest(),
    }


ASSETS = ("BTC", "ETH", "SOL", "USD")


def fail(reason: str) -> None:
    """End the run: the journal has failed."""
    raise CoulisseError(reason)


def nothing(seq: int, events: bytes) -> None:
    """Nobody waits for it."""


class Market:
    """Accounts that trade with each other: one rests, the next takes all of it."""

    def __init__(self, core: _core.Core, driver: Driver, config: Config) -> None:
        """Let the accounts of `config` trade."""
        self._core = core
        self._driver = driver
        self._dice = random.Random(SEED)
        self._ids = [core.account_id(account.name) or 0 for account in config.accounts]
        self._count = 0

    def trade(self) -> None:
        """Send an order that rests and one that takes it."""
        dice, self._count = self._dice, self._count + 1
        away = dice.randrange(-SPREAD_TICKS, SPREAD_TICKS)
        common: dict[str, Value] = {
            "instrument": 1 + self._count % INSTRUMENTS,
            "order_type": "limit",
            "time_in_force": "gtc",
            "post_only": False,
            "qty": dice.randrange(100, 1_000),
            "price": MIDDLE_TICKS + away,
            "notional": 0,
        }
        for side in ("buy", "sell") if dice.random() < 0.5 else ("sell", "buy"):
            fields = {**common, "side": side, "client_order_id": f"{side[0]}{self._count}"}
            kind, body = schema().encode("OrderPlace", fields)
            self._core.command(kind, body, nothing, account=dice.choice(self._ids))


async def published(data: Path, seq: int) -> None:
    """Wait until a replica may read and compare all there is."""
    replica = _core.Replica(data_dir=str(data), only_one=False)
    give_up = time.monotonic() + CAUGHT_UP_S
    while replica.seq < seq:
        replica.catch_up(100_000)
        if time.monotonic() > give_up:
            raise CoulisseError("the core published no event hash of its end")
        await asyncio.sleep(0.01)


def _fill(data: Path, address: Address, seq: int, server: Postgresql | None) -> dict[str, Any]:
    """Fill an empty store as fast as it goes."""
    replica = _core.Replica(data_dir=str(data), newest_seq=0, only_one=False)
    writer = open_writer(address, replica.genesis, may_make=True)
    if writer.checkpoint.seq != 0:
        raise CoulisseError(f"{address} is not empty")
    replica.follow(0, writer.checkpoint.chain)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    server_cpu_s = _cpu_of(server)
    rows = events = 0
    while replica.seq < seq:
        replica.catch_up(RECORDS_PER_WRITE)
        made = replica.take_rows()
        if made is not None:
            writer.write(made)
            rows, events = rows + made.count, events + made.events
    took_s = time.perf_counter() - began_s
    cpu_s = time.process_time() - cpu_s + _cpu_of(server) - server_cpu_s
    writer.close()
    return {
        "rows_per_s": round(rows / took_s),
        "events_per_s": round(events / took_s),
        "rows_per_cpu_s": round(rows / cpu_s),
        "filled_rows": rows,
        "fill_s": round(took_s, 3),
        "fill_cpu_s": round(cpu_s, 3),
    }


def _cpu_of(server: Postgresql | None) -> float:
    """Return the seconds that a server's processes have worked."""
    if server is None:
        return 0.0
    total_s = 0.0
    for pid in (server.pid, *children(server.pid)):
        with contextlib.suppress(FileNotFoundError):
            total_s += cpu_s(pid)
    return total_s


@contextlib.asynccontextmanager
async def _projector(config: Config, address: Address) -> AsyncIterator[int]:
    """Run the projector beside the core, as a node does."""
    settings = Settings(
        data_dir=str(config.log.dir),
        snapshot_interval_s=3_600.0,
        snapshots_kept=1,
    )
    database = address.target if address.backend == "postgresql" else f"sqlite:///{address.target}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coulisse.node.projector_process", settings.to_json(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, STORE_VARIABLE: database},
    )  # fmt: skip
    stand_back(process.pid, config.projector.nice)
    try:
        yield process.pid
    finally:
        assert process.stdin is not None, "it is a pipe"
        process.stdin.close()
        await process.wait()


async def _steadily(
    run: StoreRun, core: _core.Core, driver: Driver, market: Market, address: Address
) -> dict[str, Any]:
    """Trade at a steady rate; look again and again how old the first missing record is."""
    reader = PlaceReader(address)
    # What begins with a replica of the whole journal has done so once it writes.
    market.trade()
    await driver.durable()
    await _until(reader, lambda seq: seq >= core.seq)
    trades_per_turn = run.fills_rate / 2 / TURNS_PER_S
    made: list[tuple[int, float]] = []
    lags_s: list[float] = []
    oldest, owed = 0, 0.0
    began_s = time.perf_counter()
    for turn in range(run.seconds * TURNS_PER_S):
        owed += trades_per_turn
        while owed >= 1:
            market.trade()
            owed -= 1
        await asyncio.sleep(max(0.0, began_s + (turn + 1) / TURNS_PER_S - time.perf_counter()))
        made.append((core.durable_seq, time.perf_counter()))
        seq = reader.seq()
        while oldest < len(made) and made[oldest][0] <= seq:
            oldest += 1
        now_s = time.perf_counter()
        lags_s.append(now_s - made[oldest][1] if oldest < len(made) else 0.0)
    took_s = time.perf_counter() - began_s
    await driver.durable()
    await _until(reader, lambda seq: seq >= core.seq)
    reader.close()
    lags_s.sort()
    return {
        "fills_per_s": round(2 * trades_per_turn * run.seconds * TURNS_PER_S / took_s),
        "lag_ms": round(1_000 * lags_s[len(lags_s) * 99 // 100]),
        "lag_p50_ms": round(1_000 * lags_s[len(lags_s) // 2]),
        "lag_max_ms": round(1_000 * lags_s[-1]),
    }


async def _until(reader: PlaceReader, holds: Callable[[int], bool]) -> None:
    give_up = time.monotonic() + CAUGHT_UP_S
    while not holds(reader.seq()):
        if time.monotonic() > give_up:
            raise CoulisseError("the projector did not catch up")
        await asyncio.sleep(0.02)
