"""`coulisse admin key-create`: let the holder of a key act for an account."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run

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
    given = {"public_key": public_key, "label": label, "request_id": request_id}
    until = None if expires is None else expires.astimezone()
    asked = (account, key_id, permissions.split(","))
    run(_create(asked, given, until, waits, as_json, url, key_file))


async def _create(
    asked: tuple[str, str, list[str]],
    given: dict[str, str | None],
    until: datetime | None,
    waits: bool,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    async with await connect(url, key_file) as client:
        done = await client.admin.create_key(
            *asked, **given, expire_time=until, waits=waits or None
        )
    if as_json:
        typer.echo(json.dumps({"ok": True, **done}))
        return
    typer.echo(f"{asked[0]}: key {asked[1]} made")
    if "secret" in done:
        typer.echo(f"its secret, shown this once: {done['secret']}")
