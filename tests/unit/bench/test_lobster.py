"""The six rules, each on a book small enough to see."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from coulisse.bench.lobster import Replay, Report
from coulisse.bench.lobster_files import Levels, Message, Row, read_rows
from coulisse.bench.replay_engine import EngineBook
from coulisse.domain.errors import ReplayError

ADD, REDUCE, DELETE, EXECUTE, HIDDEN = 1, 2, 3, 4, 5
ASKS = [(110, 10), (120, 10)]
SEED = Row(Message(ADD, 1, 1, 1, True), bids=[(100, 10), (90, 10)], asks=ASKS)


def a_row(kind: int, order_id: int, qty: int, price: int, bids: Levels, *, buy: bool = True) -> Row:
    return Row(Message(kind, order_id, qty, price, buy), bids=bids, asks=ASKS)


def replayed(*rows: Row) -> Report:
    return Replay(EngineBook(), 2).run([SEED, *rows])


def test_the_first_row_is_the_seed_and_is_not_compared() -> None:
    report = replayed()
    assert (report.events, report.rows_compared, report.adopted) == (1, 0, 0)


def test_an_added_order_rests_behind_and_the_rows_match() -> None:
    report = replayed(a_row(ADD, 7, 5, 100, [(100, 15), (90, 10)]))
    assert report.matched == [1, 1] and report.adopted == 0


def test_a_cancel_of_an_unknown_order_comes_off_the_anonymous_qty() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 100, [(100, 15), (90, 10)]),
        a_row(DELETE, 999, 4, 100, [(100, 11), (90, 10)]),
        a_row(REDUCE, 7, 2, 100, [(100, 9), (90, 10)]),
    )
    assert report.matched == [3, 3]


def test_a_cancel_larger_than_its_order_takes_the_rest_from_the_level() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 100, [(100, 15), (90, 10)]),
        a_row(DELETE, 7, 8, 100, [(100, 7), (90, 10)]),
    )
    assert report.matched == [2, 2]


def test_an_execution_at_the_head_of_a_known_queue_is_in_order() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 105, [(105, 5), (100, 10)]),
        a_row(ADD, 8, 5, 105, [(105, 10), (100, 10)]),
        a_row(EXECUTE, 7, 5, 105, [(105, 5), (100, 10)]),
    )
    assert (report.fifo_ok, report.fifo_violations) == (1, 0)
    assert report.matched == [3, 3]


def test_an_execution_out_of_turn_is_counted_and_taken_off_as_recorded() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 105, [(105, 5), (100, 10)]),
        a_row(ADD, 8, 5, 105, [(105, 10), (100, 10)]),
        a_row(EXECUTE, 8, 5, 105, [(105, 5), (100, 10)]),
        a_row(EXECUTE, 7, 5, 105, [(100, 10), (90, 10)]),
    )
    assert (report.fifo_ok, report.fifo_violations) == (1, 1)


def test_an_execution_on_a_level_with_anonymous_qty_is_not_judged() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 100, [(100, 15), (90, 10)]),
        a_row(EXECUTE, 7, 5, 100, [(100, 10), (90, 10)]),
    )
    assert (report.fifo_ok, report.fifo_violations) == (0, 0)
    assert report.matched == [2, 2]


def test_a_level_that_enters_as_the_last_is_adopted_after_it_was_compared() -> None:
    report = replayed(a_row(DELETE, 999, 10, 100, [(90, 10), (80, 7)]))
    assert report.matched == [1, 0]
    assert (report.adopted, report.adopted_above_last_level) == (1, 0)


def test_a_difference_above_the_last_level_is_said() -> None:
    report = replayed(a_row(ADD, 7, 5, 100, [(100, 16), (90, 10)]))
    assert report.matched == [0, 0]
    assert report.adopted_above_last_level == 1


def test_adopted_qty_stands_in_front_so_what_follows_is_not_judged() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 95, [(100, 10), (95, 6)]),
        a_row(DELETE, 999, 10, 100, [(95, 6), (90, 10)]),
        a_row(EXECUTE, 999, 1, 95, [(95, 5), (90, 10)]),
        a_row(EXECUTE, 7, 5, 95, [(90, 10), (80, 1)]),
    )
    assert report.adopted == 2
    assert (report.fifo_ok, report.fifo_violations) == (1, 0)


def test_a_queue_that_was_out_of_sight_is_not_judged_when_it_comes_back() -> None:
    report = replayed(
        a_row(ADD, 7, 5, 105, [(105, 5), (100, 10)]),
        a_row(ADD, 8, 5, 107, [(107, 5), (105, 5)]),
        a_row(ADD, 9, 5, 108, [(108, 5), (107, 5)]),
        a_row(DELETE, 9, 5, 108, [(107, 5), (105, 5)]),
        a_row(EXECUTE, 8, 5, 107, [(105, 5), (100, 10)]),
        a_row(EXECUTE, 7, 5, 105, [(100, 10), (90, 10)]),
    )
    assert (report.fifo_ok, report.fifo_violations) == (1, 0)
    assert report.matched == [6, 6]


def test_a_hidden_execution_changes_nothing() -> None:
    report = replayed(a_row(HIDDEN, 0, 50, 100, SEED.bids))
    assert report.matched == [1, 1]


def test_files_are_read_packed_or_not_and_empty_levels_are_none(tmp_path: Path) -> None:
    messages, books = tmp_path / "m.csv", tmp_path / "b.csv.xz"
    messages.write_text("34200.1,1,7,5,1000000,1\n34200.2,3,7,5,1000000,-1\n")
    line = "1100000,5,1000000,5,9999999999,0,-9999999999,0\n"
    books.write_bytes(lzma.compress((line + line).encode()))
    first, second = read_rows(messages, books, 2)
    assert first.message == Message(1, 7, 5, 1_000_000, True) and not second.message.buy
    assert (first.bids, first.asks) == ([(1_000_000, 5)], [(1_100_000, 5)])


@pytest.mark.parametrize(
    ("message", "book", "says"),
    [
        ("34200.1,1,7,5,1000000,1", "1,1,1,1", "4 columns"),
        ("34200.1,9,7,5,1000000,1", "1,1,1,1,1,1,1,1", "unknown event type 9"),
        ("34200.1,1,x,5,1000000,1", "1,1,1,1,1,1,1,1", "line 1"),
        ("34200.1,1", "1,1,1,1,1,1,1,1", "line 1: 2 columns of a message, not 6"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(
    tmp_path: Path, message: str, book: str, says: str
) -> None:
    messages, books = tmp_path / "m.csv", tmp_path / "b.csv"
    messages.write_text(message + "\n")
    books.write_text(book + "\n")
    with pytest.raises(ReplayError, match=says):
        list(read_rows(messages, books, 2))
    with pytest.raises(ReplayError, match="No such file"):
        list(read_rows(tmp_path / "none", books, 2))
