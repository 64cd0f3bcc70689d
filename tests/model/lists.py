"""Lists of orders in the reference exchange (section 15 of the rules)."""

from dataclasses import dataclass

from tests.model.book import Order
from tests.model.codec import Header, Message
from tests.model.conditional import TRIGGERS_PER_COMMAND_MAX
from tests.model.orders import require
from tests.model.placing import Placing
from tests.model.terms import may_rest, with_terms

LEGS = (0, 1, 2)
LEG_FIELDS = {
    **{"side": "buy", "order_type": "limit", "time_in_force": "gtc", "qty": 0, "price": 0},
    **{"trigger": "none", "trigger_on": "last", "trigger_price": 0},
}


@dataclass(eq=False)
class OrderList:
    """Orders of which one depends on another.

    Its phase: `waits` (its later legs wait for leg 0), `due` (leg 0 is filled, they may act) or
    `pair` (its last two are at work, the first of them holds for both).
    """

    kind: str
    legs: list[Order]
    phase: str

    @property
    def later(self) -> list[Order]:
        """The legs that wait for leg 0, if any does."""
        return self.legs[1:]


class Lists(Placing):
    """Orders that belong together."""

    def __init__(self) -> None:
        super().__init__()
        # Oldest first, as long as one of its orders depends on another.
        self.lists: list[OrderList] = []
        # How many lists this command has released.
        self.released = 0

    def _order_list_place(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        if self._is_duplicate(header.account, c):
            return
        self._check_takes_lists(instrument)
        legs = legs_of(c)
        check_legs(c.of_kind, legs)
        orders: list[Order] = []
        for leg in legs if c.of_kind == "otoco" else legs[:2]:
            is_pending = bool(orders) and c.of_kind != "oco"
            orders.append(self._checked(header, leg, c, is_pending=is_pending))
            self._check_risk(orders[-1])
        first, *others = orders
        self._check_tables(header.account, orders)
        self._check_level(first, first.price, first.qty)
        together = [first, *others] if c.of_kind == "oco" else [first]
        self._require_free_money(first, max(map(self._needs_at_first, together)))

        for number, order in enumerate(orders):
            order.leg, order.is_pending = number, number > 0 and c.of_kind != "oco"
            self._accept(order)
        ids = {"leg_1": orders[1].id, "leg_2": orders[2].id if len(orders) > 2 else 0}
        self.emit("OrderListPlaced", first, list_id=first.id, of_kind=c.of_kind, **ids)
        phase = "pair" if c.of_kind == "oco" else "waits"
        self.lists.append(OrderList(c.of_kind, orders, phase))
        self._start(first)

    def _list_of(self, order: Order) -> OrderList | None:
        return next((of_list for of_list in self.lists if order in of_list.legs), None)

    def _other(self, order: Order) -> Order | None:
        """The other one of a pair that is at work."""
        of_list = self._list_of(order)
        if of_list is None or of_list.phase != "pair":
            return None
        one, other = of_list.legs[-2:]
        return other if order is one else one

    def _need(self, order: Order) -> int:
        """Two that are at work as a pair hold the larger need."""
        need, other = super()._need(order), self._other(order)
        return need if other is None else max(need, super()._need(other))

    def _check_is_no_leg(self, order: Order) -> None:
        is_free = self._list_of(order) is None
        require(is_free, "INVALID_COMBINATION legs number", order.leg)

    # What happens to one happens to the others.

    def _after_fill(self, order: Order) -> None:
        self._close_other(order)

    def _before_matching(self, order: Order) -> None:
        self._close_other(order)

    def _after_triggering(self) -> None:
        self._call_auctions()
        self._release_lists()

    def _after_close(self, order: Order) -> None:
        self._close_other(order)
        of_list = self._list_of(order)
        if of_list is not None and order is of_list.legs[0] and order.state == "filled":
            of_list.phase = "due"
        elif of_list is not None:
            self._close_later(of_list, "cancelled", "list")

    def _close_other(self, order: Order) -> None:
        """A pair parts: the other closes, and what is held is what the survivor needs."""
        of_list, other = self._list_of(order), self._other(order)
        if of_list is None or other is None:
            return
        self.lists.remove(of_list)
        self._close(other, "cancelled", "list")
        if order.id in self.live:
            self._hold(order, self._need(order))

    def _close_later(self, of_list: OrderList, state: str, reason: str) -> None:
        """Close the legs that wait for leg 0, or have waited for it."""
        self.lists.remove(of_list)
        for leg in of_list.later:
            if leg.id in self.live:
                self._close(leg, state, reason)

    # At the end of a command.

    def _release_lists(self) -> None:
        """Let the legs act whose leg 0 is filled, oldest list first."""
        while due := next(filter(may_act, self.lists), None):
            if self.released == TRIGGERS_PER_COMMAND_MAX:
                self._close_later(due, "cancelled", "list")
            else:
                self.released += 1
                self._release(due)
                self._call_auctions()

    def _release(self, of_list: OrderList) -> None:
        first, later = of_list.later[0], of_list.later
        if not self._has_free_money(first, max(map(self._needs_at_first, later))):
            self._close_later(of_list, "expired", "insufficient_balance")
            return
        if len(later) > 1:
            of_list.phase = "pair"
        else:
            self.lists.remove(of_list)
        for leg in later:
            leg.is_pending = False
            if leg.is_conditional:
                self._look_at_the_price(leg)
        if not first.is_conditional:
            first.state = "open"
        self._start(first)

    def _look_at_the_price(self, leg: Order) -> None:
        """The price that a released leg looks at counts as touched as it is now."""
        which, instrument = leg.placed.trigger_on, leg.instrument
        if instrument.price(which) != 0:
            instrument.touched[which].add(instrument.price(which))


def may_act(of_list: OrderList) -> bool:
    """Whether its later legs may act now."""
    return of_list.phase == "due" and of_list.legs[0].instrument.state == "open"


def legs_of(c: Message) -> list[Message]:
    """The orders of a list; leg 0 has its client order id."""
    legs = []
    for number in LEGS:
        fields = {name: getattr(c, f"{name}_{number}") for name in LEG_FIELDS}
        rest = {"instrument": c.instrument, "post_only": False, "notional": 0}
        name = c.client_order_id if number == 0 else ""
        legs.append(with_terms(fields | rest | {"client_order_id": name}))
    return legs


def check_legs(kind: str, legs: list[Message]) -> None:
    """Sections 15.2 and 15.3: which legs fit together."""
    if kind != "otoco":
        is_unused = all(getattr(legs[2], name) == value for name, value in LEG_FIELDS.items())
        _require_leg(is_unused, 2)
    if kind == "oco":
        _check_pair(legs, 0, 1)
    else:
        _require_leg(may_rest(legs[0]) and legs[0].trigger == "none", 0)
    if kind == "otoco":
        _check_pair(legs, 1, 2)
    for number, leg in enumerate(legs):
        fits = not leg.trigger.startswith("trail") and leg.time_in_force != "gtd"
        _require_leg(fits, number)


def _check_pair(legs: list[Message], one: int, other: int) -> None:
    same = (legs[one].side, legs[one].qty) == (legs[other].side, legs[other].qty)
    _require_leg(same, other)
    _require_leg(may_rest(legs[one]) and legs[one].trigger == "none", one)
    _require_leg(legs[other].trigger in ("stop", "take_profit"), other)


def _require_leg(good: bool, number: int) -> None:
    require(good, "INVALID_COMBINATION legs number", number)
