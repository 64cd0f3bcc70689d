"""`coulisse account`: what an operator does for accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.numbers import Deposit
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run

app = typer.Typer(help="What an operator does for accounts.", no_args_is_help=True)


What = Annotated[
    list[str],
    typer.Argument(
        metavar="[ACCOUNT] ASSET QTY",
        help="To which account [the key's own], which asset, and how much: alice USD 1000.50.",
    ),
]


@app.callback()
def root() -> None:
    """Keep `deposit` a command of its own, however many there are."""


@app.command("deposit", cls=Deposit)
def deposit(
    what: What,
    account: str | None = typer.Option(None, "--account", help="The account, as an option."),
    request_id: str | None = typer.Option(
        None, "--request-id", help="Done once under one id, however often it is asked for."
    ),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Credit an account from outside. Needs an admin key."""
    if len(what) == 3 and account is None:
        account, *what = what
    if len(what) != 2:
        fail("say [ACCOUNT] ASSET QTY, as: alice USD 1000.50")
    asset, qty = what
    run(_deposit(asset, qty, account, request_id, as_json, url, key_file))


async def _deposit(
    asset: str,
    qty: str,
    account: str | None,
    request_id: str | None,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    async with await connect(url, key_file) as client:
        owner = account or client.credentials.account
        if owner is None:
            fail("say --account: the credentials file does not name one")
            return
        await client.deposit(owner, asset, qty, request_id=request_id)
    done = {"ok": True, "account": owner, "asset": asset, "qty": qty}
    typer.echo(json.dumps(done) if as_json else f"{owner}: {qty} {asset} deposited")
