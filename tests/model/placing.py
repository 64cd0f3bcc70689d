"""Orders are placed in the reference exchange (sections 4 and 10 of the rules)."""

from tests.model.auctions import Auctions
from tests.model.book import Instrument, Order
from tests.model.codec import FIELD_NAMES, Header, Message
from tests.model.conditional import collar_price
from tests.model.orders import (
    I64_MAX,
    I128_MAX,
    NOTIONAL_MINOR_MAX,
    PRICE_TICKS_MAX,
    SHARD_SHIFT,
    require,
)
from tests.model.terms import check_combination, expiry_ns, has_terms, with_terms

FOLLOWERS_PER_INSTRUMENT_MAX = 1_000


class Placing(Auctions):
    """The checks of a placement, and what comes after them."""

    def _order_place(self, header: Header, c: Message) -> None:
        self._order_place_terms(header, with_terms(vars(c)))

    def _order_place_terms(self, header: Header, c: Message) -> None:
        self._instrument(c.instrument)
        if self._is_duplicate(header.account, c):
            return
        self._place(header, c)

    def _place(self, header: Header, c: Message) -> None:
        """What follows once it is known not to be a duplicate."""
        instrument = self._instrument(c.instrument)
        self._check_takes(instrument, c)
        order = self._checked(header, c, c)
        self._check_risk(order)
        if c.post_only:
            self._check_post_only(order, c.price)
        self._check_tables(order.account, [order])
        if order.may_rest and not order.is_conditional and not order.is_pegged:
            self._check_level(order, order.price, order.qty)
        self._require_free_money(order, self._needs_at_first(order))
        self._accept(order)
        self._start(order)

    def _start(self, order: Order) -> None:
        """What an order does when it has just been accepted or released."""
        if order.is_conditional and order.state == "waiting":
            self._hold(order, self._need(order))
        elif order.is_pegged:
            self._place_pegged(order)
        elif order.instrument.state == "auction":
            self._rest(order, order.price)
        else:
            self._arrive(order)

    # The checks, in their order.

    def _is_duplicate(self, account: int, body: Message) -> bool:
        """Section 4.2: the same client order id again."""
        identity = (account, body.client_order_id)
        order = self.live_ids.get(identity) or self.closed_ids.get(identity)
        if not body.client_order_id or order is None:
            return False
        same = order.body == body
        require(same, "CLIENT_ORDER_ID_CONFLICT client_order_id number", order.id)
        # A dead order that still stands is cancelled already; one that has gone says how it went.
        waits_to_go = order.is_dead and order.id in self.live
        state = "cancelled" if waits_to_go else order.state
        self.emit("OrderDuplicate", order, first_seq=order.first_seq, state=state)
        return True

    def _checked(
        self, header: Header, c: Message, body: Message, *, is_pending: bool = False
    ) -> Order:
        """An order that passes sections 4.3 to 4.5 and 10, with its price and trigger price."""
        instrument = self._instrument(c.instrument)
        check_combination(c, self.now_ns)
        self._check_sizes(instrument, c)
        if c.order_type == "limit":
            self._check_price(instrument, c.price, c.qty)
        trigger_price = self._trigger_of(instrument, c, is_pending)
        price = self._price_of(instrument, c, trigger_price)
        maker_rate, taker_rate = self._rates(header.account, instrument)
        return Order(
            id=self.limits.shard << SHARD_SHIFT | (self.order_count + 1),
            header=header,
            instrument=instrument,
            placed=c,
            body=body,
            maker_rate=maker_rate,
            taker_rate=taker_rate,
            price=price,
            trigger_price=trigger_price,
            expires_ns=expiry_ns(c, self.now_ns),
            state="waiting" if c.trigger != "none" or is_pending else "open",
            best=instrument.price(c.trigger_on) if c.trail else 0,
            ends_with_auction=c.order_type == "market" and instrument.state == "auction",
        )

    def _check_sizes(self, instrument: Instrument, c: Message) -> None:
        if c.notional != 0:
            least, what = max(1, instrument.rules.min_notional), "NOTIONAL_BELOW_MIN"
            enough = c.notional >= least
            require(enough, f"{what} notional quote_minor", c.notional, least)
            self._check_notional_max(c.notional)
        else:
            self._check_qty(instrument.rules, c.qty)

    def _check_qty(self, rules: Message, qty: int) -> None:
        require(qty >= rules.min_qty, "QTY_BELOW_MIN qty lots", qty, rules.min_qty)
        require(qty <= rules.max_qty, "QTY_ABOVE_MAX qty lots", qty, rules.max_qty)

    def _check_price(self, instrument: Instrument, price: int, qty: int) -> None:
        allowed = 1 <= price <= PRICE_TICKS_MAX
        require(allowed, "PRICE_OUT_OF_RANGE price ticks", price, PRICE_TICKS_MAX)
        notional, least = instrument.notional(price, qty), instrument.rules.min_notional
        self._check_notional_max(notional)
        require(notional >= least, "NOTIONAL_BELOW_MIN notional quote_minor", notional, least)

    def _check_notional_max(self, notional: int) -> None:
        what, shown = "NOTIONAL_ABOVE_MAX notional quote_minor", min(notional, I128_MAX)
        require(notional <= NOTIONAL_MINOR_MAX, what, shown, NOTIONAL_MINOR_MAX)

    def _trigger_of(self, instrument: Instrument, c: Message, is_pending: bool) -> int:
        """Where it triggers; a leg that waits for another is not looked at yet."""
        if c.trigger == "none" or is_pending:
            return int(c.trigger_price)
        return self._trigger_price(instrument, c)

    def _price_of(self, instrument: Instrument, c: Message, trigger_price: int) -> int:
        """Its limit, or the collar price of a market order that waits or is in an auction."""
        if c.order_type == "limit":
            return int(c.price)
        if c.trigger != "none":
            price = collar_price(instrument, c.side, trigger_price)
        elif instrument.state == "auction":
            reference = instrument.reference()
            require(reference != 0, "NO_REFERENCE type number", 1)
            price = collar_price(instrument, c.side, reference)
        else:
            return 0
        self._check_price(instrument, price, c.qty)
        return price

    def _check_risk(self, order: Order) -> None:
        """Sections 20, reduce-only, and 23."""
        if order.placed.reduce_only and not order.is_conditional:
            capacity = self.capacity(order)
            require(order.qty <= capacity, "REDUCE_ONLY qty lots", order.qty, capacity)
        self._gate(order, order.price, order.qty)

    def _check_post_only(self, order: Order, price: int) -> None:
        best = order.instrument.first(order.opposite)
        if best is not None:
            away = price < best.rests_at if order.side == "buy" else price > best.rests_at
            require(away, "POST_ONLY_WOULD_TRADE price ticks", price, best.rests_at)

    def _check_tables(self, account: int, orders: list[Order]) -> None:
        """Room for the order, or for the legs of a list, of which only the first has a name."""
        first = orders[0]
        if any(o.may_rest or o.is_conditional or o.is_pegged for o in orders):
            count = sum(o.account == account for o in self.live.values())
            most = self.limits.open_orders_per_account_max
            enough = count + len(orders) <= most
            require(enough, "TOO_MANY_OPEN_ORDERS count number", count, most)
        most = self.limits.live_orders_max
        require(len(self.live) + len(orders) <= most, "TABLE_FULL count number", most, most)
        if first.placed.client_order_id:
            most = self.limits.client_order_ids_max
            room = self.closed_ids or len(self.live_ids) < most
            require(room, "TABLE_FULL client_order_id number", most, most)
        if first.is_pegged or first.is_trailing:
            most = FOLLOWERS_PER_INSTRUMENT_MAX
            count = sum(is_follower(o, first.instrument) for o in self.live.values())
            require(count < most, "TOO_MANY_FOLLOWERS count number", count, most)

    def _forget_for(self, account: int) -> None:
        """Section 4.9: its own oldest, or that of the next account that has one."""
        count = len(self.accounts)
        _, whose = min(((a - account) % count, a) for a, _ in self.closed_ids)
        del self.closed_ids[next(key for key in self.closed_ids if key[0] == whose)]

    def _check_level(self, order: Order, price: int, remaining: int) -> None:
        """Whether the level can count what the order would add to it."""
        there = order.instrument.level(order.side, price)
        adds = order.would_show(remaining) - (order.shown if order in there else 0)
        room = I64_MAX - sum(o.shown for o in there)
        require(adds <= room, "QTY_ABOVE_MAX qty lots", adds, room)

    def _needs_at_first(self, order: Order) -> int:
        """Section 4.8: what must be available."""
        best = order.instrument.first("sell")
        if order.holds:
            return order.need(order.price, order.remaining)
        if order.side == "sell":
            return int(order.instrument.rules.lot_minor)
        return order.cost(best.rests_at, 1) if best is not None else 0

    def _has_free_money(self, order: Order, minor: int) -> bool:
        return minor <= self.ledger.available[order.account, order.pays_in]

    def _require_free_money(self, order: Order, minor: int) -> None:
        available = self.ledger.available[order.account, order.pays_in]
        unit = "base_minor" if order.side == "sell" else "quote_minor"
        enough, what = self._has_free_money(order, minor), f"INSUFFICIENT_BALANCE available {unit}"
        require(enough, what, minor, available)

    # Section 4.9: from here on it cannot fail.

    def _accept(self, order: Order) -> None:
        self.order_count += 1
        order.id = self.limits.shard << SHARD_SHIFT | self.order_count
        client_order_id = order.placed.client_order_id
        if client_order_id:
            if len(self.live_ids) + len(self.closed_ids) >= self.limits.client_order_ids_max:
                self._forget_for(order.account)
            self.live_ids[order.account, client_order_id] = order
        self.live[order.id] = order
        self._note_accepted(order)
        self.emit("OrderAccepted", order, price=order.placed.price)
        if has_terms(order.placed):
            terms = {name: getattr(order.placed, name) for name in FIELD_NAMES["OrderTermsSet"][3:]}
            self.emit("OrderTermsSet", order, **terms)


def is_follower(order: Order, instrument: Instrument) -> bool:
    """Whether an order is one of those that may move after every command."""
    waits = order.is_trailing and order.state == "waiting"
    return order.instrument is instrument and (order.is_pegged or waits)
