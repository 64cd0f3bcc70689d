"""Hypothesis drives the core and the reference together through what risk can stop.

The machine of `test_state_machine.py` with rules of risk beside its own: limits, states, kill
switches, reduce-only orders, tiers, groups, days. What must hold whatever both do is folded from
the events alone: a fault that the two share would be seen too.
"""

import os
import random
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from tests.model.codec import Message
from tests.model.limits import BY_ASSET, BY_INSTRUMENT, KINDS, RATES
from tests.model.orders import DAY_NS
from tests.model.positions import sign_of
from tests.model.risk_scenario import kill, make_group, make_key, reset, set_limit, set_state
from tests.model.scenario import ANN, BOB, CYD, Scenario, open_exchange, order_fields
from tests.model.terms import with_terms
from tests.model.test_state_machine import (
    ACCOUNTS,
    LOTS,
    PRICES,
    PROFILE,
    SIDES,
    TIGHT,
    TwoExchanges,
)

SCOPES = st.sampled_from((("firm", 0), ("group", 1), ("account", ANN), ("account", BOB)))
# 0 is the node itself; the two keys belong to ANN and to BOB.
KEYS = st.sampled_from((0, 0, 1, 2))


@dataclass(slots=True)
class Watched(Scenario):
    """What the events have said: positions, who is killed, what may only reduce."""

    lots: Counter[int] = field(default_factory=Counter)
    paid: Counter[int] = field(default_factory=Counter)
    fees: Counter[int] = field(default_factory=Counter)
    told: dict[int, Message] = field(default_factory=dict)
    killed: set[tuple[str, int]] = field(default_factory=set)
    groups: Counter[int] = field(default_factory=Counter)
    reducers: set[int] = field(default_factory=set)

    def send(
        self, command: Message, *, account: int = 0, void: bool = False, **header: int
    ) -> list[Message]:
        """Apply a command and take in what it says."""
        # Not `super()`: slots make another class of this one.
        events = Scenario.send(self, command, account=account, void=void, **header)
        for event in events:
            self._hear(event)
        return events

    def _hear(self, event: Message) -> None:
        match event.kind:
            case "OrderAccepted":
                assert not self._bound_by(event.account) & self.killed, "a killed account placed"
            case "OrderTermsSet" if event.reduce_only:
                self.reducers.add(event.order_id)
            case "OrderFilled":
                self._hear_fill(event)
            case "PositionChanged":
                self.told[event.account] = event
            case "AccountConfigured":
                self.groups[event.account] = event.group
            case "KillSwitchSet":
                self.killed.add((event.scope, event.scope_id))
            case "KillSwitchReset":
                self.killed.remove((event.scope, event.scope_id))

    def _hear_fill(self, fill: Message) -> None:
        account, before = fill.account, self.lots[fill.account]
        self.lots[account] += sign_of(fill.side) * fill.qty
        self.paid[account] += sign_of(fill.side) * fill.notional
        self.fees[account] += fill.fee
        if fill.order_id in self.reducers:
            after = self.lots[account]
            assert abs(after) < abs(before) and before * after >= 0, "reduce-only did not reduce"

    def _bound_by(self, account: int) -> set[tuple[str, int]]:
        return {("firm", 0), ("account", account), ("group", self.groups[account])}


class TwoFirms(TwoExchanges):
    """The core and the reference, with everything of risk."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = Watched()
        self.both = self.watched
        open_exchange(self.both, (700, 2_500), TIGHT)
        make_group(self.both, ANN, BOB)
        for account in (ANN, BOB):
            make_key(self.both, account)

    @rule(
        kind=st.sampled_from(KINDS),
        scope=SCOPES,
        value=st.sampled_from((-1, 0, 1, 2, 5, 20, 400, 1_000)),
        key=KEYS,
    )
    def limit_of_risk(self, kind: str, scope: tuple[str, int], value: int, key: int) -> None:
        subject = 1 if kind in (*BY_INSTRUMENT, *BY_ASSET) else 0
        burst = 2 if kind in RATES else 0
        set_limit(self.both, kind, value, scope=scope, subject=subject, burst=burst, key=key)

    @rule(
        scope=SCOPES | st.just(("instrument", 1)),
        state=st.sampled_from(("active", "active", "reducing", "halted")),
        key=KEYS,
    )
    def state_of_risk(self, scope: tuple[str, int], state: str, key: int) -> None:
        set_state(self.both, state, scope, key=key)

    @rule(scope=SCOPES, key=KEYS)
    def kill(self, scope: tuple[str, int], key: int) -> None:
        kill(self.both, scope, key=key)

    @rule(scope=SCOPES, step=st.sampled_from((1, 2)), key=KEYS)
    def reset(self, scope: tuple[str, int], step: int, key: int) -> None:
        reset(self.both, step, scope, key=key)

    @rule()
    def reset_all(self) -> None:
        for scope in sorted(self.watched.killed):
            reset(self.both, 1, scope)
            reset(self.both, 2, scope)

    @rule(account=ACCOUNTS, side=SIDES, qty=LOTS, price=st.just(0) | PRICES)
    def reduce(self, account: int, side: str, qty: int, price: int) -> None:
        fields = order_fields(side, qty, price, "") | {"reduce_only": True}
        self.both.send(with_terms(fields), account=account)

    @rule(account=ACCOUNTS, price=st.just(0) | PRICES)
    def leave(self, account: int, price: int) -> None:
        lots = self.watched.lots[account]
        side = "sell" if lots > 0 else "buy"
        fields = order_fields(side, max(1, abs(lots)), price, "") | {"reduce_only": True}
        self.both.send(with_terms(fields), account=account)

    @rule(
        tier=st.sampled_from((1, 2)),
        threshold=st.sampled_from((-1, 0, 300, 2_000)),
        maker_fee=st.sampled_from((-5_000, 0, 1_000)),
    )
    def tier(self, tier: int, threshold: int, maker_fee: int) -> None:
        fees = {"maker_fee": maker_fee, "taker_fee": 3_000}
        which = {"asset": 1, "tier": tier, "threshold": threshold}
        self.both.send(Message("FeeTierSet", **which, **fees))

    @rule(account=ACCOUNTS, group=st.sampled_from((0, 1)))
    def group(self, account: int, group: int) -> None:
        command = Message("AccountConfigure", group=group, trade_group=0)
        self.both.send(command, account=account)

    @rule(slippage_ppm=st.sampled_from((0, 20_000)), collar_ppm=st.sampled_from((0, 30_000)))
    def bound(self, slippage_ppm: int, collar_ppm: int) -> None:
        self.both.configure(slippage_ppm=slippage_ppm, collar_ppm=collar_ppm, auction_ns=5)

    @rule(days=st.sampled_from((1, 1, 30)))
    def days_pass(self, days: int) -> None:
        self.both.tick(self.both.now_ns + days * DAY_NS)

    @invariant()
    def positions_are_what_the_fills_say(self) -> None:
        watched = self.watched
        assert sum(watched.lots.values()) == 0
        for account in (ANN, BOB, CYD):
            if account not in watched.told:
                assert not watched.lots[account]
                continue
            told = watched.told[account]
            assert told.qty == watched.lots[account]
            assert told.cost - told.realised == watched.paid[account]
            assert told.fees == watched.fees[account]
            assert (told.cost > 0) == (told.qty > 0) and (told.cost < 0) == (told.qty < 0)


def test_the_core_and_the_reference_agree_on_what_risk_stops() -> None:
    chosen = os.environ.get("COULISSE_SEED") or str(random.SystemRandom().getrandbits(64))
    print(f"hypothesis seed: COULISSE_SEED={chosen}")
    profile = settings(PROFILE, max_examples=150)
    run_state_machine_as_test(seed(int(chosen))(TwoFirms), settings=profile)
