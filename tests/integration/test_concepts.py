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
