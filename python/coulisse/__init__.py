"""Coulisse: a real-time trading backend that a team runs itself.

    from coulisse import OrderBook, TradingEngine, WebSocketServer, Client

The names are loaded when they are first used: a program that needs only an `OrderBook` or a
`Client` does not load a web server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from coulisse.processor import refuse_if_too_old

refuse_if_too_old()

from coulisse._core import VERSION as __version__  # noqa: E402  # what must not be loaded before

if TYPE_CHECKING:
    from coulisse.client.client import Client
    from coulisse.domain.errors import CoulisseError, NotAvailable
    from coulisse.domain.order_book import OrderBook
    from coulisse.domain.orders import Order, Trade
    from coulisse.domain.outcomes import OrderResult, Rejected, Unknown
    from coulisse.node.api import TradingEngine
    from coulisse.node.servers import WebSocketServer

__all__ = [
    "Client",
    "CoulisseError",
    "NotAvailable",
    "Order",
    "OrderBook",
    "OrderResult",
    "Rejected",
    "Trade",
    "TradingEngine",
    "Unknown",
    "WebSocketServer",
    "__version__",
]

_HOMES = {
    "Client": "coulisse.client.client",
    "CoulisseError": "coulisse.domain.errors",
    "NotAvailable": "coulisse.domain.errors",
    "Order": "coulisse.domain.orders",
    "OrderBook": "coulisse.domain.order_book",
    "OrderResult": "coulisse.domain.outcomes",
    "Rejected": "coulisse.domain.outcomes",
    "Trade": "coulisse.domain.orders",
    "TradingEngine": "coulisse.node.api",
    "Unknown": "coulisse.domain.outcomes",
    "WebSocketServer": "coulisse.node.servers",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # what a module's attribute is
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'coulisse' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
