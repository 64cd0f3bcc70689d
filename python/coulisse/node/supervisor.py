"""Runs one node as a process: signals, the operator's key, the line that says it is ready."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coulisse.client.credentials import Credentials, load_credentials, write_credentials
from coulisse.client.keys import new_private_key, public_key
from coulisse.config import AccountConfig, Config, KeyConfig
from coulisse.domain.errors import NoCredentials
from coulisse.gateway.plain import PlainHub
from coulisse.log.file import data_dir
from coulisse.node.build import Node, running
from coulisse.node.control import controlled
from coulisse.node.front import no_plain_events
from coulisse.node.seed import open_accounts
from coulisse.node.signals import stop_on_signals

OPERATOR = "operator"
CREDENTIALS_FILE = "client.toml"
Permission = Literal["read", "trade", "withdraw", "admin"]
ALL_PERMISSIONS: tuple[Permission, ...] = ("read", "trade", "withdraw", "admin")


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started node tells its caller."""

    http: str
    ws: str
    data_dir: Path
    credentials: Path | None

    def to_json(self) -> str:
        """Return the first line of stdout under `--json`."""
        return json.dumps(
            {
                "ready": True,
                "http": self.http,
                "ws": self.ws,
                "pid": os.getpid(),
                "data_dir": str(self.data_dir),
                "credentials": None if self.credentials is None else str(self.credentials),
            }
        )


async def run_node(
    config: Config,
    on_start: Callable[[Node], Awaitable[None]],
    demo_key: Mapping[str, str] | None = None,
) -> None:
    """Run a node until SIGINT or SIGTERM; `on_start` is awaited once it listens.

    Raises `StartError` and `ConfigError` in one line, `NodeFailed` when the journal fails.
    """
    config = config.with_projector()
    servers = [(config.gateway, PlainHub(no_plain_events))]
    async with running(config, servers, demo_key) as node:
        with stop_on_signals(node):
            async with controlled(node, data_dir(config)):
                await on_start(node)
                await node.wait()


def ready_of(node: Node, credentials: Path | None) -> Ready:
    """Return what to tell about a started node."""
    listener = node.listeners[0]
    ws = f"{listener.url('ws')}/v1/ws"
    return Ready(listener.url("http"), ws, data_dir(node.config), credentials)


async def operator_credentials(node: Node) -> Path | None:
    """Make sure that somebody can administer the node; return the file with the key.

    Where the configuration names an admin key, that is whoever holds it, and there is no file.
    """
    keys = [key for account in node.config.accounts for key in account.keys]
    if any("admin" in key.permissions for key in keys):
        return None
    return await own_credentials(node, OPERATOR, ALL_PERMISSIONS)


async def own_credentials(node: Node, account: str, permissions: tuple[Permission, ...]) -> Path:
    """Return a file in the data directory with a key of `account`, made where there is none yet.

    `client.toml`; where that holds the key of another account, `client-ACCOUNT.toml`.
    """
    file = data_dir(node.config) / CREDENTIALS_FILE
    kept = _kept(file)
    if kept is not None and kept.account != account:
        file = file.with_name(f"client-{account}.toml")
        kept = _kept(file)
    key = _usable_key(node, kept, account)
    if key is None:
        key = f"{account}-{secrets.token_hex(4)}", new_private_key()
    await add_key(node, account, *key, permissions)
    url = node.listeners[0].url("http")
    write_credentials(file, Credentials(url, *key, account))
    return file


def _usable_key(node: Node, kept: Credentials | None, account: str) -> tuple[str, str] | None:
    """Return id and private key of `kept`, if the log has just that for `account`, or nothing."""
    if kept is None or kept.key_id is None or kept.private_key is None or kept.account != account:
        return None
    with contextlib.suppress(ValueError):
        wanted = node.core.account_id(account), public_key(kept.private_key)
        if node.core.key(kept.key_id) in (None, wanted):
            return kept.key_id, kept.private_key
    return None


async def add_key(
    node: Node,
    account: str,
    key_id: str,
    private_key: str,
    permissions: tuple[Permission, ...],
) -> None:
    """Let a key act for an account, both made where they are missing."""
    key = KeyConfig(
        key_id=key_id, public_key=public_key(private_key).hex(), permissions=permissions
    )
    await open_accounts(node.core, node.driver, [AccountConfig(name=account, keys=(key,))])


def _kept(file: Path) -> Credentials | None:
    try:
        return load_credentials(file)
    except NoCredentials:
        return None
