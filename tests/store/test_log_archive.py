"""A node that puts its log away: nothing that something goes on from, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from coulisse.log.archive import archived, held
from coulisse.log.files import segments
from coulisse.node.backup import check_backup, make_backup, restore

from ..integration.conftest import Server, Start
from .test_projector_store import (
    DEADLINE_S,
    QUICK,
    SERVE,
    health,
    is_filled,
    require_right,
    sqlite_of,
    trade,
    until,
)

ARCHIVING = {
    **QUICK,
    "COULISSE_LOG__SEGMENT_BYTES": "4096",
    "COULISSE_LOG__ARCHIVE_INTERVAL_S": "0.2",
    "COULISSE_SERIES__DATABASE": "sqlite",
}
SEVERAL_LOOKS_S = 2.0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "put-away"


def command(server: Server, archive: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coulisse", *words, "--data-dir", str(server.data_dir), "--json"],
        env={**os.environ, "COULISSE_LOG__ARCHIVE": str(archive)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def is_put_away(server: Server, archive: Path) -> bool:
    """Whether no more than what snapshots, store and series need is left."""
    return len(archived(archive)) >= 3 and segments(server.data_dir)[0] > 1


def is_noted(server: Server, said: Mapping[str, Any]) -> bool:
    """Whether the node knows of all that its archive has."""
    noted = said["log"]["first_seq"], said["log"]["archived_segments"] >= 3
    return noted == (segments(server.data_dir)[0], True)


async def trade_until(server: Server, placed: int, holds: Callable[[], bool]) -> int:
    """Go on trading until it is so: no snapshot is written while nothing happens."""
    give_up = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < give_up, health(server)["log"]
        await trade(server, 4, first=placed)
        placed += 4
        await asyncio.sleep(0.2)
    return placed


def is_refused(kept: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda said: said[kept]["state"] == "refused"


async def test_what_is_done_with_leaves_the_log_and_a_store_is_made_again_once_it_is_back(
    start: Start, archive: Path
) -> None:
    server = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive))
    placed = await trade_until(server, 0, lambda: is_put_away(server, archive))
    until(server, is_filled)
    said = until(server, lambda said: is_noted(server, said))
    assert not said["degraded"] and said["log"]["archived_segments"] >= 3
    oldest = said["log"]["first_seq"]
    assert oldest == segments(server.data_dir)[0] > archived(archive)[-1]
    snapshots = [int(file.stem.split("-")[1]) for file in server.data_dir.glob("*.snap")]
    assert oldest <= min(snapshots)
    # Killed in the midst of it, it goes on where it was.
    server.stop(signal.SIGKILL)
    again = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive))
    await trade(again, 20, first=placed)
    until(again, is_filled)
    # The store is not emptied for what the log alone could not make again.
    refused = command(again, archive, "store", "rebuild")
    assert refused.returncode != 0 and "LOG_GONE" in refused.stderr
    assert until(again, is_filled)["store"]["state"] == "writing"
    back = json.loads(command(again, archive, "log", "recall").stdout)
    assert back["whole"] and back["first_seq"] == 1 and back["segments"] >= 3
    # Nothing is put away again meanwhile.
    await asyncio.sleep(SEVERAL_LOOKS_S)
    assert segments(again.data_dir)[0] == 1
    rebuilt = command(again, archive, "store", "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    until(again, is_filled)
    require_right(again, sqlite_of(again))
    listed = command(again, archive, "log", "list").stdout.splitlines()
    assert {json.loads(line)["where"] for line in listed} == {"archive", "log"}


async def test_a_backup_of_what_is_left_begins_with_its_snapshot_and_goes_on(
    start: Start, archive: Path
) -> None:
    server = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive))
    placed = await trade_until(server, 0, lambda: is_put_away(server, archive))
    made = make_backup(server.data_dir, archive.parent / "backup")
    assert made.start_seq == made.snapshot_seq > segments(archive.parent / "backup")[0] > 1
    check_backup(archive.parent / "backup")
    restore(archive.parent / "backup", archive.parent / "restored")
    again = start(*SERVE[:-1], str(archive.parent / "restored"), **QUICK)
    assert health(again)["seq"] >= made.seq
    # What it has no store for it says, and trades.
    said = until(again, is_refused("store"))
    assert said["ready"] and "LOG_GONE" in said["store"]["reason"]
    with held(server.data_dir):
        oldest = segments(server.data_dir)[0]
        await trade(server, 60, first=placed)
        until(server, is_filled)
        await asyncio.sleep(SEVERAL_LOOKS_S)
        assert segments(server.data_dir)[0] == oldest, "nothing leaves while it is held"
    await trade_until(server, placed + 60, lambda: segments(server.data_dir)[0] > oldest)


async def test_while_a_store_is_away_nothing_is_put_away(start: Start, archive: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:9/nothing"
    server = start(
        *SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive), COULISSE_STORE__DATABASE=away
    )
    await trade(server, 60)
    until(server, lambda said: said["projector"]["snapshot_seq"] > 60)
    await asyncio.sleep(SEVERAL_LOOKS_S)
    assert segments(server.data_dir)[0] == 1 and archived(archive) == []


async def test_a_store_that_was_lost_with_its_log_is_refused_and_trading_goes_on(
    start: Start, archive: Path
) -> None:
    server = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive))
    placed = await trade_until(server, 0, lambda: is_put_away(server, archive))
    assert server.stop() == 0
    for file in server.data_dir.glob("s*.sqlite3*"):
        file.unlink()
    again = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(archive))
    for kept in ("store", "series"):
        said = until(again, is_refused(kept))
        assert "LOG_GONE" in said[kept]["reason"]
        assert said["degraded"] and said["ready"]
    oldest = segments(again.data_dir)[0]
    await trade(again, 20, first=placed)
    assert segments(again.data_dir)[0] == oldest, "nothing more goes while a store lacks it"
    # What was put away is put back, and both fill themselves.
    assert command(again, archive, "log", "recall").returncode == 0
    until(again, is_filled)
    require_right(again, sqlite_of(again))
    until(again, lambda said: said["series"]["state"] == "writing")


async def test_an_archive_that_cannot_be_written_degrades_the_node_and_no_more(
    start: Start, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the archive should be")
    server = start(*SERVE, **ARCHIVING, COULISSE_LOG__ARCHIVE=str(blocked / "archive"))
    await trade_until(server, 0, lambda: "reason" in health(server)["log"])
    said = health(server)
    assert said["degraded"] and said["ready"] and "blocked" in said["log"]["reason"]
    assert segments(server.data_dir)[0] == 1
    blocked.unlink()
    assert not until(server, lambda said: "reason" not in said["log"])["degraded"]
    assert health(server)["ready"]
