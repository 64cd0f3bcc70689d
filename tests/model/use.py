"""How much of the limits is used, in the reference exchange (end of section 23)."""

from dataclasses import dataclass

from tests.model.book import Instrument, Order
from tests.model.limits import KINDS, SCOPES, LimitKey, Limits, Scope, limit_key
from tests.model.positions import valued

TOUCHING = (
    *("OrderAccepted", "OrderAmended", "OrderClosed", "OrderFilled"),
    *("OrderDecremented", "OrderTriggered", "OrderRested"),
)
USED = (
    *("open_orders", "conditional_orders", "position", "gross_notional", "net_notional"),
    *("daily_loss", "drawdown"),
)


@dataclass(slots=True)
class Exposure:
    """Lots of an instrument that some accounts have, and may come to have by their open orders."""

    long: int = 0
    short: int = 0
    open_buys: int = 0
    open_sells: int = 0

    @property
    def bought(self) -> int:
        """Net lots if all buys were filled."""
        return self.long - self.short + self.open_buys

    @property
    def sold(self) -> int:
        """Net lots short if all sells were filled."""
        return self.short - self.long + self.open_sells

    @property
    def gross(self) -> int:
        """All lots, whichever way."""
        return self.long + self.short + self.open_buys + self.open_sells


class Use(Limits):
    """Measures, with or without one order, and says which marks were passed."""

    def _waits(self, order: Order) -> bool:
        """Whether an order waits for its trigger, or will as soon as it is accepted."""
        is_new = order.id not in self.live
        waits = order.state == "waiting" and not order.is_pending
        return order.is_conditional and (is_new or waits)

    def _open_orders(self, scope: Scope, without: Order | None = None) -> list[Order]:
        """The live orders of all that are bound together; dead ones are not counted."""
        members = self._members(scope)
        return [
            order
            for order in self.live.values()
            if order.account in members and not order.is_dead and order is not without
        ]

    def _count(self, kind: str, scope: Scope, without: Order | None = None) -> int:
        """How many open orders there are, or conditional ones."""
        waiting = kind == "conditional_orders"
        return sum(self._waits(o) == waiting for o in self._open_orders(scope, without))

    def _exposure(
        self, scope: Scope, instrument: Instrument, without: Order | None = None
    ) -> Exposure:
        exposure = Exposure()
        for account in self._members(scope):
            qty = self.position(account, instrument).qty
            exposure.long += max(0, qty)
            exposure.short += max(0, -qty)
        for order in self._open_orders(scope, without):
            if order.instrument is instrument and order.side == "buy":
                exposure.open_buys += order.remaining
            elif order.instrument is instrument:
                exposure.open_sells += order.remaining
        return exposure

    def _marked(
        self, scope: Scope, asset: int, order: Order | None, price: int
    ) -> list[tuple[Instrument, int, Exposure]]:
        """Each instrument that is quoted in an asset, its mark price, and the exposure in it.

        Without a reference an order's own instrument has the order's price as its mark.
        """
        marked = []
        for instrument in self.instruments:
            if instrument.rules.quote == asset:
                own_price = price if order and order.instrument is instrument else 0
                exposure = self._exposure(scope, instrument, order)
                marked.append((instrument, instrument.reference() or own_price, exposure))
        return marked

    def _gross(self, scope: Scope, asset: int, order: Order | None = None, price: int = 0) -> int:
        """All positions and open orders but this one at the mark."""
        marked = self._marked(scope, asset, order, price)
        return sum(valued(where, mark, exposure.gross) for where, mark, exposure in marked)

    def _nets(
        self, scope: Scope, asset: int, order: Order | None = None, price: int = 0
    ) -> tuple[int, int]:
        """The same net, if all buys were filled and if all sells were."""
        marked = self._marked(scope, asset, order, price)
        bought = sum(valued(where, mark, exposure.bought) for where, mark, exposure in marked)
        return bought, sum(valued(where, mark, exposure.sold) for where, mark, exposure in marked)

    def _used(self, scope: Scope, kind: str, subject: int) -> int | None:
        """How much of a limit is used; None where that is not said."""
        if kind == "position":
            exposure = self._exposure(scope, self.instruments[subject - 1])
            return max(exposure.bought, exposure.sold)
        if kind == "gross_notional":
            return self._gross(scope, subject)
        if kind == "net_notional":
            return max(self._nets(scope, subject))
        if kind in ("open_orders", "conditional_orders"):
            return self._count(kind, scope)
        if kind == "daily_loss" and scope[0] == "account":
            return self.daily_loss(scope[1], subject)
        if kind == "drawdown" and scope[0] == "account":
            return self.drawdown(scope[1], subject)
        return None

    def _say_use(self) -> None:
        """At the end of a command: limits of which 80 or 100 per cent were passed, either way."""
        touched = set[LimitKey]()
        for account, instrument_id in {(e.account, e.instrument) for e in self.said_of(*TOUCHING)}:
            quote: int = self.instruments[instrument_id - 1].rules.quote
            for kind in USED:
                subject = instrument_id if kind == "position" else quote
                subject = 0 if kind.endswith("orders") else subject
                scopes = self._scopes(account)
                touched.update(limit_key(scope, kind, subject) for scope in scopes)
        for key in sorted(touched & self.risk_limits.keys()):
            used = self._used((SCOPES[key[0]], key[1]), KINDS[key[2]], key[3])
            if used is not None:
                self._say_level_of(key, used)

    def _say_level_of(self, key: LimitKey, used: int) -> None:
        limit = self.risk_limits[key]
        level = level_of(used, limit.value)
        if level != limit.level:
            limit.level = level
            names = {"scope": SCOPES[key[0]], "of_kind": KINDS[key[2]]}
            sums = {"used": used, "limit": limit.value, "level": level}
            which = {"scope_id": key[1], "subject": key[3]}
            self.emit("LimitUsed", None, **names, **which, **sums)


def level_of(used: int, limit: int) -> int:
    """The highest mark that is reached, in per cent."""
    if limit == 0:
        return 100 if used > 0 else 0
    if used >= limit:
        return 100
    return 80 if used * 100 >= limit * 80 else 0
