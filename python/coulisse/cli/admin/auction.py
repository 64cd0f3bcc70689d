"""`coulisse admin auction`: when an instrument is next traded by a call auction."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Symbol, asking, in_utc
from coulisse.cli.runner import fail


@asking
def auction(
    symbol: Symbol,
    start: Annotated[
        datetime | None, typer.Option("--start", help="When orders begin to be collected, in UTC.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", help="When the book is uncrossed, in UTC.")
    ] = None,
) -> Asked:
    """Schedule a call auction in SYMBOL; without times, take the scheduled one away."""
    if (start is None) != (end is None):
        fail("say --start and --end, or neither")
    times = (in_utc(start), in_utc(end))
    said = "no auction" if start is None else f"auction from {start} to {end}"
    return (
        lambda client, once: client.admin.schedule_auction(symbol, *times, request_id=once),
        f"{symbol}: {said}",
    )
