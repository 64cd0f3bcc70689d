"""Tells a Redis what happens, as a process: a replica of its own, whose feeds it listens to.

    python -m coulisse.node.redis_process '{"data_dir": …, …}'

Every interval it takes what the log has, hears what the feeds say of it, and sends that in one go:
of books, tickers and candles the newest state, of the rest every message. Where Redis was away, or
so slow that much has piled up, it goes to the end of the log and begins again with images.

It lives as long as its stdin. The URL, which may hold a password, comes by the environment.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final, Literal, Self

from coulisse import _core
from coulisse.node.follower import EXIT_FAILED, RECORDS_PER_BURST
from coulisse.node.pace import Pace, Worker
from coulisse.node.projector_process import (
    EXIT_DIVERGED,
    NOT_YET,
    Lifeline,
    memory_bytes,
    say,
)
from coulisse.node.redis_feed import RedisFeed
from coulisse.store.errors import StoreDown, StoreError, StoreRefused
from coulisse.store.redis.publisher import REFRESH_S, Publisher
from coulisse.store.sql.writer import Breathe

REDIS_VARIABLE: Final = "COULISSE_REDIS__URL"
RECORDS_PER_TURN: Final = 20_000
"""What one interval takes of the log at most."""
SKIP_RECORDS: Final = 200_000
"""So far behind, the messages between are left out, and images are told."""
STATUS_INTERVAL_S: Final = 1.0
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 10.0
State = Literal["connecting", "telling", "down", "refused"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the node tells it."""

    data_dir: str
    nice: int
    processors: tuple[int, ...]
    """Where it may run; empty: where the node may."""
    prefix: str = "coulisse"
    interval_ms: int = 100
    book_depth: int = 50
    accounts_max: int = 10_000

    def to_json(self) -> str:
        """Return the argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the argument of the process."""
        fields = json.loads(text)
        return cls(**{**fields, "processors": tuple(fields["processors"])})


@dataclass(slots=True)
class Status:
    """How far it is."""

    state: State = "connecting"
    seq: int = 0
    """How far Redis was told."""
    messages: int = 0
    """What was published: of each channel one an interval."""
    skips: int = 0
    """How often messages were left out because Redis was too slow."""
    accounts: int = 0
    """Accounts whose channels are told."""
    reason: str = ""
    memory_bytes: int = 0


class Teller:
    """Tells one Redis until the node lets go."""

    def __init__(self, settings: Settings, url: str, lifeline: Lifeline) -> None:
        """Prepare to tell the Redis at `url`."""
        self._settings = settings
        self._url = url
        self._lifeline = lifeline
        self._status = Status()
        self._told_at_s = 0.0
        self._pace = Pace(time.monotonic)
        self._worker = Worker("redis-back", self._pace)

    def run(self) -> None:
        """Tell until the node lets go. Raises `CoreError` where the replica is at fault."""
        wait_s = BACKOFF_FIRST_S
        while True:
            before = self._status.messages
            try:
                self._live()
                return
            except StoreRefused as error:
                self._say("refused", str(error))
            except StoreError as error:
                self._say("down", str(error))
            # One that took something is soon asked again.
            wait_s = BACKOFF_FIRST_S if self._status.messages > before else wait_s
            if self._lifeline.is_cut(wait_s):
                return
            wait_s = min(2 * wait_s, BACKOFF_MAX_S)

    def _live(self) -> None:
        """Tell until the node lets go. Raises `StoreError`, `CoreError`."""
        self._say("connecting", self._status.reason)
        publisher = Publisher(self._url, self._settings.prefix)
        try:
            # Without a Redis there is no replica either.
            replica = _core.Replica(data_dir=self._settings.data_dir, only_one=False)
            self._tell_all(publisher, replica)
        except _core.CoreError as error:
            if error.args[0] in NOT_YET:
                raise StoreDown("the node has published nothing yet") from None
            raise
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
            self._status.messages += len(messages)
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

    def _say(self, state: State, reason: str = "") -> None:
        self._status.state, self._status.reason = state, reason
        self._told_at_s = 0.0
        self._tell()

    def _tell(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._told_at_s:
            self._told_at_s = now_s + STATUS_INTERVAL_S
            self._status.memory_bytes = memory_bytes()
            say(asdict(self._status))


def main() -> int:
    """Run the process; return its exit code."""
    settings = Settings.from_json(sys.argv[1])
    # Who interrupts the node in a terminal interrupts its family too: the node decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(settings.nice)
    if settings.processors:
        os.sched_setaffinity(0, settings.processors)
    try:
        Teller(settings, os.environ.pop(REDIS_VARIABLE), Lifeline()).run()
    except _core.CoreError as error:
        code, message = str(error.args[0]), str(error.args[-1])
        say({"error": code, "message": message})
        return EXIT_DIVERGED if code == "REPLICA_DIVERGED" else EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
