"""The limits of the configuration, in a real core: sent once, and what it then refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from coulisse import _core
from coulisse.config import Config
from coulisse.domain.errors import ConfigError
from coulisse.domain.schema import Event, Value, schema
from coulisse.engine.driver import Driver
from coulisse.node.seed import seed
from coulisse.node.seed_limits import seed_limits

BTC = {"symbol": "BTC-USD", "tick_size": "0.01", "lot_size": "0.00001"}
PEOPLE = [{"name": name, "deposits": {"USD": "1000", "BTC": "5"}} for name in ("alice", "bob")]
# One of each kind: what an order of 0.5 BTC at 100 USD, the fourth of its kind, is refused by.
SIZES: dict[str, tuple[str | None, str, str]] = {
    "order_qty": ("BTC-USD", "0.4", "RISK_ORDER_QTY"),
    "order_notional": ("USD", "49", "RISK_ORDER_NOTIONAL"),
    "open_orders": (None, "0", "TOO_MANY_OPEN_ORDERS"),
    "position": ("BTC/USD", "0.4", "RISK_POSITION"),
    "gross_notional": ("USD", "49", "RISK_GROSS_NOTIONAL"),
    "net_notional": ("USD", "49", "RISK_NET_NOTIONAL"),
    "daily_loss": ("USD", "0", "RISK_DAILY_LOSS"),
    "drawdown": ("USD", "0", "RISK_DRAWDOWN"),
}


class Node:
    """A core on the running loop, with what was sent to it."""

    def __init__(self) -> None:
        self.core = _core.Core(disk=_core.SimDisk(), segment_bytes=1 << 20)
        self.driver = Driver(self.core, schema(), pytest.fail)
        self.driver.attach(asyncio.get_running_loop())
        self.sent: list[Mapping[str, Value]] = []
        self.events: list[Event] = []
        self.forgets = False

    async def start(self, *limits: dict[str, Any], **caps: str) -> None:
        """What a start with these limits and withdrawal caps in the file does."""
        listed = [{"asset": asset, "cap": cap} for asset, cap in caps.items()]
        risk = {"limits": limits, "withdrawal_caps": listed}
        branches = {"instruments": [BTC], "accounts": PEOPLE, "risk": risk}
        config = Config.model_validate(branches)
        await seed(self.core, self.driver, config)
        self.sent, self.events = [], []
        await seed_limits(self, self, config)

    async def command(
        self,
        name: str,
        fields: Mapping[str, Value],
        *,
        account: int = 0,
        request_id: int = 0,
    ) -> tuple[int, list[Event]]:
        self.sent.append(fields)
        seq, events = await self.driver.command(
            name, fields, account=account, request_id=request_id
        )
        self.events += events
        return seq, events

    async def place(self, account: str, qty: str = "0.5", **terms: str) -> dict[str, Any]:
        """Place a buy at 100 USD; its reply."""
        replied = asyncio.Event()
        replies: list[dict[str, Any]] = []

        def hear(text: bytes) -> None:
            message = json.loads(text)
            if "id" in message:
                replies.append(message)
                replied.set()

        session = self.driver.session(account, hear)
        params = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "price": "100", "qty": qty}
        request = {"id": 1, "op": "order.place", "params": params | {"tif": "gtc"} | terms}
        session.request(json.dumps(request).encode())
        async with asyncio.timeout(20):
            await replied.wait()
        return replies[0]

    def account_id(self, name: str) -> int | None:
        return self.core.account_id(name)

    def asset(self, name: str) -> tuple[int, int] | None:
        return self.core.asset(name)

    def key(self, key_id: str) -> tuple[int, bytes] | None:
        return self.core.key(key_id)

    def request_done(self, account: int, request_id: int) -> bool | None:
        return None if self.forgets else self.core.request_done(account, request_id)

    def instrument_id(self, symbol: str) -> int | None:
        return self.core.instrument_id(symbol)

    def has_limit(self, scope: str, scope_id: int, kind: str, subject: int) -> bool:
        return self.core.has_limit(scope, scope_id, kind, subject)

    def instrument_json(self, symbol: str) -> bytes | None:
        return self.core.instrument_json(symbol)


def a_limit(kind: str, limit: str, subject: str | None = None, **more: object) -> dict[str, Any]:
    given = {"kind": kind, "limit": limit, **more}
    return given if subject is None else given | {"subject": subject}


async def test_without_a_limit_in_the_file_an_order_is_bound_by_none() -> None:
    node = Node()
    await node.start()
    assert node.sent == [] and (await node.place("alice"))["ok"]
    node.driver.close()


@pytest.mark.parametrize("scope", ["firm", "account"])
@pytest.mark.parametrize("kind", SIZES)
async def test_a_limit_of_the_file_refuses_what_is_beyond_it(kind: str, scope: str) -> None:
    subject, limit, code = SIZES[kind]
    node = Node()
    await node.start(a_limit(kind, limit, subject, scope=scope))
    assert len(node.sent) == (1 if scope == "firm" else 2)
    versions = [event["version"] for event in node.events]
    assert versions == [*range(1, len(node.sent) + 1)]
    reply = await node.place("bob")
    # A loss is looked at whatever it is: none at all is as much as a limit of 0 allows.
    assert reply["error"]["code"] == code
    node.driver.close()


async def test_a_limit_of_conditional_orders_refuses_a_stop() -> None:
    node = Node()
    await node.start(a_limit("conditional_orders", "0"))
    stop = await node.place("alice", type="stop_limit", trigger_price="200")
    assert stop["error"]["code"] == "TOO_MANY_CONDITIONAL_ORDERS"
    assert (await node.place("alice"))["ok"]
    node.driver.close()


async def test_rates_and_the_window_are_in_their_units() -> None:
    node = Node()
    rate: dict[str, Any] = {"scope": "account", "account": "alice", "burst": 1}
    await node.start(a_limit("order_rate", "1", **rate), a_limit("duplicate_window", "60000000"))
    assert [fields["value"] for fields in node.sent] == [1, 60_000_000_000]
    assert (await node.place("alice"))["ok"] and (await node.place("bob"))["ok"]
    assert (await node.place("alice", "0.1"))["error"]["code"] == "RISK_ORDER_RATE"
    assert (await node.place("bob"))["error"]["code"] == "RISK_DUPLICATE_ORDER"
    node.driver.close()
    node = Node()
    await node.start(a_limit("message_rate", "1", **rate))
    assert (await node.place("alice"))["ok"]
    assert (await node.place("alice", "0.1"))["error"]["code"] == "RISK_MESSAGE_RATE"
    node.driver.close()


async def test_a_limit_is_set_once_and_what_operators_changed_since_stays() -> None:
    node = Node()
    limit = a_limit("order_qty", "0.4", "BTC-USD")
    await node.start(limit)
    (fields,) = node.sent
    assert fields["value"] == 40_000
    await node.driver.command("LimitSet", {**fields, "value": 60_000})
    await node.start(limit)
    assert node.sent == [] and (await node.place("alice"))["ok"]
    await node.start(a_limit("order_qty", "0.3", "BTC-USD"))
    assert [fields["value"] for fields in node.sent] == [30_000]
    assert (await node.place("alice"))["error"]["limit"] == "0.30000"
    node.driver.close()


async def test_where_requests_are_forgotten_nothing_is_left_unbound_and_nothing_is_undone() -> None:
    node = Node()
    node.forgets = True
    limit = a_limit("order_qty", "0.4", "BTC-USD")
    await node.start(limit)
    assert len(node.sent) == 1
    await node.start(limit)
    assert node.sent == []
    node.driver.close()


async def test_a_limit_about_what_is_not_there_is_one_line() -> None:
    node = Node()
    for limit, says in (
        (a_limit("order_qty", "1", "ETH-USD"), "no instrument ETH-USD"),
        (a_limit("drawdown", "1", "EUR"), "no asset EUR"),
        (a_limit("order_qty", "0.000001", "BTC-USD"), "0.000001"),
        (a_limit("open_orders", "9" * 34), "AMOUNT_OUT_OF_RANGE"),
    ):
        with pytest.raises(ConfigError, match=says):
            await node.start(limit)
    node.driver.close()


async def test_a_withdrawal_cap_is_set_once_and_what_operators_set_since_stays() -> None:
    node = Node()
    await node.start(USD="100", BTC="0.5")
    assert [fields["cap"] for fields in node.sent] == [10_000_000_000, 50_000_000]
    await node.start(USD="100", BTC="0.5")
    assert node.sent == []
    await node.start(USD="90")
    assert len(node.sent) == 1, "another number is another line"
    # Where it is not known whether a line was ever set, nothing is done: some cap there is.
    node.forgets = True
    await node.start(USD="80")
    assert node.sent == []
    node.driver.close()


async def test_a_withdrawal_cap_that_means_nothing_is_one_line() -> None:
    node = Node()
    for caps, says in (
        ({"EUR": "1"}, "risk.withdrawal_caps: no asset EUR"),
        ({"USD": "0.000000001"}, "risk.withdrawal_caps: USD: .*0.000000001"),
        ({"USD": "9" * 25}, "AMOUNT_OUT_OF_RANGE"),
        ({"USD": "9" * 34}, "cap: 9.* does not fit"),
    ):
        with pytest.raises(ConfigError, match=says):
            await node.start(**caps)
        assert not [one for one in node.events if one.name == "WithdrawalCapChanged"]
    node.driver.close()
