"""Pegged orders in the reference exchange (section 13 of the rules)."""

from tests.model.book import Instrument, Order
from tests.model.orders import NOTIONAL_MINOR_MAX, PRICE_TICKS_MAX, Orders


class Pegs(Orders):
    """Orders that rest where the best prices of the others put them, and never take."""

    def _place_pegged(self, order: Order) -> None:
        """Let a pegged order rest where it belongs now, or wait."""
        price = peg_price(order, *best_unpegged(order.instrument))
        if price != 0:
            self._rest(order, price)
        else:
            self._hold(order, self._need(order))
            self._wait_for_a_price(order)

    def _follow(self, instrument: Instrument) -> None:
        """At the end of a command: every pegged order goes where it belongs now."""
        bid, ask = best_unpegged(instrument)
        pegged = [o for o in self.live.values() if o.is_pegged and o.instrument is instrument]
        for order in sorted(pegged, key=lambda o: o.id):
            price = peg_price(order, bid, ask)
            if price != order.rests_at:
                self._reprice(order, price)

    def _reprice(self, order: Order, price: int) -> None:
        self._leave(order)
        if price == 0:
            self._wait_for_a_price(order)
        elif self._comes_to(order, price):
            self.emit("OrderRepriced", order, price=price)
            self._say_level(order.instrument, order.side, price)

    def _wait_for_a_price(self, order: Order) -> None:
        order.state = "waiting"
        self.emit("OrderRepriced", order, price=0)


def best_unpegged(instrument: Instrument) -> tuple[int, int]:
    """The best prices at which an order that is not pegged rests, 0 for none."""
    bid, ask = (
        next((order.rests_at for order in instrument.book[side] if not order.is_pegged), 0)
        for side in ("buy", "sell")
    )
    return bid, ask


def peg_price(order: Order, bid: int, ask: int) -> int:
    """Where a pegged order belongs, 0 for nowhere."""
    is_buy = order.side == "buy"
    follows = {"bid": bid, "ask": ask, "mid": 0}[order.placed.peg]
    if order.placed.peg == "mid" and bid and ask:
        follows = (bid + ask) // 2 if is_buy else -(-(bid + ask) // 2)
    if follows == 0:
        return 0
    price: int = follows + order.placed.peg_offset
    best = order.instrument.first(order.opposite)
    if is_buy:
        price = min(price, order.price, best.rests_at - 1 if best else price)
    else:
        price = max(price, order.price, best.rests_at + 1 if best else price)
    countable = order.instrument.notional(price, order.remaining) <= NOTIONAL_MINOR_MAX
    return price if 1 <= price <= PRICE_TICKS_MAX and countable else 0
