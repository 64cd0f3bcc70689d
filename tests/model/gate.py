"""The gate in the reference exchange: what is looked at before an order is taken (section 23).

The steps have the numbers of the rules. An amend is looked at as what it adds: an order of the new
price and the new remaining, with the order itself taken out of what is open.
"""

from tests.model.book import PPM, Order
from tests.model.codec import Message
from tests.model.limits import SCOPES, TOKEN, Scope
from tests.model.orders import require
from tests.model.positions import valued
from tests.model.use import Use


class Gate(Use):
    """Refuses what risk forbids: the first step that fails."""

    def __init__(self) -> None:
        super().__init__()
        # Those that are not active; their scope is also an instrument.
        self.risk_states: dict[Scope, str] = {}
        # The reset that was asked for, of each kill switch that is on: the key, or None.
        self.kill_switches: dict[Scope, int | None] = {}
        # The last accepted placement of each account that a duplicate window bound, and when.
        self.last_placed: dict[int, tuple[Message, int]] = {}

    def _gate(self, order: Order, price: int, qty: int) -> None:
        """Look at an order that would be placed, or amended to this price and remaining."""
        is_new = order.id not in self.live
        self._check_kill_switches(order)
        self._check_risk_states(order)
        self._check_losses(order)
        self._check_rates(order, is_new)
        if is_new:
            self._check_repeated(order)
        self._check_size(order, price, qty)
        self._check_collar(order, price)
        self._bound_slippage(order)
        self._check_counts(order)
        if not order.placed.reduce_only:
            self._check_position(order, qty)
            self._check_gross(order, price, qty)
            self._check_net(order, price, qty)

    def _check_kill_switches(self, order: Order) -> None:
        """Step 1."""
        for scope in self._scopes(order.account):
            is_off = scope not in self.kill_switches
            require(is_off, "KILL_SWITCH_ON scope number", SCOPES.index(scope[0]))

    def _check_risk_states(self, order: Order) -> None:
        """Step 2."""
        scopes = [*self._scopes(order.account), ("instrument", order.instrument.id)]
        for state in ("halted", "reducing"):
            for scope in scopes:
                allowed = self.risk_states.get(scope) != state
                reduces = state == "reducing" and order.placed.reduce_only
                what = f"RISK_{state.upper()} scope number"
                require(allowed or reduces, what, SCOPES.index(scope[0]))

    def _check_losses(self, order: Order) -> None:
        """Step 3: the account's own limit, else its group's, else the firm's."""
        account, asset = order.account, order.instrument.rules.quote
        for kind, measure in (("daily_loss", self.daily_loss), ("drawdown", self.drawdown)):
            for _, limit in self._limits_on(account, kind, asset)[-1:]:
                loss = measure(account, asset)
                allowed = loss < limit.value or order.placed.reduce_only
                what = f"RISK_{kind.upper()} limit quote_minor"
                require(allowed, what, loss, limit.value)

    def _check_rates(self, order: Order, is_new: bool) -> None:
        """Step 4: a message costs a token of each bucket, if they all have one."""
        for kind in ("message_rate", "order_rate") if is_new else ("message_rate",):
            limits = [limit for _, limit in self._limits_on(order.account, kind)]
            for limit in limits:
                enough = limit.tokens_at(self.now_ns) >= TOKEN
                require(enough, f"RISK_{kind.upper()} limit number", limit.value, limit.burst)
            if kind == "message_rate":
                self._take_tokens(limits)

    def _duplicate_window_ns(self, account: int) -> int:
        """The smallest that binds an account; 0 for none."""
        windows = [limit.value for _, limit in self._limits_on(account, "duplicate_window")]
        return min((window for window in windows if window != 0), default=0)

    def _check_repeated(self, order: Order) -> None:
        """Step 5."""
        window_ns = self._duplicate_window_ns(order.account)
        if window_ns == 0 or order.account not in self.last_placed:
            return
        last, placed_ns = self.last_placed[order.account]
        if what_repeats(last) == what_repeats(order.placed):
            since_ns, what = self.now_ns - placed_ns, "RISK_DUPLICATE_ORDER qty ns"
            require(since_ns >= window_ns, what, since_ns, window_ns)

    def _check_size(self, order: Order, price: int, qty: int) -> None:
        """Step 6."""
        instrument, notional = order.instrument, order.placed.notional
        if not order.by_notional:
            for _, limit in self._limits_on(order.account, "order_qty", instrument.id):
                require(qty <= limit.value, "RISK_ORDER_QTY qty lots", qty, limit.value)
            notional = valued(instrument, price or instrument.reference(), qty)
        for _, limit in self._limits_on(order.account, "order_notional", instrument.rules.quote):
            what = "RISK_ORDER_NOTIONAL notional quote_minor"
            require(notional <= limit.value, what, notional, limit.value)

    def _check_collar(self, order: Order, price: int) -> None:
        """Step 7: limits that clients set."""
        collar_ppm = order.instrument.config.collar_ppm
        if collar_ppm == 0 or order.placed.order_type != "limit":
            return
        reference = order.instrument.reference()
        require(reference != 0, "NO_REFERENCE price ticks", price)
        distance = reference * collar_ppm // PPM
        lowest, highest = max(1, reference - distance), reference + distance
        require(price >= lowest, "RISK_PRICE_COLLAR price ticks", price, lowest)
        require(price <= highest, "RISK_PRICE_COLLAR price ticks", price, highest)

    def _bound_slippage(self, order: Order) -> None:
        """Step 8: market orders that trade at once get the last price that they may trade at."""
        slippage_ppm = order.instrument.config.slippage_ppm
        trades_at_once = not order.is_conditional and order.instrument.state != "auction"
        if slippage_ppm and order.placed.order_type == "market" and trades_at_once:
            reference = order.instrument.reference()
            require(reference != 0, "NO_REFERENCE type number", 1)
            distance = reference * slippage_ppm // PPM
            order.slips_to = reference + (distance if order.side == "buy" else -distance)

    def _check_counts(self, order: Order) -> None:
        """Step 9: open orders, and those that wait for their trigger."""
        if self._waits(order):
            kind, code = "conditional_orders", "TOO_MANY_CONDITIONAL_ORDERS"
        elif order.may_rest or order.is_pegged:
            kind, code = "open_orders", "TOO_MANY_OPEN_ORDERS"
        else:
            return
        for scope, limit in self._limits_on(order.account, kind):
            count = self._count(kind, scope, order)
            require(count < limit.value, f"{code} count number", count, limit.value)

    def _check_position(self, order: Order, qty: int) -> None:
        """Step 10."""
        instrument, lots = order.instrument, self._lots(order, qty)
        for scope, limit in self._limits_on(order.account, "position", instrument.id):
            exposure = self._exposure(scope, instrument, order)
            after = exposure.bought if order.side == "buy" else exposure.sold
            within = after + lots <= limit.value
            require(within, "RISK_POSITION qty lots", after + lots, limit.value)

    def _check_gross(self, order: Order, price: int, qty: int) -> None:
        """Step 11."""
        asset, added = order.instrument.rules.quote, self._added(order, price, qty)
        for scope, limit in self._limits_on(order.account, "gross_notional", asset):
            gross = self._gross(scope, asset, order, price) + added
            what = "RISK_GROSS_NOTIONAL notional quote_minor"
            require(gross <= limit.value, what, gross, limit.value)

    def _check_net(self, order: Order, price: int, qty: int) -> None:
        """Step 11."""
        asset, added = order.instrument.rules.quote, self._added(order, price, qty)
        for scope, limit in self._limits_on(order.account, "net_notional", asset):
            bought, sold = self._nets(scope, asset, order, price)
            net = max(bought + added, sold) if order.side == "buy" else max(bought, sold + added)
            what = "RISK_NET_NOTIONAL notional quote_minor"
            require(net <= limit.value, what, net, limit.value)

    def _lots(self, order: Order, qty: int) -> int:
        """The lots that an order adds; by notional, what the reference makes of it."""
        one_lot = order.instrument.notional(order.instrument.reference(), 1)
        if order.by_notional:
            return int(order.placed.notional) // one_lot if one_lot else 0
        return qty

    def _added(self, order: Order, price: int, qty: int) -> int:
        """The notional that an order adds, at the mark price."""
        lots, instrument = self._lots(order, qty), order.instrument
        return valued(instrument, instrument.reference() or price, lots)

    def _note_accepted(self, order: Order) -> None:
        """A placement is accepted: it costs an order token, and may not come again at once."""
        self._take_tokens(limit for _, limit in self._limits_on(order.account, "order_rate"))
        self.last_placed.pop(order.account, None)
        if self._duplicate_window_ns(order.account):
            self.last_placed[order.account] = (order.placed, self.now_ns)


def what_repeats(placed: Message) -> list[object]:
    """What two placements have in common that are the same order twice."""
    names = ("instrument", "side", "order_type", "price", "qty", "notional")
    return [getattr(placed, name) for name in names]
