"""Secrets are never written down: canaries are put wherever a secret may stand, and looked for."""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from coulisse import Client
from coulisse.client.keys import new_private_key
from coulisse.domain.errors import LogonFailed
from tests.session.raw_socket import dial

from .conftest import MASTER_KEY, Server, Start
from .test_people import CHEAP, PASSWORD, a_person, ask, log_in, post
from .test_private_rest import Key, operator

CANARY = "canary5ecret"
CANARY_HEX = "ca9a12e5" * 16


def _places(server: Server, logs: str) -> Iterator[tuple[str, bytes]]:
    """Everything that a node has written, but the file that holds the key for its owner."""
    yield "stderr", logs.encode()
    for path in sorted(server.data_dir.rglob("*")):
        if path.is_file() and path != server.credentials:
            yield str(path.relative_to(server.data_dir)), path.read_bytes()


def _spellings(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    yield secret.upper().encode()
    if all(digit in "0123456789abcdef" for digit in secret):
        yield bytes.fromhex(secret)


def _found(places: list[tuple[str, bytes]], secrets: list[str]) -> list[str]:
    return [
        f"{name} holds {secret[:8]}…"
        for name, content in places
        for secret in secrets
        for spelling in _spellings(secret)
        if spelling in content
    ]


async def test_no_secret_is_in_logs_metrics_errors_or_the_journal(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    assert server.credentials is not None
    private_key = tomllib.loads(server.credentials.read_text())["private_key"]
    said: list[tuple[str, bytes]] = []
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        await client.deposit("operator", "USD", "1")
    strangers_key = new_private_key()
    with pytest.raises(LogonFailed) as failed:
        await Client.connect(server.http, key_id="operator", private_key=strangers_key)
    said.append(("LogonFailed", str(failed.value).encode()))
    said += [("reply", text) for text in await _replies(server)]
    said += [("response", body) for body in await _responses(server)]
    server.process.terminate()
    _, logs = server.process.communicate(timeout=20)
    secrets = [private_key, strangers_key, CANARY, CANARY_HEX]
    assert not _found([*said, *_places(server, logs)], secrets)


async def _replies(server: Server) -> list[bytes]:
    """What is said to logons that fail, and to those that are malformed."""
    host, port = server.http.removeprefix("http://").split(":")
    peer = await dial(host, int(port), f"{host}:{port}")
    await peer.receive()
    logon = {"key_id": "operator", "signature": CANARY_HEX}
    for params in (logon, {**logon, "signature": CANARY}, {**logon, "private_key": CANARY}):
        text = json.dumps({"id": 1, "op": "session.logon", "params": params})
        await peer.send([text.encode()])
    replies = [await peer.receive() or b"" for _ in range(3)]
    assert all(b'"ok":false' in reply for reply in replies), replies
    await peer.close()
    # A refusal of the form shows its sender what stood there; nobody else may see it.
    return [reply for reply in replies if b"LOGON_FAILED" in reply]


async def _responses(server: Server) -> list[bytes]:
    headers = {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Signature": CANARY_HEX}
    paths = ["/v1/instruments", "/nowhere", "/v1/book/NO-SUCH", "/metrics", "/healthz"]
    async with httpx.AsyncClient(base_url=server.http, headers=headers) as http:
        answers = [await http.get(path) for path in paths]
        answers.append(await http.post("/v1/instruments", content=CANARY))
    return [answer.content for answer in answers]


def test_neither_passwords_nor_tokens_are_written_down(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data", **CHEAP)
    name, changed, unknown = a_person(server, "ann"), "canary: a password", "canary-as-a-name"
    opened = log_in(server, name)
    token = opened.json()["result"]["token"]
    said = [log_in(server, *wrong) for wrong in ((name, CANARY), (unknown, CANARY))]
    said += [post(server, "/v1/sessions", {"name": name, "pasword": CANARY})]
    said += [post(server, "/v1/sessions", {"name": name, "password": [CANARY]})]
    said += [post(server, f"/v1/sessions?password={CANARY}", None)]
    said += [ask(server, "GET", "/v1/orders", token + CANARY)]
    change = {"password": PASSWORD, "new_password": changed}
    said += [post(server, "/v1/password", change, token), ask(server, "GET", "/v1/orders", token)]
    again = log_in(server, name, changed).json()["result"]["token"]
    said += [ask(server, "DELETE", "/v1/sessions/current", again)]
    said += [httpx.get(f"{server.http}{path}", verify=False) for path in ("/metrics", "/healthz")]
    server.process.terminate()
    _, logs = server.process.communicate(timeout=20)
    tokens = [part for one in (token, again) for part in one.split(".")[1:]]
    secrets = [PASSWORD, changed, CANARY, unknown, *tokens]
    for password in (PASSWORD, changed):
        secrets.append(hashlib.sha256(password.encode()).hexdigest())
        secrets.append(hmac.new(_pepper(), password.encode(), hashlib.sha256).hexdigest())
    answers = [("answer", answer.content) for answer in said]
    assert not _found([*answers, *_places(server, logs)], secrets)
    audit = (server.data_dir / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in audit.splitlines()]
    told = [(line["what"], line.get("key_id"), line["outcome"]) for line in lines]
    assert ("session", name, "done") in told
    assert ("session", name, "LOGON_FAILED") in told
    assert ("session", None, "LOGON_FAILED") in told
    assert ("token", None, "LOGON_FAILED") in told


def _pepper() -> bytes:
    return hmac.new(bytes.fromhex(MASTER_KEY), b"coulisse-pepper-v1\x01", hashlib.sha256).digest()


def test_a_secret_that_was_written_down_would_be_found(tmp_path: Path) -> None:
    places = [("journal", b"\x00" + bytes.fromhex(CANARY_HEX) + b"\x01"), ("log", b"fine")]
    assert _found(places, [CANARY_HEX]) == [f"journal holds {CANARY_HEX[:8]}…"]
    assert _found([("log", f"key={CANARY}".encode())], [CANARY, CANARY_HEX])
    assert not _found(places[1:], [CANARY, CANARY_HEX])


async def test_logons_keys_and_limits_are_in_the_audit_log_and_orders_are_not(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data", "--durability", "os")
    boss = operator(server)
    limit = {"scope": "firm", "kind": "open_orders", "limit": "900"}
    assert boss.ask("POST", "/v1/admin/limits", limit).is_success
    key = {"key_id": "audited", "permissions": ["read", "trade"], "scheme": "hmac_sha256"}
    made = boss.ask("POST", "/v1/admin/accounts/operator/keys", key)
    secret = made.json()["result"]["secret"]
    async with await Client.connect(
        credentials=Key(server, "audited", secret, "hmac_sha256").credentials()
    ) as client:
        await client.place("BTC-USD", "buy", "0.01", price="10")
    with pytest.raises(LogonFailed):
        await Client.connect(server.http, key_id="audited", private_key=new_private_key())
    assert boss.ask("DELETE", "/v1/admin/keys/audited").is_success
    refused = boss.ask("POST", "/v1/admin/accounts", {"name": "operator"})
    assert refused.status_code == 409
    server.process.terminate()
    _, logs = server.process.communicate(timeout=20)
    written = (server.data_dir / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    found = [(one["what"], one["key_id"], one["outcome"]) for one in lines]
    own = boss.key_id
    assert found == [
        ("LimitSet", own, "done"),
        ("KeyIssue", own, "done"),
        ("logon", "audited", "done"),
        ("logon", "audited", "LOGON_FAILED"),
        ("KeyRevoke", own, "done"),
        ("AccountCreate", own, "ALREADY_EXISTS"),
    ]
    assert all(one["address"] == "127.0.0.1" for one in lines if one["what"] == "logon")
    assert all(one["seq"] for one in lines if one["what"] != "logon")
    assert not _found([("log", logs.encode()), ("audit", written.encode())], [secret])
