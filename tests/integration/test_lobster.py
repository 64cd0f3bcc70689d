"""Recorded NASDAQ order flow through the engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from coulisse.bench.lobster import Replay
from coulisse.bench.lobster_files import read_rows
from coulisse.bench.replay_engine import EngineBook

LEVELS = 5
SHORT_ROWS = 20_000


def recorded() -> tuple[Path, Path]:
    folder = os.environ.get("COULISSE_RECORDED_DIR", "")
    messages = Path(folder) / "lobster-amzn" / "AMZN_2012-06-21_message_5.csv.xz"
    if not folder or not messages.is_file():
        pytest.skip("COULISSE_RECORDED_DIR names no folder with lobster-amzn")
    return messages, messages.with_name("AMZN_2012-06-21_orderbook_5.csv.xz")


class LastInFirstOut(EngineBook):
    """A planted fault: whoever came last to a level is served first."""

    def add(self, key: int, buy: bool, price: int, qty: int) -> None:
        behind = self.level_orders(buy, price)
        super().add(key, buy, price, qty)
        for other, held in behind:
            super().reduce(other, held)
        for other, held in behind:
            super().add(other, buy, price, held)


@pytest.mark.recorded
def test_a_recorded_day_matches_at_every_level_but_the_last() -> None:
    messages, books = recorded()
    done = subprocess.run(
        [sys.executable, "-m", "coulisse", "replay", "--format", "lobster", str(messages),
         str(books), "--levels", str(LEVELS), "--json"],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["events"] == 155_935 and result["rows_compared"] == 155_934
    assert result["match_by_level"][:4] == [1.0, 1.0, 1.0, 1.0]
    assert 0.90 <= result["match_by_level"][4] <= 0.95
    assert (result["adopted"], result["adopted_above_last_level"]) == (12_051, 0)
    assert (result["fifo_ok"], result["fifo_violations"]) == (7_272, 9)
    assert len(result["state_hash"]) == 64 and result["events_per_s"] > 0


@pytest.mark.recorded
def test_the_same_rows_give_the_same_state() -> None:
    messages, books = recorded()

    def replayed() -> str:
        rows = islice(read_rows(messages, books, LEVELS), 2_000)
        return Replay(EngineBook(), LEVELS).run(rows).state_hash

    assert replayed() == replayed()


@pytest.mark.recorded
def test_a_planted_last_in_first_out_book_fails() -> None:
    messages, books = recorded()
    rows = islice(read_rows(messages, books, LEVELS), SHORT_ROWS)
    planted = Replay(LastInFirstOut(), LEVELS).run(rows)
    assert planted.fifo_violations > 100
