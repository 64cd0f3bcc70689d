"""Candles folded from recorded trades are the exchange's own."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coulisse import _core

MINUTE_US = 60_000_000
# As fine as the exchange's own numbers: a tick and a lot are 10^-12.
STEP = Decimal("1e-12")
COVERED = 428
"""Candles all of whose trades were recorded, as the data's own description counts them."""


def recorded() -> Path:
    directory = os.environ.get("COULISSE_RECORDED_DIR")
    if not directory or not (found := Path(directory) / "candles-hitbtc").is_dir():
        pytest.skip("COULISSE_RECORDED_DIR has no candles-hitbtc")
    return found


def messages(directory: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(directory.glob("*.gz")):
        with gzip.open(file, "rt") as lines:
            for line in lines:
                head, _, body = line.partition(": ")
                # What the recorder sent itself begins with an address.
                if head.replace(".", "").isdigit():
                    yield json.loads(body)


def micros(text: str) -> int:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def whole(text: str) -> int:
    steps = Decimal(text) / STEP
    assert steps == int(steps), text
    return int(steps)


@pytest.mark.recorded
def test_candles_of_recorded_trades_are_those_that_the_exchange_told() -> None:
    trades: dict[str, dict[int, tuple[int, int, int, int]]] = {}
    told: dict[tuple[str, int], tuple[int, ...]] = {}
    for message in messages(recorded()):
        method, params = message.get("method"), message.get("params", {})
        if method in ("snapshotTrades", "updateTrades"):
            for one in params["data"]:
                at, number = micros(one["timestamp"]), int(one["id"])
                price, qty = whole(one["price"]), whole(one["quantity"])
                trades.setdefault(params["symbol"], {})[number] = (at, price, qty, number)
        elif method in ("snapshotCandles", "updateCandles") and params["period"] == "M1":
            for one in params["data"]:
                names = ("open", "max", "min", "close", "volume")
                numbers = tuple(whole(one[name]) for name in names)
                told[params["symbol"], micros(one["timestamp"])] = numbers
    compared = 0
    for symbol, by_id in trades.items():
        ordered = [trade for _, trade in sorted(by_id.items())]
        first_us, last_us = (ordered[at][0] // MINUTE_US * MINUTE_US for at in (0, -1))
        for start_us, _, first, high, low, close, qty, *_ in _core.Candles("1m").add(ordered):
            # The oldest minute and the newest are recorded in part.
            if first_us < start_us < last_us and (symbol, start_us) in told:
                mine = (first, high, low, close, qty)
                assert mine == told[symbol, start_us], (symbol, start_us)
                compared += 1
        # Where the exchange has a candle, there were trades.
        mine_too = {trade[0] // MINUTE_US * MINUTE_US for trade in ordered}
        covered = [at for of, at in told if of == symbol and first_us < at < last_us]
        assert set(covered) <= mine_too
    assert compared == COVERED
