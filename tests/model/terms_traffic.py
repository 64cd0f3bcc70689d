"""The part of the traffic that is about orders with terms: each kind of term, good and bad."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.model.book import Instrument
from tests.model.codec import ENUMS, Message
from tests.model.conditional import is_rising
from tests.model.exchange import ReferenceExchange
from tests.model.lists import LEG_FIELDS
from tests.model.subjects import TERMS, wants
from tests.model.terms import AHEAD_NS_MAX, with_terms
from tests.model.world import EDGES_I64, World

SELF_TRADE = tuple(ENUMS["self_trade"].values())


@dataclass(slots=True)
class TermsTraffic:
    """Makes plain orders into orders with terms, and lists of them."""

    rng: random.Random
    world: World

    def dress(self, exchange: ReferenceExchange, plain: Message, now_ns: int) -> Message:
        """The same order with one kind of term, or two, now and then a wrong one."""
        rng, command = self.rng, with_terms(vars(plain))
        if not 1 <= command.instrument <= len(exchange.instruments):
            return command
        instrument = exchange.instruments[command.instrument - 1]
        dresses: dict[str, tuple[Callable[[Message, Instrument], None], ...]] = {
            "conditional": (self._trigger, self._trigger, self._trail),
            "iceberg": (self._iceberg,),
            "min_qty": (self._min_qty,),
            "pegs": (self._peg, self._peg),
            "self_trade": (self._self_trade, self._self_trade),
        }
        chosen = [dress for subject, of_it in dresses.items() if wants(subject) for dress in of_it]
        if chosen:
            rng.choice(chosen)(command, instrument)
        if wants("self_trade") and rng.randrange(100) < 30:
            command.self_trade = rng.choice(SELF_TRADE)
        if wants("time") and command.order_type == "limit" and rng.randrange(100) < 25:
            self._expire(command, now_ns)
        if rng.randrange(100) < 7 and all(map(wants, TERMS)):
            self._spoil(command, now_ns)
        return command

    def _expire(self, command: Message, now_ns: int) -> None:
        rng = self.rng
        command.time_in_force = rng.choice(("gtd", "gtd", "day"))
        if command.time_in_force == "gtd":
            command.expire_ns = now_ns + rng.choice((1, rng.randrange(1, 300_000), 40_000))
            if rng.randrange(100) < 6:
                command.expire_ns = now_ns + rng.choice((0, -1, AHEAD_NS_MAX, AHEAD_NS_MAX + 1))

    def _trigger(self, command: Message, instrument: Instrument) -> None:
        rng = self.rng
        self._plain(command)
        command.trigger = rng.choice(("stop", "take_profit"))
        command.trigger_on = rng.choice(("last", "last", "mark"))
        ref = instrument.price(command.trigger_on) or self.world.scale.mid_ticks
        away = rng.randint(0 if rng.randrange(9) == 0 else 1, self.world.scale.spread_ticks)
        rises = is_rising(command.side, command.trigger)
        command.trigger_price = max(1, ref + away if rises else ref - away)

    def _trail(self, command: Message, instrument: Instrument) -> None:
        rng = self.rng
        self._plain(command)
        command.order_type, command.price = "market", 0
        command.time_in_force = rng.choice(("ioc", "ioc", "fok"))
        command.trigger = rng.choice(("trail_ticks", "trail_bp"))
        command.trigger_on = rng.choice(("last", "last", "mark"))
        command.trail = rng.randint(1, self.world.scale.spread_ticks)
        if command.trigger == "trail_bp":
            command.trail = rng.choice((1, 50, 200, 400, 9_999))

    def _plain(self, command: Message) -> None:
        """By qty, and not post-only: what may have a trigger."""
        command.post_only = False
        if command.notional != 0:
            command.notional, command.qty = 0, self.world.min_qty_lots + self.rng.randrange(5)

    def _iceberg(self, command: Message, instrument: Instrument) -> None:
        if command.order_type == "limit":
            command.time_in_force = "gtc"
            command.display_qty = max(1, command.qty // self.rng.choice((1, 2, 3, 5)))

    def _min_qty(self, command: Message, instrument: Instrument) -> None:
        if command.notional == 0:
            command.time_in_force, command.post_only = "ioc", False
            command.min_qty = max(1, command.qty // self.rng.choice((1, 2, 3)))

    def _peg(self, command: Message, instrument: Instrument) -> None:
        rng, spread = self.rng, self.world.scale.spread_ticks
        if command.order_type == "limit":
            command.time_in_force, command.post_only = "gtc", False
            command.peg = rng.choice(("bid", "ask", "mid"))
            command.peg_offset = rng.choice((0, 0, 1, -1, rng.randint(-spread, spread)))
            lean = spread if command.side == "buy" else -spread
            command.price = max(1, command.price + rng.choice((0, lean)))

    def _self_trade(self, command: Message, instrument: Instrument) -> None:
        command.self_trade = self.rng.choice(SELF_TRADE[1:])

    def _spoil(self, command: Message, now_ns: int) -> None:
        """Set one term to something that is seldom right."""
        rng = self.rng
        choices: dict[str, tuple[object, ...]] = {
            "time_in_force": tuple(ENUMS["time_in_force"].values()),
            "order_type": ("limit", "market"),
            "post_only": (True,),
            "notional": (1, 100),
            "trigger": tuple(ENUMS["trigger"].values()),
            "trigger_on": ("mark",),
            "trigger_price": EDGES_I64,
            "trail": (*EDGES_I64, 10_000, 9_999),
            "display_qty": (*EDGES_I64, command.qty, command.qty + 1),
            "min_qty": (*EDGES_I64, command.qty, command.qty + 1),
            "peg": tuple(ENUMS["peg"].values()),
            "peg_offset": (*EDGES_I64, -(2**53) - 1),
            "expire_ns": (*EDGES_I64, now_ns, now_ns + 1, now_ns + AHEAD_NS_MAX + 1),
        }
        name = rng.choice(sorted(choices))
        setattr(command, name, rng.choice(choices[name]))
        if command.notional != 0 and rng.randrange(2):
            command.reduce_only = True

    # Lists.

    def list_of(self, exchange: ReferenceExchange, plain: list[Message]) -> Message:
        """A list of these limit orders, with mostly fitting legs."""
        rng = self.rng
        kind = rng.choice(("oco", "oto", "otoco"))
        first = plain[0]
        instrument = exchange.instruments[first.instrument - 1]
        legs = [self._leg(leg) for leg in plain]
        if kind == "oco":
            self._pair(legs[0], legs[1], instrument)
            legs[2] = dict(LEG_FIELDS)
        elif kind == "otoco":
            legs[1]["side"] = "sell" if legs[0]["side"] == "buy" else "buy"
            self._pair(legs[1], legs[2], instrument)
        else:
            self._lone(legs[1], instrument)
            legs[2] = dict(LEG_FIELDS)
        if rng.randrange(100) < 12:
            self._spoil_leg(rng.choice(legs))
        fields = {f"{name}_{n}": leg[name] for n, leg in enumerate(legs) for name in leg}
        ids = {"instrument": first.instrument, "client_order_id": first.client_order_id}
        return Message("OrderListPlace", of_kind=kind, **ids, **fields)

    def _leg(self, plain: Message) -> dict[str, object]:
        leg = {name: getattr(plain, name, default) for name, default in LEG_FIELDS.items()}
        return leg | {"time_in_force": self.rng.choice(("gtc", "gtc", "day"))}

    def _pair(
        self, limit: dict[str, object], other: dict[str, object], instrument: Instrument
    ) -> None:
        """Make the second the stop of the first."""
        other |= {"side": limit["side"], "qty": limit["qty"]}
        self._condition(other, instrument)

    def _lone(self, leg: dict[str, object], instrument: Instrument) -> None:
        how = self.rng.randrange(4)
        if how == 0:
            self._condition(leg, instrument)
        elif how == 1:
            leg |= {"order_type": "market", "price": 0, "time_in_force": "ioc"}
        elif how == 2:
            leg |= {"time_in_force": self.rng.choice(("ioc", "fok"))}

    def _condition(self, leg: dict[str, object], instrument: Instrument) -> None:
        rng, spread = self.rng, self.world.scale.spread_ticks
        trigger, on = rng.choice(("stop", "stop", "take_profit")), rng.choice(("last", "mark"))
        ref = instrument.price(on) or self.world.scale.mid_ticks
        away = rng.randint(1, spread) * (1 if is_rising(str(leg["side"]), trigger) else -1)
        leg |= {"trigger": trigger, "trigger_on": on, "trigger_price": max(1, ref + away)}
        if rng.randrange(2):
            leg |= {"order_type": "market", "price": 0, "time_in_force": "ioc"}

    def _spoil_leg(self, leg: dict[str, object]) -> None:
        rng = self.rng
        choices: dict[str, tuple[object, ...]] = {
            "side": ("buy", "sell"),
            "order_type": ("market",),
            "time_in_force": tuple(ENUMS["time_in_force"].values()),
            "qty": (0, 1, 2**53 + 1),
            "price": (0, 1, 2**53 + 1),
            "trigger": tuple(ENUMS["trigger"].values()),
            "trigger_on": ("last", "mark"),
            "trigger_price": (0, 1, 2**53 + 1),
        }
        name = rng.choice(sorted(choices))
        leg[name] = rng.choice(choices[name])
