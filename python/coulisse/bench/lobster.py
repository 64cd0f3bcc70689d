"""Replays recorded order flow through the engine and compares every row with the recorded book.

The recording shows only what touches the visible levels, so six rules say what an engine cannot
know from it. They are numbered here as where they are applied:

1. The first row's book is the seed: one anonymous order per level.
2. A cancel of an order that is unknown, or smaller than the cancel, takes the rest from the level's
   anonymous qty, oldest first, then from its youngest known orders: a level always falls by
   exactly what was cancelled.
3. After each row the orders of a level beyond the worst visible price become one anonymous order:
   their queue is no longer known.
4. An execution is judged for time priority only where its level holds no anonymous qty. A known
   order that is not at the head is counted, and taken off as by a cancel; anything else is driven
   by an immediate-or-cancel order from the other side.
5. Rows are compared first and adopted after, and only where the last visible level differs.
6. Hidden executions and halts change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from coulisse.bench.lobster_files import (
    ADD,
    DELETE,
    EXECUTE,
    REDUCE,
    Levels,
    Message,
    Row,
)
from coulisse.domain.errors import ReplayError

Key = int
"""What names an order here: the recording's id; anonymous orders count down from -1."""


class ReplayBook(Protocol):
    """A book whose orders have names."""

    def add(self, key: Key, buy: bool, price: int, qty: int) -> None:
        """Let an order rest."""

    def reduce(self, key: Key, by: int) -> None:
        """Take `by` off an order, all of it included; it keeps its place."""

    def execute(self, buy: bool, price: int, qty: int) -> list[tuple[Key, int]]:
        """Hit the resting side `buy` with an immediate-or-cancel order; return (maker, qty)."""

    def level_orders(self, buy: bool, price: int) -> list[tuple[Key, int]]:
        """Return (order, qty) of one level, oldest first."""

    def levels(self, buy: bool, depth: int) -> Levels:
        """Return the best levels of a side."""

    def state_hash(self) -> bytes:
        """Return a hash over the whole state."""


@dataclass(slots=True)
class Report:
    """What came out."""

    events: int = 0
    rows_compared: int = 0
    matched: list[int] = field(default_factory=list)
    """Rows in which levels 1..k+1 are all equal, by k."""
    adopted: int = 0
    adopted_above_last_level: int = 0
    fifo_ok: int = 0
    fifo_violations: int = 0
    state_hash: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return the fields of the command's last line."""
        rows = max(self.rows_compared, 1)
        return {
            "events": self.events,
            "rows_compared": self.rows_compared,
            "match_by_level": [round(count / rows, 6) for count in self.matched],
            "adopted": self.adopted,
            "adopted_above_last_level": self.adopted_above_last_level,
            "fifo_ok": self.fifo_ok,
            "fifo_violations": self.fifo_violations,
            "state_hash": self.state_hash,
            "events_per_s": round(self.events / self.seconds) if self.seconds else 0,
        }


class Replay:
    """One replay."""

    def __init__(self, book: ReplayBook, levels: int) -> None:
        """Replay into an empty `book`; `levels` are visible in the recording."""
        self.report = Report(matched=[0] * levels)
        self._book = book
        self._levels = levels
        self._last_anonymous = 0
        self._known: dict[Key, tuple[bool, int]] = {}
        # Levels that may hold more than one anonymous order, by side.
        self._unmerged: dict[bool, set[int]] = {True: set(), False: set()}

    def run(self, rows: Iterable[Row]) -> Report:
        """Replay all rows. Raises `ReplayError` if there are none."""
        started_ns = time.perf_counter_ns()
        seeded = False
        for row in rows:
            self.report.events += 1
            if not seeded:
                self._seed(row)
                seeded = True
                continue
            self._apply(row.message)
            self._compare_and_adopt(row)
            for buy, recorded in ((True, row.bids), (False, row.asks)):
                self._merge_hidden(buy, recorded)
        if not seeded:
            raise ReplayError("the recording has no rows")
        self.report.seconds = (time.perf_counter_ns() - started_ns) / 1e9
        self.report.state_hash = self._book.state_hash().hex()
        return self.report

    def _seed(self, row: Row) -> None:
        for buy, recorded in ((True, row.bids), (False, row.asks)):
            for price, qty in recorded:
                self._add_anonymous(buy, price, qty)

    def _apply(self, message: Message) -> None:
        if message.kind == ADD:
            self._add_known(message)
        elif message.kind in (REDUCE, DELETE):
            self._take(message.buy, message.price, message.qty, message.order_id)
        elif message.kind == EXECUTE:
            self._execute(message)

    def _execute(self, message: Message) -> None:
        queue = self._book.level_orders(message.buy, message.price)
        known = self._known.get(message.order_id) == (message.buy, message.price)
        judged = known and all(key > 0 for key, _ in queue)
        if known and queue[0][0] != message.order_id:
            self.report.fifo_violations += judged
            self._take(message.buy, message.price, message.qty, message.order_id)
            return
        fills = self._book.execute(message.buy, message.price, message.qty)
        if judged:
            # The engine itself says who was first, not our idea of its queue.
            first = bool(fills) and fills[0][0] == message.order_id
            self.report.fifo_ok += first
            self.report.fifo_violations += not first
        self._forget_gone(queue, message.buy, message.price)

    def _compare_and_adopt(self, row: Row) -> None:
        self.report.rows_compared += 1
        equal = self._levels
        for buy, recorded in ((True, row.bids), (False, row.asks)):
            own = self._book.levels(buy, self._levels)
            if own != recorded:
                at = _first_difference(own, recorded)
                equal = min(equal, at)
                self.report.adopted += 1
                self.report.adopted_above_last_level += at < self._levels - 1
                self._adopt(buy, recorded)
        for level in range(equal):
            self.report.matched[level] += 1

    def _adopt(self, buy: bool, recorded: Levels) -> None:
        wanted = dict(recorded)
        for price, qty in self._book.levels(buy, 0):
            if len(recorded) == self._levels and _is_beyond(buy, price, recorded[-1][0]):
                break
            if price not in wanted:
                self._take(buy, price, qty, None)
        for price, qty in recorded:
            own = sum(part for _, part in self._book.level_orders(buy, price))
            if own > qty:
                self._take(buy, price, own - qty, None)
            elif own < qty:
                self._add_in_front(buy, price, qty - own)

    def _merge_hidden(self, buy: bool, recorded: Levels) -> None:
        if len(recorded) < self._levels:
            return
        worst = recorded[-1][0]
        for price in [p for p in self._unmerged[buy] if _is_beyond(buy, p, worst)]:
            self._unmerged[buy].discard(price)
            queue = self._book.level_orders(buy, price)
            if not queue or (len(queue) == 1 and queue[0][0] < 0):
                continue
            for key, qty in queue:
                self._book.reduce(key, qty)
                self._known.pop(key, None)
            self._last_anonymous -= 1
            self._book.add(self._last_anonymous, buy, price, sum(qty for _, qty in queue))

    def _take(self, buy: bool, price: int, qty: int, named: Key | None) -> None:
        queue = self._book.level_orders(buy, price)
        first = [item for item in queue if item[0] == named]
        anonymous = [item for item in queue if item[0] < 0]
        youngest = [item for item in reversed(queue) if item[0] > 0 and item[0] != named]
        left = qty
        for key, held in (*first, *anonymous, *youngest):
            if left == 0:
                break
            part = min(held, left)
            left -= part
            self._book.reduce(key, part)
        self._forget_gone(queue, buy, price)

    def _forget_gone(self, before: list[tuple[Key, int]], buy: bool, price: int) -> None:
        left = {key for key, _ in self._book.level_orders(buy, price)}
        for key, _ in before:
            if key not in left:
                self._known.pop(key, None)

    def _add_known(self, message: Message) -> None:
        self._known[message.order_id] = (message.buy, message.price)
        self._unmerged[message.buy].add(message.price)
        self._book.add(message.order_id, message.buy, message.price, message.qty)

    def _add_anonymous(self, buy: bool, price: int, qty: int) -> None:
        self._last_anonymous -= 1
        self._unmerged[buy].add(price)
        self._book.add(self._last_anonymous, buy, price, qty)

    def _add_in_front(self, buy: bool, price: int, qty: int) -> None:
        # A book has no way in but at the back: everyone else steps behind, in their order.
        behind = self._book.level_orders(buy, price)
        for key, held in behind:
            self._book.reduce(key, held)
        self._add_anonymous(buy, price, qty)
        for key, held in behind:
            self._book.add(key, buy, price, held)


def _first_difference(own: Levels, recorded: Levels) -> int:
    for at, (ours, theirs) in enumerate(zip(own, recorded, strict=False)):
        if ours != theirs:
            return at
    return min(len(own), len(recorded))


def _is_beyond(buy: bool, price: int, worst: int) -> bool:
    return price < worst if buy else price > worst
