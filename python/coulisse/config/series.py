"""The branch of the settings that says where the time series are, and how long they stay."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from coulisse.config.store import OFF
from coulisse.config.values import Part, between

DAYS_MAX = 36_500
SeriesTable = Literal[
    "trades", "quotes", "quotes_1m", "marks", "candles_1s", "candles_1m", "candles_5m",
    "candles_15m", "candles_1h", "candles_4h", "candles_1d",
]  # fmt: skip


def _database(value: object) -> object:
    # It may hold a password: whatever is wrong with it, it is not repeated.
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    known = text is None or (
        isinstance(text, str)
        and (text in (OFF, "sqlite") or text.startswith(("sqlite:///", "questdb://")))
    )
    if not known:
        raise ValueError("a database is off, sqlite, sqlite:///FILE or questdb://…")
    return value


class SeriesConfig(Part):
    """Where trades, quotes, mark prices and candles are written, all made of the log."""

    database: Annotated[
        SecretStr | None, BeforeValidator(_database), Field(examples=["sqlite"])
    ] = None
    """`off`. `sqlite`: a file in the data directory, and so where nothing is said and there is a
    store. `sqlite:///FILE`, `questdb://USER:PASSWORD@HOST:HTTP_PORT?pg=PG_PORT`.
    Better in the environment (`COULISSE_SERIES__DATABASE`) where there is a password."""
    keep_days: dict[SeriesTable, Annotated[int, between(1, DAYS_MAX)]] = Field(
        default={"quotes": 30, "candles_1s": 30}
    )
    """How many days rows stay, by table; for good where a table is not named. What goes is not
    lost: longer candles and `quotes_1m` stay, and all is made again from the log."""
