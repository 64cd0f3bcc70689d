"""`coulisse admin person-create`: let a person act for an account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking, in_utc
from coulisse.cli.passwords import ask_password


@asking
def person_create(
    account: Annotated[str, typer.Argument(help="For which account.")],
    name: Annotated[str, typer.Argument(help="The person's name, never used before for a key.")],
    permissions: Annotated[
        str, typer.Option("--permissions", help="Of read, trade, withdraw, admin, with commas.")
    ] = "read,trade",
    label: Annotated[str | None, typer.Option("--label", help="Who it is.")] = None,
    expires: Annotated[
        datetime | None, typer.Option("--expires", help="From when on it is refused, in UTC.")
    ] = None,
    waits: Annotated[
        bool, typer.Option("--waits", help="Refuse it until key-bind has bound it.")
    ] = False,
) -> Asked:
    """Let NAME act for ACCOUNT with a password, typed here or read from stdin."""
    password = ask_password("Password", new=True)
    until = in_utc(expires)
    return (
        lambda client, once: client.admin.create_person(
            account,
            name,
            password,
            permissions.split(","),
            label=label,
            expire_time=until,
            waits=waits or None,
            request_id=once,
        ),
        f"{account}: {name} may log on",
    )
