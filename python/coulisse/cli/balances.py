"""`coulisse balances`: what the account has."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.tables import Layout, show_table
from coulisse.domain.money import as_text

NUMBERS = ("available", "held", "total")
LAYOUT = Layout(("asset", *NUMBERS), frozenset(NUMBERS))


def balances(as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Show the account's balances."""
    run(_balances(as_json, url, key_file))


async def _balances(as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        found = await client.balances()
    rows = [
        {
            "asset": balance.asset,
            "available": as_text(balance.available),
            "held": as_text(balance.held),
            "total": as_text(balance.total),
        }
        for balance in found.values()
    ]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    show_table(LAYOUT, rows)
