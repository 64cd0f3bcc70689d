"""The protocol of part 2 over a real node: what it answers whatever its engine can do."""

from __future__ import annotations

import json

import pytest

from coulisse import Client, OrderResult
from coulisse.domain.outcomes import CancelAllResult, Rejected

from .conftest import Server

pytestmark = pytest.mark.timeout(120)


async def connected(demo: Server) -> Client:
    return await Client.connect(demo.http, credentials=demo.credentials)


async def test_a_status_begins_with_what_the_instrument_takes(demo: Server) -> None:
    async with await connected(demo) as client:
        feed = await client.status("BTC-USD")
        status = await anext(feed)
        assert (status.symbol, status.event, status.state) == ("BTC-USD", "image", "open")
        assert status.risk_state == "active"


async def test_risk_and_positions_can_be_followed(demo: Server) -> None:
    async with await connected(demo) as client:
        for feed in (await client.risk(), await client.positions()):
            assert feed.last_seq is not None
        assert isinstance(await client.open_positions(), list)


async def test_terms_that_contradict_each_other_are_refused_by_field(demo: Server) -> None:
    async with await connected(demo) as client:
        outcome = await client.place("BTC-USD", "buy", "0.01", type="stop", trail="5")
        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.field) == ("MISSING_FIELD", "trigger_price")
        outcome = await client.place(
            "BTC-USD", "buy", "0.01", type="trailing_stop", trail="5", trail_bp=5
        )
        assert isinstance(outcome, Rejected) and outcome.field == "trail_bp"


async def test_a_mass_cancel_takes_a_side(demo: Server) -> None:
    async with await connected(demo) as client:
        placed = await client.place("SOL-USD", "buy", "1", price="1")
        assert isinstance(placed, OrderResult) and placed.state == "open"
        outcome = await client.cancel_all("SOL-USD", side="buy")
        assert isinstance(outcome, CancelAllResult) and outcome.count >= 1


def test_the_commands_of_part_2_say_what_is_wrong_in_one_line(demo: Server) -> None:
    for arguments, said in (
        (("order", "sell", "1", "BTC-USD", "--peg", "top"), "--peg is bid, ask or mid"),
        (("order", "sell", "1", "BTC-USD", "--trail", "xbp"), "basis points"),
        (("admin", "kill-switch", "desk"), "say firm, group:NAME"),
        (("admin", "halt", "BTC-USD", "--auction", "--cancel-only"), "not both"),
    ):
        ended = demo.cli(*arguments)
        assert ended.returncode == 1, arguments
        assert said in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    ended = demo.cli("positions", "--json")
    assert ended.returncode == 0, ended.stderr
    assert all("symbol" in json.loads(line) for line in ended.stdout.splitlines())
