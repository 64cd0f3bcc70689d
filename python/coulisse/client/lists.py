"""Lists of an account, read page by page, and orders that are placed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from coulisse.client.forms import Outcome, items_of, order_outcome
from coulisse.client.link import Link
from coulisse.domain.orders import Fill, fill_from_wire
from coulisse.domain.outcomes import Rejected, Unknown, rejected_from_wire

Item = Mapping[str, object]
PAGE_MAX: Final = 500
"""Rows of a page, as the node has them."""


async def all_items(
    link: Link,
    op: str,
    name: str,
    params: Mapping[str, object],
    account: str | None = None,
    *,
    most: int | None = None,
) -> list[Item]:
    """Return the rows of a list, of as many pages as it has, `most` of them at most.

    What comes and goes meanwhile is told or not; what was there all the time is told once.
    Raises `Refused` or `ConnectionLost`.
    """
    rows: list[Item] = []
    asked = dict(params)
    while most is None or len(rows) < most:
        if most is not None:
            asked["limit"] = min(PAGE_MAX, most - len(rows))
        result = await link.ask(op, asked, account)
        rows += items_of(result, name)
        if "next_cursor" not in result:
            break
        asked["cursor"] = result["next_cursor"]
    return rows


def fill_of_row(item: Item) -> Fill:
    """Read a row of `fills.get`, which has its own seq."""
    return fill_from_wire(item, int(str(item["seq"])))


async def place_together(
    link: Link, orders: Iterable[Mapping[str, object]], account: str | None
) -> list[Outcome] | Rejected | Unknown:
    """Send orders as one request; return what became of each, or of the request as a whole."""
    reply = await link.request("order.place_batch", {"orders": list(orders)}, account)
    if isinstance(reply, Rejected | Unknown):
        return reply
    return [_outcome(item) for item in items_of(reply, "orders")]


def _outcome(item: Item) -> Outcome:
    error = item.get("error")
    return rejected_from_wire(error) if isinstance(error, dict) else order_outcome(dict(item))
