"""Who may do what: every operation and private route, by every role, own, other and missing.

The tables are the node's own: an operation or a route that this test does not know fails it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from coulisse import _core
from coulisse.client.credentials import Credentials
from coulisse.client.session import Session
from coulisse.domain.outcomes import Rejected
from tests.documents import assert_documented_answer

from .conftest import Server, environment, launch
from .test_people import CHEAP, PASSWORD, a_token, ask
from .test_private_rest import SERVE, Key, operator

ROLES = ("read", "trade", "withdraw", "admin")
DENIED = frozenset({"NOT_PERMITTED", "NOT_LOGGED_ON"})
NOBODY: dict[str, object] = {"scope": "account", "scope_id": "nobody"}
ORDER: dict[str, object] = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "10.00"}
LEGS = [
    {"side": "sell", "qty": "0.01", "price": "66000.00"},
    {"side": "sell", "type": "stop", "qty": "0.01", "trigger_price": "57000.00"},
]
# What each operation is asked with. Where it is done, it must not change who may do what.
PARAMS: dict[str, dict[str, object]] = {
    "session.logon": {"key_id": "nobody", "signature": "00" * 64},
    "session.open": {"name": "person-read", "password": PASSWORD},
    "session.refresh": {},
    "session.end": {},
    "password.change": {"password": "not this one", "new_password": "another one, longer"},
    "session.logoff": {},
    "session.resume": {"orders": 1},
    "session.cancel_on_disconnect": {"enabled": False},
    "order.place": ORDER,
    "order.place_batch": {"orders": [ORDER]},
    "order.test": ORDER,
    "order.cancel": {"order_id": "1"},
    "order.amend": {"order_id": "1", "qty": "0.02"},
    "order.replace": {**ORDER, "cancel_order_id": "1"},
    "order.place_list": {"kind": "oco", "symbol": "BTC-USD", "legs": LEGS},
    "order.cancel_all": {"symbol": "BTC-USD"},
    "order.cancel_after": {"timeout": 0},
    "orders.open": {},
    "fills.get": {},
    "orders.history": {},
    "fills.history": {},
    "ledger.get": {},
    "balances.get": {},
    "positions.get": {},
    "account.deposit": {"asset": "USD", "qty": "1.00", "request_id": "d1"},
    "account.withdraw": {"request_id": "d2", "asset": "USD", "qty": "0.01"},
    "withdrawals.get": {},
    "withdrawal.cancel": {"withdrawal_id": "1"},
    "withdrawals.pending": {},
    "withdrawal.approve": {"withdrawal_id": "1"},
    "withdrawal.reject": {"withdrawal_id": "1"},
    "withdrawal_caps.get": {},
    "withdrawal_cap.set": {"asset": "USD", "cap": "0"},
    "account.create": {"name": "alice"},
    "asset.create": {"name": "BTC", "scale": 8},
    "instrument.create": {"symbol": "BTC-USD", "tick_size": "0.01", "lot_size": "0.00001"},
    "key.create": {"key_id": "UPPER", "permissions": ["read"], "public_key": "d7" * 32},
    "key.bind": {"key_id": "nobody"},
    "key.revoke": {"key_id": "nobody"},
    "password.set": {"key_id": "nobody", "password": "another one, longer"},
    "keys.get": {},
    "accounts.get": {},
    "groups.get": {},
    "limits.get": {},
    "fee_tiers.get": {},
    "group.create": {"name": "UPPER"},
    "account.configure": {},
    "instrument.configure": {"symbol": "BTC-USD"},
    "instrument.state": {"symbol": "BTC-USD", "state": "open"},
    "mark.set": {"symbol": "BTC-USD", "price": "10.00"},
    "fees.set_tier": {"asset": "USD", "tier": 1, "threshold": "none"},
    "limit.set": {**NOBODY, "kind": "open_orders", "limit": "1"},
    "risk.set_state": {**NOBODY, "state": "active"},
    "kill.switch": NOBODY,
    "kill.reset": {**NOBODY, "step": 1},
    "auction.schedule": {"symbol": "BTC-USD"},
    "subscribe": {"channel": "trades", "symbols": ["BTC-USD"]},
    "unsubscribe": {"channel": "trades", "symbols": ["BTC-USD"]},
    "ping": {},
    "time": {},
}
ACCESS = dict(_core.operations())
# Those whose `account` says for whom: the others have none in what they do.
FOR_AN_ACCOUNT = [
    name
    for name in PARAMS
    if name.startswith(
        ("order.", "orders.", "fills.", "balances.", "positions.", "keys.", "ledger.")
    )
    or name in ("session.resume", "account.configure", "key.create")
    or name in ("account.deposit", "account.withdraw", "withdrawals.get", "withdrawal.cancel")
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A node with the accounts alice and bob."""
    home = tmp_path_factory.mktemp("authorisation")
    running = launch(SERVE, environment(home, **CHEAP), home)
    boss = operator(running)
    for name in ("alice", "bob"):
        assert boss.ask("POST", "/v1/admin/accounts", {"name": name}).is_success
        money = {"asset": "USD", "qty": "1000.00", "request_id": "1"}
        boss.ask("POST", f"/v1/admin/accounts/{name}/deposits", money)
    yield running
    running.stop()


class Person:
    """A person who has logged on, as a key is asked with."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.token = a_token(server, name)

    def ask(
        self, method: str, target: str, params: Mapping[str, object] | None = None
    ) -> httpx.Response:
        return ask(self.server, method, target, self.token, params)

    def credentials(self) -> Credentials:
        return Credentials(self.server.http, None, self.token, scheme="token")


@pytest.fixture(scope="module")
def people(server: Server) -> dict[str, Person]:
    """A person of alice for each role."""
    boss = operator(server)
    for role in ROLES:
        proof = {"scheme": "password", "password": PASSWORD}
        params = {"key_id": f"person-{role}", "permissions": [role], **proof}
        made = boss.ask("POST", "/v1/admin/accounts/alice/keys", params)
        assert made.is_success, made.text
    return {role: Person(server, f"person-{role}") for role in ROLES}


@pytest.fixture(scope="module")
def keys(server: Server) -> dict[str, Key]:
    """A key of alice for each role, and one of bob that trades."""
    boss, made = operator(server), {}
    for account, role in [*(("alice", role) for role in ROLES), ("bob", "trade")]:
        params = {"key_id": f"{account}-{role}", "permissions": [role], "scheme": "hmac_sha256"}
        answer = boss.ask("POST", f"/v1/admin/accounts/{account}/keys", params)
        secret = answer.json()["result"]["secret"]
        name = role if account == "alice" else account
        made[name] = Key(server, f"{account}-{role}", secret, "hmac_sha256")
    return made


def test_every_operation_is_in_the_matrix_and_says_who_may() -> None:
    assert set(ACCESS) == set(PARAMS)
    assert set(ACCESS.values()) <= {"open", "logged_on", "person", *ROLES}
    assert {op for _, _, op in _core.rest_routes()} <= set(ACCESS)


def may(role: str, op: str, by: str = "signature") -> bool:
    return ACCESS[op] in ("open", "logged_on", role, "person" if by == "token" else "")


def code_of(result: object) -> str:
    """The code in what was done: that of the first order of a batch; empty where there is none."""
    orders = result.get("orders") if isinstance(result, dict) else None
    error = orders[0].get("error") if orders else None
    return str(error["code"]) if error else ""


async def answers(key: Key | Person, account: str | None) -> dict[str, str]:
    """The code of what each operation is answered with; empty where it is done."""
    session = Session(lambda message: None)
    await session.open(key.credentials())
    codes = {}
    # What ends the session comes last: what follows it would be another role's.
    last = "session.end" if isinstance(key, Person) else "session.logoff"
    for op in sorted(PARAMS, key=lambda op: op == last):
        if op == "session.logoff" and isinstance(key, Person):
            continue
        reply = await session.request(op, PARAMS[op], account)
        codes[op] = reply.code if isinstance(reply, Rejected) else code_of(reply)
    session.close()
    return codes


@pytest.mark.parametrize("by", ["signature", "token"])
@pytest.mark.parametrize("role", ROLES)
def test_operations_are_done_by_those_who_may_and_other_accounts_are_as_missing_ones(
    server: Server, keys: Mapping[str, Key], people: Mapping[str, Person], role: str, by: str
) -> None:
    def asker() -> Key | Person:
        return keys[role] if by == "signature" else Person(server, people[role].name)

    async def all_three() -> list[dict[str, str]]:
        return [await answers(asker(), account) for account in (None, "bob", "nobody")]

    own, other, missing = asyncio.run(all_three())
    for op, code in own.items():
        assert (code not in DENIED) == may(role, op, by), f"{op} by {role}, {by}: {code!r}"
    if role == "admin":
        return
    assert other == missing
    for op in FOR_AN_ACCOUNT:
        assert other[op] in ("UNKNOWN_ACCOUNT", "NOT_PERMITTED"), f"{op}: {other[op]!r}"


@pytest.mark.parametrize(("method", "path", "op"), _core.rest_routes())
def test_routes_are_served_to_those_who_may_and_nobody_else(
    server: Server,
    keys: Mapping[str, Key],
    people: Mapping[str, Person],
    method: str,
    path: str,
    op: str,
) -> None:
    params = dict(PARAMS[op])
    if "client_order_id" in path:
        params["client_order_id"] = params.pop("order_id")
    target = path.replace("{account}", "alice")
    for name in [name for name in params if f"{{{name}}}" in path]:
        target = target.replace(f"{{{name}}}", str(params.pop(name)))
    sent = None if method in ("GET", "DELETE") else params
    for role in ROLES:
        person = people[role] if op != "session.end" else Person(server, people[role].name)
        for by, asker in (("signature", keys[role]), ("token", person)):
            answer = asker.ask(method, target, sent)
            body = answer.json()
            code = code_of(body["result"]) if answer.is_success else body["error"]["code"]
            assert_documented_answer(method, path, answer.status_code, answer.json())
            told = f"{method} {path} by {role}, {by}: {code!r}"
            assert (code not in DENIED) == may(role, op, by), told
            refused = not answer.is_success
            assert (answer.status_code == 403) == (refused and code == "NOT_PERMITTED")
    body = b"" if sent is None else json.dumps(sent).encode()
    unsigned = httpx.request(method, server.http + target, content=body, verify=False)
    if ACCESS[op] == "open":
        assert unsigned.is_success
        return
    assert unsigned.status_code == 401
    assert unsigned.json()["error"]["code"] == "NOT_LOGGED_ON"


def test_another_ones_order_answers_exactly_as_one_that_does_not_exist(
    keys: Mapping[str, Key],
) -> None:
    placed = keys["bob"].ask("POST", "/v1/orders", {**ORDER, "client_order_id": "bobs"}).json()
    others, missing = placed["result"]["order_id"], "999999"
    trader = keys["trade"]

    def said(answer: httpx.Response, name: str) -> tuple[int, str]:
        timeless = re.sub(r'"(t_in|t_log|t_out)":\d+', r'"\1":0', answer.text)
        return answer.status_code, timeless.replace(name, "ID")

    for method, params in (("DELETE", None), ("PATCH", {"qty": "0.5"})):
        both = [
            said(trader.ask(method, f"/v1/orders/{one}", params), one) for one in (others, missing)
        ]
        assert both[0] == both[1] and both[0][0] == 404
    by_name = [
        said(trader.ask("DELETE", f"/v1/orders/by_client_id/{one}"), one)
        for one in ("bobs", "nobodys")
    ]
    assert by_name[0] == by_name[1] and by_name[0][0] == 404
