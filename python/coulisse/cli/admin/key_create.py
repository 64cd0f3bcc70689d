"""`coulisse admin key-create`: let the holder of a key act for an account."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, in_utc
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.client.admin import Admin, Done

Account = Annotated[str, typer.Argument(help="Whose key it is.")]
KeyId = Annotated[str, typer.Argument(help="The key's public name, never used before.")]


def key_create(
    account: Account,
    key_id: KeyId,
    permissions: Annotated[
        str, typer.Option("--permissions", help="Of read, trade, withdraw, admin, with commas.")
    ] = "read,trade",
    public_key: Annotated[
        str | None,
        typer.Option(
            "--public-key",
            help="Ed25519, 64 hexadecimal digits. Without it the node draws an HMAC secret and "
            "shows it once.",
        ),
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="What it is for.")] = None,
    expires: Annotated[
        datetime | None, typer.Option("--expires", help="From when on it is refused, in UTC.")
    ] = None,
    waits: Annotated[
        bool, typer.Option("--waits", help="Refuse it until key-bind has bound it.")
    ] = False,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Make a key for ACCOUNT under the name KEY_ID."""
    until = in_utc(expires)

    def work(admin: Admin) -> Awaitable[Done]:
        return admin.create_key(
            account, key_id, permissions.split(","), public_key=public_key, label=label,
            expire_time=until, waits=waits or None, request_id=request_id,
        )  # fmt: skip

    run(_create(work, f"{account}: key {key_id} made", as_json, url, key_file))


async def _create(
    work: Callable[[Admin], Awaitable[Done]],
    said: str,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    async with await connect(url, key_file) as client:
        done = await work(client.admin)
    if as_json:
        typer.echo(json.dumps({"ok": True, **done}))
        return
    typer.echo(said)
    if "secret" in done:
        typer.echo(f"its secret, shown this once: {done['secret']}")
