"""The node's end of what Redis is told: the process that tells it, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coulisse.config import Config
from coulisse.log.file import data_dir
from coulisse.node.child import Program
from coulisse.node.redis_process import REDIS_VARIABLE, Settings, Status
from coulisse.node.side import Side

MODULE: Final = "coulisse.node.redis_process"


class RedisSide(Side[Status]):
    """The Redis of a node; it takes orders however that is."""

    def __init__(self, config: Config, processors: tuple[int, ...]) -> None:
        """Prepare it; `processors` is where its process may run."""
        super().__init__("redis", "telling", Status(), _program(config, processors))

    def counts(self, status: Status, done: int) -> Mapping[str, int]:
        """Return what else is counted."""
        return {
            "messages_total": done,
            "skips_total": status.skips,
            "accounts": status.accounts,
        }


def _program(config: Config, processors: tuple[int, ...]) -> Program | None:
    part, url = config.redis, config.redis.address
    if url is None:
        return None
    settings = Settings(
        data_dir=str(data_dir(config)),
        prefix=part.prefix,
        interval_ms=part.interval_ms,
        book_depth=part.book_depth,
        accounts_max=part.accounts_max,
    )
    nice, secret = config.projector.nice, {REDIS_VARIABLE: url}
    return Program("redis", MODULE, settings.to_json(), secret, nice, processors)
