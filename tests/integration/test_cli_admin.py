"""A market made, funded, bound and stopped by the command line alone."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .conftest import COMMAND, Server, environment, launch


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo of its own: what is made here would stand in the way of those who share one."""
    home = tmp_path_factory.mktemp("admin")
    server = launch(["demo", "--port", "0", "--seed", "7"], environment(home), home)
    yield server
    server.process.kill()
    server.stop(signal.SIGKILL)


MADE = [
    (["asset-create", "GEM", "4"], "GEM: asset of 4 decimals made"),
    (
        ["instrument-create", "GEM-USD", "--tick-size", "0.01", "--lot-size", "0.001",
         "--maker-fee", "0.001", "--taker-fee", "0.002"],
        "GEM-USD: listed",
    ),
    (
        ["instrument-set", "GEM-USD", "--reference", "mark", "--collar", "0.5"],
        "GEM-USD: set",
    ),
    (["mark", "GEM-USD", "10.00"], "GEM-USD: mark 10.00"),
    (["group-create", "cli-desk"], "cli-desk: group made"),
    (["account-create", "cli-carol"], "cli-carol: account opened"),
    (
        ["account-set", "cli-carol", "--group", "cli-desk", "--trade-group", "4"],
        "cli-carol: group cli-desk, trade group 4",
    ),
    (["fee-tier", "GEM", "1", "1000000", "--maker-fee=-0.0001"], "GEM: tier 1 from 1000000"),
    (["fee-tier", "GEM", "1", "none"], "GEM: tier 1 from none"),
    (["limit", "group:cli-desk", "open_orders", "1"], "group:cli-desk: open_orders: 1"),
]  # fmt: skip


def test_a_market_is_made_funded_bound_and_stopped(market: Server, tmp_path: Path) -> None:
    for arguments, says in MADE:
        done = market.cli("admin", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{says}\n", "")
    for arguments, says in (
        (["accounts"], "cli-carol  group cli-desk  trade group 4"),
        (["groups"], "cli-desk"),
        (["limits"], "group:cli-desk  open_orders  1"),
    ):
        assert says in market.cli("admin", *arguments).stdout.splitlines()
    market.cli("admin", "fee-tier", "GEM", "2", "5", "--maker-fee=-0.0001")
    listed = json.loads(market.cli("admin", "fee-tiers", "--json").stdout)["fee_tiers"]
    assert {row["asset"]: (row["tier"], row["threshold"]) for row in listed}["GEM"] == (2, "5.0000")
    limits = json.loads(market.cli("admin", "limits", "--json").stdout)
    assert limits["version"] >= len(limits["limits"]) >= 1
    assert market.cli("account", "deposit", "cli-carol", "USD", "1000").returncode == 0
    carol = _key_of(market, "cli-carol", tmp_path)

    assert carol("order", "buy", "1", "GEM-USD", "@10").returncode == 0
    second = carol("order", "buy", "1", "GEM-USD", "@10")
    assert second.returncode == 1 and "TOO_MANY_OPEN_ORDERS" in second.stderr
    assert market.cli("admin", "limit", "group:cli-desk", "open_orders", "none").returncode == 0
    far = carol("order", "buy", "1", "GEM-USD", "@20")
    assert far.returncode == 1 and "reference" in far.stderr.lower()

    assert market.cli("admin", "risk-state", "account:cli-carol", "halted").returncode == 0
    halted = carol("order", "buy", "1", "GEM-USD", "@10")
    assert halted.returncode == 1 and "HALTED" in halted.stderr.upper()
    assert market.cli("admin", "risk-state", "account:cli-carol", "active").returncode == 0
    assert carol("order", "buy", "1", "GEM-USD", "@10").returncode == 0


def test_an_auction_is_scheduled_in_utc_and_taken_away(market: Server) -> None:
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(days=2)
    end = start + timedelta(minutes=5)
    times = ("--start", start.isoformat(), "--end", end.isoformat())
    done = market.cli("admin", "auction", "ETH-USD", *times)
    said = f"ETH-USD: auction from {start} to {end}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    gone = market.cli("admin", "auction", "ETH-USD")
    assert (gone.returncode, gone.stdout) == (0, "ETH-USD: no auction\n")


def test_asked_again_under_one_id_it_is_done_once(market: Server) -> None:
    group = ("admin", "group-create", "cli-once", "--request-id", "c11")
    assert market.cli(*group).stdout == "cli-once: group made\n"
    again = json.loads(market.cli(*group, "--json").stdout)
    assert again["ok"] is True and again["duplicate"] is True


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["asset-create", "gem", "4"], "INVALID_NAME: name gem: "),
        (["account-create", "demo"], "ALREADY_EXISTS: name demo: the name is taken"),
        (["instrument-create", "NO-PE", "--tick-size", "1", "--lot-size", "1"], "UNKNOWN_ASSET"),
        (["instrument-set", "NO-PE"], "UNKNOWN_SYMBOL"),
        (["account-set", "nobody"], "UNKNOWN_ACCOUNT"),
        (["risk-state", "account:nobody", "halted"], "UNKNOWN_ACCOUNT"),
        (["risk-state", "desk", "halted"], "say firm, group:NAME"),
        (["risk-state", "firm", "asleep"], "state"),
        (["fee-tier", "NOPE", "1", "5"], "UNKNOWN_ASSET"),
        (["auction", "ETH-USD", "--start", "2100-01-01"], "--start and --end"),
    ],
)
def test_what_an_operator_gets_wrong_is_one_line(
    market: Server, arguments: list[str], says: str
) -> None:
    done = market.cli("admin", *arguments)
    assert done.returncode == 1 and says in done.stderr
    assert done.stderr.startswith("coulisse: ") and done.stderr.count("\n") == 1


def test_who_gives_no_key_is_told_how_to_give_one(market: Server, tmp_path: Path) -> None:
    environ = environment(tmp_path, COULISSE_URL=market.http)
    asked = [*COMMAND, "admin", "group-create", "nobodys"]
    done = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=60)
    hint = "give a key with --key-file or COULISSE_KEY_FILE"
    assert done.returncode == 1 and done.stderr.endswith(f"; {hint}\n")
    assert done.stderr.startswith("coulisse: NOT_LOGGED_ON: ")


class _Carol:
    """The command line with another key."""

    def __init__(self, server: Server, key_file: Path) -> None:
        self._environ = {**server.environ, "COULISSE_KEY_FILE": str(key_file)}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], env=self._environ, capture_output=True, text=True, timeout=60
        )


def _key_of(market: Server, account: str, folder: Path) -> _Carol:
    key = json.loads(market.cli("admin", "key-create", account, f"{account}-1", "--json").stdout)
    key_file = folder / "client.toml"
    lines = {
        "url": market.http, "key_id": f"{account}-1", "private_key": key["secret"],
        "account": account, "scheme": "hmac_sha256",
    }  # fmt: skip
    key_file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
    return _Carol(market, key_file)
