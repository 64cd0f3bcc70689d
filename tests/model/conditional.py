"""Conditional orders in the reference exchange (section 12 of the rules)."""

from tests.model.book import Instrument, Order, Touched
from tests.model.codec import Message
from tests.model.matching import Matching
from tests.model.orders import PRICE_TICKS_MAX, require
from tests.model.terms import number_of

PPM = 1_000_000
BASIS_POINTS = 10_000
SLIPPAGE_PPM_UNLESS_SET = 50_000
TRIGGERS_PER_COMMAND_MAX = 256


class Conditional(Matching):
    """Orders that wait for a price."""

    def __init__(self) -> None:
        super().__init__()
        # How many this command has triggered.
        self.triggered = 0

    def _trigger_price(self, instrument: Instrument, c: Message) -> int:
        """Where a new conditional order triggers; refused where it would at once."""
        ref = instrument.price(c.trigger_on)
        if c.trail == 0:
            passed = ref != 0 and is_past(c.side, c.trigger, ref, c.trigger_price)
            what = "TRIGGER_WOULD_FIRE trigger_price ticks"
            require(not passed, what, c.trigger_price, ref)
            return int(c.trigger_price)
        number = number_of("trigger", c.trigger)
        require(ref != 0, "NO_REFERENCE trigger number", number)
        price = trailing_price(c, ref)
        good = 1 <= price <= PRICE_TICKS_MAX
        require(good, "PRICE_OUT_OF_RANGE trail ticks", price, PRICE_TICKS_MAX)
        return price

    # At the end of a command.

    def _trigger_what_is_due(self) -> None:
        """Section 12, by ascending instrument id: until nothing is due."""
        for instrument in self.instruments:
            while instrument.state == "open" and self._trigger_next(instrument):
                self._after_triggering()

    def _trigger_next(self, instrument: Instrument) -> bool:
        """Let the next due order act, if there is one and it may."""
        for order in self._waiting(instrument):
            if order.is_trailing:
                self._look_at_trailing(order)
        for seen in instrument.touched_for_trailing.values():
            seen.clear()
        due = self._next_due(instrument)
        if due is None:
            for seen in instrument.touched.values():
                seen.clear()
            return False
        if self.triggered == TRIGGERS_PER_COMMAND_MAX:
            self._too_many_stops(instrument)
            return False
        self.triggered += 1
        self._trigger(due)
        return True

    def _waiting(self, instrument: Instrument) -> list[Order]:
        """The conditional orders that wait for a price, by ascending id."""
        waiting = [o for o in self.live.values() if o.instrument is instrument]
        return sorted((o for o in waiting if self._is_at_work(o)), key=lambda o: o.id)

    def _is_at_work(self, order: Order) -> bool:
        """Whether a conditional order waits for a price, and not for another order."""
        return order.is_conditional and order.state == "waiting" and not order.is_pending

    def _look_at_trailing(self, order: Order) -> None:
        placed, instrument = order.placed, order.instrument
        seen = instrument.touched_for_trailing[placed.trigger_on]
        if seen.high == 0 or order.is_due:
            return
        if has_touched(order, seen):
            order.is_due = True
            return
        best = max(order.best, seen.high) if order.side == "sell" else min(order.best, seen.low)
        order.best = best
        price = trailing_price(placed, best)
        if 1 <= price <= PRICE_TICKS_MAX:
            order.trigger_price = price
        now = instrument.price(placed.trigger_on)
        order.is_due = is_past(order.side, placed.trigger, now, order.trigger_price)

    def _next_due(self, instrument: Instrument) -> Order | None:
        waiting = self._waiting(instrument)
        for which in ("last", "mark"):
            seen = instrument.touched[which]
            due = [
                o
                for o in waiting
                if not o.is_trailing and o.placed.trigger_on == which and has_touched(o, seen)
            ]
            rising = [o for o in due if is_rising(o.side, o.placed.trigger)]
            if rising:
                return min(rising, key=lambda o: (o.trigger_price, o.id))
            if due:
                return min(due, key=lambda o: (-o.trigger_price, o.id))
        return next((o for o in waiting if o.is_due), None)

    def _trigger(self, order: Order) -> None:
        """A conditional order acts, as if it just arrived with its limit or collar price."""
        order.state = "open"
        self.emit("OrderTriggered", order, trigger_price=order.trigger_price)
        self._before_matching(order)
        self._arrive(order)

    # What others do about it.

    def _before_matching(self, order: Order) -> None:
        """It has been triggered, and that is said."""

    def _after_triggering(self) -> None:
        """An order was triggered and has done what it does."""

    def _too_many_stops(self, instrument: Instrument) -> None:
        """More orders are due than one command may trigger."""


def is_rising(side: str, trigger: str) -> bool:
    """Whether an order acts when the price rises to its trigger price."""
    return (side == "buy") != (trigger == "take_profit")


def is_past(side: str, trigger: str, price: int, trigger_price: int) -> bool:
    """Whether a price is at or past where an order acts."""
    return price >= trigger_price if is_rising(side, trigger) else price <= trigger_price


def has_touched(order: Order, seen: Touched) -> bool:
    """Whether a price has been at or past where an order acts."""
    if seen.high == 0:
        return False
    furthest = seen.high if is_rising(order.side, order.placed.trigger) else seen.low
    return is_past(order.side, order.placed.trigger, furthest, order.trigger_price)


def trailing_price(c: Message, best: int) -> int:
    """Where a trailing order acts when the price was at best here."""
    distance = c.trail if c.trigger == "trail_ticks" else best * c.trail // BASIS_POINTS
    return int(best - distance if c.side == "sell" else best + distance)


def collar_price(instrument: Instrument, side: str, around: int) -> int:
    """The limit of a market order that the core makes a limit order."""
    slippage_ppm = int(instrument.config.slippage_ppm) or SLIPPAGE_PPM_UNLESS_SET
    distance = around * slippage_ppm // PPM
    return min(PRICE_TICKS_MAX, around + distance) if side == "buy" else max(1, around - distance)
