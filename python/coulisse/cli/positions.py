"""`coulisse positions`: what the account holds."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.tables import Layout, show_table
from coulisse.domain.money import as_text
from coulisse.domain.positions import Position

NUMBERS = ("qty", "avg_entry", "cost", "realised", "fees")
LAYOUT = Layout(("symbol", *NUMBERS), frozenset(NUMBERS))


def positions(as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Show the account's positions: net qty, average entry, realised profit, fees."""
    run(_positions(as_json, url, key_file))


async def _positions(as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        found = await client.open_positions()
    rows = [_as_json(position) for position in found]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    if not rows:
        typer.echo("no positions")
        return
    show_table(LAYOUT, rows)


def _as_json(position: Position) -> dict[str, str | None]:
    entry = position.avg_entry
    return {
        "symbol": position.symbol,
        "qty": as_text(position.qty),
        "avg_entry": None if entry is None else as_text(entry),
        "cost": as_text(position.cost),
        "realised": as_text(position.realised),
        "fees": as_text(position.fees),
    }
