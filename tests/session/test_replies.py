"""Replies in the midst of much else: a record that sweeps the book, triggers stops, releases lists.

What the record does to others, under the same client order ids, is no part of the reply.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.session.market import Market, a_market

SYMBOL = "BTC-USD"
STOPS, LEVELS = 40, 12
LOT = "0.01"


@dataclass
class Trader:
    """A session that waits for each of its replies."""

    market: Market
    account: str
    replies: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session = self.market.core.session(self.account, self._hear)

    def _hear(self, text: bytes) -> None:
        message = json.loads(text)
        if "id" in message:
            self.replies[message["id"]] = message
            self.market.moved.set()

    async def ask(self, op: str, **params: object) -> dict[str, Any]:
        """The result of a request, or its error."""
        number = len(self.replies) + 1
        request = {"id": number, "op": op, "params": params}
        self.session.request(json.dumps(request).encode())
        await self.market.until(lambda: number in self.replies)
        reply = self.replies[number]
        answer: dict[str, Any] = reply["result"] if reply["ok"] else reply["error"]
        return answer

    async def place(self, side: str, price: int, name: str, **terms: object) -> dict[str, Any]:
        """Place a limit order of one lot."""
        given = {"side": side, "qty": LOT, "price": str(price), "client_order_id": name}
        return await self.ask("order.place", symbol=SYMBOL, **given | terms)

    async def place_list(self, kind: str, *legs: dict[str, str], name: str = "") -> dict[str, Any]:
        """Place a list."""
        named = {"client_order_id": name} if name else {}
        return await self.ask("order.place_list", kind=kind, symbol=SYMBOL, legs=legs, **named)

    async def sweep(self, cancel: str, name: str, **how: object) -> dict[str, Any]:
        """Replace an order by one that takes six levels and more."""
        given = {"side": "buy", "qty": "0.3", "price": "120", "client_order_id": name}
        given |= {"symbol": SYMBOL, "cancel_client_order_id": cancel}
        return await self.ask("order.replace", **given | how)


async def a_loaded_market() -> tuple[Market, Trader, Trader]:
    """Of bob: asks from 101 on, stops that buy at each of them, names that alice uses too."""
    market = await a_market()
    alice, bob = Trader(market, "alice"), Trader(market, "bob")
    await bob.place("sell", 100, "")
    await alice.place("buy", 100, "")
    for level in range(LEVELS):
        await bob.place("sell", 101 + level, f"sell-{level}", qty="0.05")
    for n in range(STOPS):
        trigger = {"type": "stop_limit", "trigger_price": str(101 + n % LEVELS)}
        names = ("one", "two", "three", "four", "pair")
        name = names[n] if n < len(names) else f"stop-{n}"
        assert (await bob.place("buy", 200, name, **trigger))["state"] == "waiting"
    exits = {"side": "sell", "qty": LOT, "price": "300"}
    entry = {"side": "buy", "qty": LOT, "price": "1"}
    await bob.place_list("oto", entry, exits)
    return market, alice, bob


def brief(order: dict[str, Any]) -> tuple[str, str, str]:
    return order.get("client_order_id", ""), order["state"], order["filled"]


async def sweep_was_heavy(market: Market, bob: Trader) -> bool:
    """Whether the record before triggered most of bob's stops."""
    waiting = await bob.ask("orders.open")
    stops = [order for order in waiting["orders"] if order["state"] == "waiting"]
    return len(stops) < STOPS // 2


async def test_a_replacement_that_sweeps_and_triggers_says_its_two_results_and_no_others() -> None:
    market, alice, bob = await a_loaded_market()
    await alice.place("buy", 50, "one")
    result = await alice.sweep("one", "two")
    assert brief(result["cancel"]) == ("one", "cancelled", "0.00000")
    assert result["cancel"]["reason"] == "replaced"
    assert brief(result["place"]) == ("two", "filled", "0.30000")
    assert await sweep_was_heavy(market, bob)
    market.core.close()
    market.follow()


async def test_a_replacement_whose_cancel_fails_says_so_beside_what_it_swept() -> None:
    market, alice, bob = await a_loaded_market()
    # bob has an order of that name, which this record fills: alice has none.
    result = await alice.sweep("one", "two", allow_failure=True)
    assert result["cancel"]["error"]["code"] == "ORDER_NOT_FOUND"
    assert brief(result["place"]) == ("two", "filled", "0.30000")
    again = await alice.sweep("one", "four")
    assert again["code"] == "ORDER_NOT_FOUND"
    assert await sweep_was_heavy(market, bob)
    market.core.close()
    market.follow()


async def test_an_amend_that_sweeps_says_the_order_that_it_named() -> None:
    market, alice, bob = await a_loaded_market()
    placed = await alice.place("buy", 50, "three")
    how = {"client_order_id": "three", "qty": "0.3", "price": "120"}
    amended = await alice.ask("order.amend", **how)
    assert brief(amended) == ("three", "filled", "0.30000")
    assert amended["order_id"] == placed["order_id"]
    assert await sweep_was_heavy(market, bob)
    market.core.close()
    market.follow()


async def test_a_list_whose_first_leg_sweeps_says_each_leg_as_the_record_left_it() -> None:
    market, alice, bob = await a_loaded_market()
    legs = [
        {"side": "buy", "qty": "0.3", "price": "120"},
        {"side": "sell", "qty": "0.3", "price": "500"},
        {"side": "sell", "qty": "0.3", "type": "stop", "trigger_price": "2"},
    ]
    placed = await alice.place_list("otoco", *legs, name="pair")
    assert [brief(leg) for leg in placed["orders"]] == [
        ("pair", "filled", "0.30000"),
        ("", "open", "0.00000"),
        ("", "waiting", "0.00000"),
    ]
    assert placed["list_id"] == placed["orders"][0]["order_id"]
    assert await sweep_was_heavy(market, bob)
    market.core.close()
    market.follow()


async def test_a_pair_of_which_one_leg_trades_at_once_says_that_the_other_is_gone() -> None:
    market, alice, bob = await a_loaded_market()
    legs = [
        {"side": "buy", "qty": "0.3", "price": "120"},
        {"side": "buy", "qty": "0.3", "type": "stop", "trigger_price": "400"},
    ]
    placed = await alice.place_list("oco", *legs, name="pair")
    one, other = placed["orders"]
    assert brief(one) == ("pair", "filled", "0.30000")
    assert (other["state"], other["reason"]) == ("cancelled", "list")
    assert await sweep_was_heavy(market, bob)
    market.core.close()
    market.follow()
