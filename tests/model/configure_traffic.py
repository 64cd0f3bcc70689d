"""The part of the traffic that is about groups, configuration and mark prices."""

import random
from dataclasses import dataclass

from tests.model.codec import ENUMS, Message
from tests.model.configure import BOUND_PPM_MAX
from tests.model.exchange import ReferenceExchange
from tests.model.subjects import wants
from tests.model.terms import AHEAD_NS_MAX
from tests.model.world import EDGES_I64, World

GROUP_NAMES = ("", "A", "a.b", *[f"desk-{n}" for n in range(9)])
UNKNOWN = (0, 9, 2**32 - 1)


@dataclass(slots=True)
class ConfigureTraffic:
    """The next command of section 8, good and bad."""

    rng: random.Random
    world: World

    def group(self, exchange: ReferenceExchange) -> Message:
        """A group, of which the names soon run out."""
        return Message("GroupCreate", name=self.rng.choice(GROUP_NAMES))

    def account(self, exchange: ReferenceExchange) -> Message:
        """A group that exists or, now and then, does not; few trade groups, so that they meet."""
        rng, known = self.rng, len(exchange.groups)
        group = rng.randrange(known + 1)
        if rng.randrange(100) < 15:
            group = rng.choice((known + 1, 2**32 - 1))
        trade_group = rng.choice((0, 0, 1, 1, 2, 2**32 - 1))
        return Message("AccountConfigure", group=group, trade_group=trade_group)

    def instrument(self, exchange: ReferenceExchange) -> Message:
        """How an instrument is traded, with mostly no field out of bounds."""
        rng, most = self.rng, BOUND_PPM_MAX
        instrument = rng.randrange(1, len(exchange.instruments) + 1)
        taker_fee = exchange.instruments[instrument - 1].rules.taker_fee
        command = Message(
            "InstrumentConfigure",
            **{
                "instrument": instrument,
                "matching": rng.choice(("price_time", "pro_rata")[: 1 + wants("pro_rata")]),
            },
            **{"reference": rng.choice([*ENUMS["reference_kind"].values()])},
            **{"collar_ppm": rng.choice((0, 0, 0, 100_000, most))},
            **{"slippage_ppm": rng.choice((0, 0, 0, 50_000, most))},
            **{"band_ppm": rng.choice((0, 0, 0, 80_000, most)[: 5 if wants("bands") else 3])},
            **{"auction_ns": rng.choice((1, 5_000, 50_000, AHEAD_NS_MAX))},
            **{"auction_fee": rng.randrange(taker_fee + 1)},
        )
        spoil: dict[str, tuple[int, ...]] = {
            "instrument": UNKNOWN,
            "collar_ppm": (most + 1, 2**32 - 1),
            "slippage_ppm": (most + 1, 2**32 - 1),
            "band_ppm": (most + 1, 2**32 - 1),
            "auction_ns": (0, -1, AHEAD_NS_MAX + 1, *EDGES_I64),
            "auction_fee": (-1, taker_fee + 1, 2**31 - 1, -(2**31)),
        }
        for name in rng.sample(sorted(spoil), rng.choice((0, 0, 1, 1, 2))):
            setattr(command, name, rng.choice(spoil[name]))
        return command

    def mark(self, exchange: ReferenceExchange) -> Message:
        """A mark near where the world trades."""
        rng, scale = self.rng, self.world.scale
        instrument = rng.randrange(1, len(exchange.instruments) + 1)
        price = scale.mid_ticks + rng.randint(-scale.spread_ticks, scale.spread_ticks)
        if rng.randrange(100) < 15:
            price = rng.choice(EDGES_I64)
        if rng.randrange(100) < 10:
            instrument = rng.choice(UNKNOWN)
        return Message("MarkSet", instrument=instrument, price=price)
