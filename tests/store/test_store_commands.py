"""`coulisse store` and `coulisse bench store`, as typed."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import sqlite3
import subprocess
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from coulisse.bench import store as bench
from coulisse.bench.postgresql_server import PASSWORD, Postgresql
from coulisse.projections.content import ContentHash
from coulisse.store.parquet import MONEY, TIMES, WHOLE
from coulisse.store.sql.address import Address
from coulisse.store.sql.contents import read_content
from coulisse.store.sql.writer import SCHEMA_VERSION, Checkpoint

from ..integration.conftest import COMMAND, Server, Start, environment
from .test_projector_store import QUICK, SERVE, is_filled, trade, until


def store(server: Server, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = server.cli("store", *arguments, "--data-dir", str(server.data_dir), "--json")
    assert done.returncode == code, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def alter(server: Server, statement: str) -> None:
    file = server.data_dir / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def test_a_store_is_exported_verified_and_rebuilt_by_a_node_and_without_one(start: Start) -> None:
    server = start(*SERVE, **QUICK)
    asyncio.run(trade(server, 9))
    until(server, is_filled)
    require_exports(server)
    found = store(server, "verify", "--deep")
    assert (found["differences"], found["orders"]) == (0, 1)
    assert found["balances"] > 1 and found["ledger"] > 16 and found["rows"] > 70
    alter(server, "UPDATE balances SET held = held || '0' WHERE account = 1 AND asset = 1")
    alter(server, "UPDATE orders SET remaining = remaining + 1 WHERE closed_seq = 0")
    found = store(server, "verify", code=3)
    assert found["differences"] == 3 and found["told"][0].startswith("balance of account 1")
    # A fill is no part of what is compared quickly.
    alter(
        server, "UPDATE fills SET fee = '1' WHERE item = 2 AND seq = (SELECT max(seq) FROM fills)"
    )
    assert store(server, "verify", "--deep", code=3)["differences"] == 4
    again = store(server, "rebuild")
    assert again["by_node"] and again["seq"] > 9
    until(server, is_filled)
    assert store(server, "verify", "--deep")["differences"] == 0
    assert server.stop() == 0
    alter(server, "UPDATE trades SET qty = 7 WHERE trade_id = 1")
    assert store(server, "verify", "--deep", code=3)["differences"] == 1
    again = store(server, "rebuild")
    assert not again["by_node"] and again["rows"] > 70
    assert store(server, "rebuild", "--resume")["rows"] == 0
    assert store(server, "verify", "--deep")["differences"] == 0


def export(server: Server, *arguments: str) -> list[dict[str, str]]:
    done = server.cli("export", *arguments, "--data-dir", str(server.data_dir))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert done.stderr == f"{len(rows)} rows\n"
    return rows


def in_columns(server: Server, *arguments: str) -> list[dict[str, object]]:
    """The same as a Parquet file."""
    file = server.data_dir / "export.parquet"
    done = server.cli("export", *arguments, "--data-dir", str(server.data_dir),
                      "--format", "parquet", "--out", str(file))  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = pyarrow.parquet.read_table(file).to_pylist()
    assert done.stderr == f"{len(rows)} rows\n"
    return rows


def typed(name: str, cell: str) -> object:
    """A cell of a CSV as the type that its column has in a Parquet file."""
    if name in TIMES:
        return datetime.fromisoformat(cell) if cell else None
    if name in WHOLE:
        return int(cell)
    return Decimal(cell) if name in MONEY else cell


def require_exports(server: Server) -> None:
    """Four trades of a cent more each; names and decimals, in the order of the log."""
    trades = export(server, "trades")
    assert [(row["symbol"], row["price"], row["qty"]) for row in trades] == [
        ("BTC-USD", f"{20_000 + number}.00", "0.01000") for number in range(4)
    ]
    orders = export(server, "orders")
    assert [row["state"] for row in orders] == ["filled"] * 8 + ["open"]
    assert {row["account"] for row in orders} == {"operator"}
    fills = export(server, "fills")
    assert [row["role"] for row in fills] == ["maker", "taker"] * 4
    assert fills[1]["notional"] == "200.00000000" and fills[1]["fee"] == "0.10000000"
    ledger = export(server, "ledger")
    assert [row["kind"] for row in ledger[:3]] == ["deposit", "deposit", "trade"]
    assert (ledger[0]["debit"], ledger[0]["amount"]) == ("external", "10000000.00000000")
    (candle,) = export(server, "candles", "--interval", "1d")
    assert candle["open"] == "20000.00" and candle["close"] == candle["high"] == "20003.00"
    assert (candle["qty"], candle["trades"]) == ("0.04000", "4")
    assert export(server, "trades", "--to", "2020-01-01") == []
    for what, rows in (("trades", trades), ("orders", orders), ("fills", fills),
                       ("ledger", ledger), ("candles", [candle])):  # fmt: skip
        interval = ("--interval", "1d") if what == "candles" else ()
        assert in_columns(server, what, *interval) == [
            {name: typed(name, cell) for name, cell in row.items()} for row in rows
        ]
    assert in_columns(server, "trades", "--to", "2020-01-01") == []
    # From a time on, and before it, is all.
    middle = trades[2]["time"]
    before = export(server, "trades", "--to", middle)
    assert before + export(server, "trades", "--from", middle) == trades
    for wrong in (["wallets"], ["trades", "--from", "noon"], ["trades", "--format", "xls"],
                  ["trades", "--format", "parquet"]):  # fmt: skip
        assert server.cli("export", *wrong).returncode == 1


def test_tables_are_made_by_their_owner_and_a_role_has_a_plain_name(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    url = postgresql.new_database()

    def migrate(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "store", "migrate", *arguments],
            env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    done = migrate("--database", url, "--writer", 'bad"name')
    assert done.returncode == 1 and "is not a plain name" in done.stderr
    done = migrate("--database", url)
    assert done.returncode == 0 and done.stdout.endswith(f"version {SCHEMA_VERSION}\n")
    assert PASSWORD not in done.stdout + done.stderr
    done = migrate("--database", "sqlite", "--data-dir", ".", "--reader", "looker")
    assert done.returncode == 1 and "SQLite has no roles" in done.stderr


def a_run(backend: str, postgresql: Postgresql, tmp_path: Path) -> bench.StoreRun:
    database = postgresql.new_database() if backend == "postgresql" else None
    kind: Any = backend
    return bench.StoreRun(kind, database, 2_000, seconds=1, fills_rate=500, data_dir=tmp_path)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_the_benchmark_compares_what_it_has_filled(
    backend: str, postgresql: Postgresql, tmp_path: Path
) -> None:
    result = bench.measure(a_run(backend, postgresql, tmp_path))
    assert result["content_hash_equal"] is True
    assert result["rows"] == result["rows_expected"] > result["filled_rows"] > 10_000
    for figure in ("rows_per_s", "events_per_s", "rows_per_cpu_s", "fills_per_s"):
        assert result[figure] > 0
    assert 0 <= result["lag_p50_ms"] <= result["lag_ms"] <= result["lag_max_ms"]
    assert 10 < result["projector_rss_mb"] < 1_000
    assert list(tmp_path.iterdir()) == []


def test_the_benchmark_finds_one_row_that_was_altered_by_hand(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_content

    def altered(address: Address) -> tuple[Checkpoint, ContentHash]:
        with contextlib.closing(sqlite3.connect(address.target)) as connection, connection:
            connection.execute("UPDATE trades SET price = price + 1 WHERE trade_id = 5")
        return read(address)

    monkeypatch.setattr(bench, "read_content", altered)
    result = bench.measure(a_run("sqlite", postgresql, tmp_path))
    assert result["content_hash_equal"] is False
