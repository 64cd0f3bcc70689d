"""`coulisse serve`: start, stop, restart, and what keeps it from starting."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from coulisse import Client
from coulisse.client.keys import new_private_key, public_key
from coulisse.domain.errors import LogonFailed
from coulisse.domain.outcomes import OrderResult, Rejected

from .conftest import COMMAND, Server, Start, environment


def fails_to_start(
    tmp_path: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "serve", "--json", *arguments],
        env=environment(tmp_path, **more), cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def total(server: Server, asset: str) -> str:
    rows = [json.loads(line) for line in server.cli("balances", "--json").stdout.splitlines()]
    return next((str(row["total"]) for row in rows if row["asset"] == asset), "0")


def test_the_ready_line_says_where_everything_is(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    assert server.ws == server.http.replace("http", "ws") + "/v1/ws"
    assert server.pid == server.process.pid
    assert server.data_dir == tmp_path / "data"
    assert server.credentials == tmp_path / "data" / "client.toml"
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    health = httpx.get(f"{server.http}/healthz").json()
    assert health["ok"] and health["durability"] == "fsync"
    assert httpx.get(f"{server.http}/readyz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(start: Start, number: signal.Signals) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    server.process.send_signal(number)
    _, logs = server.process.communicate(timeout=20)
    assert server.process.returncode == 0
    events = [json.loads(line)["event"] for line in logs.splitlines()]
    assert events == ["ready", "stopped"]


def test_a_restart_keeps_money_orders_and_keys_and_repeats_nothing(start: Start) -> None:
    first = start("serve", "--port", "0", "--data-dir", "data")
    assert first.cli("account", "deposit", "USD", "1000").returncode == 0
    placed = json.loads(first.cli("order", "buy", "0.01", "BTC-USD", "@60000", "--json").stdout)
    assert placed["state"] == "open"
    seq = httpx.get(f"{first.http}/healthz").json()["durable_seq"]
    assert first.stop() == 0
    second = start("serve", "--port", "0", "--data-dir", "data")
    assert total(second, "USD") == "1000.00000000"
    assert placed["order_id"] in second.cli("orders").stdout
    # One record more: the start itself.
    assert httpx.get(f"{second.http}/healthz").json()["durable_seq"] == seq + 1
    book = httpx.get(f"{second.http}/v1/book/BTC-USD").json()
    assert book["bids"] == [["60000.00", "0.01000"]]


def test_accounts_and_instruments_of_the_file_become_commands_once(
    start: Start, tmp_path: Path
) -> None:
    private_key = new_private_key()
    file = tmp_path / "coulisse.toml"
    file.write_text(f"""
[log]
dir = "{tmp_path / "own"}"
[[instruments]]
symbol = "EUR-USD"
tick_size = "0.0001"
lot_size = "0.01"
min_qty = "1"
maker_bp = "1"
taker_bp = "1.5"
[[accounts]]
name = "alice"
deposits = {{ USD = "500.25", EUR = "100" }}
[[accounts.keys]]
key_id = "alice-1"
public_key = "{public_key(private_key).hex()}"
permissions = ["read", "trade", "admin"]
""")
    first = start("serve", "--config", str(file), "--port", "0")
    assert first.credentials is None
    listed = httpx.get(f"{first.http}/v1/instruments").json()["instruments"]
    assert [(item["symbol"], item["taker_fee"]) for item in listed] == [("EUR-USD", "0.000150")]
    assert first.stop() == 0
    second = start("serve", "--config", str(file), "--port", "0")
    key = tmp_path / "alice.toml"
    key.write_text(f'url="{second.http}"\nkey_id="alice-1"\nprivate_key="{private_key}"\n')
    second.credentials = key
    assert (total(second, "USD"), total(second, "EUR")) == ("500.25000000", "100.00000000")


async def test_an_order_beyond_the_balance_is_refused_and_reaches_no_book(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        await client.deposit("operator", "USD", "100")
        refused = await client.place("BTC-USD", "buy", "1", price="60000")
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.state) == ("INSUFFICIENT_BALANCE", "rejected")
        taken = await client.place("BTC-USD", "buy", "0.001", price="60000")
        assert isinstance(taken, OrderResult) and taken.state == "open"
    async with httpx.AsyncClient() as http:
        book = (await http.get(f"{server.http}/v1/book/BTC-USD")).json()
    assert book["bids"] == [["60000.00", "0.00100"]]


async def test_a_key_of_nobody_cannot_log_on(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    with pytest.raises(LogonFailed, match="LOGON_FAILED"):
        await Client.connect(server.http, key_id="nobody", private_key=new_private_key())


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = fails_to_start(tmp_path, "--port", port, "--data-dir", "data")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port} is in use" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_directory_in_use_is_one_clear_line(start: Start, tmp_path: Path) -> None:
    start("serve", "--port", "0", "--data-dir", "data")
    done = fails_to_start(tmp_path, "--port", "0", "--data-dir", "data")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "JOURNAL_LOCKED" in done.stderr


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"COULISSE_FOO": "1"}, "COULISSE_FOO is not a setting"),
        ({"COULISSE_GATEWAY__PORT": "many"}, "gateway.port"),
        ({"COULISSE_LOG__DURABILITY": "never"}, "log.durability"),
    ],
)
def test_a_setting_that_means_nothing_is_one_clear_line(
    tmp_path: Path, more: dict[str, str], says: str
) -> None:
    done = fails_to_start(tmp_path, "--data-dir", "data", **more)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and says in done.stderr


def test_os_durability_says_so_in_health_and_metrics(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data", "--durability", "os")
    assert httpx.get(f"{server.http}/healthz").json()["durability"] == "os"
    assert 'durability="os"' in httpx.get(f"{server.http}/metrics").text
