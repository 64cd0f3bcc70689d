"""Orders in the reference exchange: place, match, cancel, amend (sections 4 to 6 of the rules)."""

from tests.model.book import Instrument, Ledger, Order
from tests.model.codec import FIELD_NAMES, Header, Message

QTY_LOTS_MAX = PRICE_TICKS_MAX = 1 << 53
NOTIONAL_MINOR_MAX = 10**30
ASSET_TOTAL_MINOR_MAX = NOTIONAL_MINOR_MAX * 100
I64_MAX, I128_MAX = (1 << 63) - 1, (1 << 127) - 1
SHARD_SHIFT = 44


class Reject(Exception):
    """A command is refused; it must not have changed anything."""

    def __init__(
        self, code: str, field: str = "", unit: str = "", value: int = 0, limit: int = 0
    ) -> None:
        super().__init__(code, field, unit, value, limit)
        self.fields: dict[str, object] = {"code": code, "field": field, "unit": unit}
        self.fields |= {"value": value, "limit": limit}


def require(
    good: object, code: str, field: str = "", unit: str = "", value: int = 0, limit: int = 0
) -> None:
    """Refuse the command unless `good`."""
    if not good:
        raise Reject(code, field, unit, value, limit)


class Matching:
    """The state that orders touch, and what they do to it."""

    def __init__(self) -> None:
        self.genesis: Message | None = None
        self.accounts: list[str] = []
        self.instruments: list[Instrument] = []
        self.ledger = Ledger()
        self.order_count = 0
        self.live: dict[int, Order] = {}
        self.live_ids: dict[tuple[int, str], Order] = {}
        self.closed_ids: dict[tuple[int, str], Order] = {}
        self.events: list[Message] = []

    @property
    def limits(self) -> Message:
        """The bounds that genesis set."""
        assert self.genesis is not None
        return self.genesis

    def emit(self, said: str, order: Order | None = None, **fields: object) -> None:
        """Say an event; what it does not say itself is taken from the order."""
        given = order.facts() | fields if order else fields
        self.events.append(Message(said, **{name: given[name] for name in FIELD_NAMES[said]}))

    # Section 4: place.

    def _order_place(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        identity = (header.account, c.client_order_id)
        if c.client_order_id and self._duplicate(identity, c):
            return
        self._check_combination(c)
        rules = instrument.rules
        if c.notional != 0:
            least, most = max(1, rules.min_notional), NOTIONAL_MINOR_MAX
            detail = ("notional", "quote_minor", c.notional)
            require(c.notional >= least, "NOTIONAL_BELOW_MIN", *detail, least)
            require(c.notional <= most, "NOTIONAL_ABOVE_MAX", *detail, most)
        else:
            self._check_qty(rules, c.qty)
        if c.order_type == "limit":
            self._check_price(instrument, c.price, c.qty)
        order = Order(
            ((self.limits.shard << SHARD_SHIFT) | (self.order_count + 1)),
            *(header.account, instrument, c, header.seq, c.qty, c.price),
            *(rules.maker_fee, rules.taker_fee),
        )
        if c.post_only:
            self._check_post_only(order)
        self._check_tables(order)
        if c.time_in_force == "gtc":
            self._check_level(order, order.price, order.qty)
        self._check_funds(order)

        self.order_count += 1
        if c.client_order_id:
            if self._remembered_count() >= self.limits.client_order_ids_max:
                del self.closed_ids[next(iter(self.closed_ids))]
            self.live_ids[identity] = order
        self.live[order.id] = order
        self.emit("OrderAccepted", order)
        failure = self._fill_or_kill_failure(order) if c.time_in_force == "fok" else ""
        if failure:
            self._close(order, "expired", failure)
            return
        if order.holds:
            self._hold(order, order.need(order.price, order.qty))
        self._finish(order, self._match(order))

    def _instrument(self, instrument: int) -> Instrument:
        exists = 1 <= instrument <= len(self.instruments)
        require(exists, "UNKNOWN_INSTRUMENT", "symbol", "number", instrument)
        return self.instruments[instrument - 1]

    def _duplicate(self, identity: tuple[int, str], c: Message) -> bool:
        order = self.live_ids.get(identity) or self.closed_ids.get(identity)
        if order is None:
            return False
        conflict = ("CLIENT_ORDER_ID_CONFLICT", "client_order_id", "number", order.id)
        require(order.placed == c, *conflict)
        self.emit("OrderDuplicate", order, first_seq=order.first_seq)
        return True

    def _check_combination(self, c: Message) -> None:
        tif, code = c.time_in_force, "INVALID_COMBINATION"
        if c.order_type == "market":
            require(c.price == 0, code, "price", "ticks", c.price)
            require(not c.post_only, code, "post_only", "number", 1)
            require(tif != "gtc", code, "tif", "number", 0)
            both = c.notional != 0 and c.qty != 0
            require(not both, code, "notional", "quote_minor", c.notional)
            require(c.notional == 0 or tif != "fok", code, "tif", "number", 2)
        else:
            require(c.notional == 0, code, "notional", "quote_minor", c.notional)
            require(not c.post_only or tif == "gtc", code, "post_only", "number", 1)

    def _check_qty(self, rules: Message, qty: int) -> None:
        require(qty >= rules.min_qty, "QTY_BELOW_MIN", "qty", "lots", qty, rules.min_qty)
        require(qty <= rules.max_qty, "QTY_ABOVE_MAX", "qty", "lots", qty, rules.max_qty)

    def _check_price(self, instrument: Instrument, price: int, qty: int) -> None:
        allowed = 1 <= price <= PRICE_TICKS_MAX
        require(allowed, "PRICE_OUT_OF_RANGE", "price", "ticks", price, PRICE_TICKS_MAX)
        notional, most = instrument.notional(price, qty), NOTIONAL_MINOR_MAX
        least, shown = instrument.rules.min_notional, min(notional, I128_MAX)
        detail = ("notional", "quote_minor", shown)
        require(notional <= most, "NOTIONAL_ABOVE_MAX", *detail, most)
        require(notional >= least, "NOTIONAL_BELOW_MIN", *detail, least)

    def _check_post_only(self, order: Order, price: int = 0) -> None:
        price = price or order.price
        best = order.instrument.first(order.opposite)
        if best is None:
            return
        away = price < best.price if order.side == "buy" else price > best.price
        require(away, "POST_ONLY_WOULD_TRADE", "price", "ticks", price, best.price)

    def _check_level(self, order: Order, price: int, remaining: int) -> None:
        others = [o for o in order.instrument.book[order.side] if o.price == price and o != order]
        room = I64_MAX - sum(o.remaining for o in others)
        require(remaining <= room, "QTY_ABOVE_MAX", "qty", "lots", remaining, room)

    def _check_tables(self, order: Order) -> None:
        limits = self.limits
        if order.placed.time_in_force == "gtc":
            count = sum(o.account == order.account for o in self.live.values())
            most = limits.open_orders_per_account_max
            require(count < most, "TOO_MANY_OPEN_ORDERS", "count", "number", count, most)
        most = limits.live_orders_max
        require(len(self.live) < most, "TABLE_FULL", "count", "number", most, most)
        if order.placed.client_order_id:
            most = limits.client_order_ids_max
            room = self._remembered_count() < most or self.closed_ids
            require(room, "TABLE_FULL", "client_order_id", "number", most, most)

    def _remembered_count(self) -> int:
        return len(self.live_ids) + len(self.closed_ids)

    def _check_funds(self, order: Order) -> None:
        rules = order.instrument.rules
        if order.side == "sell":
            lots = 1 if order.by_notional else order.qty
            self.require_available(order.account, rules.base, lots * rules.lot_minor, "base_minor")
        elif order.is_limit:
            need = order.need(order.price, order.qty)
            self.require_available(order.account, rules.quote, need, "quote_minor")
        elif best := order.instrument.first("sell"):
            one_lot = order.cost(best.price, 1)
            self.require_available(order.account, rules.quote, one_lot, "quote_minor")

    def require_available(self, account: int, asset: int, minor: int, unit: str) -> None:
        """Refuse unless the account has so much available."""
        available = self.ledger.available[account, asset]
        detail = ("INSUFFICIENT_BALANCE", "available", unit, minor, available)
        require(minor <= available, *detail)

    def _fill_or_kill_failure(self, order: Order) -> str:
        left, fills, notional = order.qty, [], 0
        for maker in order.instrument.book[order.opposite]:
            if left == 0 or not order.crosses(maker.price):
                break
            fills.append((maker, min(left, maker.remaining)))
            left -= fills[-1][1]
            notional += order.instrument.notional(maker.price, fills[-1][1])
        too_many = len(fills) > self.limits.fills_per_command_max
        if left != 0 or too_many or notional > ASSET_TOTAL_MINOR_MAX:
            return "fill_or_kill"
        if order.side == "buy" and not order.is_limit and not self._can_pay(order, fills):
            return "insufficient_balance"
        return ""

    def _can_pay(self, order: Order, fills: list[tuple[Order, int]]) -> bool:
        available = self.ledger.available[order.account, order.instrument.rules.quote]
        taken = 0
        for maker, qty in fills:
            notional = order.instrument.notional(maker.price, qty)
            cost = notional + order.charge(0, taken + notional) - order.charge(0, taken)
            if cost > available:
                return False
            available, taken = available - cost, taken + notional
            if maker.account == order.account:
                fee = maker.charge(maker.made + notional, maker.taken) - maker.charged
                available += notional - fee
        return True

    def _finish(self, order: Order, stop: str) -> None:
        """What becomes of an order once matching has stopped."""
        if stop == "filled":
            self._close(order, "filled", "filled")
        elif stop == "fill_limit":
            self._close(order, "expired", "fill_limit")
        elif order.is_limit and order.placed.time_in_force == "gtc":
            self._hold(order, order.need(order.price, order.remaining))
            order.instrument.rest(order)
            self.emit("OrderRested", order)
            self._say_level(order, order.price)
        elif order.is_limit:
            self._close(order, "expired", "immediate_or_cancel")
        elif stop == "notional_spent" and order.filled > 0:
            self._close(order, "filled", "notional_spent")
        else:
            self._close(order, "expired", stop)

    def _close(self, order: Order, state: str, reason: str) -> None:
        self._hold(order, 0)
        order.state = state
        del self.live[order.id]
        identity = (order.account, order.placed.client_order_id)
        if identity[1]:
            self.closed_ids[identity] = self.live_ids.pop(identity)
            own = [key for key in self.closed_ids if key[0] == order.account]
            if len(own) > self.limits.closed_ids_per_account_max:
                del self.closed_ids[own[0]]
        self.emit("OrderClosed", order, reason=reason)

    def _hold(self, order: Order, minor: int) -> None:
        rules = order.instrument.rules
        asset = rules.base if order.side == "sell" else rules.quote
        available, held = ("available", order.account), ("held", order.account)
        if minor >= order.held:
            self.ledger.post(asset, minor - order.held, available, held)
        else:
            self.ledger.post(asset, order.held - minor, held, available)
        order.held = minor

    def _say_level(self, order: Order, price: int, side: str = "") -> None:
        self.events.append(order.instrument.level(side or order.side, price))

    # Section 5: match.

    def _match(self, order: Order) -> str:
        """Trade as far as it goes; return why it stopped."""
        fills, traded_price, stop = 0, 0, ""
        while not stop:
            maker = order.instrument.first(order.opposite)
            if traded_price and (maker is None or maker.price != traded_price):
                self._say_level(order, traded_price, order.opposite)
                traded_price = 0
            if order.is_spent:
                stop = "notional_spent" if order.by_notional else "filled"
            elif maker is None or not order.crosses(maker.price):
                stop = "no_liquidity"
            elif fills == self.limits.fills_per_command_max:
                stop = "fill_limit"
            else:
                qty, stop = self._fill_qty(order, maker)
                if qty > 0:
                    self._trade(order, maker, qty)
                    fills, traded_price = fills + 1, maker.price
        if traded_price:
            self._say_level(order, traded_price, order.opposite)
        return stop

    def _fill_qty(self, order: Order, maker: Order) -> tuple[int, str]:
        rules = order.instrument.rules
        if order.by_notional:
            spendable = order.placed.notional - order.taken
            qty = min(maker.remaining, spendable // order.instrument.notional(maker.price, 1))
            if qty == 0:
                return 0, "notional_spent"
        else:
            qty = min(maker.remaining, order.remaining)
        if not order.holds and order.side == "buy":
            available = self.ledger.available[order.account, rules.quote]
            qty = order.affordable(maker.price, qty, available)
        elif not order.holds:
            qty = min(qty, self.ledger.available[order.account, rules.base] // rules.lot_minor)
        if qty == 0:
            return 0, "insufficient_balance"
        notional = order.made + order.taken + order.instrument.notional(maker.price, qty)
        return (0, "fill_limit") if notional > ASSET_TOTAL_MINOR_MAX else (qty, "")

    def _trade(self, taker: Order, maker: Order, qty: int) -> None:
        instrument, price = taker.instrument, maker.price
        notional = instrument.notional(price, qty)
        instrument.last_trade_id += 1
        trade = {"trade_id": instrument.last_trade_id, "price": price, "qty": qty}
        orders = {"maker_order_id": maker.id, "taker_order_id": taker.id}
        self.emit("Traded", taker, **trade, taker_side=taker.side, **orders)
        maker.made += notional
        taker.taken += notional
        fees = []
        for role, order in (("maker", maker), ("taker", taker)):
            order.filled += qty
            fees.append(order.charge(order.made, order.taken) - order.charged)
            order.charged += fees[-1]
            sums = {"notional": notional, "fee": fees[-1]}
            self.emit("OrderFilled", order, role=role, **trade, **sums)
        if maker.side == "buy":
            self._settle(maker, taker, qty, notional, (fees[0], fees[1]))
        else:
            self._settle(taker, maker, qty, notional, (fees[1], fees[0]))
        if maker.remaining == 0:
            instrument.remove(maker)
            self._close(maker, "filled", "filled")
        else:
            self._hold(maker, maker.need(price, maker.remaining))

    def _settle(
        self, buyer: Order, seller: Order, qty: int, notional: int, fees: tuple[int, int]
    ) -> None:
        """A buyer pays its fee on top; a seller gets the notional less its fee."""
        rules, buyer_fee, seller_fee = buyer.instrument.rules, *fees
        purse = ("held" if buyer.holds else "available", buyer.account)
        proceeds, house = ("available", seller.account), ("fees", 0)
        self.ledger.post(rules.quote, notional, purse, proceeds)
        self.ledger.post(rules.quote, buyer_fee, purse, house)
        self.ledger.post(rules.quote, seller_fee, proceeds, house)
        stock = ("held" if seller.holds else "available", seller.account)
        base_minor = qty * rules.lot_minor
        self.ledger.post(rules.base, base_minor, stock, ("available", buyer.account))
        buyer.held -= (notional + buyer_fee) if buyer.holds else 0
        seller.held -= base_minor if seller.holds else 0

    # Section 6: cancel, cancel all, amend.

    def _find(self, header: Header, c: Message) -> Order:
        both = c.order_id != 0 and c.client_order_id != ""
        require(not both, "INVALID_COMBINATION", "client_order_id")
        require(c.order_id != 0 or c.client_order_id != "", "INVALID_COMBINATION", "order_id")
        if c.order_id == 0:
            order = self.live_ids.get((header.account, c.client_order_id))
            if order is None:
                raise Reject("ORDER_NOT_FOUND", "client_order_id")
            return order
        order = self.live.get(c.order_id)
        if order is None or order.account != header.account:
            raise Reject("ORDER_NOT_FOUND", "order_id", "number", c.order_id)
        return order

    def _take_off(self, order: Order, reason: str) -> None:
        order.instrument.remove(order)
        self._close(order, "cancelled", reason)
        self._say_level(order, order.price)

    def _order_cancel(self, header: Header, c: Message) -> None:
        self._take_off(self._find(header, c), "cancel_requested")

    def _order_cancel_all(self, header: Header, c: Message) -> None:
        if c.instrument != 0:
            self._instrument(c.instrument)
        own = [order for order in self.live.values() if order.account == header.account]
        there = [o for o in own if c.instrument in (0, o.instrument.id)]
        for order in sorted(there, key=lambda o: o.id):
            self._take_off(order, "cancel_all")
        where = {"account": header.account, "instrument": c.instrument}
        self.emit("OrdersCancelled", **where, count=len(there))

    def _order_amend(self, header: Header, c: Message) -> None:
        require(c.qty != 0 or c.price != 0, "INVALID_COMBINATION", "qty")
        order = self._find(header, c)
        instrument, rules = order.instrument, order.instrument.rules
        require(c.qty >= 0, "QTY_BELOW_MIN", "qty", "lots", c.qty, rules.min_qty)
        if 0 < c.qty <= order.filled:
            self._take_off(order, "amended_to_filled")
            return
        old_price, old_qty = order.price, order.qty
        qty, price = c.qty or old_qty, c.price or old_price
        self._check_qty(rules, qty)
        self._check_price(instrument, price, qty)
        loses_place = price != old_price or qty > old_qty
        if order.placed.post_only and loses_place:
            self._check_post_only(order, price)
        if loses_place:
            self._check_level(order, price, qty - order.filled)
        need = order.need(price, qty - order.filled)
        sells = order.side == "sell"
        asset, unit = (rules.base, "base_minor") if sells else (rules.quote, "quote_minor")
        self.require_available(order.account, asset, need - order.held, unit)

        if loses_place:
            instrument.remove(order)
        order.qty, order.price = qty, price
        self.emit("OrderAmended", order, kept_priority=not loses_place)
        if loses_place or qty != old_qty:
            self._say_level(order, old_price)
        self._hold(order, need)
        if loses_place:
            self._finish(order, self._match(order))
