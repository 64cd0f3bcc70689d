"""The part of the traffic that is about risk: limits, tiers, states, kill switches, reduce-only.

What stops trading is lifted again soon, so that a world does not stay stuck.
"""

import random
from dataclasses import dataclass

from tests.model.codec import Header, Message
from tests.model.exchange import ReferenceExchange
from tests.model.limits import BY_ASSET, BY_INSTRUMENT, KINDS, RATES, SCOPES, LimitKey
from tests.model.orders import ASSET_TOTAL_MINOR_MAX, DAY_NS
from tests.model.terms import with_terms
from tests.model.world import World

EDGES_I128 = (0, 1, 10**9 + 1, ASSET_TOTAL_MINOR_MAX, ASSET_TOTAL_MINOR_MAX + 1, (1 << 127) - 1)
UNKNOWN = (0, 9, 2**32 - 1)
RATES_PER_S = (1, 1_000, 100_000, 300_000, 10**9)
BURSTS = (1, 2, 5, 50, 2**32 - 1)
WINDOWS_NS = (0, 0, 1_500, 30_000, 10**6, DAY_NS)
TIER_FEES_PPM = (-100_000, -900, -7, 0, 0, 150, 2_500)


@dataclass(slots=True)
class RiskTraffic:
    """The next command about risk, and orders varied."""

    rng: random.Random
    world: World
    # Many limits, which are seldom tight, stay for long: scopes bind together.
    patient: bool
    count: int = 0

    def is_next(self, exchange: ReferenceExchange) -> bool:
        """Whether the next command is one of these: most likely while something is stopped."""
        stopped = exchange.kill_switches or exchange.risk_states or self._unmarked(exchange)
        urge = 30 if stopped else 4 + 2 * min(3, len(exchange.risk_limits))
        return self.rng.randrange(100) < urge

    def next(self, exchange: ReferenceExchange, header: Header) -> Message:
        """A command of sections 21, 22 and 24, or a tick."""
        rng = self.rng
        if any(order.is_dead for order in exchange.live.values()) and rng.randrange(100) < 25:
            # Who goes to another group leaves the dead behind.
            group = rng.randrange(len(exchange.groups) + 1)
            return Message("AccountConfigure", group=group, trade_group=0)
        unmarked = self._unmarked(exchange)
        if unmarked and rng.randrange(100) < 25:
            return Message("MarkSet", instrument=unmarked[0], price=self.world.scale.mid_ticks)
        if exchange.kill_switches and rng.randrange(100) < 50:
            return self._reset(exchange)
        if exchange.risk_states and rng.randrange(100) < 40:
            scope, scope_id = rng.choice(sorted(exchange.risk_states))
            state = rng.choice(("active", "active", "active", "reducing"))
            return Message("RiskStateSet", scope=scope, scope_id=scope_id, state=state)
        limits = len(exchange.risk_limits)
        if limits and rng.randrange(100) < (4 * limits if self.patient else 20 + 15 * limits):
            return self._change(exchange)
        make = rng.choices(
            (self._limit, self._tier, self._state, self._kill, self._reset, self._tick),
            (40, 12, 14, 5, 2, 17),
        )[0]
        command = make(exchange)
        if hasattr(command, "scope") and header.key:
            self._aim_at_the_asker(exchange, header, command)
        return command

    def _unmarked(self, exchange: ReferenceExchange) -> list[int]:
        """Instruments that take no orders because they have no reference."""
        bounded = [i for i in exchange.instruments if i.config.collar_ppm or i.config.slippage_ppm]
        return [i.id for i in bounded if i.reference() == 0]

    def vary(self, exchange: ReferenceExchange, account: int, command: Message) -> Message:
        """An order as it is, one that only reduces, or the account's last one once more."""
        rng, chance = self.rng, self.rng.randrange(100)
        is_placement = command.kind in ("OrderPlace", "OrderPlaceTerms")
        if not is_placement or not 1 <= account <= len(exchange.accounts):
            return command
        if account in exchange.last_placed and chance < 12:
            last, _ = exchange.last_placed[account]
            self.count += 1
            same = Message(**vars(last) | {"client_order_id": f"r{self.count}"})
            return self._almost(same) if rng.randrange(100) < 30 else same
        if 12 <= chance < 22:
            return self._reducing(exchange, account, command)
        return with_terms(vars(command)) if rng.randrange(100) < 5 else command

    def _almost(self, command: Message) -> Message:
        """Another order in one thing."""
        name = self.rng.choice(("side", "qty", "price"))
        other = "sell" if command.side == "buy" else "buy"
        almost = {"side": other, "qty": command.qty + 1, "price": command.price + 1}
        return Message(**vars(command) | {name: almost[name]})

    def _reducing(self, exchange: ReferenceExchange, account: int, command: Message) -> Message:
        """Of the side and size that would reduce, mostly."""
        rng, command = self.rng, with_terms(vars(command))
        held = exchange.positions.get((account, command.instrument))
        can = held is not None and held.qty != 0
        command.reduce_only = can or rng.randrange(100) < 6
        if held is not None and can and rng.randrange(100) < 85:
            command.side = "sell" if held.qty > 0 else "buy"
            if command.notional == 0 or rng.randrange(100) < 80:
                most = abs(held.qty)
                wished = rng.choice((command.qty, most, max(1, most // 2), max(1, most // 3)))
                command.qty, command.notional = min(wished, most + (rng.randrange(8) == 0)), 0
                command.display_qty = min(command.display_qty, command.qty)
                command.min_qty = min(command.min_qty, command.qty)
        return command

    # Limits.

    def _limit(self, exchange: ReferenceExchange) -> Message:
        rng = self.rng
        scope, scope_id = self._scope(exchange)
        kind = rng.choice((*KINDS, "duplicate_window", "duplicate_window"))
        burst = rng.choice(BURSTS) if kind in RATES else 0
        value, subject = self._value(kind), self._subject(exchange, kind)
        if exchange.risk_limits and rng.randrange(100) < 40:
            # Of the same kind as one in force, so that scopes bind together.
            _, _, number, subject = rng.choice(sorted(exchange.risk_limits))
            kind = KINDS[number]
            value, burst = self._value(kind), rng.choice(BURSTS) if kind in RATES else 0
        command = Message(
            "LimitSet",
            **{"scope": scope, "scope_id": scope_id, "of_kind": kind, "subject": subject},
            **{"value": value, "burst": burst},
        )
        if rng.randrange(100) < 15:
            self._spoil(command)
        return command

    def _spoil(self, command: Message) -> None:
        choices: dict[str, tuple[object, ...]] = {
            "scope": ("firm", "instrument"),
            "scope_id": UNKNOWN,
            "subject": UNKNOWN,
            "value": (*EDGES_I128, DAY_NS + 1, -1, -(1 << 127)),
            "burst": (0, 1, 2**32 - 1),
        }
        name = self.rng.choice(sorted(choices))
        setattr(command, name, self.rng.choice(choices[name]))

    def _value(self, kind: str) -> int:
        """Tight or loose, for a world of this size."""
        rng, scale = self.rng, self.world.scale
        lots = scale.qty_lots_max * rng.choice((0, 1, 2, 6, 20, 60, 1_000)[2 * self.patient :])
        lots //= rng.choice((1, 1, 2, 3))
        notional = lots * scale.mid_ticks * scale.tick_lot_minor
        if kind in RATES:
            return rng.choice(RATES_PER_S)
        if kind == "duplicate_window":
            return rng.choice(WINDOWS_NS)
        if kind in ("open_orders", "conditional_orders"):
            return rng.choice((0, 1, 2, 4, 9, 30))
        if kind in ("daily_loss", "drawdown"):
            return notional // rng.choice((1, 5, 40))
        return lots if kind in BY_INSTRUMENT else notional

    def _subject(self, exchange: ReferenceExchange, kind: str) -> int:
        if kind in BY_INSTRUMENT:
            return self.rng.randrange(1, len(exchange.instruments) + 1)
        if kind in BY_ASSET:
            return self.rng.choice((1, 1, 1, self.rng.randrange(1, len(exchange.assets) + 1)))
        return 0

    def _change(self, exchange: ReferenceExchange) -> Message:
        """A limit in force is taken away, or becomes another."""
        rng = self.rng
        key: LimitKey = rng.choice(sorted(exchange.risk_limits))
        present, kind = exchange.risk_limits[key], KINDS[key[2]]
        value, burst = rng.choice((-1, -1, -1, -7, self._value(kind), present.value)), 0
        if kind in RATES:
            burst = rng.choice((present.burst, 1, 5)) if value >= 0 else rng.choice((0, 1))
        return Message(
            "LimitSet",
            **{"scope": SCOPES[key[0]], "scope_id": key[1], "of_kind": kind, "subject": key[3]},
            **{"value": value, "burst": burst},
        )

    # Tiers, states, kill switches.

    def _tier(self, exchange: ReferenceExchange) -> Message:
        rng, scale = self.rng, self.world.scale
        asset = rng.choice((1, 1, 1, 1, 2, *UNKNOWN))
        notional = scale.qty_lots_max * scale.mid_ticks * scale.tick_lot_minor
        threshold = notional * rng.choice((0, 0, 1, 5, 30)) - rng.choice((0, 0, 0, notional, 1))
        maker_fee = rng.choice(TIER_FEES_PPM)
        taker_fee = rng.choice([fee for fee in TIER_FEES_PPM if fee >= max(0, maker_fee)])
        fees = {"maker_fee": maker_fee, "taker_fee": taker_fee}
        tier = rng.choice((1, 1, 2, 3, 16))
        command = Message("FeeTierSet", asset=asset, tier=tier, threshold=threshold, **fees)
        if rng.randrange(100) < 20:
            spoil = {"tier": (0, 17, 255), "threshold": EDGES_I128[1:]}
            spoil |= {"maker_fee": (-100_001, 100_001), "taker_fee": (-1, 100_001, -(2**31))}
            name = rng.choice(sorted(spoil))
            setattr(command, name, rng.choice(spoil[name]))
        return command

    def _state(self, exchange: ReferenceExchange) -> Message:
        rng = self.rng
        scope, scope_id = self._scope(exchange)
        if rng.randrange(100) < 35:
            scope, scope_id = "instrument", rng.randrange(1, len(exchange.instruments) + 1)
        state = rng.choice(("active", "reducing", "reducing", "halted"))
        if rng.randrange(100) < 6:
            scope_id = rng.choice(UNKNOWN)
        return Message("RiskStateSet", scope=scope, scope_id=scope_id, state=state)

    def _kill(self, exchange: ReferenceExchange) -> Message:
        scope, scope_id = self._scope(exchange)
        if self.rng.randrange(100) < 10:
            scope, scope_id = self.rng.choice(SCOPES), self.rng.choice((0, 1, 9))
        return Message("KillSwitch", scope=scope, scope_id=scope_id)

    def _reset(self, exchange: ReferenceExchange) -> Message:
        rng = self.rng
        scope, scope_id = self._scope(exchange)
        step = rng.choice((1, 2, 2))
        if exchange.kill_switches and rng.randrange(100) < 90:
            scope, scope_id = rng.choice(sorted(exchange.kill_switches))
            asked = exchange.kill_switches[scope, scope_id] is not None
            step = 2 if asked else 1
        if rng.randrange(100) < 12:
            step = rng.choice((0, 1, 2, 3))
        return Message("KillReset", scope=scope, scope_id=scope_id, step=step)

    def _tick(self, exchange: ReferenceExchange) -> Message:
        return Message("Tick")

    def _scope(self, exchange: ReferenceExchange) -> tuple[str, int]:
        rng = self.rng
        if rng.randrange(100) < 20:
            return "firm", 0
        if exchange.groups and rng.randrange(100) < 35:
            return "group", rng.randrange(1, len(exchange.groups) + 1)
        return "account", rng.randrange(1, len(exchange.accounts) + 1)

    def _aim_at_the_asker(
        self, exchange: ReferenceExchange, header: Header, command: Message
    ) -> None:
        """Now and then it is about the account of the key that asks."""
        if self.rng.randrange(100) < 30 and header.key <= len(exchange.keys):
            command.scope, command.scope_id = "account", exchange.keys[header.key - 1][1]
