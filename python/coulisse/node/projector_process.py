"""The projector as a process: follows the node's journal, writes snapshots, fills the store.

    python -m coulisse.node.projector_process '{"data_dir": …, …}'

It lives and tells as `side_process` says. A snapshot is written by a fork of this process, so that
the replica goes on meanwhile.

The store's address, which may hold a password, comes by the environment.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.log.files import begins_at_one
from coulisse.node.follower import POLL_S, Follower, Settings, Status
from coulisse.node.pace import Pace
from coulisse.node.side_process import (
    NOT_YET,
    STATUS_INTERVAL_S,
    Lifeline,
    run_process,
    say,
)
from coulisse.node.store_feed import StoreFeed
from coulisse.store.sql.address import parse_address

STORE_VARIABLE: Final = "COULISSE_STORE__DATABASE"
OPEN_TRIES_MAX: Final = 300
"""Looks, each `POLL_S` apart, for the one before to end and for the node to publish."""


def open_replica(data_dir: str, lifeline: Lifeline) -> _core.Replica | None:
    """Open the replica, once it can be; None where the node went first. Raises `CoreError`."""
    for left in reversed(range(OPEN_TRIES_MAX)):
        try:
            return _core.Replica(data_dir=data_dir)
        except _core.CoreError as error:
            if error.args[0] not in NOT_YET or left == 0:
                raise
        if lifeline.is_cut(POLL_S):
            break
    return None


def follow(settings: Settings, lifeline: Lifeline) -> None:
    """Follow the journal until the node lets go. Raises `CoreError`."""
    replica = open_replica(settings.data_dir, lifeline)
    if replica is None:
        return
    for file, reason in replica.passed_over:
        say({"passed_over": file, "reason": reason})
    pace = Pace(time.monotonic)
    feed = feed_of(settings, replica.genesis, pace)
    follower = Follower(replica, settings, time.monotonic, feed, pace)
    # The follower may let go of it and begin with another.
    del replica
    told, tell_at_s = Status(), 0.0
    try:
        more = False
        while not lifeline.is_cut(0.0 if more else POLL_S):
            more = follower.turn()
            if follower.status != told and (
                is_news(follower.status, told) or time.monotonic() >= tell_at_s
            ):
                told = Status(**asdict(follower.status))
                tell_at_s = time.monotonic() + STATUS_INTERVAL_S
                say(asdict(told))
        follower.finish()
    finally:
        follower.end()
        if feed is not None:
            feed.end()


def is_news(now: Status, told: Status) -> bool:
    """Tell whether the node must not wait for it."""
    return now.snapshots != told.snapshots or now.store_state != told.store_state


def feed_of(settings: Settings, genesis: bytes, pace: Pace) -> StoreFeed | None:
    """Return what fills the store, if there is one."""
    database = os.environ.pop(STORE_VARIABLE, "")
    if not database:
        return None
    directory = Path(settings.data_dir)
    address = parse_address(database, directory)
    is_beside = address.backend == "sqlite" and Path(address.target).parent == directory

    def is_own() -> bool:
        # What the log could not fill again is not thrown away.
        return is_beside and begins_at_one(directory)

    return StoreFeed(address, genesis, pace, may_migrate=settings.may_migrate, is_own=is_own)


def main() -> int:
    """Run the process; return its exit code."""
    settings = Settings.from_json(sys.argv[1])
    # The fork that writes a snapshot runs nothing that the store's thread could have locked.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    return run_process(lambda: follow(settings, Lifeline()))


if __name__ == "__main__":
    sys.exit(main())
