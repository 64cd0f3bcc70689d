"""Tells a Redis what happens, as a process: a replica of its own, whose feeds it listens to.

    python -m coulisse.node.redis_process '{"data_dir": …, …}'

Every interval it takes what the log has, hears what the feeds say of it, and sends that in one go:
of books, tickers and candles the newest state, of the rest every message. Where Redis was away, or
so slow that much has piled up, it goes to the end of the log and begins again with images.

It lives and tells as `side_process` says. The URL, which may hold a password, comes by the
environment.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import Final

from coulisse import _core
from coulisse.node.pace import RECORDS_PER_BURST
from coulisse.node.redis_feed import RedisFeed
from coulisse.node.side_process import (
    Lifeline,
    SideProcess,
    SideSettings,
    SideStatus,
    beside,
    run_process,
)
from coulisse.store.redis.publisher import REFRESH_S, Publisher
from coulisse.store.sql.writer import Breathe

REDIS_VARIABLE: Final = "COULISSE_REDIS__URL"
RECORDS_PER_TURN: Final = 20_000
"""What one interval takes of the log at most."""
SKIP_RECORDS: Final = 200_000
"""So far behind, the messages between are left out, and images are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SideSettings):
    """What the node tells it."""

    prefix: str = "coulisse"
    interval_ms: int = 100
    book_depth: int = 50
    accounts_max: int = 10_000


@dataclass(slots=True)
class Status(SideStatus):
    """How far it is."""

    seq: int | None = 0
    """How far Redis was told."""
    skips: int = 0
    """How often messages were left out because Redis was too slow."""
    accounts: int = 0
    """Accounts whose channels are told."""


class Teller(SideProcess[Status]):
    """Tells one Redis until the node lets go."""

    def __init__(self, settings: Settings, url: str, lifeline: Lifeline) -> None:
        """Prepare to tell the Redis at `url`."""
        super().__init__("redis-back", lifeline, Status())
        self._settings = settings
        self._url = url

    def _live(self) -> None:
        self._say("connecting", self._status.reason)
        publisher = Publisher(self._url, self._settings.prefix)
        data_dir = self._settings.data_dir
        try:
            # Without a Redis there is no replica either.
            replica = beside(lambda: _core.Replica(data_dir=data_dir, only_one=False))
            self._tell_all(publisher, replica)
        finally:
            publisher.close()

    def _tell_all(self, publisher: Publisher, replica: _core.Replica) -> None:
        settings = self._settings
        feed = RedisFeed(replica, settings.book_depth, settings.accounts_max)
        if not self._catch_up(replica):
            return
        feed.open()
        interval_s = settings.interval_ms / 1_000
        next_s = refresh_at_s = time.monotonic()
        has_keys = False
        while not self._lifeline.is_cut(max(0.0, next_s - time.monotonic())):
            next_s = max(next_s + interval_s, time.monotonic())
            if replica.durable_seq - replica.seq > SKIP_RECORDS:
                self._status.skips += 1
                feed.close()
                if not self._catch_up(replica):
                    return
                feed.open()
            self._pace.look(lambda: replica.durable_seq)
            self._worker.do(lambda breathe: self._take(replica, breathe))
            is_refresh = not has_keys or time.monotonic() >= refresh_at_s
            if is_refresh:
                feed.refresh()
                refresh_at_s = time.monotonic() + REFRESH_S
            keys, messages = feed.hear()
            # Whoever emptied it has taken the others' keys too.
            has_keys = publisher.send(replica.seq, keys, messages) or is_refresh
            self._status.done += len(messages)
            self._status.seq, self._status.accounts = replica.seq, feed.accounts
            self._say("telling") if self._status.state != "telling" else self._tell()

    def _take(self, replica: _core.Replica, breathe: Breathe) -> None:
        """Take what the log has, as much as an interval takes."""
        limit = RECORDS_PER_BURST if self._pace.is_active else RECORDS_PER_TURN
        enough = replica.seq + RECORDS_PER_TURN
        while replica.seq < enough:
            breathe()
            if replica.catch_up(limit) < limit:
                break

    def _catch_up(self, replica: _core.Replica) -> bool:
        """Go to the end of the log; return False where the node let go meanwhile."""
        while replica.catch_up(RECORDS_PER_TURN) >= RECORDS_PER_TURN:
            self._tell()
            if self._lifeline.is_cut(0.0):
                return False
        return True


def main() -> int:
    """Run the process; return its exit code."""
    settings, url = Settings.from_json(sys.argv[1]), os.environ.pop(REDIS_VARIABLE)
    return run_process(lambda: Teller(settings, url, Lifeline()).run())


if __name__ == "__main__":
    sys.exit(main())
