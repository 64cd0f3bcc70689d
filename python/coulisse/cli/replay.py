"""`coulisse replay`: recorded order flow through the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.options import AsJson
from coulisse.cli.runner import fail
from coulisse.domain.errors import CoulisseError


def replay(
    messages: Annotated[Path, typer.Argument(help="The message file; .xz is taken as well.")],
    orderbook: Annotated[Path, typer.Argument(help="The order book file of the same rows.")],
    levels: Annotated[
        int, typer.Option("--levels", min=1, max=200, help="Levels of each side in the book file.")
    ],
    format_: Annotated[
        str, typer.Option("--format", help="How the files are written: lobster.")
    ] = "lobster",
    as_json: AsJson = False,
) -> None:
    """Replay recorded order flow and compare every row with the recorded book.

    The last line is the result: how often the levels matched, best first, and whether executions
    hit the head of their queue.
    """
    if format_ != "lobster":
        fail(f"--format is lobster, not {format_!r}")
    # Loaded here: only this command needs them.
    from coulisse.bench.lobster import Replay
    from coulisse.bench.lobster_files import read_rows
    from coulisse.bench.replay_engine import EngineBook

    try:
        report = Replay(EngineBook(), levels).run(read_rows(messages, orderbook, levels))
    except CoulisseError as error:
        fail(str(error))
        return
    result = report.to_json()
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        typer.echo(f"{name:26} {value}")
