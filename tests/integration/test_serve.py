"""`coulisse serve`: start, stop, restart, and what keeps it from starting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import socket
import stat
import subprocess
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from coulisse import Client
from coulisse.client.credentials import load_credentials
from coulisse.client.keys import new_private_key, public_key
from coulisse.domain.errors import LogonFailed
from coulisse.domain.outcomes import OrderResult, Rejected
from tests.session.raw_socket import RawSocket, dial

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
    assert events_of(logs.splitlines()) == ["ready", "stopped"]


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


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_data_directory_that_is_a_file_is_one_clear_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("mine")
    for where in ("file", "file/below"):
        done = subprocess.run(
            [*COMMAND, command, "--port", "0", "--data-dir", where],
            env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.count("\n") == 1 and "file: this is a file" in done.stderr


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
        ({"COULISSE_GATEWAY__HOST": ""}, "gateway.host"),
        ({"COULISSE_LOG__SEGMENT_BYTES": "-5"}, "log.segment_bytes: -5"),
        ({"COULISSE_NODE__ID": "99999999999999"}, "node.id: 99999999999999"),
        ({"COULISSE_NODE__CPU": "1023"}, "node.cpu: 1023"),
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


def a_rich_alice(file: Path, qty: str) -> None:
    file.write_text(f'''
[[accounts]]
name = "alice"
deposits = {{ BTC = "1", USD = "{qty}" }}
keys = [{{ key_id = "alice-1", public_key = "{public_key(ALICES_KEY).hex()}" }}]
''')


ALICES_KEY = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"


def test_a_deposit_that_was_refused_is_made_once_the_file_is_right(
    start: Start, tmp_path: Path
) -> None:
    file, key = tmp_path / "coulisse.toml", tmp_path / "alice.toml"
    a_rich_alice(file, "9" * 26)
    data = ("--port", "0", "--data-dir", "data", "--config", str(file))
    done = fails_to_start(tmp_path, *data)
    assert done.returncode == 1 and done.stdout == ""
    assert "Deposit alice, USD: AMOUNT_OUT_OF_RANGE" in done.stderr.splitlines()[-1]
    a_rich_alice(file, "500")
    for _ in range(2):
        server = start("serve", *data)
        key.write_text(f'url="{server.http}"\nkey_id="alice-1"\nprivate_key="{ALICES_KEY}"\n')
        server.credentials = key
        assert (total(server, "USD"), total(server, "BTC")) == ("500.00000000", "1.00000000")
        assert server.stop() == 0


def test_a_key_is_never_handed_out_under_the_name_of_another_account(
    start: Start, tmp_path: Path
) -> None:
    data = ("--port", "0", "--data-dir", "data")
    for command, account in (("serve", "operator"), ("demo", "demo"), ("serve", "operator")):
        server = start(command, *data)
        done = server.cli("account", "deposit", "USD", "1")
        assert done.returncode == 0, done.stderr
        assert server.credentials is not None
        assert load_credentials(server.credentials).account == account
        assert done.stdout.startswith(f"{account}: ")
        assert Decimal(total(server, "USD")) > 0
        assert server.stop() == 0


def test_a_full_disk_ends_the_node_in_one_line(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    # From now on no file of the process may grow or be written beyond its first sector.
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (512, 512))
    server.cli("account", "deposit", "USD", "1")
    _, said = server.process.communicate(timeout=20)
    assert server.process.returncode == 1
    *logs, last = said.splitlines()
    assert events_of(logs) == ["ready", "journal_failed", "stopped"]
    assert last.startswith("coulisse: JOURNAL_IO: ")


async def test_a_stop_under_load_says_nothing_but_that_it_stops(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    host, port = server.http.removeprefix("http://").split(":")
    peers = [await dial(host, int(port), f"{host}:{port}") for _ in range(20)]

    async def ask(peer: RawSocket) -> None:
        with contextlib.suppress(ConnectionError):
            while not peer.reader.at_eof():
                await peer.send([b'{"id":1,"op":"ping"}'] * 50)
                await peer.reader.read(65_536)

    async with asyncio.TaskGroup() as group, asyncio.timeout(30):
        asking = [group.create_task(ask(peer)) for peer in peers]
        await asyncio.wait([group.create_task(answers(server, 3))])
        server.process.send_signal(signal.SIGTERM)
        await asyncio.wait(asking)
    for peer in peers:
        await peer.close()
    _, logs = await asyncio.to_thread(server.process.communicate, timeout=20)
    assert server.process.returncode == 0
    assert events_of(logs.splitlines()) == ["ready", "stopped"]


def events_of(logs: Iterable[str]) -> list[str]:
    """What the node tells of itself; whether its stores are there by then is not said here."""
    events = [str(json.loads(line)["event"]) for line in logs]
    return [event for event in events if not event.endswith("_writing")]


async def answers(server: Server, count: int) -> None:
    async with httpx.AsyncClient(base_url=server.http) as http:
        for _ in range(count):
            (await http.get("/healthz")).raise_for_status()


def test_an_upgrade_of_a_path_without_sockets_is_a_404_and_no_advice(start: Start) -> None:
    server = start("serve", "--port", "0", "--data-dir", "data")
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    assert httpx.get(f"{server.http}/nowhere", headers=upgrade).status_code == 404
    server.process.send_signal(signal.SIGTERM)
    _, logs = server.process.communicate(timeout=20)
    assert events_of(logs.splitlines()) == ["ready", "stopped"]
