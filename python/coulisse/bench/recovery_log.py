"""The log and the node that `coulisse bench recovery` lets things happen to."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse.bench.mortal_node import MortalNode
from coulisse.bench.store import Market, fail, nothing, published
from coulisse.client.keys import new_private_key, public_key
from coulisse.config import load_config
from coulisse.domain.schema import Value, schema
from coulisse.engine.driver import Driver
from coulisse.log.archive import put_away
from coulisse.log.file import open_core
from coulisse.log.files import segment_file, segments, snapshots
from coulisse.node.seed import seed

ACCOUNTS: Final = 50
ORDERS_PER_TURN: Final = 2_000
IN_FLIGHT: Final = 20_000
RESTING_PRICE: Final = 5_000_000
"""Ticks; trades are around 6,000,000."""
SECTOR_BYTES: Final = 512
"""A group of the log begins at a multiple of it."""
MASTER_KEY: Final = "COULISSE_SECRETS__MASTER_KEY"


@dataclass(frozen=True, slots=True)
class RecoveryRun:
    """What to measure."""

    orders: int = 200_000
    """Orders of the log; half of them take the other half."""
    resting: int = 20_000
    """Orders that rest."""
    data_dir: Path | None = None
    """Where all of it goes; a new directory in it is used and removed."""


def a_node(directory: Path) -> MortalNode:
    """Write the settings of a node in a directory, with an operator's key; return it."""
    private = new_private_key()
    accounts = ""
    for number in range(ACCOUNTS):
        accounts += f'[[accounts]]\nname = "a{number}"\n'
        accounts += 'deposits = { USD = "1000000000", BTC = "1000000", ETH = "1000000", '
        accounts += 'SOL = "1000000" }\n'
    may = 'permissions = ["read", "trade", "admin"]'
    accounts += f'keys = [{{ key_id = "k", public_key = "{public_key(private).hex()}", {may} }}]\n'
    settings = "[gateway]\naccount_rate = 0\nkey_rate = 0\naddress_rate = 0\n"
    settings += "[projector]\nsnapshot_interval_s = 1\n[store]\nverify_interval_s = 0\n"
    (directory / "coulisse.toml").write_text(settings + accounts, encoding="utf-8")
    key_file = directory / "key.toml"
    key_file.touch(mode=0o600)
    # `url` of the file is what COULISSE_URL says instead.
    key_file.write_text(f'url = "http://127.0.0.1:1"\nkey_id = "k"\nprivate_key = "{private}"\n')
    environment = {MASTER_KEY: "5a" * 32}
    return MortalNode(directory, directory / "data", environment, "k", private)


async def make_log(run: RecoveryRun, node: MortalNode) -> int:
    """Write the log of orders that trade, and some that rest; return its last seq."""
    config = load_config(node.config).with_log(directory=node.data)
    core = open_core(config, [config.gateway])
    driver = Driver(core, schema(), fail)
    driver.attach(asyncio.get_running_loop())
    try:
        await seed(core, driver, config)
        market = Market(core, driver, config)
        accounts = [core.account_id(account.name) or 0 for account in config.accounts]
        for number in range(run.orders // 2 + run.resting):
            if number < run.orders // 2:
                market.trade()
            else:
                fields = _resting(number)
                kind, body = schema().encode("OrderPlace", fields)
                core.command(kind, body, nothing, account=accounts[number % (ACCOUNTS - 1)])
            if number % ORDERS_PER_TURN == 0:
                await asyncio.sleep(0)
            if number % IN_FLIGHT == 0:
                await driver.durable()
        await driver.durable()
        await published(node.data, core.seq)
        return core.seq
    finally:
        driver.close()


def _resting(number: int) -> dict[str, Value]:
    return {
        "instrument": 1, "side": "buy", "order_type": "limit", "time_in_force": "gtc",
        "post_only": False, "qty": 100, "price": RESTING_PRICE - number % 1_000, "notional": 0,
        "client_order_id": f"r{number}",
    }  # fmt: skip


def log_bytes(data: Path) -> int:
    """Return what the log takes, without what its last segment has to spare."""
    *full, last = _segments(data)
    return sum(segment.stat().st_size for segment in full) + used_bytes(last)


def used_bytes(segment: Path) -> int:
    """Return where the last group of a segment ends."""
    return -(-len(segment.read_bytes().rstrip(b"\0")) // SECTOR_BYTES) * SECTOR_BYTES


def sizes(node: MortalNode) -> dict[str, int | float]:
    """Return what stands on the disk."""
    data, copy = node.data, node.directory / "copy"
    copy.mkdir()
    for segment in _segments(data):
        shutil.copy2(segment, copy)
    full = sum(segment.stat().st_size for segment in _segments(copy)[:-1])
    archive = node.directory / "archive"
    put_away(copy, archive, 2**62)
    packed = bytes_of(archive)
    shutil.rmtree(copy)
    shutil.rmtree(archive)
    return {
        "log_bytes": log_bytes(data),
        "archived_share": round(packed / full, 3) if full else 1.0,
        "snapshot_bytes": [*snapshots(data).values()][-1].stat().st_size,
        "store_bytes": sum(file.stat().st_size for file in data.glob("store.sqlite3*")),
        "series_bytes": sum(file.stat().st_size for file in data.glob("series.sqlite3*")),
    }


def _segments(directory: Path) -> list[Path]:
    return [directory / segment_file(first_seq) for first_seq in segments(directory)]


def bytes_of(directory: Path) -> int:
    """Return the size of all files of a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
