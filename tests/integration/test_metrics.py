"""What a node says at /metrics is what clients were told, and nothing without a meaning."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from coulisse import Client
from coulisse.client.credentials import load_credentials
from coulisse.client.session import Session
from coulisse.telemetry.catalogue import GROUPS

from .conftest import Server, environment, launch

PARTS = ("core", "projector", "store", "series")
"""What the node of these tests has."""
ORDERS = 40
CONFIG = '[[risk.limits]]\nkind = "open_orders"\nlimit = "1000"\n'

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("metrics")
    (home / "coulisse.toml").write_text(CONFIG)
    environ = environment(
        home, COULISSE_SERIES__DATABASE="sqlite", COULISSE_PROJECTOR__NICE="0",
        COULISSE_PROJECTOR__SNAPSHOT_INTERVAL_S="1",
    )  # fmt: skip
    serve = ["serve", "--port", "0", "--data-dir", "data", "--config", "coulisse.toml"]
    one = launch(serve, environ, home)
    yield one
    one.process.kill()
    one.stop()


class Heard(Session):
    """A session that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(lambda message: None)
        self.told: list[dict[str, Any]] = []

    def _on_text(self, text: bytes) -> None:
        self.told.append(json.loads(text))
        super()._on_text(text)


Families = Mapping[str, Metric]


async def families(server: Server) -> Families:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{server.http}/metrics")).raise_for_status().text
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(found: Families, sample: str, **labels: str) -> float:
    """The sum of the samples of a name that have these labels."""
    samples = [one for family in found.values() for one in family.samples if one.name == sample]
    assert samples, f"there is no {sample}"
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


async def until(server: Server, holds: Callable[[Families], bool]) -> Families:
    async with asyncio.timeout(60):
        # It says so only to whoever asks.
        while not holds(found := await families(server)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def trade(server: Server) -> list[dict[str, Any]]:
    """Orders that rest, trade and are refused, by the core and before it; return the replies."""
    assert server.credentials is not None
    session = Heard()
    await session.open(load_credentials(server.credentials))
    logged_on = len(session.told)
    order: dict[str, object] = {"symbol": "BTC-USD", "qty": "0.01", "price": "20000.00"}
    asked = [
        *({**order, "side": ("sell", "buy", "buy")[number % 3]} for number in range(ORDERS)),
        {**order, "side": "buy", "price": "20000.001"},
        {**order, "side": "buy", "qty": "100000"},
        {**order, "side": "buy", "qty": "100000"},
    ]
    await asyncio.gather(*(session.request("order.place", one) for one in asked))
    told = session.told[logged_on:]
    session.close()
    assert len(told) == len(asked)
    return told


async def test_latencies_and_refusals_are_those_that_replies_tell(server: Server) -> None:
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        await client.deposit("operator", "USD", "1000000")
        await client.deposit("operator", "BTC", "10")
        before = await families(server)
        replies = await trade(server)
        after = await families(server)
        open_orders = len(await client.open_orders())

    def more(sample: str, **labels: str) -> float:
        return value(after, sample, **labels) - value(before, sample, **labels)

    said = [reply.get("result") or reply["error"] for reply in replies]
    logged = [one for one in said if "t_log" in one]
    assert len(logged) == ORDERS + 2
    assert more("coulisse_gateway_reply_seconds_count") == len(logged)
    took_us = sum(one["t_out"] - one["t_in"] for one in logged)
    assert more("coulisse_gateway_reply_seconds_sum") == pytest.approx(took_us / 1e6)
    assert more("coulisse_gateway_queue_seconds_count") == len(logged)
    waited_us = sum(one["t_log"] - one["t_in"] for one in logged)
    assert more("coulisse_gateway_queue_seconds_sum") == pytest.approx(waited_us / 1e6)
    codes = Counter(one["code"] for one in said if "code" in one)
    assert codes == {"OFF_TICK": 1, "INSUFFICIENT_BALANCE": 2}
    for code, count in codes.items():
        assert more("coulisse_gateway_rejects_total", code=code) == count
    assert more("coulisse_gateway_rejects_total") == sum(codes.values())
    # Nothing else was written meanwhile but ticks.
    records = more("coulisse_log_seq")
    assert records >= len(logged)
    for stage in ("log_durable", "engine_apply", "gateway_release"):
        assert more(f"coulisse_{stage}_seconds_count") == records, stage
    assert more("coulisse_journal_sync_seconds_count") == more("coulisse_journal_groups_total") > 0
    used = value(after, "coulisse_risk_limit_used", scope="firm", kind="open_orders")
    assert used == open_orders > 0
    assert value(after, "coulisse_risk_limit_max", scope="firm", kind="open_orders") == 1_000


async def test_every_metric_is_listed_and_every_one_that_is_listed_is_there(
    server: Server,
) -> None:
    found = await until(
        server,
        lambda found: (
            {"coulisse_store_up", "coulisse_series_up"} <= found.keys()
            and all(value(found, f"coulisse_{part}_up") == 1 for part in PARTS[1:])
            and {"core", "projector", "series"}
            == {one.labels["process"] for one in found["coulisse_process_memory_bytes"].samples}
        ),
    )
    listed = {
        entry.shown.removesuffix("_total"): (entry.kind, entry.doc, set(entry.labels))
        for group in GROUPS if group.part in PARTS for entry in group.entries
    }  # fmt: skip
    shown = {
        name: (
            family.type, family.documentation,
            set().union(*(one.labels for one in family.samples)) - {"le"},
        )
        for name, family in found.items()
    }  # fmt: skip
    assert shown == listed
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{server.http}/metrics")).status_code == 200


async def test_sessions_and_lags_are_seen_within_seconds(server: Server) -> None:
    async with await Client.connect(server.http, credentials=server.credentials):
        await until(server, lambda found: value(found, "coulisse_gateway_sessions") >= 1)
    found = await until(
        server,
        lambda found: (
            value(found, "coulisse_gateway_sessions") == 0
            and all(value(found, f"coulisse_{part}_lag_records") == 0 for part in PARTS[1:])
        ),
    )
    assert (
        value(found, "coulisse_log_lag_records") == value(found, "coulisse_log_wait_seconds") == 0
    )
    assert value(found, "coulisse_node_ready") == 1
    assert value(found, "coulisse_node_degraded") == 0
    assert value(found, "coulisse_risk_profit_accounts") >= 1
