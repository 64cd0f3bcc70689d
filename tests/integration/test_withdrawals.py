"""Withdrawals and their second person, on real processes: REST, command line, feed, restart."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from coulisse import Client
from coulisse.client.credentials import write_credentials
from coulisse.client.session import Session
from tests.documents import assert_documented_answer

from .conftest import COMMAND, Server, environment, launch
from .test_private_rest import SERVE, Key, code, operator

CONFIG = '[[risk.withdrawal_caps]]\nasset = "USD"\ncap = "100"\n'
INSTRUMENT = '[[instruments]]\nsymbol = "BTC-USD"\ntick_size = "0.01"\nlot_size = "0.00001"\n'


@dataclass(slots=True)
class Firm:
    """A node, the operator who asks, another one who approves, and a customer."""

    server: Server
    boss: Key
    second: Key
    trader: Key
    others_file: Path

    def withdraw(self, qty: str, request_id: str) -> dict[str, Any]:
        money = {"asset": "USD", "qty": qty, "request_id": request_id}
        answer = self.trader.ask("POST", "/v1/withdrawals", money)
        assert answer.status_code == 200, answer.text
        assert_documented_answer("POST", "/v1/withdrawals", 200, answer.json())
        result: dict[str, Any] = answer.json()["result"]
        return result

    def settle(self, key: Key, which: str, how: str) -> httpx.Response:
        path = f"/v1/admin/withdrawals/{which}/{how}"
        answer = key.ask("POST", path, {})
        named = "/v1/admin/withdrawals/{withdrawal_id}/" + how
        assert_documented_answer("POST", named, answer.status_code, answer.json())
        return answer

    def usd(self) -> tuple[int, int]:
        """Available and held, in whole ones."""
        rows = self.trader.ask("GET", "/v1/balances").json()["result"]["balances"]
        (row,) = [row for row in rows if row["asset"] == "USD"]
        return int(Decimal(row["available"])), int(Decimal(row["held"]))


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    (tmp_path / "coulisse.toml").write_text(INSTRUMENT + CONFIG)
    server = launch((*SERVE, "--config", "coulisse.toml"), environment(tmp_path), tmp_path)
    boss, made = operator(server), {}
    for account, permissions in (("trader", ["read", "withdraw"]), ("second", ["admin"])):
        assert boss.ask("POST", "/v1/admin/accounts", {"name": account}).is_success
        params = {"key_id": f"{account}-1", "permissions": permissions, "scheme": "hmac_sha256"}
        answer = boss.ask("POST", f"/v1/admin/accounts/{account}/keys", params)
        secret = answer.json()["result"]["secret"]
        made[account] = Key(server, f"{account}-1", secret, "hmac_sha256")
    money = {"asset": "USD", "qty": "1000.00", "request_id": "1"}
    assert boss.ask("POST", "/v1/admin/accounts/trader/deposits", money).is_success
    others_file = tmp_path / "second.toml"
    write_credentials(others_file, made["second"].credentials())
    whole = Firm(server, boss, made["second"], made["trader"], others_file)
    yield whole
    whole.server.stop()


def test_up_to_the_cap_it_goes_at_once_and_beyond_a_second_person_lets_it_go(firm: Firm) -> None:
    assert firm.withdraw("60.00", "a1")["state"] == "settled"
    waiting = firm.withdraw("60.00", "a2")
    assert waiting["state"] == "pending" and waiting["expire_time"] > waiting["t_log"]
    assert firm.usd() == (880, 60)
    again = firm.withdraw("60.00", "a2")
    assert again["duplicate"] is True and str(again["first_seq"]) == waiting["withdrawal_id"]
    conflict = firm.trader.ask(
        "POST", "/v1/withdrawals", {"asset": "USD", "qty": "61", "request_id": "a2"}
    )
    assert code(conflict) == (409, "REQUEST_ID_CONFLICT")
    which = waiting["withdrawal_id"]
    for path, key in (("/v1/withdrawals", firm.trader), ("/v1/admin/withdrawals", firm.second)):
        (row,) = key.ask("GET", path).json()["result"]["withdrawals"]
        assert (row["withdrawal_id"], row["account"]) == (which, "trader")
        assert Decimal(row["qty"]) == 60
        assert (row["asked_by"], row["request_id"]) == ("trader-1", "a2")
    assert code(firm.settle(firm.trader, which, "approval")) == (403, "NOT_PERMITTED")
    assert firm.settle(firm.second, which, "approval").json()["result"]["state"] == "approved"
    assert code(firm.settle(firm.second, which, "approval")) == (404, "UNKNOWN_WITHDRAWAL")
    assert firm.usd() == (880, 0)


def test_who_asks_for_another_account_does_not_approve_and_pages_have_each_once(
    firm: Firm,
) -> None:
    path = "/v1/admin/accounts/trader/withdrawals"
    made = [
        firm.boss.ask("POST", path, {"asset": "USD", "qty": f"20{n}", "request_id": f"b{n}"})
        for n in range(3)
    ]
    ids = [answer.json()["result"]["withdrawal_id"] for answer in made]
    assert code(firm.settle(firm.boss, ids[0], "approval")) == (403, "SECOND_PERSON_NEEDED")
    first = firm.boss.ask("GET", "/v1/admin/withdrawals?limit=2").json()["result"]
    rest = firm.boss.ask("GET", f"/v1/admin/withdrawals?cursor={first['next_cursor']}").json()
    rows = first["withdrawals"] + rest["result"]["withdrawals"]
    assert [row["withdrawal_id"] for row in rows] == ids
    assert firm.settle(firm.boss, ids[0], "rejection").json()["result"]["state"] == "rejected"
    taken_back = firm.trader.ask("DELETE", f"/v1/withdrawals/{ids[1]}")
    assert taken_back.json()["result"]["state"] == "cancelled"
    assert firm.settle(firm.second, ids[2], "approval").is_success
    assert firm.usd() == (798, 0)


def test_a_cap_is_raised_by_two_and_lowered_by_one(firm: Firm) -> None:
    def cap(key: Key, to: str) -> str:
        answer = key.ask("POST", "/v1/admin/withdrawal_caps", {"asset": "USD", "cap": to})
        return str(answer.json()["result"]["state"])

    caps = firm.boss.ask("GET", "/v1/admin/withdrawal_caps").json()["result"]["caps"]
    assert {row["asset"]: Decimal(row["cap"]) for row in caps}["USD"] == 100
    assert (cap(firm.boss, "500"), cap(firm.boss, "500")) == ("proposed", "proposed")
    assert firm.withdraw("101", "c1")["state"] == "pending"
    assert cap(firm.second, "500") == "set"
    assert firm.withdraw("102", "c2")["state"] == "settled"
    assert cap(firm.boss, "0") == "set"
    assert firm.withdraw("1", "c3")["state"] == "pending"


def test_what_waits_survives_a_kill_and_the_command_line_ends_it(firm: Firm) -> None:
    def cli(*arguments: str, file: Path | None) -> subprocess.CompletedProcess[str]:
        named = {**firm.server.environ, "COULISSE_KEY_FILE": str(file)}
        whole = [*COMMAND, "admin", "withdrawals", *arguments]
        return subprocess.run(whole, env=named, capture_output=True, text=True, timeout=60)

    own = firm.server.credentials
    asked = cli("request", "trader", "USD", "300", "--json", file=own)
    which = json.loads(asked.stdout)["withdrawal_id"]
    assert cli("request", "trader", "USD", "50", file=own).stdout == "trader: 50 USD: settled\n"
    url = firm.server.http.removeprefix("http://").rpartition(":")[2]
    assert firm.server.stop(signal.SIGKILL) == -signal.SIGKILL
    serve = ("serve", "--port", url, "--data-dir", "data", "--config", "coulisse.toml")
    firm.server = launch(serve, firm.server.environ, firm.others_file.parent)
    listed = cli("list", file=firm.others_file)
    assert listed.stdout == f"{which}  trader  300.00000000 USD  by {firm.boss.key_id}\n", (
        listed.stderr
    )
    refused = cli("approve", which, file=own)
    assert refused.returncode == 1 and "SECOND_PERSON_NEEDED" in refused.stderr
    assert cli("approve", which, file=firm.others_file).stdout == f"{which}: approved\n"
    back = json.loads(cli("request", "trader", "USD", "200", "--json", file=own).stdout)
    taken = cli("cancel", back["withdrawal_id"], "--account", "trader", file=own)
    assert taken.stdout == f"{back['withdrawal_id']}: cancelled\n", taken.stderr
    assert cli("cap", "USD", "5", file=own).stdout == "USD: 5 a day: set\n"
    assert "USD  5" in cli("caps", file=own).stdout
    assert firm.usd() == (650, 0)


async def test_the_balances_channel_says_what_becomes_of_a_withdrawal(firm: Firm) -> None:
    own = firm.trader.credentials()
    heard: list[dict[str, Any]] = []
    session = Session(lambda message: heard.append(dict(message)))
    await session.open(own)
    await session.request("subscribe", {"channel": "balances"}, None)
    firm.withdraw("10", "d1")
    which = firm.withdraw("400", "d2")["withdrawal_id"]
    firm.settle(firm.second, which, "approval")
    async with await Client.connect(firm.server.http, credentials=firm.others_file) as other:
        assert await other.withdrawals.all_pending() == []
    await session.request("ping", {}, None)
    session.close()
    told = [row for message in heard for row in message.get("withdrawals", [])]
    assert [row["state"] for row in told] == ["settled", "pending", "approved"]
    assert told[1]["withdrawal_id"] == told[2]["withdrawal_id"] == which
    assert Decimal(told[0]["qty"]) == 10 and told[1]["request_id"] == "d2"
