"""Compares the time series with the log, and makes them again from it: `coulisse series`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.domain.schema import schema
from coulisse.log.archive import require_whole
from coulisse.node.comparison import Comparison, Progress, fill, no_progress, plainly
from coulisse.node.series_process import RECORDS_PER_WRITE
from coulisse.projections.content import text
from coulisse.projections.reference import Head
from coulisse.projections.series_reference import SeriesReference
from coulisse.store.errors import StoreMoved
from coulisse.store.timeseries.address import SeriesAddress
from coulisse.store.timeseries.contents import all_rows
from coulisse.store.timeseries.writer import Policy, open_series, wipe_series

RECORDS_PER_CALL: Final = 20_000


@dataclass(slots=True)
class Report(Comparison):
    """What a comparison found."""

    pruned: int = 0
    """Rows that the log makes and that are older than any that is kept of their table."""


def verify(address: SeriesAddress, data_dir: str, progress: Progress = no_progress) -> Report:
    """Compare every row with what the plain fold makes of the journal. Raises `CoulisseError`.

    The journal's node must have run since the machine booted.
    """
    with all_rows(address) as (place, rows):
        stored: dict[str, set[tuple[str, ...]]] = {}
        oldest: dict[str, int] = {}
        report = Report(seq=place.seq)
        for name, row in rows:
            cells = tuple(map(text, row))
            if cells in stored.setdefault(name, set()):
                report.differ(f"{name}: twice: {cells}")
            stored[name].add(cells)
            oldest[name] = min(int(cells[1]), oldest.get(name, int(cells[1])))
            report.rows += 1
    with plainly():
        replica = _core.Replica(data_dir=data_dir, newest_seq=0, only_one=False)
        reference = reference_at(replica, place.seq, progress)
    for name, row in reference.rows():
        wanted: tuple[str, ...] = tuple(map(text, row))
        if wanted in stored.get(name, set()):
            stored[name].remove(wanted)
        elif int(wanted[1]) < oldest.get(name, 0):
            report.pruned += 1
        else:
            report.differ(f"{name}: not stored: {wanted}")
    for name, left in stored.items():
        for cells in left:
            report.differ(f"{name}: not of the log: {cells}")
    return report


def reference_at(
    replica: _core.Replica, seq: int, progress: Progress = no_progress
) -> SeriesReference:
    """Return what the log makes up to `seq`, by the plain fold. Raises `CoreError`."""
    reference = SeriesReference()
    replica.follow(0, bytes(32), keep_events=True, series=True)
    while replica.seq < seq and replica.catch_up(min(RECORDS_PER_CALL, seq - replica.seq)):
        _take(reference, replica, seq)
        progress(replica.seq, seq)
    return reference


def _take(reference: SeriesReference, replica: _core.Replica, last_seq: int) -> None:
    for seq, time_ns, account, key, node, events in replica.take_events():
        if seq <= last_seq:
            head = Head(seq, time_ns, account, key, node)
            reference.take(head, list(schema().decode_events(events)))


def rebuild(
    address: SeriesAddress, data_dir: str, policy: Policy, progress: Progress = no_progress
) -> int:
    """Empty the time series and fill them again; return how many rows this process has written.

    A node that runs fills them too: no row is written twice. Raises `CoulisseError`.
    """
    require_whole(Path(data_dir))
    wipe_series(address)
    rows = 0
    with plainly():
        genesis, last_seq = _core.log_end(data_dir)
        while True:
            writer = open_series(address, genesis, policy)
            try:
                for made, seq in fill(writer, data_dir, RECORDS_PER_WRITE, series=True):
                    rows += made
                    progress(seq, max(seq, last_seq))
                while writer.checkpoint.seq < writer.written_seq:
                    writer.look()
                return rows
            except StoreMoved:
                # The node's own process has written: what it has, this one need not.
                continue
            finally:
                writer.close()
