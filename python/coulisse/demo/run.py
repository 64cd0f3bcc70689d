"""What `coulisse demo` does: a node, its visitor's keys, the traders, and a word of welcome."""

from __future__ import annotations

import contextlib
import ipaddress
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
from coulisse.log.files import private_file, segments
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
        yield _with_own_key(config, config.log.dir)
        return
    fresh = Path(tempfile.mkdtemp(prefix="coulisse-demo-"))
    try:
        yield _with_own_key(config.with_log(directory=fresh), fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _with_own_key(config: Config, directory: Path) -> Config:
    """Return the settings with a master key: the demo's own, where they have none.

    It is drawn where there is no log yet; beside the log of another node it would be taken for that
    node's. Raises `StartError`.
    """
    file = directory / "master.key"
    own = config.with_master_key(file)
    try:
        make_data_dir(directory)
        if own is config or file.exists():
            return own
        if segments(directory):
            raise StartError(
                f"{directory}: its log was begun with another master key, which the demo has not; "
                "give --data-dir a new directory"
            )
        with private_file(file, must_be_new=True) as out:
            out.write(secrets.token_hex(32).encode() + b"\n")
    except OSError as error:
        raise StartError(f"{directory}: {error.strerror}") from None
    return own


def _refuse_public(host: str) -> None:
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        raise ConfigError(f"the demo listens on this machine only, not on {host}")
