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

import asyncio
import random
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from coulisse.client import sharing
from coulisse.client.credentials import Credentials, find_credentials
from coulisse.client.feeds import (
    BookFeed,
    Feed,
    Item,
    TradesReader,
    read_balances,
    read_fills,
    read_orders,
)
from coulisse.client.local_book import LocalBook
from coulisse.client.session import Reply, Session, not_connected
from coulisse.domain.errors import ConnectionLost, FeedBroken, LogonFailed, Refused
from coulisse.domain.money import Number, as_text
from coulisse.domain.orders import (
    Balance,
    Fill,
    Order,
    OrderUpdate,
    Trade,
    balance_from_wire,
    order_from_wire,
)
from coulisse.domain.outcomes import (
    CancelAllResult,
    OrderResult,
    Rejected,
    Unknown,
    order_result_from_wire,
)
from coulisse.domain.requests import place_params
from coulisse.domain.symbols import wire_symbol

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 10.0
ASK_ATTEMPTS: Final = 3
Outcome = OrderResult | Rejected | Unknown


class Client:
    """An async client of one node."""

    def __init__(
        self, credentials: Credentials, *, request_timeout_s: float = REQUEST_TIMEOUT_S
    ) -> None:
        """Prepare; `start` connects. A request waits `request_timeout_s` seconds at most."""
        self.credentials = credentials
        self.reconnect_count = 0
        self._timeout_s = request_timeout_s
        self._session: Session | None = None
        self._feeds: list[Feed[Any]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._fault: Exception | None = None
        self._jitter = random.Random(secrets.randbits(64))

    @classmethod
    async def connect(
        cls,
        url: str | None = None,
        *,
        key_id: str | None = None,
        private_key: str | None = None,
        credentials: Credentials | Path | str | None = None,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Client:
        """Connect, and log on if there is a key.

        Without arguments: `COULISSE_URL`, `COULISSE_KEY_FILE`, then the running demo.
        Raises `ConnectionLost`, `LogonFailed`, `NoCredentials`.
        """
        if isinstance(credentials, Credentials):
            found = credentials
        elif key_id is not None and private_key is not None and url is not None:
            found = Credentials(url, key_id, private_key)
        else:
            found = find_credentials(url, credentials)
        client = cls(found, request_timeout_s=request_timeout_s)
        await client.start()
        return client

    async def start(self) -> None:
        """Connect for the first time. Raises `ConnectionLost` or `LogonFailed`."""
        assert self._keeper is None, "a client starts once"
        await self._open_session()
        # The one task of a client: owned by it from here to `close`, which waits for its end.
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())

    async def close(self) -> None:
        """Disconnect; feeds end. Idempotent."""
        keeper, self._keeper = self._keeper, None
        self._fault = self._fault or ConnectionLost("the client was closed")
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        if self._session is not None:
            self._session.close()
        self._end_feeds(self._fault)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def place(
        self,
        symbol: str,
        side: str,
        qty: Number | None = None,
        *,
        price: Number | None = None,
        type: str | None = None,  # the protocol's word
        tif: str | None = None,
        notional: Number | None = None,
        post_only: bool | None = None,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> Outcome:
        """Place an order; without a price it is a market order.

        A client order id is drawn where none is given. After `Unknown`, call again with the id it
        carries: an order is never placed twice under one id.
        """
        params = place_params(
            {
                "symbol": symbol, "side": side, "type": type, "tif": tif, "qty": qty,
                "price": price, "notional": notional, "post_only": post_only,
                "client_order_id": client_order_id or secrets.token_hex(10),
            }
        )  # fmt: skip
        return _order_outcome(await self._request("order.place", params, account))

    async def cancel(
        self,
        order_id: int | None = None,
        *,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> Outcome:
        """Cancel one order, named by its id or by the client's id."""
        params = _order_ref(order_id, client_order_id)
        return _order_outcome(await self._request("order.cancel", params, account))

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
        params = _order_ref(order_id, client_order_id)
        given = {"qty": qty, "price": price}
        params |= {name: as_text(number) for name, number in given.items() if number is not None}
        return _order_outcome(await self._request("order.amend", params, account))

    async def cancel_all(
        self, symbol: str | None = None, *, account: str | None = None
    ) -> CancelAllResult | Rejected | Unknown:
        """Cancel all orders of the account, or those in one instrument."""
        params = {} if symbol is None else {"symbol": wire_symbol(symbol)}
        reply = await self._request("order.cancel_all", params, account)
        if isinstance(reply, Rejected | Unknown):
            return reply
        return CancelAllResult(int(str(reply["count"])), int(str(reply["seq"])))

    async def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the account's open orders. Raises `Refused` or `ConnectionLost`."""
        params = {} if symbol is None else {"symbol": wire_symbol(symbol)}
        result = await self._ask("orders.open", params)
        return [order_from_wire(item) for item in _list(result, "orders")]

    async def balances(self) -> dict[str, Balance]:
        """Return the account's balances by asset. Raises `Refused` or `ConnectionLost`."""
        result = await self._ask("balances.get", {})
        found = [balance_from_wire(item) for item in _list(result, "balances")]
        return {balance.asset: balance for balance in found}

    async def deposit(
        self, account: str, asset: str, qty: Number, *, request_id: str | None = None
    ) -> None:
        """Credit an account from outside; needs an admin key. Raises `Refused`, `ConnectionLost`.

        With the same request id it is done once, however often it is asked for.
        """
        params = {
            "asset": asset, "qty": as_text(qty), "request_id": request_id or secrets.token_hex(16)
        }  # fmt: skip
        await self._ask("account.deposit", params, account)

    async def book(self, symbol: str, depth: int = 50) -> BookFeed:
        """Follow a book: each step of the feed is the checked `LocalBook` one message later.

        A connection has one depth of each book: while another feed follows the symbol at another
        depth, this raises `Refused`.
        """
        feed = BookFeed(wire_symbol(symbol), depth, self._leave, self._restart)
        sharing.check_depth(feed, self._feeds)
        await self._join(feed)
        return feed

    async def trades(self, *symbols: str) -> Feed[Trade]:
        """Follow the trades of some instruments; the latest ones come first."""
        names = list(dict.fromkeys(wire_symbol(symbol) for symbol in symbols))
        params: dict[str, object] = {"channel": "trades", "symbols": names}
        feed = Feed(params, TradesReader().read, self._leave)
        await self._join(feed)
        return feed

    async def orders(self) -> Feed[OrderUpdate]:
        """Follow the account's orders; the open ones come first."""
        feed = Feed({"channel": "orders"}, read_orders, self._leave)
        await self._join(feed)
        return feed

    async def fills(self) -> Feed[Fill]:
        """Follow the account's fills from now on."""
        feed = Feed({"channel": "fills"}, read_fills, self._leave)
        await self._join(feed)
        return feed

    async def balance_changes(self) -> Feed[Balance]:
        """Follow the account's balances; what they are now comes first."""
        feed = Feed({"channel": "balances"}, read_balances, self._leave)
        await self._join(feed)
        return feed

    async def _join(self, feed: Feed[Item]) -> None:
        # Listed before the request goes out: the image comes right behind the reply.
        self._feeds.append(feed)
        try:
            feed.began_at(_seq(await self._ask("subscribe", feed.params)))
        except (Refused, ConnectionLost):
            self._feeds.remove(feed)
            raise

    def _leave(self, feed: Feed[Item]) -> None:
        if feed not in self._feeds:
            return
        self._feeds.remove(feed)
        params = sharing.params_to_leave(feed, self._feeds)
        if self._session is not None and params is not None:
            self._session.post("unsubscribe", params)

    def _restart(self, feed: Feed[LocalBook]) -> None:
        # To subscribe again is to ask for an image.
        if self._session is not None:
            self._session.post("subscribe", feed.params)

    async def _ask(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> dict[str, object]:
        # What only reads, or carries a request id, may be asked again on a new connection.
        for _ in range(ASK_ATTEMPTS):
            reply = await self._request(op, params, account)
            if isinstance(reply, Rejected):
                raise Refused(reply)
            if not isinstance(reply, Unknown):
                return reply
        raise ConnectionLost("the connection was lost before the answer came")

    async def _request(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> Reply:
        if self._fault is None and self._session is not None and self._session.ended.is_set():
            # The keeper has not seen it yet: what is asked now waits for the next connection.
            self._ready.clear()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return not_connected(f"no connection within {self._timeout_s} s")
        if self._fault is not None or self._session is None:
            return not_connected(str(self._fault))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._session.request(op, params, account)
        except TimeoutError:
            client_order_id = params.get("client_order_id")
            return Unknown(str(client_order_id) if client_order_id else None)

    def _on_feed(self, message: Mapping[str, object]) -> None:
        for feed in self._feeds:
            if feed.wants(message):
                feed.push(message)

    async def _open_session(self) -> None:
        session = Session(self._on_feed)
        try:
            await session.open(self.credentials)
        except TimeoutError:
            session.close()
            raise ConnectionLost(f"{self.credentials.http_url}: no answer") from None
        except (ConnectionLost, LogonFailed):
            session.close()
            raise
        self._session = session
        self._ready.set()

    async def _keep_connected(self) -> None:
        while self._fault is None:
            assert self._session is not None, "a session was open before"
            await self._session.ended.wait()
            self._ready.clear()
            await self._reconnect()

    async def _reconnect(self) -> None:
        pause_s = BACKOFF_FIRST_S
        while True:
            # Full jitter: after a restart, a thousand clients do not come back in one wave.
            await asyncio.sleep(self._jitter.uniform(0, pause_s))
            pause_s = min(2 * pause_s, BACKOFF_MAX_S)
            try:
                await self._open_session()
                self.reconnect_count += 1
                await self._resubscribe()
                return
            except LogonFailed as error:
                self._fault = error
                self._ready.set()
                self._end_feeds(error)
                return
            except ConnectionLost:
                continue

    async def _resubscribe(self) -> None:
        for feed, place in sharing.places_to_go_on_from(self._feeds):
            try:
                await self._ask("subscribe", place)
            except Refused as error:
                if sharing.begins_anew(feed, error):
                    await self._ask("subscribe", feed.params)
                    continue
                # Fills have no image: what was missed is missing, and must be said.
                since = f"{feed.channel} since seq {feed.last_seq} were missed: {error}"
                feed.fail(FeedBroken(since))
                if feed in self._feeds:
                    self._feeds.remove(feed)

    def _end_feeds(self, fault: Exception) -> None:
        for feed in self._feeds:
            feed.fail(fault)
        self._feeds.clear()


def _order_outcome(reply: Reply) -> Outcome:
    return reply if isinstance(reply, Rejected | Unknown) else order_result_from_wire(reply)


def _order_ref(order_id: int | None, client_order_id: str | None) -> dict[str, object]:
    params: dict[str, object] = {}
    if order_id is not None:
        params["order_id"] = str(order_id)
    if client_order_id is not None:
        params["client_order_id"] = client_order_id
    return params


def _seq(result: Mapping[str, object]) -> int:
    return int(str(result["seq"]))


def _list(result: Mapping[str, object], name: str) -> Iterable[Mapping[str, object]]:
    items = result[name]
    assert isinstance(items, list), f"{name} is a list"
    return items
