"""People on real processes: passwords, tokens, sessions that end, storms of logons, workers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from coulisse import Client, OrderResult
from coulisse.client.credentials import Credentials
from coulisse.client.session import Session
from coulisse.domain.errors import LogonFailed

from .conftest import COMMAND, MASTER_KEY, Server, Start, environment, launch
from .test_private_rest import ORDER, SERVE, code, operator
from .test_projector import ready_line, until
from .test_workers import link_to

PASSWORD = "correct horse battery"
OTHER = "staple, correct horse"
CHEAP = {"COULISSE_PEOPLE__MEMORY_KIB": "7168", "COULISSE_PEOPLE__PASSES": "1"}
UNKNOWN_NAME = "nobody"
WITHIN_S = 10.0
"""How long a session may live on once it was ended. The bound is 1 s; a loaded machine is given
more, and what fails here never ends at all."""


def post(server: Server, path: str, params: object, token: str | None = None) -> httpx.Response:
    return ask(server, "POST", path, token, params)


def ask(
    server: Server, method: str, path: str, token: str | None, params: object = None
) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = b"" if params is None else json.dumps(params).encode()
    url = server.http + path
    return httpx.request(method, url, content=body, headers=headers, verify=False, timeout=30)


def log_in(server: Server, name: str, password: str = PASSWORD) -> httpx.Response:
    return post(server, "/v1/sessions", {"name": name, "password": password})


def a_token(server: Server, name: str, password: str = PASSWORD) -> str:
    answer = log_in(server, name, password)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["result"]["token"])


def a_person(server: Server, name: str, permissions: str = "read,trade", **more: object) -> str:
    """Make a person with an account and money, unless there is one; return the name."""
    boss = operator(server)
    boss.ask("POST", "/v1/admin/accounts", {"name": name})
    money = {"asset": "USD", "qty": "1000.00", "request_id": "1"}
    assert boss.ask("POST", f"/v1/admin/accounts/{name}/deposits", money).is_success
    key = {"key_id": name, "scheme": "password", "password": PASSWORD}
    params = {**key, "permissions": permissions.split(","), **more}
    made = boss.ask("POST", f"/v1/admin/accounts/{name}/keys", params)
    assert made.status_code == 200, made.text
    assert "secret" not in made.json()["result"]
    return name


def orders(server: Server, token: str) -> httpx.Response:
    return ask(server, "GET", "/v1/orders", token)


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(claims: Mapping[str, object], header: Mapping[str, str] | None = None) -> str:
    """A token as the node signs it: who has the master key can."""
    key = hmac.new(bytes.fromhex(MASTER_KEY), b"coulisse-token-v1\x01", hashlib.sha256).digest()
    head = {"alg": "HS256", "typ": "JWT"} if header is None else header
    parts = [_b64(json.dumps(one, separators=(",", ":")).encode()) for one in (head, claims)]
    text = ".".join(parts)
    return f"{text}.{_b64(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One node for all tests that leave it whole."""
    home = tmp_path_factory.mktemp("people")
    running = launch(SERVE, environment(home, **CHEAP), home)
    yield running
    assert running.stop() == 0


def test_a_password_gives_a_token_that_trades(server: Server) -> None:
    name = a_person(server, "ann")
    opened = log_in(server, name)
    result = opened.json()["result"]
    assert (result["account"], result["key_id"]) == (name, name)
    assert result["permissions"] == ["read", "trade"]
    claims = claims_of(result["token"])
    assert (claims["sub"], claims["aud"], claims["permissions"]) == (
        name,
        "coulisse",
        ["read", "trade"],
    )
    assert (
        claims["exp"] - claims["iat"] == 900 and claims["exp"] * 1_000_000 == result["expire_time"]
    )
    placed = post(server, "/v1/orders", ORDER, result["token"])
    assert placed.json()["result"]["state"] == "open", placed.text
    assert len(orders(server, result["token"]).json()["result"]["orders"]) == 1
    assert code(post(server, "/v1/admin/groups", {"name": "g"}, result["token"]))[0] == 403


def test_a_wrong_password_and_an_unknown_name_are_told_the_same_in_the_same_time(
    start: Start,
) -> None:
    server = start(*SERVE)
    name = a_person(server, "bea")
    said, took = {}, {name: math.inf, UNKNOWN_NAME: math.inf}
    # By turns, and the quickest of each: what else this machine does is in neither.
    for who in (name, UNKNOWN_NAME) * 8:
        began = time.perf_counter()
        answer = log_in(server, who, "not the right one")
        took[who] = min(took[who], time.perf_counter() - began)
        assert code(answer) == (401, "LOGON_FAILED")
        refused = answer.json()["error"]
        said[who] = {**refused, "t_in": None, "t_out": None}
        assert refused["t_in"] <= refused["t_out"]
    assert said[name] == said[UNKNOWN_NAME]
    # A hash takes tens of ms: who skipped it would be some ten times as fast.
    assert 1 / 3 < took[UNKNOWN_NAME] / took[name] < 3, took


def test_a_name_that_is_tried_too_often_waits_whoever_it_is(server: Server) -> None:
    name = a_person(server, "cyd")
    for who in (name, "nobody-either"):
        codes = [code(log_in(server, who, "wrong wrong wrong")) for _ in range(11)]
        assert codes == [(401, "LOGON_FAILED")] * 10 + [(429, "RATE_LIMITED")]
        error = log_in(server, who, PASSWORD).json()["error"]
        assert error["code"] == "RATE_LIMITED" and 0 < error["retry_after_ms"] <= 10_000


def test_short_passwords_are_refused_without_being_repeated(server: Server) -> None:
    boss = operator(server)
    params = {
        "key_id": "dan",
        "permissions": ["read"],
        "scheme": "password",
        "password": "tooshort1",
    }
    answer = boss.ask("POST", "/v1/admin/accounts/operator/keys", params)
    assert code(answer) == (400, "PASSWORD_TOO_SHORT") and "tooshort1" not in answer.text
    assert answer.json()["error"]["limit"] == "12"
    for bad in ("é" * 65, 7_777_777_777_777, ["x1y2z3"], ""):
        answer = log_in(server, "dan", bad)  # type: ignore[arg-type]
        assert answer.status_code == 400, answer.text
        assert not str(bad) or str(bad)[:10] not in answer.text
    broken = b'{"name":"dan","password":"hunter2\\q"}'
    answer = httpx.post(f"{server.http}/v1/sessions", content=broken, verify=False)
    assert code(answer) == (400, "BAD_JSON") and "hunter2" not in answer.text
    answer = post(server, "/v1/sessions?name=dan&password=hunter2hunter2", None)
    assert code(answer) == (400, "UNKNOWN_FIELD") and "hunter2" not in answer.text


def test_no_changed_forged_or_foreign_token_is_taken(server: Server) -> None:
    token = a_token(server, a_person(server, "eve"))
    good = claims_of(token)
    assert orders(server, signed(good)).is_success, "the test signs as the node does"
    head, payload, signature = token.split(".")
    none = _b64(b'{"alg":"none","typ":"JWT"}')
    admin = _b64(json.dumps({**good, "permissions": ["admin"]}, separators=(",", ":")).encode())
    bad = {
        "no signature": f"{head}.{payload}.",
        "alg none": f"{none}.{payload}.",
        "alg none, signed": f"{none}.{payload}.{signature}",
        "other claims": f"{head}.{admin}.{signature}",
        "two parts": f"{head}.{payload}",
        "alg HS512": signed(good, {"alg": "HS512", "typ": "JWT"}),
        "alg EdDSA": signed(good, {"alg": "EdDSA", "typ": "JWT"}),
        "other audience": signed({**good, "aud": "elsewhere"}),
        "other issuer": signed({**good, "iss": "elsewhere"}),
        "another's name": signed({**good, "sub": "operator"}),
        "unknown name": signed({**good, "sub": UNKNOWN_NAME}),
        "other key": signed({**good, "key": good["key"] + 1}),
        "a password": PASSWORD,
    }
    for what, forged in bad.items():
        answer = orders(server, forged)
        assert code(answer) == (401, "LOGON_FAILED"), f"{what}: {answer.text}"
        assert forged not in answer.text
    before = {**good, "pwd": "0" * 16}
    assert code(orders(server, signed(before))) == (401, "SESSION_OVER")
    both = operator(server).signed("GET", "/v1/orders")
    both["Authorization"] = f"Bearer {token}"
    answer = httpx.get(f"{server.http}/v1/orders", headers=both, verify=False)
    assert code(answer) == (400, "INVALID_VALUE")
    basic = {"Authorization": "Basic YTpi"}
    answer = httpx.get(f"{server.http}/v1/orders", headers=basic, verify=False)
    assert code(answer) == (401, "NOT_LOGGED_ON")


async def test_a_token_is_over_in_time_and_so_is_its_socket(start: Start) -> None:
    server = start(*SERVE, **CHEAP, COULISSE_PEOPLE__TOKEN_S="2", COULISSE_PEOPLE__SESSION_S="3")
    token = a_token(server, a_person(server, "fay"))
    session = Session(lambda message: None)
    await session.open(Credentials(server.http, None, token, scheme="token"))
    refreshed = await asyncio.to_thread(post, server, "/v1/sessions/current", None, token)
    assert refreshed.is_success, refreshed.text
    result = refreshed.json()["result"]
    assert result["expire_time"] <= result["session_expire_time"]
    await asyncio.wait_for(session.ended.wait(), 10)
    assert session.end_reason.endswith("the token's time is over\"")
    assert code(orders(server, token)) == (401, "TOKEN_EXPIRED")
    deadline = time.monotonic() + 10
    while orders(server, result["token"]).is_success:
        assert time.monotonic() < deadline
    assert code(orders(server, result["token"])) == (401, "TOKEN_EXPIRED")
    again = post(server, "/v1/sessions/current", None, result["token"])
    assert code(again) == (401, "TOKEN_EXPIRED")


async def test_a_client_with_a_password_lives_on_over_its_tokens(start: Start) -> None:
    server = start(*SERVE, **CHEAP, COULISSE_PEOPLE__TOKEN_S="2")
    name = a_person(server, "gus")
    async with await Client.connect(server.http, key_id=name, password=PASSWORD) as client:
        await asyncio.sleep(3.5)
        placed = await client.place("BTC-USD", "buy", "0.01", price="10.00")
        assert isinstance(placed, OrderResult) and client.reconnect_count == 0
        await client.change_password(PASSWORD, OTHER)
        assert await client.open_positions() == [] and client.reconnect_count == 1
    with pytest.raises(LogonFailed):
        await Client.connect(server.http, key_id=name, password=PASSWORD)


@pytest.mark.parametrize("way", ["revoke", "set", "change", "logout", "bind"])
async def test_a_session_ends_with_its_password_or_its_logout_within_a_second(
    server: Server, way: str
) -> None:
    name = a_person(server, f"hal-{way}")
    token, boss = a_token(server, name), operator(server)
    session = Session(lambda message: None)
    await session.open(Credentials(server.http, None, token, scheme="token"))
    acts: dict[str, Callable[[], httpx.Response]] = {
        "revoke": lambda: boss.ask("DELETE", f"/v1/admin/keys/{name}"),
        "set": lambda: boss.ask("POST", f"/v1/admin/keys/{name}/password", {"password": OTHER}),
        "change": lambda: post(
            server, "/v1/password", {"password": PASSWORD, "new_password": OTHER}, token
        ),
        "logout": lambda: ask(server, "DELETE", "/v1/sessions/current", token),
        "bind": lambda: boss.ask("PATCH", f"/v1/admin/keys/{name}", {"networks": ["10.0.0.0/8"]}),
    }
    answer = await asyncio.to_thread(acts[way])
    assert answer.is_success, answer.text
    await asyncio.wait_for(session.ended.wait(), WITHIN_S)
    wanted = {"revoke": (401, "KEY_REVOKED"), "bind": (403, "NOT_PERMITTED")}
    assert code(orders(server, token)) == wanted.get(way, (401, "SESSION_OVER"))
    if way in ("set", "change"):
        assert code(log_in(server, name)) == (401, "LOGON_FAILED")
        assert log_in(server, name, OTHER).is_success
    elif way == "revoke":
        assert code(log_in(server, name)) == (401, "LOGON_FAILED")
    elif way == "logout":
        assert orders(server, a_token(server, name)).is_success, "another session lives"


async def test_on_a_socket_the_reply_to_the_logout_comes_before_the_end(server: Server) -> None:
    name = a_person(server, "ida")
    token = a_token(server, name)
    session = Session(lambda message: None)
    await session.open(Credentials(server.http, None, token, scheme="token"))
    ended = await session.request("session.end", {})
    assert isinstance(ended, dict) and ended["seq"]
    await asyncio.wait_for(session.ended.wait(), 10)
    assert code(orders(server, token)) == (401, "SESSION_OVER")


def test_the_old_password_must_be_right_to_change_it(server: Server) -> None:
    name = a_person(server, "jan")
    token = a_token(server, name)
    wrong = post(server, "/v1/password", {"password": OTHER, "new_password": OTHER}, token)
    assert code(wrong) == (401, "LOGON_FAILED")
    assert orders(server, token).is_success and log_in(server, name).is_success


def test_what_a_person_may_follows_the_key_and_not_the_token(server: Server) -> None:
    boss = operator(server)
    name = a_person(server, "kay", permissions="read")
    token = a_token(server, name)
    assert code(post(server, "/v1/orders", ORDER, token)) == (403, "NOT_PERMITTED")
    assert code(ask(server, "GET", "/v1/orders?account=operator", token))[0] == 404
    bound = boss.ask("PATCH", f"/v1/admin/keys/{name}", {"accounts": ["operator"]})
    assert bound.is_success
    assert ask(server, "GET", "/v1/orders?account=operator", token).is_success


def test_a_logout_holds_over_a_restart_and_a_snapshot(start: Start) -> None:
    server = start(*SERVE, **CHEAP, COULISSE_PROJECTOR__SNAPSHOT_INTERVAL_S="1")
    name = a_person(server, "lea")
    over, lives = a_token(server, name), a_token(server, name)
    ended = ask(server, "DELETE", "/v1/sessions/current", over).json()["result"]["seq"]
    until(server, lambda said: said["snapshot_seq"] >= ended)
    assert server.stop() == 0
    again = start(*SERVE, **CHEAP)
    assert code(orders(again, over)) == (401, "SESSION_OVER")
    assert orders(again, lives).is_success
    assert log_in(again, name).is_success
    again.process.terminate()
    assert ready_line(again)["snapshot_seq"] >= ended


def test_two_workers_take_each_others_tokens_and_refuse_them_together(start: Start) -> None:
    server = start(*SERVE, "--workers", "2", **CHEAP)
    name = a_person(server, "mia")
    token = a_token(server, name)
    with link_to(server, 1) as one, link_to(server, 2) as two:

        def said(link: HTTPConnection, method: str, target: str, using: str) -> tuple[int, str]:
            link.request(method, target, headers={"Authorization": f"Bearer {using}"})
            answer = link.getresponse()
            body = json.load(answer)
            return answer.status, str(body.get("error", {}).get("code", ""))

        assert [said(link, "GET", "/v1/orders", token) for link in (one, two)] == [(200, "")] * 2
        assert said(one, "DELETE", "/v1/sessions/current", token) == (200, "")
        assert said(one, "GET", "/v1/orders", token) == (401, "SESSION_OVER")
        deadline = time.monotonic() + WITHIN_S
        while said(two, "GET", "/v1/orders", token) != (401, "SESSION_OVER"):
            assert time.monotonic() < deadline
        changed = operator(server).ask(
            "POST", f"/v1/admin/keys/{name}/password", {"password": OTHER}
        )
        assert changed.is_success, changed.text
        for link in (one, two):
            opened: dict[str, Any] = {"ok": False}
            deadline = time.monotonic() + WITHIN_S
            # It was asked of one worker; the other knows it when its record is there.
            while not opened["ok"]:
                assert time.monotonic() < deadline, opened
                proof = json.dumps({"name": name, "password": OTHER})
                link.request("POST", "/v1/sessions", body=proof)
                opened = json.load(link.getresponse())
            token = opened["result"]["token"]
            assert said(two, "GET", "/v1/orders", token) == (200, "")
    assert server.stop() == 0


async def test_a_storm_of_logons_is_told_to_come_again_and_orders_go_on(start: Start) -> None:
    server = start(*SERVE, COULISSE_PEOPLE__WAITING_MAX="4")
    name = a_person(server, "ned")
    stop, codes = threading.Event(), []

    def storm() -> None:
        with httpx.Client(base_url=server.http, verify=False, timeout=30) as http:
            while not stop.is_set():
                answer = http.post("/v1/sessions", json={"name": name, "password": PASSWORD})
                codes.append((answer.status_code, answer.json().get("error", {}).get("code")))

    async with await Client.connect(server.http, key_id=name, password=PASSWORD) as client:
        async with asyncio.TaskGroup() as storms:
            for _ in range(8):
                storms.create_task(asyncio.to_thread(storm))
            placed = 0
            try:
                while placed < 200 or not {(503, "RETRY_LOGON"), (200, None)} <= set(codes):
                    done = await client.place("BTC-USD", "buy", "0.01", price="0.01")
                    assert isinstance(done, OrderResult), done
                    assert isinstance(await client.cancel(done.order_id), OrderResult)
                    placed += 1
                    assert placed < 20_000
            finally:
                stop.set()
    opened = sum(one == (200, None) for one in codes)
    assert set(codes) <= {(200, None), (503, "RETRY_LOGON")}, set(codes)
    # An order that waited for a password would come no oftener than passwords do.
    assert placed > opened, (placed, opened)


def test_people_are_made_and_given_passwords_on_the_command_line(server: Server) -> None:
    environ = {**server.environ, "COULISSE_KEY_FILE": str(server.credentials)}

    def run(password: str, *arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, "admin", *arguments], env=environ, input=password + "\n",
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pia may log on" in run(PASSWORD, "person-create", "operator", "pia")
    assert log_in(server, "pia").is_success
    assert run(OTHER, "password-set", "pia").startswith("pia: password set")
    assert log_in(server, "pia", OTHER).is_success
    assert code(log_in(server, "pia")) == (401, "LOGON_FAILED")
