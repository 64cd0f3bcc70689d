"""A node with its store beside it: filled, killed, wiped, refused; trading goes on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from coulisse import Client, OrderResult
from coulisse.bench.pinning import children
from coulisse.bench.postgresql_server import PASSWORD, Postgresql
from coulisse.node.store_check import expected_content
from coulisse.store.sql.address import Address
from coulisse.store.sql.contents import read_content
from coulisse.store.sql.migrate import engine_for, migrate, wipe

from ..integration.conftest import Server, Start
from ..integration.test_private_rest import operator

DEADLINE_S = 60.0
SERVE = ("serve", "--port", "0", "--data-dir", "data")
# A projector that stands back waits long on a busy machine.
PROMPT = {"COULISSE_PROJECTOR__NICE": "0"}
QUICK = {**PROMPT, "COULISSE_PROJECTOR__SNAPSHOT_INTERVAL_S": "0.3"}
STORE = "COULISSE_STORE__DATABASE"


def health(server: Server) -> dict[str, Any]:
    answer = httpx.get(f"{server.http}/readyz")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def metrics(server: Server) -> str:
    return httpx.get(f"{server.http}/metrics").text


def is_private(file: str) -> bool:
    return Path(file).stat().st_mode & 0o777 == 0o600


def has_password(file: str) -> bool:
    return PASSWORD.encode() in Path(file).read_bytes()


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def until(server: Server, holds: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Ask after the node until it is so."""
    give_up = time.monotonic() + DEADLINE_S
    while not holds(said := health(server)):
        assert time.monotonic() < give_up, said
    return said


def is_filled(said: Mapping[str, Any]) -> bool:
    store = said["store"]
    return (
        store["state"] == "writing" and store["seq"] == said["durable_seq"] and not said["degraded"]
    )


async def trade(server: Server, count: int, first: int = 0) -> None:
    """Orders of which each second one takes the one before."""
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        if first == 0:
            await client.deposit("operator", "USD", "10000000")
            await client.deposit("operator", "BTC", "1000")
        for number in range(first, first + count):
            side = "buy" if number % 2 else "sell"
            placed = await client.place(
                "BTC-USD", side, "0.01", price=str(20_000 + number // 2),
                client_order_id=f"o{number}",
            )  # fmt: skip
            assert isinstance(placed, OrderResult)


def require_right(server: Server, address: Address) -> int:
    """The store holds what the log makes; return how many rows that is."""
    place, content = read_content(address)
    wanted = expected_content(str(server.data_dir), place.seq)
    assert content.rows == wanted.rows
    assert content.hexdigest() == wanted.hexdigest()
    return content.rows


def sqlite_of(server: Server) -> Address:
    return Address("sqlite", str(server.data_dir / "store.sqlite3"))


async def test_without_any_setting_history_is_in_a_file_and_what_is_none_of_this_log_is_made_anew(
    start: Start,
) -> None:
    server = start(*SERVE, **QUICK)
    await trade(server, 40)
    said = until(server, is_filled)
    assert said["store"]["behind"] == 0 and said["ready"]
    store = sqlite_of(server)
    assert require_right(server, store) > 200
    assert is_private(store.target)
    assert "coulisse_store_up 1" in metrics(server)
    assert server.stop() == 0
    # Ahead of the log; with another history; of another log: each as a disk that forgot leaves it.
    for number, change in enumerate(("seq = 1000000", f"chain = '{'11' * 32}'", "genesis = '00'")):
        with contextlib.closing(sqlite3.connect(store.target)) as connection, connection:
            connection.execute(f"UPDATE checkpoint SET {change}")
        server = start(*SERVE, **QUICK)
        await trade(server, 4, first=40 + 4 * number)
        until(server, is_filled)
        require_right(server, store)
        assert server.stop() == 0


async def test_a_file_that_was_removed_is_noticed_and_made_anew(start: Start) -> None:
    server = start(*SERVE, **PROMPT)
    file = Path(sqlite_of(server).target)
    await trade(server, 10)
    until(server, is_filled)
    for one in server.data_dir.glob("store.sqlite3*"):
        one.unlink()
    await trade(server, 10, first=10)
    until(server, lambda said: file.exists() and is_filled(said))
    assert require_right(server, sqlite_of(server)) > 100
    assert server.stop() == 0
    require_nothing_is_made(server, file)


def require_nothing_is_made(server: Server, file: Path) -> None:
    """Who only looks makes no file, and says in a line that there is none."""
    file.unlink()
    for directory in (server.data_dir, server.data_dir / "none"):
        said = server.cli("store", "verify", "--data-dir", str(directory))
        assert said.returncode == 1 and "there is no such file" in said.stderr
        assert "Traceback" not in said.stderr and not file.exists()


def test_no_store_is_made_where_the_settings_say_so(start: Start) -> None:
    server = start(*SERVE, **{STORE: "off"})
    said = health(server)
    assert said["store"] == {"state": "off"} and not said["degraded"]
    assert not (server.data_dir / "store.sqlite3").exists()
    assert "coulisse_store" not in metrics(server)
    refused = operator(server).ask("GET", "/v1/ledger")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "STORE_DOWN")
    assert refused.json()["error"]["value"] == "off"


async def test_a_database_of_another_log_is_left_alone_and_told_without_its_password(
    start: Start, postgresql: Postgresql
) -> None:
    address = Address("postgresql", postgresql.new_database())
    migrate(address)
    with engine_for(address).begin() as connection:
        connection.exec_driver_sql("UPDATE checkpoint SET genesis = 'another', seq = 7")
    server = start(*SERVE, **PROMPT, **{STORE: address.target})
    said = until(server, lambda said: said["store"]["state"] == "refused")
    processes = children(server.pid)
    assert processes and not any(has_password(f"/proc/{pid}/cmdline") for pid in processes)
    assert said["degraded"] and said["store"]["reason"].startswith("STORE_OTHER_LOG")
    await trade(server, 4)
    with engine_for(address).begin() as connection:
        assert connection.exec_driver_sql("SELECT seq FROM checkpoint").scalar() == 7
    wipe(address)
    until(server, is_filled)
    require_right(server, address)
    assert PASSWORD not in json.dumps(health(server))
    server.process.send_signal(signal.SIGTERM)
    _, logged = server.process.communicate(timeout=20)
    assert "store_refused" in logged and PASSWORD not in logged


async def test_a_database_that_is_away_at_the_start_or_goes_is_caught_up_with(
    start: Start, mortal_postgresql: Postgresql
) -> None:
    database = mortal_postgresql
    address = Address("postgresql", database.new_database())
    database.stop()
    server = start(*SERVE, **QUICK, **{STORE: address.target})
    said = until(server, lambda said: said["store"]["state"] == "down")
    assert said["degraded"] and said["ready"]
    await trade(server, 10)
    # The replica goes on without it, and is written down.
    until(server, lambda said: said["projector"]["snapshot_seq"] > 10)
    database.start()
    until(server, is_filled)
    for number in range(2):
        database.kill()
        await trade(server, 10, first=10 + 10 * number)
        until(server, lambda said: said["degraded"] and said["store"]["behind"] >= 10)
        database.start()
        until(server, is_filled)
    assert require_right(server, address) > 100
    assert server.stop() == 0


@pytest.mark.begins_first
async def test_after_20_kills_of_node_projector_and_database_no_row_is_lost_or_doubled(
    start: Start, mortal_postgresql: Postgresql
) -> None:
    seed = int(os.environ.get("COULISSE_SEED", random.randrange(10**6)))
    dice, placed = random.Random(seed), 0
    database = mortal_postgresql
    address = Address("postgresql", database.new_database())
    server = start(*SERVE, **QUICK, **{STORE: address.target})
    for _ in range(20):
        count = dice.randrange(2, 14)
        await trade(server, count, first=placed)
        placed += count
        if dice.random() < 0.3:
            until(server, is_filled)
        match dice.choice(("node", "projector", "database")):
            case "node":
                server.stop(signal.SIGKILL)
                server = start(*SERVE, **QUICK, **{STORE: address.target})
            case "projector":
                kill_children(server.pid)
            case _:
                database.kill()
                database.start()
    until(server, is_filled)
    assert require_right(server, address) > placed, f"seed {seed}"
    assert server.stop() == 0


def kill_children(pid: int) -> None:
    for child in children(pid):
        os.kill(child, signal.SIGKILL)


async def test_a_store_that_differs_from_the_core_is_an_alarm_of_the_node(start: Start) -> None:
    server = start(*SERVE, **QUICK, COULISSE_STORE__VERIFY_INTERVAL_S="0.2")
    await trade(server, 6)
    said = until(server, lambda said: said["store"].get("compared", {}).get("seq", 0) > 6)
    assert said["store"]["compared"]["differences"] == 0 and not said["degraded"]
    with contextlib.closing(sqlite3.connect(sqlite_of(server).target)) as connection, connection:
        connection.execute(
            "UPDATE balances SET available = '17' WHERE (account, asset) = "
            "(SELECT account, asset FROM balances ORDER BY account, asset LIMIT 1)"
        )
    said = until(server, lambda said: said["store"]["compared"]["differences"] > 0)
    assert said["degraded"] and said["ready"], "it is an alarm, and trading goes on"
    assert "coulisse_store_differences 2" in metrics(server)
    server.process.send_signal(signal.SIGTERM)
    _, logged = server.process.communicate(timeout=20)
    (alarm, *_) = [line for line in logged.splitlines() if "store_differs" in line]
    assert "balance of account 1 in asset" in alarm
