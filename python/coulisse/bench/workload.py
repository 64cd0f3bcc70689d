"""The order flow that every matching engine is compared on, made from a seed.

One instrument, whole ticks and lots. Each line is `op,id,side,price,qty`; side 0 buys, 1 sells:

- `A` a passive limit order that rests;
- `C` the cancel of a live order (side, price and qty are 0);
- `X` a crossing limit order that is always filled completely, so it may be sent as `gtc`, `ioc` or
  market.

The first `prefill` lines are `A` and build the book; `operations` lines of all three kinds follow.
The generator keeps a small book of its own, so that every cancel names a live order and every
crossing order finds enough to take. Some 58 % of the operations add, 34 % cancel and 8 % cross, and
about as many orders rest at the end as were prefilled.

Invariant: the bytes depend on the three numbers alone. Published results rest on them, so the
draws, their order and the floating-point expressions on them must stay as they are; a test holds
the hash. Floats occur here only as draws: a workload is no money.
"""

import heapq
import math
import random
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BUY = 0
SELL = 1

ANCHOR_TICKS = 100_000
"""Where an empty book starts, and what crossing orders lean the price back to."""
LIVE_MIN = 100
"""No order is cancelled while fewer than this and one more rest."""
CANCEL_BELOW = 0.34
CROSS_BELOW = 0.42
"""Of a draw in [0, 1): below the first a cancel, below the second a crossing order, else an add."""
QTY_LOTS_MAX = 200
FILLS_MEAN = 3.55
"""Resting orders that a crossing order meets on average, while the book is as full as prefilled."""


@dataclass(slots=True)
class _Ladder:
    """One side: lots by order id, first come first, at each price; and its prices, best first."""

    sign: int
    levels: dict[int, OrderedDict[int, int]] = field(default_factory=dict)
    prices: list[int] = field(default_factory=list)

    def best(self) -> int | None:
        """Return the best price in ticks; forget prices that have no level any more."""
        while self.prices:
            price = self.sign * self.prices[0]
            if price in self.levels:
                return price
            heapq.heappop(self.prices)
        return None

    def rest(self, order_id: int, price: int, qty: int) -> None:
        """Put an order at the end of its level."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = OrderedDict()
            heapq.heappush(self.prices, self.sign * price)
        level[order_id] = qty

    def remove(self, order_id: int, price: int) -> None:
        """Take an order out."""
        level = self.levels[price]
        del level[order_id]
        if not level:
            del self.levels[price]


@dataclass(slots=True)
class _Live:
    """The orders that rest, in an order from which one can be drawn by its number."""

    ids: list[int] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    found_at: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Side and price in ticks."""

    def add(self, order_id: int, side: int, price: int) -> None:
        """Append an order."""
        self.places[order_id] = len(self.ids)
        self.ids.append(order_id)
        self.found_at[order_id] = (side, price)

    def remove(self, order_id: int) -> tuple[int, int]:
        """Take an order out, the last one coming into its place; return its side and price."""
        place = self.places.pop(order_id)
        last = self.ids.pop()
        if last != order_id:
            self.ids[place] = last
            self.places[last] = place
        return self.found_at.pop(order_id)


@dataclass(slots=True)
class _Flow:
    """The draws, and the book that they meet."""

    rng: random.Random
    prefill: int
    ladders: tuple[_Ladder, _Ladder] = field(default_factory=lambda: (_Ladder(-1), _Ladder(1)))
    live: _Live = field(default_factory=_Live)
    last_id: int = 0

    def geometric(self, mean: float) -> int:
        """Draw a whole number from 0 on, geometrically distributed."""
        return int(math.log(1.0 - self.rng.random()) / math.log(1.0 - 1.0 / mean))

    def next_line(self) -> str:
        """Draw the next operation, apply it, and return its line."""
        kind = self.rng.random()
        if kind < CANCEL_BELOW and len(self.live.ids) > LIVE_MIN:
            return self.cancel()
        if kind < CROSS_BELOW:
            bid, ask = self.ladders[BUY].best(), self.ladders[SELL].best()
            if bid is not None and ask is not None:
                return self.cross(bid, ask)
        return self.add()

    def add(self) -> str:
        """Rest an order behind the other side's best price: mostly near, at times far away."""
        self.last_id += 1
        side = BUY if self.rng.random() < 0.5 else SELL
        away = 1 if side == SELL else -1
        touch = self.ladders[1 - side].best()
        if touch is None:
            own = self.ladders[side].best()
            touch = ANCHOR_TICKS + (1 - side) if own is None else own - 2 * away
        distance = 1 + self.geometric(8 if self.rng.random() < 0.7 else 150)
        price = touch + away * distance
        qty = 1 + min(self.geometric(20), QTY_LOTS_MAX - 1)
        self.ladders[side].rest(self.last_id, price, qty)
        self.live.add(self.last_id, side, price)
        return f"A,{self.last_id},{side},{price},{qty}\n"

    def cancel(self) -> str:
        """Cancel an order: a recent one if that still rests, else any."""
        count = len(self.live.ids)
        order_id = self.last_id - self.geometric(400) if self.rng.random() < 0.6 else 0
        if order_id not in self.live.places:
            order_id = self.live.ids[int(self.rng.random() * count)]
        side, price = self.live.remove(order_id)
        self.ladders[side].remove(order_id, price)
        return f"C,{order_id},0,0,0\n"

    def cross(self, bid: int, ask: int) -> str:
        """Take some orders of the other side, the last one perhaps in part."""
        lean = max(-0.2, min(0.2, (bid + ask - 2 * ANCHOR_TICKS) / 10_000))
        side = BUY if self.rng.random() < 0.5 - lean else SELL
        mean = max(1.01, FILLS_MEAN * len(self.live.ids) / self.prefill)
        meets = 1 + self.geometric(mean)
        self.last_id += 1
        makers = self.ladders[1 - side]
        taken, limit = 0, ANCHOR_TICKS
        while meets > 0 and (best := makers.best()) is not None:
            limit = best
            meets -= 1
            taken += self.take_front(makers, best, is_last=meets == 0)
        slip = self.geometric(3)
        limit += slip if side == BUY else -slip
        return f"X,{self.last_id},{side},{limit},{taken}\n"

    def take_front(self, makers: _Ladder, price: int, *, is_last: bool) -> int:
        """Fill the first order at a price, the last of a crossing order half the time in part."""
        level = makers.levels[price]
        order_id, qty = next(iter(level.items()))
        fill = qty
        if is_last and self.rng.random() >= 0.5:
            fill = min(1 + int(self.rng.random() * qty), qty)
        if fill < qty:
            level[order_id] = qty - fill
        else:
            self.live.remove(order_id)
            makers.remove(order_id, price)
        return fill


def generate(operations: int, prefill: int, seed: int) -> Iterator[str]:
    """Yield the lines of a workload, each with its newline.

    `prefill` is at least 1: the size of crossing orders is relative to it.
    """
    if operations < 0 or prefill < 1:
        raise ValueError(f"operations {operations} and prefill {prefill}: at least 0 and 1")
    flow = _Flow(random.Random(seed), prefill)
    for _ in range(prefill):
        yield flow.add()
    for _ in range(operations):
        yield flow.next_line()


def write(path: Path, operations: int, prefill: int, seed: int) -> None:
    """Write a workload to a file; about 5 s and 20 MB for a million operations."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(generate(operations, prefill, seed))
