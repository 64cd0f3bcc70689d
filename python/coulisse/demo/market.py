"""The simulated market: some twenty traders on three instruments, at a bounded rate.

Time is a row of ticks, 20 a second. In each, every fair value moves once and a few traders, drawn
from the seeded generator, act: the same seed gives the same requests for the same replies.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from coulisse.config import AccountConfig, Config, InstrumentConfig
from coulisse.demo.fair_value import MARKETS, FairValue, Terms
from coulisse.demo.traders import Maker, Momentum, Noise, Request, Steps, Trader
from coulisse.domain.outcomes import Rejected
from coulisse.domain.symbols import split_symbol
from coulisse.engine.ports import Session
from coulisse.engine.requests import Requests

TICK_S = 0.05
ACTS_PER_TICK = 5
"""At most two requests an act: never more than 200 a second."""
MAKERS, NOISE, MOMENTUM = 3, 3, 1
"""Traders of each kind and instrument: 21 in all."""
TRADER_USD = Decimal(200_000_000)
TRADER_QTY_LOTS = 10_000
"""What a trader starts with of the base asset, in usual quantities: enough for days."""

OpenSession = Callable[[str, Callable[[bytes], None]], Session]


def trader_names(terms: Terms) -> list[str]:
    """Return the accounts of one instrument's traders, makers first."""
    base = split_symbol(terms.symbol)[0].lower()
    kinds = (("maker", MAKERS), ("noise", NOISE), ("momentum", MOMENTUM))
    return [f"{kind}-{base}-{n}" for kind, count in kinds for n in range(1, count + 1)]


def trader_accounts(config: Config) -> list[AccountConfig]:
    """Return the traders' accounts with what they start with."""
    accounts = []
    for terms in MARKETS:
        base, quote = split_symbol(terms.symbol)
        usual = terms.qty_lots * _steps(config, terms).lot_size
        deposits = {quote: TRADER_USD, base: TRADER_QTY_LOTS * usual}
        accounts += [AccountConfig(name=name, deposits=deposits) for name in trader_names(terms)]
    return accounts


class Market:
    """All traders."""

    def __init__(self, config: Config, open_session: OpenSession, *, seed: int, run: int) -> None:
        """Open the traders' sessions; `run` numbers the starts on one log."""
        self._rng = random.Random(seed)
        self._fairs: list[FairValue] = []
        self._makers: list[tuple[Maker, Requests]] = []
        self._takers: list[tuple[Trader, Requests]] = []
        for terms in MARKETS:
            self._open(config, terms, open_session, run)

    async def open_books(self) -> None:
        """Let every maker quote its whole ladder, so that the books are liquid from the start."""
        for maker, requests in self._makers:
            await requests.call("subscribe", {"channel": "orders"})
            for request in maker.opening():
                await self._quote(maker, requests, request)

    async def run(self, stopping: asyncio.Event) -> None:
        """Trade until `stopping` is set."""
        while not stopping.is_set():
            self.tick()
            try:
                async with asyncio.timeout(TICK_S):
                    await stopping.wait()
            except TimeoutError:
                continue
        for _, requests in (*self._makers, *self._takers):
            requests.close()

    def tick(self) -> None:
        """Move every fair value once and let a few traders act."""
        for fair in self._fairs:
            fair.step()
        for _ in range(ACTS_PER_TICK):
            # Makers get more turns than takers: quotes follow the price before they are hit.
            takes = self._rng.randrange(8) == 0
            chosen: Sequence[tuple[Trader, Requests]] = self._takers if takes else self._makers
            trader, requests = chosen[self._rng.randrange(len(chosen))]
            for op, params in trader.act():
                requests.post(op, params, functools.partial(trader.on_refused, params))

    async def _quote(self, maker: Maker, requests: Requests, request: Request) -> None:
        op, params = request
        outcome = await requests.call(op, params)
        if isinstance(outcome, Rejected):
            maker.on_refused(params, outcome)

    def _open(self, config: Config, terms: Terms, open_session: OpenSession, run: int) -> None:
        fair = FairValue(terms, self._rng)
        steps = _steps(config, terms)
        names = trader_names(terms)
        makers = [Maker(name, fair, steps, self._rng, run) for name in names[:MAKERS]]
        noise = [Noise(name, fair, steps, self._rng) for name in names[MAKERS : MAKERS + NOISE]]
        followers = [Momentum(name, fair, steps, self._rng) for name in names[MAKERS + NOISE :]]
        self._fairs.append(fair)
        self._makers += [(maker, _requests(maker, open_session)) for maker in makers]
        takers: list[Trader] = [*noise, *followers]
        self._takers += [(taker, _requests(taker, open_session)) for taker in takers]


def _requests(trader: Trader, open_session: OpenSession) -> Requests:
    return Requests(lambda on_message: open_session(trader.account, on_message), trader.on_feed)


def _steps(config: Config, terms: Terms) -> Steps:
    found: Mapping[str, InstrumentConfig] = {item.symbol: item for item in config.instruments}
    item = found[terms.symbol]
    return Steps(item.tick_size, item.lot_size)
