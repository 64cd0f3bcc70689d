"""Orders are cancelled, amended and replaced in the reference exchange (sections 6 and 14)."""

from tests.model.book import Order
from tests.model.codec import Header, Message
from tests.model.lists import Lists
from tests.model.orders import Reject, require
from tests.model.terms import with_terms


class Cancelling(Lists):
    """What happens to live orders by command."""

    def _order_cancel(self, header: Header, c: Message) -> None:
        self._cancel(self._find(header, c.order_id, c.client_order_id), "cancel_requested")

    def _cancel(self, order: Order, reason: str) -> None:
        self._check_lets_go(order.instrument)
        self._close(order, "cancelled", reason)

    def _order_cancel_all(self, header: Header, c: Message) -> None:
        if c.instrument != 0:
            self._instrument(c.instrument)
        count = 0
        for order in self._own_orders(header.account):
            is_meant = c.instrument in (0, order.instrument.id) and c.side in ("both", order.side)
            placed_by = (order.header.node, order.header.session)
            is_meant &= c.session == 0 or placed_by == (header.node, c.session)
            is_meant &= not order.is_dead
            if is_meant and order.id in self.live and self._lets_go(order.instrument):
                self._close(order, "cancelled", "cancel_all")
                count += 1
        where = {"account": header.account, "instrument": c.instrument}
        self.emit("OrdersCancelled", **where, count=count)

    def _own_orders(self, account: int) -> list[Order]:
        """An account's live orders by ascending id."""
        own = [order for order in self.live.values() if order.account == account]
        return sorted(own, key=lambda order: order.id)

    # Section 14: cancel-replace.

    def _order_replace(self, header: Header, c: Message) -> None:
        placement = with_terms(vars(c))
        if self._says_duplicate(header.account, placement):
            return
        try:
            which = c.cancel_order_id, c.cancel_client_order_id
            self._cancel(self._find(header, *which), "replaced")
        except Reject as reject:
            if not c.allow_failure:
                raise
            self._say_reject(reject, c.client_order_id)
        try:
            self._order_place_terms(header, placement)
        except Reject as reject:
            self._say_reject(reject, c.client_order_id)

    def _says_duplicate(self, account: int, placement: Message) -> bool:
        """Whether it is a duplicate, which is then all that is said."""
        try:
            return self._is_duplicate(account, placement)
        except Reject:
            # The id was used for something else: the placement will be refused, after the cancel.
            return False

    # Section 6: amend.

    def _order_amend(self, header: Header, c: Message) -> None:
        require(c.qty != 0 or c.price != 0, "INVALID_COMBINATION qty")
        order = self._find(header, c.order_id, c.client_order_id)
        self._check_amends(order, c)
        rules = order.instrument.rules
        require(c.qty >= 0, "QTY_BELOW_MIN qty lots", c.qty, rules.min_qty)
        if 0 < c.qty <= order.filled:
            self._close(order, "cancelled", "amended_to_filled")
            return
        qty, price = c.qty or order.qty, c.price or order.price
        self._check_qty(rules, qty)
        self._check_price(order.instrument, price, qty)
        waits_for_a_trigger = order.is_conditional and order.state == "waiting"
        loses_place = (price != order.price or qty > order.qty) and not waits_for_a_trigger
        self._gate(order, price, qty - order.filled)
        if loses_place and not order.is_pegged:
            if self._amends_post_only(order):
                self._check_post_only(order, price)
            self._check_level(order, price, qty - order.filled)
        need = order.need(price, qty - order.filled)
        self._require_free_money(order, need - order.held)
        self._amend(order, qty, price, loses_place)

    def _check_amends(self, order: Order, c: Message) -> None:
        """Whether this order can be amended at all."""
        self._check_takes_amends(order.instrument)
        self._check_is_no_leg(order)
        has_price = order.placed.order_type == "limit" or c.price == 0
        require(has_price, "INVALID_COMBINATION price ticks", c.price)

    def _amend(self, order: Order, qty: int, price: int, loses_place: bool) -> None:
        changes_qty, old_price = qty != order.qty, order.rests_at
        order.qty, order.price = qty, price
        order.displayed = min(order.displayed, order.remaining)
        self.emit("OrderAmended", order, kept_priority=not loses_place)
        if loses_place:
            self._leave(order)
        elif changes_qty and old_price:
            self._say_level(order.instrument, order.side, old_price)
        self._hold(order, self._need(order))
        if loses_place:
            self._start(order)
