"""The REST side against its own OpenAPI document, as `schemathesis` reads it.

Every operation is asked for, the private and the administrative ones with signatures: as the
examples of the document say, at the edges of what it allows, past them, without a signature, with
methods that it does not name, and in sequences.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from coulisse.client.credentials import write_credentials

from .conftest import Server, Start
from .test_private_rest import Key, operator

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs" / "protocol"
PROGRAM = Path(sys.executable).parent / "schemathesis"
# Which fields exclude or need each other, and what there is in the node, no schema says: what it
# allows may be refused. Faults of the node are told from answers by a check of the hooks.
LEFT_OUT = "positive_data_acceptance,not_a_server_error"
# The examples of the document are what the others begin with.
PHASES = "coverage,fuzzing,stateful"
CASES_MIN = 2_500
REPEATED = ("--seed", "1", "--generation-deterministic")
NOT_BY_A_KEY = {
    "POST /v1/admin/accounts/{account}/withdrawals",
    "POST /v1/admin/withdrawals/{withdrawal_id}/approval",
    "POST /v1/admin/withdrawals/{withdrawal_id}/rejection",
    "DELETE /v1/withdrawals/{withdrawal_id}",
    "POST /v1/admin/keys/{key_id}/password",
    "POST /v1/password",
    "POST /v1/sessions",
    "POST /v1/sessions/current",
    "DELETE /v1/sessions/current",
}
"""What takes a password, a second person, or a place among what waits for one: a single key, which
signs, asks for all. Each has tests of its own."""
EVERY_RIGHT = {"permissions": ["read", "trade", "withdraw", "admin"], "scheme": "hmac_sha256"}


@dataclass(frozen=True)
class Outcome:
    """What a run has found."""

    code: int
    said: str
    report: dict[str, Any]

    @property
    def never_accepted(self) -> list[str]:
        """Operations whose requests were all refused."""
        rates = self.report["valid_rates"].items()
        return [
            name
            for name, phases in rates
            if not sum(phase["accepted"] for phase in phases.values())
        ]


def _run(url: str, cwd: Path, key_file: Path, *arguments: str, timeout_s: int = 240) -> Outcome:
    report = cwd / "report.json"
    command = [
        str(PROGRAM), "run", url, "--exclude-checks", LEFT_OUT, "--phases", PHASES,
        "--report", "json", "--report-json-path", str(report), *arguments,
    ]  # fmt: skip
    more = {
        "COULISSE_KEY_FILE": str(key_file),
        "SCHEMATHESIS_HOOKS": "tests.integration.signing_hooks",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | more, capture_output=True, text=True, timeout=timeout_s
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    return Outcome(done.returncode, done.stdout[-12_000:] + done.stderr[-2_000:], found)


def _a_node_with_a_key_for_all(start: Start, tmp_path: Path) -> tuple[Server, Path]:
    """A node in which the examples of the document can be followed, and the key that does it."""
    server = start("serve", "--port", "0", "--durability", "os", COULISSE_GATEWAY__KEY_RATE="0")
    boss = operator(server)
    for name in ("alice", "operator"):
        boss.ask("POST", "/v1/admin/accounts", {"name": name})
        money = {"asset": "USD", "qty": "100000.00", "request_id": "1"}
        assert boss.ask("POST", f"/v1/admin/accounts/{name}/deposits", money).is_success
    assert boss.ask("POST", "/v1/admin/groups", {"name": "desk"}).is_success
    steps = {"symbol": "ETH-USD", "tick_size": "0.01", "lot_size": "0.0001"}
    assert boss.ask("POST", "/v1/admin/instruments", steps).status_code in (200, 409)
    base = {"asset": "BTC", "qty": "10", "request_id": "2"}
    assert boss.ask("POST", "/v1/admin/accounts/operator/deposits", base).is_success
    wanted = {"key_id": "every-right", **EVERY_RIGHT}
    made = boss.ask("POST", "/v1/admin/accounts/operator/keys", wanted)
    assert made.is_success, made.text
    key = Key(server, "every-right", made.json()["result"]["secret"], "hmac_sha256")
    key_file = tmp_path / "every-right.toml"
    write_credentials(key_file, key.credentials())
    return server, key_file


def _check_all(start: Start, tmp_path: Path, *arguments: str, timeout_s: int) -> Outcome:
    server, key_file = _a_node_with_a_key_for_all(start, tmp_path)
    document = f"{server.http}/docs/openapi.json"
    done = _run(document, tmp_path, key_file, *arguments, timeout_s=timeout_s)
    assert done.code == 0, done.said
    operations, cases = done.report["operations"], done.report["test_cases"]
    assert operations["tested"] == operations["total"] >= 42, operations
    assert cases["generated"] >= CASES_MIN and cases["errored"] == 0, cases
    return done


# Some 25 s; on a machine that others load it takes as long as they let it.
@pytest.mark.begins_first
@pytest.mark.timeout(900)
def test_every_operation_answers_as_the_document_says(start: Start, tmp_path: Path) -> None:
    done = _check_all(start, tmp_path, *REPEATED, "--max-examples", "5", timeout_s=880)
    # What is refused for a name that nobody has is never really looked at.
    assert set(done.never_accepted) <= NOT_BY_A_KEY, done.never_accepted


@pytest.mark.torture
def test_every_operation_answers_as_the_document_says_for_long(
    start: Start, tmp_path: Path
) -> None:
    seed = os.environ.get("COULISSE_SEED") or str(random.SystemRandom().getrandbits(32))
    print("COULISSE_SEED", seed)
    drawn = ("--seed", seed, "--generation-database", "none")
    _check_all(start, tmp_path, *drawn, "--max-examples", "300", timeout_s=3_600)


SECURITY: list[dict[str, list[str]]] = [
    {"Coulisse-Key": [], "Coulisse-Timestamp": [], "Coulisse-Signature": []}
]


def _a_field_that_no_answer_has(paths: dict[str, Any]) -> None:
    answer = paths["/v1/balances"]["get"]["responses"]["200"]["content"]["application/json"]
    answer["schema"]["properties"]["result"]["required"].append("interest")


def _a_status_that_is_not_named(paths: dict[str, Any]) -> None:
    del paths["/v1/orders"]["post"]["responses"]["400"]


def _a_signature_that_is_not_asked_for(paths: dict[str, Any]) -> None:
    paths["/v1/instruments"]["get"]["security"] = SECURITY


def _a_method_that_is_not_named(paths: dict[str, Any]) -> None:
    del paths["/v1/orders"]["get"]


def test_what_the_document_says_wrongly_is_found(start: Start, tmp_path: Path) -> None:
    server, key_file = _a_node_with_a_key_for_all(start, tmp_path)
    told = httpx.get(f"{server.http}/docs/openapi.json").json()
    planted = {
        "ST103 Undocumented status code": _a_status_that_is_not_named,
        "ST108 Response violates schema": _a_field_that_no_answer_has,
        "ST205 Allow header mismatch": _a_method_that_is_not_named,
        "ST401 API accepts invalid authentication": _a_signature_that_is_not_asked_for,
    }
    for plant in planted.values():
        plant(told["paths"])
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(told))
    paths = [f"--include-path={path}" for path in ("/v1/orders", "/v1/balances", "/v1/instruments")]
    only = (*REPEATED, "--max-examples", "1", *paths, "--url", server.http)
    done = _run(str(document), tmp_path, key_file, *only, "--continue-on-failure")
    assert done.code == 1
    missed = [title for title in planted if title not in done.said]
    assert not missed, (missed, done.said)


def test_what_is_served_is_what_the_repository_shows(start: Start) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    for name in ("openapi.json", "asyncapi.json"):
        served = httpx.get(f"{server.http}/docs/{name}")
        assert served.json() == json.loads((DOCUMENTS / name).read_text()), name
    page = httpx.get(f"{server.http}/docs").text
    assert "/docs/asyncapi.json" in page and "cancel_order_id" in page
