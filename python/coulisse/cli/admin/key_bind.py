"""`coulisse admin key-bind`: what a key is bound to."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking


@asking
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
) -> Asked:
    """Bind KEY_ID to what is named, and to nothing else. Its sessions are closed."""
    return (
        lambda client, once: client.admin.bind_key(
            key_id,
            accounts=account or (),
            symbols=symbol or (),
            networks=network or (),
            request_id=once,
        ),
        f"{key_id}: bound",
    )
