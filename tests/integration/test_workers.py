"""Gateway workers on real processes: one core, two workers, and what each of them says of it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import random
import selectors
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from coulisse import Client, OrderResult
from coulisse.bench.pinning import children
from coulisse.client.feeds import BookFeed
from coulisse.client.local_book import LocalBook
from coulisse.client.session import Session
from coulisse.domain.outcomes import Rejected, Unknown

from .conftest import Server, Start, environment, launch
from .test_private_rest import ORDER, Key, a_trader, code, now_us, operator

SERVE = ("serve", "--port", "0", "--data-dir", "data", "--workers", "2")
DEADLINE_S = 60.0
TRIES_MAX = 64
pytestmark = pytest.mark.timeout(280)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A node with two workers, for the tests that leave it whole."""
    home = tmp_path_factory.mktemp("workers")
    running = launch(SERVE, environment(home), home)
    yield running
    assert running.stop() == 0


def worker_of(client: Client) -> int:
    """The worker that holds a client's connection, by the hello."""
    session = client._link._session
    assert session is not None
    node = str(session._hello.result()["node"])
    return int(node.removeprefix("n1."))


@contextlib.asynccontextmanager
async def one_of_each(server: Server) -> AsyncIterator[dict[int, Client]]:
    """A client of each worker: the kernel deals out connections, so ask until both are there."""
    clients: dict[int, Client] = {}
    try:
        for _ in range(TRIES_MAX):
            client = await Client.connect(server.http, credentials=server.credentials)
            kept = clients.setdefault(worker_of(client), client)
            if kept is not client:
                await client.close()
            if len(clients) == 2:
                break
        assert set(clients) == {1, 2}
        yield clients
    finally:
        for client in clients.values():
            await client.close()


@contextlib.contextmanager
def link_to(server: Server, worker: int) -> Iterator[http.client.HTTPConnection]:
    """A kept HTTP connection to one worker."""
    for _ in range(TRIES_MAX):
        link = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=20)
        with contextlib.closing(link):
            link.request("GET", "/healthz")
            if json.load(link.getresponse())["worker"] == worker:
                yield link
                return
    pytest.fail(f"no connection went to worker {worker}")


def ask(
    link: http.client.HTTPConnection, key: Key, method: str, target: str, body: bytes = b""
) -> tuple[int, dict[str, Any]]:
    link.request(method, target, body=body, headers=key.signed(method, target, body))
    answer = link.getresponse()
    return answer.status, json.load(answer)


async def fund(client: Client, *accounts: str) -> None:
    for account in accounts:
        await client.admin.create_account(account)
        await client.deposit(account, "USD", "10000000")
        await client.deposit(account, "BTC", "1000")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other tasks and processes bring about."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110  # what it asks is another process, which tells nobody
            await asyncio.sleep(0.01)


async def known(session: Session, account: str) -> None:
    """Wait until the worker of a session, which may be a moment behind, has heard of an account."""
    async with asyncio.timeout(DEADLINE_S):
        while isinstance(await session.request("balances.get", {}, account), Rejected):
            pass


def book_of(server: Server) -> dict[str, Any]:
    book: dict[str, Any] = httpx.get(f"{server.http}/v1/book/BTC-USD").json()
    return book


async def follow(feed: BookFeed[LocalBook], seen: dict[int, object]) -> None:
    async for book in feed:
        seen[book.seq] = (dict(book._bids), dict(book._asks))


async def trade(clients: dict[int, Client], rng: random.Random, count: int) -> int:
    """Random orders of two accounts over both workers; returns how many were filled at once."""
    filled = 0
    for _ in range(count):
        client, account = clients[rng.choice((1, 2))], rng.choice(("maker", "taker"))
        side, price = rng.choice(("buy", "sell")), str(rng.randint(95, 105))
        done = await client.place("BTC-USD", side, "0.01", price=price, account=account)
        assert isinstance(done, OrderResult), done
        filled += done.state == "filled"
    return filled


async def test_both_workers_tell_the_same_of_every_order_whichever_took_it(server: Server) -> None:
    async with one_of_each(server) as clients:
        await fund(clients[1], "maker", "taker")
        feeds = {one: await clients[one].book("BTC-USD", 0, "raw") for one in (1, 2)}
        seen: dict[int, dict[int, object]] = {1: {}, 2: {}}
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(follow(feeds[one], seen[one])) for one in (1, 2)]
            assert await trade(clients, random.Random(8), 400) > 50
            mark = await clients[1].place("BTC-USD", "buy", "0.02", price="80", account="maker")
            assert isinstance(mark, OrderResult) and mark.seq is not None
            last = mark.seq
            await until(lambda: min(max(seen[1]), max(seen[2])) >= last)
            for task in reading:
                task.cancel()
        common = set(seen[1]) & set(seen[2])
        assert len(common) > 200
        assert all(seen[1][seq] == seen[2][seq] for seq in common)
        assert seen[1][last] == seen[2][last]
        assert ["80.00", "0.02000"] in (await asyncio.to_thread(book_of, server))["bids"]
        for client, account in ((clients[1], "maker"), (clients[2], "taker")):
            await client.cancel_all(account=account)


async def test_fills_of_an_order_placed_on_one_worker_are_told_on_the_other(server: Server) -> None:
    async with one_of_each(server) as clients:
        await fund(clients[1], "maker2", "taker2")
        told: list[dict[str, Any]] = []
        maker = Session(lambda message: told.append(dict(message)))
        await maker.open(clients[2].credentials)
        while str(maker._hello.result()["node"]) != "n1.2":
            maker.close()
            maker = Session(lambda message: told.append(dict(message)))
            await maker.open(clients[2].credentials)
        try:
            await known(maker, "maker2")
            await maker.request("subscribe", {"channel": "fills"}, "maker2")
            await clients[1].place("BTC-USD", "sell", "1", price="10", account="maker2")
            done = await clients[1].place("BTC-USD", "buy", "1", price="10", account="taker2")
            assert isinstance(done, OrderResult) and done.seq is not None
            assert done.state == "filled"
            seq = done.seq
            await until(lambda: any(one["type"] == "delta" for one in told))
            (delta,) = [one for one in told if one["type"] == "delta"]
            assert (delta["ch"], delta["seq"], delta["account"]) == ("fills", seq, "maker2")
        finally:
            maker.close()


async def test_an_amendment_right_behind_its_order_knows_the_instrument(server: Server) -> None:
    async with one_of_each(server) as clients:
        await fund(clients[1], "hasty")
        # Both are under way at once: the worker has not heard what became of the order.
        placed, amended = await asyncio.gather(
            clients[1].place(
                "BTC-USD", "buy", "0.01", price="50", account="hasty", client_order_id="h1"
            ),
            clients[1].amend(client_order_id="h1", qty="0.02", account="hasty"),
        )
        assert isinstance(placed, OrderResult) and isinstance(amended, OrderResult)
        assert placed.order_id == amended.order_id
        await clients[2].cancel_all(account="hasty")


def test_a_request_that_one_worker_took_is_a_replay_on_the_other(server: Server) -> None:
    trader = a_trader(server, "w-nonce")
    body = json.dumps(ORDER).encode()
    with link_to(server, 1) as one, link_to(server, 2) as two:
        headers = trader.signed("POST", "/v1/orders", body)
        statuses = []
        for link in (one, two):
            link.request("POST", "/v1/orders", body=body, headers=headers)
            answer = link.getresponse()
            statuses.append((answer.status, json.load(answer).get("error", {}).get("code")))
        assert statuses == [(200, None), (409, "NONCE_USED")]
        # An HMAC key that one worker made is known to the other, and so is what it did.
        for link in (one, two):
            status, said = ask(link, trader, "GET", "/v1/orders")
            assert status == 200 and len(said["result"]["orders"]) == 1
        assert ask(two, trader, "DELETE", "/v1/orders")[0] == 200


def test_what_waits_for_the_core_past_its_deadline_is_refused_and_not_in_the_log(
    server: Server,
) -> None:
    trader = a_trader(server, "w-late")
    with link_to(server, 1) as link:
        seq = ask(link, trader, "GET", "/v1/orders")[1]["result"]["seq"]
        os.kill(server.pid, signal.SIGSTOP)
        try:
            until_us = now_us() + 1_000_000
            body, target = json.dumps(ORDER).encode(), f"/v1/orders?deadline={until_us}"
            headers = trader.signed("POST", target, body)
            link.request("POST", target, body=body, headers=headers)
            # The thing itself that is waited for is the time.
            threading.Event().wait((until_us - now_us()) / 1_000_000 + 0.01)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        answer = link.getresponse()
        error = json.load(answer)["error"]
        assert (answer.status, error["code"]) == (400, "DEADLINE_PASSED"), error
        assert (error["field"], error["state"]) == ("deadline", "not_sent")
        after = ask(link, trader, "GET", "/v1/orders")[1]["result"]
        assert (after["orders"], after["seq"]) == ([], seq)
        # What is in time is placed as ever.
        target = f"/v1/orders?deadline={now_us() + 60_000_000}"
        assert ask(link, trader, "POST", target, body)[0] == 200
        assert ask(link, trader, "DELETE", "/v1/orders")[0] == 200


def test_a_withdrawal_that_one_worker_took_is_approved_at_the_other(server: Server) -> None:
    trader = a_trader(server, "w-out", permissions=["read", "withdraw"])
    boss = operator(server)
    assert boss.ask("POST", "/v1/admin/accounts", {"name": "w-second"}).is_success
    asks = {"key_id": "w-second", "permissions": ["admin"], "scheme": "hmac_sha256"}
    made = boss.ask("POST", "/v1/admin/accounts/w-second/keys", asks).json()["result"]
    second = Key(server, "w-second", made["secret"], "hmac_sha256")
    asked = {"asset": "USD", "qty": "7", "request_id": "77"}
    with link_to(server, 1) as one, link_to(server, 2) as two:
        # An asset's cap is 0 until it is set: all of it takes two persons.
        status, said = ask(one, trader, "POST", "/v1/withdrawals", json.dumps(asked).encode())
        which, seq = said["result"]["withdrawal_id"], said["result"]["seq"]
        assert (status, said["result"]["state"]) == (200, "pending")
        again = ask(two, trader, "POST", "/v1/withdrawals", json.dumps(asked).encode())[1]
        assert again["result"]["duplicate"] and again["result"]["first_seq"] == seq
        rows = ask(two, second, "GET", f"/v1/admin/withdrawals?min_seq={seq}")[1]["result"]
        assert [row["withdrawal_id"] for row in rows["withdrawals"]] == [which]
        approve = f"/v1/admin/withdrawals/{which}/approval"
        status, said = ask(one, trader, "POST", approve, b"{}")
        assert (status, said["error"]["code"]) == (403, "NOT_PERMITTED")
        status, said = ask(two, second, "POST", approve, b"{}")
        assert (status, said["result"]["state"]) == (200, "approved")
        seq = said["result"]["seq"]
        status, said = ask(one, second, "POST", approve, b"{}")
        assert (status, said["error"]["code"]) == (404, "UNKNOWN_WITHDRAWAL")
        for link in (one, two):
            target = f"/v1/balances?min_seq={seq}"
            (row,) = ask(link, trader, "GET", target)[1]["result"]["balances"]
            assert Decimal(row["held"]) == 0 and Decimal(row["available"]) % 1_000 == 993


async def test_a_revoked_key_is_refused_on_every_worker_and_its_sessions_end(
    server: Server,
) -> None:
    trader = await asyncio.to_thread(a_trader, server, "w-gone")
    sessions: dict[str, Session] = {}
    for _ in range(TRIES_MAX):
        session = Session(lambda message: None)
        await session.open(trader.credentials())
        sessions.setdefault(str(session._hello.result()["node"]), session)
        if len(sessions) == 2:
            break
    assert set(sessions) == {"n1.1", "n1.2"}
    started = time.monotonic()
    gone = await asyncio.to_thread(operator(server).ask, "DELETE", "/v1/admin/keys/w-gone")
    assert gone.is_success
    async with asyncio.timeout(DEADLINE_S):
        for session in sessions.values():
            await session.ended.wait()
            assert "1008" in session.end_reason
    # The bound is 1 s; a loaded machine is given more, and what fails here never ends at all.
    assert time.monotonic() - started < 10
    for one in (1, 2):
        with link_to(server, one) as link:
            status, said = ask(link, trader, "POST", "/v1/orders", b"{}")
        assert (status, said["error"]["code"]) == (401, "LOGON_FAILED")
    assert "w-gone" not in (server.data_dir / "data_keys").read_text()


async def test_health_and_metrics_are_the_nodes_whichever_worker_answers(server: Server) -> None:
    async with one_of_each(server), asyncio.timeout(DEADLINE_S):
        for one in (1, 2):
            with link_to(server, one) as link:
                health, lines = await told_of_all(link)
            assert health["workers"] == {"wanted": 2, "up": 2, "restarts": 0}
            assert health["projector"]["state"] in ("starting", "running")
            assert "coulisse_workers_up 2" in lines
            assert "coulisse_workers_linked 2" in lines


async def told_of_all(link: http.client.HTTPConnection) -> tuple[dict[str, Any], list[str]]:
    """Health and metrics of a worker, once it was told of the node and of all connections."""
    while True:
        link.request("GET", "/readyz")
        health: dict[str, Any] = json.load(link.getresponse())
        link.request("GET", "/metrics")
        lines = link.getresponse().read().decode().splitlines()
        held = [line for line in lines if line.startswith("coulisse_gateway_connections{")]
        if "workers" in health and sum(float(line.split()[1]) for line in held) >= 2:
            return health, lines
        await asyncio.sleep(0.1)


def worker_pids(server: Server) -> list[int]:
    pids = []
    for child in children(server.pid):
        with contextlib.suppress(OSError):
            if b"worker_process" in Path(f"/proc/{child}/cmdline").read_bytes():
                pids.append(child)
    return pids


class Load:
    """Orders of one client until they are enough; what was acknowledged, and what is not known."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acked: dict[str, int] = {}
        self.unknown: list[str] = []
        self.stops = False

    async def run(self, client: Client) -> None:
        number = 0
        while not self.stops:
            number += 1
            own_id = f"{self.name}-{number}"
            match await client.place(
                "BTC-USD", "buy", "0.0001", price="20", client_order_id=own_id, account="killed"
            ):
                case OrderResult(order_id=int() as order_id):
                    self.acked[own_id] = order_id
                case Unknown():
                    self.unknown.append(own_id)
                case Rejected(state="not_sent"):
                    # Neither the old connection nor a new one took it.
                    await asyncio.sleep(0.01)
                case other:
                    pytest.fail(f"{own_id}: {other}")


async def open_orders_of(client: Client, account: str) -> list[dict[str, Any]]:
    """All pages, which a key that may act for several has no call for."""
    rows: list[dict[str, Any]] = []
    page: dict[str, object] = {}
    while True:
        reply: Any = await client._link.ask("orders.open", page, account)
        rows += reply["orders"]
        if "next_cursor" not in reply:
            return rows
        page = {"cursor": reply["next_cursor"]}


async def test_a_killed_worker_loses_and_doubles_nothing_and_its_sessions_go_on(
    start: Start,
) -> None:
    server = start(*SERVE)
    async with one_of_each(server) as clients, asyncio.timeout(200):
        await fund(clients[1], "killed")
        await clients[1].deposit("operator", "USD", "1000000")
        orders = {one: await clients[one].orders() for one in (1, 2)}
        loads = {one: Load(f"w{one}") for one in (1, 2)}
        async with asyncio.TaskGroup() as group:
            for one in (1, 2):
                group.create_task(loads[one].run(clients[one]))
            await until(lambda: min(len(load.acked) for load in loads.values()) >= 100)
            for _ in range(3):
                pids = worker_pids(server)
                assert len(pids) == 2
                os.kill(pids[0], signal.SIGKILL)
                wanted = {one: len(loads[one].acked) + 100 for one in (1, 2)}
                await until(
                    lambda: (
                        all(len(loads[one].acked) >= count for one, count in wanted.items())  # noqa: B023
                        and len(worker_pids(server)) == 2
                    )
                )
            for load in loads.values():
                load.stops = True
        assert sum(client.reconnect_count for client in clients.values()) >= 2
        expected = {own: order for load in loads.values() for own, order in load.acked.items()}
        assert sum(len(load.unknown) for load in loads.values()) <= 6, "one at each connection"
        for client in clients.values():
            there = await open_orders_of(client, "killed")
            by_id = {row["client_order_id"]: int(row["order_id"]) for row in there}
            assert len(by_id) == len(there), "an order stands there twice"
            unknown = {own for load in loads.values() for own in load.unknown}
            assert {own: by_id.get(own) for own in expected} == expected
            assert set(by_id) - set(expected) <= unknown
        # The private feeds went on from their seq: what is placed now is told on both.
        mark = await clients[1].place("BTC-USD", "buy", "0.0001", price="21")
        assert isinstance(mark, OrderResult)
        for feed in orders.values():
            async for update in feed:
                if update.order_id == mark.order_id:
                    break
    assert server.stop() == 0


async def test_the_orders_of_a_killed_workers_session_are_cancelled_where_it_asked(
    start: Start,
) -> None:
    server = start(*SERVE)
    async with one_of_each(server) as clients, asyncio.timeout(100):
        await clients[1].deposit("operator", "USD", "1000")
        for one in (1, 2):
            session = Session(lambda message: None)
            await session.open(clients[one].credentials)
            if one == 1:
                asks = {"enabled": True}
                await session.request("session.cancel_on_disconnect", asks)
            params = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": f"{one}0"}
            placed = await session.request("order.place", params)
            assert not isinstance(placed, Rejected | Unknown), placed
        for pid in worker_pids(server):
            os.kill(pid, signal.SIGKILL)
        while True:
            if [order.price for order in await clients[2].open_orders()] == [Decimal("20.00")]:
                break
            await asyncio.sleep(0.05)
    assert server.stop() == 0


def test_workers_end_with_their_core_and_what_it_acknowledged_is_there(start: Start) -> None:
    server = start(*SERVE)
    trader = a_trader(server)
    assert trader.ask("POST", "/v1/orders", ORDER).is_success
    ends = [os.pidfd_open(pid) for pid in worker_pids(server)]
    assert len(ends) == 2
    server.stop(signal.SIGKILL)
    for end in ends:
        with selectors.DefaultSelector() as selector:
            selector.register(end, selectors.EVENT_READ)
            assert selector.select(DEADLINE_S), "a worker outlives its core"
        os.close(end)
    again = start(*SERVE[:-2])
    # What was made by a worker is read by a node without any.
    moved = Key(again, trader.key_id, trader.secret, trader.scheme)
    assert len(moved.ask("GET", "/v1/orders").json()["result"]["orders"]) == 1
    assert code(moved.ask("POST", "/v1/admin/groups", {"name": "g"})) == (403, "NOT_PERMITTED")
