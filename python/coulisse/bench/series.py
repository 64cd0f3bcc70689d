"""`coulisse bench series`: how fast time series are filled, and candles read.

A journal of orders that trade fills an empty database as fast as it goes, on one processor. Then a
month of 1-minute candles of one symbol is put beside, and read as REST reads it. In QuestDB ten
million trades are folded into 1-minute candles by the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from coulisse import _core
from coulisse.bench.pinning import pinned_to, processors
from coulisse.bench.questdb_server import Questdb
from coulisse.bench.scratch import run_directory
from coulisse.bench.store import ASSETS, Market, fail, published
from coulisse.config import AccountConfig, Config
from coulisse.domain.errors import CoulisseError
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.log.file import open_core
from coulisse.node.seed import seed
from coulisse.node.series_check import verify
from coulisse.node.series_process import RECORDS_PER_WRITE
from coulisse.store.sql.writer import Checkpoint
from coulisse.store.timeseries.address import SeriesAddress, SeriesBackend, parse_series_address
from coulisse.store.timeseries.contents import all_rows
from coulisse.store.timeseries.reader import open_series_reader
from coulisse.store.timeseries.writer import Policy, SeriesWriter, open_series

ACCOUNTS: Final = 50
COMMANDS_PER_TICK: Final = 4_000
MONTH_MINUTES: Final = 30 * 24 * 60
MINUTE_US: Final = 60_000_000
MONTH_BEGIN_US: Final = 1_700_000_040_000_000
READS: Final = 9
FOLDED: Final = (
    "SELECT ts, first(price), max(price), min(price), last(price), sum(qty), count() "
    "FROM bench_trades WHERE symbol = 'BTC-USD' SAMPLE BY 1m"
)
MAKE_TRADES: Final = (
    "CREATE TABLE bench_trades AS (SELECT timestamp_sequence(1700000040000000, 260000L) ts, "
    "CAST('BTC-USD' AS SYMBOL) symbol, x seq, rnd_long(5900000, 6100000, 0) price, "
    "rnd_long(1, 100000, 0) qty FROM long_sequence({0})) TIMESTAMP(ts) PARTITION BY DAY"
)
PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class SeriesRun:
    """What to measure."""

    backend: SeriesBackend = "sqlite"
    orders: int = 100_000
    """Orders of the journal; half of them take the other half."""
    trades: int = 10_000_000
    """Trades that QuestDB folds."""
    data_dir: Path | None = None
    """Where journal and SQLite file go; a new directory in it is used and removed."""


def measure(run: SeriesRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    with run_directory(run.data_dir) as directory, _server(run) as server:
        if server is None:
            address = SeriesAddress("sqlite", str(directory / "series.sqlite3"))
        else:
            address = parse_series_address(server.url, directory)
        figures = asyncio.run(_filled(run, directory / "data", address))
        figures |= _month(address)
        return figures if server is None else figures | _folded(run, server)


@contextlib.contextmanager
def _server(run: SeriesRun) -> Iterator[Questdb | None]:
    if run.backend == "sqlite":
        yield None
        return
    server = Questdb()
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def _filled(run: SeriesRun, data: Path, address: SeriesAddress) -> dict[str, Any]:
    deposits = {asset: Decimal(10**9) for asset in ASSETS}
    accounts = [AccountConfig(name=f"a{one}", deposits=deposits) for one in range(ACCOUNTS)]
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
                await driver.durable()
        await driver.durable()
        await published(data, core.seq)
        last_seq = core.seq
        with pinned_to(processors().load):
            figures = _fill(data, address, last_seq)
        report = verify(address, str(data))
    finally:
        driver.close()
    equal = report.differences == 0 and report.seq == last_seq
    return {"backend": run.backend, "orders": run.orders, **figures, "rows_equal": equal}


def _fill(data: Path, address: SeriesAddress, seq: int) -> dict[str, Any]:
    replica = _core.Replica(data_dir=str(data), newest_seq=0, only_one=False)
    writer = open_series(address, replica.genesis, Policy())
    replica.follow(0, writer.checkpoint.chain, series=True)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    rows = events = 0
    while replica.seq < seq:
        replica.catch_up(RECORDS_PER_WRITE)
        made = replica.take_rows()
        if made is not None:
            writer.write(made)
            rows, events = rows + made.count, events + made.events
    _settle(writer, address)
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    writer.close()
    return {
        "rows_per_s": round(rows / took_s),
        "events_per_s": round(events / took_s),
        "rows_per_cpu_s": round(rows / cpu_s),
        "rows": rows,
    }


def _settle(writer: SeriesWriter, address: SeriesAddress) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while writer.checkpoint.seq < writer.written_seq or _place(address) != writer.checkpoint:
        writer.look()
        if time.monotonic() > give_up_s:
            raise CoulisseError("what was written does not come to be read")


def _place(address: SeriesAddress) -> Checkpoint:
    with all_rows(address) as (place, _):
        return place


def _month(address: SeriesAddress) -> dict[str, Any]:
    """Read a month of 1-minute candles of one symbol, as REST reads them."""
    cells = (6_000_000, 6_000_400, 5_999_000, 6_000_100, "123456", "740736000000", 57)
    rows = (
        ("MONTH-USD", MONTH_BEGIN_US + number * MINUTE_US, number, *cells)
        for number in range(MONTH_MINUTES)
    )
    if address.backend == "sqlite":
        import sqlite3

        with contextlib.closing(sqlite3.connect(address.file)) as connection, connection:
            marks = ", ".join("?" * 10)
            connection.executemany(f"INSERT INTO candles_1m VALUES ({marks})", rows)
    else:
        from coulisse.store.timeseries.questdb_sql import connect

        with contextlib.closing(connect(address)) as connection_:
            connection_.execute(
                "INSERT INTO candles_1m SELECT CAST('MONTH-USD' AS SYMBOL), "
                f"timestamp_sequence({MONTH_BEGIN_US}, {MINUTE_US}L), x, 6000000, 6000400, "
                "5999000, 6000100, CAST(123456 AS DECIMAL(39,0)), "
                f"CAST(740736000000 AS DECIMAL(39,0)), 57 FROM long_sequence({MONTH_MINUTES})"
            )
    reader = open_series_reader(address)
    end_us = MONTH_BEGIN_US + MONTH_MINUTES * MINUTE_US
    give_up_s = time.monotonic() + PATIENCE_S
    while len(reader.candles("MONTH-USD", "1m", end_us, MONTH_MINUTES)[1]) < MONTH_MINUTES:
        if time.monotonic() > give_up_s:
            raise CoulisseError("a month of candles does not come to be read")
    whole = _median_ms(lambda: reader.candles("MONTH-USD", "1m", end_us, MONTH_MINUTES))
    page = _median_ms(lambda: reader.candles("MONTH-USD", "1m", end_us - MINUTE_US, 1_000))
    reader.close()
    return {"month_1m": whole, "page_1000": page, "month_candles": MONTH_MINUTES}


def _folded(run: SeriesRun, server: Questdb) -> dict[str, Any]:
    with contextlib.closing(server.connect()) as connection:
        connection.execute(MAKE_TRADES.format(run.trades).encode())
        give_up_s = time.monotonic() + PATIENCE_S
        count: object = 0
        while count != run.trades and time.monotonic() < give_up_s:
            (count,) = connection.execute("SELECT count() FROM bench_trades").fetchone() or (0,)
        candles = connection.execute(FOLDED).fetchall()
        took = _median_ms(lambda: connection.execute(FOLDED).fetchall())
    return {"fold_trades": count, "fold_candles": len(candles), "fold": took}


def _median_ms(read: Callable[[], object]) -> dict[str, float]:
    """Return the medians of some readings: how long it took, and this process's own work."""
    took: list[float] = []
    worked: list[float] = []
    for _ in range(READS):
        began_s, cpu_s = time.perf_counter(), time.process_time()
        read()
        took.append(time.perf_counter() - began_s)
        worked.append(time.process_time() - cpu_s)
    middle = READS // 2
    return {
        "ms": round(1_000 * sorted(took)[middle], 2),
        "cpu_ms": round(1_000 * sorted(worked)[middle], 2),
    }
