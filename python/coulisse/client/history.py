"""History: what an account did, page by page, the newest first.

    async for order in client.orders_history("BTC-USD", most=1_000): ...
    async for page in client.fills_history(from_seq=last_seq).pages(): ...

A page is asked for when it is wanted. What happens meanwhile moves no row: each is told once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypedDict, TypeVar, Unpack

from coulisse.client.forms import items_of, of_symbol, order_ref
from coulisse.client.link import Link
from coulisse.client.lists import PAGE_MAX, fill_of_row
from coulisse.client.public import get_json
from coulisse.domain.history import (
    ClosedOrder,
    LedgerEntry,
    closed_order_from_wire,
    entry_from_wire,
)
from coulisse.domain.market import Candle, candle_from_wire
from coulisse.domain.orders import Fill
from coulisse.domain.symbols import wire_symbol

CANDLES_MAX: Final = 1_000
"""Candles of a page, as the node has them."""
Item = Mapping[str, object]
Row = TypeVar("Row")


class Span(TypedDict, total=False):
    """Which part of history, and how new it must be; what is not given is everything."""

    from_us: int
    """From this time on, in microseconds since the epoch."""
    to_us: int
    """Before this time."""
    from_seq: int
    """Behind this seq: the last that was received on a channel, for instance."""
    min_seq: int
    """True at this seq at least, which may take up to 2 seconds."""
    account: str
    """Of this account, where the key may act for several."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, the newest first; it may have none though more follow."""

    rows: list[Row]
    seq: int
    """The seq that the list is true at."""
    store_seq: int
    """How far the store had come."""


class Pages(Generic[Row]):
    """A list of rows, read as it is iterated over."""

    def __init__(
        self,
        link: Link,
        op: str,
        read: tuple[str, Callable[[Item], Row]],
        params: Mapping[str, object],
        most: int | None,
        span: Span,
    ) -> None:
        """Ask for nothing yet."""
        self._link, self._op, self._most = link, op, most
        self._name, self._read = read
        self._account = span.get("account")
        names = {"from_us": "from_time", "to_us": "to_time"}
        given = {names.get(name, name): value for name, value in span.items() if name != "account"}
        self._params = {**params, **given}

    async def pages(self) -> AsyncIterator[Page[Row]]:
        """Yield page after page. Raises `Refused` or `ConnectionLost`."""
        asked, left = dict(self._params), self._most
        while left is None or left > 0:
            asked["limit"] = PAGE_MAX if left is None else min(PAGE_MAX, left)
            result = await self._link.ask(self._op, asked, self._account)
            rows = [self._read(item) for item in items_of(result, self._name)]
            yield Page(rows, int(str(result["seq"])), int(str(result["store_seq"])))
            if "next_cursor" not in result:
                return
            left = None if left is None else left - len(rows)
            asked["cursor"] = result["next_cursor"]

    async def __aiter__(self) -> AsyncIterator[Row]:
        """Yield row after row, the newest first. Raises as `pages`."""
        async for page in self.pages():
            for row in page.rows:
                yield row


class History:
    """What the node's store knows, and what happened since."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link

    def orders(
        self,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        most: int | None = None,
        **span: Unpack[Span],
    ) -> Pages[ClosedOrder]:
        """Return the account's closed orders, what closed last first, `most` of them at most."""
        params = of_symbol(symbol) | order_ref(order_id, client_order_id)
        read = ("orders", closed_order_from_wire)
        return Pages(self._link, "orders.history", read, params, most, span)

    def fills(
        self,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        most: int | None = None,
        **span: Unpack[Span],
    ) -> Pages[Fill]:
        """Return the account's fills, the newest first, `most` of them at most."""
        params = of_symbol(symbol) | order_ref(order_id, None)
        return Pages(self._link, "fills.history", ("fills", fill_of_row), params, most, span)

    def ledger(
        self, asset: str | None = None, *, most: int | None = None, **span: Unpack[Span]
    ) -> Pages[LedgerEntry]:
        """Return what the account's balances are the sum of, the newest entry first."""
        params = {} if asset is None else {"asset": asset}
        return Pages(self._link, "ledger.get", ("entries", entry_from_wire), params, most, span)

    async def candles(
        self,
        symbol: str,
        interval: str = "1m",
        *,
        before_us: int | None = None,
        gaps: str = "omit",
        most: int | None = None,
    ) -> AsyncIterator[Candle]:
        """Yield candles, the newest first; those that begin before a time where one is given.

        `gaps="flat"` fills intervals without a trade. Raises `Refused` or `ConnectionLost`.
        """
        name, left = wire_symbol(symbol), most
        asked: dict[str, str | int] = {"interval": interval, "gaps": gaps}
        if before_us is not None:
            asked["cursor"] = before_us
        while left is None or left > 0:
            asked["limit"] = CANDLES_MAX if left is None else min(CANDLES_MAX, left)
            url = self._link.credentials.http_url
            page = await get_json(url, f"/v1/candles/{name}", asked)
            for item in reversed(page["candles"]):
                yield candle_from_wire(name, interval, item)
            if page.get("next_cursor") is None:
                return
            left = None if left is None else left - len(page["candles"])
            asked["cursor"] = page["next_cursor"]
