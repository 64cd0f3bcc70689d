"""The clients' record of a soak, against orders that are right, lost, doubled and changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from coulisse.bench.soak_check import ACCEPTED, ACKED, CLOSED, ORDER, REFUSED, SENT, Record
from coulisse.domain.errors import CoulisseError

DONE = SENT | ACKED | ACCEPTED | CLOSED


def a_record(tmp_path: Path) -> Record:
    """No order 0, orders 1 and 2 that filled 5 and nothing, and 3, which was refused."""
    orders = [(0, 0, 0), (71, 5, DONE), (72, 0, DONE), (0, 0, SENT | REFUSED)]
    path = tmp_path / "record"
    path.write_bytes(b"".join(ORDER.pack(*order) for order in orders))
    return Record(path)


def test_orders_that_are_as_they_were_told_are_right(tmp_path: Path) -> None:
    record = a_record(tmp_path)
    record.take("000000000001", 71, 5, True)
    record.take("000000000002", 72, 0, True)
    figures = record.end()
    assert (figures["orders"], figures["lost"], figures["is_right"]) == (2, 0, True)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("lost", []),
        ("doubled", [(2, 72, 0, True), (2, 72, 0, True)]),
        ("mismatched", [(2, 73, 0, True)]),
        ("mismatched", [(2, 72, 1, True)]),
        ("unknown", [(2, 72, 0, True), (3, 73, 0, True)]),
        ("unknown", [(2, 72, 0, True), (4, 74, 0, True)]),
        ("left_open", [(2, 72, 0, False)]),
    ],
)
def test_each_fault_is_counted_by_its_name(
    tmp_path: Path, name: str, fault: list[tuple[int, int, int, bool]]
) -> None:
    record = a_record(tmp_path)
    record.take("000000000001", 71, 5, True)
    for number, order_id, filled, is_closed in fault:
        record.take(f"{number:012}", order_id, filled, is_closed)
    figures = record.end()
    counts = {
        name: figures[name] for name in ("lost", "doubled", "mismatched", "unknown", "left_open")
    }
    assert counts.pop(name) == 1
    assert not any(counts.values())
    assert figures["is_right"] is False and len(figures["told"]) == 1


def test_what_is_not_all_there_loses_nothing_yet(tmp_path: Path) -> None:
    record = a_record(tmp_path)
    record.take("000000000002", 72, 0, True)
    figures = record.end(is_whole=False)
    assert (figures["lost"], figures["is_right"]) == (None, True)


def test_half_a_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_bytes(bytes(17))
    with pytest.raises(CoulisseError, match="17 bytes are no whole record"):
        Record(path)
