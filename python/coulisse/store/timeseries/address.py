"""Where the time series are: text that can be printed."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from coulisse.domain.errors import ConfigError
from coulisse.store.files import named_file

SERIES_FILE: Final = "series.sqlite3"
HTTP_PORT: Final = 9_000
PG_PORT: Final = 8_812
DEFAULT_USER: Final = ("admin", "quest")
"""Of a QuestDB where nobody has said otherwise."""
SeriesBackend = Literal["questdb", "sqlite"]


@dataclass(frozen=True, slots=True)
class SeriesAddress:
    """A file, or a QuestDB and how to reach it."""

    backend: SeriesBackend
    file: str = ""
    """Of SQLite."""
    host: str = ""
    http_port: int = HTTP_PORT
    """Where rows go."""
    pg_port: int = PG_PORT
    """Where they are read."""
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        """Return where it is, without a password."""
        if self.backend == "sqlite":
            return self.file
        return f"questdb://{self.host}:{self.http_port}?pg={self.pg_port}"

    __repr__ = __str__


def parse_series_address(text: str, data_dir: Path) -> SeriesAddress:
    """Read the setting: `sqlite`, `sqlite:///FILE` or `questdb://…`. Raises `ConfigError`."""
    file = named_file(text, data_dir / SERIES_FILE)
    if file is not None:
        return SeriesAddress("sqlite", file)
    scheme = text.partition("://")[0]
    if scheme != "questdb":
        # What follows the scheme may hold a password.
        raise ConfigError(
            f"series.database: {scheme[:20]!r} is not sqlite, sqlite:///… or questdb://…"
        )
    try:
        parts = urllib.parse.urlsplit(text)
        http_port = parts.port or HTTP_PORT
        asked = dict(urllib.parse.parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        pg_port = int(asked.pop("pg", PG_PORT))
    except ValueError:
        raise ConfigError(f"series.database: {_FORM}") from None
    if not parts.hostname or asked or parts.path not in ("", "/"):
        raise ConfigError(f"series.database: {_FORM}")
    unquoted = urllib.parse.unquote
    return SeriesAddress(
        "questdb", "", parts.hostname, http_port, pg_port,
        unquoted(parts.username or ""), unquoted(parts.password or ""),
    )  # fmt: skip


_FORM = "a QuestDB is questdb://USER:PASSWORD@HOST:HTTP_PORT?pg=PG_PORT; HOST must be there"
