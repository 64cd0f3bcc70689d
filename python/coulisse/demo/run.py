"""What `coulisse demo` does: a node, its visitor's keys, the traders, and a word of welcome."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from coulisse.client.credentials import forget_pointer, point_to, pointed_to
from coulisse.client.keys import new_private_key
from coulisse.config import AccountConfig, Config
from coulisse.demo.market import Market, trader_accounts
from coulisse.domain.errors import ConfigError, StartError
from coulisse.log.file import make_data_dir
from coulisse.node.build import Node
from coulisse.node.supervisor import (
    ALL_PERMISSIONS,
    Ready,
    add_key,
    own_credentials,
    ready_of,
    run_node,
)

VISITOR = "demo"
VISITOR_DEPOSITS = {
    "USD": Decimal(1_000_000), "BTC": Decimal(10), "ETH": Decimal(200), "SOL": Decimal(4_000),
}  # fmt: skip
SNIPPET = """\
import asyncio
from coulisse import Client

async def main():
    async with await Client.connect("{http}", credentials="{credentials}") as client:
        print(await client.place("BTC-USD", "buy", "0.01"))

asyncio.run(main())
"""


def snippet(ready: Ready) -> str:
    """Return a program that buys at the market and is filled at once."""
    return SNIPPET.format(http=ready.http, credentials=ready.credentials)


async def run_demo(config: Config, *, seed: int, say: Callable[[Ready], None]) -> None:
    """Run the demo until a signal; `say` is called once when everything is there.

    Raises `ConfigError` for an address that others can reach: the page's key opens to anyone.
    """
    _refuse_public(config.gateway.host)
    page_key = new_private_key()
    page_key_id = f"page-{secrets.token_hex(6)}"
    demo_key = {"key_id": page_key_id, "private_key": page_key, "account": VISITOR}
    with _data_dir(config) as own, contextlib.ExitStack() as pointers:

        async def on_start(node: Node) -> None:
            await add_key(node, VISITOR, page_key_id, page_key, ("read", "trade"))
            file = await own_credentials(node, VISITOR, ALL_PERMISSIONS)
            run = node.core.recovery.get("incarnation", 1)
            market = Market(own, node.driver.session, seed=seed, run=run)
            await market.open_books()
            node.spawn(market.run(node.stopping))
            before = pointed_to()
            point_to(file)
            pointers.callback(forget_pointer, file, before)
            say(ready_of(node, file))

        visitor = AccountConfig(name=VISITOR, deposits=VISITOR_DEPOSITS)
        funded = own.with_accounts(visitor, *trader_accounts(own))
        await run_node(funded, on_start, demo_key)


@contextlib.contextmanager
def _data_dir(config: Config) -> Iterator[Config]:
    if config.log.dir is not None:
        yield config.with_master_key(_master_key_file(config.log.dir))
        return
    fresh = Path(tempfile.mkdtemp(prefix="coulisse-demo-"))
    try:
        own = config.with_log(directory=fresh)
        yield own.with_master_key(_master_key_file(fresh))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _master_key_file(directory: Path) -> Path:
    """Return the demo's own master key, drawn where there is none yet. Raises `StartError`."""
    try:
        make_data_dir(directory)
    except OSError as error:
        raise StartError(f"{directory}: {error.strerror}") from None
    file = directory / "master.key"
    if not file.exists():
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as out:
            out.write(secrets.token_hex(32) + "\n")
    return file


def _refuse_public(host: str) -> None:
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        raise ConfigError(f"the demo listens on this machine only, not on {host}")
