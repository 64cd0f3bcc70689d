"""What commands that read history share: which part of it, and how its times are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from coulisse.client.history import Span

LIMIT: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
From = Annotated[
    str | None, typer.Option("--from", help="The first time, in UTC, as 2026-11-26T10:00.")
]
To = Annotated[str | None, typer.Option("--to", help="The time to end before.")]
FromSeq = Annotated[
    int | None, typer.Option("--from-seq", min=0, help="Only what happened behind this seq.")
]
MinSeq = Annotated[
    int | None, typer.Option("--min-seq", min=0, help="True at this seq; waits up to 2 s for it.")
]
Most = Annotated[
    int, typer.Option("--limit", min=0, help=f"How many at most, the newest [{LIMIT}]; 0: all.")
]


def time_ns(option: str, text: str | None, default: int) -> int:
    """Read a time as ns since the epoch. Raises `ValueError`."""
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option}: {text!r} is no time, as 2026-11-26T10:00") from None
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    since = utc - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def span_of(
    from_: str | None,
    to: str | None,
    from_seq: int | None,
    min_seq: int | None,
    account: str | None,
) -> Span:
    """Return which part is asked for. Raises `typer.BadParameter` for what is no time."""
    span: Span = {}
    try:
        if from_ is not None:
            span["from_us"] = time_ns("--from", from_, 0) // 1_000
        if to is not None:
            span["to_us"] = time_ns("--to", to, 0) // 1_000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if from_seq is not None:
        span["from_seq"] = from_seq
    if min_seq is not None:
        span["min_seq"] = min_seq
    if account is not None:
        span["account"] = account
    return span


def when(time_us: int | None) -> str:
    """Write a time in UTC, to the millisecond."""
    at = _EPOCH + timedelta(microseconds=time_us or 0)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1_000:03}"
