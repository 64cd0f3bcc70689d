"""Orders in the reference exchange: place, match, cancel, amend (sections 4 to 6 of the rules)."""

from tests.model.book import Instrument, Order
from tests.model.codec import Header, Message
from tests.model.kills import Kills
from tests.model.orders import (
    ASSET_TOTAL_MINOR_MAX,
    I64_MAX,
    I128_MAX,
    NOTIONAL_MINOR_MAX,
    PRICE_TICKS_MAX,
    SHARD_SHIFT,
    require,
)
from tests.model.terms import with_terms


class Matching(Kills):
    """What orders do to the books and to each other."""

    # Section 4: place.

    def _order_place(self, header: Header, c: Message) -> None:
        self._order_place_terms(header, with_terms(vars(c)))

    def _order_place_terms(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        rules, identity = instrument.rules, (header.account, c.client_order_id)
        if c.client_order_id and self._is_duplicate(identity, c):
            return
        self._check_combination(c)
        if c.notional != 0:
            least = max(1, rules.min_notional)
            require(
                c.notional >= least, "NOTIONAL_BELOW_MIN notional quote_minor", c.notional, least
            )
            self._check_notional_max(c.notional)
        else:
            self._check_qty(rules, c.qty)
        if c.order_type == "limit":
            self._check_price(instrument, c.price, c.qty)
        order_id = self.limits.shard << SHARD_SHIFT | (self.order_count + 1)
        rates = self._rates(header.account, instrument)
        order = Order(order_id, header.account, instrument, c, header.seq, c.qty, c.price, *rates)
        if c.reduce_only:
            capacity = self.capacity(order)
            require(c.qty <= capacity, "REDUCE_ONLY qty lots", c.qty, capacity)
        self._gate(order, c.price, c.qty)
        if c.post_only:
            self._check_post_only(order, c.price)
        self._check_tables(order)
        if c.time_in_force == "gtc":
            self._check_level(order, c.price, c.qty)
        self._check_funds(order)

        self.order_count += 1
        if c.client_order_id:
            if len(self.live_ids) + len(self.closed_ids) >= self.limits.client_order_ids_max:
                del self.closed_ids[next(iter(self.closed_ids))]
            self.live_ids[identity] = order
        self.live[order.id] = order
        self._note_accepted(order)
        self.emit("OrderAccepted", order)
        if c.reduce_only:
            self.emit("OrderTermsSet", order)
        failure = self._fill_or_kill_failure(order) if c.time_in_force == "fok" else ""
        if failure:
            self._close(order, "expired", failure)
            return
        if order.holds:
            self._hold(order, order.need(order.price, order.qty))
        self._finish(order, self._match(order))

    def _is_duplicate(self, identity: tuple[int, str], c: Message) -> bool:
        order = self.live_ids.get(identity) or self.closed_ids.get(identity)
        if order is None:
            return False
        same = order.placed == c
        require(same, "CLIENT_ORDER_ID_CONFLICT client_order_id number", order.id)
        state = "cancelled" if order.is_dead else order.state
        self.emit("OrderDuplicate", order, first_seq=order.first_seq, state=state)
        return True

    def _check_combination(self, c: Message) -> None:
        tif, both = c.time_in_force, c.notional != 0 and c.qty != 0
        if c.order_type == "market":
            require(c.price == 0, "INVALID_COMBINATION price ticks", c.price)
            require(not c.post_only, "INVALID_COMBINATION post_only number", 1)
            require(tif != "gtc", "INVALID_COMBINATION tif number", 0)
            require(not both, "INVALID_COMBINATION notional quote_minor", c.notional)
            require(c.notional == 0 or tif != "fok", "INVALID_COMBINATION tif number", 2)
        else:
            require(c.notional == 0, "INVALID_COMBINATION notional quote_minor", c.notional)
            require(not c.post_only or tif == "gtc", "INVALID_COMBINATION post_only number", 1)
        reduces = c.reduce_only and c.notional != 0
        require(not reduces, "INVALID_COMBINATION reduce_only number", 1)

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

    def _check_post_only(self, order: Order, price: int) -> None:
        best = order.instrument.first(order.opposite)
        if best is not None:
            away = price < best.price if order.side == "buy" else price > best.price
            require(away, "POST_ONLY_WOULD_TRADE price ticks", price, best.price)

    def _check_tables(self, order: Order) -> None:
        if order.placed.time_in_force == "gtc":
            count = sum(o.account == order.account for o in self.live.values())
            most = self.limits.open_orders_per_account_max
            require(count < most, "TOO_MANY_OPEN_ORDERS count number", count, most)
        most = self.limits.live_orders_max
        require(len(self.live) < most, "TABLE_FULL count number", most, most)
        if order.placed.client_order_id:
            most = self.limits.client_order_ids_max
            room = self.closed_ids or len(self.live_ids) < most
            require(room, "TABLE_FULL client_order_id number", most, most)

    def _check_level(self, order: Order, price: int, remaining: int) -> None:
        others = [o for o in order.instrument.book[order.side] if o.price == price and o != order]
        room = I64_MAX - sum(o.remaining for o in others)
        require(remaining <= room, "QTY_ABOVE_MAX qty lots", remaining, room)

    def _check_funds(self, order: Order) -> None:
        best = order.instrument.first("sell")
        if order.holds:
            self._require_free_money(order, order.need(order.price, order.qty))
        elif order.side == "sell":
            self._require_free_money(order, order.instrument.rules.lot_minor)
        elif best is not None:
            self._require_free_money(order, order.cost(best.price, 1))

    def _require_free_money(self, order: Order, minor: int) -> None:
        available = self.ledger.available[order.account, order.pays_in]
        unit = "base_minor" if order.side == "sell" else "quote_minor"
        require(minor <= available, f"INSUFFICIENT_BALANCE available {unit}", minor, available)

    def _fill_or_kill_failure(self, order: Order) -> str:
        if self.reducible(order, order.qty) < order.qty:
            return "reduce_only"
        left, fills, notional = order.qty, [], 0
        for maker in order.instrument.book[order.opposite]:
            if left == 0 or not order.crosses(maker.price) or order.slips_past(maker.price):
                break
            counts = not maker.is_dead and not maker.placed.reduce_only
            fills.append((maker, min(left, maker.remaining) if counts else 0))
            left -= fills[-1][1]
            notional += order.instrument.notional(maker.price, fills[-1][1])
        too_many = len(fills) > self.limits.fills_per_command_max
        if left != 0 or too_many or notional > ASSET_TOTAL_MINOR_MAX:
            return "fill_or_kill"
        if not order.holds and not self._can_pay(order, fills):
            return "insufficient_balance"
        return ""

    def _can_pay(self, order: Order, fills: list[tuple[Order, int]]) -> bool:
        available, taken = self.ledger.available[order.account, order.pays_in], 0
        for maker, qty in fills:
            notional = order.instrument.notional(maker.price, qty)
            before = order.charge_with(order.taker_rate, taken)
            fee = order.charge_with(order.taker_rate, taken + notional) - before
            if notional + fee > available:
                return False
            available, taken = available - notional - fee, taken + notional
            if maker.account == order.account:
                makers_fee = maker.charge_with(maker.maker_rate, notional) - maker.charged
                available += notional - max(makers_fee, -fee)
        return True

    def _finish(self, order: Order, stop: str) -> None:
        """What becomes of an order once matching has stopped."""
        if stop == "filled":
            self._close(order, "filled", "filled")
        elif stop in ("fill_limit", "reduce_only"):
            self._close(order, "expired", stop)
        elif order.placed.time_in_force == "gtc":
            self._hold(order, order.need(order.price, order.remaining))
            order.instrument.rest(order)
            self.emit("OrderRested", order)
            self._say_level(order.instrument, order.side, order.price)
        elif order.is_limit:
            self._close(order, "expired", "immediate_or_cancel")
        elif stop == "notional_spent" and order.filled > 0:
            self._close(order, "filled", "notional_spent")
        else:
            self._close(order, "expired", stop)

    # Section 5: match.

    def _match(self, order: Order) -> str:
        """Trade as far as it goes; return why it stopped."""
        book, fills, traded_price, stop = order.instrument, 0, 0, ""
        while not stop:
            maker = book.first(order.opposite)
            if traded_price and (maker is None or maker.price != traded_price):
                self._say_level(book, order.opposite, traded_price)
                traded_price = 0
            if order.is_spent:
                stop = "notional_spent" if order.by_notional else "filled"
            elif maker is None or not order.crosses(maker.price):
                stop = "no_liquidity"
            elif order.slips_past(maker.price):
                stop = "slippage"
            elif fills == self.limits.fills_per_command_max:
                stop = "fill_limit"
            elif self.cannot_reduce(order):
                stop = "reduce_only"
            elif self._close_void(maker):
                fills, traded_price = fills + 1, maker.price
            else:
                qty, stop = self._fill_qty(order, maker)
                if qty > 0:
                    self._trade(order, maker, qty)
                    fills, traded_price = fills + 1, maker.price
        if traded_price:
            self._say_level(book, order.opposite, traded_price)
        return stop

    def _close_void(self, maker: Order) -> bool:
        """Close the next maker if it is dead, or may not trade because it would not reduce."""
        if not maker.is_dead and not self.cannot_reduce(maker):
            return False
        maker.instrument.remove(maker)
        if maker.is_dead:
            self._close(maker, "cancelled", "kill_switch")
        else:
            self._close(maker, "expired", "reduce_only")
        return True

    def _fill_qty(self, order: Order, maker: Order) -> tuple[int, str]:
        """How many lots to trade with a maker, or 0 and why none."""
        one_lot = order.instrument.notional(maker.price, 1)
        qty = min(maker.remaining, order.remaining)
        if order.by_notional:
            qty = min(maker.remaining, (order.placed.notional - order.traded) // one_lot)
        qty = self.reducible(order, self.reducible(maker, qty))
        if qty == 0:
            return 0, "notional_spent"
        if not order.holds:
            available = self.ledger.available[order.account, order.pays_in]
            qty = order.affordable(maker.price, qty, available)
        if qty == 0:
            return 0, "insufficient_balance"
        notional, both = qty * one_lot, (maker, order)
        countable = all(self._is_countable(one, qty, notional) for one in both)
        if order.traded + notional > ASSET_TOTAL_MINOR_MAX or not countable:
            return 0, "fill_limit"
        return qty, ""

    def _trade(self, taker: Order, maker: Order, qty: int) -> None:
        price, notional = maker.price, taker.instrument.notional(maker.price, qty)
        taker.instrument.last_trade_id += 1
        taker.instrument.last_price = price
        trade = {"trade_id": taker.instrument.last_trade_id, "price": price, "qty": qty}
        orders = {"maker_order_id": maker.id, "taker_order_id": taker.id}
        self.emit("Traded", taker, **trade, taker_side=taker.side, **orders)
        fees = {taker.side: self._charge(taker, taker.taker_rate, notional)}
        fees[maker.side] = self._charge(maker, maker.maker_rate, notional, fees[taker.side])
        for role, order in (("maker", maker), ("taker", taker)):
            order.filled += qty
            sums = {"notional": notional, "fee": fees[order.side]}
            self.emit("OrderFilled", order, role=role, **trade, **sums)
            self._count_fill(order, qty, notional, fees[order.side])
        buyer, seller = (maker, taker) if maker.side == "buy" else (taker, maker)
        self._settle(buyer, seller, qty, notional, fees)
        if maker.remaining == 0:
            maker.instrument.remove(maker)
            self._close(maker, "filled", "filled")
        else:
            self._hold(maker, maker.need(price, maker.remaining))

    def _settle(
        self, buyer: Order, seller: Order, qty: int, notional: int, fees: dict[str, int]
    ) -> None:
        """A buyer pays its fee on top; a seller gets the notional less its fee."""
        post, base_minor = self.ledger.post, qty * buyer.instrument.rules.lot_minor
        purse = ("held" if buyer.holds else "available", buyer.account)
        stock = ("held" if seller.holds else "available", seller.account)
        proceeds, house = ("available", seller.account), ("fees", 0)
        post(buyer.pays_in, notional, purse, proceeds)
        post(buyer.pays_in, fees["buy"], purse, house)
        post(buyer.pays_in, fees["sell"], proceeds, house)
        post(seller.pays_in, base_minor, stock, ("available", buyer.account))
        buyer.held -= notional + fees["buy"] if buyer.holds else 0
        seller.held -= base_minor if seller.holds else 0

    # Section 6: cancel, cancel all, amend.

    def _order_cancel(self, header: Header, c: Message) -> None:
        order = self._find(header.account, c.order_id, c.client_order_id)
        self._take_off(order, "cancelled", "cancel_requested")

    def _order_cancel_all(self, header: Header, c: Message) -> None:
        if c.instrument != 0:
            self._instrument(c.instrument)
        own = self._open_orders(("account", header.account))
        there = [
            o for o in own if c.instrument in (0, o.instrument.id) and c.side in ("both", o.side)
        ]
        for order in sorted(there, key=lambda o: o.id):
            self._take_off(order, "cancelled", "cancel_all")
        where = {"account": header.account, "instrument": c.instrument}
        self.emit("OrdersCancelled", **where, count=len(there))

    def _order_amend(self, header: Header, c: Message) -> None:
        require(c.qty != 0 or c.price != 0, "INVALID_COMBINATION qty")
        order = self._find(header.account, c.order_id, c.client_order_id)
        instrument, rules = order.instrument, order.instrument.rules
        require(c.qty >= 0, "QTY_BELOW_MIN qty lots", c.qty, rules.min_qty)
        if 0 < c.qty <= order.filled:
            self._take_off(order, "cancelled", "amended_to_filled")
            return
        old_price, old_qty = order.price, order.qty
        qty, price = c.qty or old_qty, c.price or old_price
        self._check_qty(rules, qty)
        self._check_price(instrument, price, qty)
        self._gate(order, price, qty - order.filled)
        loses_place = price != old_price or qty > old_qty
        if order.placed.post_only and loses_place:
            self._check_post_only(order, price)
        if loses_place:
            self._check_level(order, price, qty - order.filled)
        need = order.need(price, qty - order.filled)
        self._require_free_money(order, need - order.held)

        if loses_place:
            instrument.remove(order)
        order.qty, order.price = qty, price
        self.emit("OrderAmended", order, kept_priority=not loses_place)
        if loses_place or qty != old_qty:
            self._say_level(instrument, order.side, old_price)
        self._hold(order, need)
        if loses_place:
            self._finish(order, self._match(order))
