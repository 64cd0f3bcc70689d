"""The part of the traffic that is about time and trading states: ticks, switches, auctions."""

import random
from dataclasses import dataclass

from tests.model.book import Instrument
from tests.model.codec import ENUMS, Message
from tests.model.exchange import ReferenceExchange
from tests.model.orders import DAY_NS
from tests.model.terms import AHEAD_NS_MAX
from tests.model.world import EDGES_I64

STEP_NS = 1_000
# A world starts so long before midnight that it passes it half-way.
BEFORE_MIDNIGHT_NS = 1_200_000
STATES = tuple(ENUMS["trading_state"].values())


@dataclass(slots=True)
class StatesTraffic:
    """The clock of a world, and what moves with it."""

    rng: random.Random
    now_ns: int = 20_000 * DAY_NS - BEFORE_MIDNIGHT_NS

    def move(self) -> None:
        """Time goes on: mostly one step, seldom far."""
        chance = self.rng.randrange(1_000)
        steps = 0 if chance < 200 else 1 if chance < 990 else 40
        if chance == 998:
            days = self.rng.choice((1, 1, 1, 2, 11, 29, 30, 31))
            self.now_ns += DAY_NS * days + self.rng.randrange(DAY_NS)
        if chance == 999:
            self.now_ns += DAY_NS // self.rng.choice((1, 3, 1_000_000))
        self.now_ns += steps * STEP_NS

    def is_due(self, exchange: ReferenceExchange) -> bool:
        """Whether a node would put a tick in front of what comes next."""
        due = [o.expires_ns for o in exchange.live.values()] + list(exchange.deadlines.values())
        for instrument in exchange.instruments:
            due += [instrument.until_ns, instrument.schedule[0] * (not instrument.is_scheduled)]
            due.append(1 if instrument.uncross is not None else 0)
        due += [one.expire_ns for one in exchange.waiting.values()]
        return any(0 < at <= self.now_ns for at in due)

    def closed(self, exchange: ReferenceExchange) -> list[Instrument]:
        """The instruments that do not take everything."""
        return [i for i in exchange.instruments if i.state != "open"]

    def cancel_after(self) -> Message:
        """A dead man's switch, set, or cleared, or badly set."""
        rng = self.rng
        timeout_ns = rng.choice((0, 1, 20_000, 100_000, rng.randrange(1, 300_000)))
        if rng.randrange(100) < 25:
            timeout_ns = rng.choice((-1, AHEAD_NS_MAX, AHEAD_NS_MAX + 1, *EDGES_I64))
        return Message("CancelAfter", timeout_ns=timeout_ns)

    def reopen(self, exchange: ReferenceExchange) -> Message:
        """What is not open is opened again, mostly; a call goes on for a while."""
        instrument = self.rng.choice(self.closed(exchange))
        if instrument.state == "auction" and self.rng.randrange(3):
            return Message("Tick")
        state = self.rng.choice(("open", "open", "open", *STATES))
        return Message("TradingStateSet", instrument=instrument.id, state=state)

    def set_state(self, exchange: ReferenceExchange) -> Message:
        """Any state; seldom of an instrument that does not exist."""
        state = self.rng.choice((*STATES, "auction", "auction", "post_only"))
        return Message("TradingStateSet", instrument=self._instrument(exchange), state=state)

    def schedule(self, exchange: ReferenceExchange) -> Message:
        """A call soon, for a short time."""
        rng = self.rng
        start_ns = self.now_ns + rng.randrange(1, 30_000)
        end_ns = start_ns + rng.randrange(1, 30_000)
        if rng.randrange(100) < 20:
            start_ns, end_ns = 0, rng.choice((0, 0, 0, 1))
        elif rng.randrange(100) < 25:
            start_ns = rng.choice((0, self.now_ns, self.now_ns + AHEAD_NS_MAX + 1, *EDGES_I64))
        elif rng.randrange(100) < 25:
            end_ns = rng.choice((0, start_ns, start_ns + AHEAD_NS_MAX + 1, *EDGES_I64))
        times = {"start_ns": start_ns, "end_ns": end_ns}
        return Message("AuctionSchedule", instrument=self._instrument(exchange), **times)

    def _instrument(self, exchange: ReferenceExchange) -> int:
        if self.rng.randrange(100) < 4:
            return self.rng.choice((0, 9, 2**32 - 1))
        return self.rng.randrange(1, len(exchange.instruments) + 1)
