"""The part of the traffic that is about orders: placements, cancels, amends, good and bad."""

import random
from dataclasses import dataclass, field

from tests.model.book import Order
from tests.model.codec import Message
from tests.model.exchange import ReferenceExchange
from tests.model.subjects import TERMS, wants
from tests.model.terms import with_terms
from tests.model.terms_traffic import TermsTraffic
from tests.model.world import EDGES_I64, World

EDGES_I128 = (-1, 1, 10**30, 10**30 + 1, (1 << 127) - 1, -(1 << 127))


@dataclass(slots=True)
class OrderTraffic:
    """The next command about orders."""

    rng: random.Random
    world: World
    terms: TermsTraffic
    count: int = 0
    now_ns: int = 0
    placed: list[tuple[int, Message]] = field(default_factory=list)

    def next(self, exchange: ReferenceExchange, account: int) -> Message:
        """A command for this account, given the state."""
        called = [i.id for i in exchange.instruments if i.state == "auction"]
        if called and self.rng.randrange(100) < 45:
            return self._for_an_auction(exchange, account, self.rng.choice(called))
        simple = (self._limit, self._market, self._again)
        changes = (self._cancel, self._amend, self._cancel_all, self._replace)
        makes = (*simple, *changes, self._with_terms, self._list)
        replaces, lists = 6 * wants("replace"), 6 * wants("lists")
        terms = 24 * any(map(wants, TERMS))
        make = self.rng.choices(makes, (44, 40, 4, 7, 7, 1, replaces, terms, lists))[0]
        return make(exchange, account)

    def _limit(self, exchange: ReferenceExchange, account: int) -> Message:
        rng, scale = self.rng, self.world.scale
        side = rng.choice(("buy", "sell"))
        price = scale.mid_ticks + rng.randint(-scale.spread_ticks, scale.spread_ticks)
        if scale.wide and rng.randrange(3) == 0:
            far = rng.randrange(1, 14) if side == "buy" else rng.randrange(13, 54)
            price = (1 << far) - rng.randrange(3)
        tif = rng.choices(("gtc", "ioc", "fok"), (80, 12, 8))[0]
        post_only = tif == "gtc" and rng.randrange(100) < 12
        command = Message(
            "OrderPlace",
            **{"instrument": self._instrument(exchange), "side": side, "order_type": "limit"},
            **{"time_in_force": tif, "post_only": post_only, "qty": self._qty()},
            **{"price": max(1, price), "notional": 0, "client_order_id": self._client_order_id()},
        )
        if rng.randrange(100) < 6:
            self._spoil(command)
        return self._remember(account, command)

    def _for_an_auction(
        self, exchange: ReferenceExchange, account: int, instrument: int
    ) -> Message:
        """What an auction takes, now and then an iceberg or a market order."""
        rng = self.rng
        command = (self._market if rng.randrange(6) == 0 else self._limit)(exchange, account)
        command.instrument, command.post_only = instrument, False
        if command.order_type == "limit":
            command.time_in_force = "gtc"
            if wants("iceberg") and rng.randrange(4) == 0 and command.client_order_id == "":
                command = with_terms(vars(command))
                command.display_qty = max(1, command.qty // rng.choice((2, 3)))
        return command

    def _market(self, exchange: ReferenceExchange, account: int) -> Message:
        rng, scale = self.rng, self.world.scale
        side, tif = rng.choice(("buy", "sell")), rng.choice(("ioc", "ioc", "fok"))
        qty, notional = self._qty(), 0
        if rng.randrange(100) < 40:
            lot_minor = scale.mid_ticks * scale.tick_lot_minor
            qty, notional, tif = 0, rng.randrange(1, qty * lot_minor + 1), "ioc"
            if rng.randrange(2):
                price = scale.mid_ticks + rng.randint(-scale.spread_ticks, scale.spread_ticks)
                notional = rng.randrange(1, 4) * max(1, price) * scale.tick_lot_minor
        command = Message(
            "OrderPlace",
            **{"instrument": self._instrument(exchange), "side": side, "order_type": "market"},
            **{"time_in_force": tif, "post_only": False, "qty": qty, "price": 0},
            **{"notional": notional, "client_order_id": self._client_order_id()},
        )
        if rng.randrange(100) < 8:
            self._spoil(command)
        return self._remember(account, command)

    def _spoil(self, command: Message) -> None:
        """Set one field to something that is seldom right."""
        rng = self.rng
        choices: dict[str, tuple[object, ...]] = {
            "instrument": (0, 9, 2**32 - 1),
            "time_in_force": ("gtc", "ioc", "fok"),
            "post_only": (True,),
            "qty": (*EDGES_I64, 1, self.world.scale.qty_lots_max * 3 + 1),
            "price": (*EDGES_I64, 1, 2**40),
            "notional": EDGES_I128,
        }
        if command.order_type == "market" and command.notional == 0 and rng.randrange(3) == 0:
            command.qty, command.time_in_force = 0, "ioc"
            command.notional = rng.choice(EDGES_I128)
            return
        name = rng.choice(sorted(choices))
        setattr(command, name, rng.choice(choices[name]))

    def _again(self, exchange: ReferenceExchange, account: int) -> Message:
        """A placement once more, or its client order id with another body."""
        own = [command for owner, command in self.placed if owner == account]
        if not own:
            return self._limit(exchange, account)
        command = Message(**vars(self.rng.choice(own)))
        if self.rng.randrange(3) == 0 and command.kind != "OrderListPlace":
            command.qty = 2 if command.qty == 1 else 1
        return command

    def _cancel(self, exchange: ReferenceExchange, account: int) -> Message:
        return Message("OrderCancel", **self._which(exchange, account))

    def _cancel_all(self, exchange: ReferenceExchange, account: int) -> Message:
        instrument = self.rng.choice((0, self._instrument(exchange), 9))
        side = self.rng.choice(("both", "buy", "sell"))
        session = self.rng.choice((0, 0, self.rng.randrange(9))) if wants("replace") else 0
        return Message("OrderCancelAll", instrument=instrument, side=side, session=session)

    def _with_terms(self, exchange: ReferenceExchange, account: int) -> Message:
        make = self.rng.choice((self._limit, self._limit, self._limit, self._market))
        plain = make(exchange, account)
        dressed = self.terms.dress(exchange, plain, self.now_ns)
        if self.placed and self.placed[-1][1] is plain:
            self.placed[-1] = (account, dressed)
        return dressed

    def _replace(self, exchange: ReferenceExchange, account: int) -> Message:
        """Another order in the place of a live one, mostly."""
        rng, which = self.rng, self._which(exchange, account)
        placement = (self._with_terms if rng.randrange(3) == 0 else self._limit)(exchange, account)
        if rng.randrange(100) < 6:
            placement = self._again(exchange, account)
        if placement.kind == "OrderListPlace":
            placement = self._limit(exchange, account)
        cancel = {f"cancel_{name}": value for name, value in which.items()}
        fields = vars(with_terms(vars(placement))) | cancel
        del fields["kind"]
        return Message("OrderReplace", **fields, allow_failure=rng.randrange(2) == 0)

    def _list(self, exchange: ReferenceExchange, account: int) -> Message:
        plain = [self._limit(exchange, account) for _ in range(3)]
        if not 1 <= plain[0].instrument <= len(exchange.instruments):
            return plain[0]
        return self._remember(account, self.terms.list_of(exchange, plain))

    def _amend(self, exchange: ReferenceExchange, account: int) -> Message:
        rng, scale = self.rng, self.world.scale
        which = self._which(exchange, account)
        order = self._named(exchange, account, which)
        qty, price = self._qty(), scale.mid_ticks + rng.randint(-scale.spread_ticks, 4)
        if order is not None:
            near = (order.qty - 1, order.qty + 1, order.filled, order.filled + 1, order.qty, qty)
            qty = rng.choice(near)
            price = rng.choice((order.price, order.price, price, order.price + 1, price))
        qty, price = rng.choice(((qty, price), (qty, 0), (0, price), (qty, price)))
        if rng.randrange(100) < 6:
            qty, price = rng.choice(((0, 0), (rng.choice(EDGES_I64), price), (qty, 2**60)))
        return Message("OrderAmend", **which, qty=qty, price=price)

    def _which(self, exchange: ReferenceExchange, account: int) -> dict[str, object]:
        """A live order of the account by one of its ids; sometimes another's, closed or unknown."""
        rng = self.rng
        chance = rng.randrange(100)
        if chance < 10:
            order_id = rng.choice((0, 0, rng.randrange(exchange.order_count + 2)))
            client_order_id = rng.choice(("", f"c{rng.randrange(self.count + 2)}"))
            return {"order_id": order_id, "client_order_id": client_order_id}
        foreign = chance < 13
        live = [o for o in exchange.live.values() if (o.account == account) != foreign]
        if not live:
            return {"order_id": exchange.order_count + 1, "client_order_id": ""}
        order = rng.choice(live)
        if order.placed.client_order_id and rng.randrange(2):
            return {"order_id": 0, "client_order_id": order.placed.client_order_id}
        return {"order_id": order.id, "client_order_id": ""}

    def _named(
        self, exchange: ReferenceExchange, account: int, which: dict[str, object]
    ) -> Order | None:
        for order in exchange.live.values():
            by_id = order.id == which["order_id"]
            identity = (order.account, order.placed.client_order_id)
            if by_id or identity == (account, which["client_order_id"] or "-"):
                return order
        return None

    def _instrument(self, exchange: ReferenceExchange) -> int:
        return self.rng.randrange(1, len(exchange.instruments) + 1)

    def _qty(self) -> int:
        most = self.world.scale.qty_lots_max
        if most > 10_000:
            return max(1, most >> self.rng.randrange(4)) + self.rng.randrange(3)
        return self.rng.randrange(self.world.min_qty_lots, most + 1)

    def _client_order_id(self) -> str:
        if self.rng.randrange(100) < 40:
            return ""
        self.count += 1
        return f"c{self.count}"

    def _remember(self, account: int, command: Message) -> Message:
        if command.client_order_id:
            self.placed = [*self.placed[-12:], (account, command)]
        return command
