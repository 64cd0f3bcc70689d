"""Hypothesis drives the core and the reference together, looking for a shortest difference.

Its random seed is printed with a failure (`COULISSE_SEED` sets it), its database is kept in
`.hypothesis`, and what it finds is pinned as a file in `regressions/`.
"""

import os
import random

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.model.codec import ENUMS, Message
from tests.model.scenario import Scenario, an_exchange, order_fields
from tests.model.terms import with_terms

ACCOUNTS = st.integers(1, 3)
SIDES = st.sampled_from(("buy", "sell"))
LOTS = st.integers(1, 12)
PRICES = st.integers(96, 104)
IDS = st.sampled_from(("", "", "a", "b", "c"))
FUNDS = st.integers(-1, 5_000)
SELF_TRADE = ("none", "none", *ENUMS["self_trade"].values())
MATCHING = tuple(ENUMS["matching_mode"].values())
TERMS: tuple[dict[str, object], ...] = (
    {"trigger": "stop"},
    {"trigger": "take_profit", "trigger_on": "mark"},
    {"trigger": "trail_ticks", "trail": 2, "order_type": "market", "time_in_force": "ioc"},
    {"display_qty": 1},
    {"display_qty": 3},
    {"time_in_force": "ioc", "min_qty": 2},
    {"peg": "bid", "peg_offset": 1},
    {"peg": "mid"},
    {},
)
TIGHT = {
    **{"live_orders_max": 9, "open_orders_per_account_max": 4, "fills_per_command_max": 4},
    **{"client_order_ids_max": 4, "closed_ids_per_account_max": 2, "request_ids_max": 2},
}
PROFILE = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class TwoExchanges(RuleBasedStateMachine):
    """The core and the reference; every rule compares all events and hashes."""

    def __init__(self) -> None:
        super().__init__()
        self.both: Scenario = an_exchange(maker_fee=700, taker_fee=2_500, **TIGHT)

    def _order_id(self, pick: int) -> int:
        live = sorted(self.both.twins.exchange.live)
        return live[pick % len(live)] if live else pick

    @rule(
        account=ACCOUNTS,
        side=SIDES,
        qty=LOTS,
        price=PRICES,
        tif=st.sampled_from(("gtc", "gtc", "gtc", "ioc", "fok")),
        post_only=st.booleans(),
        client_order_id=IDS,
    )
    def limit(
        self,
        account: int,
        side: str,
        qty: int,
        price: int,
        tif: str,
        post_only: bool,
        client_order_id: str,
    ) -> None:
        place, which = self.both.place, client_order_id
        place(account, side, qty, price, tif=tif, post_only=post_only, client_order_id=which)

    @rule(account=ACCOUNTS, side=SIDES, qty=LOTS, tif=st.sampled_from(("ioc", "fok")))
    def market(self, account: int, side: str, qty: int, tif: str) -> None:
        self.both.place(account, side, qty, tif=tif)

    @rule(account=ACCOUNTS, side=SIDES, notional=FUNDS)
    def market_by_notional(self, account: int, side: str, notional: int) -> None:
        self.both.place(account, side, 0, tif="ioc", notional=notional)

    @rule(
        account=ACCOUNTS,
        side=SIDES,
        qty=LOTS,
        price=PRICES,
        terms=st.sampled_from(TERMS),
        self_trade=st.sampled_from(SELF_TRADE),
    )
    def place_with_terms(
        self,
        account: int,
        side: str,
        qty: int,
        price: int,
        terms: dict[str, object],
        self_trade: str,
    ) -> None:
        fields = order_fields(side, qty, price, "") | terms | {"self_trade": self_trade}
        if "trail" in terms:
            fields["price"] = 0
        elif "trigger" in terms:
            fields["trigger_price"] = price
        self.both.send(with_terms(fields), account=account)

    @rule(steps=st.integers(0, 9))
    def tick(self, steps: int) -> None:
        self.both.tick(self.both.now_ns + steps)

    @rule(price=PRICES)
    def mark(self, price: int) -> None:
        self.both.mark(price)

    @rule(state=st.sampled_from(("open", "open", "auction", "post_only", "halted")))
    def state(self, state: str) -> None:
        self.both.state(state)

    @rule(band_ppm=st.sampled_from((0, 30_000)), matching=st.sampled_from(MATCHING))
    def configure(self, band_ppm: int, matching: str) -> None:
        self.both.configure(band_ppm=band_ppm, matching=matching, auction_ns=5)

    @rule(account=ACCOUNTS, pick=st.integers(0, 9))
    def cancel(self, account: int, pick: int) -> None:
        self.both.cancel(account, self._order_id(pick))

    @rule(account=ACCOUNTS, client_order_id=IDS)
    def cancel_by_client_order_id(self, account: int, client_order_id: str) -> None:
        command = Message("OrderCancel", order_id=0, client_order_id=client_order_id)
        self.both.send(command, account=account)

    @rule(pick=st.integers(0, 9), qty=st.just(0) | LOTS, price=st.just(0) | PRICES)
    def amend(self, pick: int, qty: int, price: int) -> None:
        order_id = self._order_id(pick)
        order = self.both.twins.exchange.live.get(order_id)
        account = order.account if order else 1
        self.both.amend(account, order_id, qty=qty, price=price)

    @rule(account=ACCOUNTS, side=st.sampled_from(("both", "buy", "sell")))
    def cancel_all(self, account: int, side: str) -> None:
        self.both.cancel_all(account, side=side)

    @rule(
        kind=st.sampled_from(("Deposit", "Withdraw")),
        account=ACCOUNTS,
        asset=st.integers(0, 3),
        amount=FUNDS | st.just(999_000),
        request_id=st.integers(0, 3),
    )
    def money(self, kind: str, account: int, asset: int, amount: int, request_id: int) -> None:
        command = Message(kind, asset=asset, amount=amount)
        self.both.send(command, account=account, request_id=request_id)


def test_the_core_and_the_reference_agree_on_what_hypothesis_thinks_of() -> None:
    chosen = os.environ.get("COULISSE_SEED") or str(random.SystemRandom().getrandbits(64))
    print(f"hypothesis seed: COULISSE_SEED={chosen}")
    run_state_machine_as_test(seed(int(chosen))(TwoExchanges), settings=PROFILE)
