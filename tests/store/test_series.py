"""Time series in SQLite and in QuestDB: every row once, candles paged, old rows gone."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from coulisse import _core
from coulisse.bench.questdb_server import Questdb
from coulisse.domain.market import CandleCells
from coulisse.gateway.candles import KEPT_MAX, Asked, SeriesBehind, page_of
from coulisse.node.series_check import reference_at
from coulisse.node.series_reader import StoredSeries
from coulisse.projections.content import ContentHash
from coulisse.store.errors import StoreDown, StoreMoved, StoreRefused
from coulisse.store.sql.writer import Checkpoint
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address
from coulisse.store.timeseries.contents import all_rows
from coulisse.store.timeseries.writer import Policy, SeriesWriter, open_series, wipe_series
from tests.model.codec import Header, Message, encode_record
from tests.session.twin import GENESIS, MARKET
from tests.store.journals import a_life, genesis_of, more

PATIENCE_S = 30.0
DAY_US = 86_400_000_000


def following(disk: _core.SimDisk, writer: SeriesWriter) -> _core.Replica:
    """A replica that makes rows of what the writer's database lacks."""
    place = writer.checkpoint
    replica = _core.Replica(disk=disk, newest_seq=place.seq, only_one=False)
    replica.follow(place.seq, place.chain, series=True)
    return replica


def fill(disk: _core.SimDisk, writer: SeriesWriter, address: SeriesAddress) -> None:
    replica = following(disk, writer)
    while replica.catch_up(400):
        rows = replica.take_rows()
        if rows is not None:
            writer.write(rows)
    settle(writer, address)


def settle(writer: SeriesWriter, address: SeriesAddress) -> None:
    """Wait until the checkpoint has come after, and can be read."""
    give_up_s = time.monotonic() + PATIENCE_S
    while writer.checkpoint.seq < writer.written_seq or place_of(address) != writer.checkpoint:
        writer.look()
        assert time.monotonic() < give_up_s


def place_of(address: SeriesAddress) -> Checkpoint:
    with all_rows(address) as (place, _):
        return place


def require_right(address: SeriesAddress, disk: _core.SimDisk) -> int:
    """What is stored is what the plain fold makes; return how many rows that is."""
    stored, wanted = ContentHash(), ContentHash()
    with all_rows(address) as (place, rows):
        for name, row in rows:
            stored.add(name, row)
    replica = _core.Replica(disk=disk, newest_seq=0, only_one=False)
    for name, row in reference_at(replica, place.seq).rows():
        wanted.add(name, row)
    assert (stored.rows, stored.hexdigest()) == (wanted.rows, wanted.hexdigest())
    return stored.rows


async def test_rows_are_written_once_whenever_the_writer_dies(
    series_address: SeriesAddress,
) -> None:
    seed = random.randrange(10**6)
    disk, life = await a_life(seed, 600)
    dice, genesis = random.Random(seed), genesis_of(disk)
    for round_ in range(5):
        writer = open_series(series_address, genesis, Policy())
        replica = following(disk, writer)
        # It dies somewhere on the way; of what was written, some may be behind the checkpoint.
        for _ in range(dice.randrange(1, 5)):
            replica.catch_up(dice.randrange(50, 400))
            rows = replica.take_rows()
            if rows is not None:
                writer.write(rows)
        writer.close()
        await more(life, seed + round_ + 1, 100)
    writer = open_series(series_address, genesis, Policy())
    fill(disk, writer, series_address)
    writer.close()
    assert require_right(series_address, disk) > 500, f"seed {seed}"


async def test_a_writer_notices_that_all_was_emptied_and_fills_it_again(
    series_address: SeriesAddress,
) -> None:
    disk, _ = await a_life(5, 200)
    writer = open_series(series_address, genesis_of(disk), Policy())
    fill(disk, writer, series_address)
    wipe_series(series_address)
    give_up_s = time.monotonic() + PATIENCE_S
    with pytest.raises(StoreMoved):
        while time.monotonic() < give_up_s:
            writer.look()
    writer.close()
    writer = open_series(series_address, genesis_of(disk), Policy())
    assert writer.checkpoint.seq == 0
    fill(disk, writer, series_address)
    writer.close()
    require_right(series_address, disk)


async def test_series_of_another_journal_are_not_written_to(series_address: SeriesAddress) -> None:
    disk, _ = await a_life(6, 50)
    writer = open_series(series_address, genesis_of(disk), Policy())
    fill(disk, writer, series_address)
    writer.close()
    with pytest.raises(StoreRefused, match="STORE_OTHER_LOG"):
        open_series(series_address, b"another journal!", Policy())


def test_a_table_that_questdb_has_made_by_itself_is_refused(questdb: Questdb) -> None:
    address = parse_series_address(questdb.url, Path())
    wipe_series(address)
    with closing(questdb.connect()) as connection:
        connection.execute("DROP TABLE marks")
        connection.execute("CREATE TABLE marks (ts TIMESTAMP, price LONG) TIMESTAMP(ts)")
        with pytest.raises(StoreRefused, match="STORE_SCHEMA: table marks"):
            open_series(address, bytes(16), Policy())
        connection.execute("DROP TABLE marks")


async def test_a_killed_questdb_loses_and_doubles_nothing(questdb: Questdb) -> None:
    address = parse_series_address(questdb.url, Path())
    wipe_series(address)
    disk, life = await a_life(7, 1_000)
    genesis = genesis_of(disk)
    for round_ in range(2):
        writer = open_series(address, genesis, Policy())
        replica = following(disk, writer)
        with pytest.raises(StoreDown):
            for number in range(1_000):
                replica.catch_up(200)
                rows = replica.take_rows()
                if rows is not None:
                    writer.write(rows)
                if number == 2 + round_:
                    questdb.kill()
                if rows is None:
                    writer.look()
        writer.close()
        await more(life, round_ + 20, 500)
        questdb.start()
    writer = open_series(address, genesis, Policy())
    fill(disk, writer, address)
    writer.close()
    assert require_right(address, disk) > 1_000


def days_of_trades(days: int, per_day: int, qty: int = 5, price: int = 100) -> Iterable[_core.Rows]:
    """Rows of a market that trades the same number of times each day."""
    fold, seq = _core.SeriesFold(), 0

    def take(time_ns: int, message: Message, account: int = 0) -> None:
        nonlocal seq
        seq += 1
        fold.take(encode_record(Header(seq=seq, time_ns=time_ns, account=account), message))

    for message in (GENESIS, *MARKET):
        take(1, message)
    for account in (1, 2):
        for asset in (1, 2):
            take(1, Message("Deposit", asset=asset, amount=10**28), account)
    for day in range(days):
        for number in range(per_day):
            time_ns = (day * DAY_US + number * DAY_US // per_day) * 1_000 + 2
            for account, side in ((1, "sell"), (2, "buy")):
                order = Message(
                    "OrderPlace", instrument=1, side=side, order_type="limit",
                    time_in_force="gtc", post_only=False, qty=qty, price=price + number % 7,
                    notional=0, client_order_id="",
                )  # fmt: skip
                take(time_ns, order, account)
        yield fold.take_rows()


def test_what_is_older_than_is_kept_goes_and_longer_candles_stay(
    series_address: SeriesAddress,
) -> None:
    writer = open_series(series_address, bytes(16), Policy({"trades": 3, "candles_1s": 2}))
    for rows in days_of_trades(10, 40):
        writer.write(rows)
        if series_address.backend == "questdb":
            settle(writer, series_address)
    while writer.prune():
        pass
    writer.close()
    counts: dict[str, set[int]] = {}
    with all_rows(series_address) as (_, found):
        for name, row in found:
            counts.setdefault(name, set()).add(int(str(row[1])) // DAY_US)
    # QuestDB drops whole days; SQLite rows.
    assert min(counts["trades"]) in (6, 7) and max(counts["trades"]) == 9
    assert min(counts["candles_1s"]) in (7, 8)
    assert counts["candles_1m"] == counts["quotes"] == set(range(10))


async def test_candles_by_pages_are_those_of_all_trades(series_address: SeriesAddress) -> None:
    writer = open_series(series_address, bytes(16), Policy())
    # More seconds a day than a node keeps candles.
    for rows in days_of_trades(4, 200):
        writer.write(rows)
    settle(writer, series_address)
    writer.close()
    with all_rows(series_address) as (_, found):
        trades = sorted(
            tuple(int(str(cell)) for cell in (row[1], row[4], row[5], row[2]))
            for name, row in found
            if name == "trades"
        )
    fold = _core.Candles("1h")
    wanted = fold.add([(at, price, qty, seq) for at, price, qty, seq in trades])
    wanted.append(fold.last() or wanted[-1])
    assert len(trades) == 800 and len(wanted) == 96
    stored = StoredSeries(series_address)
    pages: list[CandleCells] = []
    before_us: int | None = None
    while True:
        asked = Asked("BTC-USD", "1h", 25, before_us)
        page, before_us = await page_of(asked, wanted[-KEPT_MAX:], stored)
        pages = [*page, *pages]
        if before_us is None:
            break
    assert pages == wanted
    assert await stored.candles("ETH-USD", "1h", 4 * DAY_US, 25) == (writer.written_seq, [])
    wipe_series(series_address)
    give_up_s = time.monotonic() + PATIENCE_S
    # What was emptied is behind, or has nothing at all.
    with pytest.raises(SeriesBehind):
        while time.monotonic() < give_up_s:
            await page_of(Asked("BTC-USD", "1h", 100), wanted[-KEPT_MAX:], stored)
    stored.close()


async def test_sums_of_more_than_64_bits_are_read_exactly(series_address: SeriesAddress) -> None:
    writer = open_series(series_address, bytes(16), Policy())
    for rows in days_of_trades(1, 3, qty=10**12, price=10**13):
        writer.write(rows)
    settle(writer, series_address)
    writer.close()
    stored = StoredSeries(series_address)
    _, found = await stored.candles("BTC-USD", "1d", DAY_US, 5)
    stored.close()
    ((start_us, _, *prices, qty, notional, trades),) = found
    assert (start_us, qty, trades) == (0, 3 * 10**12, 3)
    assert prices == [10**13, 10**13 + 2, 10**13, 10**13 + 2]
    assert notional == 10**12 * (3 * 10**13 + 3) > 2**63


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: object) -> None:
    file = f"{tmp_path}/series.sqlite3"
    with open(file, "w") as out:
        out.write("nothing of the kind" * 100)
    with pytest.raises(StoreDown, match="not a database"):
        open_series(SeriesAddress("sqlite", file), bytes(16), Policy())
    with closing(sqlite3.connect(f"{tmp_path}/other.sqlite3")) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreRefused, match="form 99"):
        open_series(SeriesAddress("sqlite", f"{tmp_path}/other.sqlite3"), bytes(16), Policy())
