"""The examples of `docs/concepts`, run against a real node, page by page."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import re
import types
from decimal import Decimal
from pathlib import Path

import pytest

from coulisse import Client
from coulisse.client.keys import new_private_key, public_key
from coulisse.domain.schema import schema
from tests.integration.conftest import Server, Start

PAGES = sorted((Path(__file__).parents[2] / "docs" / "concepts").glob("*.md"))
CONFIG = """
[[instruments]]
symbol = "BTC-USD"
tick_size = "0.01"
lot_size = "0.00001"
maker_bp = "20"
taker_bp = "50"
"""
PEOPLE = {
    "alice": ("read", "trade"),
    "bob": ("read", "trade"),
    "operator": ("read", "trade", "withdraw", "admin"),
    "deputy": ("read", "trade", "withdraw", "admin"),
}
TIMEOUT_S = 60.0


def examples(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def a_node(start: Start, directory: Path, keys: dict[str, str]) -> Server:
    accounts = ""
    for name, permissions in PEOPLE.items():
        deposits = (
            'deposits = { USD = "1000000", BTC = "100" }' if "admin" not in permissions else ""
        )
        key = f'key_id = "{name}-1", public_key = "{public_key(keys[name]).hex()}"'
        may = ", ".join(f'"{permission}"' for permission in permissions)
        accounts += f'\n[[accounts]]\nname = "{name}"\n{deposits}\n'
        accounts += f"keys = [{{ {key}, permissions = [{may}] }}]\n"
    config = directory / "coulisse.toml"
    config.write_text(CONFIG + accounts)
    return start(
        "serve", "--config", str(config), "--port", "0", "--data-dir", str(directory / "data")
    )


def what_examples_must_show() -> set[str]:
    """Every kind of order, list, limit, state and the like, by its name on the wire."""
    enums = schema().names
    kinds = ("limit_kind", "self_trade", "list_kind", "trading_state", "risk_state", "peg")
    names = {name for kind in kinds for name in enums[kind].values()}
    names |= {*enums["time_in_force"].values()} - {"gtc"}  # what is placed without one
    names |= {"market", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"}
    # The peg and the mode that are none; a limit that is a limit order's default type.
    return names - {"none"}


def test_each_kind_of_order_limit_and_state_has_an_example() -> None:
    text = "".join(source for page in PAGES for source in examples(page))
    missing = {name for name in what_examples_must_show() if f'"{name}"' not in text}
    assert not missing
    terms = ("display_qty", "min_qty", "trail", "trail_bp", "post_only", "reduce_only", "notional")
    calls = ("amend", "replace", "cancel_all", "cancel_after", "set_fee_tier", "schedule_auction")
    bounds = ("collar", "slippage", "band", "matching", "set_mark", "kill", "reset_kill")
    wanted = [f"{name}=" for name in terms + bounds[:4]]
    wanted += [f"{name}(" for name in calls + bounds[4:]]
    assert not [call for call in wanted if call not in text]


async def run_in_order(sources: list[str], names: dict[str, object], page: str) -> None:
    """Run the examples one after the other, each with what the ones before it left."""
    for number, source in enumerate(sources, start=1):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(source, f"{page}, example {number}", "exec", flags=flags)
        async with asyncio.timeout(TIMEOUT_S):
            running = types.FunctionType(code, names)()
            if inspect.isawaitable(running):
                await running


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_examples_of_a_page_hold(page: Path, start: Start, tmp_path: Path) -> None:
    sources = examples(page)
    if page.stem == "index":
        assert not sources
        return
    assert sources, "a page without an example"
    keys = {name: new_private_key() for name in PEOPLE}
    server = a_node(start, tmp_path, keys)
    async with contextlib.AsyncExitStack() as clients:
        names: dict[str, object] = {"Decimal": Decimal}
        for name, key in keys.items():
            client = await Client.connect(server.http, key_id=f"{name}-1", private_key=key)
            names[name] = await clients.enter_async_context(client)
        await run_in_order(sources, names, page.name)
