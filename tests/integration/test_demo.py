"""The demo: what `make run` starts."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx

from coulisse.client.credentials import load_credentials
from coulisse.demo.run import snippet
from coulisse.node.supervisor import Ready

from .conftest import Server, Start


def ready_of(server: Server) -> Ready:
    return Ready(server.http, server.ws, server.data_dir, server.credentials)


def test_the_snippet_it_prints_is_a_program_that_fills_at_once(
    demo: Server, tmp_path: Path
) -> None:
    program = tmp_path / "snippet.py"
    program.write_text(snippet(ready_of(demo)))
    done = subprocess.run(
        [sys.executable, str(program)], env=demo.environ, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "state='filled'" in done.stdout and "Decimal('0.01000')" in done.stdout


def test_without_json_it_prints_addresses_credentials_and_the_snippet(start: Start) -> None:
    server = start("demo", "--port", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "coulisse", "demo", "--port", "0"],
        env=server.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    text = "".join(lines)
    for wanted in (
        "http://127.0.0.1:",
        "ws://127.0.0.1:",
        "client.toml",
        "import asyncio",
        "/docs",
    ):
        assert wanted in text


def test_the_credentials_are_for_their_owner_only_and_the_pointer_names_them(
    demo: Server,
) -> None:
    assert demo.credentials is not None
    assert demo.credentials == demo.data_dir / "client.toml"
    assert stat.S_IMODE(demo.credentials.stat().st_mode) == 0o600
    found = load_credentials(demo.credentials)
    assert found.url == demo.http and found.account == "demo"
    pointer = Path(demo.environ["XDG_STATE_HOME"]) / "coulisse" / "current"
    assert pointer.read_text().strip() == str(demo.credentials)


def test_books_are_liquid_and_bitcoin_opens_near_60000(demo: Server) -> None:
    for symbol, price in (("BTC-USD", "60000"), ("ETH-USD", "3000"), ("SOL-USD", "150")):
        book = httpx.get(f"{demo.http}/v1/book/{symbol}").raise_for_status().json()
        assert len(book["bids"]) >= 8 and len(book["asks"]) >= 8
        bid, ask = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
        assert bid < ask
        assert abs(bid / Decimal(price) - 1) < Decimal("0.1")


def test_the_page_key_exists_in_a_demo_and_nowhere_else(demo: Server, start: Start) -> None:
    answer = httpx.get(f"{demo.http}/demo/key")
    assert set(answer.json()) == {"key_id", "private_key", "account"}
    assert answer.headers["cache-control"] == "no-store"
    node = start("serve", "--port", "0", "--data-dir", "node")
    assert httpx.get(f"{node.http}/demo/key").status_code == 404


def test_it_refuses_to_listen_where_others_can_reach_it(demo: Server) -> None:
    done = demo.cli("demo", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "this machine only" in done.stderr


def test_a_signal_ends_it_and_takes_its_temporary_directory_and_pointer_with_it(
    start: Start,
) -> None:
    server = start("demo", "--port", "0")
    pointer = Path(server.environ["XDG_STATE_HOME"]) / "coulisse" / "current"
    assert pointer.exists() and server.data_dir.exists()
    assert server.stop(signal.SIGTERM) == 0
    assert not server.data_dir.exists() and not pointer.exists()


def test_with_a_data_directory_it_goes_on_where_it_stopped(start: Start) -> None:
    first = start("demo", "--port", "0", "--data-dir", "kept")
    bought = json.loads(first.cli("order", "buy", "0.01", "BTC-USD", "--json").stdout)
    assert bought["state"] == "filled"
    before = first.cli("balances", "--json").stdout
    assert first.stop(signal.SIGINT) == 0
    second = start("demo", "--port", "0", "--data-dir", "kept")
    assert second.data_dir == first.data_dir
    assert second.cli("balances", "--json").stdout == before
    again = json.loads(second.cli("order", "sell", "0.01", "BTC-USD", "--json").stdout)
    assert again["state"] == "filled"
