"""`coulisse admin keys`: the keys of an account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run


def keys(
    account: Annotated[str | None, typer.Argument(help="Whose; the own account's.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List the keys of ACCOUNT, with what they may do and are bound to."""
    run(_keys(account, as_json, url, key_file))


async def _keys(account: str | None, as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        result = await client.admin.keys(account)
    if as_json:
        typer.echo(json.dumps(result))
        return
    for row in cast(list[Mapping[str, object]], result["keys"]):
        permissions = ",".join(cast(list[str], row["permissions"]))
        typer.echo(f"{row['key_id']}  {row['scheme']}  {permissions}  {row['state']}")
