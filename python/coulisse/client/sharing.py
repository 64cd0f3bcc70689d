"""What the feeds of one connection share: the server knows the connection, not its feeds.

Invariant: a subscription of the connection lives as long as some feed listens to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from coulisse.client.feeds import Feed
from coulisse.domain.errors import Refused
from coulisse.domain.outcomes import Rejected

Params = dict[str, object]
NO_PLACE_CODES: Final = frozenset({"RESUME_TOO_OLD", "NUMBER_OUT_OF_RANGE"})
"""The log is past the place where a feed stopped, or has lost it and is not that far."""


def params_to_leave(feed: Feed[Any], others: Sequence[Feed[Any]]) -> Params | None:
    """Return what to unsubscribe now that `feed` is gone; None where `others` want all of it."""
    interval = feed.params.get("interval") if feed.channel == "candles" else None
    same = [
        one
        for one in others
        if one.channel == feed.channel and interval in (None, one.params.get("interval"))
    ]
    params: Params = {"channel": feed.channel}
    if interval is not None:
        params["interval"] = interval
    wanted = {symbol for one in same for symbol in one.symbols}
    unwanted = [symbol for symbol in feed.symbols if symbol not in wanted]
    if unwanted:
        return {**params, "symbols": unwanted}
    return None if same or feed.symbols else params


def check_depth(book: Feed[Any], others: Sequence[Feed[Any]]) -> None:
    """Raise `Refused` where another feed follows the same book at another depth or interval."""
    depth, interval = book.params.get("depth"), book.params.get("interval")
    for other in others:
        same = other.channel == book.channel and other.symbols == book.symbols
        if same and other.params.get("interval") != interval:
            message = (
                f"{book.symbols[0]} is followed with interval {other.params['interval']} by "
                "another feed of this client: close it, or use a client of its own"
            )
            raise Refused(Rejected("INVALID_VALUE", message, "not_sent", "interval", str(interval)))
        if same and other.params.get("depth") != depth:
            message = (
                f"{book.symbols[0]} is followed at depth {other.params['depth']} by another feed "
                "of this client: close it, take its depth, or use a client of its own"
            )
            raise Refused(Rejected("INVALID_VALUE", message, "not_sent", "depth", str(depth)))


def places_to_go_on_from(feeds: Sequence[Feed[Any]]) -> list[tuple[Feed[Any], Params]]:
    """Return each feed with the params that continue it on a new connection.

    All of them are noted before the first is subscribed again: its image would move the others of
    its channel on, over what they have missed.
    """
    places = [(feed, place) for feed in feeds for place in feed.restart_params()]
    for feed in feeds:
        feed.await_image()
    return places


def begins_anew(feed: Feed[Any], refused: Refused) -> bool:
    """Tell whether a feed that cannot go on where it stopped may begin again with an image."""
    return refused.code in NO_PLACE_CODES and not feed.needs_every_message
