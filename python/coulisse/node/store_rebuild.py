"""Makes a store again from the log: `coulisse store rebuild`.

The rows go and the checkpoint goes back to nothing in one transaction; from then on it is a store
that has not come far. Where a node runs, its projector notices and fills it; where none does, this
process does. Either may be stopped and goes on at the checkpoint.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.domain.errors import CoulisseError
from coulisse.log.archive import require_whole
from coulisse.node.comparison import Progress, fill, plainly
from coulisse.node.follower import RECORDS_PER_WRITE
from coulisse.store.sql.address import Address
from coulisse.store.sql.migrate import migrate, wipe
from coulisse.store.sql.place import PlaceReader
from coulisse.store.sql.writer import open_writer

LOOK_S: Final = 0.2
PATIENCE_S: Final = 60.0
"""How long a node may fill nothing."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done."""

    seq: int
    rows: int
    by_node: bool
    """Whether a node that runs has filled it."""


def rebuild(address: Address, data_dir: str, *, resume: bool, progress: Progress) -> Rebuilt:
    """Empty the store, unless it is to be gone on with, and see it filled.

    Raises `CoulisseError`; then it can be gone on with.
    """
    if not resume:
        require_whole(Path(data_dir))
    migrate(address)
    if not resume:
        wipe(address)
    with plainly():
        if _has_projector(data_dir):
            return _watch(address, data_dir, progress)
        return _fill(address, data_dir, progress)


def _has_projector(data_dir: str) -> bool:
    """Tell whether a node's projector follows this log. Raises `CoreError`."""
    try:
        _core.Replica(data_dir=data_dir, newest_seq=0)
    except _core.CoreError as error:
        if error.args[0] == "REPLICA_LOCKED":
            return True
        raise
    return False


def _fill(address: Address, data_dir: str, progress: Progress) -> Rebuilt:
    genesis, last_seq = _core.log_end(data_dir)
    writer = open_writer(address, genesis)
    try:
        rows = 0
        for made, seq in fill(writer, data_dir, RECORDS_PER_WRITE):
            rows += made
            progress(seq, max(seq, last_seq))
        return Rebuilt(writer.checkpoint.seq, rows, by_node=False)
    finally:
        writer.close()


def _watch(address: Address, data_dir: str, progress: Progress) -> Rebuilt:
    """Wait until the node has filled it up to where the log is now."""
    _, target = _core.log_end(data_dir)
    reader = PlaceReader(address)
    seq, moved_s = 0, time.monotonic()
    try:
        while (found := reader.seq()) < target:
            if found != seq:
                seq, moved_s = found, time.monotonic()
            elif time.monotonic() - moved_s > PATIENCE_S:
                raise CoulisseError(
                    f"a node runs on {data_dir} and does not fill {address}: see its /readyz"
                )
            progress(found, target)
            select.select([], [], [], LOOK_S)
        return Rebuilt(found, 0, by_node=True)
    finally:
        reader.close()
