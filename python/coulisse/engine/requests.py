"""Requests inside the process: the native protocol over a `LocalSession`, as calls one awaits.

The same requests, checks, rejects and replies as a client's over the network; only the socket is
missing. `TradingEngine` and the simulated traders work through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from coulisse.domain.errors import NodeFailed
from coulisse.domain.outcomes import Rejected
from coulisse.domain.requests import decode_message, encode_request, read_reply
from coulisse.engine.ports import Session

Result = dict[str, object]
REQUESTS_MAX = 4_096
"""Requests of one session that may wait for their replies at one time."""
_OVERLOADED = Rejected(
    code="OVERLOADED",
    message=f"{REQUESTS_MAX} requests of this session wait already",
    state="not_sent",
)


class Requests:
    """One account's session inside the process."""

    def __init__(
        self,
        open_session: Callable[[Callable[[bytes], None]], Session],
        on_feed: Callable[[Result], None] | None = None,
    ) -> None:
        """Open the session; messages of channels go to `on_feed`."""
        self._replies: dict[int, asyncio.Future[Result]] = {}
        self._posted: dict[int, Callable[[Rejected], None]] = {}
        self._on_feed = on_feed
        self._last_id = 0
        self._closed = False
        self._session = open_session(self._on_message)

    async def call(self, op: str, params: Mapping[str, object]) -> Result | Rejected:
        """Send one request; return its result or why it was refused, once that is durable.

        Cancelling the wait does not take the request back. Raises `NodeFailed` when the node
        stops first.
        """
        if self._closed:
            raise NodeFailed("the node has stopped")
        if len(self._replies) >= REQUESTS_MAX:
            return _OVERLOADED
        self._last_id += 1
        number = self._last_id
        reply: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            self._session.request(encode_request(number, op, params))
            message = await reply
        finally:
            self._replies.pop(number, None)
        return read_reply(message)

    def post(
        self,
        op: str,
        params: Mapping[str, object],
        on_refused: Callable[[Rejected], None] | None = None,
    ) -> None:
        """Send one request without waiting; hear of it again only if it is refused.

        Past `REQUESTS_MAX` that are under way, nobody hears of it any more.
        """
        if self._closed:
            return
        self._last_id += 1
        if on_refused is not None and len(self._posted) < REQUESTS_MAX:
            self._posted[self._last_id] = on_refused
        self._session.request(encode_request(self._last_id, op, params))

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for a reply."""
        return not self._replies

    def close(self, reason: str = "the node has stopped") -> None:
        """End the session; whoever waits gets `NodeFailed`. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._session.close()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(NodeFailed(reason))

    def _on_message(self, text: bytes) -> None:
        message = decode_message(text)
        number = message.get("id")
        if isinstance(number, int):
            self._on_reply(number, message)
        elif self._on_feed is not None:
            self._on_feed(message)

    def _on_reply(self, number: int, message: Result) -> None:
        reply = self._replies.get(number)
        if reply is not None and not reply.done():
            reply.set_result(message)
        on_refused = self._posted.pop(number, None)
        if on_refused is not None:
            outcome = read_reply(message)
            if isinstance(outcome, Rejected):
                on_refused(outcome)
