"""History asked of real nodes, whose stores lag, go and come: over REST, WebSocket, SDK and CLI."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from coulisse import Client, OrderResult
from coulisse.bench.pinning import children
from coulisse.bench.postgresql_server import Postgresql
from coulisse.client.history import Pages
from coulisse.domain.errors import Refused
from coulisse.domain.history import ClosedOrder

from ..integration.conftest import Server, Start
from ..integration.test_private_rest import Key, operator
from .test_projector_store import (
    PROMPT,
    SERVE,
    STORE,
    command_of,
    is_filled,
    trade,
    until,
)


async def names_of(pages: Pages[ClosedOrder]) -> list[str | None]:
    return [one.order.client_order_id async for one in pages]


def process_of(server: Server, module: str) -> int:
    (pid,) = [pid for pid in children(server.pid) if module in command_of(pid)]
    return pid


def loads(pid: int, library: str) -> bool:
    with open(f"/proc/{pid}/maps") as maps:
        return library in maps.read()


async def open_client(server: Server) -> Client:
    return await Client.connect(server.http, credentials=server.credentials)


async def test_history_is_told_by_workers_while_the_projector_stands_still(start: Start) -> None:
    server = start(*SERVE, "--workers", "1", **PROMPT)
    await trade(server, 30)
    async with await open_client(server) as client:
        early = await client.place(
            "BTC-USD", "buy", "0.01", type="stop_limit", price="90001", trigger_price="90000",
            client_order_id="early",
        )  # fmt: skip
        assert isinstance(early, OrderResult)
    # A worker says nothing of the store before the core has told it.
    until(server, lambda said: "store" in said and is_filled(said))
    projector = process_of(server, "projector_process")
    os.kill(projector, signal.SIGSTOP)
    async with await open_client(server) as client:
        await trade(server, 6, first=30)
        placed = await client.place(
            "BTC-USD", "buy", "0.03", price="1", display_qty="0.01", client_order_id="mine"
        )
        assert isinstance(placed, OrderResult)
        gone = await client.cancel(client_order_id="mine")
        assert isinstance(gone, OrderResult) and gone.seq is not None
        gone = await client.cancel(client_order_id="early")
        assert isinstance(gone, OrderResult) and gone.seq is not None
        # The store has none of these; one was accepted when it stood still, one before.
        closed = [one async for one in client.orders_history(min_seq=gone.seq)]
        names = [one.order.client_order_id for one in closed]
        assert names == ["early", "mine", *(f"o{number}" for number in range(35, -1, -1))]
        assert [one.accepted_seq for one in closed[:2]] == [early.seq, placed.seq]
        assert [one.order.state for one in closed[:3]] == ["cancelled", "cancelled", "filled"]
        assert closed[0].order.type == "stop_limit" and closed[0].seq == gone.seq
        assert closed[0].order.trigger_price == Decimal(90_000)
        assert closed[1].order.terms["display_qty"] == "0.01000"
        assert await names_of(client.orders_history(client_order_id="mine")) == ["mine"]
        assert await names_of(client.orders_history(order_id=placed.order_id)) == ["mine"]
        assert await names_of(client.orders_history(most=4)) == names[:4]
        (page,) = [page async for page in client.fills_history(min_seq=gone.seq).pages()]
        assert page.seq >= gone.seq > page.store_seq and len(page.rows) == 36
        with pytest.raises(Refused, match="SEQ_NOT_REACHED"):
            await anext(aiter(client.ledger(min_seq=gone.seq)))
        os.kill(projector, signal.SIGCONT)
        entries = [one async for one in client.ledger("BTC", min_seq=gone.seq)]
        balance = (await client.balances())["BTC"]
        assert sum(entry.change for entry in entries) == balance.total
        # What the store says of all of them is what was told without it.
        assert [one async for one in client.orders_history()] == closed
    require_what_the_commands_show(server)
    assert server.stop() == 0


def require_what_the_commands_show(server: Server) -> None:
    shown = server.cli("orders", "--history", "--limit", "3", "--json").stdout.splitlines()
    orders = [json.loads(line) for line in shown]
    assert [one["client_order_id"] for one in orders] == ["early", "mine", "o35"]
    assert orders[0]["reason"] == "cancel_requested" and orders[0]["seq"] > orders[1]["seq"]
    fills = server.cli("fills", "BTC-USD", "--limit", "0", "--json").stdout.splitlines()
    assert len(fills) == 36 and json.loads(fills[0])["role"] in ("maker", "taker")
    assert "no fills" in server.cli("fills", "--from", "2126-01-01").stdout
    shown = server.cli("ledger", "USD", "--limit", "0", "--json").stdout.splitlines()
    entries = [json.loads(line) for line in shown]
    assert (entries[-1]["kind"], entries[-1]["change"]) == ("deposit", "10000000.00000000")
    assert "trade" in server.cli("ledger", "BTC", "--limit", "1").stdout
    wrong = server.cli("ledger", "--to", "yesterday")
    assert wrong.returncode == 2 and "yesterday" in wrong.stderr
    wrong = server.cli("orders", "--order-id", "7")
    assert wrong.returncode == 1 and "--history" in wrong.stderr


async def test_a_postgresql_that_goes_is_told_and_trading_goes_on(
    start: Start, mortal_postgresql: Postgresql
) -> None:
    database = mortal_postgresql
    server = start(*SERVE, **PROMPT, **{STORE: database.new_database()})
    await trade(server, 20)
    until(server, is_filled)
    assert not loads(server.pid, "libpq"), "who is not asked loads nothing for it"
    async with await open_client(server) as client:
        everything = [one async for one in client.fills_history(most=500)]
        assert len(everything) == 20
        require_private(server)
        database.kill()
        with pytest.raises(Refused, match="STORE_DOWN") as refused:
            await anext(aiter(client.fills_history()))
        assert (refused.value.rejected.field, refused.value.rejected.value) == ("store", "down")
        await trade(server, 4, first=20)
        database.start()
        until(server, is_filled)
        # What was kept of connections is of a server that is gone.
        assert len([one async for one in client.fills_history()]) == 24
        await require_pages_under_load(server, client)
    assert server.stop() == 0


def require_private(server: Server) -> None:
    """History is an account's own: of another it is told as of none."""
    boss = operator(server)
    for name in ("alice", "bob"):
        assert boss.ask("POST", "/v1/admin/accounts", {"name": name}).is_success
        money = {"asset": "USD", "qty": "10.00", "request_id": "1"}
        assert boss.ask("POST", f"/v1/admin/accounts/{name}/deposits", money).is_success
    made = {}
    for name, permission in (("alice", "read"), ("bob", "trade")):
        params = {"key_id": name, "permissions": [permission], "scheme": "hmac_sha256"}
        answer = boss.ask("POST", f"/v1/admin/accounts/{name}/keys", params).json()
        made[name] = Key(server, name, answer["result"]["secret"], "hmac_sha256")
    alice = made["alice"]
    seq = alice.ask("GET", "/v1/balances").json()["result"]["seq"]
    entries = alice.ask("GET", f"/v1/ledger?min_seq={seq}").json()["result"]["entries"]
    assert [(one["kind"], one["change"]) for one in entries] == [("deposit", "10.00000000")]
    for path in ("/v1/orders/history", "/v1/fills/history", "/v1/ledger"):
        answer = alice.ask("GET", path)
        assert answer.status_code == 200 and answer.headers["X-RateLimit-Weight"] == "20"
        others = [alice.ask("GET", f"{path}?account={name}") for name in ("bob", "nobody")]
        told = [(one.status_code, one.json()["error"]["code"]) for one in others]
        assert told == [(404, "UNKNOWN_ACCOUNT")] * 2
        denied = made["bob"].ask("GET", path)
        assert (denied.status_code, denied.json()["error"]["code"]) == (403, "NOT_PERMITTED")
        assert httpx.get(server.http + path).status_code == 401
        spoilt = alice.ask("GET", f"{path}?cursor=abc").json()["error"]
        assert (spoilt["code"], spoilt["field"], spoilt["value"]) == (
            "INVALID_VALUE", "cursor", "abc",
        )  # fmt: skip
    assert alice.ask("GET", "/v1/fills/history").json()["result"]["fills"] == []


async def require_pages_under_load(server: Server, client: Client) -> None:
    """Pages of a few rows, while others trade and the store is filled, have each row once."""
    wanted = await names_of(client.orders_history())
    asked: dict[str, object] = {"limit": 3}
    async with asyncio.TaskGroup() as group:
        group.create_task(trade(server, 60, first=24))
        found = [name async for name in by_small_pages(client, asked)]
    assert found[-len(wanted) :] == wanted and len(found) == len(set(found))


async def by_small_pages(client: Client, asked: dict[str, object]) -> AsyncIterator[str]:
    while True:
        page = await client._link.ask("orders.history", asked)
        orders = page["orders"]
        assert isinstance(orders, list)
        for row in orders:
            yield row["client_order_id"]
        if "next_cursor" not in page:
            return
        asked["cursor"] = page["next_cursor"]
