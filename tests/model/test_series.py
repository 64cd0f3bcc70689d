"""The fold that fills the time series and the one in plain Python agree; candles equal trades."""

import random
from collections import Counter

from coulisse._core import Candles, SeriesFold
from coulisse.domain.market import CANDLE_INTERVALS
from coulisse.domain.schema import schema
from coulisse.projections.content import Cell, text
from coulisse.projections.reference import Head
from coulisse.projections.series_reference import SECONDS, SeriesReference
from coulisse.projections.tables import series_tables
from tests.model.codec import decode_events, encode_record
from tests.model.exchange import ReferenceExchange
from tests.model.traffic import traffic

WORLDS, COMMANDS_EACH = 10, 1_200
Tables = dict[str, dict[tuple[Cell, ...], tuple[Cell, ...]]]


def take_rows(fold: SeriesFold, into: Tables) -> None:
    """Write as a database does: a row that never changes is written once."""
    rows = fold.take_rows()
    for name, is_change, _ in rows.parts():
        table = series_tables()[name]
        assert not is_change
        for raw in rows.tuples(name, is_change):
            row = tuple("" if cell is None else cell for cell in raw)
            key = row[: len(table.key)]
            assert table.growth == "writes" or key not in into[name], (name, row)
            into[name][key] = row


def test_both_folds_make_the_same_series_however_the_log_is_cut() -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS):
        fold, reference, dice = SeriesFold(), SeriesReference(), random.Random(seed)
        stored: Tables = {name: {} for name in series_tables()}
        source, exchange = traffic(seed), ReferenceExchange()
        for _ in range(COMMANDS_EACH):
            header, command = source.next(exchange)
            events = exchange.apply(header, command)
            said = fold.take(encode_record(header, command), void=header.void)
            assert decode_events(said) == events, f"seed {seed}: seq {header.seq}"
            head = Head(header.seq, header.time_ns, header.account, header.key, header.node)
            reference.take(head, list(schema().decode_events(said)))
            if dice.random() < 0.03:
                take_rows(fold, stored)
        take_rows(fold, stored)
        for name, rows in reference.tables.items():
            wanted = {tuple(map(text, row)) for row in rows.values()}
            found = {tuple(map(text, row)) for row in stored[name].values()}
            assert found == wanted, f"seed {seed}: {name}: {sorted(found ^ wanted)[:1]}"
            seen[name] += len(rows)
    assert all(seen[name] >= 15 for name in series_tables()), seen


def test_candles_of_trades_from_anywhere_are_the_same_however_they_are_given() -> None:
    dice = random.Random(11)
    time_us, trades = 1_795_391_900_000_000, []
    for seq in range(1, 4_001):
        # Mostly within a second, now and then minutes or hours later.
        time_us += dice.choice((1_000, 300_000, 2_000_000, 70_000_000, 9_000_000_000))
        trades.append((time_us, dice.randrange(1, 500), dice.randrange(1, 10**12), seq))
    for interval in CANDLE_INTERVALS:
        length_us = SECONDS[interval] * 1_000_000
        wanted: dict[int, list[tuple[int, int, int, int]]] = {}
        for trade in trades:
            wanted.setdefault(trade[0] // length_us * length_us, []).append(trade)
        fold, found, at = Candles(interval), [], 0
        while at < len(trades):
            count = dice.choice((1, 7, 59, 60, 61, 700))
            found += fold.add(trades[at : at + count])
            at += count
        last = fold.last()
        assert last is not None
        assert [*found, last] == [
            (
                start_us, of[-1][3], of[0][1], max(one[1] for one in of), min(one[1] for one in of),
                of[-1][1], sum(one[2] for one in of), sum(one[1] * one[2] for one in of), len(of),
            )
            for start_us, of in wanted.items()
        ]  # fmt: skip
