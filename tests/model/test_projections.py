"""The fold that fills stores, the one in plain Python and the reference exchange agree."""

import random
from collections import Counter
from typing import Any

import pytest

from coulisse._core import Engine, Fold
from coulisse.domain.schema import schema
from coulisse.projections.content import ContentHash, text
from coulisse.projections.reference import HANDLERS, WITHOUT_ROWS, Head, ReferenceFold
from coulisse.projections.reference_audit import AUDITED
from coulisse.projections.tables import tables
from tests.model.codec import EVENT_TABLE, Header, Message, encode_events, encode_record
from tests.model.exchange import ReferenceExchange
from tests.model.tables import MemoryTables
from tests.model.traffic import traffic

WORLDS, COMMANDS_EACH = 10, 1_200
EXTERNAL, FEES = 0, -1


class Both:
    """The same records through both folds."""

    def __init__(self, seed: int) -> None:
        self.fold, self.stored = Fold(), MemoryTables()
        self.reference = ReferenceFold(self._add)
        self.added: dict[str, list[tuple[Any, ...]]] = {name: [] for name in tables()}
        self._dice = random.Random(seed)

    def take(self, header: Header, command: Message, events: list[Message]) -> None:
        said = encode_events(events)
        self.fold.take(encode_record(header, command), said)
        head = Head(header.seq, header.time_ns, header.account, header.key, header.node)
        self.reference.take(head, list(schema().decode_events(said)))
        if self._dice.random() < 0.02:
            self.stored.write(self.fold.take_rows())

    def end(self) -> None:
        self.stored.write(self.fold.take_rows())

    def expected(self) -> ContentHash:
        content = ContentHash()
        for name, rows in (self.added | self.reference.kept_rows()).items():
            content.add_all(name, rows)
        return content

    def first_difference(self) -> str:
        for name, rows in (self.added | self.reference.kept_rows()).items():
            wanted = {tuple(map(text, row)) for row in rows}
            found = {tuple(map(text, row)) for row in self.stored.rows[name].values()}
            for row in sorted(wanted ^ found)[:1]:
                return f"{name}: {'only expected' if row in wanted else 'only stored'}: {row}"
        return ""

    def _add(self, name: str, row: tuple[Any, ...]) -> None:
        self.added[name].append(row)


def a_world(seed: int, commands: int, seen: Counter[str]) -> tuple[Both, ReferenceExchange]:
    both, source, exchange = Both(seed), traffic(seed), ReferenceExchange()
    for _ in range(commands):
        header, command = source.next(exchange)
        events = exchange.apply(header, command)
        seen.update(event.kind for event in events)
        both.take(header, command, events)
    both.end()
    return both, exchange


def test_both_folds_make_the_same_rows_of_every_kind_of_event() -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS):
        both, exchange = a_world(seed, COMMANDS_EACH, seen)
        assert both.first_difference() == "", f"seed {seed}"
        assert both.stored.content().hexdigest() == both.expected().hexdigest(), f"seed {seed}"
        orders_are_the_exchanges(both.stored, exchange)
        money_is_the_exchanges(both.stored, exchange)
        positions_are_the_exchanges(both.stored, exchange)
    unseen = {kind for kind, _ in EVENT_TABLE.values()} - set(seen)
    assert not unseen, f"no traffic made these: {unseen}"


def orders_are_the_exchanges(stored: MemoryTables, exchange: ReferenceExchange) -> None:
    """Those that have not closed are the live ones, each as it stands there.

    A market order may have a collar price, which no event says before it acts.
    """
    found = {
        row["order_id"]: (
            row["account"],
            row["qty"],
            row["price"] if row["order_type"] == "limit" else 0,
            row["filled"],
            row["state"],
        )
        for row in stored.named("orders")
        if row["closed_seq"] == 0
    }
    assert found == {
        order.id: (
            order.account,
            order.qty,
            order.price if order.placed.order_type == "limit" else 0,
            order.filled,
            "open" if order.rests_at else "waiting",
        )
        for order in exchange.live.values()
    }


def money_is_the_exchanges(stored: MemoryTables, exchange: ReferenceExchange) -> None:
    """The ledger's sums are what each has, and what the house and the outside have."""
    sums: Counter[tuple[int, int]] = Counter()
    for row in stored.named("ledger"):
        amount = int(row["amount"])
        assert amount > 0
        sums[row["debit"], row["asset"]] -= amount
        sums[row["credit"], row["asset"]] += amount
    balances = {
        (row["account"], row["asset"]): (int(row["available"]), int(row["held"]))
        for row in stored.named("balances")
    }
    for (account, asset), total in sums.items():
        if account > 0:
            assert sum(balances[account, asset]) == total, f"account {account}, asset {asset}"
    assert {key for key, (available, held) in balances.items() if available + held} == {
        key for key, total in sums.items() if key[0] > 0 and total
    }
    for asset in {asset for _, asset in sums}:
        assert sum(total for (_, of), total in sums.items() if of == asset) == 0
        house = exchange.ledger.fees[asset] + exchange.ledger.rounding[asset]
        assert sums[FEES, asset] == house
        assert sums[EXTERNAL, asset] == exchange.ledger.external[asset]


def positions_are_the_exchanges(stored: MemoryTables, exchange: ReferenceExchange) -> None:
    found = {
        (row["account"], row["instrument"]): (
            row["qty"], int(row["cost"]), int(row["realised"]), int(row["fees"])
        )
        for row in stored.named("positions")
    }  # fmt: skip
    for key, position in exchange.positions.items():
        wanted = (position.qty, position.cost, position.realised, position.fees)
        assert found.get(key, (0, 0, 0, 0)) == wanted
    assert found.keys() <= exchange.positions.keys()


def test_every_kind_of_event_makes_rows_or_is_named_as_one_that_makes_none() -> None:
    kinds = {kind for kind, _ in EVENT_TABLE.values()}
    assert kinds == HANDLERS.keys() | AUDITED | WITHOUT_ROWS
    assert not (HANDLERS.keys() | AUDITED) & WITHOUT_ROWS


@pytest.mark.parametrize("table", ["orders", "ledger", "balances", "audit"])
def test_one_row_that_is_otherwise_makes_another_hash(table: str) -> None:
    both, _ = a_world(3, 400, Counter())
    wanted = both.expected().hexdigest()
    assert both.stored.content().hexdigest() == wanted
    row = next(iter(both.stored.rows[table].values()))
    kept, row[-1] = row[-1], f"{row[-1]}0"
    assert both.stored.content().hexdigest() != wanted
    row[-1] = kept
    both.stored.rows[table].popitem()
    assert both.stored.content().hexdigest() != wanted


def test_rows_are_the_same_whatever_the_batches() -> None:
    source, exchange, engine = traffic(5), ReferenceExchange(), Engine()
    folds, stored = [Fold(), Fold(), Fold()], [MemoryTables() for _ in range(3)]
    for number in range(1, 900):
        header, command = source.next(exchange)
        exchange.apply(header, command)
        record = encode_record(header, command)
        events = engine.void(record) if header.void else engine.apply(record)
        for at, every in enumerate((1, 7, 1_000)):
            folds[at].take(record, events)
            if number % every == 0:
                stored[at].write(folds[at].take_rows())
    hashes = set()
    for fold, kept in zip(folds, stored, strict=True):
        kept.write(fold.take_rows())
        hashes.add(kept.content().hexdigest())
    assert len(hashes) == 1
