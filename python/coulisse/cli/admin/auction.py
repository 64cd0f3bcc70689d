"""`coulisse admin auction`: when an instrument is next traded by a call auction."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, Symbol, ask, in_utc
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import fail


def auction(
    symbol: Symbol,
    start: Annotated[
        datetime | None, typer.Option("--start", help="When orders begin to be collected, in UTC.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", help="When the book is uncrossed, in UTC.")
    ] = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Schedule a call auction in SYMBOL; without times, take the scheduled one away."""
    if (start is None) != (end is None):
        fail("say --start and --end, or neither")
    times = (in_utc(start), in_utc(end))
    said = "no auction" if start is None else f"auction from {start} to {end}"
    ask(
        lambda admin: admin.schedule_auction(symbol, *times, request_id=request_id),
        f"{symbol}: {said}", as_json, url, key_file,
    )  # fmt: skip
