"""The command line against a living market."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from .conftest import Server

COMMANDS: tuple[list[str], ...] = (
    ["serve"], ["demo"], ["book"], ["trades"], ["order"], ["order", "buy"], ["order", "sell"],
    ["orders"], ["cancel"], ["balances"], ["account"], ["account", "deposit"], ["replay"],
    ["positions"], ["admin"], ["admin", "halt"], ["admin", "open"], ["admin", "mark"],
    ["admin", "limit"], ["admin", "kill-switch"], ["admin", "kill-reset"],
    ["admin", "account-create"], ["admin", "account-set"], ["admin", "group-create"],
    ["admin", "asset-create"], ["admin", "instrument-create"], ["admin", "instrument-set"],
    ["admin", "auction"], ["admin", "fee-tier"], ["admin", "risk-state"],
    ["bench"], ["bench", "core"], ["bench", "gateway"], [],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coulisse", *command, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Usage:" in done.stdout and len(done.stdout.splitlines()) > 4


def test_an_order_is_placed_listed_and_cancelled(demo: Server) -> None:
    placed = json.loads(demo.cli("order", "buy", "0.01", "BTC/USD", "@50000", "--json").stdout)
    assert placed["state"] == "open"
    listed = [json.loads(line) for line in demo.cli("orders", "--json").stdout.splitlines()]
    assert placed["order_id"] in {order["order_id"] for order in listed}
    assert placed["order_id"] in demo.cli("orders").stdout
    cancelled = demo.cli("cancel", placed["order_id"])
    assert cancelled.returncode == 0 and "cancelled" in cancelled.stdout
    again = demo.cli("cancel", placed["order_id"])
    assert again.returncode == 1 and "ORDER_NOT_FOUND" in again.stderr


def test_an_order_is_tested_and_not_placed(demo: Server) -> None:
    before = demo.cli("orders", "--json").stdout
    taken = demo.cli("order", "buy", "0.01", "BTC-USD", "@50000", "--test")
    assert taken.returncode == 0 and taken.stdout == "would be taken: buy 0.01 BTC-USD\n"
    refused = demo.cli("order", "buy", "100000", "BTC-USD", "@60000", "--test")
    assert refused.returncode == 1 and "INSUFFICIENT_BALANCE" in refused.stderr
    assert demo.cli("orders", "--json").stdout == before


def test_a_market_order_says_what_was_filled(demo: Server) -> None:
    done = demo.cli("order", "sell", "0.01", "BTC-USD")
    assert done.returncode == 0
    assert "filled 0.01000" in done.stdout


def test_the_same_client_order_id_never_places_a_second_order(demo: Server) -> None:
    order = ("order", "buy", "0.01", "BTC-USD", "@40000", "--client-order-id", "cli-1", "--json")
    first, second = (json.loads(demo.cli(*order).stdout) for _ in range(2))
    assert second["duplicate"] is True and second["order_id"] == first["order_id"]
    assert demo.cli("cancel", "--client-order-id", "cli-1").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["order", "buy", "100000", "BTC-USD", "@60000"], "INSUFFICIENT_BALANCE"),
        (["order", "buy", "0.01", "NO-PE"], "UNKNOWN_SYMBOL"),
        (["order", "buy", "0.01", "BTC-USD", "@60000.001"], "OFF_TICK"),
        (["order", "buy", "0.01", "BTC-USD", "60000"], "write the price as @60000"),
        (["order", "buy", "much", "BTC-USD"], "INVALID_VALUE"),
        (["cancel"], "name one order"),
        (["account", "deposit", "USD"], "[ACCOUNT] ASSET QTY"),
        (["cancel", "abc"], "an order id is a number"),
        (["trades", "NO-PE"], "UNKNOWN_SYMBOL"),
        (["book", "nonsense"], "not a symbol"),
        (["serve", "--durability", "maybe"], "fsync or os"),
        (["serve", "--config", "none.toml"], "none.toml"),
        (["replay", "none", "none", "--levels", "5"], "none"),
        (["balances", "--key-file", "none.toml"], "none.toml"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_1(
    demo: Server, arguments: list[str], says: str
) -> None:
    done = demo.cli(*arguments)
    assert done.returncode == 1
    assert says in done.stderr and done.stderr.startswith("coulisse: ")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_without_a_server_it_says_how_to_start_one(demo: Server) -> None:
    environ = {**demo.environ, "XDG_STATE_HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", "coulisse", "balances"], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1 and "coulisse demo" in done.stderr


def test_the_ladder_and_the_tape_can_be_read_once(demo: Server) -> None:
    ladder = demo.cli("book", "BTC-USD", "--once", "--depth", "3")
    assert ladder.returncode == 0 and "spread" in ladder.stdout
    image = json.loads(demo.cli("book", "BTC-USD", "--once", "--json").stdout)
    assert image["bids"] and image["asks"] and image["crc"] > 0
    demo.cli("order", "buy", "0.001", "BTC-USD")
    tape = demo.cli("trades", "BTC-USD", "--limit", "3", "--json").stdout.splitlines()
    ids = [int(json.loads(line)["trade_id"]) for line in tape]
    assert ids == sorted(ids) and 1 <= len(ids) <= 3


def test_tickers_and_candles_show_what_traded(demo: Server) -> None:
    assert demo.cli("order", "buy", "0.001", "BTC-USD").returncode == 0
    lines = demo.cli("ticker", "--json").stdout.splitlines()
    tickers = {state["symbol"]: state for state in map(json.loads, lines)}
    assert set(tickers) >= {"BTC-USD", "ETH-USD"} and tickers["BTC-USD"]["trades"] >= 1
    table = demo.cli("ticker", "BTC-USD")
    assert table.returncode == 0 and "BTC-USD" in table.stdout and "ETH-USD" not in table.stdout
    lines = demo.cli("candles", "BTC-USD", "-i", "1h", "--json").stdout.splitlines()
    candles = [json.loads(line) for line in lines]
    assert candles[-1]["interval"] == "1h" and candles[-1]["trades"] >= 1
    assert demo.cli("candles", "BTC-USD", "--limit", "2").returncode == 0
    wrong = demo.cli("candles", "BTC-USD", "-i", "2m")
    assert wrong.returncode == 1 and "1s, 1m, 5m" in wrong.stderr


def test_the_tape_of_all_instruments_is_in_the_order_of_the_log(demo: Server) -> None:
    for symbol in ("BTC-USD", "ETH-USD"):
        assert demo.cli("order", "buy", "0.01", symbol).returncode == 0
    tape = [json.loads(line) for line in demo.cli("trades", "--json").stdout.splitlines()]
    assert len({trade["symbol"] for trade in tape}) >= 2
    assert [trade["seq"] for trade in tape] == sorted(trade["seq"] for trade in tape)


def test_a_symbol_that_there_is_not_is_told_those_that_there_are(demo: Server) -> None:
    for wrong in ("NOPE", "NO-PE"):
        done = demo.cli("trades", wrong)
        assert done.returncode == 1
        known = "there are: BTC-USD, ETH-USD, SOL-USD"
        assert done.stderr == (
            f"coulisse: UNKNOWN_SYMBOL: no instrument has the symbol {wrong}; {known}\n"
        )


def test_the_tape_follows(demo: Server) -> None:
    environ = {**demo.environ, "COULISSE_KEY_FILE": str(demo.credentials)}
    command = [sys.executable, "-m", "coulisse", "trades", "BTC-USD", "--follow", "--json"]
    with subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ids = [int(json.loads(process.stdout.readline())["trade_id"]) for _ in range(25)]
        process.kill()
    assert ids == list(range(ids[0], ids[0] + 25))


def test_an_operator_deposits_once_under_one_request_id(demo: Server) -> None:
    def sols() -> str:
        rows = [json.loads(line) for line in demo.cli("balances", "--json").stdout.splitlines()]
        return next(str(row["total"]) for row in rows if row["asset"] == "SOL")

    before = sols()
    deposit = ("account", "deposit", "SOL", "7.5", "--request-id", "ab" * 16)
    assert demo.cli(*deposit).returncode == 0
    assert demo.cli(*deposit).returncode == 0
    assert Decimal(sols()) - Decimal(before) == Decimal("7.5")
    assert demo.cli("account", "deposit", "noise-btc-1", "SOL", "7.5").returncode == 0
    assert Decimal(sols()) - Decimal(before) == Decimal("7.5")
    refused = demo.cli("account", "deposit", "NOPE", "1")
    assert refused.returncode == 1 and "UNKNOWN_ASSET" in refused.stderr


def test_the_tape_reaches_its_server_past_any_proxy_and_shows_each_trade_once(
    demo: Server,
) -> None:
    demo.cli("order", "buy", "0.01", "BTC-USD")
    demo.environ |= {"http_proxy": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9"}
    try:
        done = demo.cli("trades", "BTC-USD", "BTC/USD", "--json", "--limit", "50")
    finally:
        del demo.environ["http_proxy"], demo.environ["all_proxy"]
    assert done.returncode == 0, done.stderr
    ids = [json.loads(line)["trade_id"] for line in done.stdout.splitlines()]
    assert ids and len(set(ids)) == len(ids)
