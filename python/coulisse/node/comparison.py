"""What comparisons of a database with the log have in common, and filling one again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from coulisse import _core
from coulisse.domain.errors import CoulisseError
from coulisse.store.sql.writer import Writer

TOLD_MAX: Final = 20
"""So many differences are told; all are counted."""
Progress = Callable[[int, int], None]
"""Told (records so far, records in all)."""


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Comparison:
    """What a comparison found."""

    seq: int = 0
    rows: int = 0
    """Rows that were compared."""
    differences: int = 0
    told: list[str] = field(default_factory=list)
    """The first of them."""

    def differ(self, what: str) -> None:
        """Note a difference."""
        self.differences += 1
        if len(self.told) < TOLD_MAX:
            self.told.append(what)


@contextmanager
def plainly() -> Iterator[None]:
    """Tell what the core refuses as an error for people. Raises `CoulisseError`."""
    try:
        yield
    except _core.CoreError as error:
        raise CoulisseError(f"{error.args[0]}: {error.args[-1]}") from None


def fill(
    writer: Writer, data_dir: str, records: int, *, series: bool = False
) -> Iterator[tuple[int, int]]:
    """Write all that the log has, so many records at a time; yield (rows, seq) after each.

    Raises `CoreError` and what the writer raises.
    """
    place = writer.checkpoint
    replica = _core.Replica(data_dir=data_dir, newest_seq=place.seq, only_one=False)
    replica.follow(place.seq, place.chain, series=series)
    while replica.catch_up(records):
        rows = replica.take_rows()
        if rows is not None:
            writer.write(rows)
        yield (0 if rows is None else rows.count), replica.seq
