"""The id of an HTTP request: in the answer, and in every line of the log that the request causes.

A client, or a proxy in front, may give one in `X-Request-Id`; where it gives none, or one that is
not plain, one is drawn. Orders have ids of their own, which stand in the log of commands.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from coulisse.telemetry.logs import said_with

HEADER: Final = b"x-request-id"
PLAIN: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
DRAWN_BYTES: Final = 8


def with_request_ids(app: ASGIApp) -> ASGIApp:
    """Return `app` whose answers and lines of the log have an id of their request."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        drawn = secrets.token_hex(DRAWN_BYTES).encode()
        request_id = given if PLAIN.fullmatch(given) else drawn

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, request_id)]
            await send(message)

        with said_with(request_id=request_id.decode()):
            await app(scope, receive, named)

    return answer
