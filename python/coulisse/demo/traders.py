"""Simulated traders: makers who quote, noise that crosses the spread, momentum that follows.

Each is an account with a session of its own and sends the requests that anyone would. They are
sans-I/O: `act` says what to send, `on_feed` takes what came back.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from coulisse.demo.fair_value import FairValue
from coulisse.domain.money import as_text, from_steps
from coulisse.domain.outcomes import Rejected

LEVELS_PER_SIDE = 8
FAR_OFF_LEVELS = 3
"""A quote so many levels from its place is moved before anything else."""
Request = tuple[str, dict[str, object]]
Message = Mapping[str, object]


class Trader(Protocol):
    """One simulated trader."""

    account: str

    def act(self) -> list[Request]:
        """Return what to send now: at most two requests."""

    def on_feed(self, message: Message) -> None:
        """Take a message of the trader's own `orders` channel."""

    def on_refused(self, params: Message, rejected: Rejected) -> None:
        """Take the reject of a request with these params."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of an instrument, for writing ticks and lots as text."""

    tick_size: Decimal
    lot_size: Decimal

    def price(self, ticks: int) -> str:
        """Write a price."""
        return as_text(from_steps(ticks, self.tick_size))

    def qty(self, lots: int) -> str:
        """Write a quantity."""
        return as_text(from_steps(lots, self.lot_size))


class Maker:
    """Quotes a ladder of orders on both sides of the fair value."""

    def __init__(
        self, account: str, fair: FairValue, steps: Steps, rng: random.Random, run: int
    ) -> None:
        """Quote with client order ids of start `run`, which no earlier start has used."""
        self.account = account
        self._fair = fair
        self._steps = steps
        self._rng = rng
        self._run = run
        self._count = 0
        # Slot 0..7 are bids, 8..15 asks, best first: client order id and price, while it stands.
        self._slots: list[tuple[str, int] | None] = [None] * (2 * LEVELS_PER_SIDE)

    def act(self) -> list[Request]:
        """Move the quote that is most out of line, or fill a slot that has none."""
        worst, off_ticks = self._worst_slot()
        empty = next((n for n, standing in enumerate(self._slots) if standing is None), None)
        patience = self._fair.terms.level_ticks
        # A quote that is far off goes first: it may stand in the way of everyone else's.
        if off_ticks <= FAR_OFF_LEVELS * patience and empty is not None:
            return [self.quote(empty)]
        standing = self._slots[worst]
        if standing is None or off_ticks <= patience:
            return []
        return [("order.cancel", {"client_order_id": standing[0]}), self.quote(worst)]

    def opening(self) -> list[Request]:
        """Return a whole ladder, and before it the end of what an earlier start left."""
        slots = range(len(self._slots))
        return [("order.cancel_all", {}), *(self.quote(slot, post_only=True) for slot in slots)]

    def quote(self, slot: int, *, post_only: bool = False) -> Request:
        """Return a new quote for one slot; it trades with what others left too far behind."""
        ticks = self._target(slot)
        self._count += 1
        own_id = f"{self.account}.{self._run}.{self._count}"
        self._slots[slot] = (own_id, ticks)
        usual = self._fair.terms.qty_lots
        lots = self._rng.randint(usual, 3 * usual) * (1 + slot % LEVELS_PER_SIDE // 2)
        return "order.place", {
            "symbol": self._fair.terms.symbol,
            "side": "buy" if slot < LEVELS_PER_SIDE else "sell",
            "type": "limit",
            "tif": "gtc",
            "post_only": post_only,
            "price": self._steps.price(ticks),
            "qty": self._steps.qty(lots),
            "client_order_id": own_id,
        }

    def on_feed(self, message: Message) -> None:
        """Forget quotes that closed."""
        items = message.get("items")
        for item in items if isinstance(items, list) else []:
            if item.get("event") == "closed":
                self._forget(str(item.get("client_order_id", "")))

    def on_refused(self, params: Message, rejected: Rejected) -> None:
        """Forget a quote that was not taken, since it would have traded at once."""
        if "price" in params:
            self._forget(str(params["client_order_id"]))

    def _forget(self, own_id: str) -> None:
        for slot, standing in enumerate(self._slots):
            if standing is not None and standing[0] == own_id:
                self._slots[slot] = None

    def _target(self, slot: int) -> int:
        terms = self._fair.terms
        level = slot % LEVELS_PER_SIDE
        distance = terms.half_spread_ticks + level * terms.level_ticks
        # Not on one grid with the other makers: a ladder of many prices looks alive.
        distance += self._rng.randint(0, terms.level_ticks)
        return self._fair.ticks + (-distance if slot < LEVELS_PER_SIDE else distance)

    def _worst_slot(self) -> tuple[int, int]:
        """Return the slot whose quote is farthest from where it belongs, and how far, in ticks."""
        terms = self._fair.terms
        worst, most = 0, -1
        for slot, standing in enumerate(self._slots):
            if standing is None:
                continue
            level = slot % LEVELS_PER_SIDE
            ideal = terms.half_spread_ticks + level * terms.level_ticks + terms.level_ticks // 2
            side = -1 if slot < LEVELS_PER_SIDE else 1
            off = abs(standing[1] - self._fair.ticks - side * ideal)
            if off > most:
                worst, most = slot, off
        return worst, most


class Noise:
    """Buys and sells at random, at the market or a little inside the spread."""

    def __init__(self, account: str, fair: FairValue, steps: Steps, rng: random.Random) -> None:
        """Trade around `fair`."""
        self.account = account
        self._fair = fair
        self._steps = steps
        self._rng = rng

    def act(self) -> list[Request]:
        """Return one order, most of the time a market order."""
        terms = self._fair.terms
        side = self._rng.choice(("buy", "sell"))
        lots = self._rng.randint(terms.qty_lots // 40 or 1, terms.qty_lots)
        order: dict[str, object] = {
            "symbol": terms.symbol, "side": side, "type": "market", "tif": "ioc",
            "qty": self._steps.qty(lots),
        }  # fmt: skip
        if self._rng.randrange(4) == 0:
            reach = self._rng.randint(-terms.half_spread_ticks, 2 * terms.half_spread_ticks)
            ticks = self._fair.ticks + (reach if side == "buy" else -reach)
            order |= {"type": "limit", "price": self._steps.price(ticks)}
        return [("order.place", order)]

    def on_feed(self, message: Message) -> None:
        """Look at nothing."""

    def on_refused(self, params: Message, rejected: Rejected) -> None:
        """Do not mind."""


class Momentum:
    """Follows a move, with orders that do not wait."""

    def __init__(self, account: str, fair: FairValue, steps: Steps, rng: random.Random) -> None:
        """Follow `fair`."""
        self.account = account
        self._fair = fair
        self._steps = steps
        self._rng = rng

    def act(self) -> list[Request]:
        """Return an order if there is a trend worth following."""
        terms = self._fair.terms
        if abs(self._fair.trend) < 3 * terms.step_ticks:
            return []
        buys = self._fair.trend > 0
        reach = 2 * terms.half_spread_ticks
        order: dict[str, object] = {
            "symbol": terms.symbol,
            "side": "buy" if buys else "sell",
            "type": "limit",
            "tif": "ioc",
            "qty": self._steps.qty(self._rng.randint(terms.qty_lots // 4, 2 * terms.qty_lots)),
            "price": self._steps.price(self._fair.ticks + (reach if buys else -reach)),
        }
        return [("order.place", order)]

    def on_feed(self, message: Message) -> None:
        """Look at nothing."""

    def on_refused(self, params: Message, rejected: Rejected) -> None:
        """Do not mind."""
