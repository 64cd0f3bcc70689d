"""Which database: a URL that can be printed."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from coulisse.domain.errors import ConfigError
from coulisse.store.files import named_file

SQLITE_FILE = "store.sqlite3"
Backend = Literal["postgresql", "sqlite"]


@dataclass(frozen=True, slots=True)
class Address:
    """A database and how to reach it."""

    backend: Backend
    target: str
    """A file, or a PostgreSQL URL with its password."""

    @property
    def url(self) -> str:
        """The URL as SQLAlchemy wants it."""
        if self.backend == "sqlite":
            return f"sqlite:///{self.target}"
        return "postgresql+psycopg" + self.target.removeprefix("postgresql")

    def to_json(self) -> str:
        """Return it as text for another process, with its password: not for anybody's eyes."""
        return json.dumps([self.backend, self.target])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(*json.loads(text))

    def __str__(self) -> str:
        """Return where it is, without a password."""
        if self.backend == "sqlite":
            return self.target
        parts = urllib.parse.urlsplit(self.target)
        host = parts.netloc.rpartition("@")[2]
        user = f"{parts.username}@" if parts.username else ""
        return f"postgresql://{user}{host}{parts.path}"

    __repr__ = __str__


def parse_address(text: str, data_dir: Path) -> Address:
    """Read the setting: `sqlite`, `sqlite:///FILE` or `postgresql://…`. Raises `ConfigError`."""
    file = named_file(text, data_dir / SQLITE_FILE)
    if file is not None:
        return Address("sqlite", file)
    scheme, _, rest = text.partition("://")
    if scheme in ("postgresql", "postgres") and rest:
        return Address("postgresql", f"postgresql://{rest}")
    # What follows the scheme may hold a password.
    raise ConfigError(
        f"store.database: {scheme[:20]!r} is not sqlite, sqlite:///… or postgresql://…"
    )
