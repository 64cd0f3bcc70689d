"""One request of an operator, and what is printed of its result; options that several share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.runner import connect, fail, run
from coulisse.client.admin import Admin

Symbol = Annotated[str, typer.Argument(help="The instrument, as BTC-USD.")]
Whom = Annotated[
    str,
    typer.Argument(help="firm, group:NAME or account:NAME."),
]
RequestId = Annotated[
    str | None,
    typer.Option("--request-id", help="Done once under one id, however often it is asked for."),
]


def whom_of(text: str) -> tuple[str, str | None]:
    """Read `firm`, `group:desk` and such as scope and name."""
    scope, colon, name = text.partition(":")
    if scope not in ("firm", "group", "account", "instrument") or (scope == "firm") == bool(colon):
        fail(f"say firm, group:NAME or account:NAME, not {text!r}")
    return scope, name or None


def in_utc(time: datetime | None) -> datetime | None:
    """Return a time of the command line, which has no zone, as one in UTC."""
    return None if time is None else time.replace(tzinfo=UTC)


def ask(
    work: Callable[[Admin], Awaitable[Mapping[str, object]]],
    done: str,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    """Connect, do `work`, and print its result, or the sentence `done`."""
    run(_ask(work, done, as_json, url, key_file))


async def _ask(
    work: Callable[[Admin], Awaitable[Mapping[str, object]]],
    done: str,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    async with await connect(url, key_file) as client:
        result = await work(client.admin)
    again = " (done before)" if result.get("duplicate") else ""
    typer.echo(json.dumps({"ok": True, **result}) if as_json else f"{done}{again}")
