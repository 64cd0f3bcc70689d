"""`coulisse admin account-create`, `account-set`, `group-create`: who trades, and with whom."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking

Name = Annotated[str, typer.Argument(help="Its name, never used before.")]


@asking
def account_create(
    name: Name,
) -> Asked:
    """Open the account NAME."""
    return (
        lambda client, once: client.admin.create_account(name, request_id=once),
        f"{name}: account opened",
    )


@asking
def account_set(
    account: Annotated[str, typer.Argument(help="Which account.")],
    group: Annotated[
        str | None, typer.Option("--group", help="The group whose limits bind it too [none].")
    ] = None,
    trade_group: Annotated[
        int | None,
        typer.Option(
            "--trade-group", min=0, help="Accounts of one number do not trade with each other [0]."
        ),
    ] = None,
) -> Asked:
    """Put ACCOUNT into groups; what is not given is set to none."""
    return (
        lambda client, once: client.admin.configure_account(
            account, group=group, trade_group=trade_group, request_id=once
        ),
        f"{account}: group {group or 'none'}, trade group {trade_group or 'none'}",
    )


@asking
def group_create(
    name: Name,
) -> Asked:
    """Make the group NAME, which limits, states and kill switches can bind together."""
    return (
        lambda client, once: client.admin.create_group(name, request_id=once),
        f"{name}: group made",
    )
