"""The simulated market on a real core, with a clock that does not wait."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from coulisse.config import Config, load_config
from coulisse.demo.fair_value import MARKETS
from coulisse.demo.market import TICK_S, Market, trader_accounts
from coulisse.engine.ports import Session
from coulisse.node.build import Node, running

MINUTES = 5
TICKS = int(MINUTES * 60 / TICK_S)


class Overheard:
    """Opens sessions and counts the rejects that they hear."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.rejects: Counter[str] = Counter()

    def __call__(self, account: str, on_message: Callable[[bytes], None]) -> Session:
        def listen(text: bytes) -> None:
            message = json.loads(text)
            if message.get("ok") is False:
                self.rejects[message["error"]["code"]] += 1
            on_message(text)

        return self._node.driver.session(account, listen)


@pytest.mark.parametrize("seed", [1, 2])
async def test_minutes_of_trading_leave_every_book_liquid_and_bitcoin_near_60000(
    tmp_path: Path, seed: int
) -> None:
    config = load_config().with_log(directory=tmp_path, durability="os")
    config = config.with_accounts(*trader_accounts(config))
    async with running(config, []) as node:
        overheard = Overheard(node)
        market = Market(config, overheard, seed=seed, run=1)
        await market.open_books()
        began = node.core.seq
        for number in range(TICKS):
            market.tick()
            if number % 20 == 0:
                await asyncio.sleep(0)
            if number % 100 == 0:
                await node.driver.durable()
                for terms in MARKETS:
                    book = json.loads(node.core.book_json(terms.symbol, 20) or b"")
                    assert len(book["bids"]) >= 8 and len(book["asks"]) >= 8
                    bid = Decimal(book["bids"][0][0])
                    opening = Decimal(terms.opening_ticks) * price_step(config, terms.symbol)
                    assert abs(bid / opening - 1) < Decimal("0.1")
        await node.driver.durable()
        assert (node.core.seq - began) / (TICKS * TICK_S) <= 200
        # A quote may be gone by the time its maker cancels it. Nothing else is ever refused.
        assert set(overheard.rejects) <= {"ORDER_NOT_FOUND"}
        for terms in MARKETS:
            trades = json.loads(node.core.trades_json(terms.symbol, 1) or b"")["trades"]
            assert int(trades[0]["trade_id"]) > MINUTES * 60
        node.core.check_invariants()


def price_step(config: Config, symbol: str) -> Decimal:
    return {item.symbol: item.tick_size for item in config.instruments}[symbol]
