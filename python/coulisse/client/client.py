"""`Client`: trade and follow a market over one WebSocket, which it keeps alive.

    async with await Client.connect() as client:
        match await client.place("BTC-USD", "buy", "0.01", price="60000"):
            case OrderResult() as order: ...
            case Rejected(code=code): ...
            case Unknown(client_order_id=again): ...

A lost connection is made again by itself, with growing pauses, and what was subscribed is
subscribed again: books from a new image, private channels from where they stopped.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Self, Unpack

from coulisse.client.admin import Admin
from coulisse.client.credentials import Credentials, choose_credentials
from coulisse.client.feeds import (
    BookFeed,
    Feed,
    Item,
    Message,
    TradesReader,
    read_balances,
    read_candles,
    read_fills,
    read_instruments,
    read_orders,
    read_positions,
    read_risk,
    read_status,
    read_tickers,
)
from coulisse.client.forms import (
    Outcome,
    batch_params,
    cancel_after_outcome,
    cancel_all_outcome,
    of_symbol,
    order_outcome,
    order_params,
    order_ref,
    symbols_of,
)
from coulisse.client.history import History
from coulisse.client.link import Link
from coulisse.client.lists import all_items, fill_of_row, place_together
from coulisse.client.local_book import LocalBook
from coulisse.client.local_orders import LocalOrders
from coulisse.client.withdrawals import Withdrawals
from coulisse.domain.market import Candle, Ticker
from coulisse.domain.money import Number, as_text
from coulisse.domain.orders import (
    Balance,
    Fill,
    Instrument,
    Order,
    OrderUpdate,
    Trade,
    balance_from_wire,
    order_from_wire,
)
from coulisse.domain.outcomes import (
    CancelAfterResult,
    CancelAllResult,
    ListResult,
    Rejected,
    ReplaceResult,
    Unknown,
    list_result_from_wire,
    replace_result_from_wire,
)
from coulisse.domain.positions import Position, RiskNotice, StatusUpdate, position_from_wire
from coulisse.domain.requests import OrderLike, OrderTerms, leg_params
from coulisse.domain.symbols import wire_symbol

REQUEST_TIMEOUT_S: Final = 10.0


class Client:
    """An async client of one node."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        deflate: bool = False,
    ) -> None:
        """Prepare; `start` connects. A request waits `request_timeout_s` seconds at most."""
        self.credentials = credentials
        self._link = Link(credentials, request_timeout_s, deflate)
        self.change_password = self._link.change_password
        self.admin = Admin(self._link)
        """What only a key with the admin permission may ask for."""
        self.withdrawals = Withdrawals(self._link)
        past = History(self._link)
        self.orders_history, self.fills_history = past.orders, past.fills
        self.ledger, self.candle_history = past.ledger, past.candles

    @property
    def reconnect_count(self) -> int:
        """How often the connection was made again."""
        return self._link.reconnect_count

    @classmethod
    async def connect(
        cls,
        url: str | None = None,
        *,
        key_id: str | None = None,
        private_key: str | None = None,
        password: str | None = None,
        token: str | None = None,
        credentials: Credentials | Path | str | None = None,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        deflate: bool = False,
    ) -> Client:
        """Connect, and log on if there is a key. `deflate` asks for compressed messages.

        A person gives `key_id` and `password`, or a `token`; the password is kept for reconnects.
        Without arguments: `COULISSE_URL`, `COULISSE_KEY_FILE`, then the running demo.
        Raises `ConnectionLost`, `LogonFailed`, `NoCredentials`.
        """
        proofs = ((private_key, "ed25519"), (password, "password"), (token, "token"))
        found = choose_credentials(url, credentials, key_id, proofs)
        client = cls(found, request_timeout_s=request_timeout_s, deflate=deflate)
        await client.start()
        return client

    async def start(self) -> None:
        """Connect for the first time. Raises `ConnectionLost` or `LogonFailed`."""
        await self._link.start()

    async def close(self) -> None:
        """Disconnect; feeds end. Idempotent."""
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def place(
        self,
        symbol: str,
        side: str,
        qty: Number | None = None,
        *,
        client_order_id: str | None = None,
        account: str | None = None,
        **terms: Unpack[OrderTerms],
    ) -> Outcome:
        """Place an order; without a price or a type it is a market order.

        A client order id is drawn where none is given. After `Unknown`, call again with the id it
        carries: an order is never placed twice under one id.
        """
        params = order_params(symbol, side, qty, client_order_id, terms)
        return order_outcome(await self._link.request("order.place", params, account))

    async def place_batch(
        self, orders: Iterable[Mapping[str, object] | OrderLike], *, account: str | None = None
    ) -> list[Outcome] | Rejected | Unknown:
        """Place up to 50 orders with one request; return what became of each, in their order.

        An order is a mapping of what `place` takes, or an object with such attributes. What is
        refused costs the others nothing.
        """
        return await place_together(self._link, [batch_params(order) for order in orders], account)

    async def test(
        self,
        symbol: str,
        side: str,
        qty: Number | None = None,
        *,
        client_order_id: str | None = None,
        account: str | None = None,
        **terms: Unpack[OrderTerms],
    ) -> Rejected | Unknown | None:
        """Return why `place` would refuse an order, or None; it is not placed and not logged."""
        params = order_params(symbol, side, qty, client_order_id, terms)
        reply = await self._link.request("order.test", params, account)
        return reply if isinstance(reply, Rejected | Unknown) else None

    async def replace(
        self,
        symbol: str,
        side: str,
        qty: Number | None = None,
        *,
        cancel_order_id: int | None = None,
        cancel_client_order_id: str | None = None,
        allow_failure: bool = False,
        client_order_id: str | None = None,
        account: str | None = None,
        **terms: Unpack[OrderTerms],
    ) -> ReplaceResult | Rejected | Unknown:
        """Cancel an order and place another, with nothing between them: two results.

        Where the old order cannot be cancelled nothing is placed, unless `allow_failure` is set.
        """
        params = order_params(symbol, side, qty, client_order_id, terms)
        if cancel_order_id is not None:
            params["cancel_order_id"] = str(cancel_order_id)
        if cancel_client_order_id is not None:
            params["cancel_client_order_id"] = cancel_client_order_id
        if allow_failure:
            params["allow_failure"] = True
        reply = await self._link.request("order.replace", params, account)
        return reply if isinstance(reply, Rejected | Unknown) else replace_result_from_wire(reply)

    async def place_list(
        self,
        kind: str,
        symbol: str,
        legs: Iterable[Mapping[str, object]],
        *,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> ListResult | Rejected | Unknown:
        """Place orders that belong together: `oco`, `oto` or `otoco`.

        A leg is a mapping of `side`, `qty` and, as in `place`, `type`, `tif`, `price`,
        `trigger_price`, `trigger_on`.
        """
        params = {
            "kind": kind, "symbol": wire_symbol(symbol), "legs": [leg_params(leg) for leg in legs],
            "client_order_id": client_order_id or secrets.token_hex(10),
        }  # fmt: skip
        reply = await self._link.request("order.place_list", params, account)
        return reply if isinstance(reply, Rejected | Unknown) else list_result_from_wire(reply)

    async def cancel(
        self,
        order_id: int | None = None,
        *,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> Outcome:
        """Cancel one order, named by its id or by the client's id."""
        params = order_ref(order_id, client_order_id)
        return order_outcome(await self._link.request("order.cancel", params, account))

    async def amend(
        self,
        order_id: int | None = None,
        *,
        client_order_id: str | None = None,
        qty: Number | None = None,
        price: Number | None = None,
        account: str | None = None,
    ) -> Outcome:
        """Change an order's total qty (fills included), its price, or both."""
        params = order_ref(order_id, client_order_id)
        given = {"qty": qty, "price": price}
        params |= {name: as_text(number) for name, number in given.items() if number is not None}
        return order_outcome(await self._link.request("order.amend", params, account))

    async def cancel_all(
        self,
        symbol: str | None = None,
        *,
        side: str | None = None,
        this_session: bool = False,
        account: str | None = None,
    ) -> CancelAllResult | Rejected | Unknown:
        """Cancel all orders of the account; or of one instrument, one side, this session alone.

        A session is one connection: after a lost one, `this_session` means the new one.
        """
        params = of_symbol(symbol)
        if side is not None:
            params["side"] = side
        if this_session:
            params["session"] = True
        return cancel_all_outcome(await self._link.request("order.cancel_all", params, account))

    async def cancel_after(
        self, timeout_ms: int, *, account: str | None = None
    ) -> CancelAfterResult | Rejected | Unknown:
        """Cancel everything of the account in `timeout_ms`, unless this comes again; 0 never."""
        params = {"timeout": timeout_ms}
        return cancel_after_outcome(await self._link.request("order.cancel_after", params, account))

    async def cancel_on_disconnect(self, enabled: bool = True) -> None:
        """Have this session's orders cancelled when its connection ends, however it does.

        A new connection is a new session: ask again after one. Raises `Refused`, `ConnectionLost`.
        """
        await self._link.ask("session.cancel_on_disconnect", {"enabled": enabled})

    async def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the account's open orders. Raises `Refused` or `ConnectionLost`."""
        items = await all_items(self._link, "orders.open", "orders", of_symbol(symbol))
        return [order_from_wire(item) for item in items]

    async def latest_fills(self, symbol: str | None = None, *, most: int = 500) -> list[Fill]:
        """Return the account's latest fills that the node keeps, newest first. Raises as above."""
        items = await all_items(self._link, "fills.get", "fills", of_symbol(symbol), most=most)
        return [fill_of_row(item) for item in items]

    async def balances(self) -> dict[str, Balance]:
        """Return the account's balances by asset. Raises `Refused` or `ConnectionLost`."""
        items = await all_items(self._link, "balances.get", "balances", {})
        return {balance.asset: balance for balance in map(balance_from_wire, items)}

    async def open_positions(self) -> list[Position]:
        """Return the account's positions. Raises `Refused` or `ConnectionLost`."""
        items = await all_items(self._link, "positions.get", "positions", {})
        return [position_from_wire(item) for item in items]

    async def deposit(
        self, account: str, asset: str, qty: Number, *, request_id: str | None = None
    ) -> None:
        """Credit an account from outside, once under one request id; needs an admin key."""
        params = {"asset": asset, "qty": as_text(qty)}
        await self._link.ask_once("account.deposit", params, request_id, account)

    async def book(
        self, symbol: str, depth: int = 50, interval: str = "100ms"
    ) -> BookFeed[LocalBook]:
        """Follow a book: each step of the feed is the checked `LocalBook` one message later.

        `depth` is 1, 10 or 50 levels of each side, or 0 for all. `interval` is `100ms`, the newest
        state ten times a second, or `raw`, each change. A connection has one of them of each book:
        while another feed follows the symbol otherwise, this raises `Refused`.
        """
        name = wire_symbol(symbol)
        params = {"channel": "book", "symbols": [name], "depth": depth, "interval": interval}
        feed = BookFeed(LocalBook(name), params, self._link.leave, self._link.restart)
        await self._link.join_book(feed)
        return feed

    async def book_l3(self, symbol: str) -> BookFeed[LocalOrders]:
        """Follow a book by orders: each step is the `LocalOrders` one message later."""
        name = wire_symbol(symbol)
        params: dict[str, object] = {"channel": "book_l3", "symbols": [name]}
        feed = BookFeed(LocalOrders(name), params, self._link.leave, self._link.restart)
        await self._link.join_book(feed)
        return feed

    async def ticker(self, *symbols: str) -> Feed[Ticker]:
        """Follow best prices and the last 24 hours of some instruments, ten times a second."""
        return await self._follow("ticker", read_tickers, symbols=symbols_of(symbols))

    async def candles(self, interval: str, *symbols: str) -> Feed[Candle]:
        """Follow candles of `1s`, `1m`, `5m`, `15m`, `1h`, `4h` or `1d`; the latest come first.

        The one under way comes again whenever it has changed, ten times a second at most.
        """
        names = symbols_of(symbols)
        return await self._follow("candles", read_candles, symbols=names, interval=interval)

    async def instruments(self) -> Feed[Instrument]:
        """Follow the instruments: those that are listed come first, new ones as they are listed."""
        return await self._follow("instruments", read_instruments)

    async def trades(self, *symbols: str) -> Feed[Trade]:
        """Follow the trades of some instruments; the latest ones come first."""
        return await self._follow("trades", TradesReader().read, symbols=symbols_of(symbols))

    async def orders(self) -> Feed[OrderUpdate]:
        """Follow the account's orders; the open ones come first."""
        return await self._follow("orders", read_orders)

    async def fills(self) -> Feed[Fill]:
        """Follow the account's fills from now on."""
        return await self._follow("fills", read_fills)

    async def balance_changes(self) -> Feed[Balance]:
        """Follow the account's balances; what they are now comes first."""
        return await self._follow("balances", read_balances)

    async def positions(self) -> Feed[Position]:
        """Follow the account's positions; what they are now comes first."""
        return await self._follow("positions", read_positions)

    async def risk(self) -> Feed[RiskNotice]:
        """Follow the limits, states and kill switches that bind the account."""
        return await self._follow("risk", read_risk)

    async def status(self, *symbols: str) -> Feed[StatusUpdate]:
        """Follow the status of some instruments; what it is now comes first."""
        return await self._follow("status", read_status, symbols=symbols_of(symbols))

    async def _follow(
        self, channel: str, read: Callable[[Message], list[Item]], **params: object
    ) -> Feed[Item]:
        feed = Feed({"channel": channel, **params}, read, self._link.leave)
        await self._link.join(feed)
        return feed
