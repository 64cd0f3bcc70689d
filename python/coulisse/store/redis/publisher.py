"""The one connection to a Redis: keys that expire, messages, all in pipelines.

Invariant: a key is written with a time to live, and written again long before it ends: what a node
has left behind goes by itself.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from coulisse.store.errors import StoreDown, StoreRefused

if TYPE_CHECKING:
    from redis import Redis

TIMEOUT_S: Final = 2.0
"""How long a Redis may take for one pipeline before it counts as gone."""
KEY_LIFE_S: Final = 60
REFRESH_S: Final = 20.0
"""How often every key is written though nothing has changed."""
COMMANDS_PER_PIPELINE: Final = 1_000
MARKER: Final = "seq"
"""The key that says how far it is told; where it is gone, so may be the others."""


def printable(url: str) -> str:
    """Return where a Redis is, without user and password."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Publisher:
    """A connection that writes keys and publishes."""

    def __init__(self, url: str, prefix: str) -> None:
        """Connect. Raises `StoreDown`, `StoreRefused` (`STORE_DRIVER`)."""
        try:
            import redis
        except ImportError:
            message = "Redis is reached by the package redis: pip install 'coulisse[redis]'"
            raise StoreRefused("STORE_DRIVER", message) from None
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._error: type[Exception] = redis.RedisError
        self._prefix = prefix
        try:
            self._redis: Redis = redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0), single_connection_client=True,
            )  # fmt: skip
            self._redis.ping()
        except (redis.RedisError, OSError, ValueError) as error:
            raise StoreDown(_said(error)) from None

    def send(
        self, seq: int, keys: Mapping[str, bytes], messages: Iterable[tuple[str, bytes]]
    ) -> bool:
        """Write keys, publish messages, and then say how far they reach.

        Returns whether the keys of before are still there. Raises `StoreDown`.
        """
        commands: list[tuple[str | bytes | int, ...]] = []
        for name, value in keys.items():
            commands.append(("SET", f"{self._prefix}:{name}", value, "EX", KEY_LIFE_S))
        for channel, payload in messages:
            commands.append(("PUBLISH", f"{self._prefix}:{channel}", payload))
        marker = ("SET", f"{self._prefix}:{MARKER}", seq, "EX", KEY_LIFE_S, "GET")
        commands.append(marker)
        last: Sequence[object] = ()
        for at in range(0, len(commands), COMMANDS_PER_PIPELINE):
            last = self._run(commands[at : at + COMMANDS_PER_PIPELINE])
        return last[-1] is not None

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _run(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> Sequence[object]:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        try:
            answers: list[object] = pipeline.execute()
        except (self._error, OSError) as error:
            raise StoreDown(_said(error)) from None
        return answers


def _said(error: Exception) -> str:
    """Return what an error says, in one line: no driver says the password."""
    return " ".join(str(error).split())[:200] or type(error).__name__
