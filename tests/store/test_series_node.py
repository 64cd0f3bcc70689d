"""A node with its time series beside it: filled, away, killed; trading goes on."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from coulisse import Client
from coulisse.bench.pinning import children
from coulisse.bench.questdb_server import Questdb
from coulisse.node.series_check import verify
from coulisse.store.timeseries.address import (
    DEFAULT_USER,
    SeriesAddress,
    parse_series_address,
)
from coulisse.store.timeseries.contents import all_rows
from coulisse.store.timeseries.writer import wipe_series

from ..integration.conftest import Server, Start
from .test_projector_store import PROMPT, SERVE, command_of, metrics, trade, until

SERIES = "COULISSE_SERIES__DATABASE"


def is_filled(said: Mapping[str, Any]) -> bool:
    # A worker says nothing of them before the core has told it.
    series = said.get("series", {"state": "unknown"})
    return series["state"] == "writing" and series["behind"] == 0 and not said["degraded"]


def candles(server: Server, **asked: object) -> dict[str, Any]:
    answer = httpx.get(f"{server.http}/v1/candles/BTC-USD", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def refused_field(server: Server, **asked: object) -> object:
    answer = httpx.get(f"{server.http}/v1/candles/BTC-USD", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]["field"]


def all_candles(server: Server, interval: str, limit: int) -> list[dict[str, Any]]:
    """Every candle, by cursor."""
    said = candles(server, interval=interval, limit=limit)
    found = said["candles"]
    while "next_cursor" in said:
        said = candles(server, interval=interval, limit=limit, cursor=said["next_cursor"])
        assert len(said["candles"]) <= limit
        found = [*said["candles"], *found]
    return list(found)


def place_of(address: SeriesAddress) -> int:
    with all_rows(address) as (place, _):
        return place.seq


def require_right(server: Server, address: SeriesAddress) -> int:
    """What is stored is what the log makes; return how many rows that is."""
    said = until(server, lambda said: is_filled(said) and place_of(address) == said["durable_seq"])
    report = verify(address, str(server.data_dir))
    assert report.differences == 0, report.told
    assert report.seq == said["durable_seq"]
    return report.rows


async def test_candles_that_a_node_no_longer_keeps_come_from_the_file(start: Start) -> None:
    server = start(*SERVE, "--workers", "1", **PROMPT, **{SERIES: "sqlite"})
    address = SeriesAddress("sqlite", str(server.data_dir / "series.sqlite3"))
    await trade(server, 10)
    assert require_right(server, address) > 20
    # A minute and more of seconds, as if they had been traded: the node's own are the newest 60.
    assert all_candles(server, "1s", 1) == candles(server, interval="1s", limit=1_000)["candles"]
    flat = candles(server, interval="1s", limit=1_000, gaps="flat")["candles"]
    await require_the_sdk_and_the_command_show(server, flat)
    starts = [one["start"] for one in flat]
    assert starts == list(range(starts[0], starts[-1] + 1, 1_000_000))
    assert refused_field(server, gaps="some") == "gaps"
    assert refused_field(server, limit=1_001) == "limit"
    assert refused_field(server, cursor=-1) == "cursor"
    (process,) = [pid for pid in children(server.pid) if "series_process" in command_of(pid)]
    os.kill(process, signal.SIGKILL)
    await trade(server, 10, first=10)
    until(server, lambda _: "coulisse_series_restarts_total 1" in metrics(server))
    require_right(server, address)
    assert server.stop() == 0
    # What is none of this log is made anew.
    wipe_series(address)
    server = start(*SERVE, **PROMPT, **{SERIES: "sqlite"})
    require_right(server, address)


async def require_the_sdk_and_the_command_show(server: Server, flat: list[dict[str, Any]]) -> None:
    async with await Client.connect(server.http) as client:
        pages = client.candle_history("BTC-USD", "1s", gaps="flat")
        assert [one.start_us async for one in pages] == [one["start"] for one in reversed(flat)]
        before = client.candle_history("BTC-USD", "1s", before_us=flat[-1]["start"], most=1)
        assert [one.start_us < flat[-1]["start"] async for one in before] in ([True], [])
    asked = ("candles", "BTC-USD", "-i", "1s", "--flat", "--limit", "1000", "--json")
    shown = [json.loads(line)["start"] for line in server.cli(*asked).stdout.splitlines()]
    assert shown == [one["start"] for one in flat]


async def test_questdb_may_go_and_come_and_every_row_is_there_once(
    start: Start, questdb: Questdb
) -> None:
    seed = int(os.environ.get("COULISSE_SEED", random.randrange(10**6)))
    dice, placed = random.Random(seed), 0
    address = parse_series_address(questdb.url, Path())
    wipe_series(address)
    questdb.kill()
    server = start(*SERVE, **PROMPT, **{SERIES: questdb.url})
    said = until(server, lambda said: said["series"]["state"] == "down")
    assert said["degraded"] and said["ready"] and DEFAULT_USER[1] not in str(said)
    for round_ in range(4):
        count = dice.randrange(4, 20)
        await trade(server, count, first=placed)
        placed += count
        match round_:
            case 0:
                until(server, lambda said: said["series"]["behind"] >= 4)
                questdb.start()
            case 1:
                require_right(server, address)
                questdb.kill()
            case 2:
                until(server, lambda said: said["series"]["state"] == "down")
                questdb.start()
            case _:
                server.stop(signal.SIGKILL)
                server = start(*SERVE, **PROMPT, **{SERIES: questdb.url})
    assert require_right(server, address) > placed, f"seed {seed}"
    with closing(questdb.connect()) as connection:
        (row,) = connection.execute("SELECT count(), count_distinct(trade_id) FROM trades")
    assert row[0] == row[1] == placed // 2
    assert server.stop() == 0
