"""Signs what `schemathesis` sends; its command line loads this file (SCHEMATHESIS_HOOKS).

What is signed is the request as it leaves, so that no generated path, header or body can differ
from it. The key is in COULISSE_KEY_FILE, as for our own command line.

Requests that are to be of the documented form are also made to be about what there is in the node:
else nearly all would be refused for a name that nobody has. What is to be wrong stays as it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, MutableMapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response
from schemathesis.auths import RequestsAuth
from schemathesis.core.parameters import ParameterLocation

from coulisse.client.credentials import load_credentials
from coulisse.client.keys import sign_rest

SEQ_MAX = 2**53 - 1
WAITED_IN_VAIN = "SEQ_NOT_REACHED"
"""The one answer with 503 that a client may ask for: a `min_seq` that the log has not reached."""

ORDER = {"symbol": "BTC-USD", "side": "buy", "qty": "0.0001", "price": "10.00"}
KEY = {"permissions": ["read"], "scheme": "hmac_sha256"}
MONEY = {"asset": "USD", "qty": "0.01"}
ALICE = {"scope": "account", "scope_id": "alice"}


class Signature(AuthBase):
    """Signs each request with one key."""

    def __init__(self, key_file: Path) -> None:
        """Read the key."""
        self._key = load_credentials(key_file)
        self._nonces = count(time.time_ns() // 1_000)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put the headers in, over those that stand there."""
        assert request.url and request.method and self._key.key_id and self._key.private_key
        body = request.body or b""
        assert isinstance(body, str | bytes), "no body is sent in parts"
        headers = sign_rest(
            self._key.private_key,
            scheme=self._key.scheme,
            host=urlsplit(request.url).netloc,
            key_id=self._key.key_id,
            method=request.method,
            target=request.path_url,
            body=body.encode() if isinstance(body, str) else body,
            timestamp_us=time.time_ns() // 1_000,
            nonce=next(self._nonces),
        )
        request.headers.update(headers)
        return request


SIGNATURE = Signature(Path(os.environ["COULISSE_KEY_FILE"]))


@schemathesis.auth(refresh_interval=None)
class Signed:
    """Lets every request be signed but those whose headers are to be wrong."""

    def get(self, case: Case[Any], context: AuthContext) -> AuthBase:
        """Return the key."""
        return SIGNATURE

    def set(self, case: Case[Any], data: AuthBase, context: AuthContext) -> None:
        """Sign the request when it is made."""
        if case.meta is None or not case.meta.is_negative_at(ParameterLocation.HEADER):
            RequestsAuth[AuthBase](data).set(case, data, context)


class World:
    """What there is in the node, put where a request names something."""

    def __init__(self) -> None:
        """Begin with ids that nobody has used."""
        self._fresh = count(1)
        self._http = requests.Session()

    def settle(self, case: Case[Any]) -> None:
        """Change a sound request so that it can be done."""
        for name in ("account", "deadline"):
            case.query.pop(name, None)
        path = case.operation.path
        # Orders go on where no operator halts anything.
        symbol = "ETH-USD" if path.startswith("/v1/admin/") else "BTC-USD"
        known = {"account": "alice", "symbol": symbol} | self._made_for(case)
        _put(case.path_parameters, known)
        _put(case.query, known)
        if isinstance(case.body, dict):
            self._settle_body(case.body, path, known)

    def _made_for(self, case: Case[Any]) -> dict[str, str]:
        """Make what a request is to name; return its names."""
        unused = f"{next(self._fresh):x}"
        path, name = case.operation.path, f"x{unused}"
        own = {"request_id": f"c0de{unused}", "name": name}
        match path.split("/")[2:]:
            case ["orders", _, *_] | ["order_replacements"]:
                made = self._ask(case, "/v1/orders", ORDER | {"client_order_id": name})
                own |= {part: made.get(part, "1") for part in ("order_id", "client_order_id")}
            case ["admin", "keys", _]:
                self._ask(case, "/v1/admin/accounts/alice/keys", KEY | {"key_id": name})
                own["key_id"] = name
            case ["withdrawals", _] | ["admin", "withdrawals", _, _]:
                asked = MONEY | {"request_id": f"ab{unused}"}
                admin = "/v1/admin/accounts/alice/withdrawals"
                made = self._ask(case, admin if "admin" in path else "/v1/withdrawals", asked)
                own["withdrawal_id"] = made.get("withdrawal_id", "1")
            case ["admin", "accounts", _, "keys"]:
                own["key_id"] = name
            case ["admin", "kill_resets"]:
                self._ask(case, "/v1/admin/kill_switches", ALICE)
            case ["admin", "assets"]:
                own["name"] = name.upper()
            case ["admin", "instruments"]:
                self._ask(case, "/v1/admin/assets", {"name": name.upper(), "scale": 8})
                own["symbol"] = f"{name.upper()}-USD"
        return own

    def _ask(self, case: Case[Any], path: str, params: Mapping[str, Any]) -> dict[str, str]:
        url = f"{(case.operation.base_url or '').rstrip('/')}{path}"
        answer = self._http.post(url, json=dict(params), auth=SIGNATURE)
        # So many withdrawals may be pending, for instance: then the request is refused as well.
        result: dict[str, str] = answer.json().get("result", {})
        return result

    def _settle_body(self, body: dict[str, Any], path: str, known: dict[str, str]) -> None:
        _put(body, known | {f"cancel_{name}": value for name, value in known.items()})
        if path == "/v1/order_replacements" and "client_order_id" in body:
            body["client_order_id"] = f"y{next(self._fresh)}"
        if path.endswith("/auction"):
            now_us = time.time_ns() // 1_000
            body |= {"start_time": now_us + 10**9, "end_time": now_us + 2 * 10**9}
        if path.endswith("/withdrawal_caps"):
            # Below a cap none would be pending.
            body["cap"] = "0"
        if "scope" in body:
            # The firm's own switch would end all that comes after it.
            body |= ALICE


def _put(part: MutableMapping[str, Any], known: Mapping[str, str]) -> None:
    for name in part.keys() & known.keys():
        part[name] = known[name]


WORLD = World()


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, object]) -> None:
    """Let a sound request be about what there is, and none wait for a seq that never comes."""
    awaited = str(case.query.get("min_seq", ""))
    if awaited.isdecimal() and int(awaited) <= SEQ_MAX:
        case.query["min_seq"] = "1"
    if case.meta is not None and case.meta.generation.mode.is_positive:
        WORLD.settle(case)


@schemathesis.check
def no_fault_of_the_node(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """No answer says 5xx, but that a seq was waited for in vain."""
    if response.status_code == 503:
        assert json.loads(response.content)["error"]["code"] == WAITED_IN_VAIN, response.content
    else:
        assert response.status_code < 500, response.content
