"""One logged-on connection: requests matched with their replies, feeds with their messages.

It lives as long as its WebSocket. `Client` makes a new one when this one ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from coulisse.client.credentials import Credentials
from coulisse.client.keys import sign_logon
from coulisse.client.wire import Wire, open_wire
from coulisse.domain.errors import ConnectionLost, LogonFailed
from coulisse.domain.outcomes import Rejected, Unknown
from coulisse.domain.requests import decode_message, encode_request, read_reply

Message = Mapping[str, object]
Reply = dict[str, object] | Rejected | Unknown
REQUESTS_MAX = 10_000
"""Requests of one session that may wait for their replies at one time."""
LOGON_TIMEOUT_S = 5.0
TRY_AGAIN = frozenset({"RETRY_LOGON", "RATE_LIMITED", "OVERLOADED", "SHUTTING_DOWN"})
"""What a logon may be told that is better a little later."""


class Session:
    """A connection from hello to its end."""

    def __init__(self, on_feed: Callable[[Message], None], deflate: bool = False) -> None:
        """Give messages of channels to `on_feed`; with `deflate`, ask for compressed ones."""
        self._on_feed = on_feed
        self._deflate = deflate
        self._wire: Wire | None = None
        self._replies: dict[int, asyncio.Future[Message]] = {}
        self._last_id = 0
        self._hello: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self.end_reason = ""
        self._refreshing: asyncio.TimerHandle | None = None

    async def open(self, credentials: Credentials) -> None:
        """Connect, wait for the hello, log on if there is a key.

        Raises `ConnectionLost`, and `LogonFailed` where trying again is of no use.
        """
        async with asyncio.timeout(LOGON_TIMEOUT_S):
            self._wire = await open_wire(
                credentials.ws_url, credentials.host, self._on_text, self._on_end, self._deflate
            )
            hello = await self._hello
            if credentials.private_key is not None:
                await self._log_on(credentials, str(hello["nonce"]))

    async def _log_on(self, credentials: Credentials, nonce: str) -> None:
        secret, name = credentials.private_key, credentials.key_id
        assert secret is not None, "there is something to prove it with"
        if credentials.scheme == "password":
            opened = await self._prove(
                credentials, "session.open", {"name": name, "password": secret}
            )
            params = {"token": opened["token"]}
            await self._prove(credentials, "session.logon", params)
            life_us = int(str(opened["expire_time"])) - int(str(opened["t_out"]))
            self._refresh_in(life_us / 2_000_000)
        elif credentials.scheme == "token":
            await self._prove(credentials, "session.logon", {"token": secret})
        else:
            assert name is not None, "a key has a name"
            signature = sign_logon(
                secret, host=credentials.host, key_id=name, nonce=nonce, scheme=credentials.scheme
            )
            params = {"key_id": name, "signature": signature}
            await self._prove(credentials, "session.logon", params)

    async def _prove(
        self, credentials: Credentials, op: str, params: Mapping[str, object]
    ) -> dict[str, object]:
        reply = await self.request(op, params)
        if isinstance(reply, Unknown):
            raise ConnectionLost(self.end_reason)
        if not isinstance(reply, Rejected):
            return reply
        if reply.code in TRY_AGAIN:
            raise ConnectionLost(str(reply))
        raise LogonFailed(f"{credentials.http_url}, key {credentials.key_id}: {reply}")

    def _refresh_in(self, interval_s: float) -> None:
        """Ask for more time, again and again; when there is none left, the connection ends."""

        def refresh() -> None:
            self.post("session.refresh", {})
            self._refresh_in(interval_s)

        if not self.ended.is_set():
            loop = asyncio.get_running_loop()
            self._refreshing = loop.call_later(interval_s, refresh)

    async def request(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> Reply:
        """Send one request and return what became of it.

        Cancelling the wait does not take the request back: treat it as `Unknown` then.
        """
        if self._wire is None or not self._wire.is_open:
            return not_connected(self.end_reason)
        if len(self._replies) >= REQUESTS_MAX:
            message = f"{REQUESTS_MAX} requests wait for their replies already"
            return Rejected("OVERLOADED", message, "not_sent")
        self._last_id += 1
        number = self._last_id
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            self._wire.send(encode_request(number, op, params, account))
            message_of = await reply
        except ConnectionLost:
            return _unknown(params)
        finally:
            self._replies.pop(number, None)
        return read_reply(message_of)

    def post(self, op: str, params: Mapping[str, object]) -> None:
        """Send one request whose reply nobody waits for."""
        if self._wire is not None and self._wire.is_open:
            self._last_id += 1
            self._wire.send(encode_request(self._last_id, op, params))

    def close(self) -> None:
        """End the connection from this side."""
        if self._wire is not None:
            self._wire.close()

    def _on_text(self, text: bytes) -> None:
        message = decode_message(text)
        number = message.get("id")
        if isinstance(number, int):
            reply = self._replies.get(number)
            if reply is not None and not reply.done():
                reply.set_result(message)
        elif message.get("ch") == "session":
            if message.get("type") == "hello" and not self._hello.done():
                self._hello.set_result(message)
        else:
            self._on_feed(message)

    def _on_end(self, reason: str) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
        self.end_reason = reason
        for waiting in (self._hello, *self._replies.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionLost(reason))
        if self._hello.done() and not self._hello.cancelled():
            # Nobody may be waiting for the hello any more; its fault has been seen by us.
            self._hello.exception()
        self.ended.set()


def not_connected(reason: str) -> Rejected:
    """Return the outcome of a request for which there was no connection."""
    message = f"not sent: {reason or 'there is no connection'}"
    return Rejected("NOT_CONNECTED", message, "not_sent")


def _unknown(params: Mapping[str, object]) -> Unknown:
    client_order_id = params.get("client_order_id")
    return Unknown(str(client_order_id) if client_order_id else None)
