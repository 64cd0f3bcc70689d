"""The branch of the settings that says which Redis is told what happens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, SecretStr

from coulisse.config.store import OFF
from coulisse.config.values import Part, PlainName, between

SCHEMES = ("redis://", "rediss://", "unix://")
ACCOUNTS_MAX = 100_000


def _url(value: object) -> object:
    # It may hold a password: whatever is wrong with it, it is not repeated.
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str) or not (text == OFF or text.startswith(SCHEMES)):
        raise ValueError(
            "a Redis is off, redis://USER:PASSWORD@HOST:PORT/DB, rediss://… or unix://…"
        )
    return value


def _whole(value: object) -> object:
    # The environment has texts alone.
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class RedisConfig(Part):
    """What other applications read without asking the node: all of it can be made again."""

    url: Annotated[SecretStr, BeforeValidator(_url)] = SecretStr(OFF)
    """`off`, or where it is. Better in the environment (`COULISSE_REDIS__URL`) where there is a
    password."""
    prefix: PlainName = "coulisse"
    """What every key and channel begins with."""
    interval_ms: Annotated[int, between(20, 10_000)] = 100
    """How often what has happened is told; meanwhile it is gathered."""
    book_depth: Annotated[Literal[1, 10, 50], BeforeValidator(_whole)] = 50
    """Levels of each side of a book that is told and kept."""
    accounts_max: Annotated[int, between(0, ACCOUNTS_MAX)] = 10_000
    """Accounts whose private channels are told, the first ones; 0: none."""

    @property
    def address(self) -> str | None:
        """The URL as it was given, with its password; None for none."""
        text = self.url.get_secret_value()
        return None if text == OFF else text
