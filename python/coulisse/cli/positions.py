"""`coulisse positions`: what the account holds."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.domain.money import as_text
from coulisse.domain.positions import Position

COLUMNS = ("symbol", "qty", "avg_entry", "cost", "realised", "fees")


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
    table = Table(box=None)
    for name in COLUMNS:
        table.add_column(name.replace("_", " "), justify="left" if name == "symbol" else "right")
    for row in rows:
        table.add_row(*(row[name] or "" for name in COLUMNS))
    Console().print(table)


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
