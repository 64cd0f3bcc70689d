"""`Link`: one connection to a node that is made again whenever it is lost, and what hangs on it.

Requests wait for a connection; what was subscribed is subscribed again on the next one: books from
a new image, private channels from where they stopped.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from coulisse.client import sharing
from coulisse.client.credentials import Credentials
from coulisse.client.feeds import Book, Feed, Item
from coulisse.client.session import Reply, Session, not_connected
from coulisse.domain.errors import ConnectionLost, FeedBroken, LogonFailed, Refused
from coulisse.domain.outcomes import Rejected, Unknown

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
ASK_ATTEMPTS: Final = 3


class Link:
    """The connection of a client."""

    def __init__(self, credentials: Credentials, timeout_s: float, deflate: bool = False) -> None:
        """Prepare; `start` connects. A request waits `timeout_s` seconds at most.

        With `deflate` each connection asks for compressed messages.
        """
        self.credentials = credentials
        self._deflate = deflate
        self.reconnect_count = 0
        self._timeout_s = timeout_s
        self._session: Session | None = None
        self._feeds: list[Feed[Any]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._fault: Exception | None = None
        self._jitter = random.Random(secrets.randbits(64))

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

    async def join(self, feed: Feed[Item]) -> None:
        """Subscribe a feed. Raises `Refused` or `ConnectionLost`."""
        # Listed before the request goes out: the image comes right behind the reply.
        self._feeds.append(feed)
        try:
            feed.began_at(_seq(await self.ask("subscribe", feed.params)))
        except (Refused, ConnectionLost):
            self._feeds.remove(feed)
            raise

    async def join_book(self, feed: Feed[Book]) -> None:
        """Subscribe a book. Raises `Refused`, also where it is followed at another depth."""
        sharing.check_depth(feed, self._feeds)
        await self.join(feed)

    def leave(self, feed: Feed[Item]) -> None:
        """End a feed, and what it alone was subscribed to."""
        if feed not in self._feeds:
            return
        self._feeds.remove(feed)
        params = sharing.params_to_leave(feed, self._feeds)
        if self._session is not None and params is not None:
            self._session.post("unsubscribe", params)

    def restart(self, feed: Feed[Book]) -> None:
        """Subscribe a book again, which is to ask for an image."""
        if self._session is not None:
            self._session.post("subscribe", feed.params)

    async def ask(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> dict[str, object]:
        """Ask for what only reads, or carries a request id: again where the connection is lost.

        Raises `Refused` or `ConnectionLost`.
        """
        for _ in range(ASK_ATTEMPTS):
            reply = await self.request(op, params, account)
            if isinstance(reply, Rejected):
                raise Refused(reply)
            if not isinstance(reply, Unknown):
                return reply
        raise ConnectionLost("the connection was lost before the answer came")

    async def ask_once(
        self,
        op: str,
        params: Mapping[str, object],
        request_id: str | None,
        account: str | None = None,
    ) -> dict[str, object]:
        """Ask for what is done once under its id, drawn where none is given; None is left out.

        Raises `Refused` or `ConnectionLost`.
        """
        given = {name: value for name, value in params.items() if value is not None}
        named = {"request_id": request_id or secrets.token_hex(16), **given}
        return await self.ask(op, named, account)

    async def change_password(self, password: str, new_password: str) -> None:
        """Change the own password, and log on with the new one. Raises `Refused`, `ConnectionLost`.

        Asked once: where the connection is lost meanwhile, either password may hold.
        """
        params = {"password": password, "new_password": new_password}
        reply = await self.request("password.change", params)
        if isinstance(reply, Rejected):
            raise Refused(reply)
        if isinstance(reply, Unknown):
            raise ConnectionLost("the connection was lost before the answer came")
        if self.credentials.scheme == "password":
            self.credentials = replace(self.credentials, private_key=new_password)

    async def request(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> Reply:
        """Send one request and return what became of it."""
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
        session = Session(self._on_feed, self._deflate)
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
                await self.ask("subscribe", place)
            except Refused as error:
                if sharing.begins_anew(feed, error):
                    anew = {name: value for name, value in place.items() if name != "from_seq"}
                    await self.ask("subscribe", anew)
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


def _seq(result: Mapping[str, object]) -> int:
    return int(str(result["seq"]))
