"""`coulisse admin key-create`: let the holder of a key act for an account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Result, asking, in_utc

Account = Annotated[str, typer.Argument(help="Whose key it is.")]
KeyId = Annotated[str, typer.Argument(help="The key's public name, never used before.")]


@asking
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
) -> Asked:
    """Make a key for ACCOUNT under the name KEY_ID."""
    until = in_utc(expires)

    def says(done: Result) -> str:
        made = f"{account}: key {key_id} made"
        secret = done.get("secret")
        return made if secret is None else f"{made}\nits secret, shown this once: {secret}"

    return (
        lambda client, once: client.admin.create_key(
            account, key_id, permissions.split(","), public_key=public_key, label=label,
            expire_time=until, waits=waits or None, request_id=once,
        ),
        says,
    )  # fmt: skip
