"""`coulisse admin key-bind`: what a key is bound to."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, ask
from coulisse.cli.options import AsJson, KeyFile, Url


def key_bind(
    key_id: Annotated[str, typer.Argument(help="The key.")],
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="It may act for this one beside its own; at most 6."),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="It may trade only this; at most 6.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", help="It may come only from this, as 10.0.0.0/8; at most 4."),
    ] = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Bind KEY_ID to what is named, and to nothing else. Its sessions are closed."""
    ask(
        lambda admin: admin.bind_key(
            key_id, accounts=account or (), symbols=symbol or (), networks=network or (),
            request_id=request_id,
        ),
        f"{key_id}: bound", as_json, url, key_file,
    )  # fmt: skip
