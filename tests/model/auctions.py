"""Trading states and auctions in the reference exchange (sections 16 to 18 of the rules)."""

from tests.model.book import Instrument, Order, Uncross
from tests.model.codec import Header, Message
from tests.model.conditional import Conditional
from tests.model.orders import ASSET_TOTAL_MINOR_MAX, I64_MAX, require
from tests.model.terms import AHEAD_NS_MAX, may_rest, number_of
from tests.model.uncross import at_price, is_crossed, uncross_price


class Auctions(Conditional):
    """What an instrument takes, and how a call begins and ends."""

    # Section 16: what is taken.

    def _check_takes(self, instrument: Instrument, c: Message) -> None:
        state, is_limit = instrument.state, c.order_type == "limit"
        takes = state == "open"
        if state == "post_only":
            takes = (is_limit and c.post_only) or c.peg != "none"
        elif state == "auction":
            by_qty = c.order_type == "market" and c.notional == 0 and c.time_in_force == "ioc"
            plain = c.trigger == c.peg == "none" and c.min_qty == 0 and not c.post_only
            takes = plain and (may_rest(c) or by_qty) and instrument.uncross is None
        self._require_state(instrument, takes)

    def _check_takes_lists(self, instrument: Instrument) -> None:
        self._require_state(instrument, instrument.state == "open")

    def _check_takes_amends(self, instrument: Instrument) -> None:
        takes = instrument.state in ("open", "post_only", "auction")
        self._require_state(instrument, takes and instrument.uncross is None)

    def _lets_go(self, instrument: Instrument) -> bool:
        """Whether its orders can be cancelled."""
        return instrument.state != "halted" and instrument.uncross is None

    def _check_lets_go(self, instrument: Instrument) -> None:
        self._require_state(instrument, self._lets_go(instrument))

    def _require_state(self, instrument: Instrument, good: bool) -> None:
        require(good, "TRADING_STATE state number", number_of("trading_state", instrument.state))

    def _amends_post_only(self, order: Order) -> bool:
        """Whether an amend of it may not cross the book."""
        state = order.instrument.state
        return (order.placed.post_only and state != "auction") or state == "post_only"

    def _trading_state_set(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        self._require_state(instrument, instrument.uncross is None)
        self.fills = 0
        if c.state == instrument.state:
            self._say_state(instrument, "command", 0)
        elif instrument.state == "auction" or self._is_unfinished(instrument):
            if instrument.state != "auction":
                self._set_state(instrument, "auction", "command")
            self._begin_uncross(instrument, c.state, "command")
        else:
            self._set_state(instrument, c.state, "command")

    def _is_unfinished(self, instrument: Instrument) -> bool:
        """Whether a void record halted it in the midst of an auction that left something to do."""
        return is_crossed(instrument) or bool(self._market_orders(instrument))

    def _market_orders(self, instrument: Instrument) -> list[Order]:
        """Those of its auction, the oldest first."""
        live = [o for o in self.live.values() if o.instrument is instrument and o.ends_with_auction]
        return sorted(live, key=lambda order: order.id)

    def _set_state(
        self, instrument: Instrument, state: str, reason: str, until_ns: int = 0
    ) -> None:
        instrument.state, instrument.until_ns = state, until_ns
        instrument.is_changed = True
        self._say_state(instrument, reason, until_ns)

    def _say_state(self, instrument: Instrument, reason: str, until_ns: int) -> None:
        what = {"state": instrument.state, "reason": reason, "until_ns": until_ns}
        self.emit("TradingStateChanged", instrument=instrument.id, **what)

    # Section 18: how a call begins.

    def _auction_schedule(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        if (c.start_ns, c.end_ns) != (0, 0):
            now, most = self.now_ns, AHEAD_NS_MAX
            good, what = now < c.start_ns <= now + most, "TIME_OUT_OF_RANGE start_time ns"
            require(good, what, c.start_ns, now)
            good, what = c.start_ns < c.end_ns <= c.start_ns + most, "TIME_OUT_OF_RANGE end_time ns"
            require(good, what, c.end_ns, c.start_ns)
        self._set_schedule(instrument, c.start_ns, c.end_ns)

    def _set_schedule(self, instrument: Instrument, start_ns: int, end_ns: int) -> None:
        instrument.schedule, instrument.is_scheduled = (start_ns, end_ns), False
        times = {"start_ns": start_ns, "end_ns": end_ns}
        self.emit("AuctionScheduled", instrument=instrument.id, **times)

    def _note_references(self) -> None:
        """At the start of a command: what bands are measured against."""
        self.out_of_band = []
        banded = [i for i in self.instruments if i.config.band_ppm != 0]
        self.band_references = {instrument: instrument.reference() for instrument in banded}

    def _call_auctions(self) -> None:
        """A fill would have been outside the band: an auction is called instead."""
        for instrument in self.out_of_band:
            if instrument.state == "open":
                self._call(instrument, "band")
        self.out_of_band = []

    def _too_many_stops(self, instrument: Instrument) -> None:
        if instrument.config.auction_ns == 0:
            self._set_state(instrument, "halted", "stops")
        else:
            self._call(instrument, "stops")

    def _call(self, instrument: Instrument, reason: str) -> None:
        until_ns = self.now_ns + int(instrument.config.auction_ns)
        self._set_state(instrument, "auction", reason, until_ns)

    # In a tick.

    def _tick_auctions(self) -> None:
        """Scheduled calls begin, calls end, the others say where they stand."""
        self.fills = 0
        for instrument in self.instruments:
            self._begin_scheduled(instrument)
        for instrument in self.instruments:
            self._end_if_due(instrument)
        for instrument in self.instruments:
            self._indicate(instrument)

    def _begin_scheduled(self, instrument: Instrument) -> None:
        start_ns, end_ns = instrument.schedule
        is_due = 0 < start_ns <= self.now_ns and not instrument.is_scheduled
        if not is_due or instrument.uncross is not None:
            return
        if instrument.state == "halted":
            self._set_schedule(instrument, 0, 0)
            return
        instrument.is_scheduled = True
        self._set_state(instrument, "auction", "schedule", end_ns)

    def _end_if_due(self, instrument: Instrument) -> None:
        if instrument.uncross is not None:
            self._go_on_uncrossing(instrument, instrument.uncross)
        elif instrument.state == "auction" and 0 < instrument.until_ns <= self.now_ns:
            self._begin_uncross(instrument, "open", "uncrossed")

    def _indicate(self, instrument: Instrument) -> None:
        is_called = instrument.state == "auction" and instrument.uncross is None
        if not is_called or not instrument.is_changed:
            return
        instrument.is_changed = False
        price, qty = uncross_price(instrument)
        bids, asks = at_price(instrument, price)
        surplus = max(-I64_MAX - 1, min(I64_MAX, bids - asks)) if qty else 0
        what = {"price": price, "qty": qty, "surplus": surplus}
        self.emit("AuctionIndicated", instrument=instrument.id, **what)

    # How it ends.

    def _begin_uncross(self, instrument: Instrument, then: str, reason: str) -> None:
        instrument.uncross = Uncross(0, 0, then, reason)
        self._set_uncross_price(instrument, instrument.uncross)
        self._go_on_uncrossing(instrument, instrument.uncross)

    def _set_uncross_price(self, instrument: Instrument, uncross: Uncross) -> None:
        uncross.price, uncross.left = uncross_price(instrument)
        what = {"price": uncross.price, "qty": uncross.left}
        self.emit("AuctionUncrossed", instrument=instrument.id, **what)

    def _go_on_uncrossing(self, instrument: Instrument, uncross: Uncross) -> None:
        changed: set[tuple[str, int]] = set()
        self._execute(instrument, uncross, changed)
        while uncross.left == 0 and is_crossed(instrument):
            self._set_uncross_price(instrument, uncross)
            self._execute(instrument, uncross, changed)
        for side, sign in (("buy", -1), ("sell", 1)):
            for price in sorted((p for s, p in changed if s == side), key=lambda p: sign * p):
                self._say_level(instrument, side, price)
        if uncross.left == 0:
            self._end_auction(instrument, uncross)

    def _execute(
        self, instrument: Instrument, uncross: Uncross, changed: set[tuple[str, int]]
    ) -> None:
        """Trade until all is executed, or the fills are used up, or nothing crosses any more."""
        while uncross.left > 0 and self.fills < self.limits.fills_per_command_max:
            bid, ask = instrument.first("buy"), instrument.first("sell")
            if bid is None or ask is None or not bid.rests_at >= uncross.price >= ask.rests_at:
                uncross.left = 0
                return
            changed |= {("buy", bid.rests_at), ("sell", ask.rests_at)}
            self.fills += 1
            older, younger = sorted((bid, ask), key=lambda order: order.id)
            if self._close_void(older) or self._close_void(younger):
                continue
            qty = min(bid.shown, ask.shown, uncross.left)
            qty = self.reducible(bid, self.reducible(ask, qty))
            unbearable = self._unbearable(bid, ask, qty, instrument.notional(uncross.price, qty))
            if unbearable is not None:
                self._close(unbearable, "expired", "fill_limit", says_level=False)
            else:
                uncross.left -= qty
                self._trade_in_auction(bid, ask, qty, uncross.price)

    def _unbearable(self, bid: Order, ask: Order, qty: int, notional: int) -> Order | None:
        """The older of the two that has no room, or whose position has none, for so much more."""
        full = [
            order
            for order in (bid, ask)
            if order.traded + notional > ASSET_TOTAL_MINOR_MAX
            or not self._is_countable(order, qty, notional)
        ]
        return min(full, key=lambda order: order.id) if full else None

    def _trade_in_auction(self, bid: Order, ask: Order, qty: int, price: int) -> None:
        maker, taker = sorted((bid, ask), key=lambda order: order.id)
        fee = int(bid.instrument.config.auction_fee)
        rates = (min(fee, maker.taker_rate), min(fee, taker.taker_rate))
        self._exchange(maker, taker, qty, price, rates, taker.side)
        for order in (maker, taker):
            if order.remaining == 0:
                self._close(order, "filled", "filled", says_level=False)
            else:
                self._hold(order, order.need(order.price, order.remaining))
        for order in (maker, taker):
            if order.remaining > 0:
                self._show_next_part(order)
        self._after_fill(maker)
        self._after_fill(taker)

    def _end_auction(self, instrument: Instrument, uncross: Uncross) -> None:
        """Close its market orders, as many as a command may fill, then change the state."""
        for order in self._market_orders(instrument):
            if self.fills == self.limits.fills_per_command_max:
                return
            self.fills += 1
            self._close(order, "expired", "auction_end")
        self._leave_auction(instrument)
        self._set_state(instrument, uncross.then, uncross.reason)

    def _leave_auction(self, instrument: Instrument) -> None:
        """Nothing of it is left to do, and the schedule that began it is dropped."""
        instrument.uncross = None
        if instrument.is_scheduled:
            instrument.is_scheduled, instrument.schedule = False, (0, 0)
