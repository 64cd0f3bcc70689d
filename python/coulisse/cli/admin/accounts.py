"""`coulisse admin account-create`, `account-set`, `group-create`: who trades, and with whom."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, ask
from coulisse.cli.options import AsJson, KeyFile, Url

Name = Annotated[str, typer.Argument(help="Its name, never used before.")]


def account_create(
    name: Name,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Open the account NAME."""
    ask(
        lambda admin: admin.create_account(name, request_id=request_id),
        f"{name}: account opened", as_json, url, key_file,
    )  # fmt: skip


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
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Put ACCOUNT into groups; what is not given is set to none."""
    ask(
        lambda admin: admin.configure_account(
            account, group=group, trade_group=trade_group, request_id=request_id
        ),
        f"{account}: group {group or 'none'}, trade group {trade_group or 'none'}",
        as_json, url, key_file,
    )  # fmt: skip


def group_create(
    name: Name,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Make the group NAME, which limits, states and kill switches can bind together."""
    ask(
        lambda admin: admin.create_group(name, request_id=request_id),
        f"{name}: group made", as_json, url, key_file,
    )  # fmt: skip
