"""Private REST and keys, on real processes: signatures, replays, revocation, secrets at rest."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from coulisse.bench.pinning import children
from coulisse.client.credentials import Credentials, load_credentials
from coulisse.client.keys import sign_rest
from coulisse.client.session import Session

from .conftest import COMMAND, Server, Start, environment, launch
from .test_projector import gone

SERVE = ("serve", "--port", "0", "--data-dir", "data")
ORDER = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "10.00"}
NONCES = count(time.time_ns() // 1_000)


def now_us() -> int:
    return time.time_ns() // 1_000


class Key:
    """A key, and what it signs."""

    def __init__(self, server: Server, key_id: str, secret: str, scheme: str) -> None:
        self.http, self.key_id, self.secret, self.scheme = server.http, key_id, secret, scheme
        self.host = urlsplit(server.http).netloc

    def signed(
        self, method: str, target: str, body: bytes = b"", **changes: str | int | bytes | None
    ) -> dict[str, str]:
        at: dict[str, Any] = {"timestamp_us": now_us(), "nonce": next(NONCES)}
        return sign_rest(
            self.secret, scheme=self.scheme, host=self.host, key_id=self.key_id, method=method,
            target=target, body=body, **at | changes,
        )  # fmt: skip

    def ask(
        self,
        method: str,
        target: str,
        params: Mapping[str, object] | None = None,
        **changes: str | int | bytes | None,
    ) -> httpx.Response:
        body = b"" if params is None else json.dumps(params).encode()
        headers = self.signed(method, target, body, **changes)
        url = self.http + target
        # No certificates are needed, and reading them takes longer than all else.
        return httpx.request(method, url, content=body, headers=headers, verify=False)

    def credentials(self) -> Credentials:
        return Credentials(self.http, self.key_id, self.secret, scheme=self.scheme)


def operator(server: Server) -> Key:
    assert server.credentials is not None
    own = load_credentials(server.credentials)
    assert own.key_id is not None and own.private_key is not None
    return Key(server, own.key_id, own.private_key, "ed25519")


def a_trader(server: Server, key_id: str = "t-1", **more: object) -> Key:
    """An account with money, and an HMAC key for it."""
    boss = operator(server)
    boss.ask("POST", "/v1/admin/accounts", {"name": "trader"})
    money = {"asset": "USD", "qty": "1000.00", "request_id": "1"}
    assert boss.ask("POST", "/v1/admin/accounts/trader/deposits", money).is_success
    made = boss.ask(
        "POST", "/v1/admin/accounts/trader/keys",
        {"key_id": key_id, "permissions": ["read", "trade"], "scheme": "hmac_sha256", **more},
    )  # fmt: skip
    assert made.status_code == 200, made.text
    return Key(server, key_id, made.json()["result"]["secret"], "hmac_sha256")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One node for all tests that leave it whole."""
    home = tmp_path_factory.mktemp("rest")
    running = launch(SERVE, environment(home), home)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def trader(server: Server) -> Key:
    return a_trader(server)


def test_a_batch_takes_a_nonce_for_each_order_and_is_refused_when_it_is_sent_again(
    trader: Key,
) -> None:
    nonce, _, last = next(NONCES), next(NONCES), next(NONCES)
    batch = {"orders": [ORDER, {**ORDER, "price": "10.001"}, ORDER]}
    placed = trader.ask("POST", "/v1/orders/batch", batch, nonce=nonce)
    assert placed.status_code == 200, placed.text
    assert placed.headers["x-ratelimit-weight"] == "3"
    left = int(placed.headers["x-ratelimit-remaining"])
    assert left > 0
    first, second, third = placed.json()["result"]["orders"]
    assert first["state"] == third["state"] == "open" and third["seq"] == first["seq"] + 1
    assert second["error"]["code"] == "OFF_TICK"
    again = trader.ask("POST", "/v1/orders/batch", batch, nonce=nonce).json()
    codes = [order["error"]["code"] for order in again["result"]["orders"]]
    assert codes == ["NONCE_USED", "OFF_TICK", "NONCE_USED"]
    # Every order may be refused, before the log or by the core: the request was taken.
    refused = {"orders": [{**ORDER, "price": "10.001"}, {**ORDER, "qty": "1000000"}]}
    for orders in (refused, {"orders": refused["orders"][:1]}):
        answer = trader.ask("POST", "/v1/orders/batch", orders)
        assert (answer.status_code, answer.json()["ok"]) == (200, True)
        codes = [order["error"]["code"] for order in answer.json()["result"]["orders"]]
        assert codes == ["OFF_TICK", "INSUFFICIENT_BALANCE"][: len(codes)]
    assert code(trader.ask("POST", "/v1/orders", ORDER, nonce=last)) == (409, "NONCE_USED")
    page = trader.ask("GET", "/v1/orders?limit=1")
    assert page.headers["x-ratelimit-weight"] == "10"
    assert len(page.json()["result"]["orders"]) == 1 and page.json()["result"]["next_cursor"]
    assert trader.ask("DELETE", "/v1/orders").json()["result"]["count"] == 2


def test_an_order_is_tested_and_fills_are_read_over_rest(trader: Key) -> None:
    before = trader.ask("GET", "/v1/balances").json()["result"]["balances"]
    assert trader.ask("POST", "/v1/orders/test", ORDER).status_code == 200
    much = {**ORDER, "qty": "1000000"}
    assert code(trader.ask("POST", "/v1/orders/test", much)) == (422, "INSUFFICIENT_BALANCE")
    assert trader.ask("GET", "/v1/balances").json()["result"]["balances"] == before
    fills = trader.ask("GET", "/v1/fills?limit=5").json()["result"]
    assert fills["fills"] == [] and "cut" not in fills
    late = trader.ask("GET", f"/v1/fills?min_seq={fills['seq'] + 1_000_000}")
    assert code(late) == (503, "SEQ_NOT_REACHED")


def test_orders_are_placed_read_amended_and_cancelled(trader: Key) -> None:
    placed = trader.ask("POST", "/v1/orders", {**ORDER, "client_order_id": "a1"})
    assert placed.status_code == 200, placed.text
    assert placed.headers["cache-control"] == "no-store"
    result = placed.json()["result"]
    assert result["state"] == "open" and result["t_out"] >= result["t_log"] >= result["t_in"]
    (order,) = trader.ask("GET", "/v1/orders?symbol=BTC-USD").json()["result"]["orders"]
    assert order["order_id"] == result["order_id"]
    amended = trader.ask("PATCH", "/v1/orders/by_client_id/a1", {"qty": "0.02"})
    assert amended.json()["result"]["order_id"] == result["order_id"]
    balances = trader.ask("GET", "/v1/balances").json()["result"]["balances"]
    assert [one["held"] for one in balances if one["asset"] == "USD"] == ["0.20010000"]
    gone = trader.ask("DELETE", f"/v1/orders/{result['order_id']}")
    assert gone.json()["result"]["state"] == "cancelled"
    again = trader.ask("DELETE", f"/v1/orders/{result['order_id']}")
    assert code(again) == (404, "ORDER_NOT_FOUND")
    trader.ask("POST", "/v1/orders", ORDER)
    assert trader.ask("DELETE", "/v1/orders?side=buy").json()["result"]["count"] == 1
    assert trader.ask("GET", "/v1/positions").json()["result"]["positions"] == []


def test_a_replayed_request_is_refused_and_its_order_stays_one(trader: Key) -> None:
    body = json.dumps(ORDER).encode()
    headers = trader.signed("POST", "/v1/orders", body)
    first = httpx.post(f"{trader.http}/v1/orders", content=body, headers=headers)
    assert first.is_success
    again = httpx.post(f"{trader.http}/v1/orders", content=body, headers=headers)
    assert code(again) == (409, "NONCE_USED")
    assert len(trader.ask("GET", "/v1/orders").json()["result"]["orders"]) == 1
    trader.ask("DELETE", "/v1/orders")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"method": "PATCH"}, (401, "LOGON_FAILED")),
        ({"target": "/v1/orders?account=other"}, (401, "LOGON_FAILED")),
        ({"body": b"{}"}, (401, "LOGON_FAILED")),
        ({"host": "elsewhere.example"}, (401, "LOGON_FAILED")),
        ({"key_id": "nobody"}, (401, "LOGON_FAILED")),
        ({"timestamp_us": 1}, (401, "REQUEST_EXPIRED")),
        ({"timestamp_us": 4_000_000_000_000_000}, (401, "REQUEST_EXPIRED")),
        ({"nonce": None}, (400, "INVALID_VALUE")),
        ({"nonce": 0}, (400, "INVALID_VALUE")),
        ({"nonce": 1 << 63}, (400, "INVALID_VALUE")),
        ({"window_ms": 60_001}, (400, "INVALID_VALUE")),
    ],
)
def test_what_was_signed_is_all_that_counts(
    trader: Key, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    body = json.dumps(ORDER).encode()
    given: dict[str, Any] = {
        "scheme": trader.scheme, "host": trader.host, "key_id": trader.key_id, "method": "POST",
        "target": "/v1/orders", "body": body, "nonce": next(NONCES),
        "timestamp_us": now_us(),
    }  # fmt: skip
    headers = sign_rest(trader.secret, **given | change)
    answer = httpx.post(f"{trader.http}/v1/orders", content=body, headers=headers)
    assert code(answer) == expected
    unsigned = httpx.post(f"{trader.http}/v1/orders", content=body)
    assert code(unsigned) == (401, "NOT_LOGGED_ON")


@pytest.mark.parametrize(
    ("method", "target", "params", "expected", "field"),
    [
        ("POST", "/v1/orders", {**ORDER, "price": "10.001"}, (400, "OFF_TICK"), "price"),
        ("POST", "/v1/orders", {**ORDER, "prices": "1"}, (400, "UNKNOWN_FIELD"), "prices"),
        ("POST", "/v1/orders?side=buy", ORDER, (400, "DUPLICATE_FIELD"), "side"),
        ("POST", "/v1/orders", {"symbol": "NO-PE"}, (400, "MISSING_FIELD"), "side"),
        ("POST", "/v1/orders", {**ORDER, "symbol": "NO-PE"}, (404, "UNKNOWN_SYMBOL"), "symbol"),
        ("GET", "/v1/orders?symbol=BTC%2DUSD", None, (400, "INVALID_VALUE"), "symbol"),
        ("GET", "/v1/balances?depth=5", None, (400, "UNKNOWN_FIELD"), "depth"),
        ("GET", "/v1/balances?account=nobody", None, (404, "UNKNOWN_ACCOUNT"), "account"),
        (
            "POST",
            "/v1/orders",
            {**ORDER, "qty": "999999"},
            (422, "INSUFFICIENT_BALANCE"),
            "available",
        ),
        ("POST", "/v1/admin/groups", {"name": "g"}, (403, "NOT_PERMITTED"), None),
    ],
)
def test_errors_have_a_status_a_code_and_a_field(
    trader: Key,
    method: str,
    target: str,
    params: dict[str, object] | None,
    expected: tuple[int, str],
    field: str | None,
) -> None:
    answer = trader.ask(method, target, params)
    assert code(answer) == expected, answer.text
    assert answer.json()["error"].get("field") == field


def test_a_connection_serves_rust_and_litestar_in_turn_and_what_is_sent_together(
    trader: Key,
) -> None:
    host, port = trader.host.split(":")
    body = json.dumps({**ORDER, "client_order_id": "p1"}).encode()

    def raw(method: str, target: str, body: bytes = b"") -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {trader.host}"]
        lines += [f"{name}: {value}" for name, value in trader.signed(method, target, body).items()]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    with socket.create_connection((host, int(port)), timeout=10) as link:
        public = f"GET /v1/instruments HTTP/1.1\r\nHost: {trader.host}\r\n\r\n".encode()
        link.sendall(public)
        assert b'"instruments"' in _until(link, b"]}")
        link.sendall(raw("POST", "/v1/orders", body) + raw("DELETE", "/v1/orders"))
        both = _until(link, b'"count":')
        assert both.index(b'"client_order_id":"p1"') < both.index(b'"count":1')
        whole = raw("POST", "/v1/orders", body)
        for at in range(0, len(whole), 97):
            link.sendall(whole[at : at + 97])
        assert b'"duplicate":true' in _until(link, b"t_out")
        link.sendall(public)
        assert b'"instruments"' in _until(link, b"]}")


def _until(link: socket.socket, mark: bytes) -> bytes:
    got = b""
    while mark not in got:
        part = link.recv(65_536)
        assert part, got
        got += part
    return got + link.recv(65_536) if not got.rstrip().endswith(b"}") else got


def test_the_order_by_hand_of_the_documentation_is_taken(trader: Key) -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol" / "http.md").read_text()
    script = page.split("```sh\n", 1)[1].split("```", 1)[0]
    first, rest = script.split("\n", 1)
    assert first.startswith("HOST=")
    own = f"HOST={trader.host} KEY={trader.key_id} SECRET={trader.secret}\n"
    done = subprocess.run(["sh", "-c", own + rest], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["result"]["state"] == "open", done.stderr
    trader.ask("DELETE", "/v1/orders")


def test_a_revoked_key_is_refused_and_its_sessions_end_within_a_second(server: Server) -> None:
    key = a_trader(server, "t-gone")
    assert key.ask("POST", "/v1/orders", ORDER).is_success

    async def watch() -> float:
        session = Session(lambda message: None)
        await session.open(key.credentials())
        started = time.monotonic()
        revoke = asyncio.to_thread(operator(server).ask, "DELETE", "/v1/admin/keys/t-gone")
        assert (await revoke).is_success
        async with asyncio.timeout(10):
            await session.ended.wait()
        assert "1008" in session.end_reason
        return time.monotonic() - started

    # The bound is 1 s; a loaded machine is given more, and what fails here never ends at all.
    assert asyncio.run(watch()) < 10
    assert code(key.ask("POST", "/v1/orders", ORDER)) == (401, "LOGON_FAILED")
    assert "t-gone" not in (server.data_dir / "data_keys").read_text()


def test_a_bound_key_stays_in_its_bounds(server: Server) -> None:
    key, boss = a_trader(server, "t-bound", waits=True), operator(server)
    assert code(key.ask("POST", "/v1/orders", ORDER)) == (401, "KEY_NOT_BOUND")
    here = {"symbols": ["ETH-USD"], "networks": ["127.0.0.0/8", "::1"]}
    assert boss.ask("PATCH", "/v1/admin/keys/t-bound", here).is_success
    assert code(key.ask("POST", "/v1/orders", ORDER)) == (403, "NOT_PERMITTED")
    assert key.ask("POST", "/v1/orders", {**ORDER, "symbol": "ETH-USD"}).is_success
    away = {"networks": ["192.0.2.0/24"]}
    assert boss.ask("PATCH", "/v1/admin/keys/t-bound", away).is_success
    assert code(key.ask("GET", "/v1/balances")) == (403, "NOT_PERMITTED")
    listed = boss.ask("GET", "/v1/admin/accounts/trader/keys").json()["result"]["keys"]
    (row,) = [one for one in listed if one["key_id"] == "t-bound"]
    assert row["networks"] == ["192.0.2.0/24"] and row["last_used"] > 0
    assert "secret" not in row


def test_a_nonce_and_a_key_outlive_a_kill_and_no_secret_is_on_disk_in_clear(start: Start) -> None:
    first = start(*SERVE)
    key = a_trader(first)
    body = json.dumps(ORDER).encode()
    headers = key.signed("POST", "/v1/orders", body, window_ms=60_000)
    assert httpx.post(f"{key.http}/v1/orders", content=body, headers=headers).is_success
    beside = children(first.pid)
    first.stop(signal.SIGKILL)
    for pid in beside:  # what it has started closes its files a moment after it
        gone(pid)
    files = [file for file in first.data_dir.rglob("*") if file.is_file()]
    for file in files:
        content = file.read_bytes()
        assert bytes.fromhex(key.secret) not in content and key.secret.encode() not in content
    assert (first.data_dir / "data_keys").stat().st_mode & 0o077 == 0
    port = str(urlsplit(first.http).port)
    second = start("serve", "--port", port, "--data-dir", "data")
    again = httpx.post(f"{second.http}/v1/orders", content=body, headers=headers)
    assert code(again) == (409, "NONCE_USED")
    assert key.ask("GET", "/v1/orders").json()["result"]["orders"]


def test_a_node_refuses_to_start_without_its_master_key(start: Start, tmp_path: Path) -> None:
    server = start(*SERVE)
    a_trader(server)
    server.stop()
    other = "11" * 32
    for given, said in (
        ({"COULISSE_SECRETS__MASTER_KEY": other}, "does not open with this master key"),
        ({"COULISSE_SECRETS__MASTER_KEY": "11"}, "64 hexadecimal digits"),
        ({}, "no master key"),
    ):
        variables = environment(tmp_path)
        del variables["COULISSE_SECRETS__MASTER_KEY"]
        failed = subprocess.run(
            [*COMMAND, *SERVE, "--json"],
            env=variables | given, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert failed.returncode != 0 and failed.stdout == ""
        assert said in failed.stderr and other not in failed.stderr
