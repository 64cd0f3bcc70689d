"""An arriving order meets the book (sections 4.10 to 5, 11 and 19 of the rules)."""

from tests.model.book import Instrument, Order
from tests.model.orders import ASSET_TOTAL_MINOR_MAX
from tests.model.pegs import Pegs
from tests.model.prorata import PRO_RATA_ORDERS_MAX, shares


class Matching(Pegs):
    """Walks, trades, self-trade prevention."""

    def __init__(self) -> None:
        super().__init__()
        self.fills = 0
        # Of each instrument with a band, its reference price when the command began.
        self.band_references: dict[Instrument, int] = {}
        # Those where a fill would have been outside the band.
        self.out_of_band: list[Instrument] = []

    def _arrive(self, order: Order) -> None:
        """Sections 4.10 and 4.11."""
        failure = self._walk_failure(order)
        if failure:
            self._close(order, "expired", failure)
            return
        if order.holds:
            self._hold(order, self._need(order))
        self._finish(order, self._match(order))

    def _finish(self, order: Order, stop: str) -> None:
        """What becomes of an order once matching has stopped."""
        if stop == "filled":
            self._close(order, "filled", "filled")
        elif stop in ("fill_limit", "self_trade"):
            self._close(order, "expired", stop)
        elif order.may_rest:
            self._rest(order, order.price)
        elif order.is_limit:
            is_fok = stop == "band" and order.placed.time_in_force == "fok"
            self._close(order, "expired", "fill_or_kill" if is_fok else "immediate_or_cancel")
        elif stop == "notional_spent" and order.filled > 0:
            self._close(order, "filled", "notional_spent")
        else:
            self._close(order, "expired", "no_liquidity" if stop == "band" else stop)

    # What could be filled (section 11).

    def _walk_failure(self, order: Order) -> str:
        """Why an order that wants much at once cannot have it; empty if it can."""
        is_fok = order.placed.time_in_force == "fok"
        want = order.remaining if is_fok else order.placed.min_qty
        if want == 0:
            return ""
        missing, steps, notional = self._walk(order, want)
        too_many = steps > self.limits.fills_per_command_max
        if missing or too_many or order.traded + notional > ASSET_TOTAL_MINOR_MAX:
            return "fill_or_kill" if is_fok else "min_qty"
        if is_fok and not order.holds:
            available = self.ledger.available[order.account, order.pays_in]
            if notional + order.charge_with(order.taker_rate, notional) > available:
                return "insufficient_balance"
        return ""

    def _walk(self, order: Order, want: int) -> tuple[int, int, int]:
        """Lots that are missing, steps that it takes, and the notional of what is there."""
        instrument, left, steps, notional = order.instrument, want, 0, 0
        prices = dict.fromkeys(maker.rests_at for maker in instrument.book[order.opposite])
        for price in prices:
            if left == 0 or not order.crosses(price) or self._is_out_of_band(order, price):
                break
            taken, level_steps, may_go_on = self._walk_level(order, price, left)
            left, steps = left - taken, steps + level_steps
            notional += instrument.notional(price, taken)
            if not may_go_on:
                break
        return left, steps, notional

    def _walk_level(self, order: Order, price: int, want: int) -> tuple[int, int, bool]:
        """Lots to be had at a price, in so many steps, and whether the walk may go on."""
        left, steps, may_trade = want, 0, list[Order]()
        prevents = order.placed.self_trade != "none"
        for maker in order.instrument.level(order.opposite, price):
            if left == 0:
                break
            is_own = prevents and self._same_owner(order, maker)
            if is_own and order.placed.self_trade != "expire_maker":
                return want - left, steps, False
            steps += 1
            if not is_own and not maker.placed.reduce_only:
                may_trade.append(maker)
                left -= min(left, maker.shown)
        if left > 0:
            # What icebergs hide comes behind all orders of the level, in turns.
            hiding = [maker for maker in may_trade if maker.is_iceberg]
            steps += sum(map(hidden_steps, hiding))
            left -= min(left, sum(maker.remaining - maker.displayed for maker in hiding))
        return want - left, steps, True

    # Section 5: match.

    def _match(self, order: Order) -> str:
        """Trade as far as it goes; return why it stopped."""
        instrument, unsaid_price, stop = order.instrument, 0, ""
        self.fills = 0
        while not stop:
            maker = instrument.first(order.opposite)
            if unsaid_price and (maker is None or maker.rests_at != unsaid_price):
                self._say_level(instrument, order.opposite, unsaid_price)
                unsaid_price = 0
            if order.is_spent:
                stop = "notional_spent" if order.by_notional else "filled"
            elif maker is None or not order.crosses(maker.rests_at):
                stop = "no_liquidity"
            elif self.fills == self.limits.fills_per_command_max:
                stop = "fill_limit"
            else:
                price, fills_before = maker.rests_at, self.fills
                stop = self._meet(order, maker)
                if self.fills > fills_before:
                    unsaid_price = price
        if unsaid_price:
            self._say_level(instrument, order.opposite, unsaid_price)
        return stop

    def _meet(self, order: Order, maker: Order) -> str:
        """The next step with the best maker; why it was the last one, if it was."""
        if order.placed.self_trade != "none" and self._same_owner(order, maker):
            return self._prevent_self_trade(order, maker)
        if self._is_shared(order, maker.rests_at):
            return self._share(order, maker.rests_at)
        one_lot = order.instrument.notional(maker.rests_at, 1)
        qty = min(maker.shown, order.remaining)
        if order.by_notional:
            qty = min(maker.shown, (order.placed.notional - order.traded) // one_lot)
        if qty == 0:
            return "notional_spent"
        return self._fill(order, maker, qty)

    def _fill(self, order: Order, maker: Order, qty: int) -> str:
        """Trade so many lots, or as many as are paid for; why none, if none."""
        price = maker.rests_at
        if not order.holds:
            available = self.ledger.available[order.account, order.pays_in]
            qty = order.affordable(price, qty, available)
            if qty == 0:
                return "insufficient_balance"
        if order.traded + order.instrument.notional(price, qty) > ASSET_TOTAL_MINOR_MAX:
            return "fill_limit"
        if self._is_out_of_band(order, price):
            self.out_of_band.append(order.instrument)
            return "band"
        self.fills += 1
        self._trade(order, maker, qty)
        return ""

    def _is_out_of_band(self, order: Order, price: int) -> bool:
        """Section 18: whether a fill there would call an auction."""
        instrument = order.instrument
        reference = self.band_references.get(instrument, 0)
        if reference == 0 or instrument.state != "open":
            return False
        distance, band_ppm = abs(price - reference), int(instrument.config.band_ppm)
        return distance * 1_000_000 > band_ppm * reference

    def _trade(self, taker: Order, maker: Order, qty: int) -> None:
        """One fill of an arriving order with a resting one, at that one's price."""
        rates = (maker.maker_rate, taker.taker_rate)
        self._exchange(maker, taker, qty, maker.rests_at, rates, taker.side)
        if maker.remaining == 0:
            self._close(maker, "filled", "filled", says_level=False)
        else:
            self._hold(maker, maker.need(maker.price, maker.remaining))
            self._show_next_part(maker)
        self._after_fill(maker)
        self._after_fill(taker)

    def _exchange(
        self,
        maker: Order,
        taker: Order,
        qty: int,
        price: int,
        rates: tuple[int, int],
        taker_side: str,
    ) -> None:
        """Say and settle one trade."""
        instrument, notional = taker.instrument, taker.instrument.notional(price, qty)
        instrument.last_trade_id += 1
        instrument.set_price("last", price)
        trade = {"trade_id": instrument.last_trade_id, "price": price, "qty": qty}
        orders = {"maker_order_id": maker.id, "taker_order_id": taker.id}
        self.emit("Traded", taker, **trade, **orders, taker_side=taker_side)
        fees = {}
        for role, order, rate in (("maker", maker, rates[0]), ("taker", taker, rates[1])):
            order.filled += qty
            order.displayed -= qty if order.rests_at and order.is_iceberg else 0
            fees[order.side] = order.charge_with(rate, notional) - order.charged
            order.charged += fees[order.side]
            order.traded += notional
            order.fee_parts += rate * notional
            sums = {"notional": notional, "fee": fees[order.side]}
            self.emit("OrderFilled", order, role=role, **trade, **sums)
        buyer, seller = (maker, taker) if maker.side == "buy" else (taker, maker)
        self._settle(buyer, seller, qty, notional, fees)

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

    def _show_next_part(self, order: Order) -> None:
        """An iceberg whose part is gone shows the next one, behind all of its level."""
        if not order.is_iceberg or order.displayed > 0:
            return
        price = order.rests_at
        order.instrument.remove(order)
        if self._comes_to(order, price):
            self.emit("OrderRefreshed", order, price=price, displayed=order.displayed)

    # Section 11: self-trade prevention.

    def _same_owner(self, one: Order, other: Order) -> bool:
        groups = [self.memberships[order.account - 1][1] for order in (one, other)]
        return one.account == other.account or (groups[0] == groups[1] != 0)

    def _prevent_self_trade(self, taker: Order, maker: Order) -> str:
        mode = taker.placed.self_trade
        if mode == "expire_taker" or (mode == "decrement" and taker.by_notional):
            return "self_trade"
        self.fills += 1
        if mode == "decrement":
            self._decrement(taker, maker, min(taker.remaining, maker.shown))
            return "" if taker.remaining else "self_trade"
        self._close(maker, "expired", "self_trade", says_level=False)
        return "self_trade" if mode == "expire_both" else ""

    def _decrement(self, taker: Order, maker: Order, qty: int) -> None:
        """Both lose so much without a trade."""
        maker.displayed -= qty if maker.is_iceberg else 0
        for order in (maker, taker):
            order.qty -= qty
            self.emit("OrderDecremented", order, by=qty)
            if order.holds:
                self._hold(order, self._need(order))
        if maker.remaining == 0:
            self._close(maker, "expired", "self_trade", says_level=False)
        else:
            self._show_next_part(maker)

    # Section 19: pro-rata.

    def _is_shared(self, order: Order, price: int) -> bool:
        """Whether an order trades by size with the orders of a level."""
        if order.instrument.config.matching != "pro_rata" or not order.holds:
            return False
        level = order.instrument.level(order.opposite, price)[:PRO_RATA_ORDERS_MAX]
        prevents = order.placed.self_trade != "none"
        return not (prevents and any(self._same_owner(order, maker) for maker in level))

    def _share(self, order: Order, price: int) -> str:
        """One pass over a level: what each gets is reckoned first, then they trade."""
        level = order.instrument.level(order.opposite, price)[:PRO_RATA_ORDERS_MAX]
        for maker, qty in zip(
            level, shares([m.shown for m in level], order.remaining), strict=True
        ):
            if self.fills == self.limits.fills_per_command_max:
                break
            stop = self._fill(order, maker, qty) if qty else ""
            if stop:
                return stop
        return ""


def hidden_steps(maker: Order) -> int:
    """In how many parts an iceberg shows what it hides."""
    return -(-(maker.remaining - maker.displayed) // int(maker.placed.display_qty))
